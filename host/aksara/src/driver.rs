//! The databases behind one type each: kind, pool, open transaction. What differs between them is asked of
//! [`Backend`].

use sea_query::{
    MysqlQueryBuilder, PostgresQueryBuilder, QueryStatementWriter, SchemaStatementBuilder,
    SqliteQueryBuilder, Value, Values,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Executor, SqlSafeStr, SqlStr, Transaction};

use crate::row::Row;
use crate::transaction::TransactionOptions;

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
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::SqlitePool),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
    #[cfg(feature = "mysql")]
    MySql(sqlx::MySqlPool),
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
            $type::Sqlite($driver) => $body,
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

    pub(crate) async fn begin(&self, options: TransactionOptions) -> sqlx::Result<Open> {
        let begin = Some(AssertSqlSafe(self.backend().begin(options)).into_sql_str());
        match self {
            #[cfg(feature = "sqlite")]
            Pool::Sqlite(pool) => Transaction::begin(pool.acquire().await?, begin).await.map(Open::Sqlite),
            #[cfg(feature = "postgres")]
            Pool::Postgres(pool) => {
                Transaction::begin(pool.acquire().await?, begin).await.map(Open::Postgres)
            }
            #[cfg(feature = "mysql")]
            Pool::MySql(pool) => {
                let mut connection = pool.acquire().await?;
                if let Some(level) = options.isolation {
                    let isolation = format!("SET TRANSACTION ISOLATION LEVEL {}", level.sql());
                    connection.execute(AssertSqlSafe(isolation)).await?;
                }
                Transaction::begin(connection, begin).await.map(Open::MySql)
            }
        }
    }
}

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
}

/// Values as they are bound. MySQL's type for times with a zone ends in 2038; ours are all in UTC.
fn bound(Values(mut values): Values, backend: Backend) -> SqlxValues {
    if backend == Backend::MySql {
        for value in &mut values {
            if let Value::ChronoDateTimeUtc(time) = value {
                *value = Value::ChronoDateTime(time.map(|time| time.naive_utc()));
            }
        }
    }
    SqlxValues(Values(values))
}

/// The three ways to run a statement, on any free connection or on the one of a transaction.
macro_rules! statements {
    ($type:ident, $self:ty, $driver:ident => $executor:expr) => {
        impl $type {
            pub(crate) fn backend(&self) -> Backend {
                match self {
                    #[cfg(feature = "sqlite")]
                    $type::Sqlite(_) => Backend::Sqlite,
                    #[cfg(feature = "postgres")]
                    $type::Postgres(_) => Backend::Postgres,
                    #[cfg(feature = "mysql")]
                    $type::MySql(_) => Backend::MySql,
                }
            }

            pub(crate) async fn execute(self: $self, sql: SqlStr, values: Values) -> sqlx::Result<Done> {
                match self {
                    #[cfg(feature = "sqlite")]
                    $type::Sqlite($driver) => {
                        let done = sqlx::query_with(sql, SqlxValues(values)).execute($executor).await?;
                        Ok(Done { rows: done.rows_affected(), key: done.last_insert_rowid() })
                    }
                    #[cfg(feature = "postgres")]
                    $type::Postgres($driver) => {
                        let done = sqlx::query_with(sql, SqlxValues(values)).execute($executor).await?;
                        Ok(Done { rows: done.rows_affected(), key: 0 })
                    }
                    #[cfg(feature = "mysql")]
                    $type::MySql($driver) => {
                        let done = sqlx::query_with(sql, bound(values, Backend::MySql)).execute($executor).await?;
                        let key = done.last_insert_id().cast_signed();
                        Ok(Done { rows: done.rows_affected(), key })
                    }
                }
            }

            pub(crate) async fn fetch_one(self: $self, sql: SqlStr, values: Values) -> sqlx::Result<Row> {
                let backend = self.backend();
                whichever!($type, self, $driver => {
                    sqlx::query_with(sql, bound(values, backend)).fetch_one($executor).await.map(Row::from)
                })
            }

            pub(crate) async fn fetch_all(self: $self, sql: SqlStr, values: Values) -> sqlx::Result<Vec<Row>> {
                let backend = self.backend();
                whichever!($type, self, $driver => {
                    let rows = sqlx::query_with(sql, bound(values, backend)).fetch_all($executor).await?;
                    Ok(rows.into_iter().map(Row::from).collect())
                })
            }
        }
    };
}
statements!(Pool, &Self, pool => pool);
statements!(Open, &mut Self, transaction => &mut **transaction);
