//! What plugins write to the log, while a test runs.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber, span};

/// The lines of the plugins, as long as this lives, on this thread.
#[derive(Debug)]
pub struct Logged {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Logged {
    /// Listens from now on.
    pub fn start() -> Logged {
        let lines = Lines::default();
        let guard = tracing::subscriber::set_default(lines.clone());
        Logged { lines, _guard: guard }
    }

    /// The lines since the last call: level, message, and fields in order of their names.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The parts of one line.
#[derive(Default)]
struct Parts {
    message: String,
    fields: String,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            "fields" => self.fields = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "aksara::plugin"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let fields: BTreeMap<&str, &str> =
            parts.fields.split(' ').filter_map(|field| field.split_once('=')).collect();
        let fields: String = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let level = event.metadata().level().as_str().to_lowercase();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{level}: {}{fields}", parts.message));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
