//! `aksara allow`.

use std::fs;

use tempfile::TempDir;

use crate::kit::{PLUGINS, Ran};

#[test]
fn a_plugin_is_approved_as_it_is_and_the_rest_of_the_policy_stays() {
    let root = TempDir::new().unwrap();
    let (folder, policy) = (root.path().join("plugins"), root.path().join("plugins.toml"));
    fs::create_dir(&folder).unwrap();
    let plugin = folder.join("plane-check.wasm");
    fs::copy(PLUGINS.path("plane-check"), &plugin).unwrap();
    fs::write(
        &policy,
        "profile = \"production\" # for all\n\n[plugins.plane-check]\nlimits = { deadline_ms = 20 }\nend = true\n",
    )
    .unwrap();

    let refused = Ran::new("signals").arg(&folder).run();
    assert_eq!((refused.code, refused.stderr.contains("`aksara allow`")), (2, true), "{}", refused.stderr);

    let shown = Ran::new("allow").arg(&plugin).arg("--dry-run").run();
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("`get` on the model `Airport` (new)"), "{}", shown.stdout);
    assert!(shown.stdout.contains("hearing `pre_save` of `Flight`, seeing `"), "{}", shown.stdout);
    assert!(!fs::read_to_string(&policy).unwrap().contains("sha256"));

    let allowed = Ran::new("allow").arg(&plugin).run();
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
    let text = fs::read_to_string(&policy).unwrap();
    let is_its_own = |line: &&str| line.starts_with("sha256") || line.starts_with("    ");
    let text: Vec<&str> = text.lines().filter(|line| !is_its_own(line)).collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
    profile = "production" # for all

    [plugins.plane-check]
    limits = { deadline_ms = 20 }
    subscriptions = [
    ]
    grants = { models = { Airport = ["get"], Plane = ["get"] } }
    end = true
    "#);

    let served = Ran::new("signals").arg(&folder).run();
    assert_eq!((served.code, served.stdout.contains("plane-check/link")), (0, true), "{}", served.stderr);
    let again = Ran::new("allow").arg(&plugin).run();
    assert!(!again.stdout.contains("(new)"), "{}", again.stdout);
    assert_eq!(fs::read_to_string(&policy).unwrap().matches("end = true").count(), 1);
}

#[test]
fn what_no_host_takes_is_not_approved() {
    let root = TempDir::new().unwrap();
    let plugin = root.path().join("empty.wasm");
    fs::write(&plugin, b"\0asm\x0d\0\x01\0").unwrap();
    let policy = root.path().join("policy.toml");
    let ran = Ran::new("allow").arg(&plugin).arg("--policy").arg(&policy).run();
    assert_eq!((ran.code, policy.exists()), (2, false), "{}", ran.stderr);
}
