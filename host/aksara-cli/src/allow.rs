//! `aksara allow`: the operator approves of a plugin, as it is and with what it asks for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aksara_plugins::{Heard, policy_path, policy_without_end};
use aksara_wire::{Description, Grants, Map};
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TomlError};

use crate::load::{Loaded, Loader};
use crate::{Ended, output};

/// Approves of a plugin: writes its SHA-256, what it hears, and the grants that it asks for, into `plugins.toml`.
///
/// A host in the production profile loads a plugin only from the file that was approved, lets it hear what was approved and
/// grants it that.
/// While it does not serve, the host refuses the operations that it was approved to hear of; `required = false` in its table
/// says otherwise, and to remove a plugin is to remove its table.
/// All else that the policy says, comments too, stays. Its last line is then `end = true`: a host in production takes no
/// policy of which a part may be missing. A host that is running reads the policy again.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The plugin.
    file: PathBuf,
    /// The policy; that of the plugin's folder unless given, `plugins.toml` beside `plugins`.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Shows what would be approved, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<Ended> {
    let path = &arguments.file;
    let bytes = fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let revision = match Loader::new()?.load(path, bytes, Map::new())? {
        Loaded::Plugin(revision) => revision,
        Loaded::Fault(fault) => {
            output::fault(&fault);
            return Ok(Ended::Fault);
        }
    };
    let policy = match &arguments.policy {
        Some(policy) => policy.clone(),
        None => policy_path(&folder(path)?),
    };
    let mut document = read(&policy)?;
    let grants = &revision.description().grants;
    let heard = heard(revision.description());
    let before = approved(&document, revision.name());
    println!("{}, SHA-256 {}", revision.label(), revision.digest());
    let new = |is_known: bool| if is_known { "" } else { " (new)" };
    for one in &heard {
        println!("  {one}{}", new(before.subscriptions.as_ref().is_some_and(|before| one.is_in(before))));
    }
    for grant in grants.beyond(&Grants::default()) {
        let is_known = before.grants.as_ref().is_some_and(|before| !grants.beyond(before).contains(&grant));
        println!("  {grant}{}", new(is_known));
    }
    if *grants == Grants::default() {
        println!("  it asks for no grant");
    }
    if arguments.dry_run {
        return Ok(Ended::Done);
    }
    approve(&mut document, revision.name(), (revision.digest(), &heard, grants))
        .with_context(|| format!("`{}` cannot be changed", policy.display()))?;
    output::write_atomically(&policy, whole(&document).as_bytes())?;
    println!("approved in `{}`", policy.display());
    Ok(Ended::Done)
}

/// The folder that a file lies in, by its whole path: the policy has its name.
fn folder(file: &Path) -> Result<PathBuf> {
    let file = std::path::absolute(file)?;
    file.parent().map(Path::to_owned).with_context(|| format!("`{}` lies in no folder", file.display()))
}

/// The policy with its last line.
fn whole(document: &DocumentMut) -> String {
    let mut text = document.to_string();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text + "end = true\n"
}

/// The policy without its last line.
fn read(policy: &Path) -> Result<DocumentMut> {
    let text = match fs::read_to_string(policy) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("`{}` cannot be read", policy.display())),
    };
    let (text, _) = policy_without_end(&text);
    text.parse().map_err(|error: TomlError| {
        let problem = aksara_plugins::policy_problem(text, error.span(), error.message());
        anyhow!("`{}` is not TOML: {problem}", policy.display())
    })
}

/// What of a policy says what was approved before.
#[derive(Default, Deserialize)]
struct Approvals {
    #[serde(default)]
    plugins: BTreeMap<String, Approval>,
}

#[derive(Default, Deserialize)]
struct Approval {
    grants: Option<Grants>,
    subscriptions: Option<Vec<Heard>>,
}

/// What a policy has for a plugin.
fn approved(document: &DocumentMut, plugin: &str) -> Approval {
    let mut approvals: Approvals = toml::from_str(&document.to_string()).unwrap_or_default();
    approvals.plugins.remove(plugin).unwrap_or_default()
}

/// What a plugin hears, each once.
fn heard(description: &Description) -> Vec<Heard> {
    let mut heard: Vec<Heard> = Vec::new();
    for one in description.subscriptions.iter().map(Heard::of) {
        if !one.is_in(&heard) {
            heard.push(one);
        }
    }
    heard
}

/// Writes the approval into the policy.
fn approve(
    document: &mut DocumentMut,
    plugin: &str,
    (digest, heard, grants): (&str, &[Heard], &Grants),
) -> Result<()> {
    let plugins = document.entry("plugins").or_insert_with(|| {
        let mut plugins = Table::new();
        plugins.set_implicit(true);
        plugins.into()
    });
    let plugins = plugins.as_table_like_mut().context("its `plugins` is no table")?;
    let entry = plugins.entry(plugin).or_insert_with(|| Table::new().into());
    let entry = entry.as_table_like_mut().with_context(|| format!("its `plugins.{plugin}` is no table"))?;
    entry.insert("sha256", Item::Value(digest.into()));
    let mut subscriptions = Array::from_iter(heard.iter().map(subscription));
    subscriptions.iter_mut().for_each(|one| one.decor_mut().set_prefix("\n    "));
    subscriptions.set_trailing("\n");
    entry.insert("subscriptions", Item::Value(subscriptions.into()));
    entry.insert("grants", Item::Value(as_toml(grants).into()));
    Ok(())
}

fn subscription(heard: &Heard) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert("signal", heard.signal.as_str().into());
    if let Some(sender) = &heard.sender {
        table.insert("sender", sender.as_str().into());
    }
    for (key, fields) in [("reads", &heard.reads), ("writes", &heard.writes)] {
        if let Some(fields) = fields {
            table.insert(key, Array::from_iter(fields.iter().map(String::as_str)).into());
        }
    }
    table
}

fn as_toml(grants: &Grants) -> InlineTable {
    let mut table = InlineTable::new();
    let mut models = InlineTable::new();
    for (model, operations) in &grants.models {
        models.insert(model, Array::from_iter(operations.iter().map(|one| one.name())).into());
    }
    if !models.is_empty() {
        table.insert("models", models.into());
    }
    let named = [
        ("signals", &grants.signals),
        ("services", &grants.services),
        ("keyvalue", &grants.keyvalue),
        ("http", &grants.http),
    ];
    for (key, names) in named.into_iter().filter(|(_, names)| !names.is_empty()) {
        table.insert(key, Array::from_iter(names.iter().map(String::as_str)).into());
    }
    table
}
