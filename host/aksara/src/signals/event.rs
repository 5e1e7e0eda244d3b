//! Events: one signal on its way through its handlers.

use std::any::Any;
use std::cmp::Reverse;

use uuid::Uuid;

use super::{Operation, SignalKind, UpdateFields};
use crate::instance::{AnyInstance, AnyInstances, Change};
use crate::meta::{JoinMeta, ModelMeta};
use crate::plugins::Encoded;
use crate::transaction::BoxFuture;
use crate::{Db, Error, Instance, Model, Value};

/// A native handler or one subscription of a plugin: the same to the dispatcher.
pub(crate) trait Handler: Send + Sync {
    /// Its stable id.
    fn id(&self) -> &str;

    /// Its place: lower runs first.
    fn place(&self) -> Place;

    /// Where it comes from: file and line, or plugin and revision.
    fn origin(&self) -> String;

    /// Whether it has anything to do with the event; what it does not want costs no call.
    fn wants(&self, event: &Event<'_>) -> bool;

    /// Handles the event. Errors name the handler.
    fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>>;
}

/// Where a handler stands: higher priority first, then order of connection.
pub(crate) type Place = (Reverse<i32>, u64);

/// One signal under way.
pub(crate) struct Event<'a> {
    pub(crate) signal: SignalKind,
    /// Label of the sender: a model, a relation, or nothing for a custom signal without a model.
    pub(crate) sender: &'static str,
    /// The model of the instances; of the owner, for a relation.
    pub(crate) meta: Option<&'static ModelMeta>,
    pub(crate) db: &'a Db,
    /// What it is a part of.
    pub(crate) operation: &'a Operation,
    pub(crate) subject: Subject<'a>,
    pub(crate) details: Details<'a>,
    pub(crate) depth: u32,
    /// The payload for plugins, kept for as long as nobody changes the instance.
    pub(crate) encoded: Encoded,
}

/// What an event is about.
pub(crate) enum Subject<'a> {
    Nothing,
    One(&'a mut dyn AnyInstance),
    Many(&'a mut dyn AnyInstances),
}

/// What belongs to one kind of operation.
pub(crate) enum Details<'a> {
    Init,
    Save { created: bool, update_fields: Option<&'a mut UpdateFields>, raw: bool },
    Delete { origin: Origin },
    Bulk { fields: Option<&'a UpdateFields>, rows: Option<u64> },
    Relation(RelationChange<'a>),
    Ended(&'a Written),
    Custom(&'a dyn Arguments),
}

/// A change of a many-to-many relation.
pub(crate) struct RelationChange<'a> {
    pub(crate) join: &'static JoinMeta,
    pub(crate) action: RelationAction,
    pub(crate) reverse: bool,
    /// The keys of the other side; handlers of `pre_add` may change them.
    pub(crate) keys: &'a mut Vec<Value>,
}

/// What happens to a many-to-many relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationAction {
    /// Before rows are added; handlers may change the keys.
    PreAdd,
    /// After rows were added.
    PostAdd,
    /// Before rows are removed.
    PreRemove,
    /// After rows were removed.
    PostRemove,
    /// Before all rows are removed.
    PreClear,
    /// After all rows were removed.
    PostClear,
}

impl RelationAction {
    /// Its name in payloads.
    pub fn name(self) -> &'static str {
        match self {
            RelationAction::PreAdd => "pre_add",
            RelationAction::PostAdd => "post_add",
            RelationAction::PreRemove => "pre_remove",
            RelationAction::PostRemove => "post_remove",
            RelationAction::PreClear => "pre_clear",
            RelationAction::PostClear => "post_clear",
        }
    }
}

/// What a transaction has done to one instance, over all its operations.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) meta: &'static ModelMeta,
    /// Id of the operation; of the first one that wrote the instance.
    pub(crate) operation: Uuid,
    pub(crate) key: Value,
    pub(crate) created: bool,
    pub(crate) deleted: bool,
    pub(crate) changes: Vec<Change>,
}

impl Written {
    /// Adds what was done to the same instance later.
    pub(crate) fn cumulate(&mut self, later: Written) {
        self.deleted = later.deleted;
        for later in later.changes {
            match self.changes.iter_mut().find(|change| change.field == later.field) {
                Some(change) => change.new = later.new,
                None => self.changes.push(later),
            }
        }
        // What is as it was before the transaction is no change.
        self.changes.retain(|change| change.old.as_ref() != Some(&change.new));
    }
}

/// Arguments of a custom signal: typed for native handlers, and by name for plugins.
pub(crate) trait Arguments: Send + Sync {
    fn as_any(&self) -> &(dyn Any + Send + Sync);

    #[cfg(feature = "plugins")]
    fn to_wire(&self) -> aksara_wire::Map;
}

/// What a delete was called on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One instance.
    Instance,
    /// A query.
    Query,
}

impl Origin {
    /// Its name in payloads.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Instance => "instance",
            Origin::Query => "query",
        }
    }
}

impl<'a> Event<'a> {
    /// An event about one instance.
    pub(crate) fn one(
        signal: SignalKind,
        (db, operation): (&'a Db, &'a Operation),
        instance: &'a mut dyn AnyInstance,
        details: Details<'a>,
    ) -> Self {
        let meta = instance.meta();
        Event::new(signal, (db, operation), (meta.label, Some(meta)), Subject::One(instance), details)
    }

    pub(crate) fn new(
        signal: SignalKind,
        (db, operation): (&'a Db, &'a Operation),
        (sender, meta): (&'static str, Option<&'static ModelMeta>),
        subject: Subject<'a>,
        details: Details<'a>,
    ) -> Self {
        Event { signal, sender, meta, db, operation, subject, details, depth: 0, encoded: Encoded::new() }
    }

    /// The same event inside of a savepoint.
    pub(super) fn within<'b>(&'b mut self, db: &'b Db) -> Event<'b> {
        Event {
            db,
            subject: match &mut self.subject {
                Subject::Nothing => Subject::Nothing,
                Subject::One(instance) => Subject::One(&mut **instance),
                Subject::Many(instances) => Subject::Many(&mut **instances),
            },
            details: match &mut self.details {
                Details::Init => Details::Init,
                Details::Save { created, update_fields, raw } => Details::Save {
                    created: *created,
                    update_fields: update_fields.as_deref_mut(),
                    raw: *raw,
                },
                Details::Delete { origin } => Details::Delete { origin: *origin },
                Details::Bulk { fields, rows } => Details::Bulk { fields: *fields, rows: *rows },
                Details::Relation(RelationChange { join, action, reverse, keys }) => {
                    let (join, action, reverse) = (*join, *action, *reverse);
                    Details::Relation(RelationChange { join, action, reverse, keys })
                }
                Details::Ended(written) => Details::Ended(written),
                Details::Custom(arguments) => Details::Custom(*arguments),
            },
            encoded: std::mem::replace(&mut self.encoded, Encoded::new()),
            ..*self
        }
    }

    /// The instance that the event is about, where it is about one.
    pub(crate) fn instance(&self) -> Option<&dyn AnyInstance> {
        match &self.subject {
            Subject::One(instance) => Some(&**instance),
            _ => None,
        }
    }

    /// Whether fixtures are being loaded.
    pub(crate) fn is_raw(&self) -> bool {
        matches!(self.details, Details::Save { raw: true, .. })
    }
}

/// What a handler can be connected for: one model, or [`AnyModel`].
pub trait Sender: 'static {
    /// How the handler sees the instance.
    type Instance: ?Sized;
    /// How the handler sees several instances.
    type Instances: ?Sized;

    /// The model; `None` for every model.
    fn sender() -> Option<&'static ModelMeta>;

    #[doc(hidden)]
    fn instance(instance: &mut dyn AnyInstance) -> &mut Self::Instance;

    #[doc(hidden)]
    fn instances(instances: &mut dyn AnyInstances) -> &mut Self::Instances;
}

impl<M: Model> Sender for M {
    type Instance = Instance<M>;
    type Instances = [Instance<M>];

    fn sender() -> Option<&'static ModelMeta> {
        Some(M::meta())
    }

    fn instance(instance: &mut dyn AnyInstance) -> &mut Instance<M> {
        let instance: &mut dyn Any = instance;
        match instance.downcast_mut() {
            Some(instance) => instance,
            None => unreachable!("a handler for `{}` is only called for its instances", M::meta().label),
        }
    }

    fn instances(instances: &mut dyn AnyInstances) -> &mut [Instance<M>] {
        let instances: &mut dyn Any = instances;
        match instances.downcast_mut::<Vec<Instance<M>>>() {
            Some(instances) => instances,
            None => unreachable!("a handler for `{}` is only called for its instances", M::meta().label),
        }
    }
}

/// Stands for every model, or several: `PreSave<'_, AnyModel>` has a dynamic instance, with fields by name.
#[derive(Clone, Copy, Debug)]
pub struct AnyModel;

impl Sender for AnyModel {
    type Instance = dyn AnyInstance;
    type Instances = dyn AnyInstances;

    fn sender() -> Option<&'static ModelMeta> {
        None
    }

    fn instance(instance: &mut dyn AnyInstance) -> &mut dyn AnyInstance {
        instance
    }

    fn instances(instances: &mut dyn AnyInstances) -> &mut dyn AnyInstances {
        instances
    }
}
