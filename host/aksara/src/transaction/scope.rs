//! One operation that happens wholly or not at all: begun, kept, undone, or dropped.

use std::sync::{Arc, Mutex};

use super::after::{AfterCommit, AfterRollback, cumulated};
use super::handle::{Connection, ENDED, ENDED_INSIDE, Frame, Tx, TxHandle, TxState, Underway};
use super::{BoxFuture, TransactionOptions};
use crate::driver::Open;
use crate::error::is_conflict;
use crate::whole::{to_the_end, to_the_end_or};
use crate::{Db, Error};

/// One operation that happens wholly or not at all: a transaction, or a savepoint inside the one that is open.
///
/// Dropped before it ended, it is rolled back.
pub(crate) struct Scope {
    db: Db,
    pub(super) handle: TxHandle,
    ended: bool,
}

impl Scope {
    pub(crate) async fn enter(db: &Db) -> Result<Scope, Error> {
        Scope::enter_with(db, TransactionOptions::default()).await
    }

    pub(super) async fn enter_with(db: &Db, options: TransactionOptions) -> Result<Scope, Error> {
        let handle = match &db.tx {
            None => begin(db, options).await?,
            Some(outer) => savepoint(outer).await?,
        };
        let db = Db { shared: db.shared.clone(), tx: Some(handle.clone()) };
        Ok(Scope { db, handle, ended: false })
    }

    /// The handle to be used inside.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The handle for a write with which the operation ends. Where a statement that fails is undone by itself, this
    /// one needs no savepoint of its own.
    pub(crate) fn last(&self) -> Db {
        if self.db.backend().aborts_on_error() {
            return self.db.clone();
        }
        let guarded = self.handle.depth.saturating_sub(1);
        Db { shared: self.db.shared.clone(), tx: Some(TxHandle { guarded, ..self.handle.clone() }) }
    }

    /// Ends the operation: keeps it when the result is Ok, undoes it otherwise. Run what comes back when everything
    /// else is done.
    pub(crate) async fn finish<T, E: From<Error>>(
        mut self,
        result: Result<T, E>,
    ) -> Result<(T, AfterCommit), E> {
        let error = match result {
            Ok(value) => match self.keep().await {
                Ok(after) => return Ok((value, after)),
                Err(error) => error.into(),
            },
            Err(error) => error,
        };
        if let Err(rollback) = self.undone().await {
            tracing::error!(error = %rollback, "a rollback failed; it is made again before the next statement, or by closing the connection");
        }
        Err(error)
    }

    async fn keep(&mut self) -> Result<AfterCommit, Error> {
        let TxHandle { tx, depth, .. } = self.handle.clone();
        let mut connection = self.handle.settled().await?;
        if depth == 0 {
            let transaction = connection.open.take().ok_or(Error::Transaction(ENDED))?;
            drop(connection);
            self.ended = true;
            let frames = std::mem::take(&mut tx.state().frames);
            return self.commit(transaction, frames).await;
        }
        if tx.state().frames.last().is_some_and(|frame| frame.set) {
            let underway = Underway::new(&tx, depth);
            let release = format!("RELEASE SAVEPOINT aksara_{depth}");
            let released = connection.run(release, "releasing a savepoint").await;
            underway.end();
            connection = released.map_err(|error| tx.lose(ENDED_INSIDE, &error))?;
        }
        self.ended = true;
        {
            // They run after the outermost commit, whoever makes it.
            let mut state = tx.state();
            let released = state.frames.pop().unwrap_or_default();
            if let Some(outer) = state.frames.last_mut() {
                outer.after.extend(released.after);
            }
        }
        drop(connection);
        Ok(AfterCommit { db: self.db.outside(), plugins: tx.plugins.clone(), after: Vec::new() })
    }

    /// Commits. Where the caller goes away meanwhile, what is to follow follows all the same, for it may have happened.
    async fn commit(&self, transaction: Open, frames: Vec<Frame>) -> Result<AfterCommit, Error> {
        let tx = self.handle.tx.clone();
        let (db, plugins) = (self.db.outside(), tx.plugins.clone());
        let commit = async move {
            let ended = transaction.commit().await;
            let after = frames.into_iter().flat_map(|frame| frame.after).collect();
            match ended {
                Ok(()) => Ok(AfterCommit { db, plugins, after: cumulated(after) }),
                Err(error) => {
                    tx.state().conflict |= is_conflict(&error);
                    Err((AfterRollback::of(after, db, plugins), error))
                }
            }
        };
        let unseen = |ended: Result<AfterCommit, (AfterRollback, sqlx::Error)>| -> BoxFuture<'static, ()> {
            Box::pin(async {
                match ended {
                    Ok(after) => after.run().await,
                    Err((rolled_back, _)) => rolled_back.send().await,
                }
            })
        };
        match to_the_end_or(commit, unseen).await {
            Ok(after) => Ok(after),
            Err((rolled_back, error)) => {
                rolled_back.send().await;
                Err(Error::database("committing", error))
            }
        }
    }

    /// What is to be sent now that all is undone.
    fn rolled_back(&self, frames: Vec<Frame>) -> AfterRollback {
        let after = frames.into_iter().flat_map(|frame| frame.after).collect();
        AfterRollback::of(after, self.db.outside(), self.handle.plugins())
    }

    /// Whether the transaction or savepoint is still there.
    fn is_open(&self) -> bool {
        let TxHandle { tx, depth, id, .. } = &self.handle;
        tx.state().frames.get(*depth).is_some_and(|frame| frame.id == *id)
    }

    pub(crate) async fn undo(mut self) -> Result<(), Error> {
        self.undone().await
    }

    async fn undone(&mut self) -> Result<(), Error> {
        let TxHandle { tx, depth, .. } = self.handle.clone();
        let mut connection = Connection::lock(&tx).await;
        if !self.is_open() {
            // What is around it was undone already, and it with that.
            self.ended = true;
            return Ok(());
        }
        if depth > 0 {
            drop(connection.roll_back_to(depth).await?);
        } else {
            let (frames, lost) = {
                let mut state = tx.state();
                (std::mem::take(&mut state.frames), state.lost.is_some())
            };
            self.ended = true;
            let undone = match connection.open.take() {
                Some(transaction) => to_the_end(transaction.roll_back()).await,
                None => Ok(()),
            };
            drop(connection);
            self.rolled_back(frames).send().await;
            // Of a transaction that is lost there is nothing left to undo.
            return undone.or_else(|error| match lost {
                true => Ok(()),
                false => Err(Error::database("rolling back", error)),
            });
        }
        self.ended = true;
        Ok(())
    }
}

async fn begin(db: &Db, options: TransactionOptions) -> Result<TxHandle, Error> {
    let transaction = db.pool()?.begin(options).await;
    let transaction = transaction.map_err(|error| Error::database("beginning a transaction", error))?;
    let tx = Tx {
        connection: Arc::new(tokio::sync::Mutex::new(Some(transaction))),
        database: db.shared.clone(),
        state: Mutex::new(TxState {
            frames: Vec::new(),
            abandoned: None,
            counted: 0,
            writes: 0,
            conflict: false,
            lost: None,
        }),
        plugins: db.plugin_set(),
        read_only: options.read_only,
    };
    Ok(TxHandle::open(Arc::new(tx), true))
}

async fn savepoint(outer: &TxHandle) -> Result<TxHandle, Error> {
    let _connection = outer.settled().await?;
    Ok(TxHandle::open(outer.tx.clone(), false))
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.ended || !self.is_open() {
            return;
        }
        let TxHandle { tx, depth, .. } = &self.handle;
        if *depth > 0 {
            let mut state = tx.state();
            state.abandoned = Some(state.abandoned.map_or(*depth, |abandoned| abandoned.min(*depth)));
        } else {
            let frames = std::mem::take(&mut tx.state().frames);
            let rolled_back = self.rolled_back(frames);
            // Dropping the driver's transaction rolls it back. Where another handle holds the lock, the next or last
            // use of any handle drops it.
            if let Ok(mut connection) = tx.connection.try_lock() {
                connection.take();
            }
            // Nobody waits for it any more; without a runtime, nobody can hear it either.
            if let (false, Ok(runtime)) =
                (rolled_back.written.is_empty(), tokio::runtime::Handle::try_current())
            {
                runtime.spawn(rolled_back.send());
            }
        }
    }
}
