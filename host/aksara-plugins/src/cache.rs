//! Compiled code, kept between runs: keyed by content and engine, in a folder that is the user's alone.

use std::path::PathBuf;

use wasmtime::{Cache, CacheConfig};

/// Names the folder; empty for no cache at all.
const VARIABLE: &str = "AKSARA_CACHE";

/// The cache, where there is a place for it. Without one, every start compiles.
pub(crate) fn open() -> Option<Cache> {
    let folder = folder()?;
    let opened = private(&folder).and_then(|()| {
        let mut config = CacheConfig::new();
        config.with_directory(&folder);
        Cache::new(config).map_err(std::io::Error::other)
    });
    opened
        .inspect_err(
            |error| tracing::warn!(folder = %folder.display(), %error, "compiled plugins are not cached"),
        )
        .ok()
}

/// `AKSARA_CACHE`, or `aksara/components` in the user's cache.
fn folder() -> Option<PathBuf> {
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

/// Makes the folder. What is in it is run as it is: nobody else may write there.
fn private(folder: &PathBuf) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
