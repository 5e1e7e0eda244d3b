//! The policy in force, and what a new one changes at once: before any plugin is loaded again, and in calls under way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use crate::error::LoadError;
use crate::limits::Limits;
use crate::options::PluginsOptions;
use crate::policy::{self, Looked, Policy, PolicyFile, Without, meant};
use crate::set::{PluginSet, Served, Slot};

/// How often the policy is looked at without an event: what a link leads to sends none.
const SWEEP: Duration = Duration::from_secs(2);

/// Where the state of the policy is among those of the plugins: no file has this name, and it comes last.
const POLICY: &str = "\u{10ffff}/";

pub(crate) type Slots = BTreeMap<String, Slot>;

/// The policy in force, and what is known of the plugins that it is about.
pub(crate) struct Rules {
    file: tokio::sync::Mutex<PolicyFile>,
    policy: ArcSwap<Policy>,
    path: PathBuf,
    limits: Limits,
    slots: Mutex<Slots>,
    set: ArcSwap<PluginSet>,
    swapping: Mutex<()>,
    generation: watch::Sender<u64>,
}

impl Rules {
    /// Reads the policy of a folder.
    ///
    /// # Errors
    /// [`LoadError::Policy`].
    pub(crate) async fn open(folder: &Path, options: &PluginsOptions) -> Result<Rules, LoadError> {
        let file = PolicyFile::open(folder, options.clone()).await?;
        let rules = Rules {
            policy: ArcSwap::new(file.policy().clone()),
            file: tokio::sync::Mutex::new(file),
            path: policy::path(folder),
            limits: options.limits.clone(),
            slots: Mutex::default(),
            set: ArcSwap::default(),
            swapping: Mutex::default(),
            generation: watch::Sender::new(0),
        };
        rules.tell(None, Vec::new());
        Ok(rules)
    }

    /// Looks at the policy at each event, and now and then, for as long as there is something to load for.
    pub(crate) fn watch(self: &Arc<Self>, changed: Arc<Notify>) {
        let rules = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(rules) = rules.upgrade() {
                rules.refresh().await;
                drop(rules);
                // Either way there is something to look at.
                let _ = tokio::time::timeout(SWEEP, changed.notified()).await;
            }
        });
    }

    /// The policy in force.
    pub(crate) fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self) -> Arc<PluginSet> {
        self.set.load_full()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    /// Lets the plugins as they are now serve, from the next operation on.
    pub(crate) fn swap(&self) {
        // One after the other, so that the last one stands.
        let _swapping = self.swapping.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = self.policy.load();
        // Who asks for the status does not wait for the rest.
        let served: Vec<Served> = self.slots().values().map(|slot| slot.served(&policy)).collect();
        self.set.store(Arc::new(PluginSet::of(&served)));
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// Reads the policy when its file has changed. What it takes from the plugins that serve is gone from then on.
    pub(crate) async fn refresh(&self) {
        let mut file = self.file.lock().await;
        match file.look().await {
            Looked::Same => return,
            Looked::Failure => {}
            Looked::Policy => {
                self.policy.store(file.policy().clone());
                for slot in self.slots().values() {
                    self.review(slot);
                }
            }
        }
        self.tell(file.failure().cloned(), Vec::new());
        self.swap();
    }

    /// Holds what serves to the policy in force.
    pub(crate) fn review(&self, slot: &Slot) {
        let Some(revision) = slot.revision() else { return };
        revision.review(&self.policy.load(), &self.limits);
        if let Some(error) = revision.revoked() {
            tracing::error!(plugin = slot.name, %error, "the policy does not allow any more what serves; it is stopped");
        }
    }

    /// Says what is wrong with the policy, besides names that it has found itself.
    fn tell(&self, failure: Option<LoadError>, further: Vec<String>) {
        let mut warnings = self.policy.load().warnings.clone();
        warnings.extend(further);
        let mut slots = self.slots();
        let before = slots.remove(POLICY);
        let known = before.map(|slot| slot.warnings).unwrap_or_default();
        for warning in warnings.iter().filter(|warning| !known.contains(warning)) {
            tracing::warn!(policy = %self.path.display(), "{warning}");
        }
        if failure.is_some() || !warnings.is_empty() {
            let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            slots.insert(POLICY.to_owned(), Slot { failure, warnings, ..Slot::new(name, u64::MAX) });
        }
    }

    /// Compares the plugins that the policy names with the files that are there; returns those that have to serve, and
    /// why they do not.
    pub(crate) async fn missing(&self, there: &BTreeSet<&str>) -> BTreeMap<String, LoadError> {
        let file = self.file.lock().await;
        let policy = self.policy();
        let mut missing = BTreeMap::new();
        let mut warnings = Vec::new();
        for plugin in policy.plugins() {
            if policy.without(plugin, false) == Without::Refused(None) {
                warnings.push(format!(
                    "`plugins.{plugin}` is required and has no `subscriptions`: until it has served once, nothing is \
                     refused without it; `aksara allow` writes them"
                ));
            }
            if there.contains(plugin) {
                continue;
            }
            let meant = meant(plugin, there.iter().copied());
            if policy.requires(plugin) {
                missing.insert(plugin.to_owned(), LoadError::Missing { meant });
            } else {
                warnings.push(format!(
                    "`plugins.{plugin}` is about a plugin that has no file in the folder{meant}"
                ));
            }
        }
        self.tell(file.failure().cloned(), warnings);
        missing
    }
}
