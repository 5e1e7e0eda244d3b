//! `cargo xtask`: the one door to everything that is done with this workspace.

mod doctor;
mod run;
mod sdks;
mod servers;
mod tools;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::run::{cargo, program};
use crate::tools::Language;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  demo [OPTIONS]   build the plugins and save real flights through them; OPTIONS as in `--help`
  blog [OPTIONS]   build the plugins and save a post per line typed, with hot reload
  test             everything: unit, integration, UI and doc tests, and the examples; on SQLite, PostgreSQL, MariaDB
  bench            measure save and plugins, in a release build
  plugins          build all plugins into target/plugins, and what runs plain JavaScript
  languages        measure a plugin of each language, and write the table of docs/languages.md
  doctor           what is missing on this machine, and the command that installs it";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // From whatever folder of the workspace it is called, paths start at its root.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let entered = std::env::set_current_dir(root).with_context(|| format!("entering `{root}`"));
    match entered.and_then(|()| command(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(arguments: &[String]) -> Result<()> {
    let Some((command, rest)) = arguments.split_first() else {
        bail!("no command given\n{USAGE}");
    };
    if !rest.is_empty() && !matches!(command.as_str(), "demo" | "blog") {
        bail!("`cargo xtask {command}` takes no arguments, found `{}`", rest.join(" "));
    }
    match command.as_str() {
        "demo" => example("flights", rest),
        "blog" => example("blog", rest),
        "test" => test(),
        "bench" => bench(),
        "plugins" => plugins(),
        "languages" => languages(),
        "doctor" => doctor::report(),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("there is no command `{other}`\n{USAGE}"),
    }
}

/// Builds the whole workspace: with other packages selected, cargo would choose other features for the
/// dependencies, and compile them again.
fn build() -> Result<()> {
    cargo(["build", "--workspace"]).run("building the workspace")
}

/// Builds the plugins in Rust, which need nothing but Rust.
fn rust_plugins() -> Result<()> {
    doctor::wasm_targets()?;
    build()?;
    components(&[], "plugins", "target/plugins")
}

/// Builds all plugins in all languages that this machine can build.
fn plugins() -> Result<()> {
    let mut areas = Areas::default();
    all_plugins(&mut areas);
    areas.summary()
}

/// Builds all plugins in all languages that this machine can build: those languages.
fn all_plugins(areas: &mut Areas) -> Vec<Language> {
    // While cargo compiles, the other toolchains are fetched.
    let (built, installed) = std::thread::scope(|scope| {
        let installing = scope.spawn(tools::install);
        let built = rust_plugins();
        (built, installing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    areas.run("the plugins in Rust", || built);
    let languages = areas.run("the tools of the other languages", || installed).unwrap_or_default();
    areas.run("the plugins in all languages", || components(&languages, "plugins", "target/plugins"));
    if languages.contains(&Language::JavaScript) {
        areas.run("what runs plain JavaScript", || tools::build_runner(RUNNER));
    }
    languages
}

/// The component that runs plain JavaScript, which the host brings along.
const RUNNER: &str = "target/runner/javascript.wasm";

/// Makes a component of each plugin in a folder: those in Rust, and in these languages.
fn components(languages: &[Language], sources: &str, output: &str) -> Result<()> {
    let mut folders =
        std::fs::read_dir(sources)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    folders.retain(|folder| {
        folder.join("Cargo.toml").is_file() || languages.iter().any(|language| language.is_of(folder))
    });
    folders.sort();
    let build = program("aksara").env("AKSARA_TOOLS", &tools::folder().to_string_lossy());
    build.args(["build", "--output", output]).args(folders).run("building the plugins")
}

fn example(name: &str, arguments: &[String]) -> Result<()> {
    rust_plugins()?;
    let mut example = program(name).args(arguments.iter().cloned());
    if std::path::Path::new(RUNNER).exists() {
        example = example.env("AKSARA_JAVASCRIPT", RUNNER);
    }
    example.run(&format!("running `{name}`"))
}

/// Runs every area, also after one has failed: the summary names those that did.
fn test() -> Result<()> {
    let mut areas = Areas::default();
    let languages = all_plugins(&mut areas);
    let mut fixtures = vec!["tests/fixtures", "tests/conformance"];
    if languages.contains(&Language::Python)
        && let Some(page) = areas.run("the blocks of the page", sdks::page)
    {
        fixtures.push(page);
    }
    for sources in fixtures {
        areas.run(&format!("building `{sources}`"), || components(&languages, sources, "target/fixtures"));
    }
    sdks::test(&languages, &mut areas)?;
    areas.run("the tests in Rust", || {
        let redis = servers::REDIS.server()?;
        let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
        if let Some(redis) = &redis {
            tests = tests.env(servers::REDIS.variable, &redis.url);
        }
        tests.run("running the tests")
    });
    for kind in &servers::DATABASES {
        areas.run(&format!("the tests of the ORM, on {}", kind.name), || {
            let Some(server) = kind.server()? else { return Ok(()) };
            // Those of the ORM, and the practical plugins.
            let tests =
                ["test", "--workspace", "--test", "it", "--test", "practical", "--no-fail-fast", "--"];
            let tests = cargo(tests).args(["orm::", "search_index", "audit_log"]);
            tests.env("AKSARA_TEST_URL", &server.url).run(&format!("running the tests on {}", kind.name))
        });
    }
    areas.run("the example `flights`", || {
        // Into a database of its own, so that a second run of the tests is like the first.
        let database = "target/test-demo/flights.db";
        if let Some(folder) = std::path::Path::new(database).parent().filter(|folder| folder.exists()) {
            std::fs::remove_dir_all(folder)?;
        }
        program("flights").args(["--database", database]).run("running `flights`")
    });
    areas.summary()
}

/// What has been tested, and which of it failed.
#[derive(Default)]
struct Areas {
    passed: usize,
    failed: Vec<String>,
}

impl Areas {
    /// Runs one area; what it returns, or `None` when it failed, which the summary says.
    fn run<T>(&mut self, name: &str, area: impl FnOnce() -> Result<T>) -> Option<T> {
        println!("\n{name}");
        match area() {
            Ok(value) => {
                self.passed += 1;
                Some(value)
            }
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                self.failed.push(format!("{name}: {error:#}"));
                None
            }
        }
    }

    fn summary(self) -> Result<()> {
        let Areas { passed, failed } = self;
        println!("\n{passed} areas passed, {} failed", failed.len());
        match failed.is_empty() {
            true => Ok(()),
            false => bail!("these areas failed:\n  {}", failed.join("\n  ")),
        }
    }
}

/// Writes what is measured into the place of the table.
fn languages() -> Result<()> {
    plugins()?;
    let cache = tempfile::tempdir()?;
    cargo(["build", "--workspace", "--examples"]).run("building the measurement")?;
    let measure = program("examples/languages").env("AKSARA_CACHE", &cache.path().to_string_lossy());
    let table =
        measure.output().context("measuring the plugins failed; run the example `languages` to see why")?;
    print!("{table}");
    let path = "docs/languages.md";
    let text = std::fs::read_to_string(path).with_context(|| format!("reading `{path}`"))?;
    let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
    let is_table = |line: &String| line.starts_with('|');
    let begin = lines.iter().position(is_table).with_context(|| format!("`{path}` has no table"))?;
    let end = lines[begin..].iter().position(|line| !is_table(line)).map_or(lines.len(), |end| begin + end);
    lines.splice(begin..end, table.lines().map(str::to_owned));
    std::fs::write(path, lines.join("\n") + "\n").with_context(|| format!("writing `{path}`"))
}

fn bench() -> Result<()> {
    rust_plugins()?;
    cargo(["bench", "--workspace", "--bench", "save", "--bench", "call"]).run("running the benchmarks")
}
