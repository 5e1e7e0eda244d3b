//! The database handle: a pool of connections, or the transaction that the code runs in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_query::{QueryStatementWriter, SqliteQueryBuilder, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::Error;
use crate::meta::ModelMeta;
use crate::plugins::PluginSet;
use crate::row::Row;
use crate::signals;
use crate::transaction::TxHandle;

/// A database, or a transaction in it. Cheap to clone.
///
/// Everything that reads or writes takes a `&Db`. Outside a transaction each operation is its own; inside one (the
/// handle that [`transaction`](Db::transaction) or a handler's event gives) it is part of it.
#[derive(Clone)]
pub struct Db {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tx: Option<TxHandle>,
}

pub(crate) struct Shared {
    pub(crate) alias: String,
    pub(crate) depth_max: u32,
    pub(crate) pool: SqlitePool,
    #[cfg(feature = "plugins")]
    plugins: Option<crate::Plugins>,
}

/// How to open a database.
#[derive(Clone, Debug)]
pub struct DbOptions {
    url: String,
    alias: String,
    connections_max: u32,
    busy_timeout: Duration,
    synchronous: Synchronous,
    depth_max: u32,
    #[cfg(feature = "plugins")]
    plugins: Option<crate::Plugins>,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// At every commit: a commit survives a power cut.
    #[default]
    Full,
    /// At checkpoints: a commit survives the death of the process; a power cut may undo the last ones, and never
    /// leaves a damaged database.
    Normal,
}

impl DbOptions {
    /// The name that events carry; `default` unless given.
    pub fn alias(mut self, alias: impl Into<String>) -> Self {
        self.alias = alias.into();
        self
    }

    /// At most so many connections; 8 unless given. A database in memory has always one.
    pub fn connections_max(mut self, connections_max: u32) -> Self {
        self.connections_max = connections_max;
        self
    }

    /// How long a write waits for another's; 5 seconds unless given.
    pub fn busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// When SQLite waits for the disk; at every commit unless given.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How deep handlers may fire signals from inside handlers; 8 unless given.
    pub fn depth_max(mut self, depth_max: u32) -> Self {
        self.depth_max = depth_max;
        self
    }

    /// The plugins whose handlers hear the signals of this database.
    #[cfg(feature = "plugins")]
    pub fn plugins(mut self, plugins: &crate::Plugins) -> Self {
        self.plugins = Some(plugins.clone());
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that names no SQLite database, [`Error::Database`] when it cannot be opened.
    pub async fn connect(self) -> Result<Db, Error> {
        ModelMeta::check_labels()?;
        signals::connect_attributed();
        let memory = self.url.contains(":memory:") || self.url.contains("mode=memory");
        let synchronous = match self.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        };
        let connect = sqlite_options(&self.url)?
            .foreign_keys(true)
            .busy_timeout(self.busy_timeout)
            .synchronous(synchronous)
            .collation(crate::schema::DECIMAL_COLLATION, crate::schema::compare_decimals);
        let connect = if memory { connect } else { connect.journal_mode(SqliteJournalMode::Wal) };
        let pool = SqlitePoolOptions::new().max_connections(if memory { 1 } else { self.connections_max });
        // A database in memory lives as long as its connection.
        let pool = if memory { pool.min_connections(1).idle_timeout(None).max_lifetime(None) } else { pool };
        let pool = pool
            .connect_with(connect)
            .await
            .map_err(|error| Error::database("opening the database", error))?;
        let shared = Shared {
            alias: self.alias,
            depth_max: self.depth_max,
            pool,
            #[cfg(feature = "plugins")]
            plugins: self.plugins,
        };
        Ok(Db { shared: Arc::new(shared), tx: None })
    }
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, Error> {
    let refuse = |reason: String| Error::Url { url: url.to_owned(), reason };
    if !url.starts_with("sqlite:") {
        return Err(refuse("only `sqlite:` is supported, for example `sqlite://app.db?mode=rwc`".to_owned()));
    }
    SqliteConnectOptions::from_str(url).map_err(|error| refuse(error.to_string()))
}

impl Db {
    /// Opens a database by URL: `sqlite://app.db?mode=rwc` (a file, made when missing) or `sqlite::memory:`.
    ///
    /// # Errors
    /// As [`DbOptions::connect`].
    pub async fn connect(url: &str) -> Result<Db, Error> {
        Db::options(url).connect().await
    }

    /// Options for the database at this URL.
    pub fn options(url: impl Into<String>) -> DbOptions {
        DbOptions {
            url: url.into(),
            alias: "default".to_owned(),
            connections_max: 8,
            busy_timeout: Duration::from_secs(5),
            synchronous: Synchronous::default(),
            depth_max: 8,
            #[cfg(feature = "plugins")]
            plugins: None,
        }
    }

    /// The name of the database, as events carry it.
    pub fn alias(&self) -> &str {
        &self.shared.alias
    }

    /// Whether this handle is a transaction.
    pub fn in_transaction(&self) -> bool {
        self.tx.is_some()
    }

    /// Closes all connections, once the operations under way have ended.
    pub async fn close(&self) {
        self.shared.pool.close().await;
    }

    /// The database outside of any transaction.
    pub(crate) fn outside(&self) -> Db {
        Db { shared: self.shared.clone(), tx: None }
    }

    /// The plugins that hear the signals of an operation that starts now: those that the transaction began with.
    pub(crate) fn plugin_set(&self) -> Option<Arc<PluginSet>> {
        match &self.tx {
            Some(tx) => tx.plugins(),
            None => self.current_plugins(),
        }
    }

    #[cfg(feature = "plugins")]
    fn current_plugins(&self) -> Option<Arc<PluginSet>> {
        self.shared.plugins.as_ref().map(crate::Plugins::set).filter(|set| !set.is_empty())
    }

    #[cfg(not(feature = "plugins"))]
    fn current_plugins(&self) -> Option<Arc<PluginSet>> {
        None
    }

    /// Runs a statement; returns the number of rows it changed.
    pub(crate) async fn execute(&self, on: On, sql: impl SqlSafeStr, values: Values) -> Result<u64, Error> {
        let query = sqlx::query_with(sql.into_sql_str(), SqlxValues(values));
        let done = match &self.tx {
            Some(tx) => {
                let mut connection = tx.connection().await?;
                let write = tx.write();
                let done = query.execute(connection.get()?).await;
                write.end();
                done
            }
            None => query.execute(self.pool()?).await,
        };
        done.map(|done| done.rows_affected()).map_err(|error| on.error(error))
    }

    /// Runs a statement that changes one row; returns what it says of it.
    pub(crate) async fn execute_returning(
        &self,
        on: On,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Row, Error> {
        let query = sqlx::query_with(sql.into_sql_str(), SqlxValues(values));
        let row = match &self.tx {
            Some(tx) => {
                let mut connection = tx.connection().await?;
                let write = tx.write();
                let row = query.fetch_one(connection.get()?).await;
                write.end();
                row
            }
            None => query.fetch_one(self.pool()?).await,
        };
        row.map(Row).map_err(|error| on.error(error))
    }

    /// Runs a query; returns its rows.
    pub(crate) async fn fetch(
        &self,
        on: On,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Vec<Row>, Error> {
        let query = sqlx::query_with(sql.into_sql_str(), SqlxValues(values));
        let rows = match &self.tx {
            Some(tx) => query.fetch_all(tx.connection().await?.get()?).await,
            None => query.fetch_all(self.pool()?).await,
        };
        rows.map(|rows| rows.into_iter().map(Row).collect()).map_err(|error| on.error(error))
    }

    /// The pool, unless a handler asks, which is to use the transaction that its event gives.
    pub(crate) fn pool(&self) -> Result<&SqlitePool, Error> {
        signals::check_outside_handler(&self.shared)?;
        Ok(&self.shared.pool)
    }
}

/// What a statement is for, to say so when it fails.
#[derive(Clone, Copy)]
pub(crate) struct On {
    pub(crate) meta: &'static ModelMeta,
    pub(crate) doing: &'static str,
}

impl On {
    fn error(self, error: sqlx::Error) -> Error {
        Error::on_model(self.meta, self.doing, error)
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("alias", &self.shared.alias)
            .field("transaction", &self.tx.is_some())
            .finish()
    }
}

/// The text of a statement that was built for this one call, and its values.
pub(crate) fn built(statement: &impl QueryStatementWriter) -> (SqlStr, Values) {
    let (sql, values) = statement.build(SqliteQueryBuilder);
    (AssertSqlSafe(sql).into_sql_str(), values)
}
