//! What would run: the handlers of a model, in order, with where each comes from.

use std::fmt;

use super::{Handler, SignalKind, registry};
use crate::{Db, Model};

/// One handler that would run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Name of the signal.
    pub signal: &'static str,
    /// Id of the handler.
    pub handler: String,
    /// Its priority; higher runs first.
    pub priority: i32,
    /// File and line, or plugin and revision.
    pub origin: String,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<16} {:>4}  {}  ({})", self.signal, self.priority, self.handler, self.origin)
    }
}

/// The handlers that would run for this model in this database: by signal, and in the order in which they run.
pub fn explain<M: Model>(db: &Db) -> Vec<Explained> {
    let meta = M::meta();
    let plugins = db.plugin_set();
    let mut explained = Vec::new();
    for signal in SignalKind::BUILT_IN {
        let native = registry::handlers(signal, meta.label, Some(meta));
        let mut handlers: Vec<&dyn Handler> =
            native.iter().flat_map(|all| all.iter()).map(|one| &**one).collect();
        if let Some(plugins) = &plugins {
            for handler in plugins.handlers(signal.name(), meta.label) {
                handlers.push(&**handler);
            }
        }
        handlers.sort_by_key(|handler| handler.place());
        explained.extend(handlers.iter().map(|handler| Explained {
            signal: signal.name(),
            handler: handler.id().to_owned(),
            priority: handler.place().0.0,
            origin: handler.origin(),
        }));
    }
    explained
}
