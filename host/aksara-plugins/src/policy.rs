//! `plugins.toml`: what the operator says about the plugins of a folder. It lies beside the folder, with its name.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use aksara_wire::{Grants, Map, Value};
use serde::Deserialize;

use crate::access::{Fields, Heard};
use crate::allowance::Allowance;
use crate::error::LoadError;
use crate::limits::Limits;
use crate::quarantine::Quarantine;
use crate::reuse::Reuse;

/// What the operator says.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    pub(crate) profile: Profile,
    plugins: BTreeMap<String, PluginPolicy>,
    #[serde(skip)]
    path: PathBuf,
}

/// Who decides what a plugin gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    /// A plugin gets what it asks for, unless the operator says otherwise.
    #[default]
    Development,
    /// A plugin gets what was approved, and serves only from the file that was approved.
    Production,
}

/// What the operator says about one plugin.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PluginPolicy {
    sha256: Option<String>,
    grants: Option<GrantsTable>,
    limits: toml::Table,
    settings: Map,
    secrets: BTreeMap<String, Secret>,
    fields: BTreeMap<String, Fields>,
    subscriptions: Option<Vec<Heard>>,
    reuse: Option<Reuse>,
    quarantine: Quarantine,
}

/// Grants as an operator writes them, where a word that is not known is an error.
#[derive(Clone, Debug, Default)]
struct GrantsTable(Grants);

impl<'de> Deserialize<'de> for GrantsTable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let table = toml::Table::deserialize(deserializer)?;
        let unknown = table
            .keys()
            .find(|key| !["models", "signals", "services", "keyvalue", "http"].contains(&key.as_str()));
        if let Some(unknown) = unknown {
            let known = "`models`, `signals`, `services`, `keyvalue` and `http`";
            return Err(D::Error::custom(format!("there are no grants called `{unknown}`, only {known}")));
        }
        table.try_into().map(GrantsTable).map_err(D::Error::custom)
    }
}

/// Returns where an error of `plugins.toml` is, and what it is: without the line itself and the values in it, which may be
/// settings or secrets.
pub fn problem(text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let before = span.and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!("line {}: ", before.matches('\n').count() + 1));
    // Names are in backticks; what is in quotes was written as a value.
    let parts = message.split('"').enumerate();
    let shown: Vec<_> = parts.map(|(index, part)| if index % 2 == 0 { part } else { "***" }).collect();
    line.unwrap_or_default() + &shown.join("\"")
}

/// Where a secret is, so that it is not in `plugins.toml`.
#[derive(Clone, Debug)]
enum Secret {
    /// In this variable of the host's environment.
    Env(String),
    /// In this file, without the line's end.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What stands here by mistake is the secret itself: an error must not repeat it.
        let place = match toml::Value::deserialize(deserializer)? {
            toml::Value::Table(table) if table.len() == 1 => table.into_iter().next(),
            _ => None,
        };
        match place {
            Some((kind, toml::Value::String(name))) if kind == "env" => Ok(Secret::Env(name)),
            Some((kind, toml::Value::String(path))) if kind == "file" => Ok(Secret::File(path.into())),
            _ => Err(serde::de::Error::custom(
                "a secret is not written here; say where it is: `env` is the name of a variable, `file` a path",
            )),
        }
    }
}

/// Where the policy of a plugins folder is: `plugins.toml` beside `plugins`.
pub fn path(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or("plugins".as_ref()).to_owned();
    name.push(".toml");
    folder.with_file_name(name)
}

impl Policy {
    /// Reads the policy of a folder. Where there is none, plugins get what they ask for.
    ///
    /// # Errors
    /// [`LoadError::Policy`].
    pub(crate) fn read(folder: &Path) -> Result<Policy, LoadError> {
        let path = path(folder);
        let refuse = |reason: String| LoadError::Policy { path: path.display().to_string(), reason };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(refuse(error.to_string())),
        };
        let mut policy: Policy = toml::from_str(&text)
            .map_err(|error: toml::de::Error| refuse(problem(&text, error.span(), error.message())))?;
        policy.path = path;
        Ok(policy)
    }

    /// What the plugin with this name is allowed, with these limits where the operator says nothing of them.
    ///
    /// # Errors
    /// [`LoadError::NotApproved`] in the production profile, [`LoadError::Policy`] for limits and secrets that cannot be
    /// had.
    pub(crate) fn allowance(&self, plugin: &str, limits: &Limits) -> Result<Allowance, LoadError> {
        let refuse = |reason: String| {
            let reason = format!("`plugins.{plugin}`: {reason}");
            LoadError::Policy { path: self.path.display().to_string(), reason }
        };
        let policy = match (self.plugins.get(plugin), self.profile) {
            (Some(policy), Profile::Production) if policy.sha256.is_none() => {
                return Err(refuse(
                    "it has no `sha256`, the file that was approved; `aksara allow` writes it".to_owned(),
                ));
            }
            (None, Profile::Production) => {
                return Err(LoadError::NotApproved { path: self.path.display().to_string() });
            }
            (Some(policy), _) => policy.clone(),
            (None, Profile::Development) => PluginPolicy::default(),
        };
        let mut settings = policy.settings;
        for (name, secret) in policy.secrets {
            let value = secret.read().map_err(|reason| refuse(format!("the secret `{name}` {reason}")))?;
            settings.insert(name, Value::Str(value));
        }
        Ok(Allowance {
            limits: limits.with(policy.limits).map_err(|reason| refuse(format!("limits: {reason}")))?,
            grants_what_it_asks: policy.grants.is_none() && self.profile == Profile::Development,
            grants: policy.grants.unwrap_or_default().0,
            settings,
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
}

impl Secret {
    fn read(&self) -> Result<String, String> {
        match self {
            Secret::Env(name) => std::env::var(name)
                .map_err(|_| format!("is to be in the variable `{name}`, which is not set")),
            Secret::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
                Err(error) => {
                    Err(format!("is to be in the file `{}`, which cannot be read: {error}", path.display()))
                }
            },
        }
    }
}
