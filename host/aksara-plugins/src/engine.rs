//! The engine: wasmtime's configuration, what is linked, the clock that ends calls, and loading.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures};

use crate::allowance::Allowance;
use crate::bindings::PluginPre;
use crate::bindings::aksara::signals::{bus, config as settings, log, models, services};
use crate::cache::{self, Cache};
use crate::checks::{check_file_name, check_import, check_shape, check_size, digest, imports};
use crate::error::LoadError;
use crate::http;
use crate::inspect;
use crate::keyvalue::{self, KeyValue, MemoryStore};
use crate::revision::Revision;
use crate::script::{self, Script};
use crate::shape::{CORE_INSTANCES_MAX, MEMORIES_MAX, TABLES_MAX};
use crate::state::State;
use crate::text::one_line;
use crate::wasi;

/// Length of a tick of the epoch: how exactly deadlines are kept, and how long a plugin may hold a thread.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Calls under way at once.
const CALLS_MAX: u32 = 256;

/// The largest memory that any limit can allow.
pub(crate) const MEMORY_BYTES_MAX: usize = 256 << 20;

/// The stack of a call. That of Python and JavaScript has a limit of its own, which their builds set so that it is reached
/// first: what recurses too deep is an exception there, and a trap elsewhere. All that the conformance suite has recurse there
/// fits into 12 MiB.
const STACK_BYTES_MAX: usize = 16 << 20;

/// What functions of the host may use above that.
const HOST_STACK_BYTES: usize = 2 << 20;

/// Memory of a slot that stays with the process between two calls.
const RESIDENT_BYTES: usize = 2 << 20;

/// Compiles plugins and runs them. Cheap to clone; one serves a whole program.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    pub(crate) keyvalue: Arc<dyn KeyValue>,
    /// The component that runs plain JavaScript, compiled when the first such plugin comes.
    javascript: Option<PathBuf>,
    runner: OnceCell<Linked>,
    /// What was compiled before.
    cache: Option<Cache>,
    /// One component is compiled at a time.
    compiling: Arc<Semaphore>,
    /// One permit for each slot of the pool.
    pub(crate) calls: Arc<Semaphore>,
    /// One for each instance that may wait for its next call, in a slot that nothing else has meanwhile.
    pub(crate) places: Arc<Semaphore>,
    /// How much is computed at once.
    pub(crate) cores: usize,
}

impl Engine {
    /// Makes an engine, with a thread of its own that advances the epoch until the last clone is gone.
    ///
    /// # Errors
    /// [`LoadError::Engine`] where the machine cannot run WebAssembly.
    pub fn new() -> Result<Engine, LoadError> {
        Engine::with(Arc::new(MemoryStore::default()), None)
    }

    /// As [`new`](Self::new), with this store for the buckets of its plugins, and this component to run plain JavaScript;
    /// without it, that which the variable `AKSARA_JAVASCRIPT` names.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(keyvalue: Arc<dyn KeyValue>, javascript: Option<PathBuf>) -> Result<Engine, LoadError> {
        let javascript = javascript.or_else(|| std::env::var_os(script::VARIABLE).map(PathBuf::from));
        let failed = |error: wasmtime::Error| LoadError::Engine(format!("{error:#}"));
        let engine = wasmtime::Engine::new(&config()).map_err(failed)?;
        let linker = linker(&engine).map_err(failed)?;
        let clock = engine.weak();
        let ticking = std::thread::Builder::new().name("aksara-epoch".to_owned()).spawn(move || {
            while let Some(engine) = clock.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        });
        ticking.map_err(|error| LoadError::Engine(error.to_string()))?;
        let inner = Inner {
            engine,
            linker,
            keyvalue,
            javascript,
            runner: OnceCell::new(),
            cache: cache::open(),
            compiling: Arc::new(Semaphore::new(1)),
            calls: Arc::new(Semaphore::new(CALLS_MAX as usize)),
            places: Arc::new(Semaphore::new(CALLS_MAX as usize / 2)),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
        };
        Ok(Engine { inner: Arc::new(inner) })
    }

    /// Loads a component: checks its size and shape, compiles it, links what it may import, and asks it to describe
    /// itself, with all limits on. `name` is what it has to be called, if anything; limits alone allow it what it asks
    /// for.
    ///
    /// # Errors
    /// [`LoadError`], which says what is wrong and what to do.
    pub async fn load(
        &self,
        name: Option<&str>,
        bytes: Vec<u8>,
        allowance: impl Into<Allowance>,
    ) -> Result<Revision, LoadError> {
        let allowance = allowance.into();
        let checked = self.check(bytes, &allowance).await?;
        self.load_checked(name, checked, allowance).await
    }

    /// Checks a component without compiling it, and looks for what was compiled of it before.
    pub(crate) async fn check(&self, bytes: Vec<u8>, allowance: &Allowance) -> Result<Checked, LoadError> {
        let (inner, allowance) = (self.inner.clone(), allowance.clone());
        blocking(move || {
            check_size(&bytes, &allowance.limits)?;
            let digest = digest(&bytes, &allowance)?;
            let kept = inner.kept(&bytes);
            if kept.is_none() {
                check_shape(&bytes)?;
            }
            let written = inspect::inspect(&bytes)?.description;
            Ok(Checked { bytes, digest, written, kept })
        })
        .await
    }

    /// Loads a component that was checked, and compiles it where it was not kept.
    pub(crate) async fn load_checked(
        &self,
        name: Option<&str>,
        checked: Checked,
        allowance: Allowance,
    ) -> Result<Revision, LoadError> {
        let Checked { bytes, digest, written, kept } = checked;
        let (size_bytes, start) = (bytes.len(), Instant::now());
        let component = match kept {
            Some(component) => component,
            None => {
                // It ends with the compiling, which goes on when nobody waits for it any more.
                let turn = self.inner.compiling.clone().acquire_owned().await;
                let inner = self.inner.clone();
                blocking(move || {
                    let _turn = turn;
                    inner.compile(&bytes)
                })
                .await?
            }
        };
        let Linked { instance, imports } = self.link(component, check_import).await?;
        let duration = start.elapsed();
        let compiled = Compiled { instance, imports, script: None, digest, size_bytes, duration };
        Revision::describe(self, compiled, written, name, allowance).await
    }

    /// Loads a plugin that is a program in plain JavaScript. Nothing is compiled but, the first time, what runs it.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`LoadError::Runner`] where this engine has nothing that runs it.
    pub async fn load_javascript(
        &self,
        name: &str,
        text: String,
        allowance: impl Into<Allowance>,
    ) -> Result<Revision, LoadError> {
        check_file_name(name)?;
        let allowance = allowance.into();
        let (digest, size_bytes) = (digest(text.as_bytes(), &allowance)?, text.len());
        let start = Instant::now();
        let Linked { instance, imports } = self.inner.runner.get_or_try_init(|| self.runner()).await?.clone();
        let script = Some(Arc::new(Script { name: name.to_owned(), text }));
        let compiled = Compiled { instance, imports, script, digest, size_bytes, duration: start.elapsed() };
        Revision::describe(self, compiled, None, Some(name), allowance).await
    }

    /// What runs plain JavaScript.
    async fn runner(&self) -> Result<Linked, LoadError> {
        let path =
            self.inner.javascript.clone().ok_or_else(|| LoadError::Runner("there is none".to_owned()))?;
        let refuse = |reason: String| LoadError::Runner(format!("`{}`: {reason}", path.display()));
        let bytes = tokio::fs::read(&path).await.map_err(|error| refuse(error.to_string()))?;
        let check = |import: &str| match import.starts_with(script::INTERFACE) {
            true => Ok(()),
            false => check_import(import),
        };
        // It is the host's own, and plain scripts do not wait for the turn of a plugin.
        let inner = self.inner.clone();
        let compiled = blocking(move || inner.compile(&bytes)).await;
        let linked = match compiled {
            Ok(component) => self.link(component, check).await,
            Err(error) => Err(error),
        };
        linked.map_err(|error| refuse(error.to_string()))
    }

    /// Checks each import of a component, and links it.
    async fn link(
        &self,
        component: Component,
        check: impl Fn(&str) -> Result<(), LoadError> + Send + 'static,
    ) -> Result<Linked, LoadError> {
        let inner = self.inner.clone();
        blocking(move || {
            let imports = imports(&inner.engine, &component);
            imports.iter().try_for_each(|import| check(import))?;
            let instance = inner
                .linker
                .instantiate_pre(&component)
                .and_then(PluginPre::new)
                .map_err(|error| LoadError::Interface(one_line(&error)))?;
            Ok(Linked { instance, imports })
        })
        .await
    }
}

impl Inner {
    /// Returns what was compiled of this component before.
    fn kept(&self, bytes: &[u8]) -> Option<Component> {
        let name = Cache::name(&self.engine, inspect::without_description(bytes));
        let compiled = self.cache.as_ref()?.get(&name)?;
        self.restore(&compiled).ok()
    }

    /// Compiles a component, unless that was done meanwhile. It takes from milliseconds to seconds of a core.
    fn compile(&self, bytes: &[u8]) -> Result<Component, LoadError> {
        if let Some(component) = self.kept(bytes) {
            return Ok(component);
        }
        let bytes = inspect::without_description(bytes);
        let failed = |error: wasmtime::Error| LoadError::Compile(one_line(&error));
        let compiled = self.engine.precompile_component(bytes).map_err(failed)?;
        let component = self.restore(&compiled).map_err(failed)?;
        if let Some(cache) = &self.cache {
            cache.put(&Cache::name(&self.engine, bytes), &compiled);
        }
        Ok(component)
    }

    /// Makes a component of what this program has compiled, now or before.
    #[expect(
        unsafe_code,
        reason = "wasmtime believes compiled code; the cache hands out what it has signed only"
    )]
    fn restore(&self, compiled: &[u8]) -> wasmtime::Result<Component> {
        unsafe { Component::deserialize(&self.engine, compiled) }
    }
}

/// Runs what takes long on a thread that serves no calls.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| LoadError::Compile("the compiler panicked".to_owned()))?
}

/// A component that may be compiled.
pub(crate) struct Checked {
    bytes: Vec<u8>,
    digest: String,
    written: Option<aksara_wire::Description>,
    /// What was compiled of it before.
    kept: Option<Component>,
}

impl Checked {
    /// Returns whether it has to be compiled.
    pub(crate) fn is_new(&self) -> bool {
        self.kept.is_none()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// A component that is ready to run.
#[derive(Clone)]
struct Linked {
    instance: PluginPre<State>,
    imports: Vec<String>,
}

/// A plugin that is ready to run, and what is known of its file.
pub(crate) struct Compiled {
    pub(crate) instance: PluginPre<State>,
    pub(crate) imports: Vec<String>,
    /// What a component runs that is not the plugin's own.
    pub(crate) script: Option<Arc<Script>>,
    pub(crate) digest: String,
    pub(crate) size_bytes: usize,
    pub(crate) duration: Duration,
}

fn config() -> Config {
    let mut config = Config::new();
    // An allow-list of what the supported languages emit. What is left out of it cannot be used by leaving a cargo
    // feature in.
    config.wasm_features(WasmFeatures::all(), false).wasm_features(allowed(), true);
    config.epoch_interruption(true);
    // The other cores serve.
    config.parallel_compilation(false);
    config.max_wasm_stack(STACK_BYTES_MAX).async_stack_size(STACK_BYTES_MAX + HOST_STACK_BYTES);
    config.memory_reservation(MEMORY_BYTES_MAX as u64).memory_reservation_for_growth(0);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(CALLS_MAX)
        .total_core_instances(CALLS_MAX * CORE_INSTANCES_MAX)
        .total_memories(CALLS_MAX * MEMORIES_MAX)
        .total_tables(CALLS_MAX * TABLES_MAX)
        .total_stacks(CALLS_MAX)
        .max_memory_size(MEMORY_BYTES_MAX)
        // Each call finds its part of the pool free, whatever other plugins consist of.
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        // What a call has touched is copied back rather than given back to the kernel, page by page.
        .linear_memory_keep_resident(RESIDENT_BYTES)
        .table_keep_resident(RESIDENT_BYTES)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

fn allowed() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::SIMD
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::FLOATS
        | WasmFeatures::COMPONENT_MODEL
        // A component made of several, as those of JavaScript are, is linked by code that copies between their memories.
        | WasmFeatures::MULTI_MEMORY
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    models::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    bus::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    services::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    settings::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    keyvalue::add_to_linker(&mut linker)?;
    script::add_to_linker(&mut linker)?;
    wasi::add_to_linker(&mut linker)?;
    http::add_to_linker(&mut linker)?;
    Ok(linker)
}
