//! Dynamic values for people and programs: JSON and text.

use std::fmt;

use chrono::SecondsFormat;

use crate::Value;
use crate::decimal::parse;
use crate::meta::{FieldKind, FieldMeta};

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

/// A value of this field from JSON, as [`to_json`] writes it; `None` when it is of another kind.
pub(crate) fn from_json(field: &FieldMeta, json: serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    let text = || json.as_str();
    Some(match field.kind {
        FieldKind::Json if json.is_null() && field.nullable => field.kind.null(),
        FieldKind::Json => Value::Json(Some(Box::new(json))),
        _ if json.is_null() => field.nullable.then(|| field.kind.null())?,
        FieldKind::I16 => Value::SmallInt(Some(json.as_i64()?.try_into().ok()?)),
        FieldKind::I32 => Value::Int(Some(json.as_i64()?.try_into().ok()?)),
        FieldKind::I64 => Value::BigInt(Some(json.as_i64()?)),
        FieldKind::F32 => Value::Float(Some(json.as_f64()? as f32)),
        FieldKind::F64 => Value::Double(Some(json.as_f64()?)),
        FieldKind::Bool => Value::Bool(Some(json.as_bool()?)),
        FieldKind::String => Value::String(Some(text()?.to_owned())),
        FieldKind::Decimal => Value::Decimal(Some(parse(text()?)?)),
        FieldKind::Uuid => Value::Uuid(Some(text()?.parse().ok()?)),
        FieldKind::DateTime => Value::ChronoDateTimeUtc(Some(text()?.parse().ok()?)),
        FieldKind::Date => Value::ChronoDate(Some(text()?.parse().ok()?)),
        FieldKind::Bytes => {
            let Json::Array(bytes) = &json else { return None };
            let byte = |byte: &Json| byte.as_u64()?.try_into().ok();
            Value::Bytes(Some(bytes.iter().map(byte).collect::<Option<_>>()?))
        }
    })
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
