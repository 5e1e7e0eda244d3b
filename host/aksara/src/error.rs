//! What can go wrong, with three outcomes kept apart: a handler refused, a plugin failed, the database failed.

use std::error::Error as StdError;

use crate::check::{Difference, lines};
use crate::meta::ModelMeta;
use crate::signals::DepthExceeded;
use crate::validate::ValidationErrors;
use crate::violation::{Constraint, Violated, Violation};

/// Any error, as handlers return it.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The instance is not valid: messages by field. Also what a handler's `invalid` becomes.
    #[error(transparent)]
    Validation(#[from] ValidationErrors),

    /// A handler refused the operation.
    #[error("{handler} refused {signal} of `{sender}`: {message}")]
    Rejected {
        /// The handler, with its kind: ``handler `app::check` ``, or a plugin's label.
        handler: String,
        /// Name of the signal.
        signal: &'static str,
        /// Label of the model.
        sender: &'static str,
        /// The handler's reason.
        message: String,
    },

    /// A native handler failed: with its own error, unchanged, as the source.
    #[error("handler `{handler}` for {signal} of `{sender}` failed: {source}")]
    Handler {
        /// The handler's id.
        handler: String,
        /// Name of the signal.
        signal: &'static str,
        /// Label of the model.
        sender: &'static str,
        /// What the handler returned.
        source: BoxError,
    },

    /// A plugin failed by its own fault: a trap, a limit, a bad reply. The text names it.
    #[error("{message}")]
    Plugin {
        /// Id of the handler, `plugin/handler`.
        handler: String,
        /// Name of the signal.
        signal: &'static str,
        /// Label of the model.
        sender: &'static str,
        /// What happened, in one line that names plugin, revision, signal and sender.
        message: String,
    },

    /// Handlers that save fired signals deeper than the limit.
    #[error(transparent)]
    Depth(#[from] DepthExceeded),

    /// A handler used the pool instead of the transaction in which its signal fires.
    #[error(
        "handler `{handler}` for {signal} of `{sender}` reached for the connection pool; use `event.db`, \
         the transaction in which the signal fires"
    )]
    PoolInHandler {
        /// The handler's id.
        handler: String,
        /// Name of the signal.
        signal: &'static str,
        /// Label of the model.
        sender: &'static str,
    },

    /// No row where one was expected.
    #[error("no `{model}` matches {criterion}")]
    NotFound {
        /// Label of the model.
        model: &'static str,
        /// What was looked for: `id = 7`, `the filter`.
        criterion: String,
    },

    /// Several rows where one was expected.
    #[error("more than one `{model}` matches the filter; narrow it, or use `first`")]
    MultipleFound {
        /// Label of the model.
        model: &'static str,
    },

    /// An operation on a query with `limit`, `offset` or an order, which it cannot have.
    #[error("cannot {operation} a slice of `{model}`; remove `limit`, `offset` and orders, or filter by key")]
    Sliced {
        /// `update`, `delete`, `stream`, `aggregate`.
        operation: &'static str,
        /// Label of the model.
        model: &'static str,
    },

    /// A statement with more values than the database can bind.
    #[error(
        "cannot bind {values} values in one statement while {doing}: {database} binds at most {limit}; split the filter or \
         the list, and make several queries"
    )]
    #[non_exhaustive]
    TooManyValues {
        /// What was being done.
        doing: &'static str,
        /// The database.
        database: &'static str,
        /// How many values there are.
        values: usize,
        /// How many there may be.
        limit: usize,
    },

    /// An instance in a state that the operation cannot be made on.
    #[error("cannot {operation} this `{model}`: {reason}")]
    State {
        /// `save`, `delete`, `refresh`.
        operation: &'static str,
        /// Label of the model.
        model: &'static str,
        /// What is wrong, and what to do.
        reason: &'static str,
    },

    /// A name in `update_fields` that cannot be saved.
    #[error("cannot save the field `{field}` of `{model}`: {reason}")]
    UpdateField {
        /// Label of the model.
        model: &'static str,
        /// The name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A delete that rows of another model stand against.
    #[error("cannot delete `{model}`: {rows} of `{by}` point to it by `{field}`, whose on_delete is {rule}")]
    Protected {
        /// Label of the model to be deleted.
        model: &'static str,
        /// Label of the model that points to it.
        by: &'static str,
        /// The foreign key.
        field: &'static str,
        /// `protect` or `restrict`.
        rule: &'static str,
        /// How many rows.
        rows: u64,
    },

    /// Two models with one label.
    #[error(
        "two models have the label `{label}`; give one of them another by `#[model(label = \"app.{label}\")]`"
    )]
    DuplicateLabel {
        /// The label.
        label: &'static str,
    },

    /// Two models with one table.
    #[error(
        "the models `{}` and `{}` have the same table `{table}`; give one of them another by `#[model(table = \"..\")]`",
        models[0],
        models[1]
    )]
    DuplicateTable {
        /// The table.
        table: &'static str,
        /// Labels of the two.
        models: [&'static str; 2],
    },

    /// Fixtures that cannot be loaded.
    #[error("cannot load the fixtures{}: {reason}", row.map(|row| format!(", row {row}")).unwrap_or_default())]
    Fixture {
        /// Which row, counted from 0; `None` for the whole.
        row: Option<usize>,
        /// What is wrong with it.
        reason: String,
    },

    /// A transaction handle that cannot be used any more, or not in this way.
    #[error("{0}")]
    Transaction(&'static str),

    /// A transaction, or a savepoint in it, of which the database keeps nothing: it can only be rolled back.
    #[error("{reason}; what failed first: {cause}")]
    Aborted {
        /// What has become of it, and what to do.
        reason: &'static str,
        /// The error that began it.
        cause: String,
    },

    /// A constraint of the database: unique, foreign key, not null, check.
    #[error("{}: {source}", Violation { kind: *kind, model, constraint: None, fields })]
    Integrity {
        /// Which kind of constraint.
        kind: Constraint,
        /// As [`Violation::model`].
        model: String,
        /// As [`Violation::constraint`].
        constraint: Option<Box<str>>,
        /// As [`Violation::fields`].
        fields: Box<[String]>,
        /// The database's words.
        source: sqlx::Error,
    },

    /// Tables that are not what their models say.
    #[error("the tables are not what the models say:{}", lines(differences))]
    Schema {
        /// Each difference, with the statements that resolve it.
        differences: Vec<Difference>,
    },

    /// A column that holds something else than its field.
    #[error(
        "cannot read `{table}.{column}`{} as {expected}: {reason}",
        key.as_ref().map(|key| format!(" in the row `{key}`")).unwrap_or_default()
    )]
    #[non_exhaustive]
    Decode {
        /// The table.
        table: String,
        /// Which row: `id = 7`. `None` where its key was not read, or cannot be.
        key: Option<String>,
        /// The column, or what was computed.
        column: String,
        /// What the field needs.
        expected: &'static str,
        /// What was found.
        reason: String,
    },

    /// A database URL that cannot be used.
    #[error("cannot use the database URL `{url}`: {reason}")]
    Url {
        /// The URL, without its secrets.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// Anything else that the database or the connection to it reports.
    #[error("database error while {doing}: {source}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
}

impl Error {
    pub(crate) fn database(doing: &'static str, source: sqlx::Error) -> Self {
        Error::Database { doing, source }
    }

    /// A driver's error on a statement, for this model if it is for one.
    pub(crate) fn of_statement(
        on: Option<&'static ModelMeta>,
        doing: &'static str,
        source: sqlx::Error,
    ) -> Self {
        match Violated::read(on, source) {
            Ok(violated) => violated.into(),
            Err(source) => Error::database(doing, source),
        }
    }

    /// The error that began it: in a handler that passed on the error of a save of its own, that one.
    pub(crate) fn root(&self) -> &Error {
        match self {
            Error::Handler { source, .. } => source.downcast_ref::<Error>().map_or(self, Error::root),
            _ => self,
        }
    }

    /// Whether no row was found where one was expected.
    pub fn is_not_found(&self) -> bool {
        matches!(self.root(), Error::NotFound { .. })
    }

    /// Whether a handler said no: by rejecting, or by finding the instance invalid.
    pub fn is_refusal(&self) -> bool {
        matches!(self.root(), Error::Rejected { .. } | Error::Validation(_))
    }

    /// Whether a plugin failed by its own fault.
    pub fn is_plugin_fault(&self) -> bool {
        matches!(self.root(), Error::Plugin { .. })
    }

    /// Whether what a concurrent transaction did stood against it, such as a deadlock: it may succeed when the whole
    /// transaction is run again, as [`transaction_with`](crate::Db::transaction_with) does.
    pub fn is_conflict(&self) -> bool {
        matches!(self.root(), Error::Database { source, .. } if is_conflict(source))
    }

    /// Whether the database failed rather than what was asked of it.
    #[cfg(feature = "plugins")]
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self.root(), Error::Database { source, .. } if is_outage(source))
    }

    /// Returns the constraint of the database that was violated, also by a save that a handler made; `None` for any other
    /// error. It names the fields, for a message next to each.
    pub fn violation(&self) -> Option<Violation<'_>> {
        match self.root() {
            Error::Integrity { kind, model, constraint, fields, .. } => {
                Some(Violation { kind: *kind, model, constraint: constraint.as_deref(), fields })
            }
            _ => None,
        }
    }

    /// Whether a unique constraint was violated: another row has the same value.
    pub fn is_unique_violation(&self) -> bool {
        self.violates(Constraint::Unique)
    }

    /// Whether a foreign key was violated: it points nowhere, or a row is still pointed to.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.violates(Constraint::ForeignKey)
    }

    /// Whether a null is where none may be.
    pub fn is_not_null_violation(&self) -> bool {
        self.violates(Constraint::NotNull)
    }

    /// Whether a check of the table failed.
    pub fn is_check_violation(&self) -> bool {
        self.violates(Constraint::Check)
    }

    fn violates(&self, kind: Constraint) -> bool {
        self.violation().is_some_and(|violation| violation.kind == kind)
    }
}

/// Whether a statement failed for what a concurrent transaction did, so that it may succeed when all is run again.
///
/// SQLSTATE 40001 (serialization failure) and 40P01 (deadlock), MySQL's 1213 (deadlock) and 1205 (lock wait timeout),
/// SQLite's BUSY_SNAPSHOT (517).
pub(crate) fn is_conflict(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(error.number(), 1213 | 1205);
    }
    matches!(error.code().as_deref(), Some("40001" | "40P01" | "517"))
}

/// Whether the database failed rather than the statement: it cannot be reached, has no room, is locked, or gave the
/// transaction up.
#[cfg(feature = "plugins")]
fn is_outage(error: &sqlx::Error) -> bool {
    let database = match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => return true,
        sqlx::Error::Database(database) => database,
        _ => return is_lost(error),
    };
    let code = database.code().unwrap_or_default();
    #[cfg(feature = "sqlite")]
    if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        // BUSY to CORRUPT, FULL, CANTOPEN and PROTOCOL, NOTADB; above them is a closer description.
        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5..=11 | 13..=15 | 26));
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        // What has no class of its own: a full disk or table, no memory, too many connections, locks, read-only, stopped.
        let number = error.number();
        let is_told =
            matches!(number, 1021 | 1030 | 1037 | 1038 | 1040 | 1041 | 1114 | 1205 | 1206 | 1290 | 1836);
        return is_told || is_lost_or_stopped(&code);
    }
    is_lost_or_stopped(&code)
}

/// Connections, the transaction's state, conflicts, resources, locks, stops, system and internal errors: by class of
/// SQLSTATE.
#[cfg(feature = "plugins")]
fn is_lost_or_stopped(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "25" | "40" | "53" | "55" | "57" | "58" | "70" | "XX"))
}

/// Whether the connection is gone, and a transaction with it.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        // PostgreSQL: the server shuts down, has crashed, or drops the connection.
        #[cfg(feature = "postgres")]
        sqlx::Error::Database(error)
            if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() =>
        {
            matches!(error.code().as_deref(), Some("57P01" | "57P02" | "57P03" | "57P05" | "25P03"))
        }
        // MySQL: the server shuts down, or the connection was killed.
        #[cfg(feature = "mysql")]
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
            .is_some_and(|error| matches!(error.number(), 1053 | 1927)),
        _ => false,
    }
}

/// Whether the database has rolled back the whole transaction, or will let it do nothing more: MySQL's deadlock (1213)
/// and full table of locks (1206), SQLite's BUSY_SNAPSHOT (517).
pub(crate) fn ends_transaction(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(error.number(), 1213 | 1206);
    }
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return error.code().as_deref() == Some("517");
    }
    false
}

/// Whether PostgreSQL refuses a statement since the table has changed since it was prepared.
pub(crate) fn is_stale(error: &sqlx::Error) -> bool {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.as_database_error()
        && let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
    {
        return error.code() == "0A000" && error.routine() == Some("RevalidateCachedQuery");
    }
    let _ = error;
    false
}

/// Whether SQLite refuses a write, since the database or its log could not be opened for it: READONLY (8), of which there are
/// several.
#[cfg(feature = "sqlite")]
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    sqlite_code(error) == Some(8)
}

/// Returns the number of an error of SQLite, without what tells several of one kind apart.
#[cfg(feature = "sqlite")]
pub(crate) fn sqlite_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    let code: u32 = sqlx::error::DatabaseError::code(error)?.parse().ok()?;
    Some(code & 0xff)
}
