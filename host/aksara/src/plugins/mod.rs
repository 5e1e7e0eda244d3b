//! Where plugins meet the ORM: payload out, patch in, and the models that they may read.
//!
//! Without the feature `plugins` there is no set of plugins, nor can there be one.

#[cfg(feature = "plugins")]
mod application;
#[cfg(feature = "plugins")]
mod bus;
#[cfg(feature = "plugins")]
mod handler;
#[cfg(feature = "plugins")]
mod json;
#[cfg(feature = "plugins")]
mod models;
#[cfg(feature = "plugins")]
mod patch;
#[cfg(feature = "plugins")]
mod payload;
#[cfg(feature = "plugins")]
mod unanswered;
#[cfg(feature = "plugins")]
mod wire;
#[cfg(feature = "plugins")]
mod writes;

#[cfg(feature = "plugins")]
pub(crate) use aksara_plugins::PluginSet;
#[cfg(feature = "plugins")]
pub(crate) use payload::Encoded;
#[cfg(feature = "plugins")]
pub(crate) use unanswered::Unanswered;

/// Loads the plugins of a folder, with these [`Limits`](aksara_plugins::Limits) or options, and watches it from then on.
/// Give them to databases by [`DbOptions::plugins`](crate::DbOptions::plugins). What each is allowed its operator says in
/// `plugins.toml` beside the folder.
///
/// A plugin that cannot be loaded hinders no other; [`Plugins::status`](aksara_plugins::Plugins::status) says why. Where it
/// is required, as those that are approved are in [production](aksara_plugins::Profile::Production), the operations that it
/// was approved to hear are refused until it serves.
///
/// ```no_run
/// # async fn example() -> Result<(), aksara::LoadError> {
/// use aksara::{PluginsOptions, Profile, open_plugins};
///
/// let options = PluginsOptions::default().profile(Profile::Production);
/// let plugins = open_plugins("plugins", options).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`LoadError`](aksara_plugins::LoadError) when the folder cannot be read or watched, or `plugins.toml` makes no sense, or
/// is not there in production.
#[cfg(feature = "plugins")]
pub async fn open_plugins(
    folder: impl Into<std::path::PathBuf>,
    options: impl Into<aksara_plugins::PluginsOptions>,
) -> Result<aksara_plugins::Plugins, aksara_plugins::LoadError> {
    // Native handlers and plugins share one order of connection, and those with attributes come first.
    crate::signals::connect_attributed();
    let mut options = options.into();
    options.next_order.get_or_insert(crate::signals::next_order);
    options.models.get_or_insert_with(senders);
    aksara_plugins::Plugins::open(folder, options).await
}

/// The fields of each model, and of each relation: those of the model that has it.
#[cfg(feature = "plugins")]
fn senders() -> std::collections::BTreeMap<String, std::collections::BTreeSet<String>> {
    let models = crate::meta::ModelMeta::all();
    let named = models.flat_map(|meta| {
        let labels = meta.joins.iter().map(|join| join.label).chain([meta.label]);
        labels.map(move |label| {
            (label.to_owned(), meta.fields.iter().map(|field| field.name.to_owned()).collect())
        })
    });
    named.collect()
}

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

        fn origin(&self) -> String {
            match *self {}
        }

        fn wants(&self, _: &Event<'_>) -> bool {
            match *self {}
        }

        fn handle<'a>(&'a self, _: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
            match *self {}
        }
    }

    /// No payload is ever encoded.
    pub(crate) struct Encoded;

    impl Encoded {
        pub(crate) fn new() -> Self {
            Encoded
        }

        pub(crate) fn forget(&mut self) {}
    }
}
