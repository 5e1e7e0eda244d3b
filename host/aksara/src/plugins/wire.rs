//! Values on their way across the border, and back, checked against the field that they are for.

use aksara_wire as wire;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::Value;
use crate::meta::{FieldKind, FieldMeta};

/// A value in the form that the contract gives it (see the table of `aksara-wire`).
pub(crate) fn to_wire(value: &Value) -> wire::Value {
    match value {
        Value::Bool(v) => (*v).into(),
        Value::SmallInt(v) => (*v).into(),
        Value::Int(v) => (*v).into(),
        Value::BigInt(v) => (*v).into(),
        Value::Float(v) => (*v).into(),
        Value::Double(v) => (*v).into(),
        Value::String(v) => v.clone().into(),
        Value::Bytes(v) => v.clone().into(),
        Value::Uuid(v) => v.map(|v| v.as_bytes().to_vec()).into(),
        Value::Decimal(v) => v.map(|v| v.to_string()).into(),
        Value::ChronoDate(v) => v.map(|v| v.to_string()).into(),
        Value::ChronoDateTimeUtc(v) => v.map(timestamp).into(),
        Value::Json(v) => v.as_deref().map_or(wire::Value::Nil, json_to_wire),
        _ => wire::Value::Nil,
    }
}

/// A value that serialises as [`to_wire`] would have it, without the copy.
pub(crate) struct OnWire<'a>(pub(crate) &'a Value);

impl Serialize for OnWire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(Some(v)) => serializer.serialize_bool(*v),
            Value::SmallInt(Some(v)) => serializer.serialize_i16(*v),
            Value::Int(Some(v)) => serializer.serialize_i32(*v),
            Value::BigInt(Some(v)) => serializer.serialize_i64(*v),
            Value::Float(Some(v)) => serializer.serialize_f64((*v).into()),
            Value::Double(Some(v)) => serializer.serialize_f64(*v),
            Value::String(Some(v)) => serializer.serialize_str(v),
            Value::Bytes(Some(v)) => serializer.serialize_bytes(v),
            Value::Uuid(Some(v)) => serializer.serialize_bytes(v.as_bytes()),
            Value::Decimal(Some(v)) => serializer.collect_str(v),
            Value::ChronoDate(Some(v)) => serializer.collect_str(v),
            Value::ChronoDateTimeUtc(Some(v)) => timestamp(*v).serialize(serializer),
            Value::Json(Some(v)) => json_to_wire(v).serialize(serializer),
            _ => serializer.serialize_unit(),
        }
    }
}

/// A leap second, which chrono can hold and MessagePack cannot, becomes the end of the second before.
fn timestamp(time: DateTime<Utc>) -> wire::Timestamp {
    wire::Timestamp::new(time.timestamp(), time.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default()
}

fn json_to_wire(json: &serde_json::Value) -> wire::Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => wire::Value::Nil,
        Json::Bool(v) => (*v).into(),
        Json::Number(v) => v
            .as_i64()
            .map(wire::Value::from)
            .or_else(|| v.as_u64().map(wire::Value::from))
            .unwrap_or_else(|| v.as_f64().into()),
        Json::String(v) => v.as_str().into(),
        Json::Array(v) => wire::Value::Array(v.iter().map(json_to_wire).collect()),
        Json::Object(v) => {
            wire::Value::Map(v.iter().map(|(key, value)| (key.clone(), json_to_wire(value))).collect())
        }
    }
}

/// `None` for what JSON cannot hold: bytes, timestamps, and floats that are no numbers.
fn json_from_wire(value: wire::Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        wire::Value::Nil => Json::Null,
        wire::Value::Bool(v) => v.into(),
        wire::Value::Int(v) => v.into(),
        wire::Value::UInt(v) => v.into(),
        wire::Value::Float(v) => Json::Number(serde_json::Number::from_f64(v)?),
        wire::Value::Str(v) => v.into(),
        wire::Value::Array(v) => Json::Array(v.into_iter().map(json_from_wire).collect::<Option<_>>()?),
        wire::Value::Map(v) => Json::Object(
            v.into_iter().map(|(key, value)| Some((key, json_from_wire(value)?))).collect::<Option<_>>()?,
        ),
        wire::Value::Bin(_) | wire::Value::Timestamp(_) => return None,
    })
}

/// A value from a plugin as a value for this field.
///
/// # Errors
/// What is wrong with it, as a clause that goes behind `set `Post.slug` to`: `an integer; the field is text`.
pub(crate) fn from_wire(field: &FieldMeta, value: wire::Value) -> Result<Value, String> {
    let found = value.kind();
    let mismatch = |what: &str| Err(format!("{what}; the field is {}", field.kind.words()));
    let converted = match (field.kind, value) {
        (FieldKind::Json, wire::Value::Nil) if !field.nullable => {
            Some(Value::Json(Some(Box::new(serde_json::Value::Null))))
        }
        (_, wire::Value::Nil) if field.nullable => Some(field.kind.null()),
        (_, wire::Value::Nil) => return Err("null; the field may not be null".to_owned()),
        (FieldKind::I16, wire::Value::Int(v)) => match i16::try_from(v) {
            Ok(v) => Some(Value::SmallInt(Some(v))),
            Err(_) => return mismatch(&v.to_string()),
        },
        (FieldKind::I32, wire::Value::Int(v)) => match i32::try_from(v) {
            Ok(v) => Some(Value::Int(Some(v))),
            Err(_) => return mismatch(&v.to_string()),
        },
        (FieldKind::I64, wire::Value::Int(v)) => Some(Value::BigInt(Some(v))),
        (FieldKind::F32, wire::Value::Float(v)) => Some(Value::Float(Some(v as f32))),
        (FieldKind::F32, wire::Value::Int(v)) => Some(Value::Float(Some(v as f32))),
        (FieldKind::F64, wire::Value::Float(v)) => Some(Value::Double(Some(v))),
        (FieldKind::F64, wire::Value::Int(v)) => Some(Value::Double(Some(v as f64))),
        (FieldKind::Bool, wire::Value::Bool(v)) => Some(Value::Bool(Some(v))),
        (FieldKind::String, wire::Value::Str(v)) => Some(Value::String(Some(v))),
        (FieldKind::Bytes, wire::Value::Bin(v)) => Some(Value::Bytes(Some(v))),
        // serde does not tell a list of no bytes from a list of nothing.
        (FieldKind::Bytes, wire::Value::Array(v)) if v.is_empty() => Some(Value::Bytes(Some(Vec::new()))),
        (FieldKind::Uuid, wire::Value::Bin(v)) => Uuid::from_slice(&v).ok().map(|v| Value::Uuid(Some(v))),
        (FieldKind::Decimal, wire::Value::Str(v)) => {
            Decimal::from_str_exact(&v).ok().map(|v| Value::Decimal(Some(v)))
        }
        (FieldKind::Date, wire::Value::Str(v)) => {
            v.parse::<NaiveDate>().ok().map(|v| Value::ChronoDate(Some(v)))
        }
        (FieldKind::DateTime, wire::Value::Timestamp(v)) => {
            DateTime::from_timestamp(v.seconds(), v.nanoseconds()).map(|v| Value::ChronoDateTimeUtc(Some(v)))
        }
        (FieldKind::Json, v) => json_from_wire(v).map(|v| Value::Json(Some(Box::new(v)))),
        _ => None,
    };
    converted.map_or_else(|| mismatch(found), Ok)
}
