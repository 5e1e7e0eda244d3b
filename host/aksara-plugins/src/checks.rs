//! What is checked of a plugin before it serves: its file, its imports, what it says about itself.

use std::collections::HashSet;

use aksara_wire::{CONTRACT_VERSION, Description, Subscription};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::allowance::Allowance;
use crate::error::LoadError;
use crate::http;
use crate::inspect;
use crate::keyvalue;
use crate::limits::Limits;
use crate::shape;
use crate::text::shown;
use crate::wasi;

/// Subscriptions of one plugin.
const SUBSCRIPTIONS_MAX: usize = 256;

/// Bytes of a name that a plugin gives: its own, its version, that of a handler, a signal or a sender.
const NAME_BYTES_MAX: usize = 128;

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

/// The size of the file, which is looked at before anything else.
pub(crate) fn check_size(bytes: &[u8], limits: &Limits) -> Result<(), LoadError> {
    match bytes.len() > limits.file_bytes_max {
        true => Err(LoadError::TooLarge { bytes: bytes.len(), bytes_max: limits.file_bytes_max }),
        false => Ok(()),
    }
}

/// What can be seen from the outside, before Cranelift is given the bytes.
pub(crate) fn check_shape(bytes: &[u8]) -> Result<(), LoadError> {
    inspect::check_header(bytes)?;
    // Before the parser is given types that would exhaust its stack.
    inspect::check_nesting(bytes)?;
    shape::check(bytes)
}

/// The SHA-256 of a file. Only the one that was approved is compiled.
pub(crate) fn digest(bytes: &[u8], allowance: &Allowance) -> Result<String, LoadError> {
    let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    check_digest(&digest, allowance)?;
    Ok(digest)
}

/// Checks that the file with this SHA-256 was approved.
pub(crate) fn check_digest(digest: &str, allowance: &Allowance) -> Result<(), LoadError> {
    match &allowance.sha256 {
        Some(approved) if approved != digest => {
            Err(LoadError::Digest { found: digest.to_owned(), approved: approved.clone() })
        }
        _ => Ok(()),
    }
}

/// The names of what the component imports.
pub(crate) fn imports(engine: &wasmtime::Engine, component: &Component) -> Vec<String> {
    let types = component.component_type();
    let imported = types.imports(engine).filter(|(_, import)| {
        // An interface of nothing but types gives nothing.
        !matches!(&import.ty, ComponentItem::ComponentInstance(instance) if instance.exports(engine).next().is_none())
    });
    imported.map(|(name, _)| name.to_owned()).collect()
}

pub(crate) fn check_import(import: &str) -> Result<(), LoadError> {
    let (interface, version) = import.split_once('@').unwrap_or((import, ""));
    match interface {
        _ if CONTRACT.contains(&interface) => check_contract(version),
        keyvalue::INTERFACE => Ok(()),
        _ if interface.starts_with(http::INTERFACES) => Ok(()),
        _ if wasi::HARMLESS.contains(&interface) => Ok(()),
        _ => Err(LoadError::Import { import: shown(import) }),
    }
}

/// Below 1.0, each minor version is a contract of its own.
fn check_contract(version: &str) -> Result<(), LoadError> {
    let series = |version: &str| version.rsplit_once('.').map(|(series, _)| series.to_owned());
    match series(version) == series(CONTRACT_VERSION) {
        true => Ok(()),
        false => Err(LoadError::Contract { plugin: shown(version) }),
    }
}

/// The name of a file, which is that of a plugin.
pub(crate) fn check_file_name(name: &str) -> Result<(), LoadError> {
    match is_name(name) {
        true => Ok(()),
        false => Err(LoadError::FileName { name: name.to_owned() }),
    }
}

fn is_name(name: &str) -> bool {
    let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    !name.is_empty() && name.chars().all(valid)
}

pub(crate) fn check_description(name: Option<&str>, description: &Description) -> Result<(), LoadError> {
    check_contract(&description.contract)?;
    let plugin = &description.name;
    if !is_name(plugin) {
        return Err(nonsense(&format!("the name `{plugin}` is not made of letters, digits, `-` and `_`")));
    }
    if let Some(file) = name.filter(|name| name != plugin) {
        return Err(LoadError::Name { plugin: plugin.clone(), file: file.to_owned() });
    }
    check_lengths(description)?;
    let subscriptions = description.subscriptions.len();
    if subscriptions > SUBSCRIPTIONS_MAX {
        let message = format!("it has {subscriptions} subscriptions, {SUBSCRIPTIONS_MAX} are allowed");
        return Err(nonsense(&message));
    }
    if shown(&description.version) != description.version {
        return Err(nonsense("the version has control characters"));
    }
    let mut seen = HashSet::new();
    for subscription in &description.subscriptions {
        let Subscription { handler, signal, sender, .. } = subscription;
        if handler.is_empty() || shown(handler) != *handler {
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

/// Names are quoted in errors and in the log.
fn check_lengths(description: &Description) -> Result<(), LoadError> {
    let handlers = description.subscriptions.iter().flat_map(|subscription| {
        [
            ("a handler", &subscription.handler),
            ("a signal", &subscription.signal),
            ("a sender", subscription.sender.as_ref().unwrap_or(&subscription.signal)),
        ]
    });
    let names = [("the plugin", &description.name), ("the version", &description.version)];
    let declared = description.signals.keys().map(|signal| ("a signal", signal));
    for (what, name) in names.into_iter().chain(handlers).chain(declared) {
        if name.len() > NAME_BYTES_MAX {
            let bytes = name.len();
            return Err(nonsense(&format!(
                "the name of {what} has {bytes} bytes, {NAME_BYTES_MAX} are allowed"
            )));
        }
    }
    Ok(())
}

/// A cache and HTTP are linked for those that were granted some of it.
pub(crate) fn check_granted(imports: &[String], allowance: &Allowance) -> Result<(), LoadError> {
    let grants = &allowance.grants;
    for import in imports {
        let (is_granted, grant) = match import {
            _ if import.starts_with(keyvalue::INTERFACE) => (!grants.keyvalue.is_empty(), "keyvalue"),
            _ if import.starts_with(http::INTERFACES) => (!grants.http.is_empty(), "http"),
            _ => continue,
        };
        if !is_granted {
            return Err(LoadError::NotGranted { import: import.clone(), grant });
        }
    }
    Ok(())
}

/// What `describe` returned is quoted, whatever it is.
pub(crate) fn nonsense(text: &str) -> LoadError {
    LoadError::Description(shown(text))
}
