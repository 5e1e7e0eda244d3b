//! What native handlers get: one type for each signal.

use uuid::Uuid;

use super::event::{Details, Event, Origin, RelationAction, Sender, Subject};
use super::update_fields::written_changes;
use super::{AnyModel, UpdateFields};
use crate::instance::{AnyInstance, AnyInstances, Change};
use crate::meta::{JoinMeta, ModelMeta};
use crate::{Db, Model, Value};

/// The instance of an event that is about one.
fn one<'a>(subject: &'a mut Subject<'_>) -> &'a mut dyn AnyInstance {
    match subject {
        Subject::One(instance) => &mut **instance,
        _ => unreachable!("the signal is about one instance"),
    }
}

fn many<'a>(subject: &'a mut Subject<'_>) -> &'a mut dyn AnyInstances {
    match subject {
        Subject::Many(instances) => &mut **instances,
        _ => unreachable!("the signal is about several instances"),
    }
}

fn model(meta: Option<&'static ModelMeta>) -> &'static ModelMeta {
    match meta {
        Some(meta) => meta,
        None => unreachable!("only custom signals have no model"),
    }
}

/// Declares the type, with the fields that all have.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[non_exhaustive]
        pub struct $name<'a, S: Sender> {
            $($(#[$field_doc])* pub $field: $type,)*
            /// The model.
            pub sender: &'static ModelMeta,
            /// The transaction in which the signal fires, and the handler's only way to the database. After the end
            /// of a transaction, the database outside of it.
            pub db: &'a Db,
            /// Id of the operation that the event is a part of, a UUIDv7: all signals of one save, of one delete with its
            /// cascade, or of one bulk operation carry the same.
            pub operation: Uuid,
            /// 0 for an operation of the application, one more for each signal fired from inside a handler.
            pub depth: u32,
        }
    };
}

macro_rules! init_payload {
    ($(#[$doc:meta])* $name:ident $($mutable:tt)?) => {
        payload! {
            $(#[$doc])*
            $name {
                /// The instance.
                instance: &'a $($mutable)? S::Instance,
            }
        }

        impl<'a, S: Sender> $name<'a, S> {
            pub(super) fn of(event: &'a mut Event<'_>) -> Self {
                event.encoded.forget();
                let (sender, db, depth) = (model(event.meta), event.db, event.depth);
                let operation = event.operation.id();
                $name { instance: S::instance(one(&mut event.subject)), sender, db, operation, depth }
            }
        }
    };
}
init_payload! {
    /// What a handler of `pre_init` gets: the instance about to be built, whose fields it may change.
    PreInit mut
}
init_payload! {
    /// What a handler of `post_init` gets.
    PostInit
}

payload! {
    /// What a handler of `pre_save` gets.
    PreSave {
        /// The instance about to be written; changes to it are.
        instance: &'a mut S::Instance,
        /// Whether a row will be inserted.
        created: bool,
        /// The fields being written, to which more can be added; `None` for a full save.
        update_fields: Option<&'a mut UpdateFields>,
        /// Whether fixtures are being loaded.
        raw: bool,
    }
}

impl<'a, S: Sender> PreSave<'a, S> {
    pub(super) fn of(event: &'a mut Event<'_>) -> Self {
        // Whatever the handler does to the instance, plugins after it must see.
        event.encoded.forget();
        let Details::Save { created, update_fields, raw } = &mut event.details else {
            unreachable!("a save sends this signal")
        };
        PreSave {
            instance: S::instance(one(&mut event.subject)),
            created: *created,
            update_fields: update_fields.as_deref_mut(),
            raw: *raw,
            sender: model(event.meta),
            db: event.db,
            operation: event.operation.id(),
            depth: event.depth,
        }
    }
}

payload! {
    /// What a handler of `post_save` gets.
    PostSave {
        /// The instance as it was written.
        instance: &'a S::Instance,
        /// Whether a row was inserted.
        created: bool,
        /// The fields that were written; `None` for a full save.
        update_fields: Option<&'a UpdateFields>,
        /// Whether fixtures are being loaded.
        raw: bool,
    }
}

impl<'a, S: Sender> PostSave<'a, S> {
    pub(super) fn of(event: &'a mut Event<'_>) -> Self {
        let Details::Save { created, update_fields, raw } = &event.details else {
            unreachable!("a save sends this signal")
        };
        PostSave {
            instance: S::instance(one(&mut event.subject)),
            created: *created,
            update_fields: update_fields.as_deref(),
            raw: *raw,
            sender: model(event.meta),
            db: event.db,
            operation: event.operation.id(),
            depth: event.depth,
        }
    }
}

impl<M: Model> PostSave<'_, M> {
    /// The fields that were written and differ from what was loaded; a create lists every field.
    pub fn changes(&self) -> Vec<Change> {
        written_changes(self.instance, self.update_fields)
    }
}

impl PostSave<'_, AnyModel> {
    /// The fields that were written and differ from what was loaded; a create lists every field.
    pub fn changes(&self) -> Vec<Change> {
        written_changes(self.instance, self.update_fields)
    }
}

macro_rules! delete_payload {
    ($(#[$doc:meta])* $name:ident) => {
        payload! {
            $(#[$doc])*
            $name {
                /// The instance; its key is still set.
                instance: &'a S::Instance,
                /// What the call was made on.
                origin: Origin,
            }
        }

        impl<'a, S: Sender> $name<'a, S> {
            pub(super) fn of(event: &'a mut Event<'_>) -> Self {
                let Details::Delete { origin } = event.details else { unreachable!("a delete sends this signal") };
                let (sender, db, depth) = (model(event.meta), event.db, event.depth);
                let operation = event.operation.id();
                $name { instance: S::instance(one(&mut event.subject)), origin, sender, db, operation, depth }
            }
        }
    };
}
delete_payload! {
    /// What a handler of `pre_delete` gets.
    PreDelete
}
delete_payload! {
    /// What a handler of `post_delete` gets.
    PostDelete
}

macro_rules! bulk_payload {
    ($(#[$doc:meta])* $name:ident $($mutable:tt)?) => {
        payload! {
            $(#[$doc])*
            $name {
                /// The instances, in the order of the call.
                instances: &'a $($mutable)? S::Instances,
                /// The fields that are written; `None` for `bulk_create`.
                fields: Option<&'a UpdateFields>,
                /// How many rows were changed; `None` before.
                rows: Option<u64>,
            }
        }

        impl<'a, S: Sender> $name<'a, S> {
            pub(super) fn of(event: &'a mut Event<'_>) -> Self {
                event.encoded.forget();
                let Details::Bulk { fields, rows } = event.details else {
                    unreachable!("a bulk operation sends this signal")
                };
                let (sender, db, depth) = (model(event.meta), event.db, event.depth);
                let operation = event.operation.id();
                $name { instances: S::instances(many(&mut event.subject)), fields, rows, sender, db, operation, depth }
            }
        }
    };
}
bulk_payload! {
    /// What a handler of `pre_bulk_create` gets; it may change the instances.
    PreBulkCreate mut
}
bulk_payload! {
    /// What a handler of `post_bulk_create` gets.
    PostBulkCreate
}
bulk_payload! {
    /// What a handler of `pre_bulk_update` gets; it may change the instances.
    PreBulkUpdate mut
}
bulk_payload! {
    /// What a handler of `post_bulk_update` gets.
    PostBulkUpdate
}

payload! {
    /// What a handler of `m2m_changed` gets.
    M2mChanged {
        /// The instance on which the relation is changed: of the other side, when `reverse` is true.
        instance: &'a dyn AnyInstance,
        /// The relation.
        relation: &'static JoinMeta,
        /// What happens to it.
        action: RelationAction,
        /// Whether the change is made from the other side of the relation.
        reverse: bool,
        /// The model of the keys.
        model: &'static ModelMeta,
        /// The keys. Handlers of `pre_add` may change them, others change nothing by it.
        pk_set: &'a mut Vec<Value>,
        /// As what it is heard.
        marker: std::marker::PhantomData<fn() -> S>,
    }
}

impl<'a, S: Sender> M2mChanged<'a, S> {
    pub(super) fn of(event: &'a mut Event<'_>) -> Self {
        event.encoded.forget();
        let Details::Relation(change) = &mut event.details else {
            unreachable!("a relation sends this signal")
        };
        M2mChanged {
            instance: one(&mut event.subject),
            relation: change.join,
            action: change.action,
            reverse: change.reverse,
            model: change.join.keys_of(change.reverse),
            pk_set: change.keys,
            marker: std::marker::PhantomData,
            sender: model(event.meta),
            db: event.db,
            operation: event.operation.id(),
            depth: event.depth,
        }
    }
}

macro_rules! ended_payload {
    ($(#[$doc:meta])* $name:ident) => {
        payload! {
            $(#[$doc])*
            $name {
                /// Key of the instance.
                key: &'a Value,
                /// Whether the transaction created it.
                created: bool,
                /// Whether the transaction deleted it.
                deleted: bool,
                /// What the transaction changed of it, over all its saves.
                changes: &'a [Change],
                /// As what it is heard.
                marker: std::marker::PhantomData<fn() -> S>,
            }
        }

        impl<'a, S: Sender> $name<'a, S> {
            pub(super) fn of(event: &'a mut Event<'_>) -> Self {
                let Details::Ended(written) = event.details else { unreachable!("a transaction sends this signal") };
                $name {
                    key: &written.key,
                    created: written.created,
                    deleted: written.deleted,
                    changes: &written.changes,
                    marker: std::marker::PhantomData,
                    sender: model(event.meta),
                    db: event.db,
                    operation: event.operation.id(),
                    depth: event.depth,
                }
            }
        }
    };
}
ended_payload! {
    /// What a handler of `after_commit` gets, once for each instance that the transaction wrote.
    AfterCommit
}
ended_payload! {
    /// What a handler of `after_rollback` gets, once for each instance that the transaction had written.
    AfterRollback
}
