//! `aksara call`: runs a plugin's handlers for one event, outside any database.

mod application;
mod diff;
mod event;
mod run;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aksara_wire::Map;
use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use crate::json::{from_object, to_object};
use crate::load::{Loaded, Loader};
use crate::{Ended, output};

/// Runs the handlers of one plugin for one event, and shows what they change.
///
/// In the JSON files text stays text; bytes are {"$bytes": "0a1b"}, times {"$timestamp": "2026-03-01T12:00:00Z"}.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The plugin.
    file: PathBuf,
    /// The signal, such as `pre_save`.
    #[arg(long)]
    signal: String,
    /// Label of the model whose lifecycle fires the signal.
    #[arg(long)]
    sender: String,
    /// A JSON file with the fields of the instance.
    #[arg(long, value_name = "FILE.json")]
    instance: PathBuf,
    /// A JSON file with the values that were loaded; the fields that differ from them count as changed. Without it,
    /// every field does.
    #[arg(long, value_name = "FILE.json")]
    loaded: Option<PathBuf>,
    /// The save inserts the row. Without it, it updates one.
    #[arg(long)]
    created: bool,
    /// The save writes only these fields.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,..")]
    update_fields: Option<Vec<String>>,
    /// A JSON file with the rows that the plugin can read, by model: {"Post": [{"id": 1, ..}]}. Where the key is
    /// another field than `id`, the model names it: {"Plane(tailnum)": [{"tailnum": "N1", ..}]}.
    #[arg(long, value_name = "FILE.json")]
    models: Option<PathBuf>,
    /// A JSON file with what the services answer, by name: {"notifications.send": null}.
    #[arg(long, value_name = "FILE.json")]
    services: Option<PathBuf>,
    /// A JSON file with the plugin's settings, by name.
    #[arg(long, value_name = "FILE.json")]
    settings: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// The event before any handler saw it.
struct Given {
    signal: String,
    sender: String,
    created: bool,
    instance: Map,
    loaded: Option<Map>,
    update_fields: Option<Vec<String>>,
}

/// What came of all handlers together.
struct Report {
    outcome: Outcome,
    /// How many handlers the event reached.
    calls: usize,
    /// What they changed, the last word for each field.
    patch: Map,
    /// What they added to `update_fields`.
    update_fields: Vec<String>,
    duration: Duration,
    /// The largest of the handlers.
    memory_bytes: usize,
}

impl Report {
    /// A report before the first call.
    fn new(outcome: Outcome) -> Self {
        Report {
            outcome,
            calls: 0,
            patch: Map::new(),
            update_fields: Vec::new(),
            duration: Duration::ZERO,
            memory_bytes: 0,
        }
    }
}

enum Outcome {
    Unchanged,
    Patch,
    Rejected(String),
    Fault(String),
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Ended> {
    let bytes = read(&arguments.file)?;
    let given = given(arguments)?;
    let rows =
        arguments.models.as_deref().map(|path| application::read(path, json_file(path)?)).transpose()?;
    let services = arguments.services.as_deref().map(fields).transpose()?.unwrap_or_default();
    let settings = arguments.settings.as_deref().map(fields).transpose()?.unwrap_or_default();
    let loader = Loader::new()?;
    let report = match loader.load(&arguments.file, bytes, settings)? {
        Loaded::Plugin(revision) => {
            let application = application::Offered::shared(rows.unwrap_or_default(), services);
            let report = loader.block_on(run::all(&revision, &given, application));
            if report.calls == 0 {
                eprintln!("note: {} has no handler for this event", revision.label());
            }
            report
        }
        Loaded::Fault(fault) => Report::new(Outcome::Fault(fault)),
    };
    if arguments.json {
        println!("{:#}", as_json(&report));
    } else {
        print(&given, &report);
    }
    Ok(match report.outcome {
        Outcome::Unchanged | Outcome::Patch => Ended::Done,
        Outcome::Rejected(_) => Ended::Refused,
        Outcome::Fault(_) => Ended::Fault,
    })
}

fn given(arguments: &Arguments) -> Result<Given> {
    Ok(Given {
        signal: arguments.signal.clone(),
        sender: arguments.sender.clone(),
        created: arguments.created,
        instance: fields(&arguments.instance)?,
        loaded: arguments.loaded.as_deref().map(fields).transpose()?,
        update_fields: arguments.update_fields.clone(),
    })
}

impl Given {
    /// The fields that count as changed: those that differ from what was loaded.
    fn changed(&self, instance: &Map) -> BTreeSet<String> {
        let loaded = self.loaded.as_ref().filter(|_| !self.created);
        let differs = |name: &&String| loaded.is_none_or(|loaded| loaded.get(*name) != instance.get(*name));
        instance.keys().filter(differs).cloned().collect()
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))
}

fn json_file(path: &Path) -> Result<serde_json::Map<String, Json>> {
    let json = serde_json::from_slice(&read(path)?);
    json.with_context(|| format!("`{}` holds no JSON object", path.display()))
}

fn fields(path: &Path) -> Result<Map> {
    from_object(json_file(path)?).with_context(|| format!("`{}` cannot be a map of values", path.display()))
}

fn as_json(report: &Report) -> Json {
    let (outcome, message) = match &report.outcome {
        Outcome::Unchanged => ("unchanged", None),
        Outcome::Patch => ("patch", None),
        Outcome::Rejected(message) => ("rejected", Some(message)),
        Outcome::Fault(message) => ("fault", Some(message)),
    };
    json!({
        "outcome": outcome,
        "patch": to_object(&report.patch),
        "update_fields": report.update_fields,
        "message": message,
        "calls": report.calls,
        "duration_us": u64::try_from(report.duration.as_micros()).unwrap_or(u64::MAX),
        "memory_bytes": report.memory_bytes,
    })
}

fn print(given: &Given, report: &Report) {
    match &report.outcome {
        Outcome::Unchanged => println!("unchanged"),
        Outcome::Patch => print!("{}", diff::of(&given.instance, &report.patch)),
        Outcome::Rejected(message) => println!("rejected: {message}"),
        Outcome::Fault(message) => output::fault(message),
    }
    if !report.update_fields.is_empty() {
        println!("update_fields: + {}", report.update_fields.join(", "));
    }
    let (time, memory) = (output::duration(report.duration), output::size(report.memory_bytes));
    println!("{} of the plugin's handlers in {time}, {memory} of memory", report.calls);
}
