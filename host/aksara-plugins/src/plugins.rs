//! The watched folder: one task owns all loading, and swaps the set that serves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::engine::Engine;
use crate::error::LoadError;
use crate::folder::{self, Found, Scan};
use crate::keyvalue::{KeyValue, MemoryStore};
use crate::loading::{Loaded, Loading, Outcome, Task};
use crate::options::PluginsOptions;
use crate::policy::{self, Policy};
use crate::revision::Revision;
use crate::rules::Rules;
use crate::set::{PluginSet, PluginStatus, Slot};
use crate::watch::Watch;

/// How often the folder is looked at without an event: some file systems send none.
const SWEEP: Duration = Duration::from_secs(2);

/// A folder of plugins, watched for as long as there is a clone of this. Cheap to clone.
#[derive(Clone)]
pub struct Plugins {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    rules: Arc<Rules>,
    requests: mpsc::UnboundedSender<Request>,
    keyvalue: Arc<dyn KeyValue>,
}

/// What the loading task is asked to do.
enum Request {
    /// Something in the folder has changed.
    Changed,
    /// Look now, and say when done.
    Rescan(oneshot::Sender<()>),
}

impl Plugins {
    /// Loads every plugin of the folder, in order of their names, and watches it from then on. A plugin that cannot
    /// be loaded is reported by [`status`](Self::status) and in the log, and hinders no other.
    ///
    /// # Errors
    /// [`LoadError::Folder`] when the folder cannot be read or watched, [`LoadError::Engine`], and
    /// [`LoadError::Policy`] when `plugins.toml` cannot be used, or is not there in production.
    pub async fn open(folder: impl Into<PathBuf>, options: PluginsOptions) -> Result<Plugins, LoadError> {
        let folder = std::path::absolute(folder.into())
            .map_err(|error| LoadError::Folder { folder: String::new(), reason: error.to_string() })?;
        let refuse = |reason: String| LoadError::Folder { folder: folder.display().to_string(), reason };
        let keyvalue = options.keyvalue.clone().unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let engine = Engine::with(keyvalue.clone(), options.javascript.clone())?;
        folder::scan(&folder).map_err(|error| refuse(error.to_string()))?;
        let (requests, inbox) = mpsc::unbounded_channel();
        let (changed, policy_changed) = (requests.downgrade(), Arc::new(Notify::new()));
        let notified = policy_changed.clone();
        // Watching begins before the first look, so that no change falls between the two.
        let watch = Watch::begin(&folder, policy::path(&folder), move || {
            notified.notify_one();
            if let Some(requests) = changed.upgrade() {
                // A closed channel means that nobody is left to load for.
                let _ = requests.send(Request::Changed);
            }
        })
        .map_err(|error| refuse(error.to_string()))?;
        let rules = Arc::new(Rules::open(&folder, &options).await?);
        // What is taken away does not wait for what is being loaded.
        rules.watch(policy_changed);
        let shared = Shared { folder: folder.clone(), rules: rules.clone(), requests, keyvalue };
        let loading = Loading::new(engine, watch.writing(), options.limits.file_bytes_max);
        let loader = Loader {
            policy: rules.policy(),
            rules,
            folder,
            watch,
            is_lost: false,
            options,
            loading,
            waiting: Vec::new(),
            seen: BTreeMap::new(),
            left_out: BTreeMap::new(),
            missing: BTreeSet::new(),
            counted: 0,
        };
        tokio::spawn(loader.run(inbox));
        let plugins = Plugins { shared: Arc::new(shared) };
        plugins.rescan().await;
        Ok(plugins)
    }

    /// The plugins that serve now.
    pub fn set(&self) -> Arc<PluginSet> {
        self.shared.rules.set()
    }

    /// The state of each plugin, by name, and of each file that looks like one and is left out; at last, where something
    /// is wrong with it, that of `plugins.toml`.
    pub fn status(&self) -> Vec<PluginStatus> {
        self.shared.rules.slots().values().map(Slot::status).collect()
    }

    /// Lets a plugin in quarantine be called again; whether it was in quarantine.
    pub fn release(&self, plugin: &str) -> bool {
        let slots = self.shared.rules.slots();
        let serving = slots.get(plugin).and_then(Slot::revision);
        serving.is_some_and(|revision| revision.health().release())
    }

    /// Looks at the folder now and loads what has changed; returns when that is done.
    pub async fn rescan(&self) {
        let (done, is_done) = oneshot::channel();
        if self.shared.requests.send(Request::Rescan(done)).is_ok() {
            // An error means that the task has ended, with the runtime.
            let _ = is_done.await;
        }
    }

    /// A number that changes with every plugin that is loaded, refused or removed.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.rules.subscribe()
    }

    /// Where the buckets of the plugins are, for the application to share.
    pub fn keyvalue(&self) -> &Arc<dyn KeyValue> {
        &self.shared.keyvalue
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }
}

impl std::fmt::Debug for Plugins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugins").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

/// Somebody who waits until files are loaded.
struct Waiting {
    done: oneshot::Sender<()>,
    /// How often each of them is loaded until then.
    awaited: BTreeMap<String, u8>,
}

/// The task that loads.
struct Loader {
    folder: PathBuf,
    watch: Watch,
    /// Whether the folder could not be read when it was last looked at.
    is_lost: bool,
    rules: Arc<Rules>,
    /// The policy under which the plugins were last loaded.
    policy: Arc<Policy>,
    options: PluginsOptions,
    loading: Loading,
    /// Those that wait until the files that they have seen are loaded.
    waiting: Vec<Waiting>,
    /// Each file that was last loaded or refused; `None` when it is to be loaded again all the same.
    seen: BTreeMap<String, Option<Found>>,
    /// Files that are no plugins and look like some, and why they are left out.
    left_out: BTreeMap<String, &'static str>,
    /// Plugins that have to serve, and have no file.
    missing: BTreeSet<String>,
    /// Plugins seen so far, where no order was given from outside.
    counted: u64,
}

impl Loader {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Request>) {
        loop {
            let mut requests = tokio::select! {
                (loaded, is_old) = self.loading.next() => {
                    self.done(loaded, is_old).await;
                    continue;
                }
                // One look serves all that asked for one before it.
                request = tokio::time::timeout(SWEEP, inbox.recv()) => match request {
                    Ok(Some(request)) => vec![request],
                    Ok(None) => return,
                    Err(_) => Vec::new(),
                },
            };
            while let Ok(request) = inbox.try_recv() {
                requests.push(request);
            }
            self.look().await;
            let awaited = self.loading.awaited();
            for request in requests {
                if let Request::Rescan(done) = request {
                    self.waiting.push(Waiting { done, awaited: awaited.clone() });
                }
            }
            self.answer();
        }
    }

    /// Takes what was loaded, and begins anew where the file has changed meanwhile.
    async fn done(&mut self, loaded: Loaded, is_old: bool) {
        let name = loaded.name.clone();
        self.loaded(loaded);
        if is_old {
            self.look().await;
        }
        for waiting in &mut self.waiting {
            let times = waiting.awaited.remove(&name).unwrap_or_default();
            if times > 1 {
                waiting.awaited.insert(name.clone(), times - 1);
            }
        }
        self.answer();
    }

    /// Tells those whose files are all loaded, or are not there any more.
    fn answer(&mut self) {
        let (loading, waiting) = (&self.loading, std::mem::take(&mut self.waiting));
        for mut one in waiting {
            one.awaited.retain(|name, _| loading.is_loading(name));
            if one.awaited.is_empty() {
                // Nobody has to wait for it.
                let _ = one.done.send(());
            } else {
                self.waiting.push(one);
            }
        }
    }

    /// Brings the plugins in line with the folder.
    async fn look(&mut self) {
        self.rules.refresh().await;
        // The events of a folder that was put in the place of the one before come by a watch of its own.
        let watched = self.watch.renew(&self.folder).map_err(|error| error.to_string());
        let scanned = folder::scan(&self.folder).map_err(|error| error.to_string());
        let Scan { found, left_out } = match watched.and(scanned) {
            Ok(scan) => scan,
            Err(error) => {
                if !std::mem::replace(&mut self.is_lost, true) {
                    let folder = self.folder.display();
                    tracing::error!(%folder, error, "cannot read the plugins folder; what serves goes on");
                }
                return;
            }
        };
        self.is_lost = false;
        let policy = self.rules.policy();
        if !Arc::ptr_eq(&policy, &self.policy) {
            self.policy = policy;
            self.loading.keep(|_| false);
            self.seen.values_mut().for_each(|stamp| *stamp = None);
        }
        self.account_for(&found).await;
        self.leave_out(left_out);
        self.loading.keep(|name| found.contains_key(name));
        let mut tasks = Vec::new();
        for (name, found) in found {
            let is_seen = self.seen.get(&name).and_then(Option::as_ref) == Some(&found);
            if !self.loading.has(&name, &found) && !is_seen {
                let allowance = self.policy.allowance(&name, &self.options.limits);
                let order = self.order(&name);
                tasks.push((name, Task { found, allowance, order }));
            }
        }
        // What is small is live before what is large.
        tasks.sort_by_key(|(_, task)| task.found.stamp.bytes);
        for (name, task) in tasks {
            self.loading.start(name, task);
        }
    }

    /// Takes out the plugins whose file is gone, but for those that have to serve.
    async fn account_for(&mut self, found: &BTreeMap<String, Found>) {
        let missing = self.rules.missing(&found.keys().map(String::as_str).collect()).await;
        let known = self.seen.keys().chain(&self.missing);
        let gone: Vec<String> = known.filter(|name| !found.contains_key(*name)).cloned().collect();
        self.seen.retain(|name, _| found.contains_key(name));
        let awaited = found.keys().filter(|name| self.policy.requires(name));
        let named: Vec<String> = missing.keys().chain(awaited).cloned().collect();
        let named: Vec<(String, u64)> =
            named.into_iter().map(|name| (name.clone(), self.order(&name))).collect();
        let mut slots = self.rules.slots();
        let mut is_changed = false;
        for name in gone.iter().filter(|name| !missing.contains_key(*name)) {
            tracing::info!(plugin = name, "plugin removed");
            is_changed |= slots.remove(name).is_some();
        }
        for (name, order) in named {
            is_changed |= !slots.contains_key(&name);
            let slot = slots.entry(name.clone()).or_insert_with(|| Slot::new(name.clone(), order));
            if let Some(error) = missing.get(&name).filter(|error| slot.failure.as_ref() != Some(*error)) {
                tracing::error!(plugin = name, %error, "a plugin that has to serve does not");
                (slot.loaded, slot.failure, is_changed) = (None, Some(error.clone()), true);
            }
        }
        drop(slots);
        self.missing = missing.into_keys().collect();
        if is_changed {
            self.rules.swap();
        }
    }

    /// Says once of each file that it is left out.
    fn leave_out(&mut self, left_out: BTreeMap<String, &'static str>) {
        if left_out == self.left_out {
            return;
        }
        let before = std::mem::replace(&mut self.left_out, left_out);
        let mut new = Vec::new();
        for (file, reason) in &self.left_out {
            if before.get(file) != Some(reason) {
                tracing::warn!(file, reason, "a file in the plugins folder is left out");
                new.push((file.clone(), LoadError::LeftOut { file: file.clone(), reason }));
            }
        }
        for (file, error) in new {
            let order = self.order(&file);
            let slot = Slot { failure: Some(error), ..Slot::new(file.clone(), order) };
            self.rules.slots().insert(file, slot);
        }
        let mut slots = self.rules.slots();
        slots.retain(|name, _| !before.contains_key(name) || self.left_out.contains_key(name));
        drop(slots);
        self.rules.swap();
    }

    /// Lets a file that was loaded serve, or says why it does not.
    fn loaded(&mut self, loaded: Loaded) {
        let Loaded { name, order, found, outcome } = loaded;
        let loaded = match outcome {
            Outcome::Whole(loaded) => *loaded,
            // The next change brings us back.
            Outcome::Gone => return,
            Outcome::Unfinished => return self.refuse(&name, order, LoadError::Unfinished),
        };
        let twin = found.twin.as_ref().map(|file| LoadError::Twin { file: file.display().to_string() });
        self.seen.insert(name.clone(), Some(found));
        let mut slots = self.rules.slots();
        let slot = slots.entry(name.clone()).or_insert_with(|| Slot::new(name.clone(), order));
        let hears = |revision: &Revision| !revision.description().subscriptions.is_empty();
        let loaded = match loaded {
            Ok(revision) if !hears(&revision) && slot.revision().is_some_and(|serving| hears(serving)) => {
                Err(LoadError::NoHandlers)
            }
            loaded => loaded,
        };
        match loaded {
            Ok(revision) => {
                if !hears(&revision) {
                    tracing::warn!(plugin = revision.label(), "the plugin has no handlers");
                }
                let (plugin, allowance) = (revision.label(), revision.allowance());
                let (grants, granted) = (&allowance.grants, allowance.granted());
                tracing::info!(plugin, ?grants, "plugin loaded; it is granted {granted}");
                slot.serve(revision);
                if let Some(twin) = &twin {
                    tracing::error!(plugin = name, error = %twin, "a file is ignored");
                }
                slot.failure = twin;
            }
            Err(error) => {
                let serving = slot.revision().map(|revision| revision.label());
                tracing::error!(plugin = name, %error, ?serving, "plugin refused; what served before goes on");
                slot.failure = Some(error);
            }
        }
        // Under a policy that came meanwhile it gets no more than that says.
        if !Arc::ptr_eq(&self.policy, &self.rules.policy()) {
            self.rules.review(slot);
        }
        drop(slots);
        self.rules.swap();
    }

    /// Says that a file is not used, before it has been looked at.
    fn refuse(&mut self, name: &str, order: u64, error: LoadError) {
        let mut slots = self.rules.slots();
        let slot = slots.entry(name.to_owned()).or_insert_with(|| Slot::new(name.to_owned(), order));
        if slot.failure.as_ref() == Some(&error) {
            return;
        }
        tracing::warn!(plugin = name, %error, "plugin not loaded yet");
        slot.failure = Some(error);
        drop(slots);
        self.seen.insert(name.to_owned(), None);
        self.rules.swap();
    }

    fn order(&mut self, name: &str) -> u64 {
        let known = self.rules.slots().get(name).map(|slot| slot.order);
        known.unwrap_or_else(|| match self.options.next_order {
            Some(next_order) => next_order(),
            None => {
                self.counted += 1;
                self.counted - 1
            }
        })
    }
}
