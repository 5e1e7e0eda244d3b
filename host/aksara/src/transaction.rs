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
const INTERRUPTED: &str =
    "a write in this transaction was dropped before it ended, and may have happened; roll back";
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
    /// The transaction, then each open savepoint.
    frames: Vec<Frame>,
    /// The outermost savepoint whose scope was dropped before it ended. It is rolled back before the next statement.
    abandoned: Option<usize>,
}

/// A transaction, or a savepoint in it.
#[derive(Default)]
struct Frame {
    callbacks: Vec<CommitCallback>,
    /// Whether the database knows of it: a savepoint is set by the first statement inside it.
    set: bool,
    /// A write was dropped under way, and may have happened: there is nothing to do but to roll back.
    interrupted: bool,
}

/// A handle to an open transaction, or to a savepoint in it.
#[derive(Clone)]
pub(crate) struct TxHandle {
    tx: Arc<Tx>,
    /// 0 for the transaction itself, above it the depth of the savepoint.
    depth: usize,
    /// Statements run inside this savepoint or, being the last of their scope, only inside those around it.
    guarded: usize,
}

impl Tx {
    fn state(&self) -> MutexGuard<'_, TxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TxHandle {
    fn new(tx: Arc<Tx>, depth: usize) -> Self {
        TxHandle { tx, depth, guarded: depth }
    }

    /// The plugins that the transaction began with.
    pub(crate) fn plugins(&self) -> Option<Arc<PluginSet>> {
        self.tx.plugins.clone()
    }

    /// The connection, for a statement: with the savepoints around it set.
    pub(crate) async fn connection(&self) -> Result<Connection<'_>, Error> {
        let mut connection = self.settled().await?;
        while let Some(depth) = self.unset() {
            connection.run(format!("SAVEPOINT aksara_{depth}"), "setting a savepoint").await?;
            self.tx.state().frames[depth].set = true;
        }
        Ok(connection)
    }

    /// The first savepoint around the statements of this handle that is not set yet.
    fn unset(&self) -> Option<usize> {
        self.tx.state().frames.iter().take(self.guarded + 1).position(|frame| !frame.set)
    }

    /// The connection, with abandoned savepoints rolled back. While a savepoint inside this one is open, only its
    /// own handle may be used: whatever else ran here would be undone with it.
    async fn settled(&self) -> Result<Connection<'_>, Error> {
        let mut connection = Connection(self.tx.connection.lock().await);
        let abandoned = self.tx.state().abandoned;
        if let Some(depth) = abandoned {
            connection.roll_back_to(&self.tx, depth).await?;
        }
        let state = self.tx.state();
        match state.frames.len().cmp(&(self.depth + 1)) {
            Ordering::Greater => return Err(Error::Transaction(IN_USE)),
            Ordering::Less => return Err(Error::Transaction(ENDED)),
            Ordering::Equal => {}
        }
        match state.frames.iter().any(|frame| frame.interrupted) {
            true => Err(Error::Transaction(INTERRUPTED)),
            false => Ok(connection),
        }
    }

    /// To be held while a write is under way.
    pub(crate) fn write(&self) -> Write<'_> {
        Write { handle: self, ended: false }
    }
}

/// A write under way. Dropped before it ended, the savepoint or transaction around it can only be rolled back.
pub(crate) struct Write<'a> {
    handle: &'a TxHandle,
    ended: bool,
}

impl Write<'_> {
    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let mut state = self.handle.tx.state();
            if let Some(frame) = state.frames.iter_mut().rfind(|frame| frame.set) {
                frame.interrupted = true;
            }
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

    async fn roll_back_to(&mut self, tx: &Tx, depth: usize) -> Result<(), Error> {
        if tx.state().frames.get(depth).is_some_and(|frame| frame.set) {
            let sql = format!("ROLLBACK TO aksara_{depth}; RELEASE aksara_{depth}");
            self.run(sql, "rolling back a savepoint").await?;
        }
        let mut state = tx.state();
        state.frames.truncate(depth);
        state.abandoned = None;
        Ok(())
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

    /// The handle for a write with which the operation ends. A statement that fails is undone by itself, so that this
    /// one needs no savepoint of its own.
    pub(crate) fn last(&self) -> Db {
        let guarded = self.handle.depth.saturating_sub(1);
        Db { shared: self.db.shared.clone(), tx: Some(TxHandle { guarded, ..self.handle.clone() }) }
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
        let TxHandle { tx, depth, .. } = self.handle.clone();
        let mut connection = self.handle.settled().await?;
        let mut callbacks = Vec::new();
        if depth > 0 {
            if tx.state().frames.last().is_some_and(|frame| frame.set) {
                connection.run(format!("RELEASE aksara_{depth}"), "releasing a savepoint").await?;
            }
            self.ended = true;
            // They run after the outermost commit, whoever makes it.
            let mut state = tx.state();
            let released = state.frames.pop().unwrap_or_default();
            if let Some(outer) = state.frames.last_mut() {
                outer.callbacks.extend(released.callbacks);
            }
        } else {
            let transaction = connection.0.take().ok_or(Error::Transaction(ENDED))?;
            transaction.commit().await.map_err(|error| Error::database("committing", error))?;
            self.ended = true;
            callbacks.extend(tx.state().frames.drain(..).flat_map(|frame| frame.callbacks));
        }
        Ok(AfterCommit { db: self.db.outside(), callbacks })
    }

    async fn undo(&mut self) -> Result<(), Error> {
        let TxHandle { tx, depth, .. } = self.handle.clone();
        let mut connection = Connection(tx.connection.lock().await);
        if depth > 0 {
            connection.roll_back_to(&tx, depth).await?;
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
    let frame = Frame { set: true, ..Frame::default() };
    let tx = Tx {
        connection: tokio::sync::Mutex::new(Some(transaction)),
        state: Mutex::new(TxState { frames: vec![frame], abandoned: None }),
        plugins: db.plugin_set(),
    };
    Ok(TxHandle::new(Arc::new(tx), 0))
}

async fn savepoint(outer: &TxHandle) -> Result<TxHandle, Error> {
    let _connection = outer.settled().await?;
    outer.tx.state().frames.push(Frame::default());
    Ok(TxHandle::new(outer.tx.clone(), outer.depth + 1))
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let TxHandle { tx, depth, .. } = &self.handle;
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
        let _connection = tx.settled().await?;
        let mut state = tx.tx.state();
        let frame = state.frames.last_mut().ok_or(Error::Transaction(ENDED))?;
        frame.callbacks.push(callback);
        Ok(())
    }
}
