//! What authors of Aksara plugins in Rust depend on.
//!
//! A plugin is a set of handlers. A handler is a function over a struct of just the fields that it needs; what it
//! changes in that struct, and nothing else, goes back to the host.
//!
//! ```
//! use aksara_guest::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Post {
//!     title: String,
//!     slug: String,
//! }
//!
//! #[pre_save("Post", writes("slug"), priority = 10)]
//! fn generate_slug(post: &mut Post) -> Result {
//!     if post.title.is_empty() {
//!         return Err(invalid("title", "is empty"));
//!     }
//!     if post.slug.is_empty() {
//!         post.slug = post.title.to_lowercase().replace(' ', "-");
//!         log::info!(slug = post.slug; "made a slug for `{}`", post.title);
//!     }
//!     Ok(())
//! }
//!
//! plugin!(generate_slug);
//! # fn main() {}
//! ```
//!
//! `aksara build` makes a component of such a crate (`crate-type = ["cdylib", "rlib"]`); `cargo test` tests it
//! natively, with [`testing`] in place of the host.
//!
//! # How model fields appear
//!
//! | model field | in the struct |
//! |---|---|
//! | integers, floats, `bool`, `String` | the same |
//! | nullable | `Option<..>` of it |
//! | `DateTime<Utc>` | [`Timestamp`]; chrono's own serde form is text, which the host does not take for a time |
//! | `NaiveDate` | `String`, `YYYY-MM-DD`; `chrono::NaiveDate` has the same form |
//! | `Uuid` | `uuid::Uuid` with its feature `serde`, or `Vec<u8>` (16 bytes) |
//! | `Decimal` | `String`; `rust_decimal::Decimal` with its feature `serde-with-str` has the same form |
//! | bytes | `Vec<u8>` |
//! | JSON | [`Value`], or a type of one's own |
//! | foreign key | the key of the row it points to |
//!
//! A struct with `#[serde(flatten)]`, and [`Map`], which holds any model's fields, have no list of fields: their
//! handlers are sent all of them, unless `reads(..)` names some.
//!
//! # Without `std`
//!
//! The crate needs `core` and `alloc` alone. Its feature `std`, which is on by default, has a panic's text written to
//! the log; a plugin with `default-features = false` may be `#![no_std]`, and has an allocator and a panic handler of
//! its own.
//!
//! This crate knows the wire contract; what the bytes mean is in `aksara-wire`, and what a plugin is allowed is the
//! host's business.

#![no_std]

extern crate alloc;
#[cfg(any(feature = "std", not(target_family = "wasm")))]
extern crate std;

pub mod bus;
pub mod cache;
mod collect;
pub mod config;
mod error;
mod event;
mod fields;
mod handler;
mod host;
pub mod http;
pub mod log;
pub mod models;
mod plugin;
pub mod services;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[cfg(target_family = "wasm")]
mod wasi_http;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;

pub use aksara_guest_macros::{on, post_delete, post_save, pre_delete, pre_save};
pub use aksara_wire::{
    Description, Failure, Grants, Map, ModelOperation, Patch, Reply, RequestError, Subscription, Timestamp,
    TimestampError, Value, When,
};
pub use error::{Error, Outcome, Result, invalid, reject};
pub use event::{Change, Event};
pub use handler::Handler;
pub use plugin::{Asked, Plugin, PluginHandler};

/// What a plugin's source begins with: `use aksara_guest::prelude::*;`.
pub mod prelude {
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        Event, Map, Result, Timestamp, Value, bus, cache, config, invalid, log, map, models, on, plugin,
        post_delete, post_save, pre_delete, pre_save, reject, services,
    };
}

/// A [`Map`] of fields: `map! { "title": "Hello", "views": 0, "author": Value::Nil }`.
#[macro_export]
macro_rules! map {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::__private::map::<$crate::__private::String, $crate::Value>([
            $(($name.into(), $crate::Value::from($value))),*
        ])
    };
}

/// What the generated code names. No part of the API.
#[doc(hidden)]
pub mod __private {
    pub use alloc::format;
    pub use alloc::string::String;
    pub use alloc::vec::Vec;

    #[cfg(target_family = "wasm")]
    pub use crate::bindings;
    pub use crate::collect::{map, names};
    pub use crate::fields::fields_of;
    pub use crate::handler::{change, hear, look};
    pub use aksara_wire::to_value;
}
