//! The plugins that serve at one moment, as an immutable snapshot, and what is known of each.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aksara_wire::{DecodeLimits, Reply, Subscription, Value};

use crate::absent::Absent;
use crate::access::Heard;
use crate::call::{CallContext, Called};
use crate::error::{CallError, FaultKind, LoadError};
use crate::policy::{Policy, Without};
use crate::quarantine::Then;
use crate::revision::Revision;

/// One subscription of a plugin.
pub struct PluginHandler {
    id: String,
    index: u32,
    order: u64,
    revision: Arc<Revision>,
    counters: Arc<Counters>,
}

/// What a plugin has done, over all its revisions.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    nanoseconds: AtomicU64,
    faults: AtomicU64,
}

impl PluginHandler {
    /// Its id, `plugin/handler`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is ordered by: higher priority first, then the order of connection, then that of its plugin.
    fn place(&self) -> (Reverse<i32>, u64, u32) {
        (Reverse(self.subscription().priority), self.order, self.index)
    }

    /// Its number in the order of connection; a reload keeps it.
    pub fn order(&self) -> u64 {
        self.order
    }

    /// What it listens to.
    pub fn subscription(&self) -> &Subscription {
        &self.revision.description().subscriptions[self.index as usize]
    }

    /// The revision that it belongs to.
    pub fn revision(&self) -> &Arc<Revision> {
        &self.revision
    }

    /// Calls the handler, and counts the call. One of a plugin in quarantine is not called. Say by
    /// [`replied`](Self::replied) what came of a reply.
    ///
    /// # Errors
    /// As [`Revision::call`].
    pub async fn call(&self, event: &[u8], context: CallContext<'_>) -> Result<Called, CallError> {
        let health = self.revision.health();
        if let Some(reason) = health.quarantined() {
            return match self.revision.allowance().quarantine.then {
                Then::Skip => {
                    Ok(Called { reply: Reply::Unchanged, duration: Duration::ZERO, memory_bytes: 0 })
                }
                Then::Refuse => {
                    Err(self.revision.fault(self.index, &context, FaultKind::Quarantined { reason }))
                }
            };
        }
        let start = std::time::Instant::now();
        let application = context.application.clone();
        let result = self.revision.call(self.index, event, context).await;
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.counters.calls.fetch_add(1, Ordering::Relaxed);
        self.counters.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        match &result {
            Err(CallError::Fault(fault))
                if fault.kind.is_own()
                    && !application.is_some_and(|application| application.has_failed()) =>
            {
                self.failed(event, fault);
            }
            Err(CallError::Fault(_)) => drop(self.counters.faults.fetch_add(1, Ordering::Relaxed)),
            Err(CallError::Rejected { .. } | CallError::Invalid { .. }) => health.good(self.index),
            // Whether its patch is any good, the model says.
            Ok(_) => {}
        }
        result
    }

    /// Takes note of what came of the reply to an event: whether it fits the model, or why it does not.
    pub fn replied<E: std::fmt::Display>(&self, event: &[u8], outcome: &Result<(), E>) {
        match outcome {
            Ok(()) => self.revision.health().good(self.index),
            Err(reason) => self.failed(event, reason),
        }
    }

    /// Counts a fault, which may be one too many.
    fn failed(&self, event: &[u8], fault: &impl std::fmt::Display) {
        self.counters.faults.fetch_add(1, Ordering::Relaxed);
        let (rule, fault) = (&self.revision.allowance().quarantine, fault.to_string());
        if let Some(reason) = self.revision.health().fault(self.index, rule, input(event), &fault) {
            let (plugin, then) = (self.revision.label(), rule.then);
            tracing::error!(plugin, reason, ?then, "plugin quarantined; replace it, or touch its file");
        }
    }
}

/// A number for what an event says, but for the ids that it has of its own.
fn input(event: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    match aksara_wire::decode(event, &DecodeLimits { bytes_max: event.len(), ..DecodeLimits::default() }) {
        Ok(Value::Map(mut event)) => {
            event.remove("id");
            event.remove("operation");
            aksara_wire::encode(&event).hash(&mut hasher);
        }
        _ => event.hash(&mut hasher),
    }
    hasher.finish()
}

impl std::fmt::Debug for PluginHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginHandler").field("id", &self.id).field("revision", &self.revision).finish()
    }
}

/// What hears a signal.
#[derive(Debug)]
pub enum Listener {
    /// A handler of a plugin that serves.
    Plugin(PluginHandler),
    /// One of a plugin that has to serve, and does not: it refuses the operation.
    Absent(Absent),
}

impl Listener {
    /// Its id, `plugin/handler`; of one that does not serve `plugin/signal`.
    pub fn id(&self) -> &str {
        match self {
            Listener::Plugin(handler) => handler.id(),
            Listener::Absent(absent) => absent.id(),
        }
    }

    /// Its number in the order of connection.
    pub fn order(&self) -> u64 {
        match self {
            Listener::Plugin(handler) => handler.order(),
            Listener::Absent(absent) => absent.order(),
        }
    }

    /// What it listens to.
    pub fn subscription(&self) -> &Subscription {
        match self {
            Listener::Plugin(handler) => handler.subscription(),
            Listener::Absent(absent) => absent.subscription(),
        }
    }

    fn place(&self) -> (Reverse<i32>, u64, u32) {
        match self {
            Listener::Plugin(handler) => handler.place(),
            Listener::Absent(_) => (Reverse(self.subscription().priority), self.order(), 0),
        }
    }
}

/// The handlers of one signal, each list in order.
#[derive(Debug, Default)]
struct BySender {
    /// For those who name their sender.
    own: HashMap<String, Vec<Arc<Listener>>>,
    /// For every sender.
    every: Vec<Arc<Listener>>,
}

/// The handlers of a signal for a sender, higher priority first, then in order of connection.
#[derive(Clone, Debug, Default)]
pub struct Handlers<'a> {
    own: slice::Iter<'a, Arc<Listener>>,
    every: slice::Iter<'a, Arc<Listener>>,
}

impl Handlers<'_> {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.own.as_slice().is_empty() && self.every.as_slice().is_empty()
    }
}

impl<'a> Iterator for Handlers<'a> {
    type Item = &'a Arc<Listener>;

    fn next(&mut self) -> Option<Self::Item> {
        let own_is_first = match (self.own.as_slice().first(), self.every.as_slice().first()) {
            (Some(own), Some(every)) => own.place() < every.place(),
            (own, _) => own.is_some(),
        };
        if own_is_first { self.own.next() } else { self.every.next() }
    }
}

/// The plugins that serve, as they were at one moment.
#[derive(Debug, Default)]
pub struct PluginSet {
    all: Vec<Arc<Listener>>,
    signals: HashMap<String, BySender>,
    /// The custom signals that the plugins declare: the names of their arguments.
    declared: HashMap<String, BTreeSet<String>>,
}

impl PluginSet {
    /// Whether no signal is heard.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty()
    }

    /// The handlers of this signal for this sender, higher priority first, then in order of connection.
    pub fn handlers(&self, signal: &str, sender: &str) -> Handlers<'_> {
        let Some(by_sender) = self.signals.get(signal) else { return Handlers::default() };
        let own = by_sender.own.get(sender).map(Vec::as_slice).unwrap_or_default();
        Handlers { own: own.iter(), every: by_sender.every.iter() }
    }

    /// Every handler of the plugins that serve, higher priority first, then in order of connection.
    pub fn all(&self) -> impl Iterator<Item = &PluginHandler> {
        self.all.iter().filter_map(|listener| match &**listener {
            Listener::Plugin(handler) => Some(handler),
            Listener::Absent(_) => None,
        })
    }

    /// The arguments of a custom signal that one of the plugins declares; of two with one name, the first.
    pub fn declared(&self, signal: &str) -> Option<&BTreeSet<String>> {
        self.declared.get(signal)
    }

    /// The set of these plugins, made in time that grows with their subscriptions and no faster.
    pub(crate) fn of(serving: &[Served]) -> Self {
        let mut declared = HashMap::new();
        for revision in serving.iter().filter_map(|served| served.revision.as_ref()) {
            for (signal, arguments) in &revision.description().signals {
                declared.entry(signal.clone()).or_insert_with(|| arguments.clone());
            }
        }
        let mut all: Vec<Arc<Listener>> =
            serving.iter().flat_map(|served| served.listeners.iter().cloned()).collect();
        all.sort_by_key(|listener| listener.place());
        let mut signals: HashMap<String, BySender> = HashMap::new();
        for handler in &all {
            let Subscription { signal, sender, .. } = handler.subscription();
            let by_sender = signals.entry(signal.clone()).or_default();
            let list = match sender {
                Some(sender) => by_sender.own.entry(sender.clone()).or_default(),
                None => &mut by_sender.every,
            };
            list.push(handler.clone());
        }
        PluginSet { all, signals, declared }
    }
}

/// What serves of a plugin: a revision with its handlers, or what refuses operations in its place.
#[derive(Clone)]
pub(crate) struct Served {
    revision: Option<Arc<Revision>>,
    listeners: Arc<[Arc<Listener>]>,
}

/// What is known of one file of the folder.
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) order: u64,
    pub(crate) loaded: Option<Served>,
    pub(crate) failure: Option<LoadError>,
    /// What the plugin has heard when it served last.
    pub(crate) heard: Vec<Heard>,
    pub(crate) warnings: Vec<String>,
    pub(crate) counters: Arc<Counters>,
}

impl Slot {
    pub(crate) fn new(name: String, order: u64) -> Self {
        Slot {
            name,
            order,
            loaded: None,
            failure: None,
            heard: Vec::new(),
            warnings: Vec::new(),
            counters: Arc::default(),
        }
    }

    /// The revision that was loaded last, whether or not the policy lets it serve; `None` when none could be loaded.
    pub(crate) fn revision(&self) -> Option<&Arc<Revision>> {
        self.loaded.as_ref().and_then(|loaded| loaded.revision.as_ref())
    }

    /// Lets a revision serve, in the place of the one before it.
    pub(crate) fn serve(&mut self, revision: Revision) {
        let revision = Arc::new(revision);
        let subscriptions = &revision.description().subscriptions;
        self.heard = subscriptions.iter().map(Heard::of).collect();
        let handlers = subscriptions.iter().enumerate().map(|(index, subscription)| PluginHandler {
            id: format!("{}/{}", self.name, subscription.handler),
            index: index as u32,
            order: self.order,
            revision: revision.clone(),
            counters: self.counters.clone(),
        });
        let listeners = handlers.map(Listener::Plugin).map(Arc::new).collect();
        self.loaded = Some(Served { revision: Some(revision), listeners });
    }

    /// Why the policy does not let serve what was loaded.
    fn revoked(&self) -> Option<LoadError> {
        self.revision().and_then(|revision| revision.revoked())
    }

    /// What serves, or what refuses the operations that are not done without it.
    pub(crate) fn served(&self, policy: &Policy) -> Served {
        match &self.loaded {
            Some(loaded) if self.revoked().is_none() => loaded.clone(),
            _ => {
                let listeners = self.absent(policy).map(Listener::Absent).map(Arc::new).collect();
                Served { revision: None, listeners }
            }
        }
    }

    /// What refuses the operations that are not done without the plugin.
    fn absent<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = Absent> + 'a {
        let revoked = self.revoked();
        let heard = match policy.without(&self.name, revoked.is_some()) {
            Without::Done => &[],
            Without::Refused(approved) => approved.unwrap_or(&self.heard),
        };
        let why = revoked.or_else(|| self.failure.clone());
        heard.iter().filter_map(move |heard| Absent::new(&self.name, self.order, heard, why.as_ref()))
    }

    pub(crate) fn status(&self) -> PluginStatus {
        let revoked = self.revoked();
        let serving = self.revision().filter(|_| revoked.is_none()).map(|revision| Serving {
            version: revision.version().to_owned(),
            digest: revision.digest().to_owned(),
        });
        PluginStatus {
            name: self.name.clone(),
            serving,
            failure: self.failure.clone().or(revoked),
            warnings: self.warnings.clone(),
            quarantined: self.revision().and_then(|revision| revision.health().quarantined()),
            calls: self.counters.calls.load(Ordering::Relaxed),
            duration: Duration::from_nanos(self.counters.nanoseconds.load(Ordering::Relaxed)),
            faults: self.counters.faults.load(Ordering::Relaxed),
        }
    }
}

/// The state of one plugin.
#[derive(Clone, Debug)]
pub struct PluginStatus {
    /// Name of the plugin: that of its file. Of a file that is left out, its name with the ending; so is the last one,
    /// `plugins.toml`, which is there while something is wrong with the policy.
    pub name: String,
    /// The revision that serves; `None` when none could be loaded.
    pub serving: Option<Serving>,
    /// Why the file that is there now does not serve; `None` when it does.
    pub failure: Option<LoadError>,
    /// What is likely to be a mistake, and hinders nothing.
    pub warnings: Vec<String>,
    /// The fault that led to quarantine; `None` while it is called. It ends when the file is replaced or touched,
    /// when `plugins.toml` changes, and by [`Plugins::release`](crate::Plugins::release).
    pub quarantined: Option<String>,
    /// Calls so far, over all revisions.
    pub calls: u64,
    /// Time spent in them.
    pub duration: Duration,
    /// How many of them ended by the plugin's own fault.
    pub faults: u64,
}

/// The revision of a plugin that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serving {
    /// The plugin's own version.
    pub version: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
}
