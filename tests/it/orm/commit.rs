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
