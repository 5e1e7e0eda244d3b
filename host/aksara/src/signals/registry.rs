//! Which native handler hears which signal: a table that is copied on write, so that a send works on a snapshot.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use arc_swap::ArcSwap;

use super::connect::HandlerEntry;
use super::muting::is_muted;
use super::{Handler, SignalKind, watch};
use crate::meta::ModelMeta;

/// The handlers for one signal and sender, in the order in which they run.
pub(super) type Handlers = Arc<[Arc<dyn Handler>]>;

/// Handlers by signal and label of the sender; the label `None` means every sender.
type Table = HashMap<(SignalKind, Option<&'static str>), Vec<Arc<dyn Handler>>>;

/// What is connected, and what follows from it: for each sender its own handlers and those for every sender.
#[derive(Default)]
struct Registry {
    connected: Table,
    merged: HashMap<SignalKind, HashMap<&'static str, Handlers>>,
    every: HashMap<SignalKind, Handlers>,
}

static REGISTRY: LazyLock<ArcSwap<Registry>> = LazyLock::new(ArcSwap::default);

/// Whether any custom signal has a handler: the one atomic load of a custom signal that nobody hears.
static CUSTOM: AtomicBool = AtomicBool::new(false);

/// Writers one at a time; readers never wait.
static WRITING: Mutex<()> = Mutex::new(());

/// The next number in the order of connection, for native handlers and plugins alike.
pub(crate) fn next_order() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The bit of [`ModelMeta::connected`] that says that a test somewhere captures signals.
const CAPTURING: u32 = 1 << 31;

/// How many tests capture signals now.
static CAPTURES: AtomicU64 = AtomicU64::new(0);

/// Signals are captured for as long as this lives.
pub(super) struct Capturing;

impl Capturing {
    pub(super) fn new() -> Self {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        CAPTURES.fetch_add(1, Ordering::Relaxed);
        for meta in ModelMeta::all() {
            meta.connected.fetch_or(CAPTURING, Ordering::Release);
        }
        Capturing
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if CAPTURES.fetch_sub(1, Ordering::Relaxed) == 1 {
            for meta in ModelMeta::all() {
                meta.connected.fetch_and(!CAPTURING, Ordering::Release);
            }
        }
    }
}

/// Whether a native handler hears this signal of this model: one atomic load.
pub(super) fn is_heard_natively(signal: SignalKind, meta: &ModelMeta) -> bool {
    meta.connected.load(Ordering::Acquire) & signal.bit() != 0
}

/// Whether any handler hears this signal of this model, and it is not muted.
pub(crate) fn is_heard(
    signal: SignalKind,
    meta: &ModelMeta,
    plugins: Option<&Arc<crate::plugins::PluginSet>>,
) -> bool {
    let bits = meta.connected.load(Ordering::Acquire);
    let heard = bits & signal.bit() != 0
        || plugins.is_some_and(|set| !set.handlers(signal.name(), meta.label).is_empty())
        || bits & CAPTURING != 0 && signal.is_captured() && watch::is_capturing();
    heard && !is_muted(Some(meta.label))
}

/// Whether any native handler hears this signal of this model, or of any.
pub(super) fn has_handlers(signal: SignalKind, sender: Option<&'static ModelMeta>) -> bool {
    match sender {
        Some(meta) => is_heard_natively(signal, meta),
        None => REGISTRY.load().connected.keys().any(|(connected, _)| *connected == signal),
    }
}

/// The native handlers for this signal of this sender, as they are now.
pub(super) fn handlers(
    signal: SignalKind,
    sender: &str,
    meta: Option<&'static ModelMeta>,
) -> Option<Handlers> {
    let heard = match (signal, meta) {
        (SignalKind::Custom(_), _) | (_, None) => CUSTOM.load(Ordering::Acquire),
        (_, Some(meta)) => is_heard_natively(signal, meta),
    };
    if !heard {
        return None;
    }
    let registry = REGISTRY.load();
    let own = registry.merged.get(&signal).and_then(|own| own.get(sender));
    own.or_else(|| registry.every.get(&signal)).cloned()
}

/// Label of a model or a relation; `None` for every sender.
pub(super) type SenderKey = Option<&'static str>;

/// Connects a handler. The same id for the same signal and sender keeps the first.
pub(super) fn connect(signal: SignalKind, senders: Vec<SenderKey>, handler: Arc<dyn Handler>) -> Connection {
    change(|table| {
        for sender in &senders {
            let handlers = table.entry((signal, *sender)).or_default();
            if handlers.iter().all(|connected| connected.id() != handler.id()) {
                handlers.push(handler.clone());
            }
        }
    });
    Connection { signal, senders: senders.into(), handler }
}

/// Disconnects the handler with this id; whether there was one.
pub(super) fn disconnect(signal: SignalKind, senders: &[SenderKey], id: &str) -> bool {
    remove(signal, senders, |handler| handler.id() == id)
}

fn remove(signal: SignalKind, senders: &[SenderKey], is_meant: impl Fn(&Arc<dyn Handler>) -> bool) -> bool {
    let mut found = false;
    change(|table| {
        for sender in senders {
            if let Some(handlers) = table.get_mut(&(signal, *sender)) {
                let before = handlers.len();
                handlers.retain(|handler| !is_meant(handler));
                found |= handlers.len() != before;
            }
        }
    });
    found
}

fn change(change: impl FnOnce(&mut Table)) {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut connected = REGISTRY.load().connected.clone();
    change(&mut connected);
    connected.retain(|_, handlers| !handlers.is_empty());
    let registry = Registry { merged: merged(&connected), every: every(&connected), connected };
    let heard: Vec<(&'static ModelMeta, u32)> =
        ModelMeta::all().map(|meta| (meta, heard(&registry.connected, meta))).collect();
    let custom = registry.connected.keys().any(|(signal, _)| matches!(signal, SignalKind::Custom(_)));
    // The table first: a send that sees the bit must find the handler.
    REGISTRY.store(Arc::new(registry));
    let capturing = if CAPTURES.load(Ordering::Relaxed) > 0 { CAPTURING } else { 0 };
    for (meta, bits) in heard {
        let bits = bits | capturing;
        meta.connected.store(bits, Ordering::Release);
    }
    CUSTOM.store(custom, Ordering::Release);
}

fn heard(connected: &Table, meta: &'static ModelMeta) -> u32 {
    let senders =
        || [None, Some(meta.label)].into_iter().chain(meta.joins.iter().map(|join| Some(join.label)));
    let hears = |signal: &SignalKind| senders().any(|sender| connected.contains_key(&(*signal, sender)));
    SignalKind::BUILT_IN.into_iter().filter(hears).map(SignalKind::bit).sum()
}

fn every(connected: &Table) -> HashMap<SignalKind, Handlers> {
    let every = connected.iter().filter(|((_, sender), _)| sender.is_none());
    every.map(|((signal, _), handlers)| (*signal, in_order(handlers.clone()))).collect()
}

fn merged(connected: &Table) -> HashMap<SignalKind, HashMap<&'static str, Handlers>> {
    let mut merged: HashMap<_, HashMap<_, _>> = HashMap::new();
    for ((signal, sender), own) in connected {
        let Some(sender) = *sender else { continue };
        let every = connected.get(&(*signal, None)).into_iter().flatten();
        let handlers = in_order(own.iter().chain(every).cloned().collect());
        merged.entry(*signal).or_default().insert(sender, handlers);
    }
    merged
}

fn in_order(mut handlers: Vec<Arc<dyn Handler>>) -> Handlers {
    handlers.sort_by_key(|handler| handler.place());
    handlers.into()
}

/// Connects what the attributes have collected; once per program.
pub(crate) fn connect_attributed() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for entry in inventory::iter::<HandlerEntry> {
            (entry.register)();
        }
    });
}

/// A handler's connection to one signal and its senders. Letting it go leaves the handler connected.
#[derive(Clone)]
pub struct Connection {
    signal: SignalKind,
    senders: Arc<[SenderKey]>,
    handler: Arc<dyn Handler>,
}

impl Connection {
    /// The handler's id, its `dispatch_uid`.
    pub fn id(&self) -> &str {
        self.handler.id()
    }

    /// Disconnects the handler from the next send on; whether it was still connected. Another one that has its id, and
    /// was there first, stays.
    pub fn disconnect(&self) -> bool {
        remove(self.signal, &self.senders, |handler| Arc::ptr_eq(handler, &self.handler))
    }

    /// The connection for as long as the returned guard lives.
    pub fn scoped(self) -> ScopedConnection {
        ScopedConnection(self)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("signal", &self.signal).field("id", &self.id()).finish()
    }
}

/// Disconnects its handler when it is dropped.
#[derive(Debug)]
#[must_use = "the handler is disconnected when this is dropped"]
pub struct ScopedConnection(Connection);

impl Drop for ScopedConnection {
    fn drop(&mut self) {
        self.0.disconnect();
    }
}
