//! A plugin that fails by its own fault again and again is called no more, until it is replaced or released.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::error::FaultKind;

/// When a plugin is quarantined, and what becomes of the events that it would have handled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quarantine {
    /// Which share of a handler's calls have to fail, in percent; 50. With 0, it is not looked at. Faults are traps, limits
    /// that were hit, and replies that are none; calls with equal inputs count once, for what one user sends over and over
    /// is no reason to keep a plugin from all others.
    pub percent: u32,
    /// Of how many calls; 50, and no fewer.
    #[serde(deserialize_with = "calls")]
    pub calls: u32,
    /// Faults in a row that lead to it, whatever the inputs; 0, which is never.
    pub faults: u32,
    /// What then becomes of its events.
    pub then: Then,
}

/// Fewer say nothing about a plugin.
const CALLS_MIN: u32 = 50;

fn calls<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        calls if calls < CALLS_MIN => Err(serde::de::Error::custom(format!(
            "`calls` of a quarantine is {calls}, and at least {CALLS_MIN}"
        ))),
        calls => Ok(calls),
    }
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
        Quarantine { percent: 50, calls: CALLS_MIN, faults: 0, then: Then::default() }
    }
}

/// How the calls of one revision have ended of late.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Of each subscription: one that works says nothing about another that does not.
    handlers: Vec<Handler>,
    is_quarantined: AtomicBool,
    /// What led to quarantine, in words.
    reason: Mutex<String>,
}

/// How the calls of one handler have ended.
#[derive(Debug, Default)]
struct Handler {
    calls: AtomicU64,
    /// Faults in a row.
    in_a_row: AtomicU32,
    failed: Mutex<Failed>,
}

/// The faults since calls were last counted anew.
#[derive(Debug, Default)]
struct Failed {
    /// How many calls there were before.
    calls_before: u64,
    faults: u64,
    /// Hashes of the inputs that led to them.
    inputs: HashSet<u64>,
}

impl Health {
    pub(crate) fn new(subscriptions: usize) -> Self {
        Health { handlers: (0..subscriptions).map(|_| Handler::default()).collect(), ..Health::default() }
    }

    /// Why its plugin is in quarantine, if it is.
    pub(crate) fn quarantined(&self) -> Option<String> {
        let is_quarantined = self.is_quarantined.load(Ordering::Relaxed);
        is_quarantined.then(|| self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Takes note of a call that ended well.
    pub(crate) fn good(&self, subscription: u32) {
        let handler = &self.handlers[subscription as usize];
        handler.calls.fetch_add(1, Ordering::Relaxed);
        if handler.in_a_row.load(Ordering::Relaxed) != 0 {
            handler.in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note of a fault with this input; the reason for quarantine, if this one leads to it.
    pub(crate) fn fault(
        &self,
        subscription: u32,
        rule: &Quarantine,
        input: u64,
        fault: &str,
    ) -> Option<String> {
        let handler = &self.handlers[subscription as usize];
        let calls = handler.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let in_a_row = handler.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let share = handler.failed.lock().unwrap_or_else(PoisonError::into_inner).add(calls, rule, input);
        let reason = match share {
            Some((failed, calls)) => {
                format!("{failed} of {calls} calls failed, of which equal ones count once; the last: {fault}")
            }
            None if rule.faults > 0 && in_a_row >= rule.faults => {
                format!("{in_a_row} calls in a row failed; the last: {fault}")
            }
            None => return None,
        };
        let mut last = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_quarantined.swap(true, Ordering::Relaxed) {
            return None;
        }
        last.clone_from(&reason);
        Some(reason)
    }

    /// Lets its plugin be called again; whether it was in quarantine.
    pub(crate) fn release(&self) -> bool {
        for handler in &self.handlers {
            handler.in_a_row.store(0, Ordering::Relaxed);
            let calls_before = handler.calls.load(Ordering::Relaxed);
            let mut failed = handler.failed.lock().unwrap_or_else(PoisonError::into_inner);
            *failed = Failed { calls_before, ..Failed::default() };
        }
        self.is_quarantined.swap(false, Ordering::Relaxed)
    }
}

impl Failed {
    /// Adds a fault. Once there were as many calls as the rule asks for, the faults and the calls are returned if the share is
    /// too large, and otherwise counted anew.
    fn add(&mut self, calls: u64, rule: &Quarantine, input: u64) -> Option<(u64, u64)> {
        if rule.percent == 0 {
            return None;
        }
        self.faults += 1;
        self.inputs.insert(input);
        let failed = self.inputs.len() as u64;
        let calls_once = calls.saturating_sub(self.calls_before + self.faults) + failed;
        if calls_once < u64::from(rule.calls) {
            return None;
        }
        *self = Failed { calls_before: calls, ..Failed::default() };
        (failed * 100 >= calls_once * u64::from(rule.percent)).then_some((failed, calls_once))
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
            | FaultKind::Revoked(_)
            | FaultKind::Quarantined { .. } => false,
        }
    }
}
