//! Words of a policy that mean nothing.

use aksara::Profile;

use super::{Folder, policy_status};

#[tokio::test]
async fn what_a_policy_cannot_mean_is_an_error_with_its_line_and_what_may_be_meant() {
    let Some(folder) = Folder::new("").await else { return };
    let cases = [
        ("profil = \"production\"", "line 1: unknown field `profil`", "did you mean `profile`?"),
        ("profile = \"prodction\"", "line 1: unknown variant `prodction`", "did you mean `production`?"),
        ("[plugins.ledger]\nrequird = true", "line 2: unknown field `requird`", "did you mean `required`?"),
        (
            "[plugins.ledger]\ngrants = { model = {} }",
            "line 2: unknown field `model`",
            "did you mean `models`?",
        ),
        (
            "[plugins.ledger]\n\ngrants.http = [\"a.example\"]",
            "line 3: ",
            "`a.example` has no port; write `a.example:443`",
        ),
        ("[plugins.ledger]\ngrants.http = [\"a.example:0\"]", "line 2: ", "is not a host with a port"),
        (
            "[plugins.ledger]\ngrants.http = [\"https://a.example:443\"]",
            "line 2: ",
            "is not a host with a port",
        ),
        ("[plugins.ledger]\ngrants.http = [\"::1\"]", "line 2: ", "is not a host with a port"),
        ("[plugins.ledger]\ngrants.http = [\"A.example:1\"]", "line 2: ", "has capital letters"),
        (
            "[plugins.ledger.limits]\n\ndeadline = 5",
            "line 3: `plugins.ledger`: limits: unknown field `deadline`",
            "did you mean `deadline_ms`?",
        ),
        (
            "[plugins.ledger.limits]\nmemory_bytes_max = 1073741824",
            "line 2: ",
            "`memory_bytes_max` can be 268435456 at most",
        ),
        ("[plugins.ledger.limits]\ninstances_max = 65", "line 2: ", "`instances_max` can be 64 at most"),
        (
            "[plugins.ledger.limits]\nwait_ms = 9223372036854775807",
            "line 2: ",
            "`wait_ms` can be 86400000 at most",
        ),
        ("[plugins.ledger.limits]\nrows_max = -1", "line 2: ", "limits: "),
        (
            "[plugins.ledger]\nquarantine = { the = \"skip\" }",
            "line 2: unknown field `the`",
            "did you mean `then`?",
        ),
        (
            "[plugins.ledger]\nsubscriptions = [{ signal = \"a\", read = [] }]",
            "line 2: unknown field `read`",
            "did you mean `reads`?",
        ),
    ];
    for (policy, line, meant) in cases {
        folder.policy(policy);
        let error = folder.open(Profile::Development).await.unwrap_err().to_string();
        assert!(error.contains(line) && error.contains(meant), "{policy}: {error}");
    }
    folder.policy("[plugins.ledger]\ngrants.http = [\"a.example:443\", \"[::1]:80\", \"10.0.0.1:8080\"]\ngrants.models = { Ledger = [\"get\"] }");
    assert_eq!(folder.open(Profile::Development).await.unwrap().status()[0].failure, None);
}

/// A rule about what does not exist restricts nothing.
#[tokio::test]
async fn names_that_mean_nothing_are_told_and_are_errors_of_rules_in_production() {
    let Some(folder) = Folder::new("").await else { return };
    let fields = |fields: &str| format!("fields = {fields}\n");
    let heard = |heard: &str| {
        folder.approved("").replace(
            "    { signal = \"pre_save\", sender = \"Other\" },\n",
            &format!("    {heard},\n    {{ signal = \"pre_save\", sender = \"Other\" }},\n"),
        )
    };
    let cases = [
        (
            folder.approved(&fields("{ Ledgr = { reads = [] } }")),
            "line 3: `plugins.ledger`: `fields` names the model `Ledgr`, which does not exist; did you mean `Ledger`?",
        ),
        (
            folder.approved(&fields("{ Ledger = { writes = [\"secrt\"] } }")),
            "`fields` names the field `Ledger.secrt`, which does not exist; did you mean `secret`?",
        ),
        (
            heard("{ signal = \"pre_save\", sender = \"Legder\" }"),
            "line 5: `plugins.ledger`: `subscriptions` names the model `Legder`, which does not exist; did you mean `Ledger`?",
        ),
        (
            heard("{ signal = \"pre_save\", sender = \"Ledger\", reads = [\"nam\"] }"),
            "`subscriptions` names the field `Ledger.nam`, which does not exist; did you mean `name`?",
        ),
    ];
    for (policy, expected) in cases {
        folder.policy(&policy);
        let error = folder.open(Profile::Production).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{policy}: {error}");
        let plugins = folder.open(Profile::Development).await.unwrap();
        let warnings = policy_status(&plugins).unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(expected), "{policy}: {warnings:?}");
    }
    folder.policy("[plugins.ledgr]\n[plugins.ledger]\ngrants = { models = { Ledger = [\"get\"], Ledgers = [\"get\"] } }\n");
    let plugins = folder.open(Profile::Development).await.unwrap();
    let warnings = policy_status(&plugins).unwrap().warnings;
    let expected = [
        "`grants` names the model `Ledgers`, which does not exist; did you mean `Ledger`?",
        "`plugins.ledgr` is about a plugin that has no file in the folder; did you mean `ledger`?",
    ];
    for expected in expected {
        assert!(warnings.iter().any(|warning| warning.contains(expected)), "{warnings:?}");
    }
    folder.policy(&format!("[plugins.ledgr]\n{}", folder.approved("")));
    let plugins = folder.open(Profile::Production).await.unwrap();
    let status = plugins.status().into_iter().find(|status| status.name == "ledgr").unwrap();
    assert!(
        status.failure.unwrap().to_string().contains("its file is not in the folder; did you mean `ledger`?")
    );
}
