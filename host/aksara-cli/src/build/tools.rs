//! Where the toolchains of other languages than Rust are, and the SDKs that they need.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Names the folder that `cargo xtask` installs toolchains into; those on the `PATH` are used without it.
const VARIABLE: &str = "AKSARA_TOOLS";

/// A program of a toolchain: that of the folder at this path, where there is one, or else that on the `PATH`.
pub(super) fn program(in_folder: &str, name: &str) -> Command {
    let found = folder().map(|folder| folder.join(in_folder)).filter(|path| path.exists());
    let mut command = Command::new(found.map_or_else(|| OsString::from(name), PathBuf::into_os_string));
    // Go and npm keep their caches there, and do not look further.
    if std::env::var_os("HOME").is_none()
        && let Some(home) = std::env::home_dir()
    {
        command.env("HOME", home);
    }
    command
}

/// The folder with the toolchains.
pub(super) fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os(VARIABLE)?);
    // Some toolchains are run in a folder of their own.
    Some(std::path::absolute(&folder).unwrap_or(folder))
}

/// The SDK of a language, for a plugin that lies in one tree with it. A plugin elsewhere has it among its dependencies.
pub(super) fn sdk(plugin: &Path, language: &str) -> Option<PathBuf> {
    let plugin = plugin.canonicalize().ok()?;
    plugin.ancestors().map(|folder| folder.join("guest-sdk").join(language)).find(|sdk| sdk.is_dir())
}

/// Runs a build, whose own words are shown when it fails. `install` says how to get the program.
pub(super) fn run(mut command: Command, doing: &str, install: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{name}` cannot be run, which {doing} needs; {install}"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{doing} failed:\n{}", String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}
