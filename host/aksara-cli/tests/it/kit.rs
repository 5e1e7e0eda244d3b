//! Running the program, and the plugins that the tests run it on, each built once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value as Json;
use tempfile::TempDir;

/// The plugins of this repository, and the test's own, as `aksara build` makes them.
pub(crate) static PLUGINS: LazyLock<Plugins> = LazyLock::new(Plugins::build);

pub(crate) struct Plugins {
    folder: TempDir,
}

impl Plugins {
    fn build() -> Self {
        let folder = TempDir::new().unwrap();
        let sources = ["slugify", "timestamps", "flight-delay", "plane-check"]
            .map(|name| root().join("plugins").join(name));
        let ran = Ran::new("build").args(sources).arg("-o").arg(folder.path()).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        write_crate(&folder.path().join("awkward"), "awkward", AWKWARD);
        let ran = Ran::new("build").arg(folder.path().join("awkward")).arg("-o").arg(folder.path()).run();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        Plugins { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.wasm"))
    }
}

/// A plugin that does what plugins should not.
const AWKWARD: &str = r#"
use aksara_guest::prelude::*;

#[pre_save("Post", writes("title"), priority = 1)]
fn shout(post: &mut Map) -> Result {
    match post.get("title") {
        Some(Value::Str(title)) if title == "rejected" => return Err(reject("not this title")),
        Some(Value::Str(title)) if title == "invalid" => return Err(invalid("title", "is bad").and("slug", "is worse")),
        Some(Value::Str(title)) if title == "failed" => Err("x".parse::<u8>().unwrap_err())?,
        Some(Value::Str(title)) if title == "panic" => panic!("on purpose"),
        Some(Value::Str(title)) if title == "forever" => loop { std::hint::black_box(0); },
        Some(Value::Str(title)) if title == "rogue" => { post.insert("slug".into(), "mine".into()); }
        Some(Value::Str(title)) => { let loud = title.to_uppercase(); post.insert("title".into(), loud.into()); }
        _ => {}
    }
    Ok(())
}

#[pre_save("Post", when(created))]
fn after_shouting(post: &mut Map, event: &Event) {
    log::info!(title = post.get("title"); "saw a title");
    if let Some(Value::Str(title)) = post.get_mut("title") { title.push('!'); }
    event.add_update_field("title");
}

#[pre_save("Post", reads("views"), when(updated, changed("views")))]
fn count(post: &mut Map) {
    post.insert("popular".into(), true.into());
}

#[post_save("Post")]
fn report(_: &Map, event: &Event) -> Result {
    let changes: Vec<&str> = event.changes().iter().map(|change| &*change.field).collect();
    Err(reject(format!("changed {changes:?}, views were {:?}", event.change("views").map(|change| &change.old))))
}

plugin!(shout, after_shouting, count, report);
"#;

/// Writes a crate outside this workspace, as a plugin author has one.
pub(crate) fn write_crate(folder: &Path, name: &str, source: &str) {
    let guest = root().join("guest-sdk/rust");
    let manifest = format!(
        r#"
[package]
name = "{name}"
version = "1.2.3"
edition = "2024"

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
aksara-guest = {{ path = {guest:?} }}
serde = {{ version = "1", features = ["derive"] }}

[workspace]
"#
    );
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), source).unwrap();
    // The versions that this workspace has are there already; others would have to be downloaded.
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Where guests are built, shared by all tests and runs: beside the folder that this test was built in.
pub(crate) fn target() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_aksara"));
    program.ancestors().nth(2).unwrap().join("cli-tests")
}

/// One run of the program.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[allow(clippy::new_ret_no_self, reason = "it begins a command that ends as a `Ran`")]
    pub(crate) fn new(verb: &str) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aksara"));
        command.arg(verb).env("CARGO_TARGET_DIR", target()).env_remove("RUST_LOG");
        Run(command)
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }
}

pub(crate) struct Run(Command);

impl Run {
    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item: AsRef<std::ffi::OsStr>>) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn run(mut self) -> Ran {
        let Output { status, stdout, stderr } = self.0.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }
}
