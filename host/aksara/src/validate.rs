//! Validation: what `save` checks of the values, after the handlers have changed them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use chrono::{Datelike, Timelike};
use sea_query::Expr;

use crate::expression::Side;
use crate::instance::AnyInstance;
use crate::meta::{FieldKind, FieldMeta, ModelMeta};
use crate::schema::indexed_max;
use crate::{Backend, Value};

/// What is wrong with an instance, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationErrors {
    /// Label of the model; empty until the error leaves the operation.
    pub model: String,
    /// Messages by name of the field.
    pub fields: BTreeMap<String, Vec<String>>,
}

impl ValidationErrors {
    /// One message for one field: what a handler returns to say that the instance is not valid.
    pub fn field(name: impl Into<String>, message: impl Into<String>) -> Self {
        let mut errors = ValidationErrors::default();
        errors.add(name, message);
        errors
    }

    /// Adds a message.
    pub fn add(&mut self, name: impl Into<String>, message: impl Into<String>) {
        self.fields.entry(name.into()).or_default().push(message.into());
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not valid:", self.model)?;
        for (index, (field, messages)) in self.fields.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator} `{field}` {}", messages.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for ValidationErrors {}

/// Checks the fields that `written` accepts.
pub(crate) fn validate(
    backend: Backend,
    instance: &dyn AnyInstance,
    written: impl Fn(&FieldMeta) -> bool,
) -> Result<(), ValidationErrors> {
    let meta = instance.meta();
    let mut errors = ValidationErrors::default();
    for (index, field) in meta.fields.iter().enumerate().filter(|(_, field)| written(field)) {
        if let Some(message) = problem(backend, meta, index, instance) {
            errors.add(field.name, message);
        }
    }
    if errors.fields.is_empty() {
        return Ok(());
    }
    errors.model = meta.label.to_owned();
    Err(errors)
}

/// Checks what a query's `update` sets fields to: the values as a save does, and those in an expression, of which the
/// database makes another one, for what no row can hold.
///
/// # Errors
/// What is wrong, by field.
pub(crate) fn validate_assignments<'a>(
    backend: Backend,
    meta: &ModelMeta,
    assignments: impl Iterator<Item = (&'a FieldMeta, &'a Side)>,
) -> Result<(), ValidationErrors> {
    let mut errors = ValidationErrors { model: meta.label.to_owned(), ..Default::default() };
    for (field, new) in assignments {
        let problem = match new {
            Side::Plain(Expr::Value(value)) => of_value(backend, meta, field, value),
            computed => computed.values().find_map(|value| not_storable(backend, value)),
        };
        if let Some(message) = problem {
            errors.add(field.name, message);
        }
    }
    if errors.fields.is_empty() { Ok(()) } else { Err(errors) }
}

/// Checks keys that are to be related, as a save of their rows would.
///
/// # Errors
/// What is wrong with the first that no row can have.
pub(crate) fn validate_keys(
    backend: Backend,
    meta: &ModelMeta,
    keys: &[Value],
) -> Result<(), ValidationErrors> {
    let field = meta.key_field();
    match keys.iter().find_map(|key| of_value(backend, meta, field, key)) {
        Some(message) => {
            let errors = ValidationErrors::field(field.name, message);
            Err(ValidationErrors { model: meta.label.to_owned(), ..errors })
        }
        None => Ok(()),
    }
}

fn problem(backend: Backend, meta: &ModelMeta, index: usize, instance: &dyn AnyInstance) -> Option<String> {
    let field = &meta.fields[index];
    let plain = matches!(
        field.kind,
        FieldKind::I16
            | FieldKind::I32
            | FieldKind::I64
            | FieldKind::Bool
            | FieldKind::Uuid
            | FieldKind::Bytes
    );
    if plain {
        return None;
    }
    of_value(backend, meta, field, &instance.value(index))
}

fn of_value(backend: Backend, meta: &ModelMeta, field: &FieldMeta, value: &Value) -> Option<String> {
    let is_key = std::ptr::eq(field, meta.key_field());
    not_storable(backend, value).or_else(|| not_allowed(backend, field, is_key, value))
}

/// How deep arrays and objects of a JSON document may be nested: what every database, decoder and plugin takes.
pub(crate) const JSON_DEPTH_MAX: usize = 100;

/// The years that every database can store and order.
pub(crate) const YEARS: RangeInclusive<i32> = 1..=9999;

/// Why a value cannot be stored and read back equal, on one of the databases at least: the rule is one for all of them, but
/// for infinities, which only MySQL lacks.
fn not_storable(backend: Backend, value: &Value) -> Option<String> {
    let infinite = || (backend == Backend::MySql).then(|| "is infinite, which MySQL cannot store".to_owned());
    match value {
        Value::Float(Some(number)) if number.is_infinite() => infinite(),
        Value::Double(Some(number)) if number.is_infinite() => infinite(),
        Value::Float(Some(number)) if number.is_nan() => Some("is not a number".to_owned()),
        Value::Double(Some(number)) if number.is_nan() => Some("is not a number".to_owned()),
        Value::String(Some(text)) if text.contains('\0') => Some("contains the character NUL".to_owned()),
        Value::ChronoDateTimeUtc(Some(time)) => not_a_time(time.year(), time.nanosecond()),
        Value::ChronoDate(Some(date)) => not_a_time(date.year(), 0),
        Value::Json(Some(json)) => not_json(json),
        _ => None,
    }
}

fn not_a_time(year: i32, nanoseconds: u32) -> Option<String> {
    if !YEARS.contains(&year) {
        return Some(format!("is in the year {year}, {} to {} are allowed", YEARS.start(), YEARS.end()));
    }
    (nanoseconds >= 1_000_000_000).then(|| "is in a leap second, which databases do not have".to_owned())
}

/// Looks at every value of a document, without recursion: it may be of any depth.
fn not_json(json: &serde_json::Value) -> Option<String> {
    use serde_json::Value as Json;
    let mut left = vec![(json, 0)];
    while let Some((json, depth)) = left.pop() {
        let nul = match json {
            Json::String(text) => text.contains('\0'),
            Json::Object(fields) => fields.keys().any(|key| key.contains('\0')),
            _ => false,
        };
        if nul {
            return Some("contains the character NUL".to_owned());
        }
        if depth == JSON_DEPTH_MAX && (json.is_array() || json.is_object()) {
            return Some(format!("is nested deeper than {JSON_DEPTH_MAX} levels"));
        }
        match json {
            Json::Array(values) => left.extend(values.iter().map(|value| (value, depth + 1))),
            Json::Object(fields) => left.extend(fields.values().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    None
}

fn not_allowed(backend: Backend, field: &FieldMeta, is_key: bool, value: &Value) -> Option<String> {
    let Value::String(Some(text)) = value else { return None };
    // Bytes bound characters from above, and counting bytes is free.
    let longer = |max: u32| {
        let length = if text.len() > max as usize { text.chars().count() } else { 0 };
        (length > max as usize).then_some(length)
    };
    if let Some((max, length)) = field.max_length.and_then(|max| Some((max, longer(max)?))) {
        return Some(format!("has {length} characters, {max} are allowed"));
    }
    if let Some((max, length)) = indexed_max(field, is_key, backend).and_then(|max| Some((max, longer(max)?)))
    {
        return Some(format!(
            "has {length} characters, and MySQL indexes {max} of a text without a `max_length`; give the field one"
        ));
    }
    if !field.choices.is_empty() && !field.choices.contains(&text.as_str()) {
        return Some(format!("is `{text}`, one of `{}` is allowed", field.choices.join("`, `")));
    }
    None
}
