//! Aksara: an async ORM whose model signals run anywhere.
//!
//! Models are Rust structs. Whoever wants to react to a save, change it before it is written, or refuse it, writes a
//! handler: a Rust function, or a plugin in any language that compiles to WebAssembly.
//!
//! Read `save.rs` first: everything else serves it. One `save()` goes
//! [`Model`] -> payload -> MessagePack -> component -> patch -> SQL.

// The derive names `::aksara`, also inside this crate's own tests.
extern crate self as aksara;

mod bulk;
mod collect;
mod column;
mod db;
mod delete;
mod driver;
mod error;
mod field;
mod fk;
mod instance;
mod meta;
mod model;
mod options;
mod plugins;
mod query;
mod row;
mod save;
mod schema;
pub mod signals;
mod statements;
mod transaction;
mod validate;
mod value;

/// The dynamic value of a field, as the database and handlers for all models see it.
pub use sea_query::Value;

#[doc(inline)]
pub use aksara_macros::Model;
#[cfg(feature = "plugins")]
pub use aksara_plugins::{Limits, LoadError, PluginStatus, Plugins, Serving};
pub use column::{Assignment, Column, F, FExpr, Filter, Operand, Order};
pub use db::Db;
pub use delete::Deleted;
pub use driver::Backend;
pub use error::{BoxError, Constraint, Error};
pub use field::{FieldType, KeyType};
pub use fk::{Fk, NullableFk};
pub use instance::{AnyInstance, Change, Instance, SetError, State};
pub use meta::{FieldKind, FieldMeta, IndexMeta, KeySource, ModelMeta, OnDelete, Reference};
pub use model::Model;
pub use options::{DbOptions, Synchronous};
#[cfg(feature = "plugins")]
pub use plugins::open_plugins;
pub use query::Query;
pub use row::Row;
pub use save::SaveOptions;
pub use schema::Models;
pub use transaction::{BoxFuture, Isolation, Transaction, TransactionOptions};
pub use validate::ValidationErrors;

/// What almost every file that uses Aksara needs.
pub mod prelude {
    pub use crate::signals::{
        AnyModel, HandlerResult, PostDelete, PostSave, PreDelete, PreSave, invalid, reject,
    };
    pub use crate::{AnyInstance, Db, F, Fk, Instance, Model, NullableFk};
    pub use aksara_macros::{handler, post_delete, post_save, pre_delete, pre_save};
}

/// What generated code names. No part of the public interface.
#[doc(hidden)]
pub mod codegen {
    pub use std::sync::atomic::AtomicU32;

    pub use crate::column::Column;
    pub use crate::meta::ModelEntry;
    pub use crate::signals::{
        AnyModel, HandlerEntry, HandlerOptions, HandlerResult, register_post_delete, register_post_save,
        register_pre_delete, register_pre_save,
    };
    pub use crate::statements::Statements;
    pub use crate::{
        AnyInstance, BoxFuture, Db, Error, FieldKind, FieldMeta, FieldType, IndexMeta, Instance, KeySource,
        KeyType, Model, ModelMeta, OnDelete, Reference, Row, Value,
    };
    pub use inventory;

    /// Reads an instance of `M` from a row; what a model's metadata points to.
    pub fn instance_from_row<M: Model>(row: &Row) -> Result<Box<dyn AnyInstance>, Error> {
        Ok(Box::new(Instance::stored(M::from_row(row)?)))
    }
}
