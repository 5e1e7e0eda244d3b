//! Transactions, savepoints, and what runs after the commit.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use crate::collect::Key;
use crate::driver::Open;
use crate::error::{BoxError, is_conflict};
use crate::plugins::PluginSet;
use crate::signals::{self, Details, Event, Panic, SignalKind, Subject, Written};
use crate::{Db, Error};

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

pub(crate) type CommitCallback = Box<dyn FnOnce(Db) -> BoxFuture<'static, Result<(), BoxError>> + Send>;

const ENDED: &str = "the transaction has ended; this handle of it cannot be used any more";
const READ_ONLY: &str = "the transaction is read-only, and this would write; begin it without `read_only`";
const INTERRUPTED: &str =
    "a write in this transaction was dropped before it ended, and may have happened; roll back";
const IN_USE: &str = "this handle of a transaction is in use: by an operation that has not ended, or by a savepoint \
                      inside it; await the operation first, or use the handle that the savepoint gave";

/// An open transaction, shared by all handles to it. Its connection is locked for each statement.
pub(crate) struct Tx {
    connection: tokio::sync::Mutex<Option<Open>>,
    state: Mutex<TxState>,
    /// The plugins that the transaction began with, and keeps until it ends.
    plugins: Option<Arc<PluginSet>>,
    read_only: bool,
}

struct TxState {
    /// The transaction, then each open savepoint.
    frames: Vec<Frame>,
    /// The outermost savepoint whose scope was dropped before it ended. It is rolled back before the next statement.
    abandoned: Option<usize>,
    /// How many savepoints there have been.
    counted: u64,
    /// Whether a statement failed for what a concurrent transaction did.
    conflict: bool,
}

/// One thing to happen after the commit.
enum After {
    Callback(CommitCallback),
    /// An instance was written: `after_commit` is sent for it.
    Written(Written),
}

/// A transaction, or a savepoint in it.
#[derive(Default)]
struct Frame {
    /// What is to happen after the commit, in order.
    after: Vec<After>,
    /// Whether the database knows of it: a savepoint is set by the first statement inside it.
    set: bool,
    /// A statement was dropped under way, and may have happened: there is nothing to do but to roll back.
    interrupted: bool,
    /// A write ran without the savepoint, which would be needed to undo it.
    unguarded: bool,
    /// Tells it from others of the same depth, before and after it.
    id: u64,
}

/// A handle to an open transaction, or to a savepoint in it.
#[derive(Clone)]
pub(crate) struct TxHandle {
    tx: Arc<Tx>,
    /// 0 for the transaction itself, above it the depth of the savepoint.
    depth: usize,
    /// The frame's.
    id: u64,
    /// Statements run inside this savepoint or, being the last of their scope, only inside those around it.
    guarded: usize,
}

impl Tx {
    fn state(&self) -> MutexGuard<'_, TxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TxHandle {
    /// Opens a transaction, or a savepoint in it.
    fn open(tx: Arc<Tx>, set: bool) -> Self {
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
    async fn settled(&self) -> Result<Connection<'_>, Error> {
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
    fn new(tx: &'a Tx, below: usize) -> Self {
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
pub(crate) struct Connection<'a>(tokio::sync::MutexGuard<'a, Option<Open>>);

impl Connection<'_> {
    pub(crate) fn get(&mut self) -> Result<&mut Open, Error> {
        self.0.as_mut().ok_or(Error::Transaction(ENDED))
    }

    async fn run(&mut self, sql: String, doing: &'static str) -> Result<(), Error> {
        self.get()?.run(sql).await.map_err(|error| Error::database(doing, error))
    }

    async fn roll_back_to(&mut self, tx: &Tx, depth: usize) -> Result<(), Error> {
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
        Scope::enter_with(db, TransactionOptions::default()).await
    }

    async fn enter_with(db: &Db, options: TransactionOptions) -> Result<Scope, Error> {
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
        match result {
            Ok(value) => match self.keep().await {
                Ok(after) => Ok((value, after)),
                Err(error) => Err(error.into()),
            },
            Err(error) => {
                if let Err(rollback) = self.undone().await {
                    tracing::error!(error = %rollback, "a rollback failed; it is made again before the next statement, or by closing the connection");
                }
                Err(error)
            }
        }
    }

    async fn keep(&mut self) -> Result<AfterCommit, Error> {
        let TxHandle { tx, depth, .. } = self.handle.clone();
        let mut connection = self.handle.settled().await?;
        let mut after = Vec::new();
        if depth > 0 {
            if tx.state().frames.last().is_some_and(|frame| frame.set) {
                let underway = Underway::new(&tx, depth);
                connection.run(format!("RELEASE SAVEPOINT aksara_{depth}"), "releasing a savepoint").await?;
                underway.end();
            }
            self.ended = true;
            // They run after the outermost commit, whoever makes it.
            let mut state = tx.state();
            let released = state.frames.pop().unwrap_or_default();
            if let Some(outer) = state.frames.last_mut() {
                outer.after.extend(released.after);
            }
        } else {
            let transaction = connection.0.take().ok_or(Error::Transaction(ENDED))?;
            let committed = transaction.commit().await.inspect_err(|error| self.handle.note(error));
            committed.map_err(|error| Error::database("committing", error))?;
            self.ended = true;
            after.extend(tx.state().frames.drain(..).flat_map(|frame| frame.after));
        }
        Ok(AfterCommit { db: self.db.outside(), plugins: tx.plugins.clone(), after: cumulated(after) })
    }

    /// What is to be sent now that all is undone.
    fn rolled_back(&self, frames: Vec<Frame>) -> AfterRollback {
        let after = frames.into_iter().flat_map(|frame| frame.after).collect();
        let written = cumulated(after).into_iter().filter_map(|after| match after {
            After::Written(written) => Some(written),
            After::Callback(_) => None,
        });
        AfterRollback { written: written.collect(), db: self.db.outside(), plugins: self.handle.plugins() }
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
        let mut connection = Connection(tx.connection.lock().await);
        if !self.is_open() {
            // What is around it was undone already, and it with that.
            self.ended = true;
            return Ok(());
        }
        if depth > 0 {
            connection.roll_back_to(&tx, depth).await?;
        } else if let Some(transaction) = connection.0.take() {
            let frames = std::mem::take(&mut tx.state().frames);
            transaction.roll_back().await.map_err(|error| Error::database("rolling back", error))?;
            self.ended = true;
            drop(connection);
            self.rolled_back(frames).send().await;
        }
        self.ended = true;
        Ok(())
    }
}

async fn begin(db: &Db, options: TransactionOptions) -> Result<TxHandle, Error> {
    let transaction = db.pool()?.begin(options).await;
    let transaction = transaction.map_err(|error| Error::database("beginning a transaction", error))?;
    let tx = Tx {
        connection: tokio::sync::Mutex::new(Some(transaction)),
        state: Mutex::new(TxState { frames: Vec::new(), abandoned: None, counted: 0, conflict: false }),
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

/// What is to be sent after a rollback.
struct AfterRollback {
    written: Vec<Written>,
    db: Db,
    plugins: Option<Arc<PluginSet>>,
}

impl AfterRollback {
    async fn send(self) {
        for written in &self.written {
            send_ended(SignalKind::AfterRollback, &self.db, self.plugins.as_ref(), written).await;
        }
    }
}

async fn send_ended(signal: SignalKind, db: &Db, plugins: Option<&Arc<PluginSet>>, written: &Written) {
    let (subject, details) = (Subject::Nothing, Details::Ended(written));
    let sender = (written.meta.label, Some(written.meta));
    // What a handler returns now changes nothing; it is logged.
    signals::send_robust(&mut Event::new(signal, db, sender, subject, details), plugins).await;
}

/// One entry for each instance, where it was first written, with all that was changed of it. What was created and
/// deleted again never was.
fn cumulated(after: Vec<After>) -> Vec<After> {
    let mut cumulated: Vec<After> = Vec::with_capacity(after.len());
    let mut places: BTreeMap<(&'static str, Key), usize> = BTreeMap::new();
    for one in after {
        let After::Written(written) = one else {
            cumulated.push(one);
            continue;
        };
        let place = places.entry((written.meta.label, Key(written.key.clone()))).or_insert(cumulated.len());
        match cumulated.get_mut(*place) {
            Some(After::Written(before)) => before.cumulate(written),
            _ => cumulated.push(After::Written(written)),
        }
    }
    cumulated.retain(|one| !matches!(one, After::Written(written) if written.created && written.deleted));
    cumulated
}

/// What is to run after the commit.
#[must_use]
pub(crate) struct AfterCommit {
    db: Db,
    plugins: Option<Arc<PluginSet>>,
    after: Vec<After>,
}

impl AfterCommit {
    /// Runs all of it, in order, to the end: also when the caller is dropped meanwhile, for the commit has happened.
    pub(crate) async fn run(self) {
        if self.after.is_empty() {
            return;
        }
        let all = tokio::spawn(async move {
            for after in self.after {
                let callback = match after {
                    After::Callback(callback) => callback,
                    After::Written(written) => {
                        let plugins = self.plugins.as_ref();
                        send_ended(SignalKind::AfterCommit, &self.db, plugins, &written).await;
                        continue;
                    }
                };
                let db = self.db.clone();
                let called = AssertUnwindSafe(async move { callback(db).await }).catch_unwind().await;
                report(called.unwrap_or_else(|panic| Err(Box::new(Panic::new(&*panic)))));
            }
        });
        if all.await.is_err() {
            tracing::error!("the runtime ended before all callbacks after the commit had run");
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
        frame.after.push(After::Callback(callback));
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
                After::Callback(callback) => callbacks.push(callback),
                After::Written(_) => others.push(after),
            }
        }
        frame.after.append(&mut others);
        Ok(callbacks)
    }
}

/// Longer with each retry, and different for those that conflicted with each other.
fn backoff(retries: u32) -> Duration {
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
