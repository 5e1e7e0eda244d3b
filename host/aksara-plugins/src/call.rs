//! One call: an instance, a budget, and a verdict on how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aksara_wire::{DecodeError, Failure, Map, Reply};
use tokio::sync::{AcquireError, OwnedSemaphorePermit};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};

use crate::application::Application;
use crate::error::{CallError, Fault, FaultKind};
use crate::http::Http;
use crate::reuse::{History, Kept};
use crate::revision::Revision;
use crate::state::State;
use crate::text::{one_line, shown, within};
use crate::wasi::Wasi;

/// Fields, and messages for each, of an instance that a plugin finds invalid.
const INVALID_MAX: usize = 64;

/// Functions that the text of a trap names, and the bytes of each name.
const FRAMES_MAX: usize = 3;
const NAME_BYTES_MAX: usize = 128;

/// What a call needs to know besides the event.
pub struct CallContext<'a> {
    /// Name of the signal, for errors.
    pub signal: &'a str,
    /// Label of the sender, for errors.
    pub sender: &'a str,
    /// Whom the plugin asks for models, signals and services; `None` where there is nobody.
    pub application: Option<Arc<dyn Application>>,
}

/// A call that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// What the handler replied.
    pub reply: Reply,
    /// How long the call took, with making the instance where it was made.
    pub duration: Duration,
    /// Linear memory that it had at the end.
    pub memory_bytes: usize,
}

impl Revision {
    /// Calls the handler of the subscription with this index: in a fresh instance, unless its operator lets it reuse them.
    ///
    /// # Errors
    /// [`CallError`]: a refusal of the handler, or a fault of the plugin.
    pub async fn call(
        &self,
        subscription: u32,
        event: &[u8],
        context: CallContext<'_>,
    ) -> Result<Called, CallError> {
        let start = Instant::now();
        let fault = |kind| self.fault(subscription, &context, kind);
        let limits = self.limits();
        let serves = || self.revoked().map_or(Ok(()), |error| Err(fault(FaultKind::Revoked(error))));
        serves()?;
        if event.len() > limits.bytes_max {
            return Err(fault(FaultKind::Event { bytes: event.len(), bytes_max: limits.bytes_max }));
        }
        let state = self.state(context.application.clone(), context.signal);
        let (mut live, kept) = match self.kept() {
            Some(Kept { mut live, plugin, history, .. }) => {
                live.store.data_mut().begin_again(state);
                (live, Some((plugin, history)))
            }
            None => (self.live(state).await.map_err(fault)?, None),
        };
        let run = async |store: &mut Store<State>| {
            let (plugin, history) = match kept {
                Some(kept) => kept,
                None => (self.instance().instantiate_async(&mut *store).await?, History::begin()),
            };
            let replied = plugin.aksara_signals_handler().call_handle(store, subscription, event).await?;
            Ok((replied, plugin, history))
        };
        let mut around = AROUND.try_with(Vec::clone).unwrap_or_default();
        around.push(self.share().id());
        let ran = AROUND.scope(around, live.run(run)).await;
        let ((replied, plugin, history), memory_bytes) = ran.map_err(fault)?;
        // What it replies was its to say when it began.
        serves()?;
        let called = match replied {
            Ok(reply) => {
                let reply =
                    Reply::decode(&reply, &limits.decode()).map_err(|error| fault(bad_reply(error)))?;
                Ok(Called { reply, duration: start.elapsed(), memory_bytes })
            }
            Err(failure) => Err(match Failure::decode(&failure, &limits.decode()) {
                Ok(Failure::Reject(message)) => CallError::Rejected { message: shown(&message) },
                Ok(Failure::Invalid(fields)) => CallError::Invalid { fields: messages(fields) },
                Ok(Failure::Error(message)) => return Err(fault(FaultKind::Error(shown(&message)))),
                Err(error) => return Err(fault(bad_reply(error))),
            }),
        };
        self.keep(Kept { live, plugin, history, place: None }, memory_bytes);
        called
    }

    /// A store with a slot of the pool, in which nothing runs yet.
    pub(crate) async fn live(&self, mut state: State) -> Result<Live, FaultKind> {
        let permits = permits(self, state.budget.wait()).await?;
        if self.imports_wasi() {
            let http = Http::new(state.plugin.clone(), state.standing.clone());
            state.wasi = Some(Wasi::new(state.limits().bytes_max, http, state.is_frozen));
        }
        let mut store = Store::new(self.instance().engine(), state);
        store.limiter(|state| &mut state.usage);
        // One tick at a time: the thread is free for others in between.
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            match state.budget.make_room() {
                Ok(()) => Ok(UpdateDeadline::Yield(1)),
                Err(fault) => {
                    state.fault = Some(fault);
                    Ok(UpdateDeadline::Interrupt)
                }
            }
        });
        Ok(Live { store, _permits: permits })
    }

    pub(crate) fn fault(&self, subscription: u32, context: &CallContext<'_>, kind: FaultKind) -> CallError {
        let handler = self.description().subscriptions.get(subscription as usize);
        CallError::Fault(Box::new(Fault {
            plugin: self.label(),
            handler: handler.map_or_else(|| subscription.to_string(), |handler| handler.handler.clone()),
            signal: context.signal.to_owned(),
            sender: context.sender.to_owned(),
            kind,
        }))
    }
}

/// A store, and the slot of the pool that its instances have.
pub(crate) struct Live {
    pub(crate) store: Store<State>,
    // Given back after what is in the slot.
    _permits: Permits,
}

impl Live {
    /// Runs an export of an instance, within its time; what it returns, and the memory that it had at the end.
    pub(crate) async fn run<T>(
        &mut self,
        run: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<(T, usize), FaultKind> {
        let store = &mut self.store;
        store.set_epoch_deadline(1);
        let budget = store.data().budget.clone();
        let result = budget.keep(run(&mut *store)).await.unwrap_or_else(|fault| {
            store.data_mut().fault = Some(fault);
            Err(wasmtime::format_err!("out of time"))
        });
        let state = store.data_mut();
        let printed = state.wasi.as_ref().map(|wasi| wasi.output.take()).unwrap_or_default();
        for line in printed.lines() {
            state.log("info", line, &Map::new());
        }
        match result {
            Ok(value) => Ok((value, state.usage.memory_bytes)),
            Err(error) => Err(verdict(state, &error)),
        }
    }
}

/// The messages by field of a plugin that finds an instance invalid.
fn messages(fields: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let fields = fields.into_iter().take(INVALID_MAX);
    fields
        .map(|(field, all)| (shown(&field), all.iter().take(INVALID_MAX).map(|one| shown(one)).collect()))
        .collect()
}

fn bad_reply(error: DecodeError) -> FaultKind {
    FaultKind::BadReply(match error {
        DecodeError::Malformed(why) => DecodeError::Malformed(shown(&why)),
        error => error,
    })
}

/// A slot of the pool, and one of the plugin's.
type Permits = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

tokio::task_local! {
    /// The shares of the calls that this code runs in.
    static AROUND: Vec<usize>;
}

/// Waits for a slot of the plugin's, and one of the pool. A call that comes of another of the same plugin has that one's: both
/// would wait for each other. Waiting ends, for the caller holds a transaction.
async fn permits(revision: &Revision, wait: Duration) -> Result<Permits, FaultKind> {
    let id = revision.share().id();
    let is_inside = AROUND.try_with(|around| around.contains(&id)).unwrap_or(false);
    let own = (!is_inside).then(|| revision.share().slots.clone());
    let pool = &revision.engine().calls;
    let both = async {
        let own = match own {
            Some(own) => Some(own.acquire_owned().await?),
            None => None,
        };
        Ok((pool.clone().acquire_owned().await?, own))
    };
    let acquired: Result<Result<_, AcquireError>, _> = tokio::time::timeout(wait, both).await;
    acquired.ok().and_then(Result::ok).ok_or(FaultKind::Busy)
}

/// Why a call ended: the limit that it hit, or else the trap.
fn verdict(state: &mut State, error: &wasmtime::Error) -> FaultKind {
    if let Some(limit) = state.fault.take().or_else(|| state.usage.refused.take()) {
        return limit;
    }
    let mut text = match error.downcast_ref::<Trap>() {
        // Compiled languages keep a part of their stack in memory, and its end is that of memory.
        Some(trap @ Trap::MemoryOutOfBounds) => {
            format!("{trap}, as by a pointer that is wrong or a stack that is exhausted")
        }
        Some(trap) => trap.to_string(),
        None => one_line(&error.root_cause()),
    };
    // Where the names of functions are in the file.
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let names: Vec<String> = frames
        .iter()
        .filter_map(|frame| frame.func_name())
        .take(FRAMES_MAX)
        .map(|name| format!("`{}`", within(&format!("{:#}", rustc_demangle::demangle(name)), NAME_BYTES_MAX)))
        .collect();
    if !names.is_empty() {
        text.push_str(&format!(", in {}", names.join(" <- ")));
    }
    // A panic writes its text there.
    for line in &state.last_lines {
        text.push_str(&format!("; it had logged: {line}"));
    }
    FaultKind::Trap(text)
}
