//! A plugin that has to serve and does not: what it was approved to hear is refused, never done without it.

use aksara_wire::Subscription;

use crate::access::Heard;
use crate::error::LoadError;

/// A subscription of a plugin that has to serve, and does not.
#[derive(Debug)]
pub struct Absent {
    id: String,
    order: u64,
    subscription: Subscription,
    message: String,
}

impl Absent {
    /// What refuses the operations of this subscription. `None` for those that cannot be refused any more.
    pub(crate) fn new(plugin: &str, order: u64, heard: &Heard, why: Option<&LoadError>) -> Option<Absent> {
        if matches!(&*heard.signal, "after_commit" | "after_rollback") {
            return None;
        }
        let why = why.map_or_else(|| "it is not loaded yet".to_owned(), ToString::to_string);
        let message = format!(
            "the plugin `{plugin}` has to hear this, and does not serve: {why}. Nothing is done without it, unless \
             `plugins.toml` says `required = false` for it, or has no table of it"
        );
        let id = format!("{plugin}/{}", heard.signal);
        Some(Absent { id, order, subscription: heard.subscription(), message })
    }

    /// The name of the plugin and of the signal, `plugin/signal`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The number of the plugin in the order of connection.
    pub fn order(&self) -> u64 {
        self.order
    }

    /// What it was approved to hear.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// Which plugin does not serve, why, and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}
