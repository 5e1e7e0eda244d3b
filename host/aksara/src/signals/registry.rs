//! Which native handler hears which signal: a table that is copied on write, so that a send works on a snapshot.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use arc_swap::ArcSwap;

use super::connect::HandlerEntry;
use super::{Handler, Signal};
use crate::meta::ModelMeta;

/// The handlers for one signal and sender, in the order in which they run.
pub(super) type Handlers = Arc<[Arc<dyn Handler>]>;

/// Handlers by signal and label of the sender; the label `None` means every sender.
type Table = HashMap<(Signal, Option<&'static str>), Vec<Arc<dyn Handler>>>;

/// What is connected, and what follows from it: for each sender its own handlers and those for every sender.
#[derive(Default)]
struct Registry {
    connected: Table,
    merged: HashMap<(Signal, &'static str), Handlers>,
    every: HashMap<Signal, Handlers>,
}

static REGISTRY: LazyLock<ArcSwap<Registry>> = LazyLock::new(ArcSwap::default);

/// Writers one at a time; readers never wait.
static WRITING: Mutex<()> = Mutex::new(());

/// The next number in the order of connection, for native handlers and plugins alike.
pub(crate) fn next_order() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Whether a native handler hears this signal of this model: one atomic load.
pub(super) fn is_heard_natively(signal: Signal, meta: &ModelMeta) -> bool {
    meta.connected.load(Ordering::Acquire) & signal.bit() != 0
}

/// Whether any handler hears this signal of this model.
pub(crate) fn is_heard(
    signal: Signal,
    meta: &ModelMeta,
    plugins: Option<&Arc<crate::plugins::PluginSet>>,
) -> bool {
    is_heard_natively(signal, meta)
        || plugins.is_some_and(|set| !set.handlers(signal.name(), meta.label).is_empty())
}

/// The native handlers for this signal of this model, as they are now.
pub(super) fn handlers(signal: Signal, meta: &ModelMeta) -> Option<Handlers> {
    if !is_heard_natively(signal, meta) {
        return None;
    }
    let registry = REGISTRY.load();
    registry.merged.get(&(signal, meta.label)).or_else(|| registry.every.get(&signal)).cloned()
}

/// A model, or every model.
type SenderKey = Option<&'static ModelMeta>;

/// Connects a handler. The same id for the same signal and sender keeps the first.
pub(super) fn connect(signal: Signal, senders: Vec<SenderKey>, handler: Arc<dyn Handler>) -> Connection {
    change(|table| {
        for sender in &senders {
            let handlers = table.entry((signal, sender.map(|meta| meta.label))).or_default();
            if handlers.iter().all(|connected| connected.id() != handler.id()) {
                handlers.push(handler.clone());
            }
        }
    });
    Connection { signal, senders: senders.into(), handler }
}

/// Disconnects the handler with this id; whether there was one.
pub(super) fn disconnect(signal: Signal, senders: &[SenderKey], id: &str) -> bool {
    remove(signal, senders, |handler| handler.id() == id)
}

fn remove(signal: Signal, senders: &[SenderKey], is_meant: impl Fn(&Arc<dyn Handler>) -> bool) -> bool {
    let mut found = false;
    change(|table| {
        for sender in senders {
            if let Some(handlers) = table.get_mut(&(signal, sender.map(|meta| meta.label))) {
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
        ModelMeta::all().map(|meta| (meta, heard(&registry.connected, meta.label))).collect();
    // The table first: a send that sees the bit must find the handler.
    REGISTRY.store(Arc::new(registry));
    for (meta, bits) in heard {
        meta.connected.store(bits, Ordering::Release);
    }
}

fn heard(connected: &Table, label: &'static str) -> u32 {
    let hears = |signal: &Signal| {
        connected.contains_key(&(*signal, None)) || connected.contains_key(&(*signal, Some(label)))
    };
    Signal::ALL.into_iter().filter(hears).map(Signal::bit).sum()
}

fn every(connected: &Table) -> HashMap<Signal, Handlers> {
    let every = connected.iter().filter(|((_, sender), _)| sender.is_none());
    every.map(|((signal, _), handlers)| (*signal, in_order(handlers.clone()))).collect()
}

fn merged(connected: &Table) -> HashMap<(Signal, &'static str), Handlers> {
    let own = connected.iter().filter_map(|((signal, sender), own)| Some((*signal, (*sender)?, own)));
    own.map(|(signal, sender, own)| {
        let every = connected.get(&(signal, None)).into_iter().flatten();
        ((signal, sender), in_order(own.iter().chain(every).cloned().collect()))
    })
    .collect()
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
    signal: Signal,
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
