//! `aksara build`.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::kit::{PLUGINS, Ran, root, target, write_crate};

const SMALL: &str = r#"
use aksara_guest::prelude::*;

#[pre_save("Post")]
fn keep(_: &Map) {}

plugin!(keep);
"#;

#[test]
fn a_crate_becomes_a_component_that_describes_itself() {
    let bytes = fs::read(PLUGINS.path("slugify")).unwrap();
    let description = aksara_plugins::inspect(&bytes).unwrap().description.unwrap();
    assert_eq!(description.name, "slugify");
    assert_eq!(description.subscriptions[0].handler, "generate_slug");
}

#[test]
fn a_component_is_built_again_without_a_second_description() {
    let folder = TempDir::new().unwrap();
    let ran = Ran::new("build").arg(PLUGINS.path("slugify")).arg("-o").arg(folder.path()).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        fs::read(folder.path().join("slugify.wasm")).unwrap(),
        fs::read(PLUGINS.path("slugify")).unwrap()
    );
}

#[test]
fn what_cargo_builds_for_wasip2_is_a_plugin_too() {
    let manifest = root().join("plugins/plane-check/Cargo.toml");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--profile", "guest", "--target", "wasm32-wasip2", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", target())
        .status()
        .unwrap();
    assert!(status.success());
    let component = target().join("wasm32-wasip2/guest/plane_check.wasm");
    let folder = TempDir::new().unwrap();
    let file = |name: &str, json: &str| {
        let path = folder.path().join(name);
        fs::write(&path, json).unwrap();
        path
    };
    let ran = Ran::new("call")
        .arg(component)
        .args(["--signal", "pre_save", "--sender", "Flight", "--json", "--instance"])
        .arg(file("flight.json", r#"{"tailnum": "N1", "plane_id": null}"#))
        .arg("--models")
        .arg(file("models.json", r#"{"Plane(tailnum)": [{"tailnum": "N1"}]}"#))
        .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["patch"]["plane_id"], "N1");
}

#[test]
fn one_plugin_can_be_given_a_file() {
    let folder = TempDir::new().unwrap();
    write_crate(&folder.path().join("small"), "small", SMALL);
    let output = folder.path().join("other.wasm");
    let ran = Ran::new("build").arg(folder.path().join("small")).arg("-o").arg(&output).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(output.is_file());
    assert!(ran.stdout.starts_with("small 1.2.3: 1 handler, "), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("a host loads this plugin only from a file with its name, `small.wasm`"),
        "{}",
        ran.stderr
    );
    let ran = Ran::new("build").args([&output, &output]).arg("-o").arg(&output).run();
    assert_eq!(
        (ran.code, ran.stderr.contains("2 plugins do not fit in one file")),
        (3, true),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_is_no_plugin_is_refused_with_what_to_do() {
    let folder = TempDir::new().unwrap();
    let check = |source: &str, expected: &str| {
        let ran = Ran::new("build").arg(folder.path().join(source)).arg("-o").arg(folder.path()).run();
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    };
    check("nowhere", "is no plugin: it is neither a file nor a folder with a `Cargo.toml`");
    fs::write(folder.path().join("text.wasm"), "text").unwrap();
    check("text.wasm", "it is no WebAssembly file");
    write_crate(&folder.path().join("library"), "library", "");
    let manifest = folder.path().join("library/Cargo.toml");
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap().replace("\"cdylib\", ", "")).unwrap();
    check("library", "add `crate-type = [\"cdylib\", \"rlib\"]` under `[lib]`");
    write_crate(&folder.path().join("broken"), "broken", "fn");
    check("broken", "cargo could not build `broken`");
}

#[test]
fn a_missing_target_is_named_with_the_command_that_installs_it() {
    let folder = TempDir::new().unwrap();
    let rustc = folder.path().join("rustc");
    fs::write(&rustc, "#!/bin/sh\necho /nowhere\n").unwrap();
    Command::new("chmod").arg("+x").arg(&rustc).status().unwrap();
    let ran = Ran::new("build").arg(root().join("plugins/slugify")).env("RUSTC", &rustc).run();
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("run `rustup target add wasm32-unknown-unknown`"), "{}", ran.stderr);
}
