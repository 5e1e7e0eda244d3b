//! Validation: what `save` checks of the values, after the handlers have changed them.

use std::collections::BTreeMap;
use std::fmt;

use crate::Value;
use crate::instance::AnyInstance;
use crate::meta::FieldMeta;

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
    instance: &dyn AnyInstance,
    written: impl Fn(&FieldMeta) -> bool,
) -> Result<(), ValidationErrors> {
    let meta = instance.meta();
    let mut errors = ValidationErrors::default();
    for (index, field) in meta.fields.iter().enumerate().filter(|(_, field)| written(field)) {
        if let Some(message) = problem(field, index, instance) {
            errors.add(field.name, message);
        }
    }
    if errors.fields.is_empty() {
        return Ok(());
    }
    errors.model = meta.label.to_owned();
    Err(errors)
}

fn problem(field: &FieldMeta, index: usize, instance: &dyn AnyInstance) -> Option<String> {
    let constrained = field.max_length.is_some() || !field.choices.is_empty();
    if !constrained && !field.kind.is_float() {
        return None;
    }
    match instance.value(index) {
        Value::String(Some(text)) => {
            // Bytes bound characters from above, and counting bytes is free.
            if let Some(max) = field.max_length.map(|max| max as usize).filter(|max| text.len() > *max) {
                let length = text.chars().count();
                if length > max {
                    return Some(format!("has {length} characters, {max} are allowed"));
                }
            }
            if !field.choices.is_empty() && !field.choices.contains(&text.as_str()) {
                return Some(format!("is `{text}`, one of `{}` is allowed", field.choices.join("`, `")));
            }
            None
        }
        Value::Float(Some(number)) if number.is_nan() => Some("is not a number".to_owned()),
        Value::Double(Some(number)) if number.is_nan() => Some("is not a number".to_owned()),
        _ => None,
    }
}
