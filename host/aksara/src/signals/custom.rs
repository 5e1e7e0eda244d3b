//! Custom signals: declared by the application, with arguments that the compiler checks.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::connect::{Connecting, connect, default_id};
use super::dispatch::Outcome;
use super::event::{Arguments, Details, Event, Subject};
use super::registry::{self, Connection};
use super::{HandlerResult, Operation, SignalKind, watch};
use crate::instance::AnyInstance;
use crate::meta::ModelMeta;
use crate::plugins::PluginSet;
use crate::transaction::{BoxFuture, Scope};
use crate::{Db, Error, Instance, Model};

/// A custom signal. The fields of `A` are its arguments: native senders get them from the compiler, plugins by name.
///
/// ```
/// use aksara::prelude::*;
/// use aksara::signals::Signal;
///
/// #[derive(serde::Serialize)]
/// struct PaymentProcessed {
///     amount: f64,
///     currency: String,
/// }
///
/// static PAYMENT_PROCESSED: Signal<PaymentProcessed> = Signal::new("billing.payment_processed");
///
/// # #[derive(Model, Clone)] struct Order { #[field(primary_key)] id: i64 }
/// # async fn example(db: &Db, order: &mut Instance<Order>) -> Result<(), aksara::Error> {
/// PAYMENT_PROCESSED.connect(|event| {
///     Box::pin(async move {
///         println!("payment of {} {}", event.args.amount, event.args.currency);
///         Ok(())
///     })
/// });
/// let args = PaymentProcessed { amount: 99.99, currency: "USD".into() };
/// PAYMENT_PROCESSED.send_for(db, order, args).await
/// # }
/// ```
#[derive(Debug)]
pub struct Signal<A> {
    name: &'static str,
    arguments: PhantomData<fn() -> A>,
}

/// What a handler of a custom signal gets.
#[non_exhaustive]
pub struct Custom<'a, A> {
    /// The arguments.
    pub args: &'a A,
    /// The instance that it was sent for, if any.
    pub instance: Option<&'a dyn AnyInstance>,
    /// The database or transaction in which it was sent, and the handler's only way to the database.
    pub db: &'a Db,
    /// Id of the send, a UUIDv7.
    pub operation: Uuid,
    /// 0 for a send of the application, one more for each signal fired from inside a handler.
    pub depth: u32,
}

struct Typed<A>(A);

impl<A: Serialize + Send + Sync + 'static> Arguments for Typed<A> {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        &self.0
    }

    #[cfg(feature = "plugins")]
    fn to_wire(&self) -> aksara_wire::Map {
        match aksara_wire::to_value(&self.0) {
            Ok(aksara_wire::Value::Map(map)) => map,
            _ => aksara_wire::Map::new(),
        }
    }
}

impl<A: Serialize + Send + Sync + 'static> Signal<A> {
    /// A signal with this name, by which plugins subscribe to it: `billing.payment_processed`. The point in it tells it
    /// from the built-in ones.
    pub const fn new(name: &'static str) -> Self {
        Signal { name, arguments: PhantomData }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> SignalKind {
        SignalKind::Custom(self.name)
    }

    /// Connects a handler for every sender, from the next send on.
    #[track_caller]
    pub fn connect<F>(&self, handler: F) -> Connection
    where
        F: for<'a> Fn(Custom<'a, A>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
    {
        self.connect_at(Connecting::new(None), Location::caller(), handler)
    }

    /// Connects a handler with this priority and id; the same id keeps the first.
    #[track_caller]
    pub fn connect_with<F>(&self, priority: i32, dispatch_uid: Option<&str>, handler: F) -> Connection
    where
        F: for<'a> Fn(Custom<'a, A>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
    {
        let mut connecting = Connecting::new(None);
        connecting.priority = priority;
        connecting.dispatch_uid = dispatch_uid.map(str::to_owned);
        self.connect_at(connecting, Location::caller(), handler)
    }

    fn connect_at<F>(
        &self,
        connecting: Connecting,
        location: &'static Location<'static>,
        handler: F,
    ) -> Connection
    where
        F: for<'a> Fn(Custom<'a, A>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
    {
        fn call<'a, A: 'static, F>(handler: &'a F, event: &'a mut Event<'_>) -> BoxFuture<'a, HandlerResult>
        where
            F: for<'b> Fn(Custom<'b, A>) -> BoxFuture<'b, HandlerResult>,
        {
            let Details::Custom(arguments) = event.details else {
                unreachable!("a custom signal has arguments")
            };
            let Some(args) = arguments.as_any().downcast_ref::<A>() else {
                let name = event.signal.name();
                return Box::pin(std::future::ready(Err(format!(
                    "the signal `{name}` was sent with other arguments than this handler takes: two signals have one name"
                )
                .into())));
            };
            let operation = event.operation.id();
            handler(Custom { args, instance: event.instance(), db: event.db, operation, depth: event.depth })
        }
        connect(self.kind(), connecting, location, handler, call::<A, F>)
    }

    /// Disconnects the handler that was connected without an id of its own; whether there was one.
    pub fn disconnect<F>(&self, handler: F) -> bool
    where
        F: for<'a> Fn(Custom<'a, A>) -> BoxFuture<'a, HandlerResult> + Send + Sync + 'static,
    {
        drop(handler);
        self.disconnect_id(&default_id::<F>(u64::MAX))
    }

    /// Disconnects the handler with this id; whether there was one.
    pub fn disconnect_id(&self, id: &str) -> bool {
        registry::disconnect(self.kind(), &[None], id)
    }

    /// Whether any native handler hears it.
    pub fn has_handlers(&self) -> bool {
        registry::has_handlers(self.kind(), None)
    }

    /// Sends the signal to its handlers, one after the other, until the first error. They run in the transaction of
    /// `db`, or in one of their own, which an error undoes.
    ///
    /// # Errors
    /// That of the handler, as of any signal.
    pub async fn send(&self, db: &Db, args: A) -> Result<(), Error> {
        self.sent(db, None, args).await
    }

    /// As [`send`](Self::send), for an instance: its model is the sender.
    ///
    /// # Errors
    /// That of the handler, as of any signal.
    pub async fn send_for<M: Model>(
        &self,
        db: &Db,
        instance: &mut Instance<M>,
        args: A,
    ) -> Result<(), Error> {
        self.sent(db, Some(instance), args).await
    }

    /// Sends the signal to all its handlers, whatever becomes of the others; what became of each, in order. An error is
    /// logged, and undoes what its handler wrote.
    ///
    /// # Errors
    /// [`Error::Database`] when no transaction can be had.
    pub async fn send_robust(&self, db: &Db, args: A) -> Result<Vec<Outcome>, Error> {
        self.sent_robust(db, None, args).await
    }

    /// As [`send_robust`](Self::send_robust), for an instance: its model is the sender.
    ///
    /// # Errors
    /// [`Error::Database`] when no transaction can be had.
    pub async fn send_robust_for<M: Model>(
        &self,
        db: &Db,
        instance: &mut Instance<M>,
        args: A,
    ) -> Result<Vec<Outcome>, Error> {
        self.sent_robust(db, Some(instance), args).await
    }

    async fn sent(&self, db: &Db, instance: Option<&mut dyn AnyInstance>, args: A) -> Result<(), Error> {
        let args = Typed(args);
        send_custom(db, Recipients { signal: self.kind(), sender: None, instance, args: &args }).await
    }

    async fn sent_robust(
        &self,
        db: &Db,
        instance: Option<&mut dyn AnyInstance>,
        args: A,
    ) -> Result<Vec<Outcome>, Error> {
        let args = Typed(args);
        send_custom_robust(db, Recipients { signal: self.kind(), sender: None, instance, args: &args }).await
    }
}

/// A custom signal that is to be sent, and for what.
pub(crate) struct Recipients<'a> {
    pub(crate) signal: SignalKind,
    /// The sender, where there is no instance to say it.
    pub(crate) sender: Option<&'static ModelMeta>,
    pub(crate) instance: Option<&'a mut dyn AnyInstance>,
    pub(crate) args: &'a dyn Arguments,
}

impl<'a> Recipients<'a> {
    fn meta(&self) -> Option<&'static ModelMeta> {
        self.instance.as_ref().map(|instance| instance.meta()).or(self.sender)
    }

    /// Whether anybody hears it: native handlers, or plugins of this database.
    fn are_there(&self, db: &Db) -> bool {
        if watch::is_capturing() {
            return true;
        }
        let sender = self.meta().map_or("", |meta| meta.label);
        let by_plugins = |set: &Arc<PluginSet>| !set.handlers(self.signal.name(), sender).is_empty();
        registry::handlers(self.signal, sender, None).is_some()
            || db.plugin_set().as_ref().is_some_and(by_plugins)
    }

    fn event(self, db: &'a Db, operation: &'a Operation) -> Event<'a> {
        let details = Details::Custom(self.args);
        let meta = self.meta();
        match self.instance {
            Some(instance) => Event::one(self.signal, (db, operation), instance, details),
            None => Event::new(
                self.signal,
                (db, operation),
                (meta.map_or("", |meta| meta.label), meta),
                Subject::Nothing,
                details,
            ),
        }
    }
}

/// Sends a custom signal until the first error, which undoes what the handlers did.
pub(crate) async fn send_custom(db: &Db, recipients: Recipients<'_>) -> Result<(), Error> {
    if !recipients.are_there(db) {
        return Ok(());
    }
    let scope = Scope::enter(db).await?;
    let operation = Operation::new();
    let mut event = recipients.event(scope.db(), &operation);
    let sent = super::send(&mut event, db.plugin_set().as_ref()).await;
    let ((), after) = scope.finish(sent).await?;
    after.run().await;
    Ok(())
}

/// Sends a custom signal to all its handlers, whatever becomes of the others.
pub(crate) async fn send_custom_robust(db: &Db, recipients: Recipients<'_>) -> Result<Vec<Outcome>, Error> {
    if !recipients.are_there(db) {
        return Ok(Vec::new());
    }
    let scope = Scope::enter(db).await?;
    let operation = Operation::new();
    let mut event = recipients.event(scope.db(), &operation);
    let outcomes = super::send_robust(&mut event, db.plugin_set().as_ref()).await;
    let (outcomes, after) = scope.finish(Ok::<_, Error>(outcomes)).await?;
    after.run().await;
    Ok(outcomes)
}
