//! What a save costs: against the same statements in plain sqlx, and with one Wasm handler.
//!
//! The contenders take turns in one run, so that whatever else the machine does hits both; the medians are compared.

use std::time::{Duration, Instant};

use aksara::prelude::*;
use aksara::{Limits, Plugins, Synchronous, open_plugins};
use aksara_tests::plugins_folder;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// Saves in one batch, which is one transaction.
const BATCH: usize = 500;

/// Batches of each contender.
const ROUNDS: usize = 100;

/// Batches before those, which prepare statements and warm caches.
const WARMING: usize = 20;

#[derive(Model, Clone, Debug)]
struct Post {
    #[field(primary_key)]
    id: i64,
    #[field(max_length = 200)]
    title: String,
    #[field(max_length = 200)]
    slug: String,
    content: String,
    view_count: i64,
    published: bool,
}

fn post(number: usize) -> Post {
    Post {
        title: format!("Post number {number} with a title of usual length"),
        slug: String::new(),
        content: "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.".repeat(4),
        view_count: number as i64,
        published: number.is_multiple_of(2),
        ..Default::default()
    }
}

/// Mean time of one operation in a batch.
fn each(start: Instant) -> Duration {
    start.elapsed() / BATCH as u32
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

async fn saves(db: &Db) -> Duration {
    let start = Instant::now();
    let saved: Result<(), aksara::Error> = db
        .transaction(async |tx| {
            for number in 0..BATCH {
                post(number).instance().save(&tx).await?;
            }
            Ok(())
        })
        .await;
    saved.expect("the batch is saved");
    each(start)
}

async fn plain(pool: &sqlx::SqlitePool) -> Duration {
    let start = Instant::now();
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.expect("a transaction");
    for number in 0..BATCH {
        let post = post(number);
        let sql = "INSERT INTO \"post\" (\"title\", \"slug\", \"content\", \"view_count\", \"published\") \
                   VALUES (?, ?, ?, ?, ?)";
        let done = sqlx::query(sql)
            .bind(post.title)
            .bind(post.slug)
            .bind(post.content)
            .bind(post.view_count)
            .bind(post.published)
            .execute(&mut *tx)
            .await
            .expect("a row");
        assert!(done.last_insert_rowid() > 0);
    }
    tx.commit().await.expect("a commit");
    each(start)
}

async fn database(folder: &std::path::Path, name: &str, plugins: Option<&Plugins>) -> Db {
    let options = Db::options(format!("sqlite://{}?mode=rwc", folder.join(name).display()));
    let options = options.synchronous(Synchronous::Normal);
    let options = plugins.iter().fold(options, |options, plugins| options.plugins(plugins));
    let db = options.connect().await.expect("a database");
    db.create_tables::<(Post,)>().await.expect("tables");
    db
}

#[tokio::main]
async fn main() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let plugins_folder = plugins_folder(&["slugify"]);
    let plugins = open_plugins(plugins_folder.path(), Limits::default()).await.expect("plugins");
    let silent = database(folder.path(), "silent.db", None).await;
    let heard = database(folder.path(), "heard.db", Some(&plugins)).await;
    drop(database(folder.path(), "plain.db", None).await);
    let options = SqliteConnectOptions::new().filename(folder.path().join("plain.db"));
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal);
    let pool = SqlitePoolOptions::new().connect_with(options.foreign_keys(true)).await.expect("a pool");
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..ROUNDS + WARMING {
        for turn in 0..times.len() {
            // Whoever comes after another finds the caches as that one left them: each has every place.
            let contender = (round + turn) % times.len();
            let time = match contender {
                0 => plain(&pool).await,
                1 => saves(&silent).await,
                _ => saves(&heard).await,
            };
            if round >= WARMING {
                times[contender].push(time);
            }
        }
    }
    let [plain, silent, heard] = times.map(median);
    println!("an insert in plain sqlx            {plain:>10.2?}");
    println!("save, no handler connected         {silent:>10.2?}   {:.2} times plain", ratio(silent, plain));
    println!("save, one Wasm handler (slugify)   {heard:>10.2?}   {:.2?} more", heard.saturating_sub(silent));
    let status = plugins.status();
    let called: u64 = status.iter().map(|status| status.calls).sum();
    assert_eq!(called as usize, (ROUNDS + WARMING) * BATCH, "the handler ran for every save");
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
