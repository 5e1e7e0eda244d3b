//! Instances that serve more than one event, where the operator lets a plugin that is slow to start have them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use crate::bindings::Plugin;
use crate::call::Live;
use crate::revision::Revision;
use crate::wasi::Wasi;

/// How long an instance serves. What it keeps in memory from one event is there at the next, so this is for plugins
/// whose author is trusted with that.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reuse {
    /// Events that one instance serves; 1,000.
    pub uses: u32,
    /// How long after its first event it serves the last, in seconds; 60.
    pub seconds: u64,
}

impl Default for Reuse {
    fn default() -> Self {
        Reuse { uses: 1_000, seconds: 60 }
    }
}

/// What an instance has served.
pub(crate) struct History {
    uses: u32,
    since: Instant,
    /// Handles that it held after its first event: those of its runtime, such as of standard output.
    handles: usize,
}

/// How many more it may hold after a later one. What it forgets to give back would fail an event some time.
const HANDLES_MORE_MAX: usize = 32;

impl History {
    pub(crate) fn begin() -> Self {
        History { uses: 0, since: Instant::now(), handles: 0 }
    }

    /// Counts an event; whether the instance is fit for another one, with what it holds.
    fn served(&mut self, held: Held) -> bool {
        self.uses += 1;
        if self.uses == 1 {
            self.handles = held.handles;
        }
        // What it holds beyond those may be a connection of this event.
        let more = held.handles.saturating_sub(self.handles);
        more <= if held.has_requested { 0 } else { HANDLES_MORE_MAX }
    }
}

/// What an instance holds at the end of an event.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    /// Streams, things to wait for, buckets, requests.
    pub(crate) handles: usize,
    /// Whether it has sent HTTP requests in this event.
    pub(crate) has_requested: bool,
}

/// An instance between two events. Whoever calls it takes it out, so that a call that is dropped takes it along.
pub(crate) struct Kept {
    pub(crate) live: Live,
    pub(crate) plugin: Plugin,
    pub(crate) history: History,
    /// One of the places for those that wait.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// The instances of one revision that wait for their next event.
#[derive(Default)]
pub(crate) struct Idle(Mutex<Vec<Kept>>);

impl Revision {
    /// An instance that has served before, if one waits.
    pub(crate) fn kept(&self) -> Option<Kept> {
        let reuse = self.allowance().reuse.as_ref()?;
        let mut idle = self.idle().0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kept| kept.history.since.elapsed() < Duration::from_secs(reuse.seconds));
        let kept = idle.pop()?;
        Some(Kept { place: None, ..kept })
    }

    /// Keeps an instance that has returned cleanly for the next event, unless it has served its time, has taken more than half
    /// of the memory that it may have, or holds more than before: it could fail the next event by what is left of this one.
    pub(crate) fn keep(&self, mut kept: Kept, memory_bytes: usize) {
        let Some(reuse) = &self.allowance().reuse else { return };
        let held = kept.live.store.data_mut().wasi.as_mut().map(Wasi::held).unwrap_or_default();
        let is_fit = kept.history.served(held);
        if !is_fit || kept.history.uses >= reuse.uses || memory_bytes > self.limits().memory_bytes_max / 2 {
            return;
        }
        let Ok(place) = self.engine().places.clone().try_acquire_owned() else { return };
        kept.place = Some(place);
        // It holds the transaction of the event.
        kept.live.store.data_mut().application = None;
        let mut idle = self.idle().0.lock().unwrap_or_else(PoisonError::into_inner);
        // More than compute at once are of no use.
        if idle.len() < self.engine().cores {
            idle.push(kept);
        }
    }
}
