//! Connecting native handlers, by attribute and by hand.

use std::cmp::Reverse;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use super::event::{AnyModel, Event, Handler, Place, Sender};
use super::payloads::{
    AfterCommit, AfterRollback, M2mChanged, PostBulkCreate, PostBulkUpdate, PostDelete, PostInit, PostSave,
    PreBulkCreate, PreBulkUpdate, PreDelete, PreInit, PreSave,
};
use super::registry::{self, Connection, SenderKey};
use super::{HandlerResult, SignalKind, dispatch};
use crate::Error;
use crate::meta::{JoinMeta, ModelMeta};
use crate::transaction::BoxFuture;

/// What an attribute says besides its senders.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct HandlerOptions {
    pub priority: i32,
    pub dispatch_uid: Option<&'static str>,
    pub skip_raw: bool,
    pub exclude: &'static [fn() -> &'static ModelMeta],
    pub location: &'static Location<'static>,
}

/// A handler with an attribute; connected when the first database is opened.
#[doc(hidden)]
pub struct HandlerEntry {
    pub register: fn(),
}

inventory::collect!(HandlerEntry);

/// How a handler is connected.
#[derive(Clone, Debug)]
pub(super) struct Connecting {
    pub(super) senders: Vec<SenderKey>,
    pub(super) priority: i32,
    pub(super) dispatch_uid: Option<String>,
    skip_raw: bool,
    exclude: Vec<&'static str>,
}

impl Connecting {
    pub(super) fn new(sender: SenderKey) -> Self {
        Connecting {
            senders: vec![sender],
            priority: 0,
            dispatch_uid: None,
            skip_raw: false,
            exclude: Vec::new(),
        }
    }
}

/// A native handler. `call` is how a function of one kind of event handles any.
pub(super) struct Native<F, C> {
    id: String,
    place: Place,
    signal: SignalKind,
    skip_raw: bool,
    exclude: Vec<&'static str>,
    location: &'static Location<'static>,
    handler: F,
    call: C,
}

impl<F, C> Handler for Native<F, C>
where
    F: Send + Sync,
    C: for<'a> Fn(&'a F, &'a mut Event<'_>) -> BoxFuture<'a, HandlerResult> + Send + Sync,
{
    fn id(&self) -> &str {
        &self.id
    }

    fn place(&self) -> Place {
        self.place
    }

    fn origin(&self) -> String {
        format!("{}:{}", self.location.file(), self.location.line())
    }

    fn wants(&self, event: &Event<'_>) -> bool {
        let fixtures = self.skip_raw && event.is_raw();
        !fixtures && !self.exclude.contains(&event.sender)
    }

    fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
        let sender = event.sender;
        let future = (self.call)(&self.handler, event);
        Box::pin(async move {
            future.await.map_err(|error| dispatch::blame(error, &self.id, self.signal, sender))
        })
    }
}

/// Connects a handler.
pub(super) fn connect<F, C>(
    signal: SignalKind,
    connecting: Connecting,
    location: &'static Location<'static>,
    handler: F,
    call: C,
) -> Connection
where
    F: Send + Sync + 'static,
    C: for<'a> Fn(&'a F, &'a mut Event<'_>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
{
    let Connecting { senders, priority, dispatch_uid, skip_raw, exclude } = connecting;
    let order = registry::next_order();
    let id = dispatch_uid.unwrap_or_else(|| default_id::<F>(order));
    let place = (Reverse(priority), order);
    let native = Native { id, place, signal, skip_raw, exclude, location, handler, call };
    registry::connect(signal, senders, Arc::new(native))
}

/// The id of a handler that was given none: the path of its function. Closures of one function share a path; one that
/// captures something has no identity of its own, so that each connection of it is a new one.
pub(crate) fn default_id<F: 'static>(order: u64) -> String {
    let path = std::any::type_name::<F>();
    if size_of::<F>() != 0 {
        return format!("{path}#{order}");
    }
    match path.contains("{{closure}}") {
        true => format!("{path}#{:?}", std::any::TypeId::of::<F>()),
        false => path.to_owned(),
    }
}

/// For each built-in signal: the builder to connect handlers with, and the function that makes it.
macro_rules! signals {
    ($($kind:ident $builder:ident $connect:ident $register:ident;)*) => {$(
        #[doc = concat!("`", stringify!($connect), "`, to connect and disconnect handlers by hand; `S` is a model, or")]
        #[doc = "[`AnyModel`]."]
        #[derive(Debug)]
        pub struct $builder<S: Sender> {
            connecting: Connecting,
            types: PhantomData<fn() -> S>,
        }

        #[doc = concat!("The signal `", stringify!($connect), "` of `S`: `", stringify!($connect), "::<Post>().connect(handler)`.")]
        pub fn $connect<S: Sender>() -> $builder<S> {
            $builder { connecting: Connecting::new(S::sender().map(|meta| meta.label)), types: PhantomData }
        }

        impl $builder<AnyModel> {
            /// Only these models.
            pub fn senders(mut self, senders: &[&'static ModelMeta]) -> Self {
                self.connecting.senders = senders.iter().map(|meta| Some(meta.label)).collect();
                self
            }

            /// Every model but these.
            pub fn exclude(mut self, models: &[&'static ModelMeta]) -> Self {
                self.connecting.exclude = models.iter().map(|meta| meta.label).collect();
                self
            }
        }

        impl<S: Sender> $builder<S> {
            /// Higher runs first; 0 unless given.
            pub fn priority(mut self, priority: i32) -> Self {
                self.connecting.priority = priority;
                self
            }

            /// The handler's stable id; the path of its function unless given.
            pub fn dispatch_uid(mut self, id: impl Into<String>) -> Self {
                self.connecting.dispatch_uid = Some(id.into());
                self
            }

            /// The handler is not called while fixtures are loaded.
            pub fn skip_raw(mut self) -> Self {
                self.connecting.skip_raw = true;
                self
            }

            /// Connects the handler from the next send on. The same id for the same sender keeps the first.
            ///
            /// The handler is a function with `#[handler]`, or a closure that returns a boxed future:
            /// `|event| Box::pin(async move { .. })`.
            #[track_caller]
            pub fn connect<F>(self, handler: F) -> Connection
            where
                F: for<'a> Fn($kind<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            {
                self.connect_at(Location::caller(), handler)
            }

            fn connect_at<F>(self, location: &'static Location<'static>, handler: F) -> Connection
            where
                F: for<'a> Fn($kind<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            {
                fn call<'a, S: Sender, F>(handler: &'a F, event: &'a mut Event<'_>) -> BoxFuture<'a, HandlerResult>
                where
                    F: for<'b> Fn($kind<'b, S>) -> BoxFuture<'b, HandlerResult>,
                {
                    handler($kind::of(event))
                }
                connect(SignalKind::$kind, self.connecting, location, handler, call::<S, F>)
            }

            /// Disconnects the handler that was connected without an id of its own; whether there was one.
            pub fn disconnect<F>(self, handler: F) -> bool
            where
                F: for<'a> Fn($kind<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            {
                drop(handler);
                // A closure that captures something is not found by any order.
                self.disconnect_id(&default_id::<F>(u64::MAX))
            }

            /// Disconnects the handler with this id; whether there was one.
            pub fn disconnect_id(self, id: &str) -> bool {
                registry::disconnect(SignalKind::$kind, &self.connecting.senders, id)
            }

            /// Whether any native handler hears this signal of this sender. Plugins are not counted: they belong to a
            /// database.
            pub fn has_handlers(self) -> bool {
                registry::has_handlers(SignalKind::$kind, S::sender())
            }
        }

        #[doc(hidden)]
        pub fn $register<S: Sender>(
            senders: &[SenderKey],
            handler: impl for<'a> Fn($kind<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            options: HandlerOptions,
        ) {
            let mut signal = $connect::<S>().priority(options.priority);
            if !senders.is_empty() {
                signal.connecting.senders = senders.to_vec();
            }
            signal.connecting.dispatch_uid = options.dispatch_uid.map(str::to_owned);
            signal.connecting.skip_raw = options.skip_raw;
            signal.connecting.exclude = options.exclude.iter().map(|meta| meta().label).collect();
            signal.connect_at(options.location, handler);
        }
    )*};
}
signals! {
    PreInit PreInitSignal pre_init register_pre_init;
    PostInit PostInitSignal post_init register_post_init;
    PreSave PreSaveSignal pre_save register_pre_save;
    PostSave PostSaveSignal post_save register_post_save;
    PreDelete PreDeleteSignal pre_delete register_pre_delete;
    PostDelete PostDeleteSignal post_delete register_post_delete;
    PreBulkCreate PreBulkCreateSignal pre_bulk_create register_pre_bulk_create;
    PostBulkCreate PostBulkCreateSignal post_bulk_create register_post_bulk_create;
    PreBulkUpdate PreBulkUpdateSignal pre_bulk_update register_pre_bulk_update;
    PostBulkUpdate PostBulkUpdateSignal post_bulk_update register_post_bulk_update;
    M2mChanged M2mChangedSignal m2m_changed register_m2m_changed;
    AfterCommit AfterCommitSignal after_commit register_after_commit;
    AfterRollback AfterRollbackSignal after_rollback register_after_rollback;
}

impl M2mChangedSignal<AnyModel> {
    /// Only this relation: `m2m_changed().relation(Post::tags)`.
    pub fn relation(mut self, relation: impl Into<&'static JoinMeta>) -> Self {
        self.connecting.senders = vec![Some(relation.into().label)];
        self
    }
}
