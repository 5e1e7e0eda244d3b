//! How to open a database.

use std::sync::Arc;
use std::time::Duration;

use crate::db::Shared;
use crate::driver::acquired;
use crate::meta::ModelMeta;
use crate::secret::SecretUrl;
#[cfg(feature = "plugins")]
use crate::services::Services;
use crate::signals;
use crate::uuids::UuidForms;
use crate::{Db, Error};

/// How to open a database.
#[derive(Clone, Debug)]
pub struct DbOptions {
    url: SecretUrl,
    alias: String,
    connections_max: u32,
    connections_min: u32,
    acquire_timeout: Duration,
    busy_timeout: Duration,
    statement_timeout: Option<Duration>,
    synchronous: Synchronous,
    depth_max: u32,
    #[cfg(feature = "plugins")]
    plugins: Option<crate::Plugins>,
    #[cfg(feature = "plugins")]
    services: Services,
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
    pub(crate) fn new(url: String) -> Self {
        DbOptions {
            url: SecretUrl::new(url),
            alias: "default".to_owned(),
            connections_max: 8,
            connections_min: 0,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            statement_timeout: None,
            synchronous: Synchronous::default(),
            depth_max: 8,
            #[cfg(feature = "plugins")]
            plugins: None,
            #[cfg(feature = "plugins")]
            services: Services::default(),
        }
    }

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

    /// At least so many connections, kept open while idle; 0 unless given.
    pub fn connections_min(mut self, connections_min: u32) -> Self {
        self.connections_min = connections_min;
        self
    }

    /// How long an operation waits for a free connection; 30 seconds unless given.
    pub fn acquire_timeout(mut self, acquire_timeout: Duration) -> Self {
        self.acquire_timeout = acquire_timeout;
        self
    }

    /// How long a write waits for another's, on SQLite; 5 seconds unless given.
    pub fn busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.busy_timeout = busy_timeout;
        self
    }

    /// How long a statement may take, on PostgreSQL, MariaDB and (reading only) MySQL; for ever unless given. SQLite
    /// has no such limit.
    pub fn statement_timeout(mut self, statement_timeout: Duration) -> Self {
        self.statement_timeout = Some(statement_timeout);
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

    #[cfg(feature = "plugins")]
    pub(crate) fn services_mut(&mut self) -> &mut Services {
        &mut self.services
    }

    /// Opens the database.
    ///
    /// # Errors
    /// [`Error::Url`] for a URL that names no database, [`Error::Database`] when it cannot be opened.
    pub async fn connect(self) -> Result<Db, Error> {
        ModelMeta::check_names()?;
        signals::connect_attributed();
        let pool = match self.url.reveal().split_once(':').map(|(scheme, _)| scheme) {
            #[cfg(feature = "sqlite")]
            Some("sqlite") => sqlite::open(&self).await?,
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => postgres::open(&self).await?,
            #[cfg(feature = "mysql")]
            Some("mysql" | "mariadb") => mysql::open(&self).await?,
            _ => return Err(self.refuse(UNSUPPORTED)),
        };
        let shared = Shared {
            alias: self.alias,
            depth_max: self.depth_max,
            backend: pool.backend(),
            pool,
            uuids: UuidForms::default(),
            #[cfg(feature = "plugins")]
            plugins: self.plugins,
            #[cfg(feature = "plugins")]
            services: self.services,
        };
        Ok(Db { shared: Arc::new(shared), tx: None })
    }

    fn refuse(&self, reason: impl ToString) -> Error {
        Error::Url { url: self.url.to_string(), reason: self.url.hidden_in(&reason.to_string()) }
    }

    fn pool<D: sqlx::Database>(&self) -> sqlx::pool::PoolOptions<D> {
        sqlx::pool::PoolOptions::new()
            .max_connections(self.connections_max)
            .min_connections(self.connections_min)
            .acquire_timeout(self.acquire_timeout)
    }
}

const UNSUPPORTED: &str = "it has to start with `sqlite:`, `postgres:`, `mysql:` or `mariadb:`, and this program has to be \
                           built with the feature of `aksara` that is named after the database; for example \
                           `sqlite://app.db?mode=rwc`";

type ConnectOptions<D> = <<D as sqlx::Database>::Connection as sqlx::Connection>::Options;

/// A pool that has made a connection.
async fn connected<D: sqlx::Database>(
    pool: &sqlx::pool::PoolOptions<D>,
    connect: ConnectOptions<D>,
) -> sqlx::Result<sqlx::Pool<D>> {
    let pool = pool.clone().connect_lazy_with(connect);
    acquired(&pool).await?;
    Ok(pool)
}

fn opening(error: sqlx::Error) -> Error {
    Error::database("opening the database", error)
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::str::FromStr;
    use std::sync::Arc;

    use sqlx::Connection;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    use super::{DbOptions, Synchronous, connected, opening};
    use crate::Error;
    use crate::decimal;
    use crate::driver::Pool;
    use crate::error::sqlite_code;
    use crate::same_file::SameFile;

    pub(super) async fn open(options: &DbOptions) -> Result<Pool, Error> {
        let memory =
            options.url.reveal().contains(":memory:") || options.url.reveal().contains("mode=memory");
        let synchronous = match options.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        };
        let connect = SqliteConnectOptions::from_str(options.url.reveal())
            .map_err(|error| options.refuse(error))?
            .foreign_keys(true)
            .busy_timeout(options.busy_timeout)
            .synchronous(synchronous)
            .collation(decimal::COLLATION, decimal::compare)
            // As on the other databases; and it lets `starts_with` use an index.
            .pragma("case_sensitive_like", "ON");
        if memory {
            // A database in memory lives as long as its connection: a test of it that is dropped would end both.
            let pool =
                options.pool().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
            let pool = pool
                .test_before_acquire(false)
                .after_connect(|connection, _| Box::pin(async move { decimal::register(connection).await }));
            return connected(&pool, connect).await.map(|pool| Pool::Sqlite(pool, None)).map_err(opening);
        }
        let file = Arc::new(SameFile::new(connect.get_filename().to_owned()));
        let (opened, taken) = (file.clone(), file.clone());
        let pool = options.pool::<sqlx::Sqlite>().after_connect(move |connection, _| {
            opened.opened();
            Box::pin(async move { decimal::register(connection).await })
        });
        let pool = pool.before_acquire(move |_, meta| {
            let is_sound = taken.is_open_for(meta.age);
            Box::pin(async move { Ok(is_sound) })
        });
        let pool = pool.after_release(|connection, _| {
            Box::pin(async move {
                if connection.is_in_transaction() {
                    // Behind the rollback of a transaction that was dropped.
                    connection.ping().await?;
                }
                // One whose transaction could not be ended, for a full disk say, is closed.
                Ok(!connection.is_in_transaction())
            })
        });
        match connected(&pool, connect.clone().journal_mode(SqliteJournalMode::Wal)).await {
            // The journal of a file that cannot be written stays as it is; it can be read even so.
            Err(error) if may_not_write(&error) => connected(&pool, connect).await,
            opened => opened,
        }
        .map(|pool| Pool::Sqlite(pool, Some(file)))
        .map_err(opening)
    }

    /// Whether SQLite was not let write: READONLY (8) or CANTOPEN (14).
    fn may_not_write(error: &sqlx::Error) -> bool {
        matches!(sqlite_code(error), Some(8 | 14))
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::str::FromStr;

    use sqlx::postgres::PgConnectOptions;

    use super::{DbOptions, connected, opening};
    use crate::Error;
    use crate::driver::Pool;

    pub(super) async fn open(options: &DbOptions) -> Result<Pool, Error> {
        let mut connect =
            PgConnectOptions::from_str(options.url.reveal()).map_err(|error| options.refuse(error))?;
        if let Some(timeout) = options.statement_timeout {
            connect = connect.options([("statement_timeout", timeout.as_millis().to_string())]);
        }
        connected(&options.pool(), connect).await.map(Pool::Postgres).map_err(opening)
    }
}

#[cfg(feature = "mysql")]
mod mysql {
    use std::str::FromStr;

    use sqlx::mysql::MySqlConnectOptions;
    use sqlx::{AssertSqlSafe, Executor};

    use super::{DbOptions, connected, opening};
    use crate::Error;
    use crate::driver::Pool;

    pub(super) async fn open(options: &DbOptions) -> Result<Pool, Error> {
        let connect =
            MySqlConnectOptions::from_str(options.url.reveal()).map_err(|error| options.refuse(error))?;
        let mut pool = options.pool::<sqlx::MySql>();
        if let Some(timeout) = options.statement_timeout {
            pool = pool.after_connect(move |connection, _| {
                Box::pin(async move {
                    // MariaDB counts in seconds and limits every statement, MySQL in milliseconds and reading only.
                    let mariadb = format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64());
                    let mysql = format!("SET SESSION max_execution_time = {}", timeout.as_millis());
                    match connection.execute(AssertSqlSafe(mariadb)).await {
                        Ok(_) => Ok(()),
                        Err(_) => connection.execute(AssertSqlSafe(mysql)).await.map(drop),
                    }
                })
            });
        }
        connected(&pool, connect).await.map(Pool::MySql).map_err(opening)
    }
}
