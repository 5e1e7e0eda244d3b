//! From a core module to a component, with the encoder of the Bytecode Alliance.

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::Resolve;

use crate::sections::{self, Kind};

/// The contract, of the version that this program was built with.
const WIT: &str = include_str!("../../../../wit/v0/signals.wit");

/// The prefix of the sections in which a module says what world it is for; bindings generators write them.
const COMPONENT_TYPE: &str = "component-type";

/// Makes a component of a core module; a component stays as it is.
pub(super) fn from_any(bytes: Vec<u8>) -> Result<Vec<u8>> {
    match sections::kind(&bytes)? {
        Kind::Component => Ok(bytes),
        Kind::Module => from_module(bytes),
    }
}

fn from_module(mut module: Vec<u8>) -> Result<Vec<u8>> {
    // A module that was linked without bindings, from C say, does not say what it is: it can only be a plugin.
    if !sections::custom(&module)?.iter().any(|(name, _)| name.starts_with(COMPONENT_TYPE)) {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("signals.wit", WIT)?;
        let world = resolve.select_world(&[package], Some("plugin"))?;
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    }
    let mut encoder = ComponentEncoder::default()
        .module(&module)
        .context("it does not import and export what the world `plugin` has")?
        .validate(true);
    encoder.encode()
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
