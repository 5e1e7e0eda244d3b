//! Types of one's own to values of the contract.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::timestamp::EXTENSION_NAME;
use crate::{Map, Timestamp, Unfit, Value};

/// Any type as a value of the contract: structs as maps, `Vec<u8>` as bytes, enums as the name of their variant, or as a
/// map from it to what is in it.
///
/// # Errors
/// When the type refuses to be serialised, or has no form in the contract: keys of a map that are no text, two
/// equal ones, integers beyond 64 bits, more levels than a message has. The error says where: ``in `items[3].at` ``.
pub fn to_value(value: &(impl Serialize + ?Sized)) -> Result<Value, Unfit> {
    within(LEVELS_MAX, value)
}

/// How many arrays and maps a value may consist of, one in the other. A host reads 128; the rest is for the message
/// around the value.
const LEVELS_MAX: usize = 120;

/// A message of this crate, whose values were made by [`to_value`], or read.
pub(crate) fn message(value: &impl Serialize) -> Result<Value, Unfit> {
    within(usize::MAX, value)
}

/// A value of so many levels at most.
fn within(levels: usize, value: &(impl Serialize + ?Sized)) -> Result<Value, Unfit> {
    value.serialize(Target { was_byte: &Cell::new(false), levels })
}

/// The levels that are left inside of one.
fn inside(levels: usize) -> Result<usize, Unfit> {
    let too_deep = || Unfit::custom(format_args!("more than {LEVELS_MAX} levels of nesting"));
    levels.checked_sub(1).ok_or_else(too_deep)
}

/// Where one value goes.
struct Target<'c> {
    /// Set by a `u8`, of which alone a sequence is bytes.
    was_byte: &'c Cell<bool>,
    levels: usize,
}

impl<'c> Serializer for Target<'c> {
    type Ok = Value;
    type Error = Unfit;
    type SerializeSeq = Sequence;
    type SerializeTuple = Sequence;
    type SerializeTupleStruct = Sequence;
    type SerializeTupleVariant = Variant<Sequence>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Variant<Entries>;

    /// As with rmp-serde: UUIDs are bytes, for one.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, value: bool) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Unfit> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Unfit> {
        self.was_byte.set(true);
        Ok(Value::Int(value.into()))
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Unfit> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Unfit> {
        Ok(Value::Int(value.into()))
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Value, Unfit> {
        Ok(Value::Str(value.into()))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Unfit> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Unfit> {
        Ok(Value::Bin(value.to_vec()))
    }

    fn serialize_none(self) -> Result<Value, Unfit> {
        Ok(Value::Nil)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Unfit> {
        within(self.levels, value)
    }

    fn serialize_unit(self) -> Result<Value, Unfit> {
        Ok(Value::Nil)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Unfit> {
        Ok(Value::Nil)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, Unfit> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Unfit> {
        let value = value.serialize(self)?;
        if name == EXTENSION_NAME { extension(&value) } else { Ok(value) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Unfit> {
        Ok(named(variant, within(inside(self.levels)?, value).map_err(|error| error.within(variant))?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence, Unfit> {
        Ok(Sequence { values: Vec::new(), is_bytes: true, levels: inside(self.levels)? })
    }

    fn serialize_tuple(self, length: usize) -> Result<Sequence, Unfit> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Sequence, Unfit> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Variant<Sequence>, Unfit> {
        Ok(Variant { name: variant, content: self.serialize_seq(Some(length))? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, Unfit> {
        Ok(Entries { map: Map::new(), key: None, levels: inside(self.levels)? })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Entries, Unfit> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Variant<Entries>, Unfit> {
        Ok(Variant { name: variant, content: self.serialize_map(Some(length))? })
    }
}

/// From the form that serde gives extensions: their type and their data.
fn extension(value: &Value) -> Result<Value, Unfit> {
    let time = match value {
        Value::Array(parts) => match parts.as_slice() {
            [Value::Int(kind), Value::Bin(data)] if *kind == Timestamp::EXTENSION.into() => {
                Timestamp::from_data(data)
            }
            _ => None,
        },
        _ => None,
    };
    time.map(Value::Timestamp).ok_or_else(|| Unfit::custom("the contract has no extension but timestamps"))
}

fn named(variant: &str, content: Value) -> Value {
    let mut map = Map::new();
    map.insert(variant.to_owned(), content);
    Value::Map(map)
}

struct Sequence {
    values: Vec<Value>,
    is_bytes: bool,
    /// Those of each item.
    levels: usize,
}

impl Sequence {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let was_byte = Cell::new(false);
        let target = Target { was_byte: &was_byte, levels: self.levels };
        let place = self.values.len();
        let value =
            value.serialize(target).map_err(|error: Unfit| error.within(format_args!("[{place}]")))?;
        self.is_bytes &= was_byte.get();
        self.values.push(value);
        Ok(())
    }

    fn finish(self) -> Value {
        if !self.is_bytes || self.values.is_empty() {
            return Value::Array(self.values);
        }
        let byte = |value| if let Value::Int(byte) = value { byte as u8 } else { 0 };
        Value::Bin(self.values.into_iter().map(byte).collect())
    }
}

struct Entries {
    map: Map,
    key: Option<String>,
    /// Those of each value.
    levels: usize,
}

impl Entries {
    /// Not generic, so that there is one of it.
    fn insert(&mut self, key: String, value: Result<Value, Unfit>) -> Result<(), Unfit> {
        let value = value.map_err(|error| error.within(&key))?;
        if self.map.contains_key(&key) {
            return Err(Unfit::custom(format_args!("duplicate key `{key}`")));
        }
        self.map.insert(key, value);
        Ok(())
    }
}

/// What a variant holds, under its name.
struct Variant<C> {
    name: &'static str,
    content: C,
}

impl SerializeSeq for Sequence {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(self.finish())
    }
}

impl SerializeTuple for Sequence {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(self.finish())
    }
}

impl SerializeTupleStruct for Sequence {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(self.finish())
    }
}

impl SerializeTupleVariant for Variant<Sequence> {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        self.content.push(value)
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(named(self.name, self.content.finish()))
    }
}

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unfit> {
        self.key = match to_value(key)? {
            Value::Str(key) => Some(key),
            other => {
                return Err(Unfit::custom(format!("{} as the key of a map, expected text", other.kind())));
            }
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unfit> {
        let key = self.key.take().ok_or_else(|| Unfit::custom("a value without a key"))?;
        self.insert(key, within(self.levels, value))
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(Value::Map(self.map))
    }
}

impl SerializeStruct for Entries {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unfit> {
        self.insert(name.to_owned(), within(self.levels, value))
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(Value::Map(self.map))
    }
}

impl SerializeStructVariant for Variant<Entries> {
    type Ok = Value;
    type Error = Unfit;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Unfit> {
        self.content.insert(name.to_owned(), within(self.content.levels, value))
    }

    fn end(self) -> Result<Value, Unfit> {
        Ok(named(self.name, Value::Map(self.content.map)))
    }
}
