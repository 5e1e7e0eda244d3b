//! Sending custom signals, in the transaction in which the event fires. Each needs its grant:
//! `plugin! { .., grants: { signals: ["billing.payment_processed"] } }`.
//!
//! A signal is declared by the application, or by a plugin:
//! `plugin! { .., signals: { "billing.payment_processed": ["amount", "currency"] } }`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use aksara_wire::{Map, RequestError, SendRequest, Value, to_value};
use serde::Serialize;

use crate::{Error, host};

/// What became of one handler of [`send_robust`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Id of the handler.
    pub handler: String,
    /// Its error; `None` when it succeeded.
    pub error: Option<String>,
}

/// Sends a signal to its handlers until the first error, which undoes what they did.
///
/// # Errors
/// The grant is missing, nobody declares the signal, an argument is missing or undeclared, or a handler failed.
pub fn send(signal: &str, args: &impl Serialize) -> Result<(), Error> {
    host::send(&request(signal, args)?)?;
    Ok(())
}

/// As [`send`], for the instance with this key.
///
/// # Errors
/// As [`send`], and when there is no such model or row.
pub fn send_for(
    signal: &str,
    args: &impl Serialize,
    sender: &str,
    key: impl Into<Value>,
) -> Result<(), Error> {
    host::send(&SendRequest { sender: Some(sender.to_owned()), key: key.into(), ..request(signal, args)? })?;
    Ok(())
}

/// Sends a signal to all its handlers, whatever becomes of the others; what became of each, in order.
///
/// # Errors
/// As [`send`], but for those of handlers.
pub fn send_robust(signal: &str, args: &impl Serialize) -> Result<Vec<Outcome>, Error> {
    let Value::Array(outcomes) = host::send(&SendRequest { robust: true, ..request(signal, args)? })? else {
        return Ok(Vec::new());
    };
    Ok(outcomes.into_iter().filter_map(outcome).collect())
}

fn outcome(value: Value) -> Option<Outcome> {
    let Value::Map(mut map) = value else { return None };
    let mut text = |key: &str| match map.get_mut(key).map(mem::take) {
        Some(Value::Str(text)) => Some(text),
        _ => None,
    };
    Some(Outcome { handler: text("handler")?, error: text("error") })
}

fn request(signal: &str, args: &impl Serialize) -> Result<SendRequest, Error> {
    let args = match to_value(args)? {
        Value::Map(args) => args,
        Value::Nil => Map::new(),
        other => {
            let found = other.kind();
            return Err(
                RequestError::new(format!("the arguments of `{signal}` are {found}, not a map")).into()
            );
        }
    };
    Ok(SendRequest { signal: signal.to_owned(), args, ..SendRequest::default() })
}
