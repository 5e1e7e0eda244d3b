//! `plugins.toml`: grants, limits and settings are the operator's.

use std::fs;
use std::path::PathBuf;

use aksara_plugins::{Allowance, LoadError, Plugins, PluginsOptions};
use aksara_wire::{Map, ModelOperation};
use tempfile::TempDir;

use crate::fixture::{Fixture, within};
use crate::models::granted;

/// A plugins folder, and the policy beside it.
struct Folder(TempDir);

impl Folder {
    /// With a plugin that asks to `get` articles.
    fn new(policy: &str) -> Self {
        let folder = Folder(TempDir::new().unwrap());
        fs::create_dir(folder.plugins()).unwrap();
        fs::write(folder.plugins().join("fixture.wasm"), asking(&[ModelOperation::Get])).unwrap();
        folder.policy(policy);
        folder
    }

    fn plugins(&self) -> PathBuf {
        self.0.path().join("plugins")
    }

    fn policy(&self, text: &str) {
        fs::write(self.0.path().join("plugins.toml"), text).unwrap();
    }

    async fn open(&self) -> Result<Plugins, LoadError> {
        within(600, Plugins::open(self.plugins(), PluginsOptions::default())).await
    }

    /// Why the plugin does not serve; nothing when it does.
    async fn refusal(&self) -> String {
        let status = self.open().await.unwrap().status();
        status[0].failure.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

fn asking(operations: &[ModelOperation]) -> Vec<u8> {
    Fixture::new().description(&granted(operations)).binary()
}

const GRANTED: &str = "[plugins.fixture.grants]\nmodels = { \"app.Article\" = [\"get\"] }\n";

#[tokio::test]
async fn in_development_a_plugin_gets_what_it_asks_for() {
    for policy in ["", "profile = \"development\"", "[plugins.other]\n", GRANTED] {
        let folder = Folder::new(policy);
        assert_eq!(folder.refusal().await, "", "{policy}");
    }
    let narrower = Folder::new("[plugins.fixture.grants]\nmodels = { \"app.Author\" = [\"get\"] }\n");
    assert_eq!(
        narrower.refusal().await,
        "it asks for `get` on the model `app.Article`, which is not granted; grant it in `plugins.toml`, or build it without"
    );
}

#[tokio::test]
async fn in_production_a_plugin_gets_what_was_approved() {
    let folder = Folder::new("profile = \"production\"\nend = true");
    let refusal = folder.refusal().await;
    assert!(refusal.starts_with("nobody has approved of it; `aksara allow` adds it to `"), "{refusal}");

    folder.policy(&format!("profile = \"production\"\n[plugins.fixture]\n{GRANTED}end = true\n"));
    let refusal = folder.refusal().await;
    assert!(refusal.contains("`plugins.fixture`: it has no `sha256`"), "{refusal}");

    let approved = |sha256: &str| {
        format!("profile = \"production\"\n[plugins.fixture]\nsha256 = \"{sha256}\"\n{GRANTED}end = true\n")
    };
    folder.policy(&approved(&"0".repeat(64)));
    let refusal = folder.refusal().await;
    assert!(refusal.starts_with("its SHA-256 is ") && refusal.contains("was approved"), "{refusal}");
    let digest = refusal.split(' ').nth(3).unwrap().trim_end_matches(',').to_owned();

    folder.policy(&approved(&digest));
    assert_eq!(
        folder.refusal().await,
        "it asks for hearing `pre_save` of `app.Article`, seeing all fields, changing all fields, which is not granted; \
         grant it in `plugins.toml`, or build it without"
    );
    let heard = |fields: &str| {
        let heard =
            format!("subscriptions = [{{ signal = \"pre_save\", sender = \"app.Article\"{fields} }}]\n");
        approved(&digest).replace("[plugins.fixture.grants]", &format!("{heard}[plugins.fixture.grants]"))
    };
    folder.policy(&heard(", reads = [\"title\"]"));
    assert!(folder.refusal().await.contains("hearing `pre_save` of `app.Article`, seeing all fields"));
    folder.policy(&heard(""));
    assert_eq!(folder.refusal().await, "");
}

/// An update that asks for more does not replace the version that runs.
#[tokio::test]
async fn an_update_that_asks_for_more_leaves_the_old_version_serving() {
    let folder = Folder::new(GRANTED);
    let plugins = folder.open().await.unwrap();
    let before = plugins.status()[0].serving.clone().unwrap();
    let more = asking(&[ModelOperation::Get, ModelOperation::Delete]);
    fs::write(folder.plugins().join("fixture.wasm"), &more).unwrap();
    within(600, plugins.rescan()).await;
    let status = plugins.status().remove(0);
    assert_eq!(status.serving.as_ref(), Some(&before));
    assert!(status.failure.unwrap().to_string().contains("`delete` on the model `app.Article`"));

    // The operator agrees, and nobody has to touch the plugin.
    let mut changes = plugins.subscribe();
    folder.policy("[plugins.fixture.grants]\nmodels = { \"app.Article\" = [\"get\", \"delete\"] }\n");
    within(600, changes.wait_for(|_| plugins.status()[0].failure.is_none())).await.unwrap();
    assert_ne!(plugins.status()[0].serving, Some(before));
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_is_refused() {
    let cases = [
        ("profile = \"staging\"", "unknown variant `staging`"),
        ("[plugins.fixture]\ngrant = {}", "unknown field `grant`"),
        ("[plugins.fixture]\nreuse = { times = 1 }", "unknown field `times`"),
        ("[plugins.fixture.grants]\nfiles = []", "unknown field `files`"),
        ("[plugins.fixture.grants]\nmodels = { Post = [\"drop\"] }", "unknown variant `drop`"),
        ("plugins = 7", "invalid type"),
        (
            "[plugins.fixture]\nlimits = { memory = 1 }",
            "line 2: `plugins.fixture`: limits: unknown field `memory`",
        ),
    ];
    for (policy, expected) in cases {
        let error = Folder::new(policy).open().await.unwrap_err().to_string();
        assert!(
            error.contains("plugins.toml` cannot be used") && error.contains(expected),
            "{policy}: {error}"
        );
    }
    // What concerns one plugin hinders no other.
    let cases = [
        (
            "[plugins.fixture]\nsecrets = { key = { env = \"AKSARA_NOT_SET\" } }",
            "`AKSARA_NOT_SET`, which is not set",
        ),
        (
            "[plugins.fixture]\nsecrets = { key = { file = \"/nowhere/key\" } }",
            "`/nowhere/key`, which cannot be read",
        ),
    ];
    for (policy, expected) in cases {
        let refusal = Folder::new(policy).refusal().await;
        assert!(refusal.contains("`plugins.fixture`") && refusal.contains(expected), "{policy}: {refusal}");
    }
}

#[tokio::test]
async fn limits_and_fields_are_the_operators() {
    let folder = Folder::new(
        "[plugins.fixture]\nlimits = { deadline_ms = 7 }\n[plugins.fixture.fields]\n\"app.Article\" = { reads = [\"title\"], writes = [] }\n",
    );
    let plugins = folder.open().await.unwrap();
    let set = plugins.set();
    let handler = set.all().next().unwrap();
    assert_eq!(handler.revision().limits().deadline_ms, 7);
    let subscription = handler.subscription();
    assert_eq!(subscription.reads.as_ref().unwrap().iter().collect::<Vec<_>>(), ["title"]);
    assert!(subscription.writes.as_ref().unwrap().is_empty());
}

#[tokio::test]
async fn an_error_about_the_policy_repeats_no_value_of_it() {
    let cases = [
        ("[plugins.fixture]\nsecrets = { key = \"hunter2\" }", "line 2: a secret is not written here"),
        ("[plugins.fixture]\nsecrets = { key = { value = \"hunter2\" } }", "a secret is not written here"),
        (
            "[plugins.fixture]\nsecrets = { key = { env = \"A\", file = \"hunter2\" } }",
            "a secret is not written here",
        ),
        ("[plugins.fixture]\nsecrets = \"hunter2\"", "invalid type"),
        ("[plugins]\nfixture = \"hunter2\"", "invalid type"),
        ("[plugins.fixture.settings]\nkey = \"hunter2\" x", "line 2: "),
        ("[plugins.fixture.settings]\nkey = hunter2", "line 2: "),
        ("[plugins.fixture.settings]\nkey = \"hunter2", "line 2: "),
    ];
    for (policy, expected) in cases {
        let error = Folder::new(policy).open().await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected) && !shown.contains("hunter2"), "{policy}: {shown}");
    }
}

#[test]
fn what_a_plugin_is_allowed_shows_no_setting() {
    let settings = Map::from([("api_key".to_owned(), "hunter2".into())]);
    let allowance = Allowance { settings, ..Allowance::default() };
    let shown = format!("{allowance:?}");
    assert!(shown.contains("api_key") && !shown.contains("hunter2"), "{shown}");
}
