//! The tests of the SDKs and plugins in other languages, by each language's own tools.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::Areas;
use crate::run::{Step, target};
use crate::tools::{self, Language};

/// Where folders with such tests lie: each SDK, and each plugin.
const PARENTS: [&str; 2] = ["guest-sdk", "plugins"];

/// Runs the tests of these languages, each folder as an area of its own.
pub(crate) fn test(languages: &[Language], areas: &mut Areas) -> Result<()> {
    for folder in folders()? {
        let Some(language) = languages.iter().copied().find(|language| has_tests(*language, &folder)) else {
            continue;
        };
        areas.run(&format!("the tests of `{}`", folder.display()), || {
            for command in commands(language) {
                step(command, &folder)?.run(&format!("testing `{}`", folder.display()))?;
            }
            match language {
                Language::Go => formatted(&folder),
                _ => Ok(()),
            }
        });
    }
    Ok(())
}

/// The page's Python blocks as plugins, of which this is the folder: taken out of the page, and its own tests run.
pub(crate) fn page() -> Result<&'static str> {
    let python = "python/bin/python3";
    let steps: [(&[&str], &str); 3] = [
        (&[python, "extract.py", "../../target/page"], "tests/page"),
        (&[python, "table.py"], "tests/page"),
        (&[python, "-m", "pytest", "-q"], "target/page/native"),
    ];
    for (command, folder) in steps {
        step(command, Path::new(folder))?.run("the blocks of the page")?;
    }
    Ok("target/page")
}

fn folders() -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for parent in PARENTS {
        let entries = std::fs::read_dir(parent).with_context(|| format!("cannot read `{parent}`"))?;
        for entry in entries {
            folders.push(entry?.path());
        }
    }
    folders.sort();
    Ok(folders)
}

fn has_tests(language: Language, folder: &Path) -> bool {
    let tests = match language {
        Language::Python | Language::JavaScript => "tests",
        // Go's lie beside what they test.
        Language::Go => "go.mod",
        Language::C => "Makefile",
    };
    language.is_of(folder) && folder.join(tests).exists()
}

/// The commands that test a folder; a name without `/` is looked up on the `PATH`, others in the folder of toolchains.
fn commands(language: Language) -> &'static [&'static [&'static str]] {
    match language {
        Language::Python => &[&["python/bin/python3", "-m", "pytest", "-q"]],
        Language::JavaScript => &[&["node", "--test"]],
        Language::Go => &[&["go/bin/go", "vet", "./..."], &["go/bin/go", "test", "./..."]],
        Language::C => &[&["make", "--silent", "test"]],
    }
}

fn step(command: &[&str], folder: &Path) -> Result<Step> {
    let (program, arguments) = command.split_first().context("a command is empty")?;
    let program = match program.contains('/') {
        true => tools::folder().join(program),
        false => PathBuf::from(program),
    };
    let paths = [tools::folder().join("go/bin"), tools::folder().join("python/bin")];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(paths.into_iter().chain(std::env::split_paths(&path)))?;
    let sdk = std::path::absolute("guest-sdk/python")?;
    let settings = [("GOPROXY", "off"), ("GOFLAGS", "-mod=mod"), ("GOTOOLCHAIN", "local")];
    let step = Step::other(&program.to_string_lossy()).within(folder).args(arguments.iter().copied());
    let step = settings.into_iter().fold(step, |step, (name, value)| step.env(name, value));
    let step = step.env("AKSARA_NODE_MODULES", &tools::folder().join("node_modules").to_string_lossy());
    // Tests that run a component call it.
    let step = step.env("AKSARA", &target().join("debug/aksara").to_string_lossy());
    Ok(step.env("PATH", &path.to_string_lossy()).env("PYTHONPATH", &sdk.to_string_lossy()))
}

/// `gofmt -l` succeeds whatever it finds.
fn formatted(folder: &Path) -> Result<()> {
    let unformatted = step(&["go/bin/gofmt", "-l", "."], folder)?.output().unwrap_or_default();
    if !unformatted.is_empty() {
        bail!("run `gofmt -w` on these files of `{}`:\n{unformatted}", folder.display());
    }
    Ok(())
}
