//! What a plugin of each language costs: the same slug plugin in all of them, without a database. Prints the table of
//! `docs/languages.md`; `cargo xtask languages` writes it there.

use std::time::{Duration, Instant};

use aksara_plugins::{Allowance, CallContext, Engine, Limits, Reuse, Revision};
use aksara_tests::{javascript_runner, workspace};
use aksara_wire::{Event, Payload, Value, encode};
use anyhow::{Context, Result, ensure};

/// Calls of each plugin.
const CALLS: usize = 500;

const LANGUAGES: [(&str, &str); 5] = [
    ("C", "slugify-c"),
    ("Rust", "slugify"),
    ("Go", "slugify-go"),
    ("JavaScript", "slugify-javascript"),
    ("Python", "slugify-python"),
];

/// The same as a plain script.
const SCRIPT: &str = "preSave('Post', ({ instance }) => {
  instance.slug ||= instance.title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}, { reads: ['title', 'slug'], writes: ['slug'] });";

fn event() -> Vec<u8> {
    let text = |text: &str| Value::Str(text.to_owned());
    let instance = [("title", text("A title of the usual length, and no more")), ("slug", text(""))];
    let instance: Value = Value::Map(instance.map(|(name, value)| (name.to_owned(), value)).into());
    encode(&Event {
        id: [0; 16],
        signal: "pre_save".into(),
        sender: "Post".into(),
        db: "default".into(),
        depth: 0,
        operation: Some([0; 16]),
        payload: Payload { instance: Some(instance), created: Some(true), ..Payload::default() },
    })
}

#[tokio::main]
async fn main() -> Result<()> {
    ensure!(
        std::env::var_os("AKSARA_CACHE").is_some(),
        "set `AKSARA_CACHE` to an empty folder, so that what is compiled is compiled here; `cargo xtask languages` does"
    );
    let cold = Engine::new()?;
    println!(
        "| language | file | compiled in | loaded from the cache in | first call | call, median | 99 of 100 below | with `reuse` | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (language, plugin) in LANGUAGES {
        let file = workspace().join("target/plugins").join(plugin).with_extension("wasm");
        let bytes = std::fs::read(&file)
            .with_context(|| format!("`{plugin}` is not built; `cargo xtask plugins`"))?;
        let compiled = cold.load(Some(plugin), bytes.clone(), limits()).await?.compile_duration();
        let engine = Engine::new()?;
        let revision = engine.load(Some(plugin), bytes.clone(), limits()).await?;
        let reusing = engine.load(Some(plugin), bytes, reuse()).await?;
        row(language, compiled, &revision, &reusing).await?;
    }
    if let Some(runner) = javascript_runner() {
        let keyvalue = || std::sync::Arc::new(aksara_plugins::MemoryStore::default());
        let cold = Engine::with(keyvalue(), Some(runner.clone()))?;
        let compiled = cold.load_javascript("plain", SCRIPT.to_owned(), limits()).await?.compile_duration();
        let warm = Engine::with(keyvalue(), Some(runner))?;
        let revision = warm.load_javascript("plain", SCRIPT.to_owned(), limits()).await?;
        let reusing = warm.load_javascript("plain", SCRIPT.to_owned(), reuse()).await?;
        row("plain JavaScript", compiled, &revision, &reusing).await?;
    }
    Ok(())
}

fn limits() -> Limits {
    Limits { deadline_ms: 5_000, ..Limits::default() }
}

/// The same with instances that serve more than one event.
fn reuse() -> Allowance {
    Allowance { reuse: Some(Reuse::default()), ..Allowance::from(limits()) }
}

async fn row(language: &str, compiled: Duration, revision: &Revision, reusing: &Revision) -> Result<()> {
    let fresh = measure(revision).await.with_context(|| format!("`{language}`"))?;
    let reused = measure(reusing).await.with_context(|| format!("`{language}` with reuse"))?;
    println!(
        "| {language} | {} | {compiled:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1?} | {:.1} MiB |",
        size(revision.size_bytes()),
        revision.compile_duration(),
        fresh.first,
        fresh.sorted[CALLS / 2],
        fresh.sorted[CALLS * 99 / 100],
        reused.sorted[CALLS / 2],
        fresh.memory_bytes as f64 / f64::from(1 << 20),
    );
    Ok(())
}

/// How long calls took.
struct Measured {
    first: Duration,
    sorted: Vec<Duration>,
    memory_bytes: usize,
}

async fn measure(revision: &Revision) -> Result<Measured> {
    let event = event();
    let mut times = Vec::with_capacity(CALLS);
    let mut memory_bytes = 0;
    for _ in 0..CALLS {
        let context = CallContext { signal: "pre_save", sender: "Post", application: None };
        let start = Instant::now();
        let called = revision.call(0, &event, context).await?;
        times.push(start.elapsed());
        memory_bytes = called.memory_bytes;
        ensure!(called.reply != aksara_wire::Reply::Unchanged, "it did nothing");
    }
    let first = times[0];
    times.sort();
    Ok(Measured { first, sorted: times, memory_bytes })
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
