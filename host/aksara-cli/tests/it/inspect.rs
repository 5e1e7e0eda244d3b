//! `aksara inspect`.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use crate::kit::{PLUGINS, Ran};

#[test]
fn a_plugin_shows_what_it_does_and_what_it_asks_for() {
    let ran = Ran::new("inspect").arg(PLUGINS.path("plane-check")).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("plane-check 0.1.0 (contract 0.1.0, revision "), "{}", lines[0]);
    assert!(lines[1].contains(", compiled in "), "{}", lines[1]);
    insta::assert_snapshot!(lines[3..].join("\n"), @"
    handlers:
      link: pre_save of `Flight`; reads dest, dest_id, origin, origin_id, plane_id, tailnum; writes dest_id, origin_id, plane_id

    imports:
      aksara:signals/log@0.1.0: always granted, so many lines per event
      aksara:signals/models@0.1.0: get on `Airport`; get on `Plane`
    ");
}

#[test]
fn what_a_plugin_does_not_use_it_does_not_import() {
    let ran = Ran::new("inspect").arg(PLUGINS.path("awkward")).arg("--json").run();
    let json = ran.json();
    assert_eq!(json["imports"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["imports"][0]["name"], "aksara:signals/log@0.1.0");
    assert_eq!((&json["name"], &json["version"]), (&json!("awkward"), &json!("1.2.3")));
    assert_eq!(json["describes_itself"], true);
    assert_eq!(json["subscriptions"][0]["writes"], json!(["title"]));
    assert_eq!(json["subscriptions"][2]["when"], json!({ "created": false, "changed": ["views"] }));
    assert!(json["size_bytes"].as_u64().unwrap() > 10_000);
    assert!(json["compile_us"].as_u64().unwrap() > 0);
}

#[test]
fn a_file_that_is_no_plugin_is_wrong_usage() {
    let folder = TempDir::new().unwrap();
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let ran = Ran::new("inspect").arg(path).run();
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    };
    check("text.wasm", b"text", "is no plugin: the file is no WebAssembly component");
    check("core.wasm", b"\0asm\x01\0\0\0", "`aksara build` makes it a component");
    let ran = Ran::new("inspect").arg("nowhere.wasm").run();
    assert_eq!((ran.code, ran.stderr.contains("`nowhere.wasm` cannot be read")), (3, true), "{}", ran.stderr);
}

#[test]
fn a_component_that_no_host_takes_is_a_fault() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("empty.wasm");
    fs::write(&path, b"\0asm\x0d\0\x01\0").unwrap();
    let ran = Ran::new("inspect").arg(path).run();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("empty.wasm` is refused: "), "{}", ran.stderr);
}
