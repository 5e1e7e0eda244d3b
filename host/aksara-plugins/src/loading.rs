//! Files that are being loaded, side by side: one that is slow, incomplete or long to compile holds up no other.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};

use crate::allowance::Allowance;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::folder::{self, Found, Kind};
use crate::revision::Revision;
use crate::watch::Writing;

/// Files that are in memory at once before it is known whether they have to be compiled.
const READ_AT_ONCE: usize = 4;

/// The files that are being loaded.
pub(crate) struct Loading {
    lanes: Lanes,
    tasks: JoinSet<(Found, Outcome)>,
    under_way: BTreeMap<String, UnderWay>,
}

/// A file that is to be loaded, and how.
pub(crate) struct Task {
    pub(crate) found: Found,
    pub(crate) allowance: Result<Allowance, LoadError>,
    /// Number of the plugin in the order of connection.
    pub(crate) order: u64,
}

struct UnderWay {
    found: Found,
    order: u64,
    task: AbortHandle,
    /// Whether the file has changed since, and is loaded again after that.
    is_old: bool,
}

/// A file that was loaded, or not.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) order: u64,
    pub(crate) found: Found,
    pub(crate) outcome: Outcome,
}

/// What came of a file.
pub(crate) enum Outcome {
    /// It was read.
    Whole(Box<Result<Revision, LoadError>>),
    /// It is still being written.
    Unfinished,
    /// It vanished, or grows still.
    Gone,
}

impl Loading {
    pub(crate) fn new(engine: Engine, writing: Writing, bytes_max: usize) -> Self {
        let (reading, turn) = (Arc::new(Semaphore::new(READ_AT_ONCE)), Arc::new(Semaphore::new(1)));
        let lanes = Lanes { engine, writing, bytes_max, reading, turn };
        Loading { lanes, tasks: JoinSet::new(), under_way: BTreeMap::new() }
    }

    /// Returns whether the file is being loaded; when it has changed since that began, it has to be loaded again.
    pub(crate) fn has(&mut self, name: &str, found: &Found) -> bool {
        self.under_way.get_mut(name).map(|one| one.is_old = one.found != *found).is_some()
    }

    /// Returns how often each of the files has to be loaded until it is as it is now.
    pub(crate) fn awaited(&self) -> BTreeMap<String, u8> {
        let times = |one: &UnderWay| if one.is_old { 2 } else { 1 };
        self.under_way.iter().map(|(name, one)| (name.clone(), times(one))).collect()
    }

    /// Returns whether a file is being loaded.
    pub(crate) fn is_loading(&self, name: &str) -> bool {
        self.under_way.contains_key(name)
    }

    /// Begins to load a file.
    pub(crate) fn start(&mut self, name: String, task: Task) {
        let Task { found, allowance, order } = task;
        let loading = self.lanes.clone().load(name.clone(), found.clone(), allowance);
        let task = self.tasks.spawn(loading);
        self.under_way.insert(name, UnderWay { found, order, task, is_old: false });
    }

    /// Gives up what is being loaded and is not wanted any more.
    pub(crate) fn keep(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.under_way.retain(|name, one| {
            let is_wanted = is_wanted(name);
            if !is_wanted {
                one.task.abort();
            }
            is_wanted
        });
    }

    /// Waits for the next file that is done; for ever when there is none. The second value says whether it has changed since.
    pub(crate) async fn next(&mut self) -> (Loaded, bool) {
        loop {
            let (task, done) = match self.tasks.join_next_with_id().await {
                Some(Ok((task, (found, outcome)))) => (task, Some((found, outcome))),
                Some(Err(error)) => (error.id(), None),
                None => std::future::pending().await,
            };
            let Some(name) = self.name(task) else { continue };
            let Some(UnderWay { found, order, is_old, .. }) = self.under_way.remove(&name) else { continue };
            let (found, outcome) = done.unwrap_or_else(|| {
                let error = LoadError::Compile("loading it panicked".to_owned());
                (found, Outcome::Whole(Box::new(Err(error))))
            });
            return (Loaded { name, order, found, outcome }, is_old);
        }
    }

    /// The file that a task loads; `None` when it was given up.
    fn name(&self, task: tokio::task::Id) -> Option<String> {
        self.under_way.iter().find(|(_, one)| one.task.id() == task).map(|(name, _)| name.clone())
    }
}

/// What those that load share.
#[derive(Clone)]
struct Lanes {
    engine: Engine,
    writing: Writing,
    bytes_max: usize,
    reading: Arc<Semaphore>,
    /// The turn of what has to be compiled: its bytes are not kept in memory while it waits.
    turn: Arc<Semaphore>,
}

impl Lanes {
    /// Loads one file, once it is complete.
    async fn load(
        self,
        name: String,
        found: Found,
        allowance: Result<Allowance, LoadError>,
    ) -> (Found, Outcome) {
        if !self.writing.is_closed(&found.path).await {
            return (found, Outcome::Unfinished);
        }
        let Some((whole, found)) = self.read(found.clone()).await else { return (found, Outcome::Gone) };
        let loaded = match (whole, allowance) {
            (Ok((bytes, reading)), Ok(allowance)) => match found.kind {
                Kind::Component => self.component(&name, &found, bytes, reading, allowance).await,
                Kind::JavaScript => {
                    drop(reading);
                    self.script(&name, bytes, allowance).await
                }
            },
            (Err(error), _) | (_, Err(error)) => Some(Err(error)),
        };
        // What was read may be a part of what is being written by now.
        let outcome = match loaded {
            _ if self.writing.is_open(&found.path) => Outcome::Unfinished,
            Some(loaded) => Outcome::Whole(Box::new(loaded)),
            None => Outcome::Gone,
        };
        (found, outcome)
    }

    async fn read(&self, found: Found) -> Option<(Result<folder::Kept, LoadError>, Found)> {
        folder::complete(found, self.bytes_max, &self.reading).await
    }

    /// Loads a component; `None` when it is another one at its turn.
    async fn component(
        &self,
        name: &str,
        found: &Found,
        bytes: Vec<u8>,
        reading: OwnedSemaphorePermit,
        allowance: Allowance,
    ) -> Option<Result<Revision, LoadError>> {
        let checked = match self.engine.check(bytes, &allowance).await {
            Ok(checked) => checked,
            Err(error) => return Some(Err(error)),
        };
        if !checked.is_new() {
            return Some(self.engine.load_checked(Some(name), checked, allowance).await);
        }
        drop((checked, reading));
        // An error means that the semaphore is closed, which it never is.
        let _turn = self.turn.acquire().await;
        let (whole, now) = self.read(found.clone()).await?;
        if now != *found {
            return None;
        }
        let loaded = async {
            let (bytes, _reading) = whole?;
            self.engine.load(Some(name), bytes, allowance).await
        };
        Some(loaded.await)
    }

    async fn script(
        &self,
        name: &str,
        bytes: Vec<u8>,
        allowance: Allowance,
    ) -> Option<Result<Revision, LoadError>> {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => return Some(Err(LoadError::NoText)),
        };
        Some(self.engine.load_javascript(name, text, allowance).await)
    }
}
