//! Requests of the imports `bus`, `services` and `config`, and the error that every request can have.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::Serialize;

use crate::codec::encode_message;
use crate::reply::{map, string, strings};
use crate::{DecodeError, DecodeLimits, Map, Value, decode};

/// Sends a custom signal.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SendRequest {
    /// Name of the signal.
    pub signal: String,
    /// Its arguments.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub args: Map,
    /// Label of the model that it is sent for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Key of the instance that it is sent for. Nil for none.
    #[serde(skip_serializing_if = "Value::is_nil")]
    pub key: Value,
    /// Whether every handler runs, whatever becomes of the others.
    pub robust: bool,
}

/// Calls a service of the application.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServiceRequest {
    /// Name of the service.
    pub service: String,
    /// What it is given.
    pub args: Value,
}

/// Asks for a setting of the plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConfigRequest {
    /// Name of the setting.
    pub name: String,
}

impl SendRequest {
    /// Encodes the request.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what a plugin asks.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no request.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<SendRequest, DecodeError> {
        let mut request = map(decode(bytes, limits)?, "a request")?;
        let mut take = |key: &str| request.remove(key).filter(|value| !value.is_nil());
        Ok(SendRequest {
            signal: string(take("signal").unwrap_or_default(), "`signal` of a request")?,
            args: take("args").map(|args| map(args, "`args` of a request")).transpose()?.unwrap_or_default(),
            sender: take("sender").map(|sender| string(sender, "`sender` of a request")).transpose()?,
            key: take("key").unwrap_or_default(),
            robust: take("robust") == Some(Value::Bool(true)),
        })
    }
}

impl ServiceRequest {
    /// Encodes the request.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what a plugin asks.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no request.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<ServiceRequest, DecodeError> {
        let mut request = map(decode(bytes, limits)?, "a request")?;
        let service = string(request.remove("service").unwrap_or_default(), "`service` of a request")?;
        Ok(ServiceRequest { service, args: request.remove("args").unwrap_or_default() })
    }
}

impl ConfigRequest {
    /// Encodes the request.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what a plugin asks.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no request.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<ConfigRequest, DecodeError> {
        let mut request = map(decode(bytes, limits)?, "a request")?;
        string(request.remove("name").unwrap_or_default(), "`name` of a request")
            .map(|name| ConfigRequest { name })
    }
}

/// Why a request failed, as the plugin sees it. Names no SQL and no other rows' values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestError {
    /// One line that its author can act on.
    pub error: String,
    /// The constraint of the database that the request violated, if it was that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violation: Option<Violation>,
}

/// A violated constraint: what a plugin needs to say which field is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// `unique`, `foreign_key`, `not_null` or `check`.
    pub kind: String,
    /// Label of the model whose constraint it is. Empty where the database does not say.
    pub model: String,
    /// Name of the constraint in the database, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The fields that it is about. Empty where the database does not say.
    pub fields: Vec<String>,
}

impl RequestError {
    /// An error with this text.
    pub fn new(error: impl Into<String>) -> Self {
        RequestError { error: error.into(), violation: None }
    }

    /// Encodes the error.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what the host returned.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no such error.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<RequestError, DecodeError> {
        let mut error = map(decode(bytes, limits)?, "an error")?;
        let text = string(error.remove("error").unwrap_or_default(), "`error`")?;
        let violation = error.remove("violation").filter(|violation| !violation.is_nil());
        Ok(RequestError { error: text, violation: violation.map(Violation::read).transpose()? })
    }
}

impl Violation {
    fn read(value: Value) -> Result<Violation, DecodeError> {
        let mut violation = map(value, "`violation`")?;
        let mut take = |key: &str| violation.remove(key).filter(|value| !value.is_nil());
        Ok(Violation {
            kind: string(take("kind").unwrap_or_default(), "`kind` of a violation")?,
            model: string(take("model").unwrap_or_default(), "`model` of a violation")?,
            constraint: take("constraint")
                .map(|name| string(name, "`constraint` of a violation"))
                .transpose()?,
            fields: take("fields")
                .map(|fields| strings(fields, "`fields` of a violation"))
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl core::error::Error for RequestError {}
