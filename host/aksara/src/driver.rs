//! The databases behind one type each: kind, pool, open transaction. What differs between them is asked of
//! [`Backend`].

#[cfg(feature = "sqlite")]
use std::sync::Arc;

use sea_query::{
    MysqlQueryBuilder, PostgresQueryBuilder, QueryStatementWriter, SchemaStatementBuilder,
    SqliteQueryBuilder, Values,
};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqlSafeStr, SqlStr, Transaction};

use crate::bound::Bound;
#[cfg(feature = "sqlite")]
use crate::error::is_read_only;
use crate::error::{ends_transaction, is_lost, is_stale};
use crate::row::Row;
#[cfg(feature = "sqlite")]
use crate::same_file::SameFile;
use crate::transaction::TransactionOptions;
use crate::whole::to_the_end;

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// SQLite, in a file or in memory.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    MySql,
}

impl Backend {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Sqlite => "SQLite",
            Backend::Postgres => "PostgreSQL",
            Backend::MySql => "MySQL",
        }
    }

    /// A name as SQL has it.
    pub(crate) fn quoted(self, name: &str) -> String {
        let quote = if self == Backend::MySql { "`" } else { "\"" };
        format!("{quote}{}{quote}", name.replace(quote, &quote.repeat(2)))
    }

    /// The text of a statement and its values.
    pub(crate) fn render(self, statement: &impl QueryStatementWriter) -> (String, Values) {
        match self {
            Backend::Sqlite => statement.build(SqliteQueryBuilder),
            Backend::Postgres => statement.build(PostgresQueryBuilder),
            Backend::MySql => statement.build(MysqlQueryBuilder),
        }
    }

    /// The text of a statement that defines something.
    pub(crate) fn render_schema(self, statement: &impl SchemaStatementBuilder) -> String {
        match self {
            Backend::Sqlite => statement.to_string(SqliteQueryBuilder),
            Backend::Postgres => statement.to_string(PostgresQueryBuilder),
            Backend::MySql => statement.to_string(MysqlQueryBuilder),
        }
    }

    /// Whether the key that an INSERT made is known afterwards; PostgreSQL has to be asked for it by RETURNING.
    pub(crate) fn tells_key(self) -> bool {
        self != Backend::Postgres
    }

    /// Whether INSERT can return the keys that it made; MySQL tells the first of several.
    pub(crate) fn has_returning(self) -> bool {
        self != Backend::MySql
    }

    /// Whether a statement that fails leaves a transaction in which only a rollback to a savepoint is possible.
    pub(crate) fn aborts_on_error(self) -> bool {
        self == Backend::Postgres
    }

    /// How many values one statement can bind.
    pub(crate) fn binds_max(self) -> usize {
        match self {
            Backend::Sqlite => 32_766,
            Backend::Postgres | Backend::MySql => 65_535,
        }
    }

    /// What begins a transaction.
    fn begin(self, options: TransactionOptions) -> String {
        let read_only = if options.read_only { " READ ONLY" } else { "" };
        match self {
            Backend::Sqlite if options.read_only => "BEGIN".to_owned(),
            // A deferred transaction that turns to writing fails at once when another writes; an immediate one waits.
            Backend::Sqlite => "BEGIN IMMEDIATE".to_owned(),
            Backend::Postgres => {
                let isolation = options.isolation.map(|level| format!(" ISOLATION LEVEL {}", level.sql()));
                format!("BEGIN{}{read_only}", isolation.unwrap_or_default())
            }
            Backend::MySql => format!("START TRANSACTION{read_only}"),
        }
    }
}

/// What a statement did.
pub(crate) struct Done {
    /// Rows that it changed.
    pub(crate) rows: u64,
    /// The key that SQLite or MySQL made; of several the last on SQLite, the first on MySQL.
    pub(crate) key: i64,
}

/// Connections to one database.
pub(crate) enum Pool {
    /// With the file, unless it is in memory.
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool, Option<Arc<SameFile>>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "mysql")]
    MySql(sqlx::MySqlPool),
}

/// A connection that is in no transaction, given back when this is dropped.
enum Free {
    #[cfg(feature = "sqlite")]
    Sqlite(PoolConnection<sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(PoolConnection<sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    MySql(PoolConnection<sqlx::MySql>),
}

/// What a statement that failed has left of the transaction that it ran in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All but the statement itself.
    All,
    /// What was before the innermost savepoint.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "other databases undo the statement alone")
    )]
    Savepoint,
    /// Nothing.
    Nothing,
}

/// A connection in a transaction, which is rolled back when this is dropped.
pub(crate) enum Open {
    #[cfg(feature = "sqlite")]
    Sqlite(Transaction<'static, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Transaction<'static, sqlx::Postgres>),
    #[cfg(feature = "mysql")]
    MySql(Transaction<'static, sqlx::MySql>),
}

/// The same expression for whatever database it is.
macro_rules! whichever {
    ($type:ident, $value:expr, $driver:ident => $body:expr) => {
        match $value {
            #[cfg(feature = "sqlite")]
            $type::Sqlite($driver, ..) => $body,
            #[cfg(feature = "postgres")]
            $type::Postgres($driver) => $body,
            #[cfg(feature = "mysql")]
            $type::MySql($driver) => $body,
        }
    };
}
pub(crate) use whichever;

impl Pool {
    pub(crate) async fn close(&self) {
        whichever!(Pool, self, pool => pool.close().await)
    }

    /// Whether a connection can be had without waiting for another one to come back.
    pub(crate) fn has_room(&self) -> bool {
        whichever!(Pool, self, pool => {
            pool.num_idle() > 0 || pool.size() < pool.options().get_max_connections()
        })
    }

    async fn acquire(&self) -> sqlx::Result<Free> {
        match self {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool, None) => acquired(pool).await.map(Free::Sqlite),
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool, Some(file)) => loop {
                let changes = file.changes();
                let connection = acquired(pool).await?;
                if changes == file.changes() {
                    return Ok(Free::Sqlite(connection));
                }
                // It may have been opened to the file that was there before.
                connection.close().await?;
            },
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => acquired(pool).await.map(Free::Postgres),
            #[cfg(feature = "mysql")]
            Pool::MySql(pool) => acquired(pool).await.map(Free::MySql),
        }
    }

    pub(crate) async fn begin(&self, options: TransactionOptions) -> sqlx::Result<Open> {
        let free = self.acquire().await?;
        self.noted(to_the_end(free.begin(options)).await)
    }

    pub(crate) async fn execute(&self, sql: SqlStr, values: Values) -> sqlx::Result<Done> {
        let mut free = self.acquire().await?;
        self.noted(to_the_end(async move { free.execute(sql, values).await }).await)
    }

    pub(crate) async fn fetch_all(&self, sql: SqlStr, values: Values) -> sqlx::Result<Vec<Row>> {
        let mut free = self.acquire().await?;
        // Only PostgreSQL plans a statement once for what the table was then.
        let again = (self.backend() == Backend::Postgres).then(|| (sql.clone(), values.clone()));
        let fetched = async move {
            match (free.fetch_all(sql, values).await, again) {
                (Err(error), Some((sql, values))) if is_stale(&error) => {
                    free.forget_statements().await?;
                    free.fetch_all(sql, values).await
                }
                (fetched, _) => fetched,
            }
        };
        self.noted(to_the_end(fetched).await)
    }

    /// Takes notice of why a statement failed: a connection that was opened while its file could not be written never writes.
    pub(crate) fn noted<T>(&self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        #[cfg(feature = "sqlite")]
        if let (Pool::Sqlite(_, Some(file)), Err(error)) = (self, &result)
            && is_read_only(error)
        {
            file.distrust();
        }
        result
    }
}

/// A connection of the pool. Where none could be made in all the time that an operation waits, what stands against it says
/// more than that the time is over.
pub(crate) async fn acquired<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> sqlx::Result<PoolConnection<D>> {
    match pool.acquire().await {
        Err(sqlx::Error::PoolTimedOut) if pool.size() == 0 => {
            let connection = pool.connect_options().connect().await?;
            connection.close().await?;
            Err(sqlx::Error::PoolTimedOut)
        }
        acquired => acquired,
    }
}

impl Free {
    async fn begin(self, options: TransactionOptions) -> sqlx::Result<Open> {
        let begin = Some(AssertSqlSafe(self.backend().begin(options)).into_sql_str());
        match self {
            #[cfg(feature = "sqlite")]
            Free::Sqlite(connection) => Transaction::begin(connection, begin).await.map(Open::Sqlite),
            #[cfg(feature = "postgres")]
            Free::Postgres(connection) => Transaction::begin(connection, begin).await.map(Open::Postgres),
            #[cfg(feature = "mysql")]
            Free::MySql(mut connection) => {
                if let Some(level) = options.isolation {
                    let isolation = format!("SET TRANSACTION ISOLATION LEVEL {}", level.sql());
                    connection.execute(AssertSqlSafe(isolation)).await?;
                }
                Transaction::begin(connection, begin).await.map(Open::MySql)
            }
        }
    }
}

/// The statements that a connection has prepared are prepared anew.
macro_rules! forget_statements {
    ($type:ident, $driver:ident => $connection:expr) => {
        impl $type {
            async fn forget_statements(&mut self) -> sqlx::Result<()> {
                whichever!($type, self, $driver => $connection.clear_cached_statements().await)
            }
        }
    };
}
forget_statements!(Free, connection => connection);
#[cfg(feature = "postgres")]
forget_statements!(Open, transaction => transaction);

impl Open {
    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        whichever!(Open, self, transaction => transaction.commit().await)
    }

    pub(crate) async fn roll_back(self) -> sqlx::Result<()> {
        whichever!(Open, self, transaction => transaction.rollback().await)
    }

    /// Runs a statement that takes no values.
    pub(crate) async fn run(&mut self, sql: String) -> sqlx::Result<()> {
        whichever!(Open, self, transaction => transaction.execute(AssertSqlSafe(sql)).await.map(drop))
    }

    /// Finds out what a statement that failed has left of the transaction.
    pub(crate) async fn left(&mut self, error: &sqlx::Error) -> Left {
        if is_lost(error) || ends_transaction(error) {
            return Left::Nothing;
        }
        if error.as_database_error().is_none() {
            // The database has not heard of it.
            return Left::All;
        }
        match self {
            // It begins only where SQLite has rolled back by itself. Then it is what the rollback to come undoes.
            #[cfg(feature = "sqlite")]
            Open::Sqlite(transaction) => match transaction.execute("BEGIN").await {
                Ok(_) => Left::Nothing,
                Err(_) => Left::All,
            },
            #[cfg(feature = "postgres")]
            Open::Postgres(_) => {
                if is_stale(error)
                    && let Err(error) = self.forget_statements().await
                {
                    tracing::warn!(%error, "the statements of a connection could not be forgotten");
                }
                Left::Savepoint
            }
            // MySQL lacks the variable; there the number of the error has to do.
            #[cfg(feature = "mysql")]
            Open::MySql(transaction) => {
                let ended = "SELECT 1 FROM DUAL WHERE @@in_transaction = 0";
                match transaction.fetch_optional(ended).await {
                    Ok(Some(_)) => Left::Nothing,
                    Ok(None) | Err(_) => Left::All,
                }
            }
        }
    }
}

/// Which database it is.
macro_rules! backend {
    ($type:ident) => {
        impl $type {
            pub(crate) fn backend(&self) -> Backend {
                match self {
                    #[cfg(feature = "sqlite")]
                    $type::Sqlite(..) => Backend::Sqlite,
                    #[cfg(feature = "postgres")]
                    $type::Postgres(_) => Backend::Postgres,
                    #[cfg(feature = "mysql")]
                    $type::MySql(_) => Backend::MySql,
                }
            }
        }
    };
}
backend!(Pool);
backend!(Free);

/// The two ways to run a statement, on a free connection or on the one of a transaction.
macro_rules! statements {
    ($type:ident, $driver:ident => $executor:expr) => {
        impl $type {
            pub(crate) async fn execute(&mut self, sql: SqlStr, values: Values) -> sqlx::Result<Done> {
                match self {
                    #[cfg(feature = "sqlite")]
                    $type::Sqlite($driver) => {
                        let done = sqlx::query_with(sql, Bound::new(values)).execute($executor).await?;
                        Ok(Done { rows: done.rows_affected(), key: done.last_insert_rowid() })
                    }
                    #[cfg(feature = "postgres")]
                    $type::Postgres($driver) => {
                        let done = sqlx::query_with(sql, Bound::new(values)).execute($executor).await?;
                        Ok(Done { rows: done.rows_affected(), key: 0 })
                    }
                    #[cfg(feature = "mysql")]
                    $type::MySql($driver) => {
                        let done = sqlx::query_with(sql, Bound::new(values)).execute($executor).await?;
                        let key = done.last_insert_id().cast_signed();
                        Ok(Done { rows: done.rows_affected(), key })
                    }
                }
            }

            pub(crate) async fn fetch_all(&mut self, sql: SqlStr, values: Values) -> sqlx::Result<Vec<Row>> {
                whichever!($type, self, $driver => {
                    let rows = sqlx::query_with(sql, Bound::new(values)).fetch_all($executor).await?;
                    Ok(rows.into_iter().map(Row::from).collect())
                })
            }
        }
    };
}
statements!(Free, connection => &mut **connection);
statements!(Open, transaction => &mut **transaction);
