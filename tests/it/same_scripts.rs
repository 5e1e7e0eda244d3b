//! A plain script means in a plugin what it means in Node: a table of small scripts, run by both.

use std::process::Command;

use aksara::prelude::*;
use aksara::{Limits, PluginsOptions, open_plugins};
use aksara_tests::{TestDb, javascript_runner, workspace};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Outcome {
    #[field(primary_key)]
    id: i64,
    outcome: String,
}

/// What a script leaves as `result` is written into the row that is saved, as JSON; or the name of its error.
const HANDLER: &str = "
preSave('Outcome', async ({ instance }) => {
    try { instance.outcome = String(JSON.stringify(await globalThis.result)); } catch (error) { instance.outcome = error.name; }
});";

/// Title, text and outcome of each script, as Node has it; `None` where there is no Node.
fn in_node() -> Option<Vec<(String, String, String)>> {
    let output = Command::new("node").arg(workspace().join("tests/scripts/node.mjs")).output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(serde_json::from_slice(&output.stdout).unwrap())
        }
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "`node` cannot be run: {error}");
            eprintln!("NOT TESTED: scripts as in Node: `node` cannot be run: {error}");
            None
        }
    }
}

#[tokio::test]
async fn scripts_mean_what_they_mean_in_node() {
    let (Some(javascript), Some(scripts)) = (javascript_runner(), in_node()) else { return };
    assert!(scripts.len() >= 200, "{}", scripts.len());
    let folder = TempDir::new().unwrap();
    let limits = Limits { deadline_ms: 1_000, ..Limits::default() };
    let options = PluginsOptions { limits, javascript: Some(javascript), ..PluginsOptions::default() };
    let plugins = open_plugins(folder.path(), options).await.unwrap();
    let alias = Uuid::now_v7().to_string();
    let test = TestDb::opened::<(Outcome,)>(|options| options.plugins(&plugins).alias(alias)).await;
    let mut different = Vec::new();
    for (title, text, outcome) in scripts {
        std::fs::write(folder.path().join("same.js"), format!("{text}{HANDLER}")).unwrap();
        plugins.rescan().await;
        let failure = plugins.status()[0].failure.as_ref().map(ToString::to_string);
        let found = match (failure, Outcome::objects(&test.db).create(Outcome::default()).await) {
            (Some(failure), _) => failure,
            (None, Ok(saved)) => saved.outcome.clone(),
            (None, Err(error)) => error.to_string(),
        };
        if found != outcome {
            different.push(format!("{title}: {outcome} in Node, in the plugin {found}:\n{text}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}
