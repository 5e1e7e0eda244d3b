//! Looking at the plugins folder: which files are there, and which of them are complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::LoadError;

/// A file is complete when it looks the same after this time.
pub(crate) const STABLE: Duration = Duration::from_millis(25);

/// What tells two states of a file apart without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
    /// When anything of it has changed last, which nobody can set.
    #[cfg(unix)]
    changed: (i64, i64),
}

/// A plugin's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    pub(crate) stamp: Stamp,
    /// Another file with this name, which is not used.
    pub(crate) twin: Option<PathBuf>,
}

/// What kind of plugin a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Component,
    JavaScript,
}

impl Kind {
    fn of(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()? {
            "wasm" => Some(Kind::Component),
            "js" => Some(Kind::JavaScript),
            _ => None,
        }
    }
}

/// What is in the folder.
#[derive(Default)]
pub(crate) struct Scan {
    /// The plugins by name: the regular files `NAME.wasm` and `NAME.js`. Of two with one name the component is meant.
    pub(crate) found: BTreeMap<String, Found>,
    /// What looks like a plugin and is none, by the whole name, and why.
    pub(crate) left_out: BTreeMap<String, &'static str>,
}

/// Looks at what is directly in the folder. Links are not followed.
pub(crate) fn scan(folder: &Path) -> std::io::Result<Scan> {
    let Scan { mut found, mut left_out } = Scan::default();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // A file that vanishes meanwhile is as good as not there.
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        if let Some(reason) = left_out_for(&path, &metadata) {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            left_out.insert(file.into_owned(), reason);
            continue;
        }
        let (Some(kind), Some(name)) = (Kind::of(&path), path.file_stem().and_then(|stem| stem.to_str()))
        else {
            continue;
        };
        let mut file = Found { kind, path: path.clone(), stamp: Stamp::of(&metadata), twin: None };
        match found.remove(name) {
            Some(other) if other.kind < kind => {
                found.insert(name.to_owned(), Found { twin: Some(path), ..other });
            }
            other => {
                file.twin = other.map(|other| other.path);
                found.insert(name.to_owned(), file);
            }
        }
    }
    Ok(Scan { found, left_out })
}

/// Why something that looks like a plugin is not taken for one.
fn left_out_for(path: &Path, metadata: &std::fs::Metadata) -> Option<&'static str> {
    let end = path.extension()?.to_str()?;
    let is_plugin = Kind::of(path).is_some();
    match end.to_ascii_lowercase().as_str() {
        "wasm" | "js" if metadata.is_symlink() => Some("it is a link; put the file itself there"),
        "wasm" | "js" if !metadata.is_file() => Some("it is not a file"),
        "wasm" | "js" if is_plugin && path.file_stem()?.to_str().is_none() => {
            Some("its name is not UTF-8; rename it")
        }
        "wasm" | "js" if !is_plugin => Some("its ending has capital letters; rename it to `.wasm` or `.js`"),
        "mjs" | "cjs" => Some("a script is `NAME.js`; rename it"),
        "ts" | "mts" | "py" | "go" | "rs" | "c" | "wat" => {
            Some("it is a source; build it with `aksara build`, and put the `.wasm` there")
        }
        _ => None,
    }
}

/// What tells a folder from another in its place; `None` where there is none.
pub(crate) fn identity(folder: &Path) -> Option<(u64, u64)> {
    let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
    #[cfg(unix)]
    let identity = {
        use std::os::unix::fs::MetadataExt as _;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let identity = (0, 0);
    let _ = metadata;
    Some(identity)
}

/// The stamp of a regular file; `None` for anything else.
pub(crate) fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Stamp::of(&metadata))
}

impl Stamp {
    pub(crate) fn of(metadata: &std::fs::Metadata) -> Self {
        Stamp {
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(metadata),
            #[cfg(unix)]
            changed: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.ctime(), metadata.ctime_nsec())
            },
        }
    }
}

/// The bytes of a file, and what allows to keep them.
pub(crate) type Kept = (Vec<u8>, OwnedSemaphorePermit);

/// The bytes of a file that stays as it is for a while; `None` when it does not, or is gone, or is something else by now.
pub(crate) async fn complete(
    mut found: Found,
    bytes_max: usize,
    reading: &Arc<Semaphore>,
) -> Option<(Result<Kept, LoadError>, Found)> {
    // A file that grows keeps us waiting for as long as it grows, but not for ever.
    for _ in 0..400 {
        tokio::time::sleep(STABLE).await;
        let permit = reading.clone().acquire_owned().await.ok()?;
        let Found { path, stamp, .. } = found.clone();
        let read = tokio::task::spawn_blocking(move || read(&path, stamp, bytes_max)).await;
        match read.ok()? {
            Read::Whole(bytes) => return Some((bytes.map(|bytes| (bytes, permit)), found)),
            Read::Changed(now) => found.stamp = now,
            Read::Gone => return None,
        }
    }
    None
}

/// What came of reading a file.
enum Read {
    /// It is as it was when it was seen; why it cannot be used, or its bytes.
    Whole(Result<Vec<u8>, LoadError>),
    /// It is no longer as it was.
    Changed(Stamp),
    /// It is not there, or a link or a pipe is.
    Gone,
}

/// Reads a file that is as it was when it was seen. It is opened once, so that what is looked at is what is read: a link that
/// was put in its place meanwhile is not followed, and a pipe does not block.
fn read(path: &Path, seen: Stamp, bytes_max: usize) -> Read {
    use std::io::Read as _;
    let failed = |error: std::io::Error| Read::Whole(Err(LoadError::Read(error.to_string())));
    let file = match open(path) {
        Ok(file) => file,
        Err(_) if stamp(path) != Some(seen) => return Read::Gone,
        Err(error) => return failed(error),
    };
    let now = || file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| Stamp::of(&metadata));
    match now() {
        Some(now) if now == seen => {}
        Some(now) => return Read::Changed(now),
        None => return Read::Gone,
    }
    let too_large = |bytes| Read::Whole(Err(LoadError::TooLarge { bytes, bytes_max }));
    let size = usize::try_from(seen.bytes).unwrap_or(usize::MAX);
    if size > bytes_max {
        return too_large(size);
    }
    let mut bytes = Vec::with_capacity(size);
    if let Err(error) = (&file).take(bytes_max as u64 + 1).read_to_end(&mut bytes) {
        return failed(error);
    }
    match now() {
        Some(now) if now == seen && bytes.len() > bytes_max => too_large(bytes.len()),
        Some(now) if now == seen => Read::Whole(Ok(bytes)),
        Some(now) => Read::Changed(now),
        None => Read::Gone,
    }
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::File::open(path)
}
