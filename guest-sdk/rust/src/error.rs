//! How a handler says no: it refuses the operation, finds the instance invalid, or fails itself.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt;

use aksara_wire::Failure;

use crate::collect::map;

/// What a handler returns: nothing, or an [`Error`].
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

/// Why a handler did not succeed. The operation under way is aborted and undone.
///
/// `?` turns any `std::error::Error` into one, which the host reports as a failure of the plugin; [`reject`] and
/// [`invalid`] are answers to whoever saves or deletes.
#[derive(Clone, PartialEq)]
pub struct Error(Failure);

/// Refuses the operation; the caller of `save` or `delete` gets the message.
pub fn reject(message: impl Into<String>) -> Error {
    Error(Failure::Reject(message.into()))
}

/// Finds a field invalid; the caller of `save` gets a validation error. [`Error::and`] adds further fields.
pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
    Error(Failure::Invalid(map([(field.into(), vec![message.into()])])))
}

impl Error {
    /// A failure of the plugin itself, which nobody asked for.
    pub fn new(message: impl Into<String>) -> Self {
        Error(Failure::Error(message.into()))
    }

    /// Adds a message about a field to those of [`invalid`]. An error of another kind stays as it is: it is worse.
    #[must_use]
    pub fn and(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        if let Failure::Invalid(fields) = &mut self.0 {
            fields.entry(field.into()).or_default().push(message.into());
        }
        self
    }

    /// The error as the host gets it.
    pub fn into_failure(self) -> Failure {
        self.0
    }
}

/// The text of the error and of what caused it. (For that reason `Error` is no `std::error::Error` itself: it could
/// not be made from all of them and be one.)
impl<E: core::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Error::new(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Failure::Reject(message) | Failure::Error(message) => f.write_str(message),
            Failure::Invalid(fields) => {
                let messages =
                    fields.iter().flat_map(|(field, list)| list.iter().map(move |text| (field, text)));
                for (position, (field, message)) in messages.enumerate() {
                    write!(f, "{}`{field}` {message}", if position == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler returns `Result` or nothing, not `{Self}`",
    label = "no outcome of a handler",
    note = "`Result` is that of `aksara_guest::prelude`; `?` makes its error from any `std::error::Error`"
)]
pub trait Outcome {
    /// The outcome as a result.
    ///
    /// # Errors
    /// The handler's own error.
    fn into_result(self) -> Result;
}

impl Outcome for () {
    fn into_result(self) -> Result {
        Ok(())
    }
}

impl<E: Into<Error>> Outcome for Result<(), E> {
    fn into_result(self) -> Result {
        self.map_err(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_outcomes_stay_apart() {
        let failed: Error = "x".parse::<u8>().unwrap_err().into();
        assert_eq!(failed.into_failure(), Failure::Error("invalid digit found in string".into()));
        assert_eq!(reject("no").into_failure(), Failure::Reject("no".into()));
        let both = invalid("title", "is empty").and("slug", "is taken").and("slug", "is long");
        assert_eq!(both.to_string(), "`slug` is taken; `slug` is long; `title` is empty");
        assert_eq!(reject("no").and("slug", "is taken"), reject("no"));
    }

    #[test]
    fn causes_are_part_of_the_text() {
        #[derive(Debug)]
        struct Outer(core::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("no number of seats")
            }
        }
        impl core::error::Error for Outer {
            fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
                Some(&self.0)
            }
        }
        let error: Error = Outer("".parse::<u8>().unwrap_err()).into();
        assert_eq!(error.to_string(), "no number of seats: cannot parse integer from empty string");
    }
}
