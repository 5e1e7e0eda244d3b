//! Dynamic values for people and programs: JSON and text.

use std::fmt;

use chrono::SecondsFormat;
use uuid::Uuid;

use crate::Value;
use crate::decimal::parse;
use crate::meta::{FieldKind, FieldMeta};

/// A value as JSON: times in RFC 3339, bytes as hexadecimal text; UUIDs, decimals and floats that are not finite as text.
pub(crate) fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    let float = |number: f64| match number {
        number if number.is_nan() => "NaN".into(),
        f64::INFINITY => INFINITY.into(),
        f64::NEG_INFINITY => MINUS_INFINITY.into(),
        number => Json::from(number),
    };
    match value {
        Value::Bool(v) => (*v).into(),
        Value::SmallInt(v) => (*v).into(),
        Value::Int(v) => (*v).into(),
        Value::BigInt(v) => (*v).into(),
        Value::Float(v) => v.map_or(Json::Null, |v| float(v.into())),
        Value::Double(v) => v.map_or(Json::Null, float),
        Value::String(v) => v.clone().into(),
        Value::Bytes(v) => v.as_ref().map(hex::encode).into(),
        Value::Json(v) => v.as_deref().cloned().unwrap_or(Json::Null),
        Value::Uuid(v) => v.map(|v| v.to_string()).into(),
        Value::Decimal(v) => v.map(|v| v.to_string()).into(),
        Value::ChronoDate(v) => v.map(|v| v.to_string()).into(),
        Value::ChronoDateTimeUtc(v) => v.map(|v| v.to_rfc3339_opts(SecondsFormat::AutoSi, true)).into(),
        _ => Json::Null,
    }
}

const INFINITY: &str = "Infinity";
const MINUS_INFINITY: &str = "-Infinity";

/// A value of this field from JSON, as [`to_json`] writes it.
///
/// # Errors
/// Why it is none, as a clause behind what the field is: `the value is not`.
pub(crate) fn from_json(field: &FieldMeta, json: serde_json::Value) -> Result<Value, String> {
    let number = json.as_number().cloned();
    of_kind(field, json).ok_or_else(|| match (field.kind, number) {
        (FieldKind::F32, Some(number)) => format!("{number} does not fit into its 32 bits"),
        (FieldKind::F64, Some(number)) => format!("{number} does not fit into its 64 bits"),
        (FieldKind::I16 | FieldKind::I32 | FieldKind::I64, Some(number)) => format!("{number} is not"),
        _ => "the value is not".to_owned(),
    })
}

fn of_kind(field: &FieldMeta, json: serde_json::Value) -> Option<Value> {
    use serde_json::Value as Json;
    let text = || json.as_str();
    Some(match field.kind {
        FieldKind::Json if json.is_null() && field.nullable => field.kind.null(),
        FieldKind::Json => Value::Json(Some(Box::new(json))),
        _ if json.is_null() => field.nullable.then(|| field.kind.null())?,
        FieldKind::I16 => Value::SmallInt(Some(json.as_i64()?.try_into().ok()?)),
        FieldKind::I32 => Value::Int(Some(json.as_i64()?.try_into().ok()?)),
        FieldKind::I64 => Value::BigInt(Some(json.as_i64()?)),
        FieldKind::F32 | FieldKind::F64 => {
            let is_integer = json.is_i64() || json.is_u64();
            let number = match text() {
                Some(INFINITY) => f64::INFINITY,
                Some(MINUS_INFINITY) => f64::NEG_INFINITY,
                Some(_) => return None,
                None if is_integer => {
                    exact(json.as_i64().map(i128::from).or(json.as_u64().map(i128::from))?)?
                }
                None => json.as_f64()?,
            };
            if field.kind == FieldKind::F64 {
                return Some(Value::Double(Some(number)));
            }
            let nearest = nearest(number)?;
            (!is_integer || f64::from(nearest) == number).then_some(Value::Float(Some(nearest)))?
        }
        FieldKind::Bool => Value::Bool(Some(json.as_bool()?)),
        FieldKind::String => Value::String(Some(text()?.to_owned())),
        FieldKind::Decimal => Value::Decimal(Some(parse(text()?)?)),
        FieldKind::Uuid => Value::Uuid(Some(text()?.parse().ok()?)),
        FieldKind::DateTime => Value::ChronoDateTimeUtc(Some(text()?.parse().ok()?)),
        FieldKind::Date => Value::ChronoDate(Some(text()?.parse().ok()?)),
        FieldKind::Bytes => Value::Bytes(Some(match &json {
            // As serde writes them.
            Json::Array(bytes) => {
                bytes.iter().map(|byte| byte.as_u64()?.try_into().ok()).collect::<Option<_>>()?
            }
            // In a plugin's documents, 16 bytes look like a UUID.
            Json::String(text) => {
                hex::decode(text).ok().or_else(|| Some(text.parse::<Uuid>().ok()?.into()))?
            }
            _ => return None,
        })),
    })
}

/// The float that is this integer; `None` where there are only others beside it.
pub(crate) fn exact(integer: i128) -> Option<f64> {
    let float = integer as f64;
    (float as i128 == integer).then_some(float)
}

/// The nearest float of 32 bits; `None` for what is beyond all of them.
pub(crate) fn nearest(number: f64) -> Option<f32> {
    let nearest = number as f32;
    (nearest.is_infinite() == number.is_infinite()).then_some(nearest)
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
