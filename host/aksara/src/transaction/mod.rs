//! Transactions, savepoints, and what runs after the commit: what applications use. Inside, `handle` is an open
//! transaction and the handles to it, `scope` one operation that happens wholly or not at all, `after` what follows.

mod after;
mod handle;
mod scope;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub(crate) use self::after::CommitCallback;
pub(crate) use self::handle::{Connection, TxHandle};
pub(crate) use self::scope::Scope;
use crate::error::BoxError;
use crate::signals;
use crate::{Db, Error};
use after::{After, What, report};
use handle::ENDED;

/// How far concurrent transactions see of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first.
    RepeatableRead,
    /// As if one ran after the other. What SQLite always does.
    Serializable,
}

impl Isolation {
    pub(crate) fn sql(self) -> &'static str {
        match self {
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

/// How to run a transaction, where a plain [`transaction`](Db::transaction) will not do.
#[derive(Clone, Copy, Debug)]
pub struct TransactionOptions {
    /// The isolation level; the database's own unless given. SQLite is always serializable.
    pub isolation: Option<Isolation>,
    /// Nothing may be written.
    pub read_only: bool,
    /// How often the body is run again after a conflict with a concurrent transaction; 3 unless given.
    pub retries_max: u32,
}

impl Default for TransactionOptions {
    fn default() -> Self {
        TransactionOptions { isolation: None, read_only: false, retries_max: 3 }
    }
}

/// A future on the heap, as handlers return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

    /// As [`transaction`](Self::transaction), with these options, and with retries: after a conflict with a concurrent
    /// transaction (a serialization failure, a deadlock) `body` is run again, a little later. What it does outside of
    /// the database it then does again. Inside a transaction, nothing is retried and the options do not matter.
    ///
    /// ```no_run
    /// # use aksara::{Error, Isolation, TransactionOptions};
    /// # async fn example(db: aksara::Db) -> Result<(), Error> {
    /// let options = TransactionOptions { isolation: Some(Isolation::Serializable), ..Default::default() };
    /// db.transaction_with(options, |tx| async move {
    ///     // everything here through `&tx`
    ///     Ok::<_, Error>(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `body`, and those of beginning and committing; [`Error::Transaction`] for a write while `read_only`.
    pub async fn transaction_with<T, E, F, Fut>(
        &self,
        options: TransactionOptions,
        mut body: F,
    ) -> Result<T, E>
    where
        F: FnMut(Db) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        let mut retries = 0;
        loop {
            let scope = Scope::enter_with(self, options).await?;
            let handle = scope.handle.clone();
            let result = body(scope.db().clone()).await;
            let error = match scope.finish(result).await {
                Ok((value, after)) => {
                    after.run().await;
                    return Ok(value);
                }
                Err(error) => error,
            };
            let again = self.tx.is_none() && handle.tx.state().conflict && retries < options.retries_max;
            if !again {
                return Err(error);
            }
            retries += 1;
            tracing::debug!(retries, "a transaction conflicted with another; it is run again");
            tokio::time::sleep(backoff(retries)).await;
        }
    }

    /// Begins a transaction to be ended by hand; inside a transaction, sets a savepoint.
    ///
    /// ```no_run
    /// # async fn example(db: aksara::Db) -> Result<(), aksara::Error> {
    /// let transaction = db.begin().await?;
    /// // everything here through `transaction.db()`
    /// transaction.commit().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be begun.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_with(TransactionOptions::default()).await
    }

    /// As [`begin`](Self::begin), with these options; nothing is retried.
    ///
    /// # Errors
    /// [`Error::Database`] when it cannot be begun.
    pub async fn begin_with(&self, options: TransactionOptions) -> Result<Transaction, Error> {
        Scope::enter_with(self, options).await.map(Transaction)
    }

    /// Runs `callback` after the outermost transaction has committed, in order of registration; never when it, or
    /// the savepoint under way, is rolled back. With no transaction open it runs at once.
    ///
    /// `callback` gets the database outside of the transaction. Its error cannot undo the commit: it is logged, and
    /// the other callbacks still run.
    ///
    /// # Errors
    /// [`Error::Transaction`] when this transaction has ended already, [`Error::PoolInHandler`] inside a handler that
    /// does not use the handle that its event gives.
    pub async fn on_commit<F, Fut, E>(&self, callback: F) -> Result<(), Error>
    where
        F: FnOnce(Db) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let Some(tx) = &self.tx else {
            signals::check_outside_handler(&self.shared)?;
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
        frame.after.push(After::now(What::Callback(callback)));
        Ok(())
    }
}

impl Db {
    /// How much is to happen after the commit, of what was registered in this transaction or savepoint.
    pub(crate) async fn callbacks(&self) -> Result<usize, Error> {
        const NONE: &str = "this handle is no transaction; use the one that the transaction gave";
        let tx = self.tx.as_ref().ok_or(Error::Transaction(NONE))?;
        let _connection = tx.settled().await?;
        Ok(tx.tx.state().frames.last().map_or(0, |frame| frame.after.len()))
    }

    /// Takes the callbacks that were registered after these.
    pub(crate) async fn take_callbacks(&self, before: usize) -> Result<Vec<CommitCallback>, Error> {
        let Some(tx) = &self.tx else { return Ok(Vec::new()) };
        let _connection = tx.settled().await?;
        let mut state = tx.tx.state();
        let frame = state.frames.last_mut().ok_or(Error::Transaction(ENDED))?;
        let (mut callbacks, mut others) = (Vec::new(), Vec::new());
        for after in frame.after.split_off(before.min(frame.after.len())) {
            match after {
                After { what: What::Callback(callback), .. } => callbacks.push(callback),
                After { what: What::Written(_), .. } => others.push(after),
            }
        }
        frame.after.append(&mut others);
        Ok(callbacks)
    }
}

/// Longer with each retry, and different for those that conflicted with each other.
pub(crate) fn backoff(retries: u32) -> Duration {
    let spread = u64::from(uuid::Uuid::new_v4().as_bytes()[0]);
    Duration::from_millis((5 << retries.min(6)) + spread / 16)
}

/// A transaction or savepoint that is ended by hand. Dropped before that, it is rolled back.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction(Scope);

impl Transaction {
    /// The handle to use inside.
    pub fn db(&self) -> &Db {
        self.0.db()
    }

    /// Commits the transaction, or releases the savepoint. After the outermost commit, what was to run then runs.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Transaction`] when only a rollback is left.
    pub async fn commit(self) -> Result<(), Error> {
        let ((), after) = self.0.finish(Ok::<_, Error>(())).await?;
        after.run().await;
        Ok(())
    }

    /// Undoes everything since it began.
    ///
    /// # Errors
    /// [`Error::Database`].
    pub async fn rollback(self) -> Result<(), Error> {
        self.0.undo().await
    }
}
