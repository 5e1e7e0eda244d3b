//! A revision: one load of a plugin. Immutable, shared by the calls that it serves.

use std::sync::Arc;
use std::time::Duration;

use aksara_wire::Description;
use wasmtime::Store;

use crate::bindings::{Plugin, PluginPre};
use crate::engine::{Compiled, Engine, Inner, nonsense};
use crate::error::LoadError;
use crate::limits::Limits;
use crate::state::{Models, State};

/// One load of a plugin.
pub struct Revision {
    engine: Engine,
    compiled: Compiled,
    limits: Arc<Limits>,
    description: Arc<Description>,
    label: Arc<str>,
    imports_wasi: bool,
}

impl Revision {
    /// Asks a compiled component to describe itself.
    pub(crate) async fn describe(
        engine: &Engine,
        compiled: Compiled,
        limits: Limits,
    ) -> Result<Revision, LoadError> {
        let imports_wasi = compiled.imports.iter().any(|import| import.starts_with("wasi:"));
        let unnamed = Description {
            name: "unnamed".to_owned(),
            version: String::new(),
            contract: String::new(),
            subscriptions: Vec::new(),
            grants: Default::default(),
        };
        let mut revision = Revision {
            engine: engine.clone(),
            label: label(&unnamed, &compiled.digest),
            compiled,
            limits: Arc::new(limits),
            description: Arc::new(unnamed),
            imports_wasi,
        };
        let run = async |plugin: &Plugin, store: &mut Store<State>| {
            plugin.aksara_signals_handler().call_describe(store).await
        };
        let described = revision.run(revision.state(None), run).await;
        let (bytes, _) = described.map_err(|fault| LoadError::Describe(format!("it {fault}")))?;
        let description = Description::decode(&bytes, &revision.limits.decode())
            .map_err(|error| nonsense(&error.to_string()))?;
        revision.label = label(&description, &revision.compiled.digest);
        revision.description = Arc::new(description);
        Ok(revision)
    }

    /// Name of the plugin.
    pub fn name(&self) -> &str {
        &self.description.name
    }

    /// The plugin's own version.
    pub fn version(&self) -> &str {
        &self.description.version
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.compiled.digest
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The interfaces that the component imports.
    pub fn imports(&self) -> &[String] {
        &self.compiled.imports
    }

    /// Size of the file.
    pub fn size_bytes(&self) -> usize {
        self.compiled.size_bytes
    }

    /// How long it took to compile.
    pub fn compile_duration(&self) -> Duration {
        self.compiled.duration
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How errors call it: ``plugin `slugify` 1.2.0 (revision 3fa9c1d2)``.
    pub fn label(&self) -> String {
        self.label.to_string()
    }

    pub(crate) fn engine(&self) -> &Inner {
        &self.engine.inner
    }

    pub(crate) fn instance(&self) -> &PluginPre<State> {
        &self.compiled.instance
    }

    pub(crate) fn imports_wasi(&self) -> bool {
        self.imports_wasi
    }

    pub(crate) fn state(&self, models: Option<Arc<dyn Models>>) -> State {
        State::new(self.label.clone(), self.limits.clone(), Some(self.description.clone()), models)
    }
}

fn label(description: &Description, digest: &str) -> Arc<str> {
    let revision = digest.get(..8).unwrap_or(digest);
    format!("plugin `{}` {} (revision {revision})", description.name, description.version).into()
}

impl std::fmt::Debug for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revision").field("plugin", &self.label).finish_non_exhaustive()
    }
}
