//! Sending: the handlers of one event, one after the other.

use std::any::Any;
use std::fmt;
use std::iter::Peekable;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::event::{Event, Handler};
use super::muting::is_muted;
use super::{BoxError, Rejection, SignalKind, registry, watch};
use crate::Error;
use crate::db::Shared;
use crate::instance::AnyInstance;
use crate::plugins::PluginSet;
use crate::transaction::{BoxFuture, Scope};
use crate::validate::ValidationErrors;
use crate::value::Shown;

tokio::task_local! {
    /// The handler that this code runs in.
    static RUNNING: Arc<Running>;
}

/// A handler under way, and the one inside of which its signal was fired.
pub(super) struct Running {
    /// `None` for what follows the end of a transaction of the handlers around it: they hold no database any more.
    level: Option<Level>,
    depth: u32,
    database: usize,
    parent: Option<Arc<Running>>,
}

/// One level of signals fired from inside handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Name of the signal.
    pub signal: &'static str,
    /// Label of the model.
    pub sender: &'static str,
    /// Id of the handler.
    pub handler: String,
}

/// Handlers that save fired signals that fired signals, past the limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DepthExceeded {
    /// The limit.
    pub depth_max: u32,
    /// The signal that would have gone too deep.
    pub signal: &'static str,
    /// Its sender.
    pub sender: &'static str,
    /// The handlers that led there, outermost first.
    pub chain: Vec<Level>,
}

impl fmt::Display for DepthExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signals are nested deeper than {}: ", self.depth_max)?;
        for Level { signal, sender, handler } in &self.chain {
            write!(f, "{signal} of `{sender}` in `{handler}` -> ")?;
        }
        write!(f, "{} of `{}`; a handler must not save what fires it again", self.signal, self.sender)
    }
}

pub(super) fn running() -> Option<Arc<Running>> {
    RUNNING.try_with(Arc::clone).ok()
}

/// Runs what follows the end of a transaction of this handler: as deep as the handler is, with the database free.
pub(super) async fn after_the_end<F: Future>(handler: Option<Arc<Running>>, run: F) -> F::Output {
    let Some(handler) = handler else { return run.await };
    let ended = Running { level: None, depth: handler.depth, database: FREE, parent: Some(handler) };
    RUNNING.scope(Arc::new(ended), run).await
}

/// The database of a handler that holds none.
const FREE: usize = 0;

fn identity(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}

/// An error when this code runs in a handler of the same database, which has its own transaction to use.
pub(crate) fn check_outside_handler(shared: &Arc<Shared>) -> Result<(), Error> {
    let running = running();
    let around = std::iter::successors(running.as_deref(), |running| running.parent.as_deref());
    let mut holders = around.map_while(|running| Some((running.database, running.level.as_ref()?)));
    match holders.find(|(database, _)| *database == identity(shared)) {
        Some((_, Level { signal, sender, handler })) => {
            Err(Error::PoolInHandler { handler: handler.clone(), signal, sender })
        }
        None => Ok(()),
    }
}

/// Sends the event to every handler of its signal, in order, until the first error.
pub(crate) async fn send(event: &mut Event<'_>, plugins: Option<&Arc<PluginSet>>) -> Result<(), Error> {
    for_each(event, plugins, With::Others, |_, result| result).await
}

/// Sends the event to every handler of its signal, in order, whatever becomes of the others; what became of each. An error
/// is logged, and undoes what its handler wrote.
pub(crate) async fn send_robust(event: &mut Event<'_>, plugins: Option<&Arc<PluginSet>>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let sent = for_each(event, plugins, With::Savepoint, |handler, result| {
        if let Err(error) = &result {
            tracing::error!(handler = handler.id(), %error, "a handler failed; the others go on");
        }
        outcomes.push(Outcome { handler: handler.id().to_owned(), result });
        Ok(())
    });
    if let Err(error) = sent.await {
        tracing::error!(%error, "a signal was not sent");
        outcomes.push(Outcome { handler: String::new(), result: Err(error) });
    }
    outcomes
}

/// What became of one handler of a robust send.
#[derive(Debug)]
pub struct Outcome {
    /// Id of the handler; empty when the signal was not sent at all.
    pub handler: String,
    /// What it returned.
    pub result: Result<(), Error>,
}

/// What is undone when a handler fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    /// What the other handlers did, too: by the caller.
    Others,
    /// What it did itself.
    Savepoint,
}

async fn for_each(
    event: &mut Event<'_>,
    plugins: Option<&Arc<PluginSet>>,
    with: With,
    mut ended: impl FnMut(&dyn Handler, Result<(), Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    let native = registry::handlers(event.signal, event.sender, event.meta);
    let native = native.as_deref().unwrap_or_default();
    let plugins = plugins.map(|set| set.handlers(event.signal.name(), event.sender));
    let mut plugins = plugins.into_iter().flatten().peekable();
    if is_muted(event.meta.map(|meta| meta.label)) {
        return Ok(());
    }
    let parent = running();
    event.depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
    watch::see(event);
    if native.is_empty() && plugins.peek().is_none() {
        return Ok(());
    }
    if event.depth > event.db.shared.depth_max {
        return Err(too_deep(event, parent.as_deref()).into());
    }
    let mut native = native;
    while let Some(handler) = next(&mut native, &mut plugins) {
        if handler.wants(event) {
            let result = match watch::mocked(handler.id(), event) {
                Some(mocked) => mocked,
                None if with == With::Savepoint && event.db.in_transaction() => {
                    call_alone(handler, event, parent.clone()).await
                }
                None => call(handler, event, parent.clone()).await,
            };
            ended(handler, result)?;
        }
    }
    Ok(())
}

/// Takes the handler that comes first off two lists that are in order.
fn next<'a, P: Handler + 'a>(
    native: &mut &'a [Arc<dyn Handler>],
    plugins: &mut Peekable<impl Iterator<Item = &'a Arc<P>>>,
) -> Option<&'a dyn Handler> {
    let native_is_first = match (native.first(), plugins.peek()) {
        (Some(native), Some(plugin)) => native.place() <= plugin.place(),
        (native, _) => native.is_some(),
    };
    if native_is_first {
        native.split_off_first().map(|handler| &**handler)
    } else {
        plugins.next().map(|handler| &**handler as &dyn Handler)
    }
}

/// Calls the handler in a savepoint, which its error undoes.
fn call_alone<'a>(
    handler: &'a dyn Handler,
    event: &'a mut Event<'_>,
    parent: Option<Arc<Running>>,
) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move {
        let scope = Scope::enter(event.db).await?;
        let mut inside = event.within(scope.db());
        let result = call(handler, &mut inside, parent).await;
        event.encoded = inside.encoded;
        let ((), after) = scope.finish(result).await?;
        after.run().await;
        Ok(())
    })
}

async fn call(
    handler: &dyn Handler,
    event: &mut Event<'_>,
    parent: Option<Arc<Running>>,
) -> Result<(), Error> {
    let (signal, sender) = (event.signal, event.sender);
    let level = Level { signal: signal.name(), sender, handler: handler.id().to_owned() };
    // Outside of a transaction, as after its end or while rows are read, the handler holds no connection.
    let database = if event.db.in_transaction() { identity(&event.db.shared) } else { FREE };
    let running = Running { level: Some(level), depth: event.depth, database, parent };
    let debug = tracing::enabled!(tracing::Level::DEBUG) && signal.may_change();
    let before = event.instance().filter(|_| debug).map(|instance| instance.snapshot());
    let handled = RUNNING.scope(Arc::new(running), async { handler.handle(event).await });
    let result = match AssertUnwindSafe(handled).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(blame(Box::new(Panic::new(&*panic)), handler.id(), signal, sender)),
    };
    if let (Ok(()), Some(before), Some(after)) = (&result, before, event.instance()) {
        tell_changes(handler, signal, &*before, after);
    }
    result
}

/// Says at debug level what a handler has changed.
fn tell_changes(
    handler: &dyn Handler,
    signal: SignalKind,
    before: &dyn AnyInstance,
    after: &dyn AnyInstance,
) {
    let meta = after.meta();
    for (index, field) in meta.fields.iter().enumerate() {
        let (old, new) = (before.value(index), after.value(index));
        if old != new {
            let (signal, sender, handler) = (signal.name(), meta.label, handler.id());
            let (field, old, new) = (field.name, Shown(&old), Shown(&new));
            tracing::debug!(signal, sender, handler, field, %old, %new, "a handler changed a field");
        }
    }
}

fn too_deep(event: &Event<'_>, parent: Option<&Running>) -> DepthExceeded {
    let mut chain: Vec<Level> = std::iter::successors(parent, |running| running.parent.as_deref())
        .filter_map(|running| running.level.clone())
        .collect();
    chain.reverse();
    DepthExceeded {
        depth_max: event.db.shared.depth_max,
        signal: event.signal.name(),
        sender: event.sender,
        chain,
    }
}

/// A native handler's error with the handler's id and the signal attached; refusals keep their own kind.
pub(super) fn blame(error: BoxError, handler: &str, signal: SignalKind, sender: &'static str) -> Error {
    let error = match error.downcast::<ValidationErrors>() {
        Ok(mut errors) => {
            errors.model = sender.to_owned();
            return Error::Validation(*errors);
        }
        Err(error) => error,
    };
    let signal = signal.name();
    match error.downcast::<Rejection>() {
        Ok(rejection) => {
            let handler = format!("handler `{handler}`");
            Error::Rejected { handler, signal, sender, message: rejection.0 }
        }
        Err(error) => match error.downcast::<Error>() {
            // The chain is in the error already.
            Ok(error) if matches!(*error, Error::Depth(_)) => *error,
            Ok(error) => Error::Handler { handler: handler.to_owned(), signal, sender, source: error },
            Err(source) => Error::Handler { handler: handler.to_owned(), signal, sender, source },
        },
    }
}

/// A panic, as an error.
#[derive(Debug, thiserror::Error)]
#[error("it panicked: {0}")]
pub(crate) struct Panic(String);

impl Panic {
    pub(crate) fn new(panic: &(dyn Any + Send)) -> Self {
        Panic(match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
            (Some(text), _) => (*text).to_owned(),
            (_, Some(text)) => text.clone(),
            _ => "no message".to_owned(),
        })
    }
}
