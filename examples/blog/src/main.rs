//! A post per line typed, saved through the plugins of a folder.
//!
//! Replace a plugin in the folder while it runs, and the next post is saved through the new one. What each handler
//! changed is what the log target `aksara::signals` says at debug level.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aksara::prelude::*;
use aksara::{KeyValue, PluginsOptions, RedisStore, open_plugins};
use anyhow::{Context, Result};
use blog::{AuditLog, Comment, Notification, Post, User, pages, search};
use clap::Parser;
use tokio::io::{AsyncBufReadExt, BufReader};
use tracing_subscriber::EnvFilter;

/// Save a post per line typed, and show what each handler changed.
#[derive(Parser)]
struct Options {
    /// The database; in memory unless given.
    #[arg(long, default_value = "sqlite::memory:")]
    database: String,
    /// Folder with the plugins, watched while the program runs.
    #[arg(long, default_value = "target/plugins")]
    plugins: PathBuf,
    /// The cache: `redis://HOST:PORT/DATABASE`; in memory unless given.
    #[arg(long, value_name = "URL")]
    cache: Option<String>,
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

const HELP: &str = "\
a title          saves a post
/comment TEXT    comments on the last post
/find WORDS      searches the index that the plugin `search-index` keeps
/list            all posts, from the cache that the plugin `invalidate-cache` deletes from
/audit           what the plugin `audit` has written
/inbox           the notifications that the plugin `notify` has sent";

async fn run(options: &Options) -> Result<()> {
    let mut plugins = PluginsOptions::default();
    if let Some(url) = &options.cache {
        plugins.keyvalue = Some(Arc::new(RedisStore::connect(url, "blog:").await?));
    }
    let plugins = open_plugins(&options.plugins, plugins)
        .await
        .with_context(|| format!("cannot open the plugins folder `{}`", options.plugins.display()))?;
    let db = blog::services(Db::options(&options.database).plugins(&plugins)).connect().await?;
    blog::create_tables(&db).await?;
    let mut session = Session {
        author: User::objects(&db).create(User { name: "author".into(), ..User::default() }).await?,
        reader: User::objects(&db).create(User { name: "reader".into(), ..User::default() }).await?,
        last: None,
        cache: plugins.keyvalue().clone(),
        db,
    };
    println!(
        "type a title and press Enter; replace a file in `{}` meanwhile; `/help`",
        options.plugins.display()
    );
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if let Err(error) = session.run(line.trim()).await {
            println!("not done: {error:#}");
        }
    }
    Ok(())
}

/// Who types, and about what.
struct Session {
    db: Db,
    cache: Arc<dyn KeyValue>,
    author: Instance<User>,
    reader: Instance<User>,
    last: Option<Instance<Post>>,
}

impl Session {
    async fn run(&mut self, line: &str) -> Result<()> {
        let db = &self.db;
        match line.split_once(' ').unwrap_or((line, "")) {
            ("", _) => {}
            ("/help", _) => println!("{HELP}"),
            ("/comment", text) => {
                let post = self.last.as_ref().context("there is no post to comment on")?;
                let (post, author) = (Fk::from(post), Fk::from(&self.reader));
                let comment = Comment { post, author, text: text.to_owned(), ..Comment::default() };
                println!("saved: {}", Comment::objects(db).create(comment).await?.to_json());
            }
            ("/find", words) => {
                for post in search::find(db, words).await? {
                    println!("{} /{}", post.title, post.slug);
                }
            }
            ("/list", _) => {
                let (page, is_cached) = pages::all_posts(db, &*self.cache).await?;
                println!("{page}({})", if is_cached { "from the cache" } else { "from the database" });
            }
            ("/audit", _) => {
                for entry in AuditLog::objects(db).order_by(AuditLog::id.asc()).all().await? {
                    println!("{} {} {} {}", entry.id, entry.action, entry.model_name, entry.data);
                }
            }
            ("/inbox", _) => {
                for it in Notification::objects(db).order_by(Notification::id.asc()).all().await? {
                    println!("{}: {}", it.kind, it.message);
                }
            }
            _ if line.starts_with('/') => println!("there is no command `{line}`; `/help` lists them"),
            _ => {
                let post = Post { title: line.to_owned(), author: Fk::from(&self.author), ..Post::default() };
                let post = Post::objects(db).create(post).await?;
                println!("saved: {}", post.to_json());
                self.last = Some(post);
            }
        }
        Ok(())
    }
}
