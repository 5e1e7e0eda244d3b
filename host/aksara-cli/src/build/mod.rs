//! `aksara build`: plugin crates become components that describe themselves.

mod cargo;
mod component;

use std::fs;
use std::path::{Path, PathBuf};

use aksara_wire::Map;
use anyhow::{Context, Result, bail};

use crate::load::{Loaded, Loader};
use crate::{Ended, output, sections};

/// Builds plugins: a folder with a Rust crate each, or a core module or component that another tool made.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders with a `Cargo.toml`, or `.wasm` files.
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
                eprintln!("error: {fault}");
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
    let folders: Vec<&Path> =
        sources.iter().map(PathBuf::as_path).filter(|source| !source.is_file()).collect();
    let mut crates = cargo::build(&folders)?.into_iter();
    let mut built = Vec::new();
    for source in sources {
        if !source.is_file() {
            built.extend(crates.next().map(|bytes| Built { source, bytes }));
            continue;
        }
        let bytes = fs::read(source).with_context(|| format!("`{}` cannot be read", source.display()))?;
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
