//! Compiled code, kept between runs: by engine and content, in a folder that is the user's alone, under a keyed hash.

mod folder;

use std::path::PathBuf;

use sha2::{Digest, Sha256};

pub use self::folder::CacheFolder;

/// Names the folder; empty for no cache at all.
const VARIABLE: &str = "AKSARA_CACHE";

/// The size of the folder; compiled code is compressed.
const BYTES_MAX: u64 = 1 << 30;

/// The file with the key of the hashes.
const KEY: &str = "key";

/// Length of the key, and of a hash.
const KEY_BYTES: usize = 32;

/// Compiled code by the component that it was made of.
pub(crate) struct Cache {
    folder: CacheFolder,
    key: [u8; KEY_BYTES],
}

/// Opens the cache, where there is a place for it. Without one, every start compiles.
pub(crate) fn open() -> Option<Cache> {
    let path = path()?;
    let opened = CacheFolder::open(&path, BYTES_MAX).and_then(|folder| {
        let key = key(&folder)?;
        Ok(Cache { folder, key })
    });
    opened
        .inspect_err(|error| {
            tracing::warn!(folder = %path.display(), %error, "compiled plugins are not cached");
        })
        .ok()
}

/// `AKSARA_CACHE`, or `aksara/components` in the user's cache.
fn path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let folder = match set(VARIABLE) {
        Some(folder) => folder,
        None => set("XDG_CACHE_HOME")
            .or_else(|| Some(std::env::home_dir()?.join(".cache")))?
            .join("aksara/components"),
    };
    // Relative to nothing in particular, or switched off.
    folder.is_absolute().then_some(folder)
}

/// The key in the folder, which is made with it.
fn key(folder: &CacheFolder) -> std::io::Result<[u8; KEY_BYTES]> {
    let read = || folder.get(KEY).and_then(|bytes| bytes.try_into().ok());
    if let Some(key) = read() {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut key)?;
    folder.put(KEY, &key)?;
    // Of two processes that make one at the same time, the last one's counts.
    Ok(read().unwrap_or(key))
}

impl Cache {
    /// Names what this engine makes of this component.
    pub(crate) fn name(engine: &wasmtime::Engine, component: &[u8]) -> String {
        let mut hash = Hash(Sha256::new());
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hash);
        hash.0.update(component);
        hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns what was kept under this name, unless somebody else has changed it.
    pub(crate) fn get(&self, name: &str) -> Option<Vec<u8>> {
        let kept = self.folder.get(name)?;
        let (code, packed) = kept.split_first_chunk::<KEY_BYTES>()?;
        (*code == self.code(name, packed)).then(|| zstd::decode_all(packed).ok()).flatten()
    }

    /// Keeps compiled code. Where that fails it is compiled again the next time.
    pub(crate) fn put(&self, name: &str, compiled: &[u8]) {
        let kept = zstd::encode_all(compiled, 1)
            .and_then(|packed| self.folder.put(name, &[&self.code(name, &packed)[..], &packed].concat()));
        if let Err(error) = kept {
            tracing::warn!(%error, "a compiled plugin is not kept");
        }
    }

    /// What is run as it is has to be what was put there, under this name: HMAC with SHA-256. The crate for it asks for other
    /// features of what wasmtime depends on.
    fn code(&self, name: &str, packed: &[u8]) -> [u8; KEY_BYTES] {
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            block.iter_mut().zip(&self.key).for_each(|(byte, key)| *byte ^= key);
            Sha256::new_with_prefix(block)
        };
        let inner = padded(0x36).chain_update(name).chain_update([0]).chain_update(packed).finalize();
        padded(0x5c).chain_update(inner).finalize().into()
    }
}

/// Feeds what wasmtime says of its settings into a hash that nobody can steer.
struct Hash(Sha256);

impl std::hash::Hasher for Hash {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}
