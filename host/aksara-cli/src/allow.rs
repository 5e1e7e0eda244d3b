//! `aksara allow`: the operator approves of a plugin, as it is and with what it asks for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aksara_plugins::policy_path;
use aksara_wire::{Grants, Map};
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TomlError};

use crate::load::{Loaded, Loader};
use crate::{Ended, output};

/// Approves of a plugin: writes its SHA-256, and the grants that it asks for, into `plugins.toml`.
///
/// A host in the production profile loads a plugin only from the file that was approved, and grants it what was approved.
/// Whatever else the policy says, comments too, stays. A host that is running reads the policy again.
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
            eprintln!("error: {fault}");
            return Ok(Ended::Fault);
        }
    };
    let policy = match &arguments.policy {
        Some(policy) => policy.clone(),
        None => policy_path(&folder(path)?),
    };
    let mut document = read(&policy)?;
    let grants = &revision.description().grants;
    let before = approved(&document, revision.name());
    println!("{}, SHA-256 {}", revision.label(), revision.digest());
    for grant in grants.beyond(&Grants::default()) {
        let is_new = before.as_ref().is_none_or(|before| grants.beyond(before).contains(&grant));
        println!("  {grant}{}", if is_new { " (new)" } else { "" });
    }
    if *grants == Grants::default() {
        println!("  it asks for no grant");
    }
    if arguments.dry_run {
        return Ok(Ended::Done);
    }
    approve(&mut document, revision.name(), revision.digest(), grants)
        .with_context(|| format!("`{}` cannot be changed", policy.display()))?;
    output::write_atomically(&policy, document.to_string().as_bytes())?;
    println!("approved in `{}`", policy.display());
    Ok(Ended::Done)
}

/// The folder that a file lies in, by its whole path: the policy has its name.
fn folder(file: &Path) -> Result<PathBuf> {
    let file = std::path::absolute(file)?;
    file.parent().map(Path::to_owned).with_context(|| format!("`{}` lies in no folder", file.display()))
}

fn read(policy: &Path) -> Result<DocumentMut> {
    let text = match fs::read_to_string(policy) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("`{}` cannot be read", policy.display())),
    };
    text.parse().map_err(|error: TomlError| {
        let problem = aksara_plugins::policy_problem(&text, error.span(), error.message());
        anyhow!("`{}` is not TOML: {problem}", policy.display())
    })
}

/// What of a policy says what was approved before.
#[derive(Default, Deserialize)]
struct Approvals {
    #[serde(default)]
    plugins: BTreeMap<String, Approval>,
}

#[derive(Deserialize)]
struct Approval {
    grants: Option<Grants>,
}

/// The grants that a policy has for a plugin.
fn approved(document: &DocumentMut, plugin: &str) -> Option<Grants> {
    let mut approvals: Approvals = toml::from_str(&document.to_string()).unwrap_or_default();
    approvals.plugins.remove(plugin)?.grants
}

/// Writes the approval into the policy.
fn approve(document: &mut DocumentMut, plugin: &str, digest: &str, grants: &Grants) -> Result<()> {
    let plugins = document.entry("plugins").or_insert_with(|| {
        let mut plugins = Table::new();
        plugins.set_implicit(true);
        plugins.into()
    });
    let plugins = plugins.as_table_like_mut().context("its `plugins` is no table")?;
    let entry = plugins.entry(plugin).or_insert_with(|| Table::new().into());
    let entry = entry.as_table_like_mut().with_context(|| format!("its `plugins.{plugin}` is no table"))?;
    entry.insert("sha256", Item::Value(digest.into()));
    entry.insert("grants", Item::Value(as_toml(grants).into()));
    Ok(())
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
