//! `signals.md`, "Transactions": after_commit and after_rollback.

use aksara::prelude::*;
use aksara::signals::{after_commit, after_rollback};
use aksara::{Error, Value};
use aksara_tests::{Journal, TestDb};

macro_rules! model {
    ($name:ident) => {
        #[derive(Model, Clone, Debug)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            text: String,
            number: i32,
        }

        /// A database, and a journal of both signals.
        async fn set_up() -> (TestDb, Journal) {
            let test = TestDb::with::<($name,)>().await;
            let journal = Journal::default();
            let (commit, rollback) = (journal.clone(), journal.clone());
            after_commit::<$name>().connect(move |event| {
                let line = line("committed", event.key, [event.created, event.deleted], event.changes);
                let (commit, db) = (commit.clone(), event.db.clone());
                Box::pin(async move {
                    // A handler can query: all has been committed.
                    let rows = $name::objects(&db).count().await?;
                    commit.add(format!("{line}, {rows} rows"));
                    Ok(())
                })
            });
            after_rollback::<$name>().connect(move |event| {
                rollback.add(line("rolled back", event.key, [event.created, event.deleted], event.changes));
                Box::pin(async { Ok(()) })
            });
            (test, journal)
        }
    };
}

fn line(what: &str, key: &Value, [created, deleted]: [bool; 2], changes: &[aksara::Change]) -> String {
    let Value::BigInt(Some(key)) = key else { panic!("{key:?}") };
    let how = match (created, deleted) {
        (true, _) => "created",
        (_, true) => "deleted",
        _ => "updated",
    };
    let fields: Vec<_> = changes.iter().map(|change| change.field).collect();
    format!("{what} {key} {how} [{}]", fields.join(" "))
}

/// Transactions 3.
#[tokio::test]
async fn after_commit_fires_once_per_instance_with_its_cumulative_changes() {
    model!(CommitCumulated);
    let (test, journal) = set_up().await;
    let mut row = CommitCumulated::objects(&test.db).create(CommitCumulated::default()).await.unwrap();
    assert_eq!(journal.take(), ["committed 1 created [id text number], 1 rows"]);
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            row.text = "a".into();
            row.save(&tx).await?;
            row.number = 2;
            row.save(&tx).await?;
            row.text = String::new();
            row.save(&tx).await?;
            let mut gone = CommitCumulated::objects(&tx).create(CommitCumulated::default()).await?;
            gone.delete(&tx).await?;
            Ok(())
        })
        .await;
    result.unwrap();
    // `text` is as it was before, and what was created and deleted never was.
    assert_eq!(journal.take(), ["committed 1 updated [number], 1 rows"]);
    row.delete(&test.db).await.unwrap();
    assert_eq!(journal.take(), ["committed 1 deleted [], 0 rows"]);
}

/// Transactions 2 and 3, under savepoints.
#[tokio::test]
async fn what_a_savepoint_undid_is_not_sent() {
    model!(CommitUndone);
    let (test, journal) = set_up().await;
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            let inner: Result<(), Error> = tx
                .transaction(async |sp| {
                    CommitUndone::objects(&sp).create(CommitUndone::default()).await?;
                    Err(Error::Transaction("undo"))
                })
                .await;
            inner.unwrap_err();
            assert!(journal.take().is_empty());
            CommitUndone::objects(&tx).bulk_create(vec![CommitUndone::default(); 2]).await.map(drop)
        })
        .await;
    result.unwrap();
    assert_eq!(journal.take().len(), 2);
}

#[tokio::test]
async fn after_rollback_tells_what_was_undone() {
    model!(CommitRolledBack);
    let (test, journal) = set_up().await;
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            CommitRolledBack::objects(&tx).create(CommitRolledBack::default()).await?;
            Err(Error::Transaction("undo"))
        })
        .await;
    result.unwrap_err();
    assert_eq!(journal.take().len(), 1);
    // By cancellation as well; then nobody waits for it.
    let dropped = test.db.transaction(async |tx| {
        CommitRolledBack::objects(&tx).create(CommitRolledBack::default()).await?;
        std::future::pending::<Result<(), Error>>().await
    });
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), dropped).await.is_err());
    while journal.take().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[derive(Model, Clone, Debug)]
struct CommitUnseen {
    #[field(primary_key)]
    id: i64,
}

/// What is sent is what happened, also where the caller went away while the commit was under way.
#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_followed_by_what_came_of_it() {
    let test = TestDb::opened::<(CommitUnseen,)>(|options| options.connections_max(1)).await;
    let journal = Journal::default();
    let (commit, rollback) = (journal.clone(), journal.clone());
    after_commit::<CommitUnseen>().connect(move |event| {
        commit.add(format!("committed {:?}", event.key));
        Box::pin(async { Ok(()) })
    });
    after_rollback::<CommitUnseen>().connect(move |event| {
        rollback.add(format!("rolled back {:?}", event.key));
        Box::pin(async { Ok(()) })
    });
    let called = journal.clone();
    for id in 1..60 {
        for way in [0, 100] {
            let id = id + way;
            let db = &test.db;
            let mut operation = Box::pin(async {
                if way == 0 {
                    return CommitUnseen::objects(db).create(CommitUnseen { id }).await.map(drop);
                }
                db.transaction(async |tx| {
                    let called = called.clone();
                    CommitUnseen::objects(&tx).create(CommitUnseen { id }).await?;
                    tx.on_commit(move |_| async move {
                        called.add(format!("called {id}"));
                        Ok::<_, Error>(())
                    })
                    .await
                })
                .await
            });
            for _ in 0..id - way {
                if futures_util::poll!(&mut operation).is_ready() {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_micros(200)).await;
            }
        }
    }
    // The only connection is free when all has ended.
    let kept = CommitUnseen::objects(&test.db)
        .order_by(CommitUnseen::id.asc())
        .values(CommitUnseen::id)
        .await
        .unwrap();
    let line = |what: &str, id: i64| format!("{what} {:?}", Value::BigInt(Some(id)));
    let all_told = || {
        let lines = journal.lines();
        kept.iter().all(|id| {
            lines.contains(&line("committed", *id)) && (*id < 100 || lines.contains(&format!("called {id}")))
        })
    };
    for _ in 0..1_000 {
        if all_told() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let lines = journal.lines();
    for id in (1..60).chain(101..160) {
        let times = |line: String| lines.iter().filter(|other| **other == line).count();
        let is_kept = kept.contains(&id);
        let told = (times(line("committed", id)), times(format!("called {id}")));
        let wanted = (usize::from(is_kept), usize::from(is_kept && id > 100));
        assert_eq!(told, wanted, "{id}: {lines:?}");
        assert!(!is_kept || times(line("rolled back", id)) == 0, "{id}: {lines:?}");
    }
}
