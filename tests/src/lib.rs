//! The kit of the integration tests: databases, plugins built from source, and a journal of what handlers saw.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/databases.md")]
struct DatabasesGuide;

#[cfg(doctest)]
#[doc = include_str!("../../docs/plugins.md")]
struct PluginsGuide;

#[cfg(doctest)]
#[doc = include_str!("../../docs/queries.md")]
struct QueriesGuide;

#[cfg(doctest)]
#[doc = include_str!("../../docs/signals.md")]
struct SignalsGuide;

mod database;
mod logged;
mod random;

pub use database::TestDb;
pub use logged::Logged;
pub use random::Random;

/// What handlers saw, in order.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// Adds a line.
    pub fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The component of a plugin or a fixture that `cargo xtask test` has built.
///
/// # Panics
/// When it is not there; the message says how to build it.
pub fn plugin(name: &str) -> PathBuf {
    built(name).unwrap_or_else(|| panic!("`{name}.wasm` is not built; run `cargo xtask test`"))
}

/// Whether a plugin or a fixture in another language than Rust is there: not every machine has every toolchain. The
/// test that asks says so where it prints.
///
/// # Panics
/// Under CI, when it is not there.
pub fn is_built(name: &str) -> bool {
    is_there(built(name).is_some(), &format!("{name}.wasm"))
}

/// The Redis to test with; `None` where there is none, which is said.
///
/// # Panics
/// Under CI, when there is none.
pub fn redis_url() -> Option<String> {
    const VARIABLE: &str = "AKSARA_TEST_REDIS_URL";
    let url = std::env::var(VARIABLE).ok();
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "`{VARIABLE}` names no server");
    if url.is_none() {
        eprintln!("NOT TESTED: Redis, for which `{VARIABLE}` names no server; `cargo xtask test` starts one");
    }
    url
}

fn is_there(is_there: bool, file: &str) -> bool {
    assert!(is_there || std::env::var_os("CI").is_none(), "`{file}` is not built, and CI builds everything");
    if !is_there {
        eprintln!("NOT TESTED: `{file}` is not built; `cargo xtask doctor` says what its language needs");
    }
    is_there
}

/// The component that runs plain JavaScript, where it is built.
///
/// # Panics
/// As [`is_built`].
pub fn javascript_runner() -> Option<PathBuf> {
    let path = workspace().join("target/runner/javascript.wasm");
    is_there(path.is_file(), "javascript.wasm").then_some(path)
}

fn built(name: &str) -> Option<PathBuf> {
    let built = |folder: &str| workspace().join("target").join(folder).join(format!("{name}.wasm"));
    ["plugins", "fixtures"].map(built).into_iter().find(|path| path.is_file())
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the tests are a folder of the workspace").to_owned()
}

/// A plugins folder with copies of these built plugins.
///
/// # Panics
/// When one is not built or cannot be copied.
pub fn plugins_folder(names: &[&str]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for name in names {
        let to = folder.path().join(format!("{name}.wasm"));
        std::fs::copy(plugin(name), to).expect("a copy of the plugin");
    }
    folder
}
