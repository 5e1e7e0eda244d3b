//! Which language a plugin is written in, and how it becomes WebAssembly. Rust has a module of its own, since cargo
//! builds many crates at once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{cache, tools};

/// A language other than Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    JavaScript,
    Go,
    C,
}

impl Language {
    /// The language of a plugin's folder, by its manifest; `None` for a Rust crate.
    ///
    /// # Errors
    /// When there is no manifest of any language.
    pub(super) fn of(folder: &Path) -> Result<Option<Language>> {
        let has = |file: &str| folder.join(file).is_file();
        Ok(if has("Cargo.toml") {
            None
        } else if has("pyproject.toml") {
            Some(Language::Python)
        } else if has("package.json") {
            Some(Language::JavaScript)
        } else if has("go.mod") {
            Some(Language::Go)
        } else if !sources(folder).is_empty() {
            Some(Language::C)
        } else {
            bail!(
                "`{}` is no plugin: it is neither a file nor a folder with a `Cargo.toml`, `pyproject.toml`, \
                 `package.json`, `go.mod` or C sources",
                folder.display()
            )
        })
    }

    /// Builds the plugin: a core module or a component. One whose sources have not changed is not built again.
    pub(super) fn build(self, folder: &Path) -> Result<Vec<u8>> {
        let sdk = tools::sdk(folder, self.name());
        let key = cache::key(self.name(), [Some(folder), sdk.as_deref()].into_iter().flatten())?;
        if let Some(built) = cache::get(&key) {
            return Ok(built);
        }
        let scratch = cache::scratch()?;
        let output = scratch.path().join("plugin.wasm");
        match self {
            Language::Python => python(folder, sdk.as_deref(), &output)?,
            Language::JavaScript => javascript(folder, sdk.as_deref(), &output)?,
            Language::Go => go(folder, &output)?,
            Language::C => c(folder, sdk.as_deref(), &output)?,
        }
        let built =
            fs::read(&output).with_context(|| format!("nothing was built of `{}`", folder.display()))?;
        cache::put(&key, &built);
        Ok(built)
    }

    fn name(self) -> &'static str {
        match self {
            Language::Python => "python",
            Language::JavaScript => "javascript",
            Language::Go => "go",
            Language::C => "c",
        }
    }
}

fn python(folder: &Path, sdk: Option<&Path>, output: &Path) -> Result<()> {
    let mut command = tools::program("python/bin/python3", "python3");
    command.args(["-m", "aksara_build"]).arg(folder).arg("-o").arg(output);
    if let Some(sdk) = sdk {
        command.env("PYTHONPATH", sdk);
    }
    let doing = format!("building the Python plugin `{}`", folder.display());
    tools::run(
        command,
        &doing,
        "install Python 3, and the SDK in it from a clone of Aksara's repository: `pip install './guest-sdk/python[build]'`",
    )
}

fn javascript(folder: &Path, sdk: Option<&Path>, output: &Path) -> Result<()> {
    let Some(sdk) = sdk.map(Path::to_owned).or_else(|| installed_package(folder)) else {
        bail!(
            "`{}` has no package `aksara`; name the folder `guest-sdk/javascript` of a clone of Aksara's repository in \
             its `package.json`, as `\"dependencies\": {{ \"aksara\": \"file:..\" }}`, and run `npm install`",
            folder.display()
        );
    };
    let mut command = tools::program("node/bin/node", "node");
    command.arg(sdk.join("build/main.mjs")).arg(folder).arg("-o").arg(output);
    if let Some(tools) = tools::folder() {
        command.env("AKSARA_NODE_MODULES", tools.join("node_modules"));
    }
    let doing = format!("building the JavaScript plugin `{}`", folder.display());
    tools::run(command, &doing, "install Node.js 20 or later")
}

/// The SDK as npm installs it.
fn installed_package(folder: &Path) -> Option<PathBuf> {
    let package = folder.join("node_modules/aksara");
    package.is_dir().then_some(package)
}

fn go(folder: &Path, output: &Path) -> Result<()> {
    let output = std::path::absolute(output)?;
    let mut command = tools::program("go/bin/go", "go");
    command
        .current_dir(folder)
        .args(["build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(output)
        .arg(".");
    let settings = [("GOOS", "wasip1"), ("GOARCH", "wasm"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")];
    command.envs(settings).env("GOFLAGS", "-mod=mod");
    let doing = format!("building the Go plugin `{}`", folder.display());
    tools::run(command, &doing, "install Go 1.25 or later")
}

fn c(folder: &Path, sdk: Option<&Path>, output: &Path) -> Result<()> {
    let Some(sdk) = sdk else {
        bail!(
            "`{}` lies in no tree with `guest-sdk/c`; compile it with `aksara.c` by hand",
            folder.display()
        );
    };
    let scratch = cache::scratch()?;
    let sources: Vec<PathBuf> = sources(folder).into_iter().chain([sdk.join("aksara.c")]).collect();
    let has_cpp = sources.iter().any(|source| is_cpp(source));
    let doing = format!("building the C plugin `{}`", folder.display());
    let packages = if has_cpp { CPP_PACKAGES } else { C_PACKAGES };
    let mut objects = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let object = scratch.path().join(format!("{index}.o"));
        let (mut command, flags) = match is_cpp(source) {
            true => (tools::program("clang/bin/clang++", "clang++"), CPP_FLAGS.as_slice()),
            false => (tools::program("clang/bin/clang", "clang"), C_FLAGS.as_slice()),
        };
        command
            .args(COMPILE_FLAGS)
            .args(flags)
            .arg("-I")
            .arg(sdk)
            .arg("-c")
            .arg(source)
            .arg("-o")
            .arg(&object);
        tools::run(command, &doing, packages)?;
        objects.push(object);
    }
    let mut command = match has_cpp {
        true => tools::program("clang/bin/clang++", "clang++"),
        false => tools::program("clang/bin/clang", "clang"),
    };
    command.args(LINK_FLAGS).args(objects).arg("-o").arg(output);
    tools::run(command, &doing, packages)
}

const C_PACKAGES: &str = "install the packages clang, lld, wasi-libc and libclang-rt-14-dev-wasm32";
const CPP_PACKAGES: &str = "install the packages clang, lld, wasi-libc, libclang-rt-14-dev-wasm32, \
                            libc++-14-dev-wasm32 and libc++abi-14-dev-wasm32";

const COMPILE_FLAGS: [&str; 4] = ["--target=wasm32-wasi", "-Oz", "-ffunction-sections", "-fdata-sections"];
const C_FLAGS: [&str; 1] = ["-std=c11"];
const CPP_FLAGS: [&str; 3] = ["-std=c++17", "-fno-exceptions", "-fno-rtti"];

/// The stack lies below the data, so that one that overflows traps: above, it would run into the data without a word. It
/// holds a message of 128 levels several times.
const LINK_FLAGS: [&str; 6] = [
    "--target=wasm32-wasi",
    "-mexec-model=reactor",
    "-Wl,--strip-all",
    "-Wl,--gc-sections",
    "-Wl,--stack-first",
    "-Wl,-z,stack-size=262144",
];

/// Whether a source is C++ by its name.
fn is_cpp(source: &Path) -> bool {
    source.extension().is_some_and(|end| ["cc", "cpp", "cxx"].iter().any(|cpp| end == *cpp))
}

/// The C and C++ files directly in a folder, in order of their names.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut sources: Vec<PathBuf> =
        entries.filter(|path| is_cpp(path) || path.extension().is_some_and(|end| end == "c")).collect();
    sources.sort();
    sources
}
