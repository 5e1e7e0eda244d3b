//! `aksara build`: plugins in any language become components that describe themselves.

mod cache;
mod cargo;
mod component;
mod language;
mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aksara_wire::Map;
use anyhow::{Context, Result, bail};

use self::language::Language;
use crate::load::{Loaded, Loader};
use crate::{Ended, output, sections};

/// Builds plugins: a folder with the sources of each, or a core module or component that another tool made.
///
/// The manifest says the language: Cargo.toml (Rust), pyproject.toml (Python), package.json (JavaScript, TypeScript),
/// go.mod (Go), or C files alone. Toolchains are those of the folder that AKSARA_TOOLS names, or of the PATH.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders with a manifest, or `.wasm` files.
    #[arg(required = true, value_name = "DIR")]
    sources: Vec<PathBuf>,
    /// Where to: a folder, or for a single plugin the file itself (`OUT.wasm`).
    #[arg(short, long, value_name = "OUT", default_value = ".")]
    output: PathBuf,
}

/// A WebAssembly file on its way to being a plugin.
struct Built<'a> {
    source: &'a Path,
    bytes: Vec<u8>,
}

/// A plugin that only has to be written.
struct Finished {
    name: String,
    bytes: Vec<u8>,
    /// A line about it.
    line: String,
}

/// Runs the command. All crates are built before any file is written, so that a folder is never half replaced by a
/// build that fails to compile.
pub(crate) fn run(arguments: &Arguments) -> Result<Ended> {
    let to_file = arguments.output.extension().is_some_and(|extension| extension == "wasm");
    if to_file && arguments.sources.len() > 1 {
        bail!("{} plugins do not fit in one file; give a folder as `--output`", arguments.sources.len());
    }
    let built = compile(&arguments.sources)?;
    let loader = Loader::new()?;
    let mut finished = Vec::new();
    for Built { source, bytes } in built {
        match finish(&loader, source, bytes)? {
            Ok(plugin) => finished.push(plugin),
            Err(fault) => {
                output::fault(&fault);
                return Ok(Ended::Fault);
            }
        }
    }
    for Finished { name, bytes, line } in finished {
        let file = format!("{name}.wasm");
        let path = if to_file { arguments.output.clone() } else { arguments.output.join(&file) };
        if path.file_name().is_none_or(|name| name != file.as_str()) {
            eprintln!("note: a host loads this plugin only from a file with its name, `{file}`");
        }
        output::write_atomically(&path, &bytes)?;
        println!("{line} -> {}", path.display());
    }
    Ok(Ended::Done)
}

/// The sources as WebAssembly, in the order in which they were given.
fn compile(sources: &[PathBuf]) -> Result<Vec<Built<'_>>> {
    let mut crates = Vec::new();
    let mut others = Vec::new();
    for (index, source) in sources.iter().enumerate().filter(|(_, source)| !source.is_file()) {
        match Language::of(source)? {
            None => crates.push((index, source.as_path())),
            Some(language) => others.push((index, language, source.as_path())),
        }
    }
    let mut modules: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let folders: Vec<&Path> = crates.iter().map(|(_, folder)| *folder).collect();
    modules.extend(crates.iter().map(|(index, _)| *index).zip(cargo::build(&folders)?));
    // Their toolchains use one core each.
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for batch in others.chunks(at_once) {
        let built: Vec<Result<Vec<u8>>> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                batch.iter().map(|(_, language, folder)| scope.spawn(|| language.build(folder))).collect();
            let joined = threads.into_iter().map(|thread| match thread.join() {
                Ok(built) => built,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect()
        });
        for ((index, ..), built) in batch.iter().zip(built) {
            modules.insert(*index, built?);
        }
    }
    let mut built = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let bytes = match modules.remove(&index) {
            Some(bytes) => bytes,
            None => fs::read(source).with_context(|| format!("`{}` cannot be read", source.display()))?,
        };
        built.push(Built { source, bytes });
    }
    Ok(built)
}

/// Makes a component of the module, asks it for its description, and writes that into it. The error inside is the
/// plugin's fault.
fn finish(loader: &Loader, source: &Path, bytes: Vec<u8>) -> Result<Result<Finished, String>> {
    let component = component::from_any(bytes)
        .with_context(|| format!("`{}` cannot be made a component", source.display()))?;
    let revision = match loader.load(source, component.clone(), Map::new())? {
        Loaded::Plugin(revision) => revision,
        Loaded::Fault(fault) => return Ok(Err(fault)),
    };
    let description = revision.description();
    let bytes = sections::with_description(&component, &description.encode())?;
    let (name, handlers) = (description.name.clone(), description.subscriptions.len());
    let plural = if handlers == 1 { "" } else { "s" };
    let size = output::size(bytes.len());
    let line = format!("{name} {}: {handlers} handler{plural}, {size}", description.version);
    Ok(Ok(Finished { name, bytes, line }))
}
