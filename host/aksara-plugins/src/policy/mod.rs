//! `plugins.toml`: what the operator says about the plugins of a folder. It lies beside the folder, with its name.

mod file;
mod names;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aksara_wire::{Grants, Map, Value};
use serde::Deserialize;

pub(crate) use file::{Looked, PolicyFile};
pub(crate) use names::meant;
pub use tables::{problem, without_end};

use crate::access::{Fields, Heard};
use crate::allowance::Allowance;
use crate::error::LoadError;
use crate::limits::Limits;
use crate::options::PluginsOptions;
use crate::quarantine::Quarantine;
use crate::reuse::Reuse;
use tables::{PluginTable, Secret, Tables};

/// Who decides what a plugin gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A plugin gets what it asks for, unless the operator says otherwise.
    #[default]
    Development,
    /// A plugin gets what was approved in `plugins.toml`, and serves only from the file that was approved. While it does
    /// not serve, the operations that it was approved to hear of are refused.
    Production,
}

/// What the operator says.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) profile: Profile,
    plugins: BTreeMap<String, PluginPolicy>,
    path: PathBuf,
    /// Whether the file says anything at all.
    is_blank: bool,
    /// Names in it that mean nothing.
    pub(crate) warnings: Vec<String>,
}

/// What the operator says about one plugin.
#[derive(Clone, Default)]
struct PluginPolicy {
    sha256: Option<String>,
    required: Option<bool>,
    grants: Option<Grants>,
    limits: toml::Table,
    settings: Map,
    secrets: BTreeMap<String, Secret>,
    fields: BTreeMap<String, Fields>,
    subscriptions: Option<Vec<Heard>>,
    reuse: Option<Reuse>,
    quarantine: Quarantine,
}

/// What becomes of operations while a plugin does not serve.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without<'a> {
    /// They are done without it.
    Done,
    /// They are refused: those that it was approved to hear, or else those that it has heard.
    Refused(Option<&'a [Heard]>),
}

/// Where the policy of a plugins folder is: `plugins.toml` beside `plugins`.
pub fn path(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or("plugins".as_ref()).to_owned();
    name.push(".toml");
    folder.with_file_name(name)
}

impl Policy {
    /// Reads the text of a policy, under what the program has chosen.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    fn parse(text: &str, path: &Path, options: &PluginsOptions) -> Result<Policy, String> {
        let (text, is_whole) = without_end(text);
        let tables = Tables::parse(text)?;
        let profile = match &tables.profile {
            Some(profile) if *profile.get_ref() < options.profile => {
                let reason =
                    "the program has chosen production, which this file cannot take back; remove the line";
                return Err(problem(text, Some(profile.span()), reason));
            }
            Some(profile) => *profile.get_ref(),
            None => options.profile,
        };
        if profile == Profile::Production && !is_whole {
            return Err(
                "its last line is not `end = true`, which in production says that nothing of it is missing; \
                        `aksara allow` writes it"
                    .to_owned(),
            );
        }
        let unknown = options.models.as_ref().map(|models| names::unknown(text, &tables, models));
        let mut warnings = Vec::new();
        for unknown in unknown.into_iter().flatten() {
            if unknown.is_rule && profile == Profile::Production {
                return Err(unknown.problem);
            }
            warnings.push(unknown.problem);
        }
        let is_blank = !is_whole && tables.profile.is_none() && tables.plugins.is_empty();
        let plugins = tables.plugins.into_iter();
        let plugins = plugins.map(|(name, table)| (name.into_inner(), table.into())).collect();
        Ok(Policy { profile, plugins, path: path.to_owned(), is_blank, warnings })
    }

    /// What the plugin with this name is allowed, with these limits where the operator says nothing of them.
    ///
    /// # Errors
    /// [`LoadError::NotApproved`] in the production profile, [`LoadError::Policy`] for limits and secrets that cannot be
    /// had.
    pub(crate) fn allowance(&self, plugin: &str, limits: &Limits) -> Result<Allowance, LoadError> {
        let mut allowance = self.approved(plugin, limits)?;
        allowance.settings = self.settings(plugin)?;
        Ok(allowance)
    }

    /// As [`allowance`](Self::allowance), without settings: what was approved, whether or not a secret is there.
    ///
    /// # Errors
    /// As [`allowance`](Self::allowance).
    pub(crate) fn approved(&self, plugin: &str, limits: &Limits) -> Result<Allowance, LoadError> {
        let policy = match (self.plugins.get(plugin), self.profile) {
            (Some(policy), Profile::Production) if policy.sha256.is_none() => {
                let reason = "it has no `sha256`, the file that was approved; `aksara allow` writes it";
                return Err(self.refuse(plugin, reason));
            }
            (None, Profile::Production) => {
                return Err(LoadError::NotApproved { path: self.path.display().to_string() });
            }
            (Some(policy), _) => policy.clone(),
            (None, Profile::Development) => PluginPolicy::default(),
        };
        let limits = limits.with(policy.limits);
        Ok(Allowance {
            limits: limits.map_err(|reason| self.refuse(plugin, &format!("limits: {reason}")))?,
            grants_what_it_asks: policy.grants.is_none() && self.profile == Profile::Development,
            grants: policy.grants.unwrap_or_default(),
            settings: Map::new(),
            sha256: policy.sha256,
            fields: policy.fields,
            subscriptions: match self.profile {
                Profile::Development => policy.subscriptions,
                // What was not approved is not heard.
                Profile::Production => Some(policy.subscriptions.unwrap_or_default()),
            },
            reuse: policy.reuse,
            quarantine: policy.quarantine,
        })
    }

    /// The settings and secrets of a plugin.
    ///
    /// # Errors
    /// [`LoadError::Policy`] for secrets that are not where the operator says.
    pub(crate) fn settings(&self, plugin: &str) -> Result<Map, LoadError> {
        let Some(policy) = self.plugins.get(plugin) else { return Ok(Map::new()) };
        let mut settings = policy.settings.clone();
        for (name, secret) in &policy.secrets {
            let value = secret.read();
            let value =
                value.map_err(|reason| self.refuse(plugin, &format!("the secret `{name}` {reason}")))?;
            settings.insert(name.clone(), Value::Str(value));
        }
        Ok(settings)
    }

    fn refuse(&self, plugin: &str, reason: &str) -> LoadError {
        let reason = format!("`plugins.{plugin}`: {reason}");
        LoadError::Policy { path: self.path.display().to_string(), reason }
    }

    /// The plugins that have a table.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &str> {
        self.plugins.keys().map(String::as_str)
    }

    /// What becomes of operations while a plugin does not serve; `was_heard` where the policy has taken from it what it
    /// served with.
    pub(crate) fn without(&self, plugin: &str, was_heard: bool) -> Without<'_> {
        let Some(policy) = self.plugins.get(plugin) else { return Without::Done };
        match policy.required.unwrap_or(was_heard || self.profile == Profile::Production) {
            true => Without::Refused(match self.profile {
                Profile::Development => policy.subscriptions.as_deref(),
                Profile::Production => Some(policy.subscriptions.as_deref().unwrap_or_default()),
            }),
            false => Without::Done,
        }
    }

    /// Whether a plugin has to serve.
    pub(crate) fn requires(&self, plugin: &str) -> bool {
        self.without(plugin, false) != Without::Done
    }
}

impl From<PluginTable> for PluginPolicy {
    fn from(table: PluginTable) -> Self {
        let PluginTable { sha256, required, grants, limits, settings, secrets, .. } = table;
        PluginPolicy {
            sha256,
            required,
            grants: grants.map(Grants::from),
            limits: limits.into_iter().map(|(name, value)| (name.into_inner(), value)).collect(),
            settings,
            secrets,
            fields: table.fields.into_iter().map(|(model, fields)| (model.into_inner(), fields)).collect(),
            subscriptions: table
                .subscriptions
                .map(|heard| heard.into_iter().map(toml::Spanned::into_inner).collect()),
            reuse: table.reuse,
            quarantine: table.quarantine,
        }
    }
}
