//! Requests of the import `models`: structured, never SQL text.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::codec::encode_message;
use crate::reply::{map, string, strings, unexpected};
use crate::{DecodeError, DecodeLimits, Map, Value, decode};

/// What is wrong with a write that has both or neither.
pub const KEY_OR_FILTER: &str =
    "`update` and `delete` need either a key or a filter; `{and: []}` selects every row";

/// How many nodes a filter may have: comparisons, and what joins or turns them.
const FILTER_NODES_MAX: usize = 256;

/// How many values the comparisons with a list (`in`) of one filter may have.
const FILTER_KEYS_MAX: usize = 1_000;

/// How many fields a request may name to be returned, and how many to be ordered by.
const NAMED_FIELDS_MAX: usize = 64;

/// What a plugin asks of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ModelRequest {
    /// Label of the model.
    pub model: String,
    /// `get`, and `update` and `delete` of one instance: the key. Nil otherwise.
    #[serde(skip_serializing_if = "Value::is_nil")]
    pub key: Value,
    /// `find`, `count`: which rows; `None` for all. `update`, `delete`: which rows, where no key is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<ModelFilter>,
    /// `get`, `find`: the fields wanted; `None` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<Vec<String>>,
    /// `find`: names of fields to order by, descending with a leading `-`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_by: Vec<String>,
    /// `find`: at most so many rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// `create`, `update`: values by name of field.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub values: Map,
    /// `update`: what the database computes, by name of field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub expressions: BTreeMap<String, FieldExpression>,
}

/// A field's new value, computed by the database from the row: `{"field": "view_count", "op": "add", "value": 1}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldExpression {
    /// Name of the field on the left.
    pub field: String,
    /// What is done with it.
    #[serde(rename = "op")]
    pub operator: Arithmetic,
    /// What is on the right.
    pub value: Value,
}

/// What an expression does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// Addition.
    Add,
    /// Subtraction.
    Sub,
    /// Multiplication.
    Mul,
    /// Division.
    Div,
}

/// Which rows a request means.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelFilter {
    /// A field compared with a value: `{"field": .., "op": .., "value": ..}`.
    Compare {
        /// Name of the field.
        field: String,
        /// How they are compared.
        operator: FilterOperator,
        /// What it is compared with; an array for [`FilterOperator::In`], a boolean for [`FilterOperator::IsNull`].
        value: Value,
    },
    /// All of these hold: `{"and": [..]}`.
    And(Vec<ModelFilter>),
    /// One of these holds: `{"or": [..]}`.
    Or(Vec<ModelFilter>),
    /// This does not hold: `{"not": {..}}`.
    Not(Box<ModelFilter>),
}

macro_rules! operators {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// How a filter compares.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FilterOperator {
            $($(#[$doc])* $variant,)*
        }

        impl FilterOperator {
            /// Every operator.
            pub const ALL: &'static [FilterOperator] = &[$(FilterOperator::$variant,)*];

            /// The operator's name on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(FilterOperator::$variant => $name,)*
                }
            }
        }
    };
}
operators! {
    /// Equal.
    Eq => "eq",
    /// Not equal.
    Ne => "ne",
    /// Less than.
    Lt => "lt",
    /// Less than or equal.
    Le => "le",
    /// Greater than.
    Gt => "gt",
    /// Greater than or equal.
    Ge => "ge",
    /// One of a list.
    In => "in",
    /// Null (`true`) or not null (`false`).
    IsNull => "is_null",
    /// Text that contains this text.
    Contains => "contains",
    /// Text that starts with this text.
    StartsWith => "starts_with",
}

impl Serialize for ModelFilter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        match self {
            ModelFilter::Compare { field, operator, value } => {
                let mut map = serializer.serialize_map(Some(3))?;
                map.serialize_entry("field", field)?;
                map.serialize_entry("op", operator.name())?;
                map.serialize_entry("value", value)?;
                map.end()
            }
            ModelFilter::And(all) => serializer.collect_map([("and", all)]),
            ModelFilter::Or(any) => serializer.collect_map([("or", any)]),
            ModelFilter::Not(filter) => serializer.collect_map([("not", filter)]),
        }
    }
}

impl ModelRequest {
    /// Encodes the request.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what a plugin asks.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no request.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<ModelRequest, DecodeError> {
        let mut request = map(decode(bytes, limits)?, "a request")?;
        let mut take = |key: &str| request.remove(key).filter(|value| *value != Value::Nil);
        Ok(ModelRequest {
            model: string(take("model").unwrap_or_default(), "`model` of a request")?,
            key: take("key").unwrap_or_default(),
            filter: take("filter").map(Room::filter).transpose()?,
            fields: take("fields").map(|value| named(value, "`fields` of a request")).transpose()?,
            order_by: take("order_by")
                .map(|value| named(value, "`order_by` of a request"))
                .transpose()?
                .unwrap_or_default(),
            limit: match take("limit") {
                None => None,
                Some(Value::Int(limit)) if limit >= 0 => Some(limit as u64),
                Some(other) => return Err(unexpected("`limit` of a request", "a positive integer", &other)),
            },
            values: take("values")
                .map(|value| map(value, "`values` of a request"))
                .transpose()?
                .unwrap_or_default(),
            expressions: take("expressions").map(expressions).transpose()?.unwrap_or_default(),
        })
    }
}

fn expressions(value: Value) -> Result<BTreeMap<String, FieldExpression>, DecodeError> {
    let entries = map(value, "`expressions` of a request")?.into_iter();
    entries.map(|(name, value)| Ok((name, expression(value)?))).collect()
}

fn expression(value: Value) -> Result<FieldExpression, DecodeError> {
    let mut entries = map(value, "an expression")?;
    let mut text =
        |key: &str| string(entries.remove(key).unwrap_or_default(), "`field` or `op` of an expression");
    let (field, name) = (text("field")?, text("op")?);
    let operator = match name.as_str() {
        "add" => Arithmetic::Add,
        "sub" => Arithmetic::Sub,
        "mul" => Arithmetic::Mul,
        "div" => Arithmetic::Div,
        _ => return Err(DecodeError::Malformed(format!("an expression has no operator `{name}`"))),
    };
    Ok(FieldExpression { field, operator, value: entries.remove("value").unwrap_or_default() })
}

fn named(value: Value, what: &str) -> Result<Vec<String>, DecodeError> {
    match strings(value, what)? {
        names if names.len() > NAMED_FIELDS_MAX => {
            Err(too_many(&format!("{what} has {} names", names.len()), NAMED_FIELDS_MAX))
        }
        names => Ok(names),
    }
}

fn too_many(what: &str, max: usize) -> DecodeError {
    DecodeError::Malformed(format!("{what}, {max} are allowed"))
}

/// How much of a filter is left to be decoded.
struct Room {
    nodes: usize,
    keys: usize,
}

impl Room {
    fn filter(value: Value) -> Result<ModelFilter, DecodeError> {
        Room { nodes: FILTER_NODES_MAX, keys: FILTER_KEYS_MAX }.one(value)
    }

    fn one(&mut self, value: Value) -> Result<ModelFilter, DecodeError> {
        self.nodes =
            self.nodes.checked_sub(1).ok_or_else(|| too_many("a filter has more nodes", FILTER_NODES_MAX))?;
        let mut entries = map(value, "a filter")?;
        if let Some(all) = entries.remove("and") {
            return self.each(all).map(ModelFilter::And);
        }
        if let Some(any) = entries.remove("or") {
            return self.each(any).map(ModelFilter::Or);
        }
        if let Some(inner) = entries.remove("not") {
            return Ok(ModelFilter::Not(Box::new(self.one(inner)?)));
        }
        let comparison = compare(entries)?;
        if let ModelFilter::Compare { operator: FilterOperator::In, value: Value::Array(keys), .. } =
            &comparison
        {
            let left = self.keys.checked_sub(keys.len());
            self.keys = left.ok_or_else(|| too_many("`in` of a filter has more values", FILTER_KEYS_MAX))?;
        }
        Ok(comparison)
    }

    fn each(&mut self, value: Value) -> Result<Vec<ModelFilter>, DecodeError> {
        match value {
            Value::Array(values) => values.into_iter().map(|one| self.one(one)).collect(),
            other => Err(unexpected("a list of filters", "an array", &other)),
        }
    }
}

fn compare(mut entries: Map) -> Result<ModelFilter, DecodeError> {
    let field = string(entries.remove("field").unwrap_or_default(), "`field` of a filter")?;
    let name = string(entries.remove("op").unwrap_or_default(), "`op` of a filter")?;
    let operator = FilterOperator::ALL
        .iter()
        .copied()
        .find(|operator| operator.name() == name)
        .ok_or_else(|| DecodeError::Malformed(format!("a filter has no operator `{name}`")))?;
    Ok(ModelFilter::Compare { field, operator, value: entries.remove("value").unwrap_or_default() })
}
