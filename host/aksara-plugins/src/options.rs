//! How to load the plugins of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::keyvalue::KeyValue;
use crate::limits::Limits;
use crate::policy::Profile;

/// How to load the plugins of a folder.
#[derive(Clone, Default)]
pub struct PluginsOptions {
    /// Who decides what a plugin gets. `plugins.toml` can only be stricter.
    pub profile: Profile,
    /// The limits of each plugin, where `plugins.toml` has no others.
    pub limits: Limits,
    /// Where the buckets of the plugins are; in memory unless given.
    pub keyvalue: Option<Arc<dyn KeyValue>>,
    /// The component that runs plain JavaScript; without it, that which the variable `AKSARA_JAVASCRIPT` names.
    pub javascript: Option<PathBuf>,
    /// Gives the next number in the order of connection, which plugins share with other handlers; each plugin gets
    /// one when it is first seen. Counts from 0 unless given.
    pub next_order: Option<fn() -> u64>,
    /// The fields of each sender, by its label. Names in `plugins.toml` that are not among them are found; none are
    /// looked for unless given. `aksara::open_plugins` gives those of the models.
    pub models: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl PluginsOptions {
    /// Sets who decides what a plugin gets.
    ///
    /// ```
    /// use aksara_plugins::{PluginsOptions, Profile};
    ///
    /// let options = PluginsOptions::default().profile(Profile::Production);
    /// assert_eq!(options.profile, Profile::Production);
    /// ```
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }
}

impl From<Limits> for PluginsOptions {
    fn from(limits: Limits) -> Self {
        PluginsOptions { limits, ..PluginsOptions::default() }
    }
}

impl From<Profile> for PluginsOptions {
    fn from(profile: Profile) -> Self {
        PluginsOptions::default().profile(profile)
    }
}
