//! Whether the file of an SQLite database is the one that a connection has opened. An open file goes on taking writes after
//! it was removed or replaced, and a connection that was opened to a read-only file never writes: both have to be closed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The file as it was seen last.
pub(crate) struct SameFile {
    path: PathBuf,
    seen: Mutex<Seen>,
}

struct Seen {
    file: Option<Identity>,
    /// Connections that were opened before are of another file, or may not write.
    since: Instant,
    changes: u64,
}

/// What tells a file from another at the same path, and from itself when others may write to it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    file: u64,
    mode: u32,
}

impl SameFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        let file = look(&path);
        SameFile { path, seen: Mutex::new(Seen { file, since: Instant::now(), changes: 0 }) }
    }

    /// Takes notice of the file, now that a connection has opened it.
    pub(crate) fn opened(&self) {
        drop(self.seen_now());
    }

    /// Returns whether a connection that was opened so long ago has this file open.
    pub(crate) fn is_open_for(&self, age: Duration) -> bool {
        // Waiting for the lock makes no connection younger.
        let opened = Instant::now().checked_sub(age);
        let since = self.seen_now().since;
        opened.is_some_and(|opened| opened >= since)
    }

    /// Returns how often the file was seen to be another. A connection that is opened meanwhile may have either open.
    pub(crate) fn changes(&self) -> u64 {
        self.seen().changes
    }

    /// Has all connections closed that are open now, when they are next taken: one of them may not write.
    pub(crate) fn distrust(&self) {
        self.seen().since = Instant::now();
    }

    /// Looks at the file while no other task does, so that what is seen later is later.
    fn seen_now(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen();
        let found = look(&self.path);
        if seen.file != found {
            *seen = Seen { file: found, since: Instant::now(), changes: seen.changes + 1 };
        }
        seen
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|found| identity(&found))
}

#[cfg(unix)]
fn identity(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity { device: found.dev(), file: found.ino(), mode: found.mode() }
}

/// Elsewhere an open file can neither be removed nor replaced.
#[cfg(not(unix))]
fn identity(found: &Metadata) -> Identity {
    Identity { device: 0, file: 0, mode: u32::from(found.permissions().readonly()) }
}
