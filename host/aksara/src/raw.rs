//! SQL by hand. None of it sends signals.

use sea_query::Values;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::db::On;
use crate::{Db, Error, Instance, Model, Value};

impl Db {
    /// Reads instances by a query of your own, which has to return all columns of the model, by whatever order. Values
    /// are bound to the placeholders of the database: `?` on SQLite and MySQL, `$1` on PostgreSQL.
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
        // Names the columns, so that their order does not matter.
        let quote = if self.backend() == crate::Backend::MySql { '`' } else { '"' };
        let columns = M::meta().fields.iter().map(|field| format!("{quote}{}{quote}", field.name));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {columns} FROM ({}) AS raw", sql.trim().trim_end_matches(';'));
        let on = On { meta: M::meta(), doing: "reading rows by a raw query" };
        let rows = self.fetch(on, AssertSqlSafe(sql).into_sql_str(), Values(values)).await?;
        rows.iter().map(|row| M::from_row(row).map(Instance::stored)).collect()
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
