//! Types of one's own from values of the contract.
//!
//! The bytes become a [`Value`] first, and that a type, because each type that is read straight from MessagePack
//! brings the whole decoder with it once more: plugins were twice as large, and took twice as long to load.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt;

use serde::de::value::{MapAccessDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::timestamp::EXTENSION_NAME;
use crate::{Timestamp, Value};

/// Makes a type of a value.
///
/// # Errors
/// [`Unfit`], when the value is not of that type.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Unfit> {
    T::deserialize(Source(value))
}

/// Why a value is not of a type, ``in `tags[2].title`: null, expected a string``, or a type has no form in the contract.
/// Names no values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// Where it is: `tags[2].title`; empty for the value itself.
    path: String,
    problem: String,
}

/// As many characters of a path as an error shows.
const PATH_MAX: usize = 200;

impl Unfit {
    fn new(problem: String) -> Self {
        Unfit { path: String::new(), problem }
    }

    /// The same problem, inside this place.
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Unfit { path: format!("{place}{separator}{}", self.path), problem: self.problem }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.char_indices().nth(PATH_MAX) {
            Some((end, _)) => write!(f, "in `{}..`: ", &self.path[..end])?,
            None if self.path.is_empty() => {}
            None => write!(f, "in `{}`: ", self.path)?,
        }
        f.write_str(&self.problem)
    }
}

impl core::error::Error for Unfit {}

impl serde::ser::Error for Unfit {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Unfit::new(text.to_string())
    }
}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Unfit::new(text.to_string())
    }

    /// Names the kind and not the value, which may be no business of whoever reads the log.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
            Unexpected::Float(_) => "a float",
            Unexpected::Char(_) | Unexpected::Str(_) => "text",
            Unexpected::Bytes(_) => "bytes",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::NewtypeStruct => "a timestamp",
            Unexpected::Seq => "an array",
            Unexpected::Map => "a map",
            _ => "something else",
        };
        Unfit::new(format!("{found}, expected {expected}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Unfit::invalid_type(found, expected)
    }
}

/// A value to be taken apart.
struct Source(Value);

impl<'de> IntoDeserializer<'de, Unfit> for Source {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Source {
    type Error = Unfit;

    /// As with rmp-serde: UUIDs are bytes, for one.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Float(_) | Value::Bin(_) | Value::Timestamp(_) if is_for_json(&visitor) => {
                in_json(&self.0, visitor)
            }
            Value::Nil => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::UInt(value) => visitor.visit_u64(value),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Str(value) => visitor.visit_string(value),
            Value::Bin(value) => visitor.visit_byte_buf(value),
            Value::Timestamp(value) => visitor.visit_newtype_struct(extension(value)),
            Value::Array(values) => visitor.visit_seq(Items { rest: values.into_iter().enumerate() }),
            Value::Map(fields) => visitor.visit_map(Fields { rest: fields.into_iter(), current: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        if name == EXTENSION_NAME {
            self.deserialize_any(visitor)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    /// Bytes are a sequence to whoever wants one: `Vec<u8>` does.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Bin(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.into_iter())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_seq(visitor)
    }

    /// The name of a variant, or a map from it to what is in it.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        match self.0 {
            Value::Str(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Map(fields) => visitor
                .visit_enum(MapAccessDeserializer::new(Fields { rest: fields.into_iter(), current: None })),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct map
        struct identifier
    }
}

/// Whether the target is a JSON document, which has neither bytes nor times of its own. What a visitor expects is all that
/// is known of its type.
fn is_for_json<'de>(visitor: &impl Visitor<'de>) -> bool {
    (visitor as &dyn Expected).to_string() == "any valid JSON value"
}

/// A value in its form in JSON.
fn in_json<'de, V: Visitor<'de>>(value: &Value, visitor: V) -> Result<V::Value, Unfit> {
    match value {
        Value::Float(number) if number.is_finite() => visitor.visit_f64(*number),
        Value::Float(_) => Err(Unfit::new("a float that JSON has no form for".to_string())),
        value => visitor.visit_string(value.json_text().unwrap_or_default()),
    }
}

/// The items of an array; an error in one says which.
struct Items {
    rest: core::iter::Enumerate<vec::IntoIter<Value>>,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Unfit;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Unfit> {
        let item = self.rest.next();
        let item = item.map(|(index, value)| {
            seed.deserialize(Source(value)).map_err(|error| error.within(format_args!("[{index}]")))
        });
        item.transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The two parts of an extension: its type, and its data in the longest of the three forms.
fn extension(time: Timestamp) -> SeqDeserializer<vec::IntoIter<Source>, Unfit> {
    let data = [&time.nanoseconds().to_be_bytes()[..], &time.seconds().to_be_bytes()[..]].concat();
    SeqDeserializer::new(vec![Source(Value::Int(-1)), Source(Value::Bin(data))].into_iter())
}

/// The entries of a map; an error in one names it.
struct Fields {
    rest: alloc::collections::btree_map::IntoIter<String, Value>,
    current: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        self.current = self.rest.next();
        let key = self.current.as_ref().map(|(name, _)| seed.deserialize(name.as_str().into_deserializer()));
        key.transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unfit> {
        let (name, value) =
            self.current.take().ok_or_else(|| Unfit::custom("a value was asked for before its key"))?;
        seed.deserialize(Source(value)).map_err(|error| error.within(name))
    }
}
