//! `plugins.md`, sandbox: a plugin is kept from its events for the share of its calls that fail, not for what one user sends.

use aksara::prelude::*;
use aksara::{Limits, open_plugins};
use aksara_tests::{TestDb, plugins_folder};

use crate::plugins::Probe;

#[tokio::test]
async fn a_share_of_failed_calls_quarantines_a_plugin_and_bad_inputs_of_one_user_do_not() {
    let folder = plugins_folder(&["probe"]);
    let plugins = open_plugins(folder.path(), Limits::default()).await.unwrap();
    let test = TestDb::opened::<(Probe,)>(|options| options.plugins(&plugins)).await;
    // The handler reads the note.
    let save = async |text: &str, note: i32| {
        let probe = Probe { text: text.into(), note: note.to_string(), ..Default::default() };
        Probe::objects(&test.db).create(probe).await
    };
    let reason = || plugins.status()[0].quarantined.clone();
    // Ten different ones in a row, and then one of them again and again.
    for note in 0..10 {
        save("trap", note).await.unwrap_err();
    }
    for _ in 0..80 {
        save("trap", 7).await.unwrap_err();
    }
    assert_eq!(reason(), None);
    // Among many that work, some that fail say nothing about the plugin.
    for note in 0..60 {
        assert_eq!(save(if note % 3 == 0 { "trap" } else { "note" }, note).await.is_ok(), note % 3 != 0);
    }
    assert_eq!(reason(), None);
    for note in 100..200 {
        save("trap", note).await.unwrap_err();
    }
    let reason = reason().unwrap();
    assert!(reason.contains(" of 50 calls failed, of which equal ones count once; the last: "), "{reason}");
    assert!(reason.contains("handler `obey` for pre_save of `Probe` trapped"), "{reason}");
    let error = save("note", 1).await.unwrap_err().to_string();
    assert!(error.contains("is quarantined") && error.ends_with(&reason), "{error}");
}
