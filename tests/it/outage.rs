//! What comes of a failure of the database in a plugin's request: it is the database's, not the plugin's.

use aksara::prelude::*;
use aksara::signals::pre_save;
use aksara::{Backend, Limits, open_plugins};
use aksara_tests::TestDb;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};

use crate::plugins::Probe;

/// Cuts every connection to this database.
async fn cut(url: &str) -> sqlx::Result<()> {
    if url.starts_with("postgres") {
        let mut own = PgConnection::connect(url).await?;
        let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        return own.execute(all).await.map(drop);
    }
    let mut own = MySqlConnection::connect(url).await?;
    let all = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
    for id in sqlx::query_scalar::<_, i64>(all).fetch_all(&mut own).await? {
        own.execute(AssertSqlSafe(format!("KILL {id}"))).await?;
    }
    Ok(())
}

/// The caller sees the database's error, whatever the plugin makes of it, and the plugin is not put into quarantine.
#[tokio::test]
async fn a_connection_that_is_lost_in_a_plugins_request_is_not_the_plugins_fault() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::copy(aksara_tests::plugin("probe"), folder.path().join("plugins/probe.wasm")).unwrap();
    std::fs::write(folder.path().join("plugins.toml"), "[plugins.probe]\nquarantine = { faults = 1 }\n")
        .unwrap();
    let plugins = open_plugins(folder.path().join("plugins"), Limits::default()).await.unwrap();
    let test = TestDb::opened::<(Probe,)>(|options| options.plugins(&plugins).alias("outage")).await;
    if test.backend() == Backend::Sqlite {
        // It has no connection that could be lost.
        return;
    }
    let url = test.url();
    let _cutter = pre_save::<Probe>()
        .dispatch_uid("cuts the connection")
        .priority(10)
        .connect(move |event| {
            let url = url.clone();
            Box::pin(async move {
                match event.db.alias() == "outage" && event.instance.small == 1 {
                    true => Ok(cut(&url).await?),
                    false => Ok(()),
                }
            })
        })
        .scoped();
    let save = async |text: &str, small: i16| {
        Probe::objects(&test.db).create(Probe { text: text.into(), small, ..Default::default() }).await
    };
    for text in ["asks", "insists"] {
        let error = save(text, 1).await.unwrap_err();
        assert!(!error.is_plugin_fault() && !error.is_refusal(), "{text}: {error}");
        let words = error.to_string();
        assert!(
            words.contains("handler `probe/obey` for pre_save of `Probe` failed: database error"),
            "{text}: {words}"
        );
        assert_eq!(plugins.status()[0].quarantined, None, "{text}");
        save(text, 0).await.unwrap();
    }
    assert_eq!(Probe::objects(&test.db).count().await.unwrap(), 2);
}
