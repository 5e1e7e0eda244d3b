//! The watch of the plugins folder: it is set anew when another folder takes its place, and knows which files are open.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher, WatcherKind};

use crate::folder;
use crate::folder::STABLE;

/// How long a look waits for a file to be closed; the event of its closing brings the next look.
const CLOSING: Duration = Duration::from_secs(1);

/// A file that is kept open counts as complete when nothing has been written to it for so long.
const IDLE: Duration = Duration::from_secs(10);

/// The event that a file which was written is closed.
const CLOSED: EventKind = EventKind::Access(AccessKind::Close(AccessMode::Write));

/// The watch of the folder, and of its parent for the policy and for what is put in the folder's place.
pub(crate) struct Watch {
    watcher: RecommendedWatcher,
    noted: Arc<Mutex<Noted>>,
    /// What each watched path was when the watch was set.
    watched: BTreeMap<PathBuf, (u64, u64)>,
}

/// What events tell.
#[derive(Default)]
pub(crate) struct Noted {
    /// Files that are open for writing, and when they were last written.
    writing: HashMap<PathBuf, Instant>,
    /// Whether the folder was moved or removed, which ends its watch.
    is_gone: bool,
}

impl Watch {
    /// Begins to watch. `changed` is called for what concerns the folder or the policy.
    ///
    /// # Errors
    /// When the folder cannot be watched.
    pub(crate) fn begin(
        folder: &Path,
        policy: PathBuf,
        changed: impl Fn() + Send + 'static,
    ) -> notify::Result<Watch> {
        let noted = Arc::new(Mutex::new(Noted::default()));
        let (notes, inside) = (noted.clone(), folder.to_owned());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Ok(event) = &event {
                lock(&notes).take(event, &inside);
            }
            // The parent is watched for these alone: what else happens there is none of our business.
            let concerns = |path: &PathBuf| path.starts_with(&inside) || *path == policy;
            let matters = event.as_ref().map_or(true, |event| {
                (event.kind == CLOSED || !event.kind.is_access())
                    && (event.paths.is_empty() || event.paths.iter().any(concerns))
            });
            if matters {
                changed();
            }
        })?;
        let mut watch = Watch { watcher, noted, watched: BTreeMap::new() };
        watch.renew(folder)?;
        Ok(watch)
    }

    /// Sets the watch anew where another folder is in the place of the one that it was set on.
    ///
    /// # Errors
    /// When the folder is not there, or cannot be watched.
    pub(crate) fn renew(&mut self, folder: &Path) -> notify::Result<()> {
        if std::mem::take(&mut lock(&self.noted).is_gone) {
            self.forget(folder);
        }
        self.set(folder)?;
        let parent = folder.parent().unwrap_or(folder);
        if let Err(error) = self.set(parent) {
            tracing::debug!(folder = %parent.display(), %error, "it is looked at now and then only");
        }
        Ok(())
    }

    fn forget(&mut self, folder: &Path) {
        if self.watched.remove(folder).is_some() {
            // An error means that it is gone with its folder.
            let _ = self.watcher.unwatch(folder);
            lock(&self.noted).writing.clear();
        }
    }

    fn set(&mut self, folder: &Path) -> notify::Result<()> {
        let identity = folder::identity(folder);
        if identity.is_some() && self.watched.get(folder) == identity.as_ref() {
            return Ok(());
        }
        self.forget(folder);
        self.watcher.watch(folder, RecursiveMode::NonRecursive)?;
        self.watched.extend(identity.map(|identity| (folder.to_owned(), identity)));
        Ok(())
    }

    /// Returns what is known of the files that are being written.
    pub(crate) fn writing(&self) -> Writing {
        Writing(self.noted.clone())
    }
}

/// Which files are being written.
#[derive(Clone)]
pub(crate) struct Writing(Arc<Mutex<Noted>>);

impl Writing {
    /// Returns whether a file is open for writing, as far as events tell, and has been written of late.
    pub(crate) fn is_open(&self, path: &Path) -> bool {
        lock(&self.0).writing.get(path).is_some_and(|written| written.elapsed() < IDLE)
    }

    /// Waits a moment for a file to be closed; whether it is.
    pub(crate) async fn is_closed(&self, path: &Path) -> bool {
        let begin = tokio::time::Instant::now();
        while self.is_open(path) {
            if begin.elapsed() > CLOSING {
                return false;
            }
            tokio::time::sleep(STABLE).await;
        }
        true
    }
}

fn lock(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Noted {
    /// Takes note of an event. Only inotify tells when a file is closed.
    fn take(&mut self, event: &notify::Event, folder: &Path) {
        if event.need_rescan() {
            self.writing.clear();
        }
        match event.kind {
            EventKind::Modify(ModifyKind::Data(_)) if RecommendedWatcher::kind() == WatcherKind::Inotify => {
                self.writing.extend(event.paths.iter().map(|path| (path.clone(), Instant::now())));
            }
            CLOSED => self.closed(event),
            EventKind::Modify(ModifyKind::Name(_)) | EventKind::Remove(_) => {
                self.closed(event);
                self.is_gone |= event.paths.iter().any(|path| path == folder);
            }
            _ => {}
        }
    }

    fn closed(&mut self, event: &notify::Event) {
        for path in &event.paths {
            self.writing.remove(path);
        }
    }
}
