//! Transactions, savepoints, and what runs after the commit.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{AssertSqlSafe, Executor, Sqlite, SqliteConnection, Transaction};

use crate::db::Shared;
use crate::error::BoxError;
use crate::plugins::PluginSet;
use crate::{Db, Error};

/// A future on the heap, as handlers return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type CommitCallback = Box<dyn FnOnce(Db) -> BoxFuture<'static, Result<(), BoxError>> + Send>;

const ENDED: &str = "the transaction has ended; this handle of it cannot be used any more";
const OVERLAP: &str = "two operations ran at the same time on one transaction, which was therefore rolled back; \
                       await one before starting the next";

/// An open transaction, shared by all handles to it. Its connection is locked for each statement.
pub(crate) struct Tx {
    connection: tokio::sync::Mutex<Option<Transaction<'static, Sqlite>>>,
    state: Mutex<TxState>,
    /// The plugins that the transaction began with, and keeps until it ends.
    pub(crate) plugins: Option<Arc<PluginSet>>,
}

#[derive(Default)]
struct TxState {
    /// Callbacks of the transaction, then of each open savepoint.
    frames: Vec<Vec<CommitCallback>>,
    /// The outermost savepoint whose scope was dropped before it ended. It is rolled back before the next statement.
    abandoned: Option<usize>,
    /// Why nothing can be committed any more.
    broken: Option<&'static str>,
}

impl Tx {
    fn state(&self) -> MutexGuard<'_, TxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, with abandoned savepoints rolled back.
    pub(crate) async fn connection(&self) -> Result<Connection<'_>, Error> {
        let mut connection = Connection(self.connection.lock().await);
        let abandoned = self.state().abandoned;
        if let Some(depth) = abandoned {
            connection.roll_back_to(depth).await?;
            let mut state = self.state();
            state.frames.truncate(depth);
            state.abandoned = None;
        }
        Ok(connection)
    }
}

/// The locked connection of a transaction.
pub(crate) struct Connection<'a>(tokio::sync::MutexGuard<'a, Option<Transaction<'static, Sqlite>>>);

impl Connection<'_> {
    pub(crate) fn get(&mut self) -> Result<&mut SqliteConnection, Error> {
        self.0.as_deref_mut().ok_or(Error::Transaction(ENDED))
    }

    async fn run(&mut self, sql: String, doing: &'static str) -> Result<(), Error> {
        let run = self.get()?.execute(AssertSqlSafe(sql)).await;
        run.map(drop).map_err(|error| Error::database(doing, error))
    }

    async fn roll_back_to(&mut self, depth: usize) -> Result<(), Error> {
        let sql = format!("ROLLBACK TO aksara_{depth}; RELEASE aksara_{depth}");
        self.run(sql, "rolling back a savepoint").await
    }
}

/// One operation that happens wholly or not at all: a transaction, or a savepoint inside the one that is open.
///
/// Dropped before it ended, it is rolled back.
pub(crate) struct Scope {
    db: Db,
    tx: Arc<Tx>,
    /// 0 for the transaction itself, above it the depth of the savepoint.
    depth: usize,
    ended: bool,
}

impl Scope {
    pub(crate) async fn enter(db: &Db) -> Result<Scope, Error> {
        match &db.tx {
            None => Scope::begin(&db.shared, db).await,
            Some(tx) => Scope::savepoint(db, tx.clone()).await,
        }
    }

    async fn begin(shared: &Arc<Shared>, db: &Db) -> Result<Scope, Error> {
        // A deferred transaction that turns to writing fails at once when another writes; an immediate one waits.
        let transaction = db.pool()?.begin_with("BEGIN IMMEDIATE").await;
        let transaction = transaction.map_err(|error| Error::database("beginning a transaction", error))?;
        let tx = Arc::new(Tx {
            connection: tokio::sync::Mutex::new(Some(transaction)),
            state: Mutex::new(TxState { frames: vec![Vec::new()], ..TxState::default() }),
            plugins: db.plugin_set(),
        });
        let db = Db { shared: shared.clone(), tx: Some(tx.clone()) };
        Ok(Scope { db, tx, depth: 0, ended: false })
    }

    async fn savepoint(db: &Db, tx: Arc<Tx>) -> Result<Scope, Error> {
        let mut connection = tx.connection().await?;
        let depth = tx.state().frames.len();
        connection.run(format!("SAVEPOINT aksara_{depth}"), "setting a savepoint").await?;
        tx.state().frames.push(Vec::new());
        drop(connection);
        Ok(Scope { db: db.clone(), tx, depth, ended: false })
    }

    /// The handle to be used inside.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Ends the operation: keeps it when the result is Ok, undoes it otherwise. Run what comes back when everything
    /// else is done.
    pub(crate) async fn finish<T, E: From<Error>>(
        mut self,
        result: Result<T, E>,
    ) -> Result<(T, AfterCommit), E> {
        match result {
            Ok(value) => match self.keep().await {
                Ok(after) => Ok((value, after)),
                Err(error) => Err(error.into()),
            },
            Err(error) => {
                if let Err(rollback) = self.undo().await {
                    tracing::error!(error = %rollback, "a rollback failed; the connection is closed");
                }
                Err(error)
            }
        }
    }

    async fn keep(&mut self) -> Result<AfterCommit, Error> {
        let mut connection = self.tx.connection().await?;
        let overlapping = self.tx.state().frames.len() != self.depth + 1;
        if overlapping {
            self.tx.state().broken = Some(OVERLAP);
        }
        let broken = self.tx.state().broken;
        if self.depth > 0 {
            if let Some(reason) = broken {
                return Err(Error::Transaction(reason));
            }
            connection.run(format!("RELEASE aksara_{}", self.depth), "releasing a savepoint").await?;
            self.ended = true;
            let mut state = self.tx.state();
            let callbacks = state.frames.pop().unwrap_or_default();
            if let Some(outer) = state.frames.last_mut() {
                outer.extend(callbacks);
            }
            // They run after the outermost commit, whoever makes it.
            return Ok(AfterCommit { db: self.db.outside(), callbacks: Vec::new() });
        }
        let transaction = connection.0.take().ok_or(Error::Transaction(ENDED))?;
        self.ended = true;
        if let Some(reason) = broken {
            transaction.rollback().await.map_err(|error| Error::database("rolling back", error))?;
            return Err(Error::Transaction(reason));
        }
        transaction.commit().await.map_err(|error| Error::database("committing", error))?;
        let callbacks = self.tx.state().frames.drain(..).flatten().collect();
        Ok(AfterCommit { db: self.db.outside(), callbacks })
    }

    async fn undo(&mut self) -> Result<(), Error> {
        let mut connection = self.tx.connection().await?;
        if self.depth > 0 {
            connection.roll_back_to(self.depth).await?;
            self.ended = true;
            self.tx.state().frames.truncate(self.depth);
            return Ok(());
        }
        self.ended = true;
        match connection.0.take() {
            Some(transaction) => {
                transaction.rollback().await.map_err(|error| Error::database("rolling back", error))
            }
            None => Ok(()),
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if self.depth > 0 {
            let mut state = self.tx.state();
            state.abandoned = Some(state.abandoned.map_or(self.depth, |depth| depth.min(self.depth)));
        } else if let Ok(mut connection) = self.tx.connection.try_lock() {
            // Dropping the driver's transaction rolls it back. Where another handle holds the lock, the last handle
            // to go drops it.
            connection.take();
        }
    }
}

/// What is to run after the commit.
#[must_use]
pub(crate) struct AfterCommit {
    db: Db,
    callbacks: Vec<CommitCallback>,
}

impl AfterCommit {
    pub(crate) async fn run(self) {
        for callback in self.callbacks {
            report(callback(self.db.clone()).await);
        }
    }
}

/// An error after the commit cannot undo it, so it is logged and the next callback runs.
fn report(result: Result<(), BoxError>) {
    if let Err(error) = result {
        tracing::error!(error = %error, "a callback after the commit failed");
    }
}

impl Db {
    /// Runs `body` in a transaction: committed when it returns Ok, rolled back when it returns an error or is
    /// dropped. Inside a transaction this is a savepoint, of which the same holds.
    ///
    /// `body` gets the handle to use inside.
    ///
    /// ```no_run
    /// # async fn example(db: aksara::Db) -> Result<(), aksara::Error> {
    /// db.transaction(async |tx| {
    ///     // everything here through `&tx`
    ///     Ok::<_, aksara::Error>(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `body`, and those of beginning and committing.
    pub async fn transaction<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: AsyncFnOnce(Db) -> Result<T, E>,
        E: From<Error>,
    {
        let scope = Scope::enter(self).await?;
        let result = body(scope.db().clone()).await;
        let (value, after) = scope.finish(result).await?;
        after.run().await;
        Ok(value)
    }

    /// Runs `callback` after the outermost transaction has committed, in order of registration; never when it, or
    /// the savepoint under way, is rolled back. With no transaction open it runs at once.
    ///
    /// `callback` gets the database outside of the transaction. Its error cannot undo the commit: it is logged, and
    /// the other callbacks still run.
    ///
    /// # Errors
    /// [`Error::Transaction`] when this transaction has ended already.
    pub async fn on_commit<F, Fut, E>(&self, callback: F) -> Result<(), Error>
    where
        F: FnOnce(Db) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let Some(tx) = &self.tx else {
            report(callback(self.clone()).await.map_err(Into::into));
            return Ok(());
        };
        let callback: CommitCallback = Box::new(|db| {
            let future = callback(db);
            Box::pin(async move { future.await.map_err(Into::into) })
        });
        // Settles an abandoned savepoint first, whose frame must not get the callback.
        let _connection = tx.connection().await?;
        let mut state = tx.state();
        let frame = state.frames.last_mut().ok_or(Error::Transaction(ENDED))?;
        frame.push(callback);
        Ok(())
    }
}
