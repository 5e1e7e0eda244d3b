//! A revision: one load of a plugin. Immutable, shared by the calls that it serves.

use std::sync::Arc;
use std::time::Duration;

use aksara_wire::Description;
use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use wasmtime::Store;

use crate::access::Access;
use crate::allowance::Allowance;
use crate::application::Application;
use crate::bindings::PluginPre;
use crate::budget::Budget;
use crate::checks::{check_description, check_digest, check_granted, nonsense};
use crate::engine::{Compiled, Engine, Inner};
use crate::error::{FaultKind, LoadError};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::quarantine::Health;
use crate::reuse::Idle;
use crate::script;
use crate::state::State;

/// What a revision may do at this moment: a policy that comes after its load may take something away.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    pub(crate) allowance: Arc<Allowance>,
    pub(crate) access: Arc<Access>,
    /// Why it may not serve any more.
    pub(crate) revoked: Option<LoadError>,
}

/// One load of a plugin.
pub struct Revision {
    engine: Engine,
    compiled: Compiled,
    allowance: Arc<Allowance>,
    standing: Arc<ArcSwap<Standing>>,
    description: Arc<Description>,
    label: Arc<str>,
    imports_wasi: bool,
    idle: Idle,
    health: Health,
    share: Share,
}

/// Calls of one plugin under way at once, of the 256 of all.
const SLOTS_MAX: usize = 64;

/// What a plugin may take of what all share.
pub(crate) struct Share {
    /// Calls under way at once.
    pub(crate) slots: Arc<Semaphore>,
    /// Calls that compute at once.
    turns: Arc<Semaphore>,
}

impl Share {
    /// One core, and most of the slots, are left to others.
    fn new(cores: usize) -> Self {
        Share {
            slots: Arc::new(Semaphore::new(SLOTS_MAX)),
            turns: Arc::new(Semaphore::new((cores - 1).max(1))),
        }
    }

    /// Tells it from those of others.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.slots).addr()
    }
}

impl Revision {
    /// Asks a compiled component to describe itself, which has to be as it is `written` in the file, and settles what it gets of what it asks for.
    pub(crate) async fn describe(
        engine: &Engine,
        compiled: Compiled,
        written: Option<Description>,
        name: Option<&str>,
        allowance: Allowance,
    ) -> Result<Revision, LoadError> {
        let imports_wasi = compiled.imports.iter().any(|import| import.starts_with("wasi:"));
        let unnamed = Description {
            name: "unnamed".to_owned(),
            version: String::new(),
            contract: String::new(),
            subscriptions: Vec::new(),
            signals: Default::default(),
            grants: Default::default(),
        };
        // While it describes itself it is granted nothing.
        let silent = Arc::new(Allowance { limits: allowance.limits.clone(), ..Allowance::default() });
        let standing = Standing { allowance: silent.clone(), ..Standing::default() };
        let mut revision = Revision {
            engine: engine.clone(),
            label: label(&unnamed, &compiled.digest),
            compiled,
            allowance: silent,
            standing: Arc::new(ArcSwap::from_pointee(standing)),
            description: Arc::new(unnamed),
            imports_wasi,
            idle: Idle::default(),
            health: Health::default(),
            share: Share::new(engine.inner.cores),
        };
        if let Some(script) = &revision.compiled.script {
            let prepared = script::prepare(&revision, script).await?;
            revision.compiled.script = Some(Arc::new(prepared));
        }
        let run = async |store: &mut Store<State>| {
            let plugin = revision.instance().instantiate_async(&mut *store).await?;
            plugin.aksara_signals_handler().call_describe(store).await
        };
        let described = revision.run(run).await;
        let bytes = described.map_err(|fault| LoadError::Describe(format!("it {fault}")))?;
        let mut description = Description::decode(&bytes, &revision.limits().decode())
            .map_err(|error| nonsense(&error.to_string()))?;
        check_description(name, &description)?;
        // What is read in a file without running it is what is granted by, too.
        if written.is_some_and(|written| written != description) {
            return Err(nonsense(
                "it is not what the file says of itself; build it anew with `aksara build`",
            ));
        }
        let (allowance, access) = allowance.settle(&mut description)?;
        // What runs a program imports whatever a program may ask for.
        if revision.compiled.script.is_none() {
            check_granted(&revision.compiled.imports, &allowance)?;
        }
        revision.allowance = Arc::new(allowance);
        let (allowance, access) = (revision.allowance.clone(), Arc::new(access));
        revision.standing.store(Arc::new(Standing { allowance, access, revoked: None }));
        revision.health = Health::new(description.subscriptions.len());
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
        &self.allowance.limits
    }

    /// What it was allowed when it was loaded.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// What it may do with the application's models at this moment.
    pub fn access(&self) -> Arc<Access> {
        self.standing.load().access.clone()
    }

    /// Why it may not serve any more, if so.
    pub(crate) fn revoked(&self) -> Option<LoadError> {
        self.standing.load().revoked.clone()
    }

    /// Lets it do no more than this policy says, from this moment on, in calls that are under way too.
    pub(crate) fn review(&self, policy: &Policy, limits: &Limits) {
        let name = self.name();
        let settled = policy.approved(name, limits).and_then(|mut allowance| {
            check_digest(self.digest(), &allowance)?;
            // A secret that is not there is a failure to load, and takes nothing away.
            allowance.settings = policy.settings(name).unwrap_or_else(|_| self.allowance.settings.clone());
            // What it was narrowed to when it was loaded is what can be narrowed further.
            allowance.settle(&mut Description::clone(&self.description))
        });
        let standing = match settled {
            Ok((allowance, access)) => {
                Standing { allowance: Arc::new(allowance), access: Arc::new(access), revoked: None }
            }
            Err(error) => {
                let before = self.standing.load();
                let (allowance, access) = (before.allowance.clone(), before.access.clone());
                Standing { allowance, access, revoked: Some(error) }
            }
        };
        self.standing.store(Arc::new(standing));
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

    pub(crate) fn share(&self) -> &Share {
        &self.share
    }

    pub(crate) fn idle(&self) -> &Idle {
        &self.idle
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Runs an export of an instance that `run` makes, with nobody to ask.
    pub(crate) async fn run<T>(
        &self,
        run: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, FaultKind> {
        let mut state = self.state(None, "describe");
        state.is_frozen = true;
        let (value, _) = self.live(state).await?.run(run).await?;
        Ok(value)
    }

    pub(crate) fn imports_wasi(&self) -> bool {
        self.imports_wasi
    }

    pub(crate) fn state(&self, application: Option<Arc<dyn Application>>, signal: &str) -> State {
        let (label, standing) = (self.label.clone(), self.standing.clone());
        let keyvalue = self.engine().keyvalue.clone();
        let budget = Budget::new(self.limits(), signal, self.share.turns.clone());
        let mut state = State::new(label, standing, application, keyvalue, budget);
        state.script.clone_from(&self.compiled.script);
        state
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
