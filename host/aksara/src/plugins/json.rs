//! JSON documents on their way across the border. The wire has times and bytes, which JSON does not: what a plugin puts
//! into a document in any language becomes text here, so that there is one form of it (`docs/plugins.md`, "Values inside
//! JSON").

use aksara_wire as wire;
use serde_json::Value as Json;

/// Returns a document as the wire has it.
pub(super) fn to_wire(json: &Json) -> wire::Value {
    match json {
        Json::Null => wire::Value::Nil,
        Json::Bool(v) => (*v).into(),
        Json::Number(v) => v
            .as_i64()
            .map(wire::Value::from)
            .or_else(|| v.as_u64().map(wire::Value::from))
            .unwrap_or_else(|| v.as_f64().into()),
        Json::String(v) => v.as_str().into(),
        Json::Array(v) => wire::Value::Array(v.iter().map(to_wire).collect()),
        Json::Object(v) => {
            wire::Value::Map(v.iter().map(|(key, value)| (key.clone(), to_wire(value))).collect())
        }
    }
}

/// A value inside a document that JSON has no form for.
pub(super) struct Unfit {
    /// Where it is, behind the name of the field: `.items[3].at`.
    path: String,
    what: &'static str,
}

impl Unfit {
    /// Returns the problem in words, with the field in front of the path.
    pub(super) fn within(self, field: &str) -> String {
        format!("a value that JSON has no form for: `{field}{}` is {}", self.path, self.what)
    }

    fn at(self, place: impl std::fmt::Display) -> Self {
        Unfit { path: format!("{place}{}", self.path), ..self }
    }
}

/// Returns a value of the wire as a document.
///
/// # Errors
/// [`Unfit`] for a float that JSON has not: it is infinite, or not a number.
pub(super) fn from_wire(value: wire::Value) -> Result<Json, Unfit> {
    let unfit = |what| Unfit { path: String::new(), what };
    Ok(match value {
        wire::Value::Nil => Json::Null,
        wire::Value::Bool(v) => v.into(),
        wire::Value::Int(v) => v.into(),
        wire::Value::UInt(v) => v.into(),
        wire::Value::Float(v) if v.is_nan() => return Err(unfit("not a number (NaN)")),
        wire::Value::Float(v) => {
            Json::Number(serde_json::Number::from_f64(v).ok_or_else(|| unfit("infinite"))?)
        }
        wire::Value::Str(v) => v.into(),
        value @ (wire::Value::Bin(_) | wire::Value::Timestamp(_)) => value.json_text().into(),
        wire::Value::Array(v) => {
            let items = v.into_iter().enumerate();
            let item = |(index, value)| from_wire(value).map_err(|unfit| unfit.at(format_args!("[{index}]")));
            Json::Array(items.map(item).collect::<Result<_, _>>()?)
        }
        wire::Value::Map(v) => {
            let entry = |(key, value)| match from_wire(value) {
                Ok(value) => Ok((key, value)),
                Err(unfit) => Err(unfit.at(format_args!(".{key}"))),
            };
            Json::Object(v.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
    })
}
