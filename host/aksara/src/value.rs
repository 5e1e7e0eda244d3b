//! Dynamic values for people and programs: JSON and text.

use std::fmt;

use chrono::SecondsFormat;

use crate::Value;

/// A value as JSON: times in RFC 3339, UUIDs and decimals as text, bytes as an array of numbers.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Bool(v) => (*v).into(),
        Value::SmallInt(v) => (*v).into(),
        Value::Int(v) => (*v).into(),
        Value::BigInt(v) => (*v).into(),
        Value::Float(v) => (*v).into(),
        Value::Double(v) => (*v).into(),
        Value::String(v) => v.clone().into(),
        Value::Bytes(v) => v.clone().into(),
        Value::Json(v) => v.as_deref().cloned().unwrap_or(Json::Null),
        Value::Uuid(v) => v.map(|v| v.to_string()).into(),
        Value::Decimal(v) => v.map(|v| v.to_string()).into(),
        Value::ChronoDate(v) => v.map(|v| v.to_string()).into(),
        Value::ChronoDateTimeUtc(v) => v.map(|v| v.to_rfc3339_opts(SecondsFormat::AutoSi, true)).into(),
        _ => Json::Null,
    }
}

/// A value for people: text as it is, everything else as in JSON, null as `null`.
pub(crate) struct Shown<'a>(pub(crate) &'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match to_json(self.0) {
            serde_json::Value::String(text) => f.write_str(&text),
            other => other.fmt(f),
        }
    }
}
