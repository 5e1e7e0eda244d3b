//! Lines for the host's log, with fields: `log::info!(slug = post.slug; "made a slug for {}", post.title)`.
//!
//! The host allows so many lines per event; those beyond are dropped.

use alloc::string::{String, ToString};

use aksara_wire::{Map, Value};
use serde::Serialize;

#[doc(inline)]
pub use crate::{__debug as debug, __error as error, __info as info, __trace as trace, __warn as warn};

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something failed.
    Error,
    /// Something looks wrong.
    Warn,
    /// Something worth knowing happened.
    Info,
    /// For those who look for a fault.
    Debug,
    /// For those who look at every step.
    Trace,
}

impl Level {
    /// The level's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }
}

/// Writes one line. A field named `level` or `message` gives way to the line's own.
pub fn write(level: Level, message: impl Into<String>, mut fields: Map) {
    fields.insert("level".into(), level.name().into());
    fields.insert("message".into(), Value::Str(message.into()));
    crate::host::log(fields);
}

/// A value as a field of a line; what cannot be encoded shows as the reason why.
#[doc(hidden)]
pub fn field(value: &(impl Serialize + ?Sized)) -> Value {
    aksara_wire::to_value(value).unwrap_or_else(|error| Value::Str(error.to_string()))
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log {
    ($level:ident, $($name:ident = $value:expr),+ $(,)?; $($message:tt)+) => {
        $crate::log::write(
            $crate::log::Level::$level,
            $crate::__private::format!($($message)+),
            $crate::__private::map([$(($crate::__private::String::from(stringify!($name)), $crate::log::field(&$value))),+]),
        )
    };
    ($level:ident, $($message:tt)+) => {
        $crate::log::write($crate::log::Level::$level, $crate::__private::format!($($message)+), $crate::Map::new())
    };
}

/// Writes an error: `log::error!(field = value; "text {}", argument)`; the fields can be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __error {
    ($($line:tt)+) => { $crate::__log!(Error, $($line)+) };
}

/// Writes a warning: `log::warn!(field = value; "text {}", argument)`; the fields can be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __warn {
    ($($line:tt)+) => { $crate::__log!(Warn, $($line)+) };
}

/// Writes a piece of information: `log::info!(field = value; "text {}", argument)`; the fields can be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __info {
    ($($line:tt)+) => { $crate::__log!(Info, $($line)+) };
}

/// Writes a line for debugging: `log::debug!(field = value; "text {}", argument)`; the fields can be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __debug {
    ($($line:tt)+) => { $crate::__log!(Debug, $($line)+) };
}

/// Writes a step: `log::trace!(field = value; "text {}", argument)`; the fields can be left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __trace {
    ($($line:tt)+) => { $crate::__log!(Trace, $($line)+) };
}
