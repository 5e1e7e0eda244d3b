//! Running programs, with what they print shown as it comes.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// One program to run.
pub(crate) struct Step(Command);

/// A cargo command.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Step {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    Step::of(cargo).args(arguments)
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::path::absolute(&target).unwrap_or(target)
}

/// A program of this workspace, built in the development profile.
pub(crate) fn program(name: &str) -> Step {
    Step::of(target().join("debug").join(name))
}

impl Step {
    fn of(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        // Some toolchains keep their caches there, and do not look further.
        if std::env::var_os("HOME").is_none()
            && let Some(home) = std::env::home_dir()
        {
            command.env("HOME", home);
        }
        Step(command)
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.0.args(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// In another folder than the workspace's.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self, doing: &str) -> Result<()> {
        match self.status()? {
            true => Ok(()),
            false => bail!("{doing} failed; see above"),
        }
    }

    /// Runs it to its end; whether it succeeded.
    pub(crate) fn status(mut self) -> Result<bool> {
        let name = self.0.get_program().to_string_lossy().into_owned();
        Ok(self.0.status().with_context(|| format!("cannot run `{name}`"))?.success())
    }

    /// What it prints; `None` when it is not there or fails.
    pub(crate) fn output(mut self) -> Option<String> {
        let output = self.0.stderr(Stdio::null()).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A program that is not of this workspace.
    pub(crate) fn other(name: &str) -> Self {
        Step::of(name)
    }
}
