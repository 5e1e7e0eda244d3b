//! `plugins.md`: payload out, patch in, and what a plugin's own fault leads to.

use aksara::prelude::*;
use aksara::signals::{post_save, pre_save};
use aksara::{Error, Limits, Plugins, open_plugins};
use aksara_tests::{Journal, TestDb, plugins_folder};
use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Post {
    #[field(primary_key)]
    id: Uuid,
    #[field(max_length = 200)]
    title: String,
    #[field(max_length = 200)]
    slug: String,
    views: i64,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Model, Clone, Debug)]
pub(crate) struct Probe {
    #[field(primary_key)]
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) note: String,
    pub(crate) small: i16,
}

#[derive(Model, Clone, Debug)]
struct Secret {
    #[field(primary_key)]
    id: i64,
}

/// A database that hears these plugins; the folder has to live as long. It has an alias of its own, for handlers to tell
/// its events from those of other tests.
async fn with_plugins<M: aksara::Models>(names: &[&str]) -> (TestDb, Plugins, tempfile::TempDir) {
    let folder = plugins_folder(names);
    let plugins = open_plugins(folder.path(), Limits::default()).await.unwrap();
    for status in plugins.status() {
        assert!(status.failure.is_none(), "{status:?}");
    }
    let test =
        TestDb::opened::<M>(|options| options.plugins(&plugins).alias(Uuid::now_v7().to_string())).await;
    (test, plugins, folder)
}

fn post(title: &str) -> Post {
    Post { title: title.into(), ..Default::default() }
}

#[tokio::test]
async fn a_plugin_changes_the_instance_before_it_is_written() {
    let (test, plugins, _folder) = with_plugins::<(Post,)>(&["slugify", "timestamps"]).await;
    let saved = Post::objects(&test.db).create(post("Hello, Wörld!")).await.unwrap();
    let stored = Post::objects(&test.db).get(saved.id).await.unwrap();
    assert_eq!(stored.slug, "hello-world");
    assert!(stored.created_at.is_some() && stored.created_at == stored.updated_at);
    let calls: u64 = plugins.status().iter().map(|status| status.calls).sum();
    assert_eq!(calls, 2);
    // A save of named fields writes what a handler added to them.
    let mut stored = stored;
    stored.title = "Renamed".into();
    stored.save_fields(&test.db, &["title"]).await.unwrap();
    let again = Post::objects(&test.db).get(saved.id).await.unwrap();
    assert_eq!((again.title.as_str(), again.slug.as_str()), ("Renamed", "hello-world"));
    assert!(again.updated_at > again.created_at);
}

/// Dispatch 1: native handlers and plugins share one order, and see each other's changes.
#[tokio::test]
async fn native_handlers_and_plugins_share_one_order() {
    let (test, _plugins, _folder) = with_plugins::<(Probe,)>(&["probe"]).await;
    let journal = Journal::default();
    let note = |place: &'static str, priority| {
        let (journal, alias) = (journal.clone(), test.db.alias().to_owned());
        pre_save::<Probe>()
            .priority(priority)
            .dispatch_uid(format!("ordered {place}"))
            .connect(move |event| {
                if event.db.alias() == alias {
                    journal.add(format!("{place}: `{}`", event.instance.note));
                }
                Box::pin(async { Ok(()) })
            })
            .scoped()
    };
    let _handlers = [note("after", 1), note("before", 3), note("last", -1)];
    Probe::objects(&test.db).create(Probe { text: "note".into(), ..Default::default() }).await.unwrap();
    assert_eq!(journal.take(), ["before: ``", "after: `noted`", "last: `noted`"]);
}

/// Sandbox 5 and 7: one line that names plugin, revision, signal, sender; the save is undone, and the next one works.
#[tokio::test]
async fn a_fault_fails_one_save_with_an_error_that_names_the_plugin() {
    let (test, plugins, _folder) = with_plugins::<(Probe, Secret)>(&["probe"]).await;
    let digest = plugins.status()[0].serving.clone().unwrap().digest;
    let journal = Journal::default();
    let (seen, alias) = (journal.clone(), test.db.alias().to_owned());
    let _handler = post_save::<Probe>()
        .dispatch_uid("watches faults")
        .connect(move |event| {
            if event.db.alias() == alias {
                seen.add(event.instance.text.clone());
            }
            Box::pin(async { Ok(()) })
        })
        .scoped();
    let faults = [
        "loop",
        "trap",
        "memory",
        "error",
        "calls",
        "ungranted",
        "outside writes",
        "unknown field",
        "wrong type",
        "out of range",
        "null",
        "key",
    ];
    let mut lines = Vec::new();
    for text in faults {
        let mut probe = Probe { text: text.into(), ..Default::default() }.instance();
        let error = probe.save(&test.db).await.expect_err(text);
        assert!(matches!(error, Error::Plugin { .. }), "{text}: {error}");
        assert_eq!((probe.id, probe.text.as_str(), probe.note.as_str()), (0, text, ""));
        lines.push(format!("{text}\n    {}", error.to_string().replace(&digest[..8], "REVISION")));
        let fine = Probe::objects(&test.db).create(Probe { text: "note".into(), ..Default::default() }).await;
        assert_eq!(fine.unwrap().note, "noted", "after {text}");
    }
    insta::assert_snapshot!(lines.join("\n"));
    assert_eq!(Probe::objects(&test.db).count().await.unwrap(), faults.len() as u64);
    assert_eq!(journal.take(), vec!["note"; faults.len()]);
    assert_eq!(plugins.status()[0].faults, faults.len() as u64);
}

/// Sandbox 6: fails closed, or is skipped, as its operator chose, until it is replaced or released.
#[tokio::test]
async fn a_plugin_that_fails_several_times_in_a_row_is_quarantined() {
    for then in ["refuse", "skip"] {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("plugins/probe.wasm");
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        std::fs::copy(aksara_tests::plugin("probe"), &file).unwrap();
        let policy = format!("[plugins.probe]\nquarantine = {{ faults = 3, then = \"{then}\" }}\n");
        std::fs::write(folder.path().join("plugins.toml"), policy).unwrap();
        let plugins = open_plugins(folder.path().join("plugins"), Limits::default()).await.unwrap();
        let test = TestDb::opened::<(Probe, Secret)>(|options| options.plugins(&plugins)).await;
        let save = async |text: &str| {
            Probe::objects(&test.db).create(Probe { text: text.into(), ..Default::default() }).await
        };
        let reason = || plugins.status()[0].quarantined.clone();
        // What works in between begins the row anew; exceptions of the author do not count.
        for text in ["trap", "trap", "note", "trap", "error", "error", "trap"] {
            assert_eq!(save(text).await.is_ok(), text == "note", "{text}");
            assert_eq!(reason(), None, "{text}");
        }
        save("trap").await.unwrap_err();
        let trap = reason().unwrap();
        assert!(trap.contains("handler `obey` for pre_save of `Probe` trapped"), "{trap}");
        match (then, save("note").await) {
            ("refuse", Err(error)) => {
                let error = error.to_string();
                assert!(error.contains("is quarantined") && error.ends_with(&trap), "{error}");
            }
            ("skip", Ok(saved)) => assert_eq!(saved.note, ""),
            (_, other) => panic!("{then}: {other:?}"),
        }
        assert!(plugins.release("probe") && !plugins.release("probe"));
        assert_eq!(save("note").await.unwrap().note, "noted");
        // A patch that does not fit counts as well, though another handler of the plugin works.
        for _ in 0..3 {
            assert_eq!(reason(), None);
            save("wrong type").await.unwrap_err();
        }
        assert!(reason().unwrap().contains("handler `corrupt`"));
        std::fs::File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_modified(std::time::SystemTime::now())
            .unwrap();
        plugins.rescan().await;
        assert_eq!(reason(), None);
        assert_eq!(save("note").await.unwrap().note, "noted");
    }
}

#[tokio::test]
async fn refusals_of_a_plugin_are_no_faults() {
    let (test, plugins, _folder) = with_plugins::<(Probe,)>(&["probe"]).await;
    let digest = plugins.status()[0].serving.clone().unwrap().digest;
    let create = async |text: &str| {
        Probe::objects(&test.db).create(Probe { text: text.into(), ..Default::default() }).await.unwrap_err()
    };
    let rejected = create("reject").await;
    assert!(matches!(rejected, Error::Rejected { .. }));
    let rejected = rejected.to_string().replace(&digest[..8], "REVISION");
    insta::assert_snapshot!(rejected, @"plugin `probe` 0.1.0 (revision REVISION) refused pre_save of `Probe`: not today");
    let invalid = create("invalid").await;
    insta::assert_snapshot!(invalid, @"`Probe` is not valid: `text` is not wanted");
    assert_eq!(plugins.status()[0].faults, 0);
}

#[tokio::test]
async fn what_when_and_reads_rule_out_costs_no_call() {
    let (test, plugins, _folder) = with_plugins::<(Probe, Secret)>(&["probe", "timestamps"]).await;
    let calls = |name: &str| {
        let status = plugins.status().into_iter().find(|status| status.name == name);
        status.unwrap().calls
    };
    let mut probe =
        Probe::objects(&test.db).create(Probe { text: "note".into(), ..Default::default() }).await.unwrap();
    // Two of pre_save and one of post_save, since a create changes every field.
    assert_eq!(calls("probe"), 3);
    probe.small = 1;
    probe.save(&test.db).await.unwrap();
    assert_eq!(calls("probe"), 5);
    // No model here has a field that `timestamps` reads.
    Secret::objects(&test.db).create(Secret::default()).await.unwrap();
    assert_eq!(calls("timestamps"), 0);
}

#[tokio::test]
async fn plane_check_reads_in_the_transaction_of_the_save() {
    #[derive(Model, Clone, Debug)]
    struct Plane {
        #[field(primary_key, max_length = 6)]
        tailnum: String,
    }
    #[derive(Model, Clone, Debug)]
    struct Airport {
        #[field(primary_key, max_length = 4)]
        faa: String,
    }
    #[derive(Model, Clone, Debug)]
    struct Flight {
        #[field(primary_key)]
        id: i64,
        tailnum: Option<String>,
        origin: String,
        dest: String,
        plane: Option<Fk<Plane>>,
        #[field(column = "origin_id")]
        origin_airport: Option<Fk<Airport>>,
        #[field(column = "dest_id")]
        dest_airport: Option<Fk<Airport>>,
    }
    let (test, _plugins, _folder) = with_plugins::<(Plane, Airport, Flight)>(&["plane-check"]).await;
    let flight = || Flight {
        tailnum: Some("N1".into()),
        origin: "JFK".into(),
        dest: "BQN".into(),
        ..Default::default()
    };
    Airport::objects(&test.db).create(Airport { faa: "JFK".into() }).await.unwrap();
    let undone: Result<(), anyhow::Error> = test
        .db
        .transaction(async |tx| {
            // Seen by the plugin, though nobody else can see it yet.
            Plane::objects(&tx).create(Plane { tailnum: "N1".into() }).await?;
            let flight = Flight::objects(&tx).create(flight()).await?;
            assert_eq!(flight.plane, Some(Fk::new("N1")));
            anyhow::bail!("undo")
        })
        .await;
    assert_eq!(undone.unwrap_err().to_string(), "undo");
    let flight = Flight::objects(&test.db).create(flight()).await.unwrap();
    assert_eq!((&flight.plane, flight.tailnum.as_deref()), (&None, Some("N1")));
    assert_eq!((&flight.origin_airport, &flight.dest_airport), (&Some(Fk::new("JFK")), &None));
}

/// Dispatch 8, as far as plugins go: a database without plugins hears none.
#[tokio::test]
async fn plugins_are_heard_by_the_databases_that_they_were_given_to() {
    let (test, plugins, _folder) = with_plugins::<(Post,)>(&["slugify"]).await;
    let deaf = TestDb::with::<(Post,)>().await;
    assert_eq!(Post::objects(&deaf.db).create(post("Quiet")).await.unwrap().slug, "");
    assert_eq!(plugins.status()[0].calls, 0);
    assert_eq!(Post::objects(&test.db).create(post("Loud")).await.unwrap().slug, "loud");
}

/// A plugin needs no `std`: what it changes, refuses and panics with arrives as from any other.
#[tokio::test]
async fn a_plugin_without_std_is_like_any_other() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "bare.Row")]
    struct Row {
        id: i64,
        name: String,
        length: i64,
    }
    let (test, _plugins, _folder) = with_plugins::<(Row,)>(&["bare"]).await;
    let create = |name: &str| {
        let row = Row { name: name.to_owned(), ..Row::default() };
        async { Row::objects(&test.db).create(row).await.map(|row| row.length) }
    };
    assert_eq!(create("Zoë").await.unwrap(), 3);
    assert!(create("").await.unwrap_err().to_string().contains("`name` is empty"));
    let panic = create(&"x".repeat(100)).await.unwrap_err();
    assert!(!panic.is_refusal(), "{panic}");
    assert_eq!(create("Ana").await.unwrap(), 3, "the next call has a fresh instance");
}

/// The other signals reach plugins too: bulk, relations, custom, and the end of a transaction.
#[tokio::test]
async fn plugins_hear_every_signal_and_change_what_pre_handlers_may() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "listener.Row")]
    struct Row {
        id: i64,
        number: i64,
        friends: ManyToMany<Row>,
    }
    #[derive(serde::Serialize)]
    struct Paid {
        amount: f64,
        currency: &'static str,
    }
    static PAID: aksara::signals::Signal<Paid> = aksara::signals::Signal::new("listener.paid");

    let (test, plugins, _folder) = with_plugins::<(Row,)>(&["listener"]).await;
    let mut rows = Row::objects(&test.db).bulk_create(vec![Row::default(); 3]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
    let error = Row::objects(&test.db).bulk_update(&mut rows, &["number"]).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("refused post_bulk_update of `listener.Row`: 3 rows of listener.Row: number")
    );
    Row::friends.of(&test.db, &rows[2]).add([&rows[0], &rows[1]]).await.unwrap();
    let friends = Row::friends.of(&test.db, &rows[2]).all().values(Row::id).await.unwrap();
    assert_eq!(friends, [rows[1].id]);
    PAID.send(&test.db, Paid { amount: 5.0, currency: "EUR" }).await.unwrap();
    let refused =
        PAID.send_for(&test.db, &mut rows[0], Paid { amount: 5.0, currency: "USD" }).await.unwrap_err();
    assert!(refused.is_refusal() && refused.to_string().ends_with("5 USD of listener.Row"), "{refused}");
    let calls = || plugins.status().iter().map(|status| status.calls).sum::<u64>();
    let before = calls();
    Row::objects(&test.db).create(Row::default()).await.unwrap();
    assert_eq!(calls() - before, 1, "only the end of the transaction is heard");
    assert_eq!(plugins.status()[0].faults, 0);
}
