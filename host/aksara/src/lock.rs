//! Locks of the rows that are read, until the transaction ends: what is changed then is based on what is stored.

use sea_query::{Alias, LockType, SelectStatement, Values};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::{Backend, Db};

/// What others may do meanwhile with the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lock {
    /// Read them, without a lock.
    Update,
    /// Read them, also with a lock of this kind.
    Share,
}

impl Lock {
    /// Returns the text of a statement that reads rows of this table and locks them. What such a statement reads is what
    /// was committed last, also where the transaction otherwise sees older rows.
    pub(crate) fn statement(
        self,
        db: &Db,
        select: &mut SelectStatement,
        table: &'static str,
    ) -> (SqlStr, Values) {
        match (db.backend(), self) {
            // A transaction of SQLite that may write is alone.
            (Backend::Sqlite, _) => db.built(select),
            // Of the tables of a join, the one that is asked for: the others may have no row to lock.
            (Backend::Postgres, Lock::Update) => {
                db.built(select.lock_with_tables(LockType::Update, [Alias::new(table)]))
            }
            (Backend::Postgres, Lock::Share) => {
                db.built(select.lock_with_tables(LockType::Share, [Alias::new(table)]))
            }
            (Backend::MySql, Lock::Update) => db.built(select.lock(LockType::Update)),
            // MariaDB has no FOR SHARE.
            (Backend::MySql, Lock::Share) => {
                let (sql, values) = db.built(select);
                (AssertSqlSafe(format!("{} LOCK IN SHARE MODE", sql.as_str())).into_sql_str(), values)
            }
        }
    }
}
