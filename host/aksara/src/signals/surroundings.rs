//! What surrounds an operation: the handler that it is a part of, and what is muted. What follows the operation's commit
//! runs in a task of its own, in which both would be lost: a chain of handlers after commits would never end.

use std::sync::Arc;

use super::dispatch::{self, Running};
use super::muting::{self, Muted};

/// The surroundings of an operation.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    running: Option<Arc<Running>>,
    muted: Option<Arc<Muted>>,
}

impl Surroundings {
    /// Those of the code that calls this.
    pub(crate) fn now() -> Self {
        Surroundings { running: dispatch::running(), muted: muting::muted() }
    }

    /// Runs what follows the end of the transaction in these surroundings, in which the database is free again.
    pub(crate) async fn after_the_end<F: Future>(self, run: F) -> F::Output {
        muting::as_muted(self.muted, dispatch::after_the_end(self.running, run)).await
    }
}
