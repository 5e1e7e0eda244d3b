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
    pub(crate) path: PathBuf,
    pub(crate) stamp: Stamp,
}

/// The regular files `NAME.wasm` directly in the folder, by name. Links are not followed.
pub(crate) fn scan(folder: &Path) -> std::io::Result<BTreeMap<String, Found>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_wasm = path.extension().is_some_and(|extension| extension == "wasm");
        let name = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_wasm);
        // A file that vanishes meanwhile is as good as not there.
        if let (Some(name), Some(stamp)) = (name, stamp(&path)) {
            found.insert(name.to_owned(), Found { path: path.clone(), stamp });
        }
    }
    Ok(found)
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
