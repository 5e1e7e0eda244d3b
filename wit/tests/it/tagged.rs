//! Values as JSON, for the index of golden files: what JSON has no form for is an object with one tagged key.

use aksara_wire::Value;
use serde_json::{Value as Json, json};

/// Integers above this are not exact in every language's JSON.
const INTEGER_EXACT_MAX: u64 = 1 << 53;

/// `{"$bytes": hex}`, `{"$timestamp": RFC 3339}`, `{"$int": decimal}` for integers beyond 2^53, and
/// `{"$float": decimal}` for floats that JSON would show as integers, or cannot show.
pub(crate) fn tagged(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) if value.unsigned_abs() > INTEGER_EXACT_MAX => json!({ "$int": value.to_string() }),
        Value::Int(value) => json!(value),
        Value::UInt(value) => json!({ "$int": value.to_string() }),
        Value::Float(value) if value.fract() == 0.0 || !value.is_finite() => {
            json!({ "$float": value.to_string() })
        }
        Value::Float(value) => json!(value),
        Value::Str(value) => json!(value),
        Value::Bin(value) => json!({ "$bytes": hex(value) }),
        Value::Timestamp(value) => json!({ "$timestamp": value.to_string() }),
        Value::Array(values) => values.iter().map(tagged).collect(),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.clone(), tagged(value))).collect())
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
