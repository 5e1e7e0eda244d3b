//! Signals: named events in the life of an instance, and the handlers that hear them.
//!
//! ```
//! use aksara::prelude::*;
//! # #[derive(Model, Clone)] struct Post { #[field(primary_key)] id: i64, title: String, slug: String }
//!
//! #[pre_save(Post)]
//! async fn generate_slug(event: PreSave<'_, Post>) -> HandlerResult {
//!     if event.instance.slug.is_empty() {
//!         event.instance.slug = event.instance.title.to_lowercase().replace(' ', "-");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Handlers run one at a time, higher priority first, then in order of connection; native handlers and plugins share
//! one order. They run in the transaction of the operation: the first error stops the rest and undoes it.

mod connect;
mod dispatch;
mod event;
mod registry;
mod update_fields;

use crate::BoxError;

#[doc(hidden)]
pub use connect::{
    HandlerEntry, HandlerOptions, register_post_delete, register_post_save, register_pre_delete,
    register_pre_save,
};
pub use connect::{
    PostDeleteSignal, PostSaveSignal, PreDeleteSignal, PreSaveSignal, post_delete, post_save, pre_delete,
    pre_save,
};
pub use dispatch::{DepthExceeded, Level};
pub(crate) use dispatch::{Panic, check_outside_handler, send};
pub use event::{AnyModel, Origin, PostDelete, PostSave, PreDelete, PreSave, Sender};
pub(crate) use event::{Details, Event, Handler, Place};
#[cfg(feature = "plugins")]
pub(crate) use registry::next_order;
pub use registry::{Connection, ScopedConnection};
pub(crate) use registry::{connect_attributed, is_heard};
pub use update_fields::UpdateFields;

/// What a native handler returns. Any error may be returned with `?`; it stops the rest and undoes the operation.
pub type HandlerResult = Result<(), BoxError>;

/// The signals that the ORM itself fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Before INSERT or UPDATE; handlers may change the instance.
    PreSave,
    /// After the SQL, before the commit.
    PostSave,
    /// Before DELETE, for each instance of the cascade.
    PreDelete,
    /// After DELETE, for each instance of the cascade.
    PostDelete,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Signal; 4] = [Signal::PreSave, Signal::PostSave, Signal::PreDelete, Signal::PostDelete];

    /// The signal's name, as handlers and plugins know it.
    pub fn name(self) -> &'static str {
        match self {
            Signal::PreSave => "pre_save",
            Signal::PostSave => "post_save",
            Signal::PreDelete => "pre_delete",
            Signal::PostDelete => "post_delete",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A handler's refusal, made with [`reject`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Rejection(String);

/// Refuses the operation: `return Err(reject("the blog is closed"))`. The caller sees [`Error::Rejected`].
///
/// [`Error::Rejected`]: crate::Error::Rejected
pub fn reject(message: impl Into<String>) -> BoxError {
    Box::new(Rejection(message.into()))
}

/// Says that the instance is not valid: `return Err(invalid("title", "is taken"))`. The caller sees
/// [`Error::Validation`].
///
/// [`Error::Validation`]: crate::Error::Validation
pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> BoxError {
    Box::new(crate::ValidationErrors::field(field, message))
}
