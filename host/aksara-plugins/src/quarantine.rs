//! A plugin that fails by its own fault again and again is called no more, until it is replaced or released.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::error::FaultKind;

/// When a plugin is quarantined, and what becomes of the events that it would have handled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quarantine {
    /// Faults in a row that lead to it: traps, limits that were hit, replies that are none. 10; with 0, there is none.
    pub faults: u32,
    /// What then becomes of its events.
    pub then: Then,
}

/// What becomes of the events of a plugin in quarantine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The operation fails, with an error that says so: nothing is written that the plugin should have seen.
    #[default]
    Refuse,
    /// The operation goes on without the plugin.
    Skip,
}

impl Default for Quarantine {
    fn default() -> Self {
        Quarantine { faults: 10, then: Then::default() }
    }
}

/// How the calls of one revision have ended of late.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Faults in a row, of each subscription: one that works says nothing about another that does not.
    faults: Vec<AtomicU32>,
    is_quarantined: AtomicBool,
    /// The fault that led to quarantine, in words.
    reason: Mutex<String>,
}

impl Health {
    pub(crate) fn new(subscriptions: usize) -> Self {
        Health { faults: (0..subscriptions).map(|_| AtomicU32::new(0)).collect(), ..Health::default() }
    }

    /// Why its plugin is in quarantine, if it is.
    pub(crate) fn quarantined(&self) -> Option<String> {
        let is_quarantined = self.is_quarantined.load(Ordering::Relaxed);
        is_quarantined.then(|| self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Takes note of a call that ended well.
    pub(crate) fn good(&self, subscription: u32) {
        let faults = &self.faults[subscription as usize];
        // Nothing is written while all is well.
        if faults.load(Ordering::Relaxed) != 0 {
            faults.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note of a fault; whether this one leads to quarantine.
    pub(crate) fn fault(&self, subscription: u32, rule: &Quarantine, reason: &str) -> bool {
        let faults = self.faults[subscription as usize].fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if rule.faults == 0 || faults < rule.faults {
            return false;
        }
        let mut last = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let leads = !self.is_quarantined.swap(true, Ordering::Relaxed);
        if leads {
            reason.clone_into(&mut last);
        }
        leads
    }

    /// Lets its plugin be called again; whether it was in quarantine.
    pub(crate) fn release(&self) -> bool {
        self.faults.iter().for_each(|faults| faults.store(0, Ordering::Relaxed));
        self.is_quarantined.swap(false, Ordering::Relaxed)
    }
}

impl FaultKind {
    /// Whether the plugin alone is to blame, rather than the host, its load, or an exception that it reports.
    pub(crate) fn is_own(&self) -> bool {
        match self {
            FaultKind::Trap(_)
            | FaultKind::Deadline(_)
            | FaultKind::OwnTime(_)
            | FaultKind::Memory { .. }
            | FaultKind::Table { .. }
            | FaultKind::HostCalls { .. }
            | FaultKind::Rows { .. }
            | FaultKind::Answer { .. }
            | FaultKind::BadReply(_) => true,
            FaultKind::HostTime(_)
            | FaultKind::Event { .. }
            | FaultKind::Error(_)
            | FaultKind::Busy
            | FaultKind::Quarantined { .. } => false,
        }
    }
}
