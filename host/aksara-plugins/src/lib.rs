//! The plugin host: components in a folder, loaded, limited, called, reloaded.
//!
//! A plugin is one WebAssembly component. [`Engine`] compiles it and asks it to describe itself, which makes a
//! [`Revision`]; [`Plugins`] watches a folder and keeps a [`PluginSet`] of the revisions that serve. Each call gets a
//! fresh instance with a budget of its own.
//!
//! This crate knows no ORM and no SQL: payloads are bytes, and whoever embeds it implements [`Application`].

mod absent;
mod access;
mod addresses;
mod allowance;
mod application;
mod bindings;
mod budget;
mod cache;
mod call;
mod checks;
mod engine;
mod error;
mod folder;
mod http;
mod imports;
mod inspect;
mod keyvalue;
mod limits;
mod loading;
mod options;
mod plugins;
mod policy;
mod quarantine;
mod reuse;
mod revision;
mod rules;
mod script;
mod set;
mod shape;
mod state;
mod text;
mod wasi;
mod watch;

pub use absent::Absent;
pub use access::{Access, Fields, Heard};
pub use allowance::Allowance;
pub use application::{Answer, Application};
pub use cache::CacheFolder;
pub use call::{CallContext, Called};
pub use checks::BUILT_IN_SIGNALS;
pub use engine::Engine;
pub use error::{CallError, Fault, FaultKind, LoadError};
pub use inspect::{DESCRIPTION_SECTION, Inspection, inspect};
pub use keyvalue::{KeyPage, KeyValue, MemoryStore, Stored};
#[cfg(feature = "redis")]
pub use keyvalue::{RedisConnectError, RedisStore};
pub use limits::{Deadline, Limits};
pub use options::PluginsOptions;
pub use plugins::Plugins;
pub use policy::{
    Profile, path as policy_path, problem as policy_problem, without_end as policy_without_end,
};
pub use quarantine::{Quarantine, Then};
pub use reuse::Reuse;
pub use revision::Revision;
pub use set::{Handlers, Listener, PluginHandler, PluginSet, PluginStatus, Serving};
pub use text::{ERROR_TEXT_BYTES_MAX, shown};
