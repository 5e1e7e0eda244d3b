//! What one plugin is allowed, and the checks that it keeps to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aksara_wire::{Description, Grants, Map, Subscription};
use serde::Deserialize;

use crate::error::LoadError;
use crate::limits::Limits;
use crate::quarantine::Quarantine;
use crate::reuse::Reuse;

/// What one plugin is allowed.
#[derive(Clone, Default)]
pub struct Allowance {
    /// How much it may use.
    pub limits: Limits,
    /// What it may ask of the host.
    pub grants: Grants,
    /// Its settings and secrets, by name.
    pub settings: Map,
    /// Whether it is granted what it asks for, in place of `grants`.
    pub grants_what_it_asks: bool,
    /// SHA-256 of the only file that may serve; any may unless given.
    pub sha256: Option<String>,
    /// The fields that its handlers may see and change, by label of the model; all of them unless given.
    pub fields: BTreeMap<String, Fields>,
    /// How long its instances serve; each serves a single event unless given.
    pub reuse: Option<Reuse>,
    /// When it is called no more.
    pub quarantine: Quarantine,
}

/// The fields of a model that a plugin's handlers may see and change. `None` for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Those that are sent.
    pub reads: Option<BTreeSet<String>>,
    /// Those that may be patched.
    pub writes: Option<BTreeSet<String>>,
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Allowance { limits, grants, settings, grants_what_it_asks, sha256, fields, reuse, quarantine } =
            self;
        f.debug_struct("Allowance")
            .field("limits", limits)
            .field("grants", grants)
            // Their values may be secrets.
            .field("settings", &settings.keys())
            .field("grants_what_it_asks", grants_what_it_asks)
            .field("sha256", sha256)
            .field("fields", fields)
            .field("reuse", reuse)
            .field("quarantine", quarantine)
            .finish()
    }
}

impl From<Limits> for Allowance {
    /// What it asks for, within these limits.
    fn from(limits: Limits) -> Self {
        Allowance { limits, grants_what_it_asks: true, ..Allowance::default() }
    }
}

impl Allowance {
    /// Settles what the plugin gets of what it asks for.
    ///
    /// # Errors
    /// [`LoadError::Grants`] when it asks for more than it is allowed, [`LoadError::Fields`].
    pub(crate) fn settle(mut self, description: &mut Description) -> Result<Allowance, LoadError> {
        if self.grants_what_it_asks {
            self.grants = description.grants.clone();
        }
        let beyond = description.grants.beyond(&self.grants);
        if !beyond.is_empty() {
            return Err(LoadError::Grants { missing: beyond.join(", ") });
        }
        for subscription in &mut description.subscriptions {
            self.narrow(subscription)?;
        }
        Ok(self)
    }

    /// Who decided on its grants, for the log.
    pub(crate) fn granted(&self) -> &'static str {
        if self.grants_what_it_asks { "what it asks for" } else { "what its operator allows" }
    }

    fn narrow(&self, subscription: &mut Subscription) -> Result<(), LoadError> {
        let Some(sender) = &subscription.sender else {
            // It would hear of these models with all their fields.
            return match self.fields.keys().next() {
                Some(model) => {
                    Err(LoadError::Fields { handler: subscription.handler.clone(), model: model.clone() })
                }
                None => Ok(()),
            };
        };
        if let Some(Fields { reads, writes }) = self.fields.get(sender) {
            narrow(&mut subscription.reads, reads);
            narrow(&mut subscription.writes, writes);
        }
        Ok(())
    }
}

/// Those of the names that are allowed as well.
fn narrow(names: &mut Option<BTreeSet<String>>, allowed: &Option<BTreeSet<String>>) {
    let Some(allowed) = allowed else { return };
    match names {
        Some(names) => names.retain(|name| allowed.contains(name)),
        None => *names = Some(allowed.clone()),
    }
}
