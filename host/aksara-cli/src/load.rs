//! Loading plugins the way a host does, so that what this program accepts a host accepts too.

use std::path::Path;

use aksara_plugins::{Allowance, Engine, Limits, LoadError, Revision};
use aksara_wire::Map;
use anyhow::{Context, Error, Result};
use tokio::runtime::Runtime;

/// An engine, and the runtime to drive it.
pub(crate) struct Loader {
    engine: Engine,
    runtime: Runtime,
}

/// Whether a file is a program in plain JavaScript, which is not compiled.
pub(crate) fn is_javascript(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "js")
}

/// What a file turned out to be.
pub(crate) enum Loaded {
    /// A plugin that a host would take.
    Plugin(Box<Revision>),
    /// A component, but one that no host takes; and why.
    Fault(String),
}

impl Loader {
    /// Starts both.
    pub(crate) fn new() -> Result<Self> {
        let runtime = Runtime::new().context("the async runtime cannot be started")?;
        let engine = Engine::new().context("the WebAssembly engine cannot be started")?;
        Ok(Loader { engine, runtime })
    }

    /// Compiles and links the component and asks it for its description, within the default limits. It is granted what
    /// it asks for, and has these settings. The bytes of a file `NAME.js` are a program.
    ///
    /// # Errors
    /// When the bytes are no component, or no program, at all.
    pub(crate) fn load(&self, path: &Path, bytes: Vec<u8>, settings: Map) -> Result<Loaded> {
        let allowance = Allowance { settings, ..Allowance::from(Limits::default()) };
        // Any name will do here: a host wants that of the file, which may still be on its way to its folder.
        let loaded = match is_javascript(path) {
            false => self.runtime.block_on(self.engine.load(None, bytes, allowance)),
            true => {
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                let text =
                    String::from_utf8(bytes).with_context(|| format!("`{}` is no text", path.display()))?;
                self.runtime.block_on(self.engine.load_javascript(&name, text, allowance))
            }
        };
        match loaded {
            Ok(revision) => Ok(Loaded::Plugin(Box::new(revision))),
            Err(error @ (LoadError::NoComponent(_) | LoadError::TooLarge { .. })) => {
                Err(Error::new(error).context(format!("`{}` is no plugin", path.display())))
            }
            Err(error) => Ok(Loaded::Fault(format!("`{}` is refused: {error}", path.display()))),
        }
    }

    /// Runs a future to its end.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}
