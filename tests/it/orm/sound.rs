//! Connections are sound when they are taken: of the file that is there, with statements that fit the tables.

use std::time::Duration;

use aksara::prelude::*;
use aksara::{Backend, Synchronous};
use aksara_tests::TestDb;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

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

/// An open file takes writes also after it was removed, and they are lost.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_removed_or_replaced_is_opened_anew() {
    model!(SoundFile);
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let path = data.join("app.db");
    let open = || {
        let url = format!("sqlite://{}?mode=rwc", path.display());
        async move { Db::options(&url).synchronous(Synchronous::Normal).connect().await.unwrap() }
    };
    let add = async |db: &Db, text: &str| {
        SoundFile::objects(db).create(SoundFile { text: text.into(), ..Default::default() }).await.map(drop)
    };
    let db = open().await;
    db.create_tables::<(SoundFile,)>().await.unwrap();
    add(&db, "in the first file").await.unwrap();
    for way in ["removed", "renamed over", "in a new folder"] {
        let copy = folder.path().join("copy.db");
        let copied = format!("VACUUM INTO '{}'", copy.display());
        db.execute_raw(&copied, vec![]).await.unwrap();
        if way == "removed" {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{end}", path.display()));
            }
        }
        if way == "in a new folder" {
            std::fs::remove_dir_all(&data).unwrap();
            std::fs::create_dir(&data).unwrap();
        }
        std::fs::rename(&copy, &path).unwrap();
        add(&db, way).await.unwrap();
        let other = open().await;
        let texts =
            SoundFile::objects(&other).order_by(SoundFile::id.asc()).values(SoundFile::text).await.unwrap();
        assert_eq!(texts.last().map(String::as_str), Some(way), "{texts:?}");
        other.close().await;
    }
    // In the place of a file that is gone there is none, or an empty one.
    for is_there in [false, true] {
        std::fs::remove_dir_all(&data).unwrap();
        if is_there {
            std::fs::create_dir(&data).unwrap();
        }
        let error = add(&db, "gone").await.unwrap_err().to_string();
        let expected = if is_there { "no such table" } else { "unable to open database file" };
        assert!(error.contains(expected), "{error}");
        std::fs::create_dir_all(&data).unwrap();
    }
}

#[tokio::test]
async fn a_statement_whose_table_has_changed_is_prepared_anew() {
    model!(SoundPlan);
    let test = TestDb::opened::<(SoundPlan,)>(|options| options.connections_max(1)).await;
    if test.backend() != Backend::Postgres {
        // Others prepare a statement anew by themselves.
        return;
    }
    let mut one = SoundPlan::objects(&test.db)
        .create(SoundPlan { text: "a".into(), ..Default::default() })
        .await
        .unwrap();
    let mut other = PgConnection::connect(&test.url()).await.unwrap();
    let table = SoundPlan::meta().table;
    for kind in ["varchar(500)", "text", "varchar(600)"] {
        for _ in 0..6 {
            SoundPlan::objects(&test.db).get(one.id).await.unwrap();
        }
        let alter = format!("ALTER TABLE {table} ALTER COLUMN text TYPE {kind}");
        other.execute(AssertSqlSafe(alter)).await.unwrap();
        assert_eq!(SoundPlan::objects(&test.db).get(one.id).await.unwrap().text, "a");
        other
            .execute(AssertSqlSafe(format!("ALTER TABLE {table} ALTER COLUMN text TYPE varchar(10)")))
            .await
            .unwrap();
        // In a transaction it is an error, once.
        let read = || test.db.transaction(async |tx| SoundPlan::objects(&tx).get(one.id).await.map(drop));
        let _ = read().await;
        read().await.unwrap();
        assert_eq!(test.db.transaction(async |tx| SoundPlan::objects(&tx).count().await).await.unwrap(), 1);
    }
    one.text = "b".into();
    one.save(&test.db).await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_as_what_it_is() {
    for url in ["postgres://aksara@127.0.0.1:1/none", "mysql://aksara@127.0.0.1:1/none"] {
        let options = Db::options(url).acquire_timeout(Duration::from_millis(200));
        let error = options.connect().await.unwrap_err().to_string();
        assert!(error.contains("refused"), "{url}: {error}");
    }
}
