//! Real flights through Wasm handlers into SQLite.
//!
//! Reads the files of `data/`, saves every flight through the plugins `flight-delay` and `plane-check`, and sums up.
//! A second run finds nothing to do. `cargo xtask demo` builds the plugins and runs it.

mod data;
mod import;
mod models;
mod report;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aksara::{Db, Limits, Plugins, Synchronous};
use anyhow::{Context, Result, bail};
use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::data::Data;

/// The plugins without which the data would be stored unclassified.
const PLUGINS: [&str; 2] = ["flight-delay", "plane-check"];

/// How many flights are saved once more, without plugins, for comparison.
const COMPARED: usize = 5_000;

/// Save the flights of January 2013 through Wasm handlers into SQLite.
#[derive(Parser)]
struct Options {
    /// Folder with the data set.
    #[arg(long, default_value = "examples/flights/data")]
    data: PathBuf,
    /// The database; made when missing.
    #[arg(long, default_value = "target/demo/flights.db")]
    database: PathBuf,
    /// Folder with the plugins, watched while the program runs.
    #[arg(long, default_value = "target/plugins")]
    plugins: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,sqlx=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let data = Data::read(&options.data)?;
    let plugins = load_plugins(&options.plugins).await?;
    let db = open(&options.database, Some(&plugins)).await?;
    import::prepare(&db, &data).await?;
    let with = import::save_flights(&db, &data, usize::MAX, "with plugins").await?;
    let counts = models::take_carrier_counts();
    let without =
        if with.flights > 0 { without_plugins(&options.database, &data).await? } else { Default::default() };
    println!("{}\n{}", report::rows(&db).await?, report::classes(&db).await?);
    match with.flights {
        0 => println!(
            "all {} flights are there already; name another `--database`, or remove this one, to see them saved",
            data.flights.len()
        ),
        _ => {
            println!("{}\n{}", report::speed(with, without), report::plugins(&plugins));
            println!("{}", report::carriers(&counts));
        }
    }
    println!("database: {}", options.database.display());
    db.close().await;
    Ok(())
}

async fn load_plugins(folder: &Path) -> Result<Plugins> {
    let plugins = aksara::open_plugins(folder, Limits::default())
        .await
        .with_context(|| format!("cannot open the plugins folder `{}`", folder.display()))?;
    let status = plugins.status();
    for name in PLUGINS {
        let plugin = status.iter().find(|status| status.name == name);
        match plugin.map(|plugin| (&plugin.serving, &plugin.failure)) {
            Some((Some(_), _)) => {}
            Some((None, Some(failure))) => bail!("plugin `{name}` cannot be used: {failure}"),
            _ => bail!("`{}` has no `{name}.wasm`; build it with `cargo xtask plugins`", folder.display()),
        }
    }
    Ok(plugins)
}

async fn open(database: &Path, plugins: Option<&Plugins>) -> Result<Db> {
    let context = || format!("cannot open the database `{}`", database.display());
    if let Some(folder) = database.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    // A commit need not survive a power cut here: the next run stores what is missing.
    let options =
        Db::options(format!("sqlite://{}?mode=rwc", database.display())).synchronous(Synchronous::Normal);
    let options = plugins.iter().fold(options, |options, plugins| options.plugins(plugins));
    options.connect().await.with_context(context)
}

/// Saves some of the flights into a database of their own that no plugin hears.
async fn without_plugins(database: &Path, data: &Data) -> Result<import::Saved> {
    let scratch = database.with_extension("without-plugins.db");
    remove(&scratch)?;
    let db = open(&scratch, None).await?;
    import::prepare(&db, data).await?;
    let saved = import::save_flights(&db, data, COMPARED, "without plugins").await?;
    models::take_carrier_counts();
    db.close().await;
    remove(&scratch)?;
    Ok(saved)
}

fn remove(database: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{suffix}", database.display()));
        if path.exists() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    Ok(())
}
