//! `aksara signals`: what would run, in order, with where it comes from.

use std::path::PathBuf;

use aksara_plugins::{BUILT_IN_SIGNALS, PluginHandler, Plugins, PluginsOptions};
use anyhow::{Context, Result};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;

use crate::{Ended, output};

/// Lists the handlers of a plugins folder by signal, in the order in which they run.
///
/// The plugins are loaded as a host loads them, under the `plugins.toml` beside the folder; those that a host would
/// refuse are named, with the reason, and the exit code is 2. What is likely to be a mistake in `plugins.toml` is a warning.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The plugins folder.
    folder: PathBuf,
    /// Only what hears this model.
    #[arg(long, value_name = "LABEL")]
    sender: Option<String>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Ended> {
    let runtime = Runtime::new().context("the async runtime cannot be started")?;
    let plugins = runtime.block_on(Plugins::open(&arguments.folder, PluginsOptions::default()))?;
    let set = plugins.set();
    let hears = |handler: &&PluginHandler| {
        let sender = handler.subscription().sender.as_ref();
        arguments.sender.is_none() || sender.is_none() || sender == arguments.sender.as_ref()
    };
    let mut handlers: Vec<&PluginHandler> = set.all().filter(hears).collect();
    // A stable sort: within a signal they stay in order. Custom signals come last.
    handlers.sort_by_key(|handler| {
        let signal = &handler.subscription().signal;
        (BUILT_IN_SIGNALS.iter().position(|one| one == signal).unwrap_or(usize::MAX), signal)
    });
    let refused: Vec<(String, String)> = plugins
        .status()
        .into_iter()
        .filter_map(|status| status.failure.map(|failure| (status.name, failure.to_string())))
        .collect();
    let warnings: Vec<String> = plugins.status().into_iter().flat_map(|status| status.warnings).collect();
    if arguments.json {
        let handlers: Vec<Json> = handlers.iter().map(|handler| as_json(handler)).collect();
        let refused: Vec<Json> =
            refused.iter().map(|(plugin, reason)| json!({ "plugin": plugin, "reason": reason })).collect();
        println!("{:#}", json!({ "handlers": handlers, "refused": refused, "warnings": warnings }));
    } else {
        handlers.iter().for_each(|handler| println!("{}", as_line(handler)));
        refused
            .iter()
            .for_each(|(plugin, reason)| output::fault(&format!("`{plugin}` is refused: {reason}")));
        warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    }
    Ok(if refused.is_empty() { Ended::Done } else { Ended::Fault })
}

fn as_line(handler: &PluginHandler) -> String {
    let subscription = handler.subscription();
    let sender = subscription.sender.as_deref().unwrap_or("every model");
    let (signal, priority) = (&subscription.signal, subscription.priority);
    format!("{signal:<16} {sender:<16} {priority:>4}  {}  ({})", handler.id(), handler.revision().label())
}

fn as_json(handler: &PluginHandler) -> Json {
    let subscription = handler.subscription();
    json!({
        "signal": subscription.signal,
        "sender": subscription.sender,
        "priority": subscription.priority,
        "handler": handler.id(),
        "plugin": handler.revision().name(),
        "version": handler.revision().version(),
        "digest": handler.revision().digest(),
    })
}
