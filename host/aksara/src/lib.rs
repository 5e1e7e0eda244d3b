//! Aksara: an async ORM whose model signals run anywhere.
//!
//! Models are Rust structs. Whoever wants to react to a save, change it before it is written, or refuse it, writes a
//! handler: a Rust function, or a plugin in any language that compiles to WebAssembly.
//!
//! Read `save.rs` first: everything else serves it. One `save()` goes
//! [`Model`] -> payload -> MessagePack -> component -> patch -> SQL.

// The derive names `::aksara`, also inside this crate's own tests.
extern crate self as aksara;

mod beyond;
mod bound;
mod bulk;
mod catalog;
mod check;
mod collect;
mod column;
mod condition;
mod db;
mod decimal;
mod delete;
mod driver;
mod error;
mod expression;
mod field;
mod fixtures;
mod fk;
mod follow;
mod init;
mod instance;
mod leaves;
mod lock;
mod meta;
mod model;
mod options;
mod or_create;
mod overflow;
mod plugins;
mod query;
mod raw;
mod relation;
mod row;
#[cfg(feature = "sqlite")]
mod same_file;
mod save;
mod schema;
mod secret;
mod select;
#[cfg(feature = "plugins")]
mod services;
pub mod signals;
mod statements;
mod stream;
pub mod testing;
mod transaction;
mod update;
mod uuids;
mod validate;
mod value;
mod violation;
mod whole;

/// The dynamic value of a field, as the database and handlers for all models see it.
pub use sea_query::Value;

#[doc(inline)]
pub use aksara_macros::Model;
#[cfg(feature = "plugins")]
pub use aksara_plugins::{
    KeyPage, KeyValue, Limits, LoadError, MemoryStore, PluginStatus, Plugins, PluginsOptions, Profile,
    Serving, Stored,
};
#[cfg(feature = "redis")]
pub use aksara_plugins::{RedisConnectError, RedisStore};
pub use check::Difference;
pub use column::{Assignment, Column, F, FExpr, Filter, Number, Operand, Order, Remainder};
pub use db::Db;
pub use delete::Deleted;
pub use driver::Backend;
pub use error::{BoxError, Error};
pub use field::{FieldType, KeyType};
pub use fk::{Fk, NullableFk, OneToOne};
pub use follow::{Follow, prefetch, prefetch_related};
pub use instance::{AnyInstance, AnyInstances, Change, Instance, SetError, State};
pub use meta::{FieldKind, FieldMeta, IndexMeta, JoinMeta, KeySource, ModelMeta, OnDelete, Reference};
pub use model::Model;
pub use options::{DbOptions, Synchronous};
#[cfg(feature = "plugins")]
pub use plugins::open_plugins;
pub use query::Query;
pub use relation::{ManyToMany, Related, Relation, ToKey};
pub use row::Row;
pub use save::SaveOptions;
pub use schema::Models;
pub use select::{Aggregate, Selection, Summable, avg, count, max, min, sum};
pub use transaction::{BoxFuture, Isolation, Transaction, TransactionOptions};
pub use validate::ValidationErrors;
pub use violation::{Constraint, Violation};

/// What almost every file that uses Aksara needs.
pub mod prelude {
    pub use crate::signals::{
        AfterCommit, AfterRollback, AnyModel, HandlerResult, M2mChanged, PostBulkCreate, PostBulkUpdate,
        PostDelete, PostInit, PostSave, PreBulkCreate, PreBulkUpdate, PreDelete, PreInit, PreSave,
        SignalContext, invalid, reject,
    };
    pub use crate::{
        AnyInstance, AnyInstances, Db, F, Fk, Instance, ManyToMany, Model, NullableFk, OneToOne,
        ValidationErrors,
    };
    pub use aksara_macros::{
        after_commit, after_rollback, handler, m2m_changed, post_bulk_create, post_bulk_update, post_delete,
        post_init, post_save, pre_bulk_create, pre_bulk_update, pre_delete, pre_init, pre_save,
    };
}

/// What generated code names. No part of the public interface.
#[doc(hidden)]
pub mod codegen {
    pub use std::sync::atomic::AtomicU32;

    pub use crate::column::Column;
    pub use crate::meta::ModelEntry;
    pub use crate::signals::{
        AnyModel, HandlerEntry, HandlerOptions, HandlerResult, register_after_commit,
        register_after_rollback, register_m2m_changed, register_post_bulk_create, register_post_bulk_update,
        register_post_delete, register_post_init, register_post_save, register_pre_bulk_create,
        register_pre_bulk_update, register_pre_delete, register_pre_init, register_pre_save,
    };
    pub use crate::statements::Statements;
    pub use crate::{
        AnyInstance, BoxFuture, Db, Error, FieldKind, FieldMeta, FieldType, IndexMeta, Instance, JoinMeta,
        KeySource, KeyType, ManyToMany, Model, ModelMeta, OnDelete, Reference, Relation, Row, Value,
    };
    pub use inventory;

    /// Label of a relation, as handlers are connected for it.
    pub fn join_label<M: Model, T: Model>(relation: Relation<M, T>) -> &'static str {
        relation.join().label
    }

    /// A new instance of `M` with its defaults; what a model's metadata points to.
    pub fn new_instance<M: Model>() -> Box<dyn AnyInstance> {
        Box::new(Instance::new(M::default()))
    }

    /// Reads an instance of `M` from a row; what a model's metadata points to.
    pub fn instance_from_row<M: Model>(row: &Row) -> Result<Box<dyn AnyInstance>, Error> {
        Ok(Box::new(Instance::stored(M::from_row(row)?)))
    }
}
