//! What follows the end of a transaction: callbacks, `after_commit`, `after_rollback`.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::BoxFuture;
use crate::Db;
use crate::collect::Key;
use crate::error::BoxError;
use crate::plugins::PluginSet;
use crate::signals::{self, Details, Event, Operation, Panic, SignalKind, Subject, Surroundings, Written};

pub(crate) type CommitCallback = Box<dyn FnOnce(Db) -> BoxFuture<'static, Result<(), BoxError>> + Send>;

/// One thing to happen after the commit.
pub(super) struct After {
    pub(super) what: What,
    /// Of the code that asked for it.
    pub(super) surroundings: Surroundings,
}

pub(super) enum What {
    Callback(CommitCallback),
    /// An instance was written: `after_commit` is sent for it.
    Written(Written),
}

impl After {
    /// Asks for it from here.
    pub(super) fn now(what: What) -> Self {
        After { what, surroundings: Surroundings::now() }
    }
}

/// What is to be sent after a rollback.
pub(super) struct AfterRollback {
    pub(super) written: Vec<(Written, Surroundings)>,
    pub(super) db: Db,
    pub(super) plugins: Option<Arc<PluginSet>>,
}

impl AfterRollback {
    /// What is to be sent where this was to happen after the commit.
    pub(super) fn of(after: Vec<After>, db: Db, plugins: Option<Arc<PluginSet>>) -> Self {
        let written = cumulated(after).into_iter().filter_map(|after| match after.what {
            What::Written(written) => Some((written, after.surroundings)),
            What::Callback(_) => None,
        });
        AfterRollback { written: written.collect(), db, plugins }
    }

    pub(super) async fn send(self) {
        for (written, surroundings) in self.written {
            let sent = send_ended(SignalKind::AfterRollback, &self.db, self.plugins.as_ref(), &written);
            surroundings.after_the_end(sent).await;
        }
    }
}

async fn send_ended(signal: SignalKind, db: &Db, plugins: Option<&Arc<PluginSet>>, written: &Written) {
    let (subject, details) = (Subject::Nothing, Details::Ended(written));
    let sender = (written.meta.label, Some(written.meta));
    // What a handler returns now changes nothing; it is logged.
    let operation = Operation::known(written.operation);
    signals::send_robust(&mut Event::new(signal, (db, &operation), sender, subject, details), plugins).await;
}

/// One entry for each instance, where it was first written, with all that was changed of it. What was created and
/// deleted again never was.
pub(super) fn cumulated(after: Vec<After>) -> Vec<After> {
    let mut cumulated: Vec<After> = Vec::with_capacity(after.len());
    let mut places: BTreeMap<(&'static str, Key), usize> = BTreeMap::new();
    for one in after {
        let After { what: What::Written(written), surroundings } = one else {
            cumulated.push(one);
            continue;
        };
        let place = places.entry((written.meta.label, Key(written.key.clone()))).or_insert(cumulated.len());
        match cumulated.get_mut(*place) {
            Some(After { what: What::Written(before), .. }) => before.cumulate(written),
            _ => cumulated.push(After { what: What::Written(written), surroundings }),
        }
    }
    cumulated
        .retain(|one| !matches!(&one.what, What::Written(written) if written.created && written.deleted));
    cumulated
}

/// What is to run after the commit.
#[must_use]
pub(crate) struct AfterCommit {
    pub(super) db: Db,
    pub(super) plugins: Option<Arc<PluginSet>>,
    pub(super) after: Vec<After>,
}

impl AfterCommit {
    /// Runs all of it, in order, to the end: also when the caller is dropped meanwhile, for the commit has happened.
    pub(crate) async fn run(self) {
        if self.after.is_empty() {
            return;
        }
        let all = tokio::spawn(async move {
            for After { what, surroundings } in self.after {
                let callback = match what {
                    What::Callback(callback) => callback,
                    What::Written(written) => {
                        let plugins = self.plugins.as_ref();
                        let sent = send_ended(SignalKind::AfterCommit, &self.db, plugins, &written);
                        surroundings.after_the_end(sent).await;
                        continue;
                    }
                };
                let db = self.db.clone();
                let called = surroundings.after_the_end(async move { callback(db).await });
                let called = AssertUnwindSafe(called).catch_unwind().await;
                report(called.unwrap_or_else(|panic| Err(Box::new(Panic::new(&*panic)))));
            }
        });
        if all.await.is_err() {
            tracing::error!("the runtime ended before all callbacks after the commit had run");
        }
    }
}

/// An error after the commit cannot undo it, so it is logged and the next callback runs.
pub(super) fn report(result: Result<(), BoxError>) {
    if let Err(error) = result {
        tracing::error!(error = %error, "a callback after the commit failed");
    }
}
