//! Events: one signal on its way through its handlers, and what each kind of handler sees of it.

use std::any::Any;

use super::{Signal, UpdateFields};
use crate::instance::{AnyInstance, Change};
use crate::meta::ModelMeta;
use crate::plugins::Encoded;
use crate::transaction::BoxFuture;
use crate::{Db, Error, Instance, Model};

/// A native handler or one subscription of a plugin: the same to the dispatcher.
pub(crate) trait Handler: Send + Sync {
    /// Its stable id.
    fn id(&self) -> &str;

    /// Its place: lower runs first.
    fn place(&self) -> Place;

    /// Handles the event. Errors name the handler.
    fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>>;
}

/// Where a handler stands: higher priority first, then order of connection.
pub(crate) type Place = (std::cmp::Reverse<i32>, u64);

/// One signal under way.
pub(crate) struct Event<'a> {
    pub(crate) signal: Signal,
    pub(crate) meta: &'static ModelMeta,
    pub(crate) db: &'a Db,
    pub(crate) instance: &'a mut dyn AnyInstance,
    pub(crate) depth: u32,
    pub(crate) details: Details<'a>,
    /// The payload for plugins, kept for as long as nobody changes the instance.
    pub(crate) encoded: Encoded,
}

/// What belongs to one kind of operation.
pub(crate) enum Details<'a> {
    Save { created: bool, update_fields: Option<&'a mut UpdateFields>, raw: bool },
    Delete { origin: Origin },
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
    pub(crate) fn new(
        signal: Signal,
        db: &'a Db,
        instance: &'a mut dyn AnyInstance,
        details: Details<'a>,
    ) -> Self {
        let meta = instance.meta();
        Event { signal, meta, db, instance, depth: 0, details, encoded: Encoded::new() }
    }
}

/// What a handler can be connected for: one model, or [`AnyModel`].
pub trait Sender: 'static {
    /// How the handler sees the instance.
    type Instance: ?Sized;

    /// The model; `None` for every model.
    fn sender() -> Option<&'static ModelMeta>;

    #[doc(hidden)]
    fn instance(instance: &mut dyn AnyInstance) -> &mut Self::Instance;
}

impl<M: Model> Sender for M {
    type Instance = Instance<M>;

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
}

/// Stands for every model, or several: `PreSave<'_, AnyModel>` has a dynamic instance, with fields by name.
#[derive(Clone, Copy, Debug)]
pub struct AnyModel;

impl Sender for AnyModel {
    type Instance = dyn AnyInstance;

    fn sender() -> Option<&'static ModelMeta> {
        None
    }

    fn instance(instance: &mut dyn AnyInstance) -> &mut dyn AnyInstance {
        instance
    }
}

/// What a handler of `pre_save` gets.
#[non_exhaustive]
pub struct PreSave<'a, S: Sender> {
    /// The instance about to be written; changes to it are.
    pub instance: &'a mut S::Instance,
    /// The model.
    pub sender: &'static ModelMeta,
    /// Whether a row will be inserted.
    pub created: bool,
    /// The fields being written, to which more can be added; `None` for a full save.
    pub update_fields: Option<&'a mut UpdateFields>,
    /// Whether fixtures are being loaded.
    pub raw: bool,
    /// The transaction in which the signal fires, and the handler's only way to the database.
    pub db: &'a Db,
    /// 0 for a save by the application, one more for each signal fired from inside a handler.
    pub depth: u32,
}

/// What a handler of `post_save` gets.
#[non_exhaustive]
pub struct PostSave<'a, S: Sender> {
    /// The instance as it was written.
    pub instance: &'a S::Instance,
    /// The model.
    pub sender: &'static ModelMeta,
    /// Whether a row was inserted.
    pub created: bool,
    /// The fields that were written; `None` for a full save.
    pub update_fields: Option<&'a UpdateFields>,
    /// Whether fixtures are being loaded.
    pub raw: bool,
    /// The transaction in which the signal fires, and the handler's only way to the database.
    pub db: &'a Db,
    /// 0 for a save by the application, one more for each signal fired from inside a handler.
    pub depth: u32,
}

macro_rules! delete_event {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[non_exhaustive]
        pub struct $name<'a, S: Sender> {
            /// The instance; its key is still set.
            pub instance: &'a S::Instance,
            /// The model.
            pub sender: &'static ModelMeta,
            /// What the call was made on.
            pub origin: Origin,
            /// The transaction in which the signal fires, and the handler's only way to the database.
            pub db: &'a Db,
            /// 0 for a delete by the application, one more for each signal fired from inside a handler.
            pub depth: u32,
        }

        impl<'a, S: Sender> $name<'a, S> {
            pub(super) fn of(event: &'a mut Event<'_>) -> Self {
                let Details::Delete { origin } = event.details else { unreachable!("a delete sends this signal") };
                let (sender, db, depth) = (event.meta, event.db, event.depth);
                $name { instance: S::instance(event.instance), sender, origin, db, depth }
            }
        }
    };
}
delete_event! {
    /// What a handler of `pre_delete` gets.
    PreDelete
}
delete_event! {
    /// What a handler of `post_delete` gets.
    PostDelete
}

impl<'a, S: Sender> PreSave<'a, S> {
    pub(super) fn of(event: &'a mut Event<'_>) -> Self {
        // Whatever the handler does to the instance, plugins after it must see.
        event.encoded.forget();
        let Details::Save { created, update_fields, raw } = &mut event.details else {
            unreachable!("a save sends this signal")
        };
        PreSave {
            instance: S::instance(event.instance),
            sender: event.meta,
            created: *created,
            update_fields: update_fields.as_deref_mut(),
            raw: *raw,
            db: event.db,
            depth: event.depth,
        }
    }
}

impl<'a, S: Sender> PostSave<'a, S> {
    pub(super) fn of(event: &'a mut Event<'_>) -> Self {
        let Details::Save { created, update_fields, raw } = &event.details else {
            unreachable!("a save sends this signal")
        };
        PostSave {
            instance: S::instance(event.instance),
            sender: event.meta,
            created: *created,
            update_fields: update_fields.as_deref(),
            raw: *raw,
            db: event.db,
            depth: event.depth,
        }
    }
}

impl<M: Model> PostSave<'_, M> {
    /// The fields that differ from what was loaded; a create lists every field.
    pub fn changes(&self) -> Vec<Change> {
        self.instance.changes()
    }
}

impl PostSave<'_, AnyModel> {
    /// The fields that differ from what was loaded; a create lists every field.
    pub fn changes(&self) -> Vec<Change> {
        self.instance.changes()
    }
}
