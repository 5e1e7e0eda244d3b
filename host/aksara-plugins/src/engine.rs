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
use crate::cache;
use crate::checks::{check_file_name, check_import, check_shape, digest, imports};
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
        let mut config = config();
        config.cache(cache::open());
        let engine = wasmtime::Engine::new(&config).map_err(failed)?;
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
        check_shape(&bytes, &allowance.limits)?;
        let (digest, size_bytes) = (digest(&bytes, &allowance)?, bytes.len());
        let written = inspect::inspect(&bytes)?.description;
        let start = Instant::now();
        let Linked { instance, imports } = self.compile(bytes, check_import).await?;
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
        self.compile(bytes, check).await.map_err(|error| refuse(error.to_string()))
    }

    /// Compiles a component, checks each of its imports, and links it.
    async fn compile(
        &self,
        bytes: Vec<u8>,
        check: impl Fn(&str) -> Result<(), LoadError> + Send + 'static,
    ) -> Result<Linked, LoadError> {
        let inner = self.inner.clone();
        let compile = move || {
            let Inner { engine, linker, .. } = &*inner;
            let component = Component::from_binary(engine, inspect::without_description(&bytes))
                .map_err(|error| LoadError::Compile(one_line(&error)))?;
            let imports = imports(engine, &component);
            imports.iter().try_for_each(|import| check(import))?;
            let instance = linker
                .instantiate_pre(&component)
                .and_then(PluginPre::new)
                .map_err(|error| LoadError::Interface(one_line(&error)))?;
            Ok(Linked { instance, imports })
        };
        // It takes from milliseconds to seconds of a whole core: not on a thread that serves calls.
        let compiled = tokio::task::spawn_blocking(compile).await;
        compiled.map_err(|_| LoadError::Compile("the compiler panicked".to_owned()))?
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
