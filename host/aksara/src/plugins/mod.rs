//! Where plugins meet the ORM: payload out, patch in, and the models that they may read.
//!
//! Without the feature `plugins` there is no set of plugins, nor can there be one.

#[cfg(feature = "plugins")]
mod handler;
#[cfg(feature = "plugins")]
mod models;
#[cfg(feature = "plugins")]
mod patch;
#[cfg(feature = "plugins")]
mod payload;
#[cfg(feature = "plugins")]
mod wire;

#[cfg(feature = "plugins")]
pub(crate) use aksara_plugins::PluginSet;
#[cfg(feature = "plugins")]
pub(crate) use payload::Encoded;

#[cfg(not(feature = "plugins"))]
pub(crate) use none::{Encoded, PluginSet};

#[cfg(not(feature = "plugins"))]
mod none {
    use std::sync::Arc;

    use crate::Error;
    use crate::signals::{Event, Handler, Place};
    use crate::transaction::BoxFuture;

    /// Has no values.
    pub(crate) enum PluginSet {}

    impl PluginSet {
        pub(crate) fn handlers(&self, _: &str, _: &str) -> &[Arc<PluginSet>] {
            match *self {}
        }
    }

    impl Handler for PluginSet {
        fn id(&self) -> &str {
            match *self {}
        }

        fn place(&self) -> Place {
            match *self {}
        }

        fn handle<'a>(&'a self, _: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
            match *self {}
        }
    }

    /// No payload is ever encoded.
    #[derive(Default)]
    pub(crate) struct Encoded;

    impl Encoded {
        pub(crate) fn forget(&mut self) {}
    }
}
