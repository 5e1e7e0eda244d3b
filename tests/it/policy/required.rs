//! Nothing is done without a plugin that is required.

use std::fs;

use aksara::Profile;
use aksara::prelude::*;

use super::{ALL, Folder, Ledger, Other, SCRIPT, named, other, policy_status, refused, save};

/// What was approved to hear an operation hears it, or the operation is refused.
#[tokio::test]
async fn nothing_is_done_without_a_plugin_that_is_required() {
    let Some(folder) = Folder::new("").await else { return };
    type Way = fn(&Folder);
    let missing: Way = |folder| fs::remove_file(folder.script()).unwrap();
    let broken: Way = |folder| folder.plugin("preSave(");
    let another: Way = |folder| folder.plugin("preSave('Ledger', () => {});");
    let cases: [(Way, &str); 3] =
        [(missing, "its file is not in the folder"), (broken, "its SHA-256 is"), (another, "its SHA-256 is")];
    for (way, expected) in cases {
        folder.plugin(SCRIPT);
        folder.policy(&folder.approved(""));
        way(&folder);
        let (plugins, test) = folder.serving(Profile::Production).await;
        let status = plugins.status().remove(0);
        assert!(status.failure.is_some_and(|failure| failure.to_string().contains(expected)));
        refused(
            save(&test.db).await,
            &format!("the plugin `ledger` has to hear this, and does not serve: {expected}"),
        );
        refused(other(&test.db).await, expected);
        // Reads and deletes were not approved, and go on.
        assert_eq!(Ledger::objects(&test.db).count().await.unwrap(), 0);
        folder.plugin(SCRIPT);
        plugins.rescan().await;
        assert_eq!(save(&test.db).await.unwrap(), format!("{ALL} none"), "{:?}", plugins.status());
        // A bad file does not matter while a good one serves; one that is gone does.
        way(&folder);
        plugins.rescan().await;
        match fs::exists(folder.script()).unwrap() {
            true => assert_eq!(other(&test.db).await.unwrap(), "other"),
            false => refused(other(&test.db).await, expected),
        }
        folder.policy("end = true\n");
        plugins.rescan().await;
        assert_eq!(save(&test.db).await.unwrap(), "");
    }
    // What an operator has decided otherwise.
    for further in ["required = false\n", "required = true\n"] {
        fs::remove_file(folder.script()).unwrap();
        folder.policy(&folder.approved(further));
        let (_plugins, test) = folder.serving(Profile::Production).await;
        assert_eq!(save(&test.db).await.is_ok(), further.contains("false"));
        folder.plugin(SCRIPT);
    }
    fs::remove_file(folder.script()).unwrap();
    for (further, is_done) in [("", true), ("required = true\n", false)] {
        folder.policy(&folder.approved(further));
        let (_plugins, test) = folder.serving(Profile::Development).await;
        assert_eq!(save(&test.db).await.is_ok(), is_done, "{further}");
    }
}

/// Nothing is left to refuse after the commit, and other plugins go on.
#[tokio::test]
async fn a_required_plugin_refuses_what_it_was_approved_to_hear_and_nothing_else() {
    let Some(folder) = Folder::new("").await else { return };
    let heard = "subscriptions = [{ signal = \"after_commit\", sender = \"Ledger\" }, { signal = \"pre_save\", sender = \"Other\" }]\n";
    folder.policy(&format!("[plugins.audit]\nsha256 = \"0\"\n{heard}{}", folder.approved("")));
    let (plugins, test) = folder.serving(Profile::Production).await;
    assert_eq!(save(&test.db).await.unwrap(), format!("{ALL} none"));
    refused(other(&test.db).await, "the plugin `audit` has to hear this");
    assert!(plugins.status().iter().any(|status| status.name == "audit" && status.serving.is_none()));
    let explained = aksara::signals::explain::<Other>(&test.db);
    assert!(explained.iter().any(|one| one.handler == "audit/pre_save"), "{explained:?}");
}

#[tokio::test]
async fn operations_that_a_quarantined_plugin_hears_are_refused_unless_its_operator_says_skip() {
    let Some(folder) = Folder::new("").await else { return };
    for (further, expected) in [
        ("quarantine = { faults = 1 }\n", Err("quarantined")),
        ("quarantine = { faults = 1, then = \"skip\" }\n", Ok("")),
    ] {
        folder.policy(&folder.approved(&format!("limits = {{ deadline_ms = 200 }}\n{further}")));
        let (_plugins, test) = folder.serving(Profile::Production).await;
        refused(named(&test.db, "trap").await, "ran longer than 200 ms");
        match expected {
            Ok(seen) => assert_eq!(save(&test.db).await.unwrap(), seen),
            Err(reason) => refused(save(&test.db).await, reason),
        }
    }
}

/// In development nothing has to be approved; what it has heard is known from when it served.
#[tokio::test]
async fn a_required_plugin_without_subscriptions_is_warned_of_and_refuses_what_it_has_heard() {
    let Some(folder) = Folder::new("[plugins.ledger]\nrequired = true\n").await else { return };
    let (plugins, test) = folder.serving(Profile::Development).await;
    let warnings = policy_status(&plugins).unwrap().warnings;
    assert!(warnings[0].contains("`plugins.ledger` is required and has no `subscriptions`"), "{warnings:?}");
    assert_eq!(other(&test.db).await.unwrap(), "other");
    fs::remove_file(folder.script()).unwrap();
    plugins.rescan().await;
    refused(other(&test.db).await, "its file is not in the folder");
}
