//! Reading and writing models, in the transaction in which the event fires. Each operation needs its grant:
//! `plugin! { handlers: [..], grants: { models: { "Plane": [get, find, count, create, update, delete] } } }`.
//!
//! ```no_run
//! # use aksara_guest::prelude::*;
//! use aksara_guest::models::{self, field};
//!
//! #[derive(Deserialize)]
//! struct Plane { tailnum: String, seats: i64 }
//!
//! # fn planes() -> Result {
//! let plane = models::get::<Plane>("Plane", "N14228")?;
//! let large = models::find::<Plane>("Plane").filter(field("seats").ge(300)).order_by("-seats").limit(10).rows()?;
//! let count = models::count("Plane", field("year").is_null(false) & field("seats").lt(20))?;
//! # Ok(())
//! # }
//! ```

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;

use aksara_wire::{
    Arithmetic, FieldExpression, FilterOperator, Map, ModelFilter, ModelOperation, ModelRequest,
    RequestError, Value, from_value,
};
use serde::de::DeserializeOwned;

use crate::fields::fields_of;
use crate::host;

/// One instance by its primary key, with the fields of `T`; `None` where there is no such row. Grant: `get`.
///
/// # Errors
/// [`RequestError`]: the model or a field does not exist, the grant is missing, `T` does not fit, or the database
/// failed.
pub fn get<T: DeserializeOwned>(model: &str, key: impl Into<Value>) -> Result<Option<T>, RequestError> {
    let fields = fields_of::<T>().map(|names| names.into_iter().collect());
    answer(ModelOperation::Get, &ModelRequest { key: key.into(), fields, ..request(model) })
}

/// Whether there is a row with this primary key: the cheapest question to a database. Grant: `get`.
///
/// # Errors
/// [`RequestError`]: the model does not exist, the grant is missing, or the database failed.
pub fn exists(model: &str, key: impl Into<Value>) -> Result<bool, RequestError> {
    let request = ModelRequest { key: key.into(), fields: Some(Vec::new()), ..request(model) };
    Ok(answer::<Value>(ModelOperation::Get, &request)? != Value::Nil)
}

/// The number of rows that the filter selects; `None` selects all. Grant: `count`.
///
/// # Errors
/// [`RequestError`]: the model or a field does not exist, the grant is missing, or the database failed.
pub fn count(model: &str, filter: impl Into<Option<Filter>>) -> Result<u64, RequestError> {
    let filter = filter.into().map(|filter| filter.0);
    answer(ModelOperation::Count, &ModelRequest { filter, ..request(model) })
}

/// Starts a search for instances with the fields of `T`. Grant: `find`.
pub fn find<T: DeserializeOwned>(model: &str) -> Find<T> {
    let fields = fields_of::<T>().map(|names| names.into_iter().collect());
    Find { request: ModelRequest { fields, ..request(model) }, instance: PhantomData }
}

/// A search that has not been sent yet.
#[derive(Clone, Debug)]
#[must_use = "a search does nothing until `rows` or `first` is called"]
pub struct Find<T> {
    request: ModelRequest,
    instance: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Find<T> {
    /// Only the rows that the filter selects; of several filters, those that all of them select.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.request.filter = Some(match self.request.filter.take() {
            Some(first) => (Filter(first) & filter).0,
            None => filter.0,
        });
        self
    }

    /// In the order of this field, descending with a leading `-`. Later calls order what is equal by the earlier ones.
    pub fn order_by(mut self, field: impl Into<String>) -> Self {
        self.request.order_by.push(field.into());
        self
    }

    /// At most so many rows.
    pub fn limit(mut self, rows_max: u64) -> Self {
        self.request.limit = Some(rows_max);
        self
    }

    /// The rows.
    ///
    /// # Errors
    /// [`RequestError`]: the model or a field does not exist, the grant is missing, there are more rows than the
    /// host's limit, `T` does not fit, or the database failed.
    pub fn rows(self) -> Result<Vec<T>, RequestError> {
        answer(ModelOperation::Find, &self.request)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// Those of [`rows`](Self::rows).
    pub fn first(self) -> Result<Option<T>, RequestError> {
        Ok(self.limit(1).rows()?.pop())
    }
}

/// Saves a new instance with these fields, and with its signals; what it is then, with the fields of `T`. Grant:
/// `create`.
///
/// # Errors
/// [`RequestError`]: the grant is missing, a field does not exist or cannot hold its value, a handler refused, or the
/// database failed.
pub fn create<T: DeserializeOwned>(model: &str, values: Map) -> Result<T, RequestError> {
    answer(ModelOperation::Create, &ModelRequest { values, ..request(model) })
}

/// Saves new values of the instance with this key, with its signals; whether there is one. Grant: `update`.
///
/// The values are a [`Map`], or assignments, which can compute with what is stored: what others write at the same time is
/// not lost.
///
/// ```no_run
/// # use aksara_guest::prelude::*;
/// # use aksara_guest::models::{self, field};
/// # fn example() -> Result {
/// models::update("Post", 7, map! { "title": "Hello" })?;
/// models::update("Post", 7, [field("views") + 1i64])?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`create`].
pub fn update(model: &str, key: impl Into<Value>, changes: impl Into<Changes>) -> Result<bool, RequestError> {
    let Changes { values, expressions } = changes.into();
    let request = ModelRequest { key: key.into(), values, expressions, ..request(model) };
    Ok(answer::<u64>(ModelOperation::Update, &request)? > 0)
}

/// Writes to all rows that the filter selects, in one statement and without signals; how many. Grant: `update`.
///
/// # Errors
/// As [`create`], but that no handler is asked.
pub fn update_rows<const N: usize>(
    model: &str,
    filter: Filter,
    assignments: [Assignment; N],
) -> Result<u64, RequestError> {
    let Changes { values, expressions } = assignments.into();
    let request = ModelRequest { filter: Some(filter.0), values, expressions, ..request(model) };
    answer(ModelOperation::Update, &request)
}

/// Deletes the instance with this key, with its signals and its cascade; how many rows that were. Grant: `delete`.
///
/// # Errors
/// As [`create`], and when other rows protect it.
pub fn delete(model: &str, key: impl Into<Value>) -> Result<u64, RequestError> {
    answer(ModelOperation::Delete, &ModelRequest { key: key.into(), ..request(model) })
}

/// Deletes all instances that the filter selects; how many rows that were. Grant: `delete`.
///
/// # Errors
/// As [`delete`].
pub fn delete_rows(model: &str, filter: Filter) -> Result<u64, RequestError> {
    answer(ModelOperation::Delete, &ModelRequest { filter: Some(filter.0), ..request(model) })
}

/// Every row.
pub fn all() -> Filter {
    Filter(ModelFilter::And(Vec::new()))
}

/// What [`update`] writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    values: Map,
    expressions: BTreeMap<String, FieldExpression>,
}

impl From<Map> for Changes {
    fn from(values: Map) -> Self {
        Changes { values, ..Changes::default() }
    }
}

impl<const N: usize> From<[Assignment; N]> for Changes {
    fn from(assignments: [Assignment; N]) -> Self {
        let mut changes = Changes::default();
        for Assignment { field, new } in assignments {
            match new {
                New::Value(value) => drop(changes.values.insert(field, value)),
                New::Expression(expression) => drop(changes.expressions.insert(field, expression)),
            }
        }
        changes
    }
}

/// A field and what [`update`] or [`update_rows`] writes to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    field: String,
    new: New,
}

#[derive(Clone, Debug, PartialEq)]
enum New {
    Value(Value),
    Expression(FieldExpression),
}

/// Names a field, to compare it.
pub fn field(name: impl Into<String>) -> Field {
    Field(name.into())
}

/// A field of the model that is searched.
#[derive(Clone, Debug)]
#[allow(clippy::should_implement_trait, reason = "it is the row's value that is computed with")]
pub struct Field(String);

/// Which rows are meant. `&`, `|` and `!` combine filters.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(ModelFilter);

macro_rules! comparisons {
    ($($(#[$doc:meta])* $method:ident => $operator:ident,)*) => {$(
        $(#[$doc])*
        pub fn $method(self, value: impl Into<Value>) -> Filter {
            self.compare(FilterOperator::$operator, value.into())
        }
    )*};
}

impl Field {
    comparisons! {
        /// Equal. Null equals nothing; see [`is_null`](Self::is_null).
        eq => Eq,
        /// Not equal.
        ne => Ne,
        /// Less than.
        lt => Lt,
        /// Less than or equal.
        le => Le,
        /// Greater than.
        gt => Gt,
        /// Greater than or equal.
        ge => Ge,
    }

    /// Writes this value.
    pub fn set(self, value: impl Into<Value>) -> Assignment {
        Assignment { field: self.0, new: New::Value(value.into()) }
    }

    fn compute(self, operator: Arithmetic, value: Value) -> Assignment {
        let expression = FieldExpression { field: self.0.clone(), operator, value };
        Assignment { field: self.0, new: New::Expression(expression) }
    }

    /// One of these.
    pub fn is_in<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Filter {
        let values = values.into_iter().map(Into::into).collect();
        self.compare(FilterOperator::In, Value::Array(values))
    }

    /// Null (`true`) or not null (`false`).
    pub fn is_null(self, null: bool) -> Filter {
        self.compare(FilterOperator::IsNull, null.into())
    }

    /// Text that contains this text.
    pub fn contains(self, part: impl Into<String>) -> Filter {
        self.compare(FilterOperator::Contains, Value::Str(part.into()))
    }

    /// Text that starts with this text.
    pub fn starts_with(self, start: impl Into<String>) -> Filter {
        self.compare(FilterOperator::StartsWith, Value::Str(start.into()))
    }

    fn compare(self, operator: FilterOperator, value: Value) -> Filter {
        Filter(ModelFilter::Compare { field: self.0, operator, value })
    }
}

macro_rules! arithmetic {
    ($($(#[$doc:meta])* $trait:ident::$method:ident,)*) => {$(
        $(#[$doc])*
        impl<V: Into<Value>> core::ops::$trait<V> for Field {
            type Output = Assignment;

            fn $method(self, value: V) -> Assignment {
                self.compute(Arithmetic::$trait, value.into())
            }
        }
    )*};
}

arithmetic! {
    /// Adds so much to the value that the row has.
    Add::add,
    /// Subtracts so much from the value that the row has.
    Sub::sub,
    /// Multiplies the value that the row has.
    Mul::mul,
    /// Divides the value that the row has.
    Div::div,
}

impl core::ops::BitAnd for Filter {
    type Output = Filter;

    fn bitand(self, other: Filter) -> Filter {
        Filter(ModelFilter::And(vec![self.0, other.0]))
    }
}

impl core::ops::BitOr for Filter {
    type Output = Filter;

    fn bitor(self, other: Filter) -> Filter {
        Filter(ModelFilter::Or(vec![self.0, other.0]))
    }
}

impl core::ops::Not for Filter {
    type Output = Filter;

    fn not(self) -> Filter {
        Filter(ModelFilter::Not(Box::new(self.0)))
    }
}

fn request(model: &str) -> ModelRequest {
    ModelRequest { model: model.to_owned(), ..ModelRequest::default() }
}

fn answer<T: DeserializeOwned>(operation: ModelOperation, request: &ModelRequest) -> Result<T, RequestError> {
    from_value(host::models(operation, request)?).map_err(|error| {
        let (operation, name) = (operation.name(), core::any::type_name::<T>());
        RequestError::new(format!("`{operation}` of `{}` does not fit `{name}`: {error}", request.model))
    })
}
