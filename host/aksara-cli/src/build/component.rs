//! From a core module to a component, with the encoder of the Bytecode Alliance.

use anyhow::{Context, Result};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{PackageId, Resolve};

use crate::sections::{self, Kind};

/// The contract, of the version that this program was built with.
pub(super) const WIT: &str = include_str!("../../../../wit/v0/signals.wit");

/// What it names of WASI; a package comes after those that it uses.
const DEPENDENCIES: [&str; 5] = [
    include_str!("../../../../wit/v0/deps/io/io.wit"),
    include_str!("../../../../wit/v0/deps/clocks/clocks.wit"),
    include_str!("../../../../wit/v0/deps/random/random.wit"),
    include_str!("../../../../wit/v0/deps/keyvalue/store.wit"),
    include_str!("../../../../wit/v0/deps/http/http.wit"),
];

/// The world with every import; those that a module does not have vanish from its component.
const WORLD: &str = "plugin-with-http";

/// The prefix of the sections in which a module says what world it is for; bindings generators write them.
const COMPONENT_TYPE: &str = "component-type";

/// What Go's runtime imports, and what stands for it: it cannot do without, and is given the clock, random numbers and
/// the log, and nothing else.
const PREVIEW1: &str = "wasi_snapshot_preview1";
const GO_ADAPTER: &str = include_str!("../../../../guest-sdk/go/adapter.wat");
const GO_ADAPTER_WORLD: &str = "package aksara:adapter; world adapter {
    import aksara:signals/log@0.1.0;
    import wasi:clocks/wall-clock@0.2.0;
    import wasi:random/random@0.2.0;
}";

/// Makes a component of a core module; a component stays as it is.
pub(super) fn from_any(bytes: Vec<u8>) -> Result<Vec<u8>> {
    match sections::kind(&bytes)? {
        Kind::Component => Ok(bytes),
        Kind::Module => from_module(bytes),
    }
}

fn from_module(mut module: Vec<u8>) -> Result<Vec<u8>> {
    // A module that was linked without bindings, from C say, does not say what it is: it can only be a plugin.
    let says_what_it_is = sections::custom(&module)?.iter().any(|(name, _)| name.starts_with(COMPONENT_TYPE));
    if !says_what_it_is {
        let (mut resolve, package) = contract()?;
        embed(&mut module, &mut resolve, package, WORLD)?;
    }
    let imports_preview1 = imports_from(&module, PREVIEW1)?;
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .context("it does not import and export what the world `plugin` has")?
        .validate(true);
    if imports_preview1 && !says_what_it_is {
        let (mut resolve, _) = contract()?;
        let package = resolve.push_str("adapter.wit", GO_ADAPTER_WORLD)?;
        let mut adapter = wat::parse_str(GO_ADAPTER)?;
        embed(&mut adapter, &mut resolve, package, "adapter")?;
        encoder = encoder.adapter(PREVIEW1, &adapter)?;
    }
    encoder.encode()
}

/// Whether a core module imports anything from the module with this name.
fn imports_from(module: &[u8], name: &str) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                if import?.module == name {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

fn contract() -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    for dependency in DEPENDENCIES {
        resolve.push_str("deps.wit", dependency)?;
    }
    let package = resolve.push_str("signals.wit", WIT)?;
    Ok((resolve, package))
}

fn embed(module: &mut Vec<u8>, resolve: &mut Resolve, package: PackageId, world: &str) -> Result<()> {
    let world = resolve.select_world(&[package], Some(world))?;
    wit_component::embed_component_metadata(module, resolve, world, StringEncoding::UTF8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_the_exports_is_refused() {
        let module = wasm_encoder::Module::new().finish();
        assert!(from_any(module).is_err());
    }

    #[test]
    fn a_component_stays_as_it_is() {
        let component = wasm_encoder::Component::new().finish();
        assert_eq!(from_any(component.clone()).unwrap(), component);
    }
}
