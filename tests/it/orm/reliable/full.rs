//! A disk of SQLite on which there is no room for a while, that may not be written, or whose folder is exchanged: what fails
//! leaves nothing, all works again as soon as it can, and what is acknowledged is where it belongs.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aksara::prelude::*;
use aksara::{Backend, Synchronous};
use aksara_tests::TestDb;
use sqlx::{Connection, SqliteConnection};
use tokio::process::Command;

use super::checked::assert_holds;
use super::child::{Child, TASKS};
use super::work::{Ended, Order, Report, Trace, Worker};

const SIGNALS: [&str; 2] = ["before", "after"];

/// The database may not grow; the pool has one connection, which would keep a transaction that was not ended.
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_full_database_leaves_nothing_and_all_works_when_there_is_room() {
    let test = TestDb::opened::<(Order, Trace)>(|options| options.connections_max(1)).await;
    if test.backend() != Backend::Sqlite {
        return;
    }
    let claims: Arc<Mutex<Vec<String>>> = Arc::default();
    let failures: Arc<Mutex<Vec<String>>> = Arc::default();
    let (acknowledged, failed) = (claims.clone(), failures.clone());
    let report: Report = Arc::new(move |ended| match ended {
        Ended::Acknowledged(claims) => acknowledged.lock().unwrap().push(claims.to_owned()),
        Ended::Failed(error) => failed.lock().unwrap().push(error.to_string()),
    });
    let mut workers: Vec<_> =
        (0..3).map(|task| Worker::new(&test.db, format!("task{task}"), task, &report)).collect();
    for _ in 0..5 {
        failures.lock().unwrap().clear();
        while failures.lock().unwrap().len() < 12 {
            // The limit is that of the connection, which may be another by now.
            test.db.execute_raw("PRAGMA max_page_count = 1", vec![]).await.unwrap();
            futures_util::future::join_all(workers.iter_mut().map(Worker::step)).await;
        }
        for failure in std::mem::take(&mut *failures.lock().unwrap()) {
            assert!(failure.contains("database or disk is full"), "{failure}");
        }
        test.db.execute_raw("PRAGMA max_page_count = 1000000", vec![]).await.unwrap();
        for _ in 0..4 {
            futures_util::future::join_all(workers.iter_mut().map(Worker::step)).await;
        }
        assert_eq!(*failures.lock().unwrap(), [] as [&str; 0]);
        let claims = claims.lock().unwrap().clone();
        assert_holds(&test.db, &test.url(), &claims, &SIGNALS).await;
    }
}

/// Waits until the child's operations succeed again, and only succeed.
async fn works_again(child: &mut Child, operations: usize) {
    child.acknowledges(6).await;
    let failures = child.failures.len();
    child.acknowledges(operations).await;
    let more = &child.failures[failures..];
    // Each task may have begun one before, and use one connection that was opened before.
    assert!(more.len() <= 2 * TASKS as usize, "{more:?}");
}

/// Waits until so many operations of the child have failed, as is expected.
async fn fails(child: &mut Child, times: usize, expected: &[&str]) {
    let before = child.failures.len();
    while child.failures.len() < before + times {
        child.hear().await;
    }
    for failure in &child.failures[before..] {
        assert!(expected.iter().any(|text| failure.contains(text)), "{failure}");
    }
}

/// A child that works on a file; `None` where it is another database, whose disk is the server's.
async fn child(program: impl FnOnce() -> Command) -> Option<(TestDb, Child)> {
    let test = TestDb::with::<(Order, Trace)>().await;
    if test.backend() != Backend::Sqlite {
        return None;
    }
    test.db.close().await;
    let child = Child::start(&mut program(), "child", &test.url());
    Some((test, child))
}

async fn assert_sound(test: &TestDb, mut child: Child) {
    child.kill().await;
    let db = Db::connect(&test.url()).await.unwrap();
    assert_holds(&db, &test.url(), &child.claims, &SIGNALS).await;
    db.close().await;
}

/// The write-ahead log can grow no further: commits fail in the midst of being written, on each connection of a pool, until
/// another process, which has room, empties it.
#[cfg(unix)]
#[tokio::test]
async fn a_disk_without_room_fails_commits_wholly_and_all_works_when_there_is_room() {
    let limited = || {
        let mut shell = Command::new("sh");
        // 1.7 MiB for each file; what is written beyond it is an error, not a signal.
        shell.args(["-c", "trap '' XFSZ; ulimit -f 3500; exec \"$0\" \"$@\""]);
        shell.arg(std::env::current_exe().unwrap());
        shell
    };
    let Some((test, mut child)) = child(limited).await else { return };
    for _ in 0..3 {
        fails(&mut child, 20, &["disk I/O error", "database or disk is full"]).await;
        let mut file = SqliteConnection::connect(&test.url()).await.unwrap();
        loop {
            let emptied = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut file).await;
            let is_busy: i64 = emptied.unwrap();
            if is_busy == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        file.close().await.unwrap();
        works_again(&mut child, 30).await;
    }
    assert_sound(&test, child).await;
}

/// Connections that were opened while the files were read-only are not kept.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_read_only_for_a_while_is_written_again() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

    // Root may write any file: the child is another user then, to whom all is given.
    const NOBODY: u32 = 65_534;
    let test = TestDb::with::<(Order, Trace)>().await;
    if test.backend() != Backend::Sqlite {
        return;
    }
    let path = test.url().trim_start_matches("sqlite://").trim_end_matches("?mode=rwc").to_owned();
    let folder = Path::new(&path).parent().unwrap();
    // The database, its log, and the index of that.
    let files = || ["", "-wal", "-shm"].into_iter().map(|end| format!("{path}{end}"));
    let allow =
        |mode: u32| files().for_each(|file| set_permissions(file, Permissions::from_mode(mode)).unwrap());
    let mut program = std::env::current_exe().unwrap();
    let is_root = folder.metadata().unwrap().uid() == 0;
    if is_root {
        let own = folder.join("program");
        std::fs::hard_link(&program, &own).or_else(|_| std::fs::copy(&program, &own).map(drop)).unwrap();
        program = own;
        files().for_each(|file| chown(file, Some(NOBODY), Some(NOBODY)).unwrap());
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let mut command = Command::new(&program);
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut child = Child::start(&mut command, "child", &test.url());
    for _ in 0..8 {
        child.acknowledges(20).await;
        allow(0o444);
        fails(&mut child, 20, &["attempt to write a readonly database"]).await;
        allow(0o644);
        works_again(&mut child, 100).await;
    }
    child.kill().await;
    assert_holds(&test.db, &test.url(), &child.claims, &SIGNALS).await;
}

/// What is acknowledged while a folder is in its place is in that folder, however often it is exchanged.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_acknowledged_is_in_the_folder_that_is_there() {
    const EXCHANGES: usize = 25;
    let folder = tempfile::TempDir::new().unwrap();
    let name = |one: usize| folder.path().join(format!("data{one}"));
    let url = |data: &Path| format!("sqlite://{}?mode=rwc", data.join("app.db").display());
    for one in 0..=EXCHANGES {
        std::fs::create_dir(name(one)).unwrap();
        let db = Db::connect(&url(&name(one))).await.unwrap();
        db.create_tables::<(Trace,)>().await.unwrap();
        db.close().await;
    }
    let data = folder.path().join("data");
    std::fs::rename(name(0), &data).unwrap();
    let db = Db::options(url(&data)).synchronous(Synchronous::Normal).connect().await.unwrap();
    // Twice the number of the folder that is there, and one more while it is exchanged.
    let place = Arc::new(AtomicUsize::new(0));
    let (acknowledged, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (db, place, acknowledged) = (db.clone(), place.clone(), acknowledged.clone());
            tokio::spawn(async move {
                for count in 0.. {
                    let (text, before) = (format!("{task} {count}"), place.load(Ordering::SeqCst));
                    let trace = Trace { id: 0, text: text.clone() };
                    let created = Trace::objects(&db).create(trace).await;
                    let is_there = created.is_ok() && before.is_multiple_of(2);
                    if is_there && place.load(Ordering::SeqCst) == before {
                        acknowledged.send((before / 2, text)).unwrap();
                    }
                }
            })
        })
        .collect();
    let mut claims = Vec::new();
    for one in 1..=EXCHANGES {
        for _ in 0..one % 7 + 1 {
            claims.push(heard.recv().await.unwrap());
        }
        place.fetch_add(1, Ordering::SeqCst);
        std::fs::rename(&data, name(one - 1)).unwrap();
        std::fs::rename(name(one), &data).unwrap();
        place.fetch_add(1, Ordering::SeqCst);
    }
    for task in tasks {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    db.close().await;
    std::fs::rename(&data, name(EXCHANGES)).unwrap();
    while let Ok(claim) = heard.try_recv() {
        claims.push(claim);
    }
    let mut found = Vec::new();
    for one in 0..=EXCHANGES {
        let db = Db::connect(&url(&name(one))).await.unwrap();
        let texts = Trace::objects(&db).values(Trace::text).await.unwrap();
        found.extend(texts.into_iter().map(|text| (one, text)));
        db.close().await;
    }
    let lost: Vec<_> = claims.iter().filter(|claim| !found.contains(claim)).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), claims.len());
}
