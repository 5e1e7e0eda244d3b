//! `plugins.md`, sandbox: text from plugins is data. It is one line, steers no terminal, and has a bounded length.

use aksara::prelude::*;
use aksara::{Error, Limits, PluginsOptions, open_plugins};
use aksara_tests::{Logged, TestDb, javascript_runner, plugins_folder};
use tempfile::TempDir;

#[derive(Model, Clone, Debug)]
#[model(label = "text.Said")]
struct Said {
    #[field(primary_key)]
    id: i64,
    how: String,
}

const SCRIPT: &str = r#"
const bad = "first\nsecond\r\u001b[31mred\u202eturned\u2028third";
const long = "x".repeat(100_000) + "end";
const ways = {
  reject: () => reject(bad),
  "reject at length": () => reject(long),
  invalid: () => invalid(bad, bad),
  "invalid at length": () => invalid(long, long),
  throw: () => { throw new Error(bad); },
  "throw at length": () => { throw new Error(long); },
  patch: (it) => { it[bad] = 1; },
  "patch at length": (it) => { it[long] = 1; },
  log: () => log.warn(bad, { [bad]: bad }),
  "log at length": () => log.warn("x".repeat(20_000) + "end", { key: "y".repeat(20_000) + "end" }),
  "log for ever": () => { for (let i = 0; i < 40; i++) log.warn("z".repeat(60_000)); },
  print: () => console.log(bad),
};
preSave("text.Said", ({ instance }) => ways[instance.how](instance));
"#;

fn is_one_plain_line(text: &str) -> bool {
    !text.contains(|letter: char| letter.is_control() || matches!(letter, '\u{202e}' | '\u{2028}'))
}

#[tokio::test]
async fn what_a_plugin_says_is_one_bounded_line_in_errors_and_in_the_log() {
    let Some(runner) = javascript_runner() else { return };
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("talks.js"), SCRIPT).unwrap();
    let limits = Limits { deadline_ms: 5_000, ..Limits::default() };
    let options = PluginsOptions { limits, javascript: Some(runner), ..PluginsOptions::default() };
    let plugins = open_plugins(folder.path(), options).await.unwrap();
    assert_eq!(plugins.status()[0].failure, None);
    let test = TestDb::opened::<(Said,)>(|options| options.plugins(&plugins)).await;
    let save =
        async |how: &str| Said::objects(&test.db).create(Said { how: how.into(), ..Said::default() }).await;
    for how in ["reject", "invalid", "throw", "patch"] {
        let error = save(how).await.unwrap_err();
        let text = error.to_string();
        assert!(is_one_plain_line(&text), "{how}: {text:?}");
        assert!(text.contains(r"first\nsecond\r\u{1b}[31mred\u{202e}turned"), "{how}: {text}");
        let text = save(&format!("{how} at length")).await.unwrap_err().to_string();
        assert!(text.len() < 5_000, "{how}: {}", text.len());
        if let Error::Validation(errors) = error {
            assert!(
                errors
                    .fields
                    .iter()
                    .all(|(field, all)| is_one_plain_line(field) && is_one_plain_line(&all[0]))
            );
        }
    }
    let logged = Logged::start();
    for how in ["log", "print"] {
        save(how).await.unwrap();
        let lines = logged.take();
        assert!(lines.iter().all(|line| is_one_plain_line(line)), "{how}: {lines:?}");
        assert!(lines.iter().any(|line| line.contains("second")), "{how}: {lines:?}");
    }
    save("log at length").await.unwrap();
    let line = logged.take().into_iter().find(|line| line.contains("xxx")).unwrap();
    assert!(line.len() < 20_000 && line.contains("end") && line.contains("bytes) .. "), "{}", line.len());
    save("log for ever").await.unwrap();
    let lines = logged.take();
    assert!(lines.iter().map(String::len).sum::<usize>() < 200_000, "{}", lines.len());
    assert!(lines.iter().any(|line| line.contains("further lines are dropped")), "{}", lines.len());
}

/// What a panic says it writes to the log; without it, a trap tells its author nothing.
#[tokio::test]
async fn the_text_of_a_panic_and_the_functions_are_part_of_the_fault() {
    let folder = plugins_folder(&["probe"]);
    let plugins = open_plugins(folder.path(), Limits::default()).await.unwrap();
    let test = TestDb::opened::<(crate::plugins::Probe,)>(|options| options.plugins(&plugins)).await;
    let probe = crate::plugins::Probe { text: "trap".into(), ..Default::default() };
    let error = crate::plugins::Probe::objects(&test.db).create(probe).await.unwrap_err().to_string();
    assert!(error.contains("trapped: wasm trap: wasm `unreachable` instruction executed"), "{error}");
    assert!(error.contains("it had logged: ") && error.contains("as asked"), "{error}");
    assert!(is_one_plain_line(&error), "{error:?}");
}
