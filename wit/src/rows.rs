//! Rows in memory that answer requests of the import `models`: what tests and tools have in place of a database.
//!
//! It says in code what a request means. A database answers faster, and also knows which models and fields there
//! are; here a model without rows is an empty one, and a field that a row does not have is null.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::{FilterOperator, Map, ModelFilter, ModelOperation, ModelRequest, ModelsError, Value};

/// Rows by label of their model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelRows {
    models: BTreeMap<String, Vec<Row>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    key: Value,
    fields: Map,
}

impl ModelRows {
    /// No rows at all.
    pub fn new() -> Self {
        ModelRows::default()
    }

    /// Adds a row; one with the same key takes its place.
    pub fn insert(&mut self, model: impl Into<String>, key: impl Into<Value>, fields: Map) {
        let (rows, key) = (self.models.entry(model.into()).or_default(), key.into());
        rows.retain(|row| row.key != key);
        rows.push(Row { key, fields });
    }

    /// Answers a request: a map or nil for `get`, an array of maps for `find`, an integer for `count`.
    ///
    /// # Errors
    /// [`ModelsError`] when an operator of the filter does not fit its value.
    pub fn answer(&self, operation: ModelOperation, request: &ModelRequest) -> Result<Value, ModelsError> {
        let rows = self.models.get(&request.model).map_or(&[][..], Vec::as_slice);
        if operation == ModelOperation::Get {
            let found = rows.iter().find(|row| row.key == request.key);
            return Ok(found.map_or(Value::Nil, |row| chosen(row, request)));
        }
        let mut selected = Vec::new();
        for row in rows {
            if request.filter.as_ref().map_or(Ok(Some(true)), |filter| holds(filter, row))? == Some(true) {
                selected.push(row);
            }
        }
        if operation == ModelOperation::Count {
            return Ok(Value::Int(i64::try_from(selected.len()).unwrap_or(i64::MAX)));
        }
        selected.sort_by(|a, b| order(&request.order_by, a, b));
        let limit = request.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Value::Array(selected.into_iter().take(limit).map(|row| chosen(row, request)).collect()))
    }
}

fn chosen(row: &Row, request: &ModelRequest) -> Value {
    let Some(fields) = &request.fields else { return Value::Map(row.fields.clone()) };
    let value = |name: &String| row.fields.get(name).cloned().unwrap_or_default();
    Value::Map(fields.iter().map(|name| (name.clone(), value(name))).collect())
}

/// SQL's logic of three values: `None` where a null leaves it open.
fn holds(filter: &ModelFilter, row: &Row) -> Result<Option<bool>, ModelsError> {
    match filter {
        ModelFilter::Compare { field, operator, value } => {
            let found = row.fields.get(field).unwrap_or(&Value::Nil);
            compare(found, *operator, value).map_err(|expected| {
                ModelsError::new(format!("`{}` on `{field}` needs {expected}", operator.name()))
            })
        }
        ModelFilter::And(filters) => decided(filters, row, false),
        ModelFilter::Or(filters) => decided(filters, row, true),
        ModelFilter::Not(filter) => Ok(holds(filter, row)?.map(|holds| !holds)),
    }
}

/// `and` (decided by the first false) and `or` (decided by the first true).
fn decided(filters: &[ModelFilter], row: &Row, by: bool) -> Result<Option<bool>, ModelsError> {
    let mut outcome = Some(!by);
    for filter in filters {
        match holds(filter, row)? {
            Some(holds) if holds == by => return Ok(Some(by)),
            None => outcome = None,
            Some(_) => {}
        }
    }
    Ok(outcome)
}

fn compare(found: &Value, operator: FilterOperator, with: &Value) -> Result<Option<bool>, &'static str> {
    use FilterOperator as Op;
    let test = |test: fn(Ordering) -> bool| Ok(compared(found, with).map(test));
    match operator {
        Op::Eq => test(Ordering::is_eq),
        Op::Ne => test(Ordering::is_ne),
        Op::Lt => test(Ordering::is_lt),
        Op::Le => test(Ordering::is_le),
        Op::Gt => test(Ordering::is_gt),
        Op::Ge => test(Ordering::is_ge),
        Op::In => match with {
            Value::Array(_) if *found == Value::Nil => Ok(None),
            Value::Array(values) => {
                Ok(Some(values.iter().any(|value| compared(found, value) == Some(Ordering::Equal))))
            }
            _ => Err("an array"),
        },
        Op::IsNull => match with {
            Value::Bool(null) => Ok(Some((*found == Value::Nil) == *null)),
            _ => Err("a boolean"),
        },
        Op::Contains | Op::StartsWith => match (found, with) {
            (Value::Nil, Value::Str(_)) => Ok(None),
            (Value::Str(found), Value::Str(part)) if operator == Op::Contains => {
                Ok(Some(found.contains(part)))
            }
            (Value::Str(found), Value::Str(part)) => Ok(Some(found.starts_with(part))),
            _ => Err("text, on a field of text"),
        },
    }
}

/// How two values of one kind are ordered; `None` for nulls, and for values that cannot be compared.
fn compared(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Nil, _) | (_, Value::Nil) => None,
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::UInt(a), Value::UInt(b)) => Some(a.cmp(b)),
        // What does not fit `i64` is above everything that does.
        (Value::Int(_), Value::UInt(_)) => Some(Ordering::Less),
        (Value::UInt(_), Value::Int(_)) => Some(Ordering::Greater),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Bin(a), Value::Bin(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        _ => float(a)?.partial_cmp(&float(b)?),
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::UInt(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

/// Nulls come first, as in SQLite.
fn order(by: &[String], a: &Row, b: &Row) -> Ordering {
    let field = |row: &Row, name: &str| row.fields.get(name).cloned().unwrap_or_default();
    by.iter().fold(Ordering::Equal, |so_far, name| {
        so_far.then_with(|| {
            let (name, descending) =
                name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
            let (a, b) = (field(a, name), field(b, name));
            let ascending = compared(&a, &b).unwrap_or_else(|| (a != Value::Nil).cmp(&(b != Value::Nil)));
            if descending { ascending.reverse() } else { ascending }
        })
    })
}
