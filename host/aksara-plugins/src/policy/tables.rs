//! `plugins.toml` as an operator writes it: its tables, and errors that say on which line what is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use aksara_wire::{Grants, Map, ModelOperation};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::names::suggested;
use super::{Profile, file};
use crate::access::{Fields, Heard};
use crate::limits::Limits;
use crate::quarantine::Quarantine;
use crate::reuse::Reuse;

/// The last line of a policy that is whole.
const END: &str = "end = true";

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tables {
    pub(super) profile: Option<Spanned<Profile>>,
    pub(super) plugins: BTreeMap<Spanned<String>, PluginTable>,
}

/// What the operator says about one plugin.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PluginTable {
    pub(super) sha256: Option<String>,
    pub(super) required: Option<bool>,
    pub(super) grants: Option<GrantsTable>,
    pub(super) limits: BTreeMap<Spanned<String>, toml::Value>,
    pub(super) settings: Map,
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) fields: BTreeMap<Spanned<String>, Fields>,
    pub(super) subscriptions: Option<Vec<Spanned<Heard>>>,
    pub(super) reuse: Option<Reuse>,
    pub(super) quarantine: Quarantine,
}

/// Grants, where a word that is not known is an error.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GrantsTable {
    pub(super) models: BTreeMap<Spanned<String>, BTreeSet<ModelOperation>>,
    signals: BTreeSet<String>,
    services: BTreeSet<String>,
    keyvalue: BTreeSet<String>,
    http: BTreeSet<Target>,
}

impl From<GrantsTable> for Grants {
    fn from(table: GrantsTable) -> Self {
        let GrantsTable { models, signals, services, keyvalue, http } = table;
        let models = models.into_iter().map(|(model, operations)| (model.into_inner(), operations)).collect();
        let http = http.into_iter().map(|Target(target)| target).collect();
        Grants { models, signals, services, keyvalue, http }
    }
}

/// Where HTTP requests may go: a host with its port.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Target(String);

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let target = String::deserialize(deserializer)?;
        let refuse = |problem: String| Err(serde::de::Error::custom(problem));
        let plain = |host: &str| !host.is_empty() && !host.contains(['/', ':', '@', '[', ']', ' ']);
        let is_host = |host: &str| match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => plain(host),
        };
        match target.rsplit_once(':') {
            Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                match host.chars().any(char::is_uppercase) {
                    true => {
                        refuse(format!("the host `{target}` has capital letters; write it in small ones"))
                    }
                    false => Ok(Target(target)),
                }
            }
            _ if is_host(&target) => refuse(format!(
                "the host `{target}` has no port; write `{target}:443`, or the port that it has"
            )),
            _ => refuse(format!("`{target}` is not a host with a port, as `api.example.com:443` is")),
        }
    }
}

/// Where a secret is, so that it is not in `plugins.toml`.
#[derive(Clone, Debug)]
pub(super) enum Secret {
    /// In this variable of the host's environment.
    Env(String),
    /// In this file, without the line's end.
    File(PathBuf),
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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

impl Secret {
    pub(super) fn read(&self) -> Result<String, String> {
        match self {
            Secret::Env(name) => std::env::var(name)
                .map_err(|_| format!("is to be in the variable `{name}`, which is not set")),
            Secret::File(path) => match file::read(path) {
                Ok(Some(text)) => Ok(text.trim_end_matches(['\n', '\r']).to_owned()),
                Ok(None) => Err(format!(
                    "is to be in the file `{}`, which cannot be read: it is not there",
                    path.display()
                )),
                Err(error) => {
                    Err(format!("is to be in the file `{}`, which cannot be read: {error}", path.display()))
                }
            },
        }
    }
}

impl Tables {
    /// Reads the text of a policy, without its last line.
    pub(super) fn parse(text: &str) -> Result<Tables, String> {
        let tables: Tables = toml::from_str(text)
            .map_err(|error: toml::de::Error| problem(text, error.span(), error.message()))?;
        for (plugin, table) in &tables.plugins {
            for (limit, value) in &table.limits {
                Limits::check(limit.get_ref(), value).map_err(|reason| {
                    let reason = format!("`plugins.{}`: limits: {}", plugin.get_ref(), suggested(&reason));
                    problem(text, Some(limit.span()), &reason)
                })?;
            }
        }
        Ok(tables)
    }
}

/// Returns the policy without its last line, and whether that is the one of a policy that is whole, `end = true`.
pub fn without_end(text: &str) -> (&str, bool) {
    let whole = text.trim_end();
    let start = whole.rfind('\n').map_or(0, |newline| newline + 1);
    let last = whole[start..].split('#').next().unwrap_or_default();
    let last: String = last.split_whitespace().collect();
    match last == END.replace(' ', "") {
        true => (&text[..start], true),
        false => (text, false),
    }
}

/// Returns where an error of `plugins.toml` is, what it is, and what may have been meant: without the line itself and the
/// values in it, which may be settings or secrets.
pub fn problem(text: &str, span: Option<Range<usize>>, message: &str) -> String {
    let line = span.map(|span| format!("line {}: ", line(text, span.start)));
    // Names are in backticks; what is in quotes was written as a value.
    let parts = message.split('"').enumerate();
    let shown: Vec<_> = parts.map(|(index, part)| if index % 2 == 0 { part } else { "***" }).collect();
    line.unwrap_or_default() + &suggested(&shown.join("\""))
}

/// The line of a place in a text, counted from 1.
pub(super) fn line(text: &str, place: usize) -> usize {
    text.get(..place).unwrap_or(text).matches('\n').count() + 1
}
