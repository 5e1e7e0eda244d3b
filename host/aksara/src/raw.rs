//! SQL by hand. None of it sends signals.

use sea_query::Values;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::db::On;
use crate::row::Row;
use crate::{Db, Error, Instance, Model, Value, init};

impl Db {
    /// Reads instances by a query of your own, which runs as it stands and has to return all columns of the model. They
    /// are found by name, in any order and among others; of two with one name the first counts. Values are bound to the
    /// placeholders of the database: `?` on SQLite and MySQL, `$1` on PostgreSQL.
    ///
    /// The text is taken as it is: build it from nothing that a user wrote.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Decode`] for a row that does not fit the model.
    pub async fn query_raw<M: Model>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<Vec<Instance<M>>, Error> {
        let on = On { meta: M::meta(), doing: "reading rows by a raw query" };
        let mut rows = self.fetch(on, AssertSqlSafe(sql.to_owned()).into_sql_str(), Values(values)).await?;
        Row::arrange(&mut rows, M::meta())?;
        let mut rows: Vec<_> =
            rows.iter().map(|row| M::from_row(row).map(Instance::stored)).collect::<Result<_, _>>()?;
        init::send_all(self, &mut rows).await?;
        Ok(rows)
    }

    /// Runs a statement of your own; returns how many rows it changed. It bypasses handlers, validation and timestamps.
    ///
    /// The text is taken as it is: build it from nothing that a user wrote.
    ///
    /// # Errors
    /// [`Error::Database`]; [`Error::Transaction`] in a transaction that is read-only.
    pub async fn execute_raw(&self, sql: &str, values: Vec<Value>) -> Result<u64, Error> {
        self.execute_unnamed("running a raw statement", sql, Values(values)).await
    }
}
