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
mod custom;
#[cfg(feature = "plugins")]
mod declare;
mod dispatch;
mod event;
mod explain;
mod kind;
mod muting;
mod operation;
mod payloads;
mod registry;
mod surroundings;
mod update_fields;
mod watch;

use crate::BoxError;

pub(crate) use connect::default_id;
pub use connect::{
    AfterCommitSignal, AfterRollbackSignal, M2mChangedSignal, PostBulkCreateSignal, PostBulkUpdateSignal,
    PostDeleteSignal, PostInitSignal, PostSaveSignal, PreBulkCreateSignal, PreBulkUpdateSignal,
    PreDeleteSignal, PreInitSignal, PreSaveSignal, after_commit, after_rollback, m2m_changed,
    post_bulk_create, post_bulk_update, post_delete, post_init, post_save, pre_bulk_create, pre_bulk_update,
    pre_delete, pre_init, pre_save,
};
#[doc(hidden)]
pub use connect::{
    HandlerEntry, HandlerOptions, register_after_commit, register_after_rollback, register_m2m_changed,
    register_post_bulk_create, register_post_bulk_update, register_post_delete, register_post_init,
    register_post_save, register_pre_bulk_create, register_pre_bulk_update, register_pre_delete,
    register_pre_init, register_pre_save,
};
pub use custom::{Custom, Signal};
#[cfg(feature = "plugins")]
pub(crate) use custom::{Recipients, send_custom, send_custom_robust};
#[cfg(feature = "plugins")]
pub(crate) use declare::typed;
pub use dispatch::{DepthExceeded, Level, Outcome};
pub(crate) use dispatch::{Panic, check_outside_handler, send, send_robust};
#[cfg(feature = "plugins")]
pub(crate) use event::Arguments;
pub use event::{AnyModel, Origin, RelationAction, Sender};
pub(crate) use event::{Details, Event, Handler, Place, RelationChange, Subject, Written};
pub use explain::{Explained, explain};
pub use kind::SignalKind;
pub use muting::SignalContext;
pub(crate) use operation::Operation;
pub use payloads::{
    AfterCommit, AfterRollback, M2mChanged, PostBulkCreate, PostBulkUpdate, PostDelete, PostInit, PostSave,
    PreBulkCreate, PreBulkUpdate, PreDelete, PreInit, PreSave,
};
#[cfg(feature = "plugins")]
pub(crate) use registry::next_order;
pub use registry::{Connection, ScopedConnection};
pub(crate) use registry::{connect_attributed, is_heard};
pub(crate) use surroundings::Surroundings;
pub use update_fields::UpdateFields;
pub(crate) use update_fields::written_changes;
pub use watch::Captured;
pub(crate) use watch::{capture, mock};

/// What a native handler returns. Any error may be returned with `?`; it stops the rest and undoes the operation.
pub type HandlerResult = Result<(), BoxError>;

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
