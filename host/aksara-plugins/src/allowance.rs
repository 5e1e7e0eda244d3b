//! What one plugin is allowed, and the checks that it keeps to it.

use std::collections::BTreeMap;
use std::fmt;

use aksara_wire::{Description, Grants, Map};

use crate::access::{Access, Fields, Heard};
use crate::error::LoadError;
use crate::limits::Limits;
use crate::quarantine::Quarantine;
use crate::reuse::Reuse;
use crate::text::shown;

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
    /// The fields that it may see and change, by label of the model; all of them unless given.
    pub fields: BTreeMap<String, Fields>,
    /// What it may hear; whatever it subscribes to unless given.
    pub subscriptions: Option<Vec<Heard>>,
    /// How long its instances serve; each serves a single event unless given.
    pub reuse: Option<Reuse>,
    /// When it is called no more.
    pub quarantine: Quarantine,
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Allowance { limits, grants, settings, grants_what_it_asks, sha256, fields, .. } = self;
        f.debug_struct("Allowance")
            .field("limits", limits)
            .field("grants", grants)
            // Their values may be secrets.
            .field("settings", &settings.keys())
            .field("grants_what_it_asks", grants_what_it_asks)
            .field("sha256", sha256)
            .field("fields", fields)
            .field("subscriptions", &self.subscriptions)
            .field("reuse", &self.reuse)
            .field("quarantine", &self.quarantine)
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
    /// Settles what the plugin gets of what it asks for, and what it may do with models.
    ///
    /// # Errors
    /// [`LoadError::Grants`] when it asks for more than it is allowed, [`LoadError::Fields`].
    pub(crate) fn settle(mut self, description: &mut Description) -> Result<(Allowance, Access), LoadError> {
        if self.grants_what_it_asks {
            self.grants = description.grants.clone();
        }
        let beyond = description.grants.beyond(&self.grants);
        if !beyond.is_empty() {
            return Err(LoadError::Grants { missing: shown(&beyond.join(", ")) });
        }
        if let Some(approved) = &self.subscriptions {
            let heard = description.subscriptions.iter().map(Heard::of);
            let missing: Vec<_> =
                heard.filter(|heard| !heard.is_in(approved)).map(|heard| heard.to_string()).collect();
            if !missing.is_empty() {
                return Err(LoadError::Grants { missing: shown(&missing.join("; ")) });
            }
        }
        let access = Access::new(&self.grants, &self.fields);
        for subscription in &mut description.subscriptions {
            access.narrow(subscription).map_err(|reason| LoadError::Fields {
                handler: subscription.handler.clone(),
                reason: shown(&reason),
            })?;
        }
        Ok((self, access))
    }

    /// Who decided on its grants, for the log.
    pub(crate) fn granted(&self) -> &'static str {
        if self.grants_what_it_asks { "what it asks for" } else { "what its operator allows" }
    }
}
