//! An open transaction, and the handles to it and to the savepoints in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::after::{After, What};
use crate::Error;
use crate::db::Shared;
use crate::driver::{Left, Open};
use crate::error::is_conflict;
use crate::plugins::PluginSet;
use crate::signals::Written;
use crate::whole::to_the_end;

pub(super) const ENDED: &str = "the transaction has ended; this handle of it cannot be used any more";
const READ_ONLY: &str = "the transaction is read-only, and this would write; begin it without `read_only`";
const INTERRUPTED: &str =
    "a write in this transaction was dropped before it ended, and may have happened; roll back";
const IN_USE: &str = "this handle of a transaction is in use: by an operation that has not ended, or by a savepoint \
                      inside it; await the operation first, or use the handle that the savepoint gave";
const ABORTED: &str = "a statement in this transaction or savepoint failed, and PostgreSQL keeps nothing of it; roll it \
                       back, and put what may fail in a savepoint of its own (`transaction` inside it)";
const LOST: &str = "the database has rolled back this transaction as a whole, or the connection to it is lost; roll it back \
                    and run it again";
pub(super) const ENDED_INSIDE: &str = "a statement in this transaction has ended it: a COMMIT or ROLLBACK of yours, or on \
                                       MySQL one that defines something, which commits; run it outside of a transaction";

/// Why there is nothing to do but to roll back.
#[derive(Clone)]
pub(super) enum Cause {
    /// A write was dropped under way, and may have happened.
    Dropped,
    /// A statement failed.
    Failed { reason: &'static str, error: String },
}

impl Cause {
    pub(super) fn error(&self) -> Error {
        match self {
            Cause::Dropped => Error::Transaction(INTERRUPTED),
            Cause::Failed { reason, error } => Error::Aborted { reason, cause: error.clone() },
        }
    }
}

/// An open transaction, shared by all handles to it. Its connection is locked for each statement.
pub(crate) struct Tx {
    pub(super) connection: Arc<tokio::sync::Mutex<Option<Open>>>,
    pub(super) database: Arc<Shared>,
    pub(super) state: Mutex<TxState>,
    /// The plugins that the transaction began with, and keeps until it ends.
    pub(super) plugins: Option<Arc<PluginSet>>,
    pub(super) read_only: bool,
}

pub(super) struct TxState {
    /// The transaction, then each open savepoint.
    pub(super) frames: Vec<Frame>,
    /// The outermost savepoint whose scope was dropped before it ended. It is rolled back before the next statement.
    pub(super) abandoned: Option<usize>,
    /// How many savepoints there have been.
    pub(super) counted: u64,
    /// How many statements that write there have been.
    pub(super) writes: u64,
    /// Whether a statement failed for what a concurrent transaction did.
    pub(super) conflict: bool,
    /// Why the database keeps nothing of the transaction, however many savepoints were in it.
    pub(super) lost: Option<Cause>,
}

/// A transaction, or a savepoint in it.
#[derive(Default)]
pub(super) struct Frame {
    /// What is to happen after the commit, in order.
    pub(super) after: Vec<After>,
    /// Whether the database knows of it: a savepoint is set by the first statement inside it.
    pub(super) set: bool,
    /// Why there is nothing to do but to roll it back.
    pub(super) broken: Option<Cause>,
    /// A write ran without the savepoint, which would be needed to undo it.
    pub(super) unguarded: bool,
    /// Tells it from others of the same depth, before and after it.
    pub(super) id: u64,
}

/// A handle to an open transaction, or to a savepoint in it.
#[derive(Clone)]
pub(crate) struct TxHandle {
    pub(super) tx: Arc<Tx>,
    /// 0 for the transaction itself, above it the depth of the savepoint.
    pub(super) depth: usize,
    /// The frame's.
    pub(super) id: u64,
    /// Statements run inside this savepoint or, being the last of their scope, only inside those around it.
    pub(super) guarded: usize,
}

impl Tx {
    pub(super) fn state(&self) -> MutexGuard<'_, TxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes notice that the database keeps nothing of the transaction; what is to be said of it from now on.
    pub(super) fn lose(&self, reason: &'static str, error: &Error) -> Error {
        let cause = Cause::Failed { reason, error: error.to_string() };
        self.state().lost.get_or_insert(cause).error()
    }
}

impl TxHandle {
    /// Opens a transaction, or a savepoint in it.
    pub(super) fn open(tx: Arc<Tx>, set: bool) -> Self {
        let mut state = tx.state();
        state.counted += 1;
        let (id, depth) = (state.counted, state.frames.len());
        state.frames.push(Frame { set, id, ..Frame::default() });
        drop(state);
        TxHandle { tx, depth, id, guarded: depth }
    }

    /// The plugins that the transaction began with.
    pub(crate) fn plugins(&self) -> Option<Arc<PluginSet>> {
        self.tx.plugins.clone()
    }

    /// The connection, for a statement: with the savepoints around it set.
    pub(crate) async fn connection(&self) -> Result<Connection, Error> {
        let mut connection = self.settled().await?;
        while let Some(depth) = self.unset() {
            let underway = Underway::new(&self.tx, depth);
            let set = connection.run(format!("SAVEPOINT aksara_{depth}"), "setting a savepoint").await;
            underway.end();
            connection = set?;
            self.tx.state().frames[depth].set = true;
        }
        Ok(connection)
    }

    /// The connection, for a statement that writes.
    pub(crate) async fn connection_to_write(&self) -> Result<Connection, Error> {
        match self.tx.read_only {
            true => Err(Error::Transaction(READ_ONLY)),
            false => self.connection().await,
        }
    }

    /// Why the database keeps nothing of the transaction, if it does not.
    #[cfg(feature = "plugins")]
    pub(crate) fn lost(&self) -> Option<Error> {
        self.tx.state().lost.as_ref().map(Cause::error)
    }

    /// How many statements that write there have been in the whole transaction.
    pub(crate) fn writes(&self) -> u64 {
        self.tx.state().writes
    }

    /// Takes notice that an instance was written, for what is sent after the end.
    pub(crate) fn wrote_instance(&self, written: Written) {
        if let Some(frame) = self.tx.state().frames.get_mut(self.depth) {
            frame.after.push(After::now(What::Written(written)));
        }
    }

    /// The first savepoint around the statements of this handle that is not set yet.
    fn unset(&self) -> Option<usize> {
        self.tx.state().frames.iter().take(self.guarded + 1).position(|frame| !frame.set)
    }

    /// The connection, with abandoned savepoints rolled back. While a savepoint inside this one is open, only its
    /// own handle may be used: whatever else ran here would be undone with it.
    pub(super) async fn settled(&self) -> Result<Connection, Error> {
        let mut connection = Connection::lock(&self.tx).await;
        let abandoned = {
            let state = self.tx.state();
            if state.frames.is_empty() {
                return Err(Error::Transaction(ENDED));
            }
            let left = state.abandoned.unwrap_or(usize::MAX);
            if let Some(cause) = state.cause(left) {
                return Err(cause.error());
            }
            state.abandoned
        };
        if let Some(depth) = abandoned {
            connection = connection.roll_back_to(depth).await?;
        }
        let state = self.tx.state();
        if let Some(cause) = state.cause(usize::MAX) {
            return Err(cause.error());
        }
        match state.frames.get(self.depth) {
            Some(frame) if frame.id != self.id => Err(Error::Transaction(ENDED)),
            Some(_) if state.frames.len() > self.depth + 1 => Err(Error::Transaction(IN_USE)),
            Some(_) => Ok(connection),
            None => Err(Error::Transaction(ENDED)),
        }
    }

    /// To be held while a write is under way.
    pub(crate) fn write(&self) -> Underway<'_> {
        self.tx.state().writes += 1;
        Underway::new(&self.tx, usize::MAX)
    }

    /// Takes notice of a write that ran without the savepoint around it.
    pub(crate) fn wrote(&self) {
        if self.guarded < self.depth
            && let Some(frame) = self.tx.state().frames.get_mut(self.depth)
        {
            frame.unguarded = true;
        }
    }
}

/// A statement under way. Dropped before it ended, the savepoint or transaction around it can only be rolled back.
pub(crate) struct Underway<'a> {
    tx: &'a Tx,
    /// Frames from this depth on are what the statement is about, not what is around it.
    below: usize,
    ended: bool,
}

impl<'a> Underway<'a> {
    pub(super) fn new(tx: &'a Tx, below: usize) -> Self {
        Underway { tx, below, ended: false }
    }

    pub(crate) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.tx.state().interrupt(self.below);
        }
    }
}

impl TxState {
    /// Leaves nothing but a rollback to what encloses the frames from this depth on.
    fn interrupt(&mut self, below: usize) {
        self.break_around(below, Cause::Dropped);
    }

    fn break_around(&mut self, below: usize, cause: Cause) {
        let mut around = self.frames.iter_mut().take(below);
        if let Some(frame) = around.rfind(|frame| frame.set) {
            frame.broken.get_or_insert(cause);
        }
    }

    /// Why only a rollback is left, of one of the frames above this depth or of all.
    fn cause(&self, below: usize) -> Option<&Cause> {
        let broken = self.frames.iter().take(below).find_map(|frame| frame.broken.as_ref());
        self.lost.as_ref().or(broken)
    }
}

/// The locked connection of a transaction.
pub(crate) struct Connection {
    pub(super) open: tokio::sync::OwnedMutexGuard<Option<Open>>,
    tx: Arc<Tx>,
}

impl Connection {
    pub(super) async fn lock(tx: &Arc<Tx>) -> Self {
        Connection { open: tx.connection.clone().lock_owned().await, tx: tx.clone() }
    }

    pub(crate) fn get(&mut self) -> Result<&mut Open, Error> {
        self.open.as_mut().ok_or(Error::Transaction(ENDED))
    }

    /// Takes notice of why a statement failed, and of what that has left of the transaction.
    pub(crate) async fn noted<T>(&mut self, result: sqlx::Result<T>) -> sqlx::Result<T> {
        if let (Err(error), Some(open)) = (&result, self.open.as_mut()) {
            let left = open.left(error).await;
            let mut state = self.tx.state();
            state.conflict |= is_conflict(error);
            let failed = |reason| Cause::Failed { reason, error: error.to_string() };
            match left {
                Left::All => {}
                Left::Savepoint => state.break_around(usize::MAX, failed(ABORTED)),
                Left::Nothing => drop(state.lost.get_or_insert(failed(LOST))),
            }
        }
        self.tx.database.pool.noted(result)
    }

    pub(super) async fn run(mut self, sql: String, doing: &'static str) -> Result<Self, Error> {
        let statement = async move {
            let ran = self.get()?.run(sql).await;
            self.noted(ran).await.map_err(|error| Error::database(doing, error))?;
            Ok(self)
        };
        to_the_end(statement).await
    }

    pub(super) async fn roll_back_to(self, depth: usize) -> Result<Self, Error> {
        let tx = self.tx.clone();
        let (set, unguarded) = {
            let state = tx.state();
            let frame = state.frames.get(depth).filter(|_| state.lost.is_none());
            frame.map_or((false, false), |frame| (frame.set, frame.unguarded))
        };
        let mut connection = self;
        if set {
            let underway = Underway::new(&tx, depth);
            let undo = format!("ROLLBACK TO SAVEPOINT aksara_{depth}");
            let undone = match connection.run(undo, "rolling back a savepoint").await {
                Ok(connection) => {
                    let release = format!("RELEASE SAVEPOINT aksara_{depth}");
                    connection.run(release, "rolling back a savepoint").await
                }
                Err(error) => Err(error),
            };
            underway.end();
            connection = match undone {
                Ok(connection) => connection,
                Err(error) => {
                    // What it was to undo is still there, or all is gone.
                    return Err(tx.lose(LOST, &error));
                }
            };
        }
        let mut state = tx.state();
        if unguarded && !set {
            state.interrupt(depth);
        }
        state.frames.truncate(depth);
        state.abandoned = state.abandoned.filter(|abandoned| *abandoned < depth);
        drop(state);
        Ok(connection)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Its scope was dropped while this was in use.
        if self.tx.state().frames.is_empty() {
            self.open.take();
        }
    }
}
