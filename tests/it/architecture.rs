//! The direction of dependencies that `ARCHITECTURE.md` states.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of the workspace may depend on, of the crates that a border is drawn between.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("aksara-wire", &["rmp", "rmp-serde", "serde"]),
    ("aksara-macros", &["proc-macro2", "quote", "syn"]),
    ("aksara", &["aksara-macros", "aksara-plugins", "aksara-wire"]),
    ("aksara-plugins", &["aksara-wire"]),
    ("aksara-cli", &["aksara-plugins", "aksara-wire"]),
    ("aksara-guest", &["aksara-guest-macros", "aksara-wire", "serde", "wit-bindgen"]),
    ("aksara-guest-macros", &["proc-macro2", "quote", "syn"]),
    ("flights", &["aksara"]),
    ("blog", &["aksara"]),
    ("xtask", &["anyhow", "tempfile"]),
];

/// Crates whose every dependency is listed above, ours or not.
const CLOSED: [&str; 5] = ["aksara-wire", "aksara-macros", "aksara-guest", "aksara-guest-macros", "xtask"];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = aksara_tests::workspace().join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let normal = |package: &cargo_metadata::Package| {
        let normal =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        normal.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), normal(package))).collect()
}

#[test]
fn dependencies_run_one_way() {
    let all = dependencies();
    let ours: BTreeSet<&str> = all.keys().map(String::as_str).collect();
    for (name, allowed) in ALLOWED {
        let bordered = |dependency: &&String| ours.contains(dependency.as_str()) || CLOSED.contains(&name);
        for dependency in all[name].iter().filter(bordered) {
            assert!(allowed.contains(&dependency.as_str()), "`{name}` must not depend on `{dependency}`");
        }
    }
}

#[test]
fn the_orm_never_names_wasmtime_and_the_host_never_names_sql() {
    let all = dependencies();
    for name in ["wasmtime", "wasmtime-wasi"] {
        assert!(!all["aksara"].contains(name));
    }
    for name in ["sqlx", "sea-query", "sea-query-sqlx", "aksara"] {
        assert!(!all["aksara-plugins"].contains(name));
    }
}

#[test]
fn nothing_imports_examples_tests_or_plugins() {
    let all = dependencies();
    let manifest = aksara_tests::workspace().join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let leaves = metadata.packages.iter().filter(|package| {
        let folder = package.manifest_path.as_str();
        ["/examples/", "/tests/", "/plugins/", "/xtask/"].iter().any(|part| folder.contains(part))
    });
    for leaf in leaves {
        let importers = all.iter().filter(|(_, dependencies)| dependencies.contains(leaf.name.as_str()));
        let importers: Vec<_> = importers.map(|(name, _)| name).collect();
        assert!(importers.is_empty(), "`{}` is imported by {importers:?}", leaf.name);
    }
}
