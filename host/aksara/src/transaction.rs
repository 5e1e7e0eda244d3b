//! Transactions, savepoints, and what runs after the commit.

use std::cmp::Ordering;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{AssertSqlSafe, Executor, Sqlite, SqliteConnection, Transaction};

use crate::error::BoxError;
use crate::plugins::PluginSet;
use crate::{Db, Error};

/// A future on the heap, as handlers return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

type CommitCallback = Box<dyn FnOnce(Db) -> BoxFuture<'static, Result<(), BoxError>> + Send>;

const ENDED: &str = "the transaction has ended; this handle of it cannot be used any more";
const IN_USE: &str = "this handle of a transaction is in use: by an operation that has not ended, or by a savepoint \
                      inside it; await the operation first, or use the handle that the savepoint gave";

/// An open transaction, shared by all handles to it. Its connection is locked for each statement.
pub(crate) struct Tx {
    connection: tokio::sync::Mutex<Option<Transaction<'static, Sqlite>>>,
    state: Mutex<TxState>,
    /// The plugins that the transaction began with, and keeps until it ends.
    plugins: Option<Arc<PluginSet>>,
}

struct TxState {
    /// Callbacks of the transaction, then of each open savepoint.
    frames: Vec<Vec<CommitCallback>>,
    /// The outermost savepoint whose scope was dropped before it ended. It is rolled back before the next statement.
    abandoned: Option<usize>,
}

/// A handle to an open transaction, or to a savepoint in it.
#[derive(Clone)]
pub(crate) struct TxHandle {
    tx: Arc<Tx>,
    /// 0 for the transaction itself, above it the depth of the savepoint.
    depth: usize,
}

impl Tx {
    fn state(&self) -> MutexGuard<'_, TxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TxHandle {
    /// The plugins that the transaction began with.
    pub(crate) fn plugins(&self) -> Option<Arc<PluginSet>> {
        self.tx.plugins.clone()
    }

    /// The connection, with abandoned savepoints rolled back. While a savepoint inside this one is open, only its
    /// own handle may be used: whatever else ran here would be undone with it.
    pub(crate) async fn connection(&self) -> Result<Connection<'_>, Error> {
        let mut connection = Connection(self.tx.connection.lock().await);
        let abandoned = self.tx.state().abandoned;
        if let Some(depth) = abandoned {
            connection.roll_back_to(depth).await?;
            let mut state = self.tx.state();
            state.frames.truncate(depth);
            state.abandoned = None;
        }
        let open = self.tx.state().frames.len();
        match open.cmp(&(self.depth + 1)) {
            Ordering::Equal => Ok(connection),
            Ordering::Greater => Err(Error::Transaction(IN_USE)),
            Ordering::Less => Err(Error::Transaction(ENDED)),
        }
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
    handle: TxHandle,
    ended: bool,
}

impl Scope {
    pub(crate) async fn enter(db: &Db) -> Result<Scope, Error> {
        let handle = match &db.tx {
            None => begin(db).await?,
            Some(outer) => savepoint(outer).await?,
        };
        let db = Db { shared: db.shared.clone(), tx: Some(handle.clone()) };
        Ok(Scope { db, handle, ended: false })
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
        let TxHandle { tx, depth } = self.handle.clone();
        let mut connection = self.handle.connection().await?;
        let mut callbacks = Vec::new();
        if depth > 0 {
            connection.run(format!("RELEASE aksara_{depth}"), "releasing a savepoint").await?;
            self.ended = true;
            // They run after the outermost commit, whoever makes it.
            let mut state = tx.state();
            let released = state.frames.pop().unwrap_or_default();
            if let Some(outer) = state.frames.last_mut() {
                outer.extend(released);
            }
        } else {
            let transaction = connection.0.take().ok_or(Error::Transaction(ENDED))?;
            transaction.commit().await.map_err(|error| Error::database("committing", error))?;
            self.ended = true;
            callbacks.extend(tx.state().frames.drain(..).flatten());
        }
        Ok(AfterCommit { db: self.db.outside(), callbacks })
    }

    async fn undo(&mut self) -> Result<(), Error> {
        let TxHandle { tx, depth } = self.handle.clone();
        let mut connection = Connection(tx.connection.lock().await);
        if depth > 0 {
            connection.roll_back_to(depth).await?;
            let mut state = tx.state();
            state.frames.truncate(depth);
            state.abandoned = None;
        } else if let Some(transaction) = connection.0.take() {
            tx.state().frames.clear();
            transaction.rollback().await.map_err(|error| Error::database("rolling back", error))?;
        }
        self.ended = true;
        Ok(())
    }
}

async fn begin(db: &Db) -> Result<TxHandle, Error> {
    // A deferred transaction that turns to writing fails at once when another writes; an immediate one waits.
    let transaction = db.pool()?.begin_with("BEGIN IMMEDIATE").await;
    let transaction = transaction.map_err(|error| Error::database("beginning a transaction", error))?;
    let tx = Tx {
        connection: tokio::sync::Mutex::new(Some(transaction)),
        state: Mutex::new(TxState { frames: vec![Vec::new()], abandoned: None }),
        plugins: db.plugin_set(),
    };
    Ok(TxHandle { tx: Arc::new(tx), depth: 0 })
}

async fn savepoint(outer: &TxHandle) -> Result<TxHandle, Error> {
    let mut connection = outer.connection().await?;
    let depth = outer.depth + 1;
    connection.run(format!("SAVEPOINT aksara_{depth}"), "setting a savepoint").await?;
    outer.tx.state().frames.push(Vec::new());
    Ok(TxHandle { tx: outer.tx.clone(), depth })
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let TxHandle { tx, depth } = &self.handle;
        if *depth > 0 {
            let mut state = tx.state();
            state.abandoned = Some(state.abandoned.map_or(*depth, |abandoned| abandoned.min(*depth)));
        } else if let Ok(mut connection) = tx.connection.try_lock() {
            // Dropping the driver's transaction rolls it back. Where another handle holds the lock, the last handle
            // to go drops it.
            connection.take();
            tx.state().frames.clear();
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
        let mut state = tx.tx.state();
        let frame = state.frames.last_mut().ok_or(Error::Transaction(ENDED))?;
        frame.push(callback);
        Ok(())
    }
}
