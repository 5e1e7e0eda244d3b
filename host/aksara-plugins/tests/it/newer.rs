//! A newer minor version of the contract still runs plugins of this one, in every language: as a host would be that has
//! one function and one interface more (`tests/newer`), and keeps to what `wit/frozen` says it may not change.

use std::path::Path;

use aksara_wire::{DecodeLimits, Description};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker, ResourceTable, ResourceType};
use wasmtime::{Config, Engine, Result, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use self::bindings::Plugin;
use self::bindings::aksara::signals::{bus, config, log, models, newer, services};

mod bindings {
    wasmtime::component::bindgen!({
        path: "tests/newer",
        world: "plugin",
        imports: { default: async },
        exports: { default: async },
    });
}

/// The newer host; plugins that are only asked to describe themselves ask it for nothing.
struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

type Answer = std::result::Result<Vec<u8>, Vec<u8>>;

macro_rules! answers_nothing {
    ($($interface:ident: $($function:ident)*;)*) => {$(
        impl $interface::Host for Host {
            $(async fn $function(&mut self, _: Vec<u8>) -> Answer {
                Err(Vec::new())
            })*
        }
    )*};
}

answers_nothing! {
    models: get find count create update delete;
    bus: send;
    services: call;
    config: get;
    newer: something;
}

impl log::Host for Host {
    async fn level(&mut self) -> String {
        "info".to_owned()
    }

    async fn write(&mut self, _: Vec<u8>) {}
}

/// What a plugin says about itself to the newer host.
async fn describe(engine: &Engine, file: &Path) -> Result<Description> {
    let component = Component::from_file(engine, file)?;
    let mut linker: Linker<Host> = Linker::new(engine);
    Plugin::add_to_linker::<Host, HasSelf<Host>>(&mut linker, |host| host)?;
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    define_cache(&mut linker, engine, &component)?;
    let host = Host { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
    let mut store = Store::new(engine, host);
    let plugin = Plugin::instantiate_async(&mut store, &component, &linker).await?;
    let described = plugin.aksara_signals_handler().call_describe(&mut store).await?;
    Ok(Description::decode(&described, &DecodeLimits::default()).unwrap())
}

/// A cache that nobody opens here.
fn define_cache(linker: &mut Linker<Host>, engine: &Engine, component: &Component) -> Result<()> {
    let types = component.component_type();
    for (name, import) in types.imports(engine).filter(|(name, _)| name.starts_with("wasi:keyvalue/")) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        let mut instance = linker.instance(name)?;
        for (name, export) in interface.exports(engine) {
            match export.ty {
                ComponentItem::Resource(_) => {
                    instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                ComponentItem::ComponentFunc(_) => {
                    instance.func_new(name, |_, _, _, _| Err(wasmtime::format_err!("there is no cache")))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn plugins_of_this_version_run_on_a_newer_host() {
    let engine = Engine::new(&Config::new()).unwrap();
    for language in ["rust", "python", "javascript", "go", "c"] {
        let name = format!("conformance-{language}");
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fixtures");
        let file = built.join(&name).with_extension("wasm");
        if !file.is_file() {
            let is_ci = std::env::var_os("CI").is_some();
            assert!(!is_ci, "`{name}` is not built; run `cargo xtask test`");
            eprintln!("NOT TESTED: `{name}` is not built");
            continue;
        }
        let description = describe(&engine, &file).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((description.name, &*description.contract), (name, "0.1.0"));
    }
}

/// What plugins are built from is the frozen copy of their version: whoever changes the contract gives it another version,
/// and builds the plugins of this test from the copy.
#[test]
fn the_contract_of_this_version_is_frozen() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut folders = vec![wit.join("v0")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let frozen = wit.join("frozen/0.1.0").join(path.strip_prefix(wit.join("v0")).unwrap());
            let (now, then) =
                (std::fs::read_to_string(&path).unwrap(), std::fs::read_to_string(&frozen).unwrap());
            assert_eq!(now, then, "`{}` has changed: give it another version", path.display());
            files += 1;
        }
    }
    assert!(files > 3);
}
