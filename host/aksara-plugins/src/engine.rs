//! The engine: wasmtime's configuration, what is linked, the clock that ends calls, and loading.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aksara_wire::{CONTRACT_VERSION, Description, Subscription};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures};

use crate::allowance::Allowance;
use crate::bindings::PluginPre;
use crate::bindings::aksara::signals::{bus, config as settings, log, models, services};
use crate::cache;
use crate::error::LoadError;
use crate::inspect;
use crate::keyvalue::{self, KeyValue, MemoryStore};
use crate::limits::Limits;
use crate::revision::Revision;
use crate::state::State;
use crate::wasi;

/// Length of a tick of the epoch: how exactly deadlines are kept, and how long a plugin may hold a thread.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Calls under way at once.
const CALLS_MAX: u32 = 256;

/// Core instances, and tables, that one component may consist of.
const PARTS_MAX: u32 = 8;

/// Subscriptions of one plugin.
const SUBSCRIPTIONS_MAX: usize = 256;

/// The largest memory that any limit can allow.
const MEMORY_BYTES_MAX: usize = 256 << 20;

/// Memory of a slot that stays with the process between two calls.
const RESIDENT_BYTES: usize = 2 << 20;

/// The interfaces of the contract that a plugin may import.
const CONTRACT: [&str; 5] = [
    "aksara:signals/log",
    "aksara:signals/models",
    "aksara:signals/bus",
    "aksara:signals/services",
    "aksara:signals/config",
];

/// The built-in signals that a subscription can name, in the order of an instance's life.
pub const BUILT_IN_SIGNALS: [&str; 13] = [
    "pre_init",
    "post_init",
    "pre_save",
    "post_save",
    "pre_delete",
    "post_delete",
    "pre_bulk_create",
    "post_bulk_create",
    "pre_bulk_update",
    "post_bulk_update",
    "m2m_changed",
    "after_commit",
    "after_rollback",
];

/// Compiles plugins and runs them. Cheap to clone; one serves a whole program.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    engine: wasmtime::Engine,
    linker: Linker<State>,
    pub(crate) keyvalue: Arc<dyn KeyValue>,
    /// One permit for each slot of the pool.
    pub(crate) calls: Semaphore,
}

impl Engine {
    /// Makes an engine, with a thread of its own that advances the epoch until the last clone is gone.
    ///
    /// # Errors
    /// [`LoadError::Engine`] where the machine cannot run WebAssembly.
    pub fn new() -> Result<Engine, LoadError> {
        Engine::with_keyvalue(Arc::new(MemoryStore::default()))
    }

    /// As [`new`](Self::new), with this store for the buckets of its plugins.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_keyvalue(keyvalue: Arc<dyn KeyValue>) -> Result<Engine, LoadError> {
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
        let calls = Semaphore::new(CALLS_MAX as usize);
        Ok(Engine { inner: Arc::new(Inner { engine, linker, keyvalue, calls }) })
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
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        check_digest(&digest, &allowance)?;
        let engine = self.clone();
        // Compiling takes from milliseconds to seconds of a whole core: not on a thread that serves calls.
        let compiled = tokio::task::spawn_blocking(move || engine.compile(&bytes, digest)).await;
        let compiled = compiled.map_err(|_| LoadError::Compile("the compiler panicked".to_owned()))??;
        Revision::describe(self, compiled, name, allowance).await
    }

    fn compile(&self, bytes: &[u8], digest: String) -> Result<Compiled, LoadError> {
        let start = Instant::now();
        let Inner { engine, linker, .. } = &*self.inner;
        let component = Component::from_binary(engine, bytes)
            .map_err(|error| LoadError::Compile(one_line(&format!("{error:#}"))))?;
        let imports = imports(engine, &component)?;
        let instance = linker
            .instantiate_pre(&component)
            .and_then(PluginPre::new)
            .map_err(|error| LoadError::Interface(one_line(&format!("{error:#}"))))?;
        Ok(Compiled { instance, imports, digest, size_bytes: bytes.len(), duration: start.elapsed() })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// A component that is ready to run, and what is known of its file.
pub(crate) struct Compiled {
    pub(crate) instance: PluginPre<State>,
    pub(crate) imports: Vec<String>,
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
    config.memory_reservation(MEMORY_BYTES_MAX as u64).memory_reservation_for_growth(0);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(CALLS_MAX)
        .total_core_instances(CALLS_MAX * PARTS_MAX)
        .total_memories(CALLS_MAX)
        .total_tables(CALLS_MAX * PARTS_MAX)
        .total_stacks(CALLS_MAX)
        .max_memory_size(MEMORY_BYTES_MAX)
        // Each call finds its part of the pool free, whatever other plugins consist of.
        .max_core_instances_per_component(PARTS_MAX)
        .max_tables_per_component(PARTS_MAX)
        .max_memories_per_component(1)
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
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    models::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    bus::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    services::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    settings::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    keyvalue::add_to_linker(&mut linker)?;
    wasi::add_to_linker(&mut linker)?;
    Ok(linker)
}

/// What can be seen from the outside, before Cranelift is given the bytes.
fn check_shape(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    if bytes.len() > limits.file_bytes_max {
        return Err(LoadError::TooLarge { bytes: bytes.len(), bytes_max: limits.file_bytes_max });
    }
    inspect::check_header(bytes)?;
    inspect::check_nesting(bytes)
}

/// Only the file that was approved is compiled.
fn check_digest(digest: &str, allowance: &Allowance) -> Result<(), LoadError> {
    match &allowance.sha256 {
        Some(approved) if approved != digest => {
            Err(LoadError::Digest { found: digest.to_owned(), approved: approved.clone() })
        }
        _ => Ok(()),
    }
}

/// The names of what the component imports, all of which plugins may.
fn imports(engine: &wasmtime::Engine, component: &Component) -> Result<Vec<String>, LoadError> {
    let types = component.component_type();
    let imported = types.imports(engine).filter(|(_, import)| {
        // An interface of nothing but types gives nothing.
        !matches!(&import.ty, ComponentItem::ComponentInstance(instance) if instance.exports(engine).next().is_none())
    });
    imported.map(|(name, _)| check_import(name).map(|()| name.to_owned())).collect()
}

fn check_import(import: &str) -> Result<(), LoadError> {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    match interface {
        _ if CONTRACT.contains(&interface) => check_contract(version),
        keyvalue::INTERFACE => Ok(()),
        _ if wasi::HARMLESS.contains(&interface) => Ok(()),
        _ => Err(LoadError::Import { import: one_line(import) }),
    }
}

/// Below 1.0, each minor version is a contract of its own.
fn check_contract(version: &str) -> Result<(), LoadError> {
    let series = |version: &str| version.rsplit_once('.').map(|(series, _)| series.to_owned());
    match series(version) == series(CONTRACT_VERSION) {
        true => Ok(()),
        false => Err(LoadError::Contract { plugin: one_line(version) }),
    }
}

pub(crate) fn check_description(name: Option<&str>, description: &Description) -> Result<(), LoadError> {
    check_contract(&description.contract)?;
    let plugin = &description.name;
    let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if plugin.is_empty() || !plugin.chars().all(valid) {
        let letters = "letters, digits, `-` and `_`";
        return Err(nonsense(&format!("the name `{plugin}` is not made of {letters}")));
    }
    if let Some(file) = name.filter(|name| name != plugin) {
        return Err(LoadError::Name { plugin: plugin.clone(), file: file.to_owned() });
    }
    let subscriptions = description.subscriptions.len();
    if subscriptions > SUBSCRIPTIONS_MAX {
        let message = format!("it has {subscriptions} subscriptions, {SUBSCRIPTIONS_MAX} are allowed");
        return Err(nonsense(&message));
    }
    if description.version.contains(char::is_control) {
        return Err(nonsense("the version has control characters"));
    }
    let mut seen = HashSet::new();
    for subscription in &description.subscriptions {
        let Subscription { handler, signal, sender, .. } = subscription;
        if handler.is_empty() || handler.contains(char::is_control) {
            return Err(nonsense(&format!("{handler:?} is no name of a handler")));
        }
        if !seen.insert((handler, signal, sender)) {
            return Err(nonsense(&format!("`{handler}` subscribes to `{signal}` twice")));
        }
        // Custom signals have a point in their names, and whether there is one is not known here.
        if !signal.contains('.') && !BUILT_IN_SIGNALS.contains(&signal.as_str()) {
            let known = BUILT_IN_SIGNALS.join("`, `");
            let message = format!("`{handler}` subscribes to `{signal}`, and this host sends `{known}`");
            return Err(nonsense(&message));
        }
    }
    Ok(())
}

/// A cache is linked for those that were granted a bucket.
pub(crate) fn check_buckets(imports: &[String], allowance: &Allowance) -> Result<(), LoadError> {
    let import = imports.iter().find(|import| import.starts_with(keyvalue::INTERFACE));
    match import.filter(|_| allowance.grants.keyvalue.is_empty()) {
        Some(import) => Err(LoadError::NoBucket { import: import.clone() }),
        None => Ok(()),
    }
}

/// What `describe` returned is quoted, whatever it is.
pub(crate) fn nonsense(text: &str) -> LoadError {
    LoadError::Description(one_line(text))
}

/// Errors are shown in one line, and what a plugin says in them does not steer a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let is_between = |letter: char| letter.is_whitespace() || letter.is_control();
    text.split(is_between).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
