//! Whether the file of an SQLite database is the one that a connection has opened. An open file goes on taking writes after
//! it was removed or replaced, and a connection that was opened to a read-only file never writes: both have to be closed.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
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
        SameFile { path, seen: Mutex::new(Seen { file: None, since: Instant::now() }) }
    }

    /// Takes notice of the file, now that a connection has opened it.
    pub(crate) fn opened(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.file.is_none() {
            seen.file = self.look();
        }
    }

    /// Returns whether a connection that was opened so long ago has this file open.
    pub(crate) fn is_open_for(&self, age: Duration) -> bool {
        let found = self.look();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.file != found {
            *seen = Seen { file: found, since: Instant::now() };
        }
        age <= seen.since.elapsed()
    }

    /// Has all connections closed that are open now, when they are next taken: one of them may not write.
    pub(crate) fn distrust(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).since = Instant::now();
    }

    fn look(&self) -> Option<Identity> {
        std::fs::metadata(&self.path).ok().map(|found| identity(&found))
    }
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
