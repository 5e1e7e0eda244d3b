//! The database handle: a pool of connections, or the transaction that the code runs in.

use std::fmt;
use std::sync::Arc;

use sea_query::{QueryStatementWriter, Values};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::driver::{Done, Pool};
use crate::meta::ModelMeta;
use crate::plugins::PluginSet;
use crate::row::Row;
use crate::signals::{self, Written};
use crate::transaction::{Connection, Scope, TxHandle};
use crate::uuids::UuidForms;
use crate::whole::to_the_end;
use crate::{Backend, DbOptions, Error, violation};

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
    pub(crate) backend: Backend,
    pub(crate) pool: Pool,
    pub(crate) uuids: UuidForms,
    #[cfg(feature = "plugins")]
    pub(crate) plugins: Option<crate::Plugins>,
    #[cfg(feature = "plugins")]
    pub(crate) services: crate::services::Services,
}

impl Db {
    /// Opens a database by URL: `sqlite://app.db?mode=rwc` (a file, made when missing), `sqlite::memory:`,
    /// `postgres://user:password@host/database`, `mysql://..` or `mariadb://..`.
    ///
    /// # Errors
    /// As [`DbOptions::connect`].
    pub async fn connect(url: &str) -> Result<Db, Error> {
        Db::options(url).connect().await
    }

    /// Options for the database at this URL.
    pub fn options(url: impl Into<String>) -> DbOptions {
        DbOptions::new(url.into())
    }

    /// What kind of database it is.
    pub fn backend(&self) -> Backend {
        self.shared.backend
    }

    /// The name of the database, as events carry it.
    pub fn alias(&self) -> &str {
        &self.shared.alias
    }

    /// Whether this handle is a transaction.
    pub fn in_transaction(&self) -> bool {
        self.tx.is_some()
    }

    /// Why the database keeps nothing of this transaction, if it does not.
    #[cfg(feature = "plugins")]
    pub(crate) fn lost(&self) -> Option<Error> {
        self.tx.as_ref()?.lost()
    }

    /// Takes notice that an instance was written in this transaction.
    pub(crate) fn wrote_instance(&self, written: Written) {
        if let Some(tx) = &self.tx {
            tx.wrote_instance(written);
        }
    }

    /// How many statements that write there have been in this transaction.
    pub(crate) fn writes(&self) -> u64 {
        self.tx.as_ref().map_or(0, TxHandle::writes)
    }

    /// Whether a write that fails here would take the transaction with it, if it had no savepoint of its own.
    pub(crate) fn needs_savepoint(&self) -> bool {
        self.in_transaction() && self.backend().aborts_on_error()
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
        self.execute_done(on, sql, values).await.map(|done| done.rows)
    }

    /// Runs a statement; returns all that is known of what it did.
    pub(crate) async fn execute_done(
        &self,
        on: On,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Done, Error> {
        self.check_values(on.doing, &values)?;
        let values = self.fitted(on, values).await?;
        let done = self.done(sql.into_sql_str(), values).await?;
        violation::asked(self, done.map_err(|error| on.error(error))).await
    }

    /// # Errors
    /// [`Error::TooManyValues`], which the database would say in words of its own, or not at all.
    fn check_values(&self, doing: &'static str, values: &Values) -> Result<(), Error> {
        let (limit, values) = (self.backend().binds_max(), values.0.len());
        if values <= limit {
            return Ok(());
        }
        Err(Error::TooManyValues { doing, database: self.backend().name(), values, limit })
    }

    /// Runs a statement that is for no model.
    pub(crate) async fn execute_unnamed(
        &self,
        doing: &'static str,
        sql: &str,
        values: Values,
    ) -> Result<u64, Error> {
        self.check_values(doing, &values)?;
        self.shared.uuids.forget();
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let rows = async |db: &Db| {
            let done = db.done(sql, values).await?;
            done.map(|done| done.rows).map_err(|error| Error::of_statement(None, doing, error))
        };
        if !self.in_transaction() {
            return violation::asked(self, rows(self).await).await;
        }
        // The savepoint undoes it where it fails, and tells when it has ended the transaction.
        let scope = Scope::enter(self).await?;
        let written = rows(scope.db()).await;
        let (rows, after) = violation::asked(self, scope.finish(written).await).await?;
        after.run().await;
        Ok(rows)
    }

    async fn done(&self, sql: SqlStr, values: Values) -> Result<sqlx::Result<Done>, Error> {
        let Some(tx) = &self.tx else { return Ok(self.pool()?.execute(sql, values).await) };
        let mut connection = tx.connection_to_write().await?;
        let write = tx.write();
        let statement = async move {
            let done = connection.get()?.execute(sql, values).await;
            Ok(connection.noted(done).await)
        };
        let done = to_the_end(statement).await;
        write.end();
        tx.wrote();
        done
    }

    /// Runs a statement that writes rows; returns what it says of them.
    pub(crate) async fn fetch_written(
        &self,
        on: On,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Vec<Row>, Error> {
        self.check_values(on.doing, &values)?;
        let sql = sql.into_sql_str();
        let values = self.fitted(on, values).await?;
        let rows = match &self.tx {
            Some(tx) => {
                let connection = tx.connection_to_write().await?;
                let write = tx.write();
                let rows = fetch_all(connection, sql, values).await;
                write.end();
                tx.wrote();
                rows?
            }
            None => self.pool()?.fetch_all(sql, values).await,
        };
        let rows = violation::asked(self, rows.map_err(|error| on.error(error))).await?;
        Ok(on.rows(rows))
    }

    /// Runs a query; returns its rows.
    pub(crate) async fn fetch(
        &self,
        on: On,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Vec<Row>, Error> {
        self.check_values(on.doing, &values)?;
        let values = self.fitted(on, values).await?;
        self.fetch_as_bound(on, sql, values).await
    }

    /// Runs a query with values that are bound as they are; returns its rows.
    pub(crate) async fn fetch_as_bound(
        &self,
        on: On,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Vec<Row>, Error> {
        let rows = self.rows(sql.into_sql_str(), values).await?;
        rows.map(|rows| on.rows(rows)).map_err(|error| on.error(error))
    }

    /// Runs a query; returns its rows, or the driver's error.
    pub(crate) async fn rows(&self, sql: SqlStr, values: Values) -> Result<sqlx::Result<Vec<Row>>, Error> {
        match &self.tx {
            Some(tx) => fetch_all(tx.connection().await?, sql, values).await,
            None => Ok(self.pool()?.fetch_all(sql, values).await),
        }
    }

    /// The text of a statement that was built for this one call, and its values.
    pub(crate) fn built(&self, statement: &impl QueryStatementWriter) -> (SqlStr, Values) {
        let (sql, values) = self.shared.backend.render(statement);
        (AssertSqlSafe(sql).into_sql_str(), values)
    }

    /// The pool, unless a handler asks, which is to use the transaction that its event gives.
    pub(crate) fn pool(&self) -> Result<&Pool, Error> {
        signals::check_outside_handler(&self.shared)?;
        Ok(&self.shared.pool)
    }
}

async fn fetch_all(
    mut connection: Connection,
    sql: SqlStr,
    values: Values,
) -> Result<sqlx::Result<Vec<Row>>, Error> {
    let statement = async move {
        let rows = connection.get()?.fetch_all(sql, values).await;
        Ok(connection.noted(rows).await)
    };
    to_the_end(statement).await
}

/// What a statement is for, to say so when it fails.
#[derive(Clone, Copy)]
pub(crate) struct On {
    pub(crate) meta: &'static ModelMeta,
    pub(crate) doing: &'static str,
}

impl On {
    fn error(self, error: sqlx::Error) -> Error {
        Error::of_statement(Some(self.meta), self.doing, error)
    }

    /// Rows that say which table they are of.
    fn rows(self, rows: Vec<Row>) -> Vec<Row> {
        rows.into_iter().map(|row| row.of(self.meta)).collect()
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
