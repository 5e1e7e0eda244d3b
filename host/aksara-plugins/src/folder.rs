//! Looking at the plugins folder: which files are there, and which of them are complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What tells two states of a file apart without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified: Option<SystemTime>,
    #[cfg(unix)]
    inode: u64,
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

/// The regular files `NAME.wasm` and `NAME.js` directly in the folder, by name. Links are not followed. Of two with one
/// name the component is meant.
pub(crate) fn scan(folder: &Path) -> std::io::Result<BTreeMap<String, Found>> {
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // A file that vanishes meanwhile is as good as not there.
        let (Some(kind), Some(stamp)) = (Kind::of(&path), stamp(&path)) else { continue };
        let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
        let mut file = Found { kind, path: path.clone(), stamp, twin: None };
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
    Ok(found)
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
    Some(Stamp {
        bytes: metadata.len(),
        modified: metadata.modified().ok(),
        #[cfg(unix)]
        inode: std::os::unix::fs::MetadataExt::ino(&metadata),
    })
}
