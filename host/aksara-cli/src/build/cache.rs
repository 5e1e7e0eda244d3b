//! What was built before, by what it was built from: toolchains that are slow do not run twice on the same sources.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aksara_plugins::CacheFolder;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Folders in which a build or an editor leaves what is no source.
const NO_SOURCES: [&str; 5] = ["target", "node_modules", "__pycache__", ".git", "dist"];

/// The size of the folder.
const BYTES_MAX: u64 = 1 << 30;

/// Names what is built in this language from these folders, and by this program.
pub(super) fn key<'a>(language: &str, folders: impl Iterator<Item = &'a Path>) -> Result<String> {
    let mut digest = Sha256::new();
    digest.update(format!("{} {language}\0", env!("CARGO_PKG_VERSION")));
    digest.update(super::component::WIT);
    for folder in folders {
        let mut files = Vec::new();
        collect(folder, &mut files).with_context(|| format!("`{}` cannot be read", folder.display()))?;
        files.sort();
        for file in files {
            let bytes = fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
            let name = file.strip_prefix(folder).unwrap_or(&file);
            digest.update(format!("{}\0{}\0", name.display(), bytes.len()));
            digest.update(bytes);
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, kind) = {
            let entry = entry?;
            (entry.path(), entry.file_type()?)
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && !NO_SOURCES.contains(&&*name) {
            collect(&path, files)?;
        }
    }
    Ok(())
}

/// What was built under this key.
pub(super) fn get(key: &str) -> Option<Vec<u8>> {
    open()?.get(&file(key))
}

/// Keeps what was built; where there is no place for it, it is built again the next time.
pub(super) fn put(key: &str, bytes: &[u8]) {
    if let Some(folder) = open() {
        // It is only a cache.
        let _ = folder.put(&file(key), bytes);
    }
}

/// A folder for what a build leaves behind.
pub(super) fn scratch() -> Result<TempDir> {
    TempDir::new().context("no temporary folder can be made")
}

fn file(key: &str) -> String {
    format!("{key}.wasm")
}

/// `aksara/builds` in the user's cache.
fn open() -> Option<CacheFolder> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    let path = cache.join("aksara/builds");
    let opened = CacheFolder::open(&path, BYTES_MAX);
    opened
        .inspect_err(|error| eprintln!("warning: `{}` is not used as a cache: {error}", path.display()))
        .ok()
}
