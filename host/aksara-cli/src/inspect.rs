//! `aksara inspect`: what is in a plugin, and what it asks to be allowed.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use aksara_plugins::{Revision, inspect};
use aksara_wire::{Description, Grants, Map, ModelOperation, Subscription};
use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use crate::load::{Loaded, Loader, is_javascript};
use crate::{Ended, output};

/// Shows a plugin's name and version, its handlers, its imports and the grants that they stand for.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The plugin.
    file: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command. The plugin is loaded as a host loads it, which also says whether a host would take it.
pub(crate) fn run(arguments: &Arguments) -> Result<Ended> {
    let path = arguments.file.display();
    let bytes = fs::read(&arguments.file).with_context(|| format!("`{path}` cannot be read"))?;
    // A program says what it is only when it runs; of a component the file should say it.
    let described = is_javascript(&arguments.file)
        || inspect(&bytes).with_context(|| format!("`{path}` is no plugin"))?.description.is_some();
    let revision = match Loader::new()?.load(&arguments.file, bytes, Map::new())? {
        Loaded::Plugin(revision) => revision,
        Loaded::Fault(fault) => {
            output::fault(&fault);
            return Ok(Ended::Fault);
        }
    };
    if arguments.json {
        println!("{:#}", as_json(&revision, described));
    } else {
        print!("{}", as_text(&revision, described));
    }
    Ok(Ended::Done)
}

fn as_json(revision: &Revision, described: bool) -> Json {
    let description = revision.description();
    let imports = |import: &String| json!({ "name": import, "grant": grant(import, &description.grants) });
    json!({
        "name": description.name,
        "version": description.version,
        "contract": description.contract,
        "digest": revision.digest(),
        "size_bytes": revision.size_bytes(),
        "compile_us": u64::try_from(revision.compile_duration().as_micros()).unwrap_or(u64::MAX),
        "describes_itself": described,
        "subscriptions": description.subscriptions,
        "signals": description.signals,
        "grants": description.grants,
        "imports": revision.imports().iter().map(imports).collect::<Vec<_>>(),
    })
}

fn as_text(revision: &Revision, described: bool) -> String {
    let Description { name, version, contract, subscriptions, signals, grants } = revision.description();
    let mut text = format!("{name} {version} (contract {contract}, revision {})\n", revision.digest());
    let (size, time) = (output::size(revision.size_bytes()), output::duration(revision.compile_duration()));
    let _ = writeln!(text, "{size}, compiled in {time}\n\nhandlers:");
    for subscription in subscriptions {
        let _ = writeln!(text, "  {}", handler(subscription));
    }
    if !signals.is_empty() {
        text.push_str("\nsignals that it declares:\n");
    }
    for (signal, arguments) in signals {
        let _ = writeln!(text, "  {signal}: {}", names(arguments));
    }
    text.push_str("\nimports:\n");
    for import in revision.imports() {
        let _ = writeln!(text, "  {import}: {}", grant(import, grants));
    }
    if revision.imports().is_empty() {
        text.push_str("  none\n");
    }
    if !described {
        text.push_str(
            "\nthe file does not describe itself without being run; `aksara build` would add that\n",
        );
    }
    text
}

/// One line about a handler: when it runs, and what it sees and touches.
fn handler(subscription: &Subscription) -> String {
    let sender =
        subscription.sender.as_ref().map_or("every model".to_owned(), |sender| format!("`{sender}`"));
    let mut line = format!("{}: {} of {sender}", subscription.handler, subscription.signal);
    if subscription.priority != 0 {
        let _ = write!(line, ", priority {}", subscription.priority);
    }
    match subscription.when.created {
        Some(true) => line.push_str(", when created"),
        Some(false) => line.push_str(", when updated"),
        None => {}
    }
    if !subscription.when.changed.is_empty() {
        let _ = write!(line, ", when {} changed", names(&subscription.when.changed));
    }
    let fields = |fields: &Option<_>| fields.as_ref().map_or("everything".to_owned(), names);
    let _ = write!(line, "; reads {}; writes {}", fields(&subscription.reads), fields(&subscription.writes));
    line
}

fn names(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What has to be granted for an import.
fn grant(import: &str, grants: &Grants) -> String {
    let interface = import.split_once('@').map_or(import, |(interface, _)| interface);
    let listed = |kind: &str, names: &BTreeSet<String>| match names.is_empty() {
        true => format!("asks for no {kind}; every request will be denied"),
        false => names.iter().map(|name| format!("the {kind} `{name}`")).collect::<Vec<_>>().join("; "),
    };
    match interface {
        "aksara:signals/log" => "always granted, so many lines per event".to_owned(),
        "aksara:signals/models" => models(grants),
        "aksara:signals/bus" => listed("signal", &grants.signals),
        "aksara:signals/services" => listed("service", &grants.services),
        "aksara:signals/config" => "always granted: its own settings".to_owned(),
        "wasi:keyvalue/store" => listed("bucket", &grants.keyvalue),
        _ if interface.starts_with("wasi:http/") => listed("host", &grants.http),
        _ if interface.starts_with("wasi:") => {
            "always granted: clocks, random, standard output to the log; no files, no sockets".to_owned()
        }
        _ => "no grant is known".to_owned(),
    }
}

fn models(grants: &Grants) -> String {
    let model = |(label, operations): (&String, &BTreeSet<ModelOperation>)| {
        let operations: Vec<&str> = operations.iter().map(|operation| operation.name()).collect();
        format!("{} on `{label}`", operations.join(", "))
    };
    match grants.models.is_empty() {
        true => "asks for no model; every request will be denied".to_owned(),
        false => grants.models.iter().map(model).collect::<Vec<_>>().join("; "),
    }
}
