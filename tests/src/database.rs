//! A database for one test: a file of SQLite, or a database on the server that `AKSARA_TEST_URL` names.

use aksara::{Backend, Db, DbOptions, Models, Synchronous};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// A database of its own, with the tables of these models. It goes when this is dropped.
pub struct TestDb {
    /// The database.
    pub db: Db,
    url: String,
    #[expect(dead_code, reason = "kept for their drop")]
    place: Place,
}

enum Place {
    Folder(#[expect(dead_code, reason = "kept for its drop")] TempDir),
    Server(#[expect(dead_code, reason = "kept for its drop")] OnServer),
}

impl TestDb {
    /// Opens one.
    ///
    /// # Panics
    /// When the database cannot be made: there is nothing to test then.
    pub async fn with<M: Models>() -> TestDb {
        TestDb::opened::<M>(|options| options).await
    }

    /// Opens one with these options.
    ///
    /// # Panics
    /// When the database cannot be made: there is nothing to test then.
    pub async fn opened<M: Models>(options: impl FnOnce(DbOptions) -> DbOptions) -> TestDb {
        let (url, place) = match std::env::var("AKSARA_TEST_URL") {
            Ok(server) => {
                let database = OnServer::make(server).await;
                (database.url(), Place::Server(database))
            }
            Err(_) => {
                let folder = TempDir::new().expect("a temporary folder");
                let file = folder.path().join("test.db");
                (format!("sqlite://{}?mode=rwc", file.display()), Place::Folder(folder))
            }
        };
        let db =
            options(Db::options(&url).synchronous(Synchronous::Normal)).connect().await.expect("a database");
        db.create_tables::<M>().await.expect("tables");
        TestDb { db, url, place }
    }

    /// Its URL, to look at it without the ORM.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// What kind of database it is.
    pub fn backend(&self) -> Backend {
        self.db.backend()
    }
}

/// A database on a server.
struct OnServer {
    server: String,
    name: String,
}

impl OnServer {
    async fn make(server: String) -> Self {
        let name = format!("aksara_test_{}", Uuid::now_v7().simple());
        run(&server, format!("CREATE DATABASE {name}")).await.expect("a database on the server");
        OnServer { server, name }
    }

    fn url(&self) -> String {
        let server = self.server.rsplit_once('/').map_or(self.server.as_str(), |(server, _)| server);
        format!("{server}/{}", self.name)
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        let force = if is_postgres(&self.server) { " WITH (FORCE)" } else { "" };
        let (server, sql) = (self.server.clone(), format!("DROP DATABASE {}{force}", self.name));
        // A runtime of its own: the test's may have ended.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(run(&server, sql))
        });
        if !matches!(dropped.join(), Ok(Ok(()))) {
            eprintln!("the database `{}` is left on the server", self.name);
        }
    }
}

fn is_postgres(server: &str) -> bool {
    server.starts_with("postgres")
}

async fn run(server: &str, sql: String) -> sqlx::Result<()> {
    if is_postgres(server) {
        PgConnection::connect(server).await?.execute(AssertSqlSafe(sql)).await.map(drop)
    } else {
        MySqlConnection::connect(server).await?.execute(AssertSqlSafe(sql)).await.map(drop)
    }
}
