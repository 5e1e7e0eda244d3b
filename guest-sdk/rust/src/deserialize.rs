//! Types of the plugin's own from values of the contract.
//!
//! The bytes become a [`Value`] first, and that a type, because each type that is read straight from MessagePack
//! brings the whole decoder with it once more: plugins were twice as large, and took twice as long to load.

use std::fmt;
use std::vec;

use aksara_wire::{Timestamp, Value};
use serde::de::value::{MapAccessDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer, MapAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

/// The name by which a type asks for an extension, as rmp-serde has it.
const EXTENSION: &str = rmp_serde::MSGPACK_EXT_STRUCT_NAME;

/// Makes a type of a value.
pub(crate) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Unfit> {
    T::deserialize(Source(value))
}

/// Why a value is not of the type: ``in `title`: null, expected a string``.
#[derive(Debug)]
pub(crate) struct Unfit(String);

impl Unfit {
    /// The same problem, inside this field.
    fn within(self, field: &str) -> Self {
        Unfit(format!("in `{field}`: {}", self.0))
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

impl serde::de::Error for Unfit {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Unfit(text.to_string())
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
        Unfit(format!("{found}, expected {expected}"))
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
            Value::Nil => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Int(value) => visitor.visit_i64(value),
            Value::UInt(value) => visitor.visit_u64(value),
            Value::Float(value) => visitor.visit_f64(value),
            Value::Str(value) => visitor.visit_string(value),
            Value::Bin(value) => visitor.visit_byte_buf(value),
            Value::Timestamp(value) => visitor.visit_newtype_struct(extension(value)),
            Value::Array(values) => visitor.visit_seq(array(values)),
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
        if name == EXTENSION { self.deserialize_any(visitor) } else { visitor.visit_newtype_struct(self) }
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

fn array(values: Vec<Value>) -> SeqDeserializer<impl Iterator<Item = Source>, Unfit> {
    SeqDeserializer::new(values.into_iter().map(Source))
}

/// The two parts of an extension: its type, and its data in the longest of the three forms.
fn extension(time: Timestamp) -> SeqDeserializer<vec::IntoIter<Source>, Unfit> {
    let data = [&time.nanoseconds().to_be_bytes()[..], &time.seconds().to_be_bytes()[..]].concat();
    SeqDeserializer::new(vec![Source(Value::Int(-1)), Source(Value::Bin(data))].into_iter())
}

/// The entries of a map; an error in one names it.
struct Fields {
    rest: std::collections::btree_map::IntoIter<String, Value>,
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
        seed.deserialize(Source(value)).map_err(|error| error.within(&name))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{Map, map};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Plain,
        Sized(u8),
        Named { width: f32 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Post {
        title: String,
        letter: char,
        views: u16,
        score: f64,
        cover: Vec<u8>,
        id: [u8; 2],
        kinds: Vec<Kind>,
        pair: (i64, bool),
        author: Option<String>,
        published_at: Option<Timestamp>,
        #[serde(flatten)]
        rest: Map,
    }

    fn post() -> Post {
        Post {
            title: "Hello".into(),
            letter: 'é',
            views: 7,
            score: 0.5,
            cover: vec![1, 2],
            id: [3, 4],
            kinds: vec![Kind::Plain, Kind::Sized(1), Kind::Named { width: 1.5 }],
            pair: (-1, true),
            author: None,
            published_at: Timestamp::new(1, 5),
            rest: map! { "tags": vec![Value::Nil, true.into()], "raw": vec![0u8], "at": Timestamp::new(-1, 0) },
        }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let value = crate::codec::to_value(&post()).unwrap();
        assert_eq!(from_value::<Post>(value.clone()).unwrap(), post());
        assert_eq!(from_value::<Value>(value.clone()).unwrap(), value);
    }

    #[test]
    fn an_error_names_the_field_and_not_its_value() {
        let error = |name: &str, value: Value| {
            let Value::Map(mut fields) = crate::codec::to_value(&post()).unwrap() else { panic!("no map") };
            fields.insert(name.into(), value);
            from_value::<Post>(Value::Map(fields)).unwrap_err().to_string()
        };
        assert_eq!(error("cover", "secret".into()), "in `cover`: text, expected a sequence");
        let inner = Value::Array(vec![Value::Map(map! { "Sized": Value::Nil })]);
        assert_eq!(error("kinds", inner), "in `kinds`: in `Sized`: null, expected u8");
    }

    #[test]
    fn text_is_no_time() {
        let error = from_value::<Timestamp>("2026-03-01T12:00:00Z".into()).unwrap_err();
        assert_eq!(error.to_string(), "text, expected a timestamp extension (-1)");
    }
}
