//! A post per line typed, saved through the plugins of a folder.
//!
//! Replace a plugin in the folder while it runs, and the next post is saved through the new one. What each handler
//! changed is what the log target `aksara::signals` says at debug level.

use std::path::PathBuf;
use std::process::ExitCode;

use aksara::prelude::*;
use aksara::{Limits, open_plugins};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use clap::Parser;
use tokio::io::{AsyncBufReadExt, BufReader};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

/// A post. The plugin `slugify` fills in the slug, `timestamps` the times.
#[derive(Model, Clone, Debug)]
struct Post {
    #[field(primary_key)]
    id: Uuid,
    #[field(max_length = 200)]
    title: String,
    #[field(max_length = 200)]
    slug: String,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

/// Save a post per line typed, and show what each handler changed.
#[derive(Parser)]
struct Options {
    /// The database; in memory unless given.
    #[arg(long, default_value = "sqlite::memory:")]
    database: String,
    /// Folder with the plugins, watched while the program runs.
    #[arg(long, default_value = "target/plugins")]
    plugins: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let default = "warn,aksara::signals=debug,aksara::plugins=info,aksara::plugin=info";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).without_time().with_writer(std::io::stdout).init();
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let plugins = open_plugins(&options.plugins, Limits::default())
        .await
        .with_context(|| format!("cannot open the plugins folder `{}`", options.plugins.display()))?;
    let db = Db::options(&options.database).plugins(&plugins).connect().await?;
    db.create_tables::<(Post,)>().await?;
    println!("type a title and press Enter; replace a file in `{}` meanwhile", options.plugins.display());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(title) = lines.next_line().await? {
        let post = Post { title: title.trim().to_owned(), ..Post::default() };
        match Post::objects(&db).create(post).await {
            Ok(post) => println!("saved: {}", post.to_json()),
            Err(error) => println!("not saved: {error}"),
        }
    }
    Ok(())
}
