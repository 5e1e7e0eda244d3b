//! cargo's part of a build: one call for all crates of a workspace, which shares their dependencies and its own start.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of guests, for workspaces that do not define it: small, one file each, no unwinding.
const PROFILE: [&str; 6] = [
    "profile.guest.inherits='release'",
    "profile.guest.opt-level='s'",
    "profile.guest.lto=true",
    "profile.guest.codegen-units=1",
    "profile.guest.panic='abort'",
    "profile.guest.strip=true",
];

/// What `cargo metadata` says of a workspace, as far as it matters here.
#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

/// One line of `cargo build --message-format=json`.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        manifest_path: PathBuf,
        filenames: Vec<PathBuf>,
    },
    #[serde(other)]
    Other,
}

/// Builds the crates in these folders as core modules, and answers with these in the same order.
pub(super) fn build(folders: &[&Path]) -> Result<Vec<Vec<u8>>> {
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    require_target()?;
    // A workspace is asked about once, by the first of its crates.
    let mut workspaces: Vec<(Metadata, Vec<usize>)> = Vec::new();
    let mut manifests = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        let manifest = folder.join("Cargo.toml").canonicalize();
        let manifest = manifest.with_context(|| format!("`{}` has no `Cargo.toml`", folder.display()))?;
        match workspaces.iter_mut().find(|(metadata, _)| package(metadata, &manifest).is_some()) {
            Some((_, members)) => members.push(index),
            None => workspaces.push((metadata(&manifest)?, vec![index])),
        }
        manifests.push(manifest);
    }
    let mut built = vec![None; folders.len()];
    for (metadata, members) in &workspaces {
        let packages =
            members.iter().map(|index| plugin(metadata, &manifests[*index])).collect::<Result<Vec<_>>>()?;
        for (index, package) in members.iter().zip(packages) {
            let path = build_package(metadata, package)?;
            let bytes = fs::read(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
            built[*index] = Some(bytes);
        }
    }
    Ok(built.into_iter().flatten().collect())
}

/// Builds a package; the answer is its module. Each is built on its own, or cargo would give all of them the features
/// that one asks for: `std` to a plugin that has none, for one.
fn build_package(metadata: &Metadata, package: &Package) -> Result<PathBuf> {
    let mut command = cargo();
    command.args([
        "build",
        "--profile",
        "guest",
        "--target",
        TARGET,
        "--message-format=json-render-diagnostics",
    ]);
    command.arg("--manifest-path").arg(metadata.workspace_root.join("Cargo.toml"));
    command.args(["--package", &package.name]);
    if !defines_profile(&metadata.workspace_root)? {
        command.args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
    }
    // The compiler's own words go straight to the terminal.
    let output =
        command.stderr(Stdio::inherit()).output().context("cargo cannot be run; is it on the PATH?")?;
    if !output.status.success() {
        bail!("cargo could not build `{}` ({})", package.name, output.status);
    }
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| line.first() == Some(&b'{')) {
        let message = serde_json::from_slice(line).context("cargo wrote a message that cannot be read")?;
        if let Message::CompilerArtifact { manifest_path, filenames } = message
            && manifest_path == package.manifest_path
            && let Some(module) =
                filenames.into_iter().find(|name| name.extension().is_some_and(|end| end == "wasm"))
        {
            return Ok(module);
        }
    }
    bail!("cargo built no WebAssembly module for `{}`", package.name)
}

fn metadata(manifest: &Path) -> Result<Metadata> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(manifest);
    let output =
        command.stderr(Stdio::inherit()).output().context("cargo cannot be run; is it on the PATH?")?;
    if !output.status.success() {
        bail!("cargo cannot read `{}`", manifest.display());
    }
    serde_json::from_slice(&output.stdout).context("cargo wrote metadata that cannot be read")
}

fn package<'a>(metadata: &'a Metadata, manifest: &Path) -> Option<&'a Package> {
    metadata.packages.iter().find(|package| package.manifest_path == manifest)
}

/// The package, if it can be a plugin.
fn plugin<'a>(metadata: &'a Metadata, manifest: &Path) -> Result<&'a Package> {
    let package = package(metadata, manifest).with_context(|| {
        format!("`{}` is a workspace and no crate; name the crates in it", manifest.display())
    })?;
    if !package.targets.iter().any(|target| target.crate_types.iter().any(|kind| kind == "cdylib")) {
        bail!(
            "`{}` makes no WebAssembly module; add `crate-type = [\"cdylib\", \"rlib\"]` under `[lib]` in `{}`",
            package.name,
            manifest.display()
        );
    }
    Ok(package)
}

/// A workspace with a `[profile.guest]` of its own knows better.
fn defines_profile(workspace: &Path) -> Result<bool> {
    let path = workspace.join("Cargo.toml");
    let text = fs::read_to_string(&path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    Ok(text.lines().any(|line| line.trim() == "[profile.guest]"))
}

/// Without the target cargo's own error is pages long and does not say what to do.
fn require_target() -> Result<()> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    let output = output.context("rustc cannot be run; is Rust installed?")?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !Path::new(folder.trim()).is_dir() {
        bail!("the target `{TARGET}` is not installed; run `rustup target add {TARGET}`");
    }
    Ok(())
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}
