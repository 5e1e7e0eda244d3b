//! What tests put between a signal and its handlers: captures, and mocks in place of handlers.

use std::sync::{Arc, Mutex, PoisonError};

use super::event::{Details, Event};
use super::registry;
use crate::instance::AnyInstance;
use crate::{Error, Value};

tokio::task_local! {
    /// The captures and mocks around this code.
    static WATCHING: Arc<Watching>;
}

struct Watching {
    what: What,
    seen: Mutex<Vec<Captured>>,
    around: Option<Arc<Watching>>,
}

enum What {
    Capture,
    /// In place of the handler with this id; with this refusal, if any.
    Mock(String, Option<String>),
}

/// A signal that was sent, or a call that a mock has taken.
pub struct Captured {
    /// Name of the signal.
    pub signal: &'static str,
    /// Label of the sender; empty for a custom signal without a model.
    pub sender: &'static str,
    /// Key of the instance, where it is about one.
    pub key: Option<Value>,
    /// A copy of the instance as it was then, where it is about one.
    pub instance: Option<Box<dyn AnyInstance>>,
    /// Whether a row is inserted, for a save.
    pub created: Option<bool>,
    /// The fields that are written; `None` for a full save.
    pub update_fields: Option<Vec<&'static str>>,
    /// How many instances it is about, for a bulk operation.
    pub instances: usize,
    /// 0 for an operation of the test itself, one more for each signal fired from inside a handler.
    pub depth: u32,
}

impl Captured {
    fn of(event: &Event<'_>) -> Self {
        let (created, update_fields) = match &event.details {
            Details::Save { created, update_fields, .. } => {
                (Some(*created), update_fields.as_ref().map(|fields| fields.names().collect()))
            }
            _ => (None, None),
        };
        let instances = match &event.subject {
            super::Subject::Many(instances) => instances.len(),
            _ => 0,
        };
        Captured {
            signal: event.signal.name(),
            sender: event.sender,
            key: event.instance().map(|instance| instance.key()),
            instance: event.instance().map(|instance| instance.snapshot()),
            created,
            update_fields,
            instances,
            depth: event.depth,
        }
    }
}

impl std::fmt::Debug for Captured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Captured")
            .field("signal", &self.signal)
            .field("sender", &self.sender)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Whether signals are captured here, also those that nobody hears.
pub(super) fn is_capturing() -> bool {
    any(|watching| matches!(watching.what, What::Capture).then_some(())).is_some()
}

/// Lets the captures around see the event.
pub(super) fn see(event: &Event<'_>) {
    any::<()>(|watching| {
        if matches!(watching.what, What::Capture) {
            watching.add(event);
        }
        None
    });
}

/// What the mock of this handler returns; `None` where it has none.
pub(super) fn mocked(handler: &str, event: &Event<'_>) -> Option<Result<(), Error>> {
    any(|watching| match &watching.what {
        What::Mock(mocked, refusal) if mocked == handler => {
            watching.add(event);
            Some(match refusal {
                None => Ok(()),
                Some(message) => Err(Error::Rejected {
                    handler: format!("mock of `{handler}`"),
                    signal: event.signal.name(),
                    sender: event.sender,
                    message: message.clone(),
                }),
            })
        }
        _ => None,
    })
}

/// The first answer, from the innermost scope outwards.
fn any<T>(look: impl FnMut(&Watching) -> Option<T>) -> Option<T> {
    let found = WATCHING.try_with(|watching| {
        std::iter::successors(Some(&**watching), |watching| watching.around.as_deref()).find_map(look)
    });
    found.ok().flatten()
}

impl Watching {
    fn add(&self, event: &Event<'_>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Captured::of(event));
    }
}

async fn watch<F: Future>(what: What, body: F) -> (F::Output, Vec<Captured>) {
    let around = WATCHING.try_with(Arc::clone).ok();
    let watching = Arc::new(Watching { what, seen: Mutex::default(), around });
    let output = WATCHING.scope(watching.clone(), body).await;
    let seen = std::mem::take(&mut *watching.seen.lock().unwrap_or_else(PoisonError::into_inner));
    (output, seen)
}

/// Runs `body` and captures the signals that it sends.
pub(crate) async fn capture<F: Future>(body: F) -> (F::Output, Vec<Captured>) {
    let _capturing = registry::Capturing::new();
    watch(What::Capture, body).await
}

/// Runs `body` with a mock in place of the handler with this id.
pub(crate) async fn mock<F: Future>(
    handler: String,
    refusal: Option<String>,
    body: F,
) -> (F::Output, Vec<Captured>) {
    watch(What::Mock(handler, refusal), body).await
}
