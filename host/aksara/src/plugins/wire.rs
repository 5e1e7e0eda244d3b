//! Values on their way across the border, and back, checked against the field that they are for.

use aksara_wire as wire;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::json;
use crate::Value;
use crate::meta::{FieldKind, FieldMeta};
use crate::value::{exact, nearest};

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
        Value::Json(v) => v.as_deref().map_or(wire::Value::Nil, json::to_wire),
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
            Value::Json(Some(v)) => json::to_wire(v).serialize(serializer),
            _ => serializer.serialize_unit(),
        }
    }
}

/// A leap second, which chrono can hold and MessagePack cannot, becomes the end of the second before.
fn timestamp(time: DateTime<Utc>) -> wire::Timestamp {
    wire::Timestamp::new(time.timestamp(), time.timestamp_subsec_nanos().min(999_999_999)).unwrap_or_default()
}

/// A value from a plugin as a value for this field.
///
/// # Errors
/// What is wrong with it, as a clause that goes behind `set `Post.slug` to`: `an integer; the field is text`.
pub(crate) fn from_wire(field: &FieldMeta, value: wire::Value) -> Result<Value, String> {
    let mismatch = |found: &str| Err(format!("{found}; the field is {}", field.kind.words()));
    let kind = value.kind();
    Ok(match (field.kind, value) {
        (FieldKind::Json, wire::Value::Nil) if !field.nullable => {
            Value::Json(Some(Box::new(serde_json::Value::Null)))
        }
        (_, wire::Value::Nil) if field.nullable => field.kind.null(),
        (_, wire::Value::Nil) => return Err("null; the field may not be null".to_owned()),
        (FieldKind::I16, wire::Value::Int(v)) => match i16::try_from(v) {
            Ok(v) => Value::SmallInt(Some(v)),
            Err(_) => return mismatch(&v.to_string()),
        },
        (FieldKind::I32, wire::Value::Int(v)) => match i32::try_from(v) {
            Ok(v) => Value::Int(Some(v)),
            Err(_) => return mismatch(&v.to_string()),
        },
        (FieldKind::I64, wire::Value::Int(v)) => Value::BigInt(Some(v)),
        (FieldKind::I16 | FieldKind::I32 | FieldKind::I64, wire::Value::UInt(v)) => {
            return mismatch(&v.to_string());
        }
        (FieldKind::F32, wire::Value::Float(v)) => match nearest(v) {
            Some(v) => Value::Float(Some(v)),
            None => return mismatch(&format!("{v:e}, which 32 bits cannot hold")),
        },
        (FieldKind::F64, wire::Value::Float(v)) => Value::Double(Some(v)),
        (FieldKind::F32 | FieldKind::F64, wire::Value::Int(v)) => float(field.kind, v.into())?,
        (FieldKind::F32 | FieldKind::F64, wire::Value::UInt(v)) => float(field.kind, v.into())?,
        (FieldKind::Bool, wire::Value::Bool(v)) => Value::Bool(Some(v)),
        (FieldKind::String, wire::Value::Str(v)) => Value::String(Some(v)),
        (FieldKind::String, wire::Value::Bin(_)) => return mismatch("bytes, or text that is not UTF-8"),
        (FieldKind::Bytes, wire::Value::Bin(v)) => Value::Bytes(Some(v)),
        // serde does not tell a list of no bytes from a list of nothing.
        (FieldKind::Bytes, wire::Value::Array(v)) if v.is_empty() => Value::Bytes(Some(Vec::new())),
        (FieldKind::Uuid, wire::Value::Bin(v)) => match Uuid::from_slice(&v) {
            Ok(v) => Value::Uuid(Some(v)),
            Err(_) => return mismatch(&format!("{} bytes", v.len())),
        },
        (FieldKind::Decimal, wire::Value::Str(v)) => match Decimal::from_str_exact(&v) {
            Ok(v) => Value::Decimal(Some(v)),
            Err(_) => return Err(not_a_decimal(&v)),
        },
        (FieldKind::Date, wire::Value::Str(v)) => match v.parse::<NaiveDate>() {
            Ok(v) => Value::ChronoDate(Some(v)),
            Err(_) => return mismatch("text that is not a day of the calendar as `YYYY-MM-DD`"),
        },
        (FieldKind::DateTime, wire::Value::Timestamp(v)) => {
            match DateTime::from_timestamp(v.seconds(), v.nanoseconds()) {
                Some(v) => Value::ChronoDateTimeUtc(Some(v)),
                None => return mismatch("a time that is too far away"),
            }
        }
        (FieldKind::Json, v) => {
            Value::Json(Some(Box::new(json::from_wire(v).map_err(|unfit| unfit.within(field.name))?)))
        }
        _ => return mismatch(kind),
    })
}

/// An integer as a float, which has to be that integer.
fn float(kind: FieldKind, integer: i128) -> Result<Value, String> {
    let double = exact(integer);
    let (value, bits) = match kind {
        FieldKind::F32 => {
            let single =
                double.and_then(|double| nearest(double).filter(|single| f64::from(*single) == double));
            (single.map(|single| Value::Float(Some(single))), 32)
        }
        _ => (double.map(|double| Value::Double(Some(double))), 64),
    };
    value.ok_or_else(|| format!("{integer}, which a float of {bits} bits cannot hold exactly"))
}

/// Why text is not a decimal that a field holds: it has too many digits, is written with an exponent, or is something else,
/// which is not shown.
fn not_a_decimal(text: &str) -> String {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = unsigned.bytes().filter(u8::is_ascii_digit).count();
    if digits > 0 && digits + usize::from(unsigned.contains('.')) == unsigned.len() {
        return format!("a decimal of {digits} digits; the field holds 28");
    }
    if text.len() <= 40 && text.parse::<f64>().is_ok_and(f64::is_finite) {
        return format!("`{text}`; the field is a decimal, which is written without an exponent");
    }
    "text that is not a number; the field is a decimal".to_owned()
}
