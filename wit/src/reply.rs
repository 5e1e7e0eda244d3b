//! Replies: what a handler answers, and how it fails.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::codec::encode_message;
use crate::{DecodeError, DecodeLimits, Map, Value, decode};

/// What a handler that succeeded says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nothing is to change. Encoded as no bytes at all.
    Unchanged,
    /// These fields are to change.
    Patch(Patch),
}

/// What a pre-handler changed. Encoded as a map with the keys `instance`, `update_fields`, `instances`, `pk_set`, so
/// that the reply can grow.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Patch {
    /// New values by field name; a whole instance is a patch too.
    #[serde(rename = "instance")]
    pub fields: Map,
    /// Names to add to the `update_fields` of the save under way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_fields: Vec<String>,
    /// Bulk operations: the new values of each row, by field name; as many as there are instances, empty ones for those
    /// that stay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<Map>,
    /// `pre_add` of a relation: the keys to add in place of those given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pk_set: Option<Vec<Value>>,
}

impl Patch {
    /// Whether the patch asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
            && self.update_fields.is_empty()
            && self.instances.iter().all(Map::is_empty)
            && self.pk_set.is_none()
    }
}

impl Reply {
    /// Encodes the reply.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Reply::Unchanged => Vec::new(),
            Reply::Patch(patch) => encode_message(patch),
        }
    }

    /// Decodes what a plugin returned.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no reply.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Reply, DecodeError> {
        if bytes.is_empty() {
            return Ok(Reply::Unchanged);
        }
        let mut reply = map(decode(bytes, limits)?, "a reply")?;
        let fields = match reply.remove("instance") {
            None | Some(Value::Nil) => Map::new(),
            Some(value) => map(value, "`instance` of a reply")?,
        };
        let update_fields = match reply.remove("update_fields") {
            None | Some(Value::Nil) => Vec::new(),
            Some(value) => strings(value, "`update_fields` of a reply")?,
        };
        let instances = match reply.remove("instances") {
            None | Some(Value::Nil) => Vec::new(),
            Some(Value::Array(rows)) => {
                let row = |row| match row {
                    Value::Nil => Ok(Map::new()),
                    row => map(row, "a row of `instances` of a reply"),
                };
                rows.into_iter().map(row).collect::<Result<_, _>>()?
            }
            Some(other) => return Err(unexpected("`instances` of a reply", "an array", &other)),
        };
        let pk_set = match reply.remove("pk_set") {
            None | Some(Value::Nil) => None,
            Some(Value::Array(keys)) => Some(keys),
            Some(other) => return Err(unexpected("`pk_set` of a reply", "an array", &other)),
        };
        let patch = Patch { fields, update_fields, instances, pk_set };
        Ok(if patch.is_empty() { Reply::Unchanged } else { Reply::Patch(patch) })
    }
}

/// Why a handler says no. Encoded as a map with one of the keys `reject`, `invalid`, `error`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The handler refuses the operation, and says why.
    Reject(String),
    /// The instance is not valid: messages by field. The caller sees a validation error.
    Invalid(BTreeMap<String, Vec<String>>),
    /// The handler itself failed: an exception, with its text and stack trace.
    Error(String),
}

impl Failure {
    /// Encodes the failure.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what a plugin returned as its error.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no failure.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Failure, DecodeError> {
        let mut failure = map(decode(bytes, limits)?, "a failure")?;
        if let Some(message) = failure.remove("reject") {
            return string(message, "`reject`").map(Failure::Reject);
        }
        if let Some(fields) = failure.remove("invalid") {
            let messages = |(field, list)| strings(list, "messages of `invalid`").map(|list| (field, list));
            return map(fields, "`invalid`")?
                .into_iter()
                .map(messages)
                .collect::<Result<_, _>>()
                .map(Failure::Invalid);
        }
        match failure.remove("error") {
            Some(message) => string(message, "`error`").map(Failure::Error),
            None => Err(DecodeError::Malformed(
                "a failure has none of the keys `reject`, `invalid`, `error`".into(),
            )),
        }
    }
}

pub(crate) fn map(value: Value, what: &str) -> Result<Map, DecodeError> {
    match value {
        Value::Map(map) => Ok(map),
        other => Err(unexpected(what, "a map", &other)),
    }
}

pub(crate) fn string(value: Value, what: &str) -> Result<String, DecodeError> {
    match value {
        Value::Str(text) => Ok(text),
        other => Err(unexpected(what, "text", &other)),
    }
}

pub(crate) fn strings(value: Value, what: &str) -> Result<Vec<String>, DecodeError> {
    match value {
        Value::Array(values) => values.into_iter().map(|value| string(value, what)).collect(),
        other => Err(unexpected(what, "an array of text", &other)),
    }
}

pub(crate) fn unexpected(what: &str, expected: &str, found: &Value) -> DecodeError {
    DecodeError::Malformed(format!("{what} is {}, expected {expected}", found.kind()))
}
