//! `aksara signals`.

use std::fs;

use tempfile::TempDir;

use crate::kit::{PLUGINS, Ran};

/// A plugins folder with these, and room for `plugins.toml` beside it.
fn folder(names: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    for name in names {
        fs::copy(PLUGINS.path(name), plugins.join(format!("{name}.wasm"))).unwrap();
    }
    folder
}

/// The lines, without what differs from build to build.
fn lines(ran: &Ran) -> String {
    let line = |line: &str| line.split_once("  (plugin").map_or(line, |(line, _)| line).to_owned();
    ran.stdout.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn handlers_are_listed_in_the_order_in_which_they_run() {
    let folder = folder(&["slugify", "timestamps", "flight-delay", "awkward"]);
    let ran = Ran::new("signals").arg(folder.path().join("plugins")).run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    insta::assert_snapshot!(lines(&ran), @"
    pre_save         Post               10  slugify/generate_slug
    pre_save         Post                1  awkward/shout
    pre_save         Post                0  awkward/after_shouting
    pre_save         Post                0  awkward/count
    pre_save         Flight              0  flight-delay/classify
    pre_save         every model         0  timestamps/stamp
    post_save        Post                0  awkward/report
    ");
    let origin = ran.stdout.lines().nth(1).unwrap().split_once("  (").unwrap().1.to_owned();
    assert!(origin.starts_with("plugin `awkward` 1.2.3 (revision "), "{origin}");

    let ran = Ran::new("signals")
        .arg(folder.path().join("plugins"))
        .arg("--sender")
        .arg("Flight")
        .arg("--json")
        .run();
    let handlers: Vec<_> =
        ran.json()["handlers"].as_array().unwrap().iter().map(|one| one["handler"].clone()).collect();
    assert_eq!(handlers, ["flight-delay/classify", "timestamps/stamp"]);
}

#[test]
fn a_plugin_that_a_host_would_refuse_is_named() {
    let folder = folder(&["slugify"]);
    fs::write(folder.path().join("plugins.toml"), "profile = \"production\"\nend = true\n").unwrap();
    let ran = Ran::new("signals").arg(folder.path().join("plugins")).run();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("error: `slugify` is refused: nobody has approved of it"), "{}", ran.stderr);
    let ran = Ran::new("signals").arg("nowhere").run();
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("cannot watch the plugins folder"), "{}", ran.stderr);
}
