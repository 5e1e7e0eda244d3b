//! What a plugin may do with the application's models: the one place that says it, made of the grants and the fields that
//! its operator gave it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use aksara_wire::{Grants, ModelOperation, Subscription, When};
use serde::Deserialize;

/// What a plugin may do with the application's models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    operations: BTreeMap<String, BTreeSet<ModelOperation>>,
    fields: BTreeMap<String, Fields>,
}

/// The fields of a model that a plugin may see and change. `None` for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Those that it may see: that are sent and returned, and that it may filter and order by.
    pub reads: Option<BTreeSet<String>>,
    /// Those that it may change: by a patch, an update and a create.
    pub writes: Option<BTreeSet<String>>,
}

impl Access {
    pub(crate) fn new(grants: &Grants, fields: &BTreeMap<String, Fields>) -> Self {
        Access { operations: grants.models.clone(), fields: fields.clone() }
    }

    /// Whether the operation on the model is granted.
    pub fn allows(&self, operation: ModelOperation, model: &str) -> bool {
        self.operations.get(model).is_some_and(|operations| operations.contains(&operation))
    }

    /// Whether the field may be seen, filtered by and ordered by.
    pub fn reads(&self, model: &str, field: &str) -> bool {
        let reads = self.of(model).and_then(|fields| fields.reads.as_ref());
        reads.is_none_or(|reads| reads.contains(field))
    }

    /// Whether the field may be changed.
    pub fn writes(&self, model: &str, field: &str) -> bool {
        let writes = self.of(model).and_then(|fields| fields.writes.as_ref());
        writes.is_none_or(|writes| writes.contains(field))
    }

    /// Returns of the fields that a handler reads those of this sender that may be seen.
    pub fn seen<'a>(
        &self,
        sender: &str,
        reads: &'a Option<BTreeSet<String>>,
    ) -> Cow<'a, Option<BTreeSet<String>>> {
        match self.of(sender).and_then(|fields| fields.reads.as_ref()) {
            None => Cow::Borrowed(reads),
            Some(allowed) if reads.as_ref().is_some_and(|reads| reads.is_subset(allowed)) => {
                Cow::Borrowed(reads)
            }
            Some(allowed) => {
                let mut seen = reads.clone();
                narrow(&mut seen, &Some(allowed.clone()));
                Cow::Owned(seen)
            }
        }
    }

    /// Leaves of a subscription's fields those that may be seen and changed.
    ///
    /// # Errors
    /// What it asks for that cannot be narrowed, in words.
    pub(crate) fn narrow(&self, subscription: &mut Subscription) -> Result<(), String> {
        let Subscription { sender, reads, writes, when, .. } = subscription;
        // That of every model is narrowed for each event.
        let Some((sender, fields)) = sender.as_ref().and_then(|sender| Some((sender, self.of(sender)?)))
        else {
            return Ok(());
        };
        narrow(reads, &fields.reads);
        narrow(writes, &fields.writes);
        match when.changed.iter().find(|field| !self.reads(sender, field)) {
            Some(field) => Err(format!("it asks when `{sender}.{field}` changes, which it may not see")),
            None => Ok(()),
        }
    }

    /// The fields of a model; a relation, whose sender is `Post.tags`, is one of the model that has it.
    fn of(&self, sender: &str) -> Option<&Fields> {
        let owner = || sender.rsplit_once('.').and_then(|(owner, _)| self.fields.get(owner));
        self.fields.get(sender).or_else(owner)
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

/// What an operator has approved that a plugin hears.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// Name of the signal.
    pub signal: String,
    /// Label of the sender; every sender without.
    #[serde(default)]
    pub sender: Option<String>,
    /// The fields that it sees of it, or is told that they changed; all of them without.
    #[serde(default)]
    pub reads: Option<BTreeSet<String>>,
    /// The fields that it may change; all of them without.
    #[serde(default)]
    pub writes: Option<BTreeSet<String>>,
}

impl Heard {
    /// What has to be approved for this subscription.
    pub fn of(subscription: &Subscription) -> Self {
        let Subscription { signal, sender, reads, writes, when, .. } = subscription;
        let reads = reads.as_ref().map(|reads| reads.union(&when.changed).cloned().collect());
        Heard { signal: signal.clone(), sender: sender.clone(), reads, writes: writes.clone() }
    }

    /// A subscription of a plugin that is not there, to this.
    pub(crate) fn subscription(&self) -> Subscription {
        let Heard { signal, sender, reads, writes } = self.clone();
        let (handler, when) = (signal.clone(), When::default());
        // Before anything is done for an operation that will be refused.
        Subscription { handler, signal, sender, priority: i32::MAX, reads, writes, when }
    }

    /// Whether all of this was approved.
    pub fn is_in(&self, approved: &[Heard]) -> bool {
        let within =
            |asked: &Option<BTreeSet<String>>, approved: &Option<BTreeSet<String>>| match (asked, approved) {
                (_, None) => true,
                (Some(asked), Some(approved)) => asked.is_subset(approved),
                (None, Some(_)) => false,
            };
        approved.iter().any(|approved| {
            approved.signal == self.signal
                && approved.sender == self.sender
                && within(&self.reads, &approved.reads)
                && within(&self.writes, &approved.writes)
        })
    }
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |fields: &Option<BTreeSet<String>>| match fields {
            Some(fields) if fields.is_empty() => "no field".to_owned(),
            Some(fields) => fields.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            None => "all fields".to_owned(),
        };
        write!(f, "hearing `{}` of ", self.signal)?;
        match &self.sender {
            Some(sender) => write!(f, "`{sender}`")?,
            None => f.write_str("every sender")?,
        }
        write!(f, ", seeing {}, changing {}", names(&self.reads), names(&self.writes))
    }
}
