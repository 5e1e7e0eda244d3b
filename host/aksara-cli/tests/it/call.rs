//! `aksara call`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::kit::{PLUGINS, Ran};

/// A call that is being put together.
struct Call {
    folder: TempDir,
    plugin: PathBuf,
    arguments: Vec<String>,
}

impl Call {
    fn new(plugin: &str, signal: &str, sender: &str, instance: Json) -> Self {
        let (folder, plugin) = (TempDir::new().unwrap(), PLUGINS.path(plugin));
        let call = Call {
            folder,
            plugin,
            arguments: vec!["--signal".into(), signal.into(), "--sender".into(), sender.into()],
        };
        call.file("--instance", instance)
    }

    /// A save of a post by the plugin that does what plugins should not.
    fn awkward(instance: Json) -> Self {
        Call::new("awkward", "pre_save", "Post", instance)
    }

    fn file(mut self, flag: &str, json: Json) -> Self {
        let path = self.folder.path().join(format!("{}.json", flag.trim_start_matches('-')));
        fs::write(&path, json.to_string()).unwrap();
        self.arguments.extend([flag.to_owned(), path.display().to_string()]);
        self
    }

    fn with<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    fn run(self) -> Ran {
        Ran::new("call").arg(&self.plugin).args(&self.arguments).run()
    }

    /// Runs it with `--json`, and checks exit code, outcome and patch.
    fn check(self, code: i32, outcome: &str, patch: Json) -> Json {
        let ran = self.with(["--json"]).run();
        let json = ran.json();
        assert_eq!(
            (ran.code, &json["outcome"], &json["patch"]),
            (code, &json!(outcome), &patch),
            "{json} {}",
            ran.stderr
        );
        json
    }
}

#[test]
fn a_patch_is_shown_as_a_diff() {
    let ran =
        Call::new("slugify", "pre_save", "Post", json!({ "title": "Hello, World!", "slug": "", "views": 1 }))
            .run();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (last, lines) = ran.stdout.trim_end().rsplit_once('\n').map(|(lines, last)| (last, lines)).unwrap();
    insta::assert_snapshot!(lines, @r#"
    - slug: ""
    + slug: "hello-world"
      title: "Hello, World!"
      views: 1
    "#);
    assert!(last.starts_with("1 of the plugin's handlers in "), "{last}");
}

#[test]
fn a_report_counts_time_and_memory() {
    let json = Call::new("slugify", "pre_save", "Post", json!({ "title": "A", "slug": "" })).check(
        0,
        "patch",
        json!({ "slug": "a" }),
    );
    assert!(
        json["duration_us"].as_u64().unwrap() > 0 && json["memory_bytes"].as_u64().unwrap() >= 65_536,
        "{json}"
    );
    assert_eq!((&json["message"], &json["calls"]), (&Json::Null, &json!(1)));
    Call::new("slugify", "pre_save", "Post", json!({ "title": "A", "slug": "b" })).check(
        0,
        "unchanged",
        json!({}),
    );
}

#[test]
fn handlers_run_in_order_and_see_what_earlier_ones_changed() {
    let created = Call::awkward(json!({ "title": "hi" })).with(["--created"]);
    let json = created.check(0, "patch", json!({ "title": "HI!" }));
    assert_eq!(json["calls"], 2);
}

#[test]
fn conditions_hold_as_in_a_host() {
    let post = || json!({ "title": "HI", "views": 2 });
    let popular = json!({ "popular": true });
    Call::awkward(post()).check(0, "patch", popular.clone());
    Call::awkward(post()).file("--loaded", json!({ "title": "", "views": 2 })).check(
        0,
        "unchanged",
        json!({}),
    );
    Call::awkward(post()).file("--loaded", json!({ "title": "", "views": 1 })).check(0, "patch", popular);
    let json = Call::awkward(post()).with(["--created"]).check(0, "patch", json!({ "title": "HI!" }));
    assert_eq!(json["calls"], 2);
}

#[test]
fn update_fields_are_those_of_the_save_and_what_handlers_add() {
    let named = Call::awkward(json!({ "title": "HI" })).with(["--created", "--update-fields", "slug,views"]);
    let json = named.check(0, "patch", json!({ "title": "HI!" }));
    assert_eq!(json["update_fields"], json!(["title"]));
}

#[test]
fn changes_are_told_after_the_save() {
    let post = json!({ "title": "HI", "views": 2 });
    let saved = Call::new("awkward", "post_save", "Post", post)
        .file("--loaded", json!({ "title": "HI", "views": 1 }));
    let json = saved.check(1, "rejected", json!({}));
    assert_eq!(json["message"], r#"changed ["views"], views were Some(Int(1))"#);
}

#[test]
fn a_handler_that_refuses_exits_with_1() {
    let message = |title: &str| {
        Call::awkward(json!({ "title": title })).check(1, "rejected", json!({}))["message"].clone()
    };
    assert_eq!(message("rejected"), "not this title");
    assert_eq!(message("invalid"), "`slug` is worse; `title` is bad");
}

#[test]
fn a_fault_exits_with_2_and_says_whose_it_is() {
    let check = |title: &str, expected: &str| {
        let json = Call::awkward(json!({ "title": title })).check(2, "fault", json!({}));
        let message = json["message"].as_str().unwrap();
        assert!(message.starts_with("plugin `awkward` 1.2.3 (revision "), "{message}");
        assert!(message.contains("handler `shout` for pre_save of `Post`"), "{message}");
        assert!(message.contains(expected), "{message}");
    };
    check("failed", "failed: invalid digit found in string");
    check("panic", "trapped");
    check("forever", "ran longer than 100 ms");
    check("rogue", "set `Post.slug`, which is not in its `writes`");
}

#[test]
fn what_a_plugin_logs_goes_to_standard_error() {
    let ran = Call::awkward(json!({ "title": "panic" })).run();
    assert!(ran.stderr.contains("on purpose"), "{}", ran.stderr);
    let ran = Call::awkward(json!({ "title": "hi" })).with(["--created", "--json"]).run();
    assert!(ran.stderr.contains("saw a title"), "{}", ran.stderr);
    assert_eq!(ran.json()["outcome"], "patch");
}

#[test]
fn models_answer_from_a_file_or_from_nothing() {
    let flight = || json!({ "tailnum": "N1", "origin": "JFK", "dest": "LAX", "plane_id": null, "origin_id": null, "dest_id": null });
    let call = || Call::new("plane-check", "pre_save", "Flight", flight());
    call().check(0, "unchanged", json!({}));
    let rows = json!({ "Plane(tailnum)": [{ "tailnum": "N1" }], "Airport(faa)": [{ "faa": "JFK" }] });
    call().file("--models", rows).check(0, "patch", json!({ "plane_id": "N1", "origin_id": "JFK" }));
}

#[test]
fn times_are_written_with_their_tag() {
    let post = json!({ "created_at": { "$timestamp": "2026-03-01T12:00:00Z" }, "updated_at": { "$timestamp": "2026-03-01T12:00:00Z" } });
    let json = Call::new("timestamps", "pre_save", "Post", post).with(["--json"]).run().json();
    let updated = json["patch"]["updated_at"]["$timestamp"].as_str().unwrap();
    assert!(updated > "2026-03-01T12:00:00Z" && json["patch"]["created_at"].is_null(), "{json}");
}

#[test]
fn an_event_that_no_handler_is_for_changes_nothing() {
    let ran = Call::new("slugify", "pre_delete", "Post", json!({})).run();
    assert_eq!(ran.code, 0);
    assert!(ran.stderr.contains("has no handler for this event"), "{}", ran.stderr);
}

#[test]
fn wrong_usage_exits_with_3() {
    assert_eq!(Ran::new("call").run().code, 3);
    assert_eq!(Ran::new("no-such-command").run().code, 3);
    assert_eq!(Ran::new("--version").run().code, 0);
    let ran = Call::new("slugify", "pre_save", "Post", json!(["no", "object"])).run();
    assert_eq!(
        (ran.code, ran.stderr.contains("instance.json` holds no JSON object")),
        (3, true),
        "{}",
        ran.stderr
    );
    let ran = Call::new("slugify", "pre_save", "Post", json!({ "at": { "$timestamp": "noon" } })).run();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
}
