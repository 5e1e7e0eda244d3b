//! Connecting native handlers, by attribute and by hand.

use std::sync::Arc;

use super::event::{AnyModel, Event, Handler, Place, PostDelete, PostSave, PreDelete, PreSave, Sender};
use super::registry::{self, Connection};
use super::{HandlerResult, Signal, dispatch};
use crate::Error;
use crate::meta::ModelMeta;
use crate::transaction::BoxFuture;

/// What an attribute says besides its senders.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
pub struct HandlerOptions {
    pub priority: i32,
    pub dispatch_uid: Option<&'static str>,
}

/// A handler with an attribute; connected when the first database is opened.
#[doc(hidden)]
pub struct HandlerEntry {
    pub register: fn(),
}

inventory::collect!(HandlerEntry);

/// A native handler.
struct Native<F> {
    id: String,
    place: Place,
    handler: F,
}

/// The id of a handler that was given none: the path of its function. Closures of one function share a path; one that
/// captures something has no identity of its own, so that each connection of it is a new one.
fn default_id<F: 'static>(order: u64) -> String {
    let path = std::any::type_name::<F>();
    if size_of::<F>() != 0 {
        return format!("{path}#{order}");
    }
    match path.contains("{{closure}}") {
        true => format!("{path}#{:?}", std::any::TypeId::of::<F>()),
        false => path.to_owned(),
    }
}

macro_rules! signals {
    ($($signal:ident $event:ident $builder:ident $connect:ident $register:ident $adapter:ident;)*) => {$(
        #[doc = concat!("`", stringify!($connect), "`, to connect and disconnect handlers by hand; `S` is a model, or")]
        #[doc = "[`AnyModel`](super::AnyModel)."]
        #[derive(Debug)]
        pub struct $builder<S: Sender> {
            senders: Vec<Option<&'static ModelMeta>>,
            priority: i32,
            dispatch_uid: Option<String>,
            types: std::marker::PhantomData<fn() -> S>,
        }

        #[doc = concat!("The signal `", stringify!($connect), "` of `S`: `", stringify!($connect), "::<Post>().connect(handler)`.")]
        pub fn $connect<S: Sender>() -> $builder<S> {
            $builder {
                senders: vec![S::sender()],
                priority: 0,
                dispatch_uid: None,
                types: std::marker::PhantomData,
            }
        }

        impl $builder<AnyModel> {
            /// Only these models.
            pub fn senders(self, senders: &[&'static ModelMeta]) -> Self {
                self.only(senders)
            }
        }

        impl<S: Sender> $builder<S> {
            fn only(mut self, senders: &[&'static ModelMeta]) -> Self {
                self.senders = senders.iter().copied().map(Some).collect();
                self
            }

            /// Higher runs first; 0 unless given.
            pub fn priority(mut self, priority: i32) -> Self {
                self.priority = priority;
                self
            }

            /// The handler's stable id; the path of its function unless given.
            pub fn dispatch_uid(mut self, id: impl Into<String>) -> Self {
                self.dispatch_uid = Some(id.into());
                self
            }

            /// Connects the handler from the next send on. The same id for the same sender keeps the first.
            ///
            /// The handler is a function with `#[handler]`, or a closure that returns a boxed future:
            /// `|event| Box::pin(async move { .. })`.
            pub fn connect<F>(self, handler: F) -> Connection
            where
                F: for<'a> Fn($event<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            {
                let order = registry::next_order();
                let id = self.dispatch_uid.unwrap_or_else(|| default_id::<F>(order));
                let place = (std::cmp::Reverse(self.priority), order);
                let native = Native { id, place, handler };
                let handler: Arc<dyn Handler> = Arc::new($adapter::<S, F>(native, std::marker::PhantomData));
                registry::connect(Signal::$signal, self.senders, handler)
            }

            /// Disconnects the handler that was connected without an id of its own; whether there was one.
            pub fn disconnect<F>(self, handler: F) -> bool
            where
                F: for<'a> Fn($event<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            {
                drop(handler);
                // A closure that captures something is not found by any order.
                self.disconnect_id(&default_id::<F>(u64::MAX))
            }

            /// Disconnects the handler with this id; whether there was one.
            pub fn disconnect_id(self, id: &str) -> bool {
                registry::disconnect(Signal::$signal, &self.senders, id)
            }
        }

        struct $adapter<S, F>(Native<F>, std::marker::PhantomData<fn() -> S>);

        impl<S, F> Handler for $adapter<S, F>
        where
            S: Sender,
            F: for<'a> Fn($event<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
        {
            fn id(&self) -> &str {
                &self.0.id
            }

            fn place(&self) -> Place {
                self.0.place
            }

            fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
                let meta = event.meta;
                let future = (self.0.handler)($event::of(event));
                Box::pin(async move {
                    future.await.map_err(|error| dispatch::blame(error, &self.0.id, Signal::$signal, meta))
                })
            }
        }

        #[doc(hidden)]
        pub fn $register<S: Sender>(
            senders: &[&'static ModelMeta],
            handler: impl for<'a> Fn($event<'a, S>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
            options: HandlerOptions,
        ) {
            let mut signal = $connect::<S>().priority(options.priority);
            if !senders.is_empty() {
                signal = signal.only(senders);
            }
            if let Some(id) = options.dispatch_uid {
                signal = signal.dispatch_uid(id);
            }
            signal.connect(handler);
        }
    )*};
}
signals! {
    PreSave PreSave PreSaveSignal pre_save register_pre_save PreSaveHandler;
    PostSave PostSave PostSaveSignal post_save register_post_save PostSaveHandler;
    PreDelete PreDelete PreDeleteSignal pre_delete register_pre_delete PreDeleteHandler;
    PostDelete PostDelete PostDeleteSignal post_delete register_post_delete PostDeleteHandler;
}
