//! The conformance suite: one plugin in each language, all of them the same, driven by the host. What each command
//! means is in `README.md` beside this file.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

mod asks;
mod documents;
mod heard;
mod misbehaviour;
mod refusals;
mod values;

use aksara::prelude::*;
use aksara::{Error, Limits, Plugins, open_plugins};
use aksara_tests::{Logged, TestDb, plugin};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Conform {
    #[field(primary_key)]
    id: i64,
    command: String,
    integer: Option<i64>,
    float: Option<f64>,
    boolean: Option<bool>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    time: Option<DateTime<Utc>>,
    date: Option<NaiveDate>,
    uuid: Option<Uuid>,
    decimal: Option<Decimal>,
    json: Option<serde_json::Value>,
    integer_out: Option<i64>,
    float_out: Option<f64>,
    boolean_out: Option<bool>,
    text_out: Option<String>,
    bytes_out: Option<Vec<u8>>,
    time_out: Option<DateTime<Utc>>,
    date_out: Option<NaiveDate>,
    uuid_out: Option<Uuid>,
    decimal_out: Option<Decimal>,
    json_out: Option<serde_json::Value>,
    notes: ManyToMany<Note>,
}

#[derive(Model, Clone, Debug)]
struct Note {
    #[field(primary_key)]
    id: i64,
    title: String,
    stars: i64,
}

#[derive(Model, Clone, Debug)]
struct Secret {
    #[field(primary_key)]
    id: i64,
}

/// A host with the plugin of one language.
struct Host {
    db: Db,
    logged: Logged,
    plugins: Plugins,
    language: &'static str,
    _test: TestDb,
    _folder: TempDir,
}

impl Host {
    /// Opens it: with a fresh instance for each event, or with instances that serve many.
    async fn open(language: &'static str, reuses: bool) -> Host {
        let logged = Logged::start();
        let folder = TempDir::new().unwrap();
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins).unwrap();
        let name = format!("conformance-{language}");
        std::fs::copy(plugin(&name), plugins.join(format!("{name}.wasm"))).unwrap();
        // The first call of a runtime takes its time, on a machine that does other things as well; and a megabyte of text
        // is four of them in `post_save`.
        let limits =
            "deadline_ms = 2000, own_wait_ms = 60000, bytes_max = 8388608, memory_bytes_max = 134217728";
        let reuse = if reuses { "reuse = {}" } else { "" };
        let policy = format!(
            "[plugins.{name}]\nsettings = {{ greeting = \"hello\" }}\nlimits = {{ {limits} }}\n{reuse}\n"
        );
        std::fs::write(folder.path().join("plugins.toml"), policy).unwrap();
        let plugins = open_plugins(plugins, Limits::default()).await.unwrap();
        for status in plugins.status() {
            assert!(status.failure.is_none(), "{}: {:?}", status.name, status.failure);
        }
        let options = |options: aksara::DbOptions| {
            options
                .plugins(&plugins)
                .service("conform.reverse", |_, text: String| async move {
                    Ok(text.chars().rev().collect::<String>())
                })
                .service(
                    "conform.keep",
                    |_, document: serde_json::Value| async move { Ok(document.to_string()) },
                )
        };
        let test = TestDb::opened::<(Note, Conform, Secret)>(options).await;
        Host { db: test.db.clone(), logged, plugins, language, _test: test, _folder: folder }
    }

    /// Saves an instance that commands the plugin; what it is then.
    async fn obey(&self, it: Conform) -> Result<Instance<Conform>, Error> {
        Conform::objects(&self.db).create(it).await
    }

    /// As [`obey`](Self::obey), for a command that succeeds.
    async fn done(&self, it: Conform) -> Instance<Conform> {
        let command = it.command.clone();
        self.obey(it).await.unwrap_or_else(|error| panic!("{}: `{command}`: {error}", self.language))
    }

    /// The error that a command ends with, as its caller reads it.
    async fn refused(&self, it: Conform) -> Error {
        let command = it.command.clone();
        match self.obey(it).await {
            Err(error) => error,
            Ok(saved) => panic!("{}: `{command}` succeeded: {saved:?}", self.language),
        }
    }
}

fn command(command: &str) -> Conform {
    Conform { command: command.into(), ..Conform::default() }
}

/// A command that has a text.
fn told(command: &str, text: &str) -> Conform {
    Conform { command: command.into(), text: Some(text.into()), ..Conform::default() }
}

/// A command that has a number and a text.
fn given(command: &str, integer: i64, text: &str) -> Conform {
    Conform { integer: Some(integer), ..told(command, text) }
}

async fn conforms(language: &'static str) {
    if !aksara_tests::is_built(&format!("conformance-{language}")) {
        return;
    }
    for reuses in [false, true] {
        let host = Host::open(language, reuses).await;
        values::check(&host).await;
        documents::check(&host).await;
        documents::check_depth(&host).await;
        refusals::check(&host).await;
        asks::check(&host).await;
        heard::check(&host).await;
        misbehaviour::check(&host).await;
    }
}

#[tokio::test]
async fn rust() {
    conforms("rust").await;
}

#[tokio::test]
async fn python() {
    conforms("python").await;
}

#[tokio::test]
async fn javascript() {
    conforms("javascript").await;
}

#[tokio::test]
async fn go() {
    conforms("go").await;
}

#[tokio::test]
async fn c() {
    conforms("c").await;
}
