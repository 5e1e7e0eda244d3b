//! What this machine needs, what of it is missing, and how to get it.

use anyhow::{Result, bail};

use crate::run::{Step, cargo};
use crate::{servers, tools};

/// The targets that plugins are built for: the first by our build, the second by hand.
const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

/// One thing that is needed.
struct Need {
    name: String,
    there: bool,
    install: String,
}

pub(crate) fn report() -> Result<()> {
    let mut needs = vec![
        Need {
            name: "a C compiler (for SQLite)".to_owned(),
            there: Step::other("cc").args(["--version"]).output().is_some(),
            install: "apt-get install gcc libc6-dev".to_owned(),
        },
        Need {
            name: "rustfmt".to_owned(),
            there: cargo(["fmt", "--version"]).output().is_some(),
            install: "rustup component add rustfmt".to_owned(),
        },
        Need {
            name: "clippy".to_owned(),
            there: cargo(["clippy", "--version"]).output().is_some(),
            install: "rustup component add clippy".to_owned(),
        },
    ];
    let missing = missing_targets();
    needs.extend(TARGETS.map(|target| Need {
        name: format!("the target {target}"),
        there: !missing.contains(&target),
        install: format!("rustup target add {target}"),
    }));
    needs.extend(servers::DATABASES.iter().chain([&servers::REDIS]).map(|kind| Need {
        name: format!("{} (for the tests)", kind.name),
        there: kind.is_there(),
        install: format!("apt-get install {}", kind.package),
    }));
    needs.extend(tools::needs().map(|(name, missing)| Need {
        name,
        there: missing.is_none(),
        install: missing.unwrap_or_default().to_owned(),
    }));
    for Need { name, there, install } in &needs {
        match there {
            true => println!("ok       {name}"),
            false => println!("missing  {name}; install it with `{install}`"),
        }
    }
    match needs.iter().filter(|need| !need.there).count() {
        0 => Ok(()),
        missing => bail!("{missing} of {} things are missing", needs.len()),
    }
}

/// Installs the wasm targets that are missing.
pub(crate) fn wasm_targets() -> Result<()> {
    let missing = missing_targets();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing the targets {}", missing.join(", "));
    let added = Step::other("rustup").args(["target", "add"]).args(missing.iter().copied()).status();
    match added {
        Ok(true) => Ok(()),
        _ => bail!("could not install the targets; run `rustup target add {}`", missing.join(" ")),
    }
}

/// A toolchain without rustup has its targets in its sysroot.
fn missing_targets() -> Vec<&'static str> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let sysroot = Step::other(&rustc.to_string_lossy()).args(["--print", "sysroot"]).output();
    let sysroot = sysroot.unwrap_or_default();
    let libraries = std::path::Path::new(sysroot.trim()).join("lib/rustlib");
    TARGETS.into_iter().filter(|target| !libraries.join(target).join("lib").is_dir()).collect()
}
