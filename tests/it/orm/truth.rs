//! `signals.md`, "Transactions": a transaction tells the truth. After a statement that failed, it keeps what it says
//! that it keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aksara::prelude::*;
use aksara::signals::{after_rollback, post_save};
use aksara::{Backend, Error};
use aksara_tests::TestDb;

macro_rules! model {
    ($name:ident) => {
        #[derive(Model, Clone, Debug)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            #[field(unique, max_length = 40)]
            text: String,
        }

        impl $name {
            async fn add(db: &Db, text: &str) -> Result<(), Error> {
                $name::objects(db).create($name { id: 0, text: text.to_owned() }).await.map(drop)
            }

            async fn texts(db: &Db) -> Vec<String> {
                let rows = $name::objects(db).order_by($name::id.asc()).all().await.unwrap();
                rows.into_iter().map(|row| row.text.clone()).collect()
            }
        }
    };
}

/// Ways of reading and writing that the database refuses.
const STATEMENTS: [&str; 3] = ["read", "raw read", "raw write"];

model!(TruthKept);

async fn fail(db: &Db, statement: &str) -> Result<(), Error> {
    let no_such_table = "SELECT id, text FROM there_is_no_such_table".to_owned();
    match statement {
        // PostgreSQL refuses NUL; elsewhere it is a raw statement that fails.
        "read" if db.backend() == Backend::Postgres => {
            TruthKept::objects(db).filter(TruthKept::text.eq("a\0")).exists().await.map(drop)
        }
        "raw write" => db.execute_raw("DELETE FROM there_is_no_such_table", vec![]).await.map(drop),
        _ => db.query_raw::<TruthKept>(&no_such_table, vec![]).await.map(drop),
    }
}

/// Transactions 1 and 2: a statement failed and the error was caught. Either all is kept, and the callbacks run, or
/// nothing is, and the caller is told why.
#[tokio::test]
async fn a_caught_error_never_ends_in_ok_for_what_is_not_there() {
    let test = TestDb::with::<(TruthKept,)>().await;
    let undone = Arc::new(AtomicUsize::new(0));
    let counted = undone.clone();
    let _heard = after_rollback::<TruthKept>()
        .connect(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(()) })
        })
        .scoped();
    for statement in STATEMENTS {
        for inside in [false, true] {
            let case = format!("{statement}, in a savepoint: {inside}");
            TruthKept::objects(&test.db).delete().await.unwrap();
            undone.store(0, Ordering::SeqCst);
            let committed = Arc::new(AtomicUsize::new(0));
            let callback = committed.clone();
            let result: Result<(), Error> = test
                .db
                .transaction(async |tx| {
                    TruthKept::add(&tx, "before").await?;
                    tx.on_commit(move |_| async move {
                        callback.fetch_add(1, Ordering::SeqCst);
                        Ok::<_, Error>(())
                    })
                    .await?;
                    if inside {
                        let nested: Result<(), Error> = tx
                            .transaction(async |sp| {
                                TruthKept::add(&sp, "inside").await?;
                                fail(&sp, statement).await
                            })
                            .await;
                        nested.expect_err(&case);
                    } else {
                        fail(&tx, statement).await.expect_err(&case);
                    }
                    Ok(())
                })
                .await;
            let kept = TruthKept::texts(&test.db).await;
            let aborts = test.backend() == Backend::Postgres && !inside && statement != "raw write";
            match result {
                Ok(()) if !aborts => assert_eq!(
                    (kept, committed.load(Ordering::SeqCst)),
                    (vec!["before".to_owned()], 1),
                    "{case}"
                ),
                Err(error @ Error::Aborted { .. }) if aborts => {
                    assert!(error.to_string().contains("PostgreSQL keeps nothing of it"), "{error}");
                    assert!(kept.is_empty(), "{case}");
                    assert_eq!(
                        (committed.load(Ordering::SeqCst), undone.load(Ordering::SeqCst)),
                        (0, 1),
                        "{case}"
                    );
                }
                other => panic!("{case}: {other:?}, {kept:?}"),
            }
        }
    }
}

/// A handler that catches the error of a read: its save is not kept by halves.
#[tokio::test]
async fn an_error_that_a_handler_catches_fails_the_save_where_it_undoes_it() {
    model!(TruthCaught);
    let test = TestDb::with::<(TruthCaught, TruthKept)>().await;
    let _handler = post_save::<TruthCaught>()
        .connect(|event| {
            Box::pin(async move {
                let _ = fail(event.db, "read").await;
                Ok(())
            })
        })
        .scoped();
    let saved = TruthCaught::add(&test.db, "a").await;
    assert_eq!(TruthCaught::texts(&test.db).await.len(), usize::from(saved.is_ok()), "{saved:?}");
    let outer: Result<(), Error> = test
        .db
        .transaction(async |tx| {
            let saved = TruthCaught::add(&tx, "b").await;
            assert_eq!(saved.is_ok(), tx.backend() != Backend::Postgres, "{saved:?}");
            TruthKept::add(&tx, "after").await
        })
        .await;
    outer.unwrap();
    assert_eq!(TruthKept::texts(&test.db).await, ["after"]);
}

/// SQLite rolls back by itself: for a trigger that says so, or a full disk. The caller is told, and the connection works
/// afterwards, in a file and in memory.
#[tokio::test]
async fn what_sqlite_rolls_back_by_itself_is_told_and_leaves_a_sound_connection() {
    model!(TruthRolled);
    let folder = tempfile::TempDir::new().unwrap();
    let file = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
    for url in [file.as_str(), "sqlite::memory:"] {
        let db = Db::options(url).connections_max(1).connect().await.unwrap();
        db.create_tables::<(TruthRolled,)>().await.unwrap();
        let trigger = "CREATE TRIGGER full AFTER INSERT ON truth_rolled WHEN NEW.text = 'full' \
                       BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END";
        db.execute_raw(trigger, vec![]).await.unwrap();
        for nested in [false, true] {
            let result: Result<(), Error> = db
                .transaction(async |tx| {
                    TruthRolled::add(&tx, "before").await?;
                    let failed = match nested {
                        false => TruthRolled::add(&tx, "full").await,
                        true => tx.transaction(async |sp| TruthRolled::add(&sp, "full").await).await,
                    };
                    failed.unwrap_err();
                    let later = TruthRolled::add(&tx, "later").await.unwrap_err().to_string();
                    assert!(later.contains("the disk is full"), "{later}");
                    Ok(())
                })
                .await;
            let error = result.unwrap_err();
            assert!(matches!(error, Error::Aborted { .. }), "{error}");
            assert!(TruthRolled::texts(&db).await.is_empty(), "{url}");
        }
        let _heard = post_save::<TruthRolled>().connect(|_| Box::pin(async { Ok(()) })).scoped();
        let error = TruthRolled::add(&db, "full").await.unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
        TruthRolled::add(&db, "fine").await.unwrap();
        assert_eq!(TruthRolled::texts(&db).await, ["fine"], "{url}");
    }
}

/// MariaDB rolls back the whole transaction of a deadlock's victim; what it writes later must not be kept on its own.
#[tokio::test]
async fn the_victim_of_a_deadlock_keeps_nothing_though_it_catches_the_error() {
    model!(TruthVictim);
    let test = TestDb::with::<(TruthVictim,)>().await;
    if test.backend() == Backend::Sqlite {
        // One writes at a time: there are no deadlocks.
        return;
    }
    TruthVictim::add(&test.db, "a").await.unwrap();
    TruthVictim::add(&test.db, "b").await.unwrap();
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let run = |first: &'static str, second: &'static str| {
        let (db, both) = (test.db.clone(), both.clone());
        tokio::spawn(async move {
            let touch = async |tx: &Db, text: &str| {
                let to = TruthVictim::text.set(text);
                TruthVictim::objects(tx).filter(TruthVictim::text.eq(text)).update([to]).await
            };
            let mut victim = false;
            let result: Result<(), Error> = db
                .transaction(async |tx| {
                    TruthVictim::add(&tx, &format!("before {first}")).await?;
                    touch(&tx, first).await?;
                    both.wait().await;
                    victim = tx.transaction(async |sp| touch(&sp, second).await).await.is_err();
                    let after = TruthVictim::add(&tx, &format!("after {first}")).await;
                    if !victim {
                        after?;
                    }
                    Ok(())
                })
                .await;
            (first, victim, result)
        })
    };
    let (one, other) = tokio::join!(run("a", "b"), run("b", "a"));
    let ends = [one.unwrap(), other.unwrap()];
    assert!(ends.iter().any(|(_, victim, _)| *victim), "{ends:?}");
    let kept = TruthVictim::texts(&test.db).await;
    for (first, _, result) in ends {
        let halves = [format!("before {first}"), format!("after {first}")];
        let there: Vec<bool> = halves.iter().map(|half| kept.contains(half)).collect();
        assert_eq!(there, [result.is_ok(); 2], "{first}: {result:?}, {kept:?}");
    }
}

/// A pool of one goes on after a statement was dropped at any of its awaits: no connection is lost, and none is given back
/// with an answer that nobody has read.
#[tokio::test]
async fn a_future_dropped_at_any_await_leaves_a_sound_connection() {
    model!(TruthDropped);
    let test = TestDb::opened::<(TruthDropped,)>(|options| options.connections_max(1)).await;
    let db = &test.db;
    for polls in 0..40 {
        for way in ["plain", "read", "transaction", "savepoint"] {
            let text = format!("{way} {polls}");
            // A text that was never prepared: preparing is what is dropped.
            let unprepared = format!("SELECT id, text FROM truth_dropped WHERE id = {polls}");
            let operation = async {
                match way {
                    "plain" => TruthDropped::add(db, &text).await,
                    "read" => db.query_raw::<TruthDropped>(&unprepared, vec![]).await.map(drop),
                    "transaction" => db.transaction(async |tx| TruthDropped::add(&tx, &text).await).await,
                    _ => {
                        db.transaction(async |tx| {
                            tx.transaction(async |sp| {
                                sp.query_raw::<TruthDropped>(&unprepared, vec![]).await?;
                                TruthDropped::add(&sp, &text).await
                            })
                            .await
                        })
                        .await
                    }
                }
            };
            let mut operation = Box::pin(operation);
            let mut ended = false;
            for _ in 0..polls {
                if let std::task::Poll::Ready(done) = futures_util::poll!(&mut operation) {
                    done.unwrap();
                    ended = true;
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_micros(200)).await;
            }
            drop(operation);
            let found = TruthDropped::texts(db).await.iter().filter(|found| **found == text).count();
            assert!(way == "read" || !ended || found == 1, "{way} after {polls} polls: {found}");
        }
    }
}

/// A file that cannot be written is opened and read, whatever its journal.
#[tokio::test]
async fn a_read_only_file_opens_and_reads() {
    model!(TruthReadOnlyFile);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("test.db");
    let wal = Db::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    wal.create_tables::<(TruthReadOnlyFile,)>().await.unwrap();
    TruthReadOnlyFile::add(&wal, "kept").await.unwrap();
    for journal in ["wal", "delete"] {
        if journal == "delete" {
            wal.close().await;
            use sqlx::{Connection, Executor};
            let url = format!("sqlite://{}", path.display());
            let mut plain = sqlx::SqliteConnection::connect(&url).await.unwrap();
            plain.execute("PRAGMA journal_mode = DELETE").await.unwrap();
            plain.close().await.unwrap();
        }
        let db = Db::connect(&format!("sqlite://{}?mode=ro", path.display())).await.unwrap();
        assert_eq!(TruthReadOnlyFile::texts(&db).await, ["kept"], "{journal}");
        TruthReadOnlyFile::add(&db, "refused").await.unwrap_err();
        db.close().await;
    }
}
