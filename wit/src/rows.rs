//! Rows in memory that answer requests of the import `models`: what tests and tools have in place of a database.
//!
//! It says in code what a request means. A database answers faster, and also knows which models and fields there
//! are; here a model without rows is an empty one, and a field that a row does not have is null.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::models::KEY_OR_FILTER;
use crate::{
    Arithmetic, FieldExpression, FilterOperator, Map, ModelFilter, ModelOperation, ModelRequest,
    RequestError, Value,
};

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

    /// Answers a request as `docs/contract.md` says. A row that is created without `id` has the next integer there.
    ///
    /// # Errors
    /// [`RequestError`] when an operator of the filter does not fit its value, or a write says not which rows it means.
    pub fn answer(
        &mut self,
        operation: ModelOperation,
        request: &ModelRequest,
    ) -> Result<Value, RequestError> {
        let rows = self.models.entry(request.model.clone()).or_default();
        match operation {
            ModelOperation::Get => {
                let found = rows.iter().find(|row| row.key == request.key);
                Ok(found.map_or(Value::Nil, |row| chosen(row, request)))
            }
            ModelOperation::Find => {
                let mut selected = selected(rows, request)?;
                selected.sort_by(|a, b| order(&request.order_by, &rows[*a], &rows[*b]));
                let limit =
                    request.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
                Ok(Value::Array(
                    selected.into_iter().take(limit).map(|row| chosen(&rows[row], request)).collect(),
                ))
            }
            ModelOperation::Count => selected(rows, request).map(|rows| number(rows.len())),
            ModelOperation::Create => Ok(create(rows, request)),
            ModelOperation::Update => {
                let selected = meant(rows, request)?;
                for row in &selected {
                    update(&mut rows[*row].fields, request)?;
                }
                Ok(number(selected.len()))
            }
            ModelOperation::Delete => {
                let selected = meant(rows, request)?;
                for row in selected.iter().rev() {
                    rows.remove(*row);
                }
                Ok(number(selected.len()))
            }
        }
    }
}

fn number(rows: usize) -> Value {
    Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// Positions of the rows that the filter selects.
fn selected(rows: &[Row], request: &ModelRequest) -> Result<Vec<usize>, RequestError> {
    let mut selected = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        if request.filter.as_ref().map_or(Ok(Some(true)), |filter| holds(filter, row))? == Some(true) {
            selected.push(position);
        }
    }
    Ok(selected)
}

/// Positions of the rows that a write means.
fn meant(rows: &[Row], request: &ModelRequest) -> Result<Vec<usize>, RequestError> {
    match (request.key.is_nil(), &request.filter) {
        (false, None) => Ok(rows.iter().position(|row| row.key == request.key).into_iter().collect()),
        (true, Some(_)) => selected(rows, request),
        _ => Err(RequestError::new(KEY_OR_FILTER)),
    }
}

fn create(rows: &mut Vec<Row>, request: &ModelRequest) -> Value {
    let mut fields = request.values.clone();
    let key = fields.entry("id".to_owned()).or_insert_with(|| {
        let last =
            rows.iter().filter_map(|row| if let Value::Int(key) = row.key { Some(key) } else { None }).max();
        Value::Int(last.unwrap_or(0) + 1)
    });
    let key = key.clone();
    rows.retain(|row| row.key != key);
    rows.push(Row { key, fields: fields.clone() });
    Value::Map(fields)
}

fn update(fields: &mut Map, request: &ModelRequest) -> Result<(), RequestError> {
    let before = fields.clone();
    fields.extend(request.values.clone());
    for (name, FieldExpression { field, operator, value }) in &request.expressions {
        let computed = match (before.get(field), value) {
            (Some(Value::Int(left)), Value::Int(right)) => match operator {
                Arithmetic::Add => left.checked_add(*right),
                Arithmetic::Sub => left.checked_sub(*right),
                Arithmetic::Mul => left.checked_mul(*right),
                Arithmetic::Div => left.checked_div(*right),
            }
            .map(Value::Int),
            (Some(left), right) => float(left).zip(float(right)).map(|(left, right)| {
                Value::Float(match operator {
                    Arithmetic::Add => left + right,
                    Arithmetic::Sub => left - right,
                    Arithmetic::Mul => left * right,
                    Arithmetic::Div => left / right,
                })
            }),
            (None, _) => Some(Value::Nil),
        };
        let computed =
            computed.ok_or_else(|| RequestError::new(format!("`{field}` cannot be computed with")))?;
        fields.insert(name.clone(), computed);
    }
    Ok(())
}

fn chosen(row: &Row, request: &ModelRequest) -> Value {
    let Some(fields) = &request.fields else { return Value::Map(row.fields.clone()) };
    let value = |name: &String| row.fields.get(name).cloned().unwrap_or_default();
    Value::Map(fields.iter().map(|name| (name.clone(), value(name))).collect())
}

/// SQL's logic of three values: `None` where a null leaves it open.
fn holds(filter: &ModelFilter, row: &Row) -> Result<Option<bool>, RequestError> {
    match filter {
        ModelFilter::Compare { field, operator, value } => {
            let found = row.fields.get(field).unwrap_or(&Value::Nil);
            compare(found, *operator, value).map_err(|expected| {
                RequestError::new(format!("`{}` on `{field}` needs {expected}", operator.name()))
            })
        }
        ModelFilter::And(filters) => decided(filters, row, false),
        ModelFilter::Or(filters) => decided(filters, row, true),
        ModelFilter::Not(filter) => Ok(holds(filter, row)?.map(|holds| !holds)),
    }
}

/// `and` (decided by the first false) and `or` (decided by the first true).
fn decided(filters: &[ModelFilter], row: &Row, by: bool) -> Result<Option<bool>, RequestError> {
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
