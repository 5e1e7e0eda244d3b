//! `signals.md`, "Transactions".

use std::convert::Infallible;

use aksara::prelude::*;
use aksara::{Error, Isolation, TransactionOptions};
use aksara_tests::{Journal, TestDb};
use futures_util::FutureExt;

macro_rules! model {
    ($name:ident) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            text: String,
        }
    };
}

/// Transactions 1.
#[tokio::test]
async fn commits_on_ok_rolls_back_on_err_and_nests_as_savepoints() {
    model!(Nested);
    let test = TestDb::with::<(Nested,)>().await;
    let add = async |db: &Db, text: &str| {
        Nested::objects(db).create(Nested { text: text.into(), ..Default::default() }).await.map(drop)
    };
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            add(&tx, "kept").await?;
            let inner: Result<(), anyhow::Error> = tx
                .transaction(async |sp| {
                    add(&sp, "undone").await?;
                    anyhow::bail!("undo")
                })
                .await;
            assert_eq!(inner.unwrap_err().to_string(), "undo");
            tx.transaction(async |sp| add(&sp, "kept too").await).await
        })
        .await;
    result.unwrap();
    let failed: Result<(), anyhow::Error> = test
        .db
        .transaction(async |tx| {
            add(&tx, "rolled back").await?;
            anyhow::bail!("no")
        })
        .await;
    failed.unwrap_err();
    let texts = Nested::objects(&test.db).order_by(Nested::id.asc()).all().await.unwrap();
    assert_eq!(texts.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(), ["kept", "kept too"]);
}

#[tokio::test]
async fn a_dropped_transaction_is_rolled_back_and_its_handles_say_so() {
    model!(DroppedTx);
    let test = TestDb::opened::<(DroppedTx,)>(|options| options.connections_max(1)).await;
    let mut leaked = None;
    let dropped = test.db.transaction(async |tx| {
        DroppedTx::objects(&tx).create(DroppedTx::default()).await?;
        leaked = Some(tx.clone());
        std::future::pending::<Result<(), Error>>().await
    });
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), dropped).await.is_err());
    assert_eq!(DroppedTx::objects(&test.db).count().await.unwrap(), 0);
    let error = DroppedTx::objects(&leaked.unwrap()).count().await.unwrap_err();
    insta::assert_snapshot!(error, @"the transaction has ended; this handle of it cannot be used any more");
}

/// Transactions 1: what was dropped under way may have happened, so that only a rollback is left: of the save's own
/// savepoint, where it has one, or of what is around it.
#[tokio::test]
async fn a_dropped_write_undoes_the_savepoint_or_transaction_around_it() {
    model!(DroppedWrite);
    let test = TestDb::with::<(DroppedWrite,)>().await;
    let create = |db: &Db| DroppedWrite::objects(db).create(DroppedWrite::default());
    // Polled once and dropped; now and then the driver answers even so. Each try has the whole budget of a task, so
    // that nothing but the statement is waited for. Returns how many were created.
    let drop_under_way = async |db: &Db| {
        let mut created = 0;
        loop {
            tokio::task::yield_now().await;
            match create(db).now_or_never() {
                Some(answer) => created += answer.map(|_| 1).unwrap(),
                None => return created,
            }
        }
    };
    let own_savepoint = test.backend() == aksara::Backend::Postgres;
    let count = async || DroppedWrite::objects(&test.db).count().await.unwrap();
    // Handlers of all models, of other tests, would give each save a savepoint.
    let whole = SignalContext::disable_all().scope(test.db.transaction(async |tx| {
        create(&tx).await?;
        let created = drop_under_way(&tx).await;
        create(&tx).await?;
        Ok::<u64, Error>(created + 2)
    }));
    let kept = match whole.await {
        Ok(created) if own_savepoint => created,
        Ok(_) => panic!("a write that may have happened was kept"),
        Err(error) => {
            insta::assert_snapshot!(error, @"a write in this transaction was dropped before it ended, and may have happened; roll back");
            0
        }
    };
    assert_eq!(count().await, kept);

    let part = SignalContext::disable_all().scope(test.db.transaction(async |tx| {
        let inner: Result<u64, Error> = tx
            .transaction(async |sp| {
                create(&sp).await?;
                Ok(1 + drop_under_way(&sp).await)
            })
            .await;
        let inner = match inner {
            Ok(created) if own_savepoint => created,
            Err(Error::Transaction(_)) => 0,
            other => panic!("{other:?}"),
        };
        create(&tx).await?;
        Ok::<u64, Error>(inner + 1)
    }));
    match part.await {
        Ok(created) => assert_eq!(count().await, kept + created),
        // Dropped while its savepoint was being set, or undone: then the transaction goes with it.
        Err(error) => {
            assert!(own_savepoint, "{error}");
            assert_eq!(count().await, kept);
        }
    }
}

/// Transactions 2.
#[tokio::test]
async fn on_commit_runs_after_the_outermost_commit_in_order_and_never_after_a_rollback() {
    model!(Committed);
    let test = TestDb::with::<(Committed,)>().await;
    let journal = Journal::default();
    let note = |db: &Db, line: &'static str| {
        let (db, journal) = (db.clone(), journal.clone());
        async move {
            db.on_commit(move |outside| async move {
                let rows = Committed::objects(&outside).count().await.unwrap();
                journal.add(format!("{line}, {rows} rows"));
                Ok::<_, Infallible>(())
            })
            .await
        }
    };
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            note(&tx, "first").await?;
            let undone: Result<(), anyhow::Error> = tx
                .transaction(async |sp| {
                    note(&sp, "never").await?;
                    anyhow::bail!("undo")
                })
                .await;
            undone.unwrap_err();
            tx.transaction(async |sp| note(&sp, "second").await).await?;
            Committed::objects(&tx).create(Committed::default()).await?;
            note(&tx, "third").await?;
            assert_eq!(journal.take(), [] as [&str; 0]);
            Ok(())
        })
        .await;
    result.unwrap();
    assert_eq!(journal.take(), ["first, 1 rows", "second, 1 rows", "third, 1 rows"]);
    // With no transaction open they run at once.
    note(&test.db, "at once").await.unwrap();
    assert_eq!(journal.take(), ["at once, 1 rows"]);
    let failed: Result<(), anyhow::Error> = test
        .db
        .transaction(async |tx| {
            note(&tx, "never").await?;
            anyhow::bail!("no")
        })
        .await;
    failed.unwrap_err();
    assert_eq!(journal.take(), [] as [&str; 0]);
}

#[tokio::test]
async fn an_error_after_the_commit_is_reported_and_the_others_still_run_and_may_register_more() {
    model!(Reported);
    let test = TestDb::with::<(Reported,)>().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            Reported::objects(&tx).create(Reported::default()).await?;
            tx.on_commit(|_| async { Err::<(), _>("fails") }).await?;
            tx.on_commit(move |outside| async move {
                seen.add("second");
                let seen = seen.clone();
                outside
                    .on_commit(move |_| async move {
                        seen.add("registered by the second");
                        Ok::<_, Infallible>(())
                    })
                    .await
            })
            .await
        })
        .await;
    result.unwrap();
    assert_eq!(journal.take(), ["second", "registered by the second"]);
    assert_eq!(Reported::objects(&test.db).count().await.unwrap(), 1);
}

#[tokio::test]
async fn operations_that_overlap_on_one_transaction_are_an_error_not_a_mix_up() {
    model!(Overlap);
    let test = TestDb::with::<(Overlap,)>().await;
    let slow = aksara::signals::post_save::<Overlap>().connect(|_| {
        Box::pin(async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            Ok(())
        })
    });
    let result: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            let create = async || Overlap::objects(&tx).create(Overlap::default()).await;
            let (first, second) = futures_util::future::join(create(), create()).await;
            first?;
            insta::assert_snapshot!(second.unwrap_err(), @"this handle of a transaction is in use: by an operation that has not ended, or by a savepoint inside it; await the operation first, or use the handle that the savepoint gave");
            // The outer handle is out of use while a savepoint is open, and in use again after it.
            tx.transaction(async |_| {
                assert!(matches!(Overlap::objects(&tx).count().await, Err(Error::Transaction(_))));
                Ok::<_, Error>(())
            })
            .await?;
            create().await.map(drop)
        })
        .await;
    result.unwrap();
    assert_eq!(Overlap::objects(&test.db).count().await.unwrap(), 2);
    slow.disconnect();
}

/// Transactions 5.
#[tokio::test]
async fn concurrent_writers_lose_no_update() {
    model!(Writers);
    let test = TestDb::with::<(Writers,)>().await;
    let row = Writers::objects(&test.db).create(Writers::default()).await.unwrap();
    let tasks = (0..20).map(|_| {
        let (db, id) = (test.db.clone(), row.id);
        tokio::spawn(async move {
            // SQLite lets one write at a time; the others find out, undo and run again.
            let options = TransactionOptions {
                isolation: Some(Isolation::Serializable),
                retries_max: 100,
                ..Default::default()
            };
            db.transaction_with(options, |tx| async move {
                let mut row = Writers::objects(&tx).get(id).await?;
                row.text.push('x');
                row.save(&tx).await
            })
            .await
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        task.unwrap().unwrap();
    }
    assert_eq!(Writers::objects(&test.db).get(row.id).await.unwrap().text.len(), 20);
}
