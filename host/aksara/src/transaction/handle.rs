//! An open transaction, and the handles to it and to the savepoints in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::after::After;
use crate::Error;
use crate::driver::Open;
use crate::error::is_conflict;
use crate::plugins::PluginSet;
use crate::signals::Written;

pub(super) const ENDED: &str = "the transaction has ended; this handle of it cannot be used any more";
const READ_ONLY: &str = "the transaction is read-only, and this would write; begin it without `read_only`";
const INTERRUPTED: &str =
    "a write in this transaction was dropped before it ended, and may have happened; roll back";
const IN_USE: &str = "this handle of a transaction is in use: by an operation that has not ended, or by a savepoint \
                      inside it; await the operation first, or use the handle that the savepoint gave";

/// An open transaction, shared by all handles to it. Its connection is locked for each statement.
pub(crate) struct Tx {
    pub(super) connection: tokio::sync::Mutex<Option<Open>>,
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
    /// Whether a statement failed for what a concurrent transaction did.
    pub(super) conflict: bool,
}

/// A transaction, or a savepoint in it.
#[derive(Default)]
pub(super) struct Frame {
    /// What is to happen after the commit, in order.
    pub(super) after: Vec<After>,
    /// Whether the database knows of it: a savepoint is set by the first statement inside it.
    pub(super) set: bool,
    /// A statement was dropped under way, and may have happened: there is nothing to do but to roll back.
    pub(super) interrupted: bool,
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
    pub(crate) async fn connection(&self) -> Result<Connection<'_>, Error> {
        let mut connection = self.settled().await?;
        while let Some(depth) = self.unset() {
            let underway = Underway::new(&self.tx, depth);
            connection.run(format!("SAVEPOINT aksara_{depth}"), "setting a savepoint").await?;
            self.tx.state().frames[depth].set = true;
            underway.end();
        }
        Ok(connection)
    }

    /// The connection, for a statement that writes.
    pub(crate) async fn connection_to_write(&self) -> Result<Connection<'_>, Error> {
        match self.tx.read_only {
            true => Err(Error::Transaction(READ_ONLY)),
            false => self.connection().await,
        }
    }

    /// Takes notice that an instance was written, for what is sent after the end.
    pub(crate) fn wrote_instance(&self, written: Written) {
        if let Some(frame) = self.tx.state().frames.get_mut(self.depth) {
            frame.after.push(After::Written(written));
        }
    }

    /// Takes notice of why a statement failed.
    pub(crate) fn note(&self, error: &sqlx::Error) {
        if is_conflict(error) {
            self.tx.state().conflict = true;
        }
    }

    /// The first savepoint around the statements of this handle that is not set yet.
    fn unset(&self) -> Option<usize> {
        self.tx.state().frames.iter().take(self.guarded + 1).position(|frame| !frame.set)
    }

    /// The connection, with abandoned savepoints rolled back. While a savepoint inside this one is open, only its
    /// own handle may be used: whatever else ran here would be undone with it.
    pub(super) async fn settled(&self) -> Result<Connection<'_>, Error> {
        let mut connection = Connection(self.tx.connection.lock().await);
        let abandoned = {
            let state = self.tx.state();
            if state.frames.is_empty() {
                // Its scope was dropped while this connection was in use.
                connection.0.take();
                return Err(Error::Transaction(ENDED));
            }
            let left = state.abandoned.unwrap_or(usize::MAX);
            if state.frames.iter().take(left).any(|frame| frame.interrupted) {
                return Err(Error::Transaction(INTERRUPTED));
            }
            state.abandoned
        };
        if let Some(depth) = abandoned {
            connection.roll_back_to(&self.tx, depth).await?;
        }
        let state = self.tx.state();
        if state.frames.iter().any(|frame| frame.interrupted) {
            return Err(Error::Transaction(INTERRUPTED));
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
        let mut around = self.frames.iter_mut().take(below);
        if let Some(frame) = around.rfind(|frame| frame.set) {
            frame.interrupted = true;
        }
    }
}

/// The locked connection of a transaction.
pub(crate) struct Connection<'a>(pub(super) tokio::sync::MutexGuard<'a, Option<Open>>);

impl Connection<'_> {
    pub(crate) fn get(&mut self) -> Result<&mut Open, Error> {
        self.0.as_mut().ok_or(Error::Transaction(ENDED))
    }

    pub(super) async fn run(&mut self, sql: String, doing: &'static str) -> Result<(), Error> {
        self.get()?.run(sql).await.map_err(|error| Error::database(doing, error))
    }

    pub(super) async fn roll_back_to(&mut self, tx: &Tx, depth: usize) -> Result<(), Error> {
        let (set, unguarded) =
            tx.state().frames.get(depth).map_or((false, false), |frame| (frame.set, frame.unguarded));
        if set {
            let underway = Underway::new(tx, depth);
            let doing = "rolling back a savepoint";
            self.run(format!("ROLLBACK TO SAVEPOINT aksara_{depth}"), doing).await?;
            self.run(format!("RELEASE SAVEPOINT aksara_{depth}"), doing).await?;
            underway.end();
        }
        let mut state = tx.state();
        if unguarded && !set {
            state.interrupt(depth);
        }
        state.frames.truncate(depth);
        state.abandoned = state.abandoned.filter(|abandoned| *abandoned < depth);
        Ok(())
    }
}
