//! For the tests of applications: what signals were sent, handlers replaced or called by themselves, transactions that
//! leave nothing behind.

use std::collections::VecDeque;

use uuid::Uuid;

use crate::signals::{self, PostDelete, PostSave, PreDelete, PreSave};
use crate::transaction::{CommitCallback, Scope};
use crate::{BoxError, Db, Error, Instance, Model};

pub use crate::signals::Captured;

/// Runs `body` and captures the signals that it sends, in order, whether anybody hears them or not. Other tasks are not
/// captured, nor what comes after a commit; `pre_init` and `post_init` only where they have handlers.
///
/// ```
/// # use aksara::prelude::*;
/// # #[derive(Model, Clone)] struct Post { #[field(primary_key)] id: i64 }
/// # async fn example(db: &Db) {
/// let (post, signals) = aksara::testing::capture(async { Post::objects(db).create(Post::default()).await }).await;
/// assert_eq!(signals.iter().map(|signal| signal.signal).collect::<Vec<_>>(), ["pre_save", "post_save"]);
/// # }
/// ```
pub async fn capture<F: Future>(body: F) -> (F::Output, Vec<Captured>) {
    signals::capture(body).await
}

/// Puts a mock in place of a handler that was connected without an id of its own: `mock(notify_followers)`.
pub fn mock<F: 'static>(handler: F) -> Mock {
    drop(handler);
    mock_id(signals::default_id::<F>(u64::MAX))
}

/// Puts a mock in place of the handler with this id: a `dispatch_uid`, or `plugin/handler`.
pub fn mock_id(handler: impl Into<String>) -> Mock {
    Mock { handler: handler.into(), refusal: None }
}

/// Stands in for a handler inside a scope.
#[derive(Clone, Debug)]
#[must_use = "a mock replaces its handler inside `scope` only"]
pub struct Mock {
    handler: String,
    refusal: Option<String>,
}

impl Mock {
    /// The mock refuses the operation; otherwise it does nothing.
    pub fn rejecting(mut self, message: impl Into<String>) -> Self {
        self.refusal = Some(message.into());
        self
    }

    /// Runs `body` with the mock in place; returns the calls that it has taken as well.
    pub async fn scope<F: Future>(self, body: F) -> (F::Output, Vec<Captured>) {
        signals::mock(self.handler, self.refusal, body).await
    }
}

/// Runs `body` in a transaction that is rolled back whatever it returns: each test finds the database as it was.
///
/// # Errors
/// Those of beginning the transaction.
pub async fn rolled_back<T>(db: &Db, body: impl AsyncFnOnce(Db) -> T) -> Result<T, Error> {
    let scope = Scope::enter(db).await?;
    let output = body(scope.db().clone()).await;
    scope.undo().await?;
    Ok(output)
}

/// Runs `body` and takes the `on_commit` callbacks that it registers, which a transaction that is rolled back would
/// never run.
///
/// # Errors
/// [`Error::Transaction`] when `db` is no transaction, or an ended one.
pub async fn capture_on_commit<T>(db: &Db, body: impl AsyncFnOnce() -> T) -> Result<(T, OnCommit), Error> {
    let before = db.callbacks().await?;
    let output = body().await;
    let callbacks = db.take_callbacks(before).await?;
    Ok((output, OnCommit { db: db.clone(), callbacks }))
}

/// Callbacks that were to run after the commit.
pub struct OnCommit {
    db: Db,
    callbacks: Vec<CommitCallback>,
}

impl OnCommit {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.callbacks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.callbacks.is_empty()
    }

    /// Runs them now, in order, inside the transaction of the test, and after each the callbacks that it registered.
    /// Returns what each returned.
    pub async fn run(self) -> Vec<Result<(), BoxError>> {
        let mut results = Vec::with_capacity(self.callbacks.len());
        let mut callbacks = VecDeque::from(self.callbacks);
        while let Some(callback) = callbacks.pop_front() {
            let before = self.db.callbacks().await;
            results.push(callback(self.db.clone()).await);
            let registered = match before {
                Ok(before) => self.db.take_callbacks(before).await,
                Err(ended) => Err(ended),
            };
            match registered {
                Ok(registered) => registered.into_iter().rev().for_each(|one| callbacks.push_front(one)),
                Err(ended) => results.push(Err(ended.into())),
            }
        }
        results
    }
}

/// An event to call a handler of `pre_save` with: `generate_slug(pre_save(&db, &mut post)).await`.
pub fn pre_save<'a, M: Model>(db: &'a Db, instance: &'a mut Instance<M>) -> PreSave<'a, M> {
    let created = instance.state() == crate::State::New;
    PreSave {
        instance,
        created,
        update_fields: None,
        raw: false,
        sender: M::meta(),
        db,
        operation: Uuid::now_v7(),
        depth: 0,
    }
}

/// An event to call a handler of `post_save` with.
pub fn post_save<'a, M: Model>(db: &'a Db, instance: &'a Instance<M>, created: bool) -> PostSave<'a, M> {
    PostSave {
        instance,
        created,
        update_fields: None,
        raw: false,
        sender: M::meta(),
        db,
        operation: Uuid::now_v7(),
        depth: 0,
    }
}

/// An event to call a handler of `pre_delete` with.
pub fn pre_delete<'a, M: Model>(db: &'a Db, instance: &'a Instance<M>) -> PreDelete<'a, M> {
    PreDelete {
        instance,
        origin: signals::Origin::Instance,
        sender: M::meta(),
        db,
        operation: Uuid::now_v7(),
        depth: 0,
    }
}

/// An event to call a handler of `post_delete` with.
pub fn post_delete<'a, M: Model>(db: &'a Db, instance: &'a Instance<M>) -> PostDelete<'a, M> {
    PostDelete {
        instance,
        origin: signals::Origin::Instance,
        sender: M::meta(),
        db,
        operation: Uuid::now_v7(),
        depth: 0,
    }
}
