//! What a policy takes away is gone at once.

use std::sync::Arc;

use aksara::prelude::*;
use aksara::{Error, Profile};
use aksara_tests::TestDb;
use uuid::Uuid;

use super::{ALL, Folder, GRANTS, Ledger, Other, named, refused, replace, save};

/// The profile, a policy, the one after it, and what is said by the next save in a transaction under way, and outside of it.
type Case = (Profile, String, String, Said, Said);
type Said = Result<&'static str, &'static str>;

fn cases(folder: &Folder) -> Vec<Case> {
    let (approved, fields) = (folder.approved(""), "fields = { Ledger = { reads = [\"id\", \"seen\"] } }\n");
    let no_grant = approved.replace(GRANTS, "");
    let one_heard = approved.replace("    { signal = \"pre_save\", sender = \"Other\" },\n", "");
    let no_digest = approved.replace(&folder.digest, &"0".repeat(64));
    let stopped = "`plugins.toml` does not allow any more what it was loaded with";
    vec![
        (
            Profile::Production,
            approved.clone(),
            no_grant,
            Err(stopped),
            Err("does not serve: it asks for `get`"),
        ),
        (
            Profile::Production,
            approved.clone(),
            one_heard,
            Err(stopped),
            Err("does not serve: it asks for hearing"),
        ),
        (
            Profile::Production,
            approved.clone(),
            no_digest,
            Err(stopped),
            Err("does not serve: its SHA-256 is"),
        ),
        // That is how a plugin is removed.
        (Profile::Production, approved.clone(), "end = true\n".into(), Err(stopped), Ok("")),
        (
            Profile::Production,
            approved.clone(),
            folder.approved(fields),
            Ok("id,seen id,seen"),
            Ok("id,seen id,seen"),
        ),
        (
            Profile::Development,
            String::new(),
            "[plugins.ledger]\ngrants = {}\n".into(),
            Err(stopped),
            Err("does not serve: it asks for `get`"),
        ),
        (
            Profile::Development,
            String::new(),
            "profile = \"production\"\nend = true\n".into(),
            Err(stopped),
            Ok(""),
        ),
        (
            Profile::Development,
            String::new(),
            format!("[plugins.ledger]\n{fields}"),
            Ok("id,seen id,seen"),
            Ok("id,seen id,seen"),
        ),
    ]
}

/// The set of plugins that a transaction began with is allowed no more than the policy says now.
#[tokio::test]
async fn what_is_taken_away_is_gone_at_once_in_transactions_under_way() {
    let Some(folder) = Folder::new("").await else { return };
    for (number, (profile, before, after, inside, outside)) in cases(&folder).into_iter().enumerate() {
        folder.policy(&before);
        let (plugins, test) = folder.serving(profile).await;
        save(&test.db).await.unwrap();
        let folder = &folder;
        let kept = plugins.clone();
        let saved = test.db.transaction(async |tx| -> Result<String, Error> {
            assert_eq!(save(&tx).await.unwrap(), format!("{ALL} {ALL}"), "{number}");
            folder.policy(&after);
            kept.rescan().await;
            save(&tx).await
        });
        let saved = saved.await;
        let check = |saved: Result<String, Error>, expected: Result<&str, &str>| match expected {
            Ok(expected) => assert_eq!(saved.unwrap(), expected, "{number}"),
            Err(expected) => refused(saved, expected),
        };
        check(saved, inside);
        check(save(&test.db).await, outside);
        // What is given back is there again.
        if profile == Profile::Production {
            folder.policy(&before);
            plugins.rescan().await;
            assert_eq!(save(&test.db).await.unwrap(), format!("{ALL} {ALL}"), "{number}");
        }
    }
}

/// A call that is under way is answered nothing more.
#[tokio::test]
async fn what_is_taken_away_is_gone_within_a_call() {
    let Some(folder) = Folder::new("").await else { return };
    folder.plugin(
        r#"
        plugin({ grants: { models: { Ledger: ["get"] }, services: ["policy.change"] } });
        preSave("Ledger", ({ instance }) => {
          if (instance.name === "change") service("policy.change", {});
          try { models("Ledger").get(1); } catch (error) { }
          instance.seen = "served";
        });
        "#,
    );
    let plugins = folder.open(Profile::Development).await.unwrap();
    let policy = Arc::new(folder.path());
    let (alias, kept) = (Uuid::now_v7().to_string(), plugins.clone());
    let test = TestDb::opened::<(Ledger, Other)>(|options| {
        let change = move |_: Db, _: serde_json::Value| {
            let (kept, policy) = (kept.clone(), policy.clone());
            async move {
                replace(&policy, b"[plugins.ledger]\ngrants = { services = [\"policy.change\"] }\n");
                kept.rescan().await;
                Ok::<_, aksara::BoxError>(serde_json::Value::Null)
            }
        };
        options.plugins(&plugins).alias(alias).service("policy.change", change)
    })
    .await;
    assert_eq!(save(&test.db).await.unwrap(), "served");
    refused(named(&test.db, "change").await, "was stopped: `plugins.toml` does not allow any more");
}
