//! A plugin: its name, its handlers and the grants that it asks for; and the macro that makes one of a crate.

use alloc::borrow::ToOwned;
use alloc::format;
#[cfg(target_family = "wasm")]
use alloc::vec::Vec;

use aksara_wire::{CONTRACT_VERSION, Description, Failure, Grants, ModelOperation, Reply, Subscription};

use crate::Handler;
use crate::collect::{map, names, set};

/// What `plugin!` makes of a crate, as its static `PLUGIN`.
#[derive(Debug)]
pub struct Plugin {
    name: &'static str,
    version: &'static str,
    handlers: &'static [PluginHandler],
    signals: &'static [(&'static str, &'static [&'static str])],
    grants: Asked,
}

/// The grants that a plugin asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// Operations by label of the model.
    pub models: &'static [(&'static str, &'static [ModelOperation])],
    /// Custom signals that it sends.
    pub signals: &'static [&'static str],
    /// Services that it calls.
    pub services: &'static [&'static str],
    /// Buckets of the cache.
    pub keyvalue: &'static [&'static str],
    /// Hosts, with their ports, that it sends HTTP requests to.
    pub http: &'static [&'static str],
}

/// One handler of a plugin.
#[derive(Debug)]
pub struct PluginHandler {
    subscription: fn() -> Subscription,
    handle: fn(&[u8]) -> Result<Reply, Failure>,
}

impl PluginHandler {
    /// The handler that an attribute made.
    pub const fn of<H: Handler>() -> Self {
        PluginHandler { subscription: H::subscription, handle: H::handle }
    }
}

impl Plugin {
    /// A plugin of these handlers, which declares these custom signals with their arguments, and asks for these grants.
    pub const fn new(
        name: &'static str,
        version: &'static str,
        handlers: &'static [PluginHandler],
        signals: &'static [(&'static str, &'static [&'static str])],
        grants: Asked,
    ) -> Self {
        Plugin { name, version, handlers, signals, grants }
    }

    /// What the plugin says about itself when it is loaded.
    pub fn describe(&self) -> Description {
        let operations =
            |(model, list): &(&str, &[ModelOperation])| ((*model).to_owned(), set(list.iter().copied()));
        Description {
            name: self.name.to_owned(),
            version: self.version.to_owned(),
            contract: CONTRACT_VERSION.to_owned(),
            subscriptions: self.handlers.iter().map(|handler| (handler.subscription)()).collect(),
            signals: map(self.signals.iter().map(|(signal, list)| ((*signal).to_owned(), names(list)))),
            grants: Grants {
                models: map(self.grants.models.iter().map(operations)),
                signals: names(self.grants.signals),
                services: names(self.grants.services),
                keyvalue: names(self.grants.keyvalue),
                http: names(self.grants.http),
            },
        }
    }

    /// Handles one encoded event for the subscription with this index.
    ///
    /// # Errors
    /// What the handler says against the operation, or that there is no such subscription.
    pub fn handle(&self, subscription: u32, event: &[u8]) -> Result<Reply, Failure> {
        match self.handlers.get(subscription as usize) {
            Some(handler) => (handler.handle)(event),
            None => Err(Failure::Error(format!("`{}` has no subscription {subscription}", self.name))),
        }
    }

    /// [`handle`](Self::handle) as the component exports it; with the feature `std` a panic's text reaches the log
    /// before the trap.
    #[cfg(target_family = "wasm")]
    #[doc(hidden)]
    pub fn export_handle(&self, subscription: u32, event: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        #[cfg(feature = "std")]
        std::panic::set_hook(std::boxed::Box::new(|panic| crate::log::error!("{panic}")));
        match self.handle(subscription, event) {
            Ok(reply) => Ok(reply.encode()),
            Err(failure) => Err(failure.encode()),
        }
    }
}

/// Makes a plugin of a crate: `plugin!(generate_slug, count_words);`, once, in `lib.rs`.
///
/// Its name and version are those of the package. Custom signals are declared, and grants asked for, like this; each
/// part may be left out:
///
/// ```
/// # use aksara_guest::prelude::*;
/// # #[pre_save("Flight")]
/// # fn check_plane(_: &Map) {}
/// plugin! {
///     handlers: [check_plane],
///     signals: { "fleet.plane_missing": ["tailnum"] },
///     grants: {
///         models: { "Plane": [get], "Airport": [get, find, count] },
///         signals: ["fleet.plane_missing"],
///         services: ["notifications.send"],
///         keyvalue: ["cache"],
///         http: ["api.example.com:443"],
///     },
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! plugin {
    (
        handlers: [$($handler:path),* $(,)?]
        $(, signals: { $($signal:literal: [$($argument:literal),* $(,)?]),* $(,)? })?
        $(, grants: {
            $(models: { $($model:literal: [$($operation:ident),* $(,)?]),* $(,)? } $(,)?)?
            $(signals: [$($sent:literal),* $(,)?] $(,)?)?
            $(services: [$($service:literal),* $(,)?] $(,)?)?
            $(keyvalue: [$($bucket:literal),* $(,)?] $(,)?)?
            $(http: [$($host:literal),* $(,)?] $(,)?)?
        })?
        $(,)?
    ) => {
        /// The plugin that this crate is.
        pub static PLUGIN: $crate::Plugin = $crate::Plugin::new(
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_PKG_VERSION"),
            &[$($crate::PluginHandler::of::<$handler>()),*],
            &[$($(($signal, &[$($argument),*])),*)?],
            $crate::Asked {
                models: &[$($($(($model, &[$($crate::__operation!($operation)),*])),*)?)?],
                signals: &[$($($($sent),*)?)?],
                services: &[$($($($service),*)?)?],
                keyvalue: &[$($($($bucket),*)?)?],
                http: &[$($($($host),*)?)?],
            },
        );

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;

            impl $crate::__private::bindings::exports::aksara::signals::handler::Guest for Component {
                fn describe() -> $crate::__private::Vec<u8> {
                    PLUGIN.describe().encode()
                }

                fn handle(
                    subscription: u32,
                    event: $crate::__private::Vec<u8>,
                ) -> ::core::result::Result<$crate::__private::Vec<u8>, $crate::__private::Vec<u8>> {
                    PLUGIN.export_handle(subscription, &event)
                }
            }

            $crate::__private::bindings::export_plugin!(Component with_types_in $crate::__private::bindings);
        };
    };
    ($($handler:path),+ $(,)?) => {
        $crate::plugin! { handlers: [$($handler),+] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __operation {
    (get) => {
        $crate::ModelOperation::Get
    };
    (find) => {
        $crate::ModelOperation::Find
    };
    (count) => {
        $crate::ModelOperation::Count
    };
    (create) => {
        $crate::ModelOperation::Create
    };
    (update) => {
        $crate::ModelOperation::Update
    };
    (delete) => {
        $crate::ModelOperation::Delete
    };
}
