//! Values as JSON, and JSON as values: what `aksara call` reads and prints.
//!
//! Text stays text, also where it looks like something else. What JSON has no form for is an object with one key:
//!
//! | value | JSON |
//! |---|---|
//! | bytes, also UUIDs | `{"$bytes": "0a1b2c"}` |
//! | a point in time | `{"$timestamp": "2026-03-01T12:00:00Z"}` |
//! | infinite floats, and those that are no numbers | `{"$float": "inf"}` |
//!
//! Numbers with a point or an exponent are floats, the others integers.

use aksara_wire::{Map, Timestamp, Value};
use anyhow::{Context, Result, bail};
use serde_json::{Map as JsonMap, Value as Json, json};

/// The value that JSON stands for.
pub(crate) fn from_json(json: Json) -> Result<Value> {
    Ok(match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => value.into(),
        Json::Number(value) => match (value.as_i64(), value.as_u64()) {
            (Some(value), _) => value.into(),
            (None, Some(value)) => value.into(),
            (None, None) => value.as_f64().into(),
        },
        Json::String(value) => value.into(),
        Json::Array(values) => Value::Array(values.into_iter().map(from_json).collect::<Result<_>>()?),
        Json::Object(entries) => match tag(&entries) {
            Some((tag, text)) => tagged(tag, text)?,
            None => Value::Map(from_object(entries)?),
        },
    })
}

/// The fields that a JSON object stands for.
pub(crate) fn from_object(entries: JsonMap<String, Json>) -> Result<Map> {
    let field = |(name, json)| {
        let value = from_json(json).with_context(|| format!("in `{name}`"))?;
        Ok((name, value))
    };
    entries.into_iter().map(field).collect()
}

/// The value as JSON.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::UInt(value) => json!(value),
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Float(value) => json!({ "$float": value.to_string() }),
        Value::Str(value) => json!(value),
        Value::Bin(value) => json!({ "$bytes": hex(value) }),
        Value::Timestamp(value) => json!({ "$timestamp": value.to_string() }),
        Value::Array(values) => values.iter().map(to_json).collect(),
        Value::Map(fields) => to_object(fields),
    }
}

/// The fields as a JSON object.
pub(crate) fn to_object(fields: &Map) -> Json {
    Json::Object(fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
}

/// The one key of an object, when it starts with `$`, and its text.
fn tag(entries: &JsonMap<String, Json>) -> Option<(&str, &str)> {
    let (tag, value) = entries.iter().next().filter(|_| entries.len() == 1)?;
    tag.starts_with('$').then_some((tag.as_str(), value.as_str()?))
}

fn tagged(tag: &str, text: &str) -> Result<Value> {
    match tag {
        "$bytes" => {
            let bytes = unhex(text)
                .with_context(|| format!("`{text}` is not hexadecimal, two digits for each byte"))?;
            Ok(Value::Bin(bytes))
        }
        "$timestamp" => Ok(text.parse::<Timestamp>()?.into()),
        "$float" => Ok(text.parse::<f64>().with_context(|| format!("`{text}` is no float"))?.into()),
        _ => bail!("unknown tag `{tag}`; there are `$bytes`, `$timestamp` and `$float`"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |character: u8| char::from(character).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_comes_back() {
        let text = r#"{
            "array": [1, -2, 18446744073709551615, 1.5, 2.0, true, null, {"$float": "-inf"}],
            "bytes": {"$bytes": "00ff"},
            "map": {"$bytes": "00", "more": "keys"},
            "text": "2026-03-01T12:00:00Z",
            "time": {"$timestamp": "2026-03-01T12:00:00.5Z"}
        }"#;
        let json: Json = serde_json::from_str(text).unwrap();
        let value = from_json(json.clone()).unwrap();
        let Value::Map(map) = &value else { panic!("{value:?}") };
        assert_eq!(map["bytes"], Value::Bin(vec![0, 255]));
        assert_eq!(map["text"], Value::Str("2026-03-01T12:00:00Z".into()));
        assert_eq!(map["time"].kind(), "a timestamp");
        assert_eq!(to_json(&value), json);
    }

    #[test]
    fn what_stands_for_nothing_is_an_error() {
        let error = |text: &str| format!("{:#}", from_json(serde_json::from_str(text).unwrap()).unwrap_err());
        assert_eq!(error(r#"{"$bytes": "0"}"#), "`0` is not hexadecimal, two digits for each byte");
        assert_eq!(
            error(r#"{"at": {"$timestamp": "noon"}}"#),
            "in `at`: `noon` is no RFC 3339 time; write it like `2026-03-01T12:00:00Z`"
        );
        assert_eq!(
            error(r#"{"$uuid": "x"}"#),
            "unknown tag `$uuid`; there are `$bytes`, `$timestamp` and `$float`"
        );
    }
}
