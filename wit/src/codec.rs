//! Bytes to values and back, with the limits that make any input safe to decode.

use alloc::borrow::ToOwned;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use rmp::Marker;
use rmp::encode::{
    ByteBuf, RmpWrite, ValueWriteError, write_array_len, write_bin, write_bool, write_ext_meta, write_f64,
    write_map_len, write_nil, write_sint, write_str, write_uint,
};

use crate::{Map, Timestamp, Value, to_value};

/// How much a decoder accepts from the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Length of the input.
    pub bytes_max: usize,
    /// Nesting of arrays and maps.
    pub depth_max: usize,
    /// Values in total, counted at every level: bounds the memory that a few bytes can ask for.
    pub values_max: usize,
}

impl DecodeLimits {
    /// For a guest, which trusts its host: only the nesting is limited, by what a stack holds.
    pub const TRUSTED: DecodeLimits =
        DecodeLimits { bytes_max: usize::MAX, depth_max: 1024, values_max: usize::MAX };
}

impl Default for DecodeLimits {
    /// 4 MiB, 128 levels, 262,144 values. A JSON document may have 100 levels; the rest is what messages put around it.
    fn default() -> Self {
        DecodeLimits { bytes_max: 4 << 20, depth_max: 128, values_max: 1 << 18 }
    }
}

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// More bytes than the limit allows.
    TooLarge {
        /// Length of the input.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Deeper nesting than the limit allows.
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// Bytes left over after the value.
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// No MessagePack, or not of the form that was expected.
    Malformed(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::TooLarge { bytes, bytes_max } => {
                write!(f, "{bytes} bytes of MessagePack exceed the limit of {bytes_max}")
            }
            DecodeError::TooDeep { depth_max } => {
                write!(f, "MessagePack nested deeper than {depth_max} levels")
            }
            DecodeError::Trailing { bytes } => {
                write!(f, "{bytes} bytes after the end of the MessagePack value")
            }
            DecodeError::Malformed(why) => write!(f, "malformed MessagePack: {why}"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Encodes a type of one's own, structs as maps, without a [`Value`] in between. What a type serialises as must be of
/// the contract; [`to_value`](crate::to_value) checks that.
#[cfg(feature = "std")]
pub fn encode(value: &(impl serde::Serialize + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
    if let Err(error) = value.serialize(&mut serializer) {
        // Writing to a Vec cannot fail, and no type of the contract refuses to be serialised.
        unreachable!("encoding to memory failed: {error}");
    }
    bytes
}

/// Encodes a message of this crate.
pub(crate) fn encode_message(message: &impl serde::Serialize) -> Vec<u8> {
    match to_value::message(message) {
        Ok(value) => value.encode(),
        // Every message is a map of text, numbers and values.
        Err(error) => unreachable!("a message has no form in the contract: {error}"),
    }
}

impl Value {
    /// Encodes the value.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = ByteBuf::with_capacity(128);
        match write(&mut bytes, self) {
            Ok(()) => bytes.into_vec(),
            Err(error) => unreachable!("encoding to memory failed: {error}"),
        }
    }
}

type Written = Result<(), ValueWriteError<Infallible>>;

fn write(out: &mut ByteBuf, value: &Value) -> Written {
    match value {
        Value::Nil => write_nil(out).map_err(ValueWriteError::InvalidMarkerWrite)?,
        Value::Bool(value) => write_bool(out, *value).map_err(ValueWriteError::InvalidMarkerWrite)?,
        Value::Int(value) => drop(write_sint(out, *value)?),
        Value::UInt(value) => drop(write_uint(out, *value)?),
        Value::Float(value) => write_f64(out, *value)?,
        Value::Str(text) => write_str(out, text)?,
        Value::Bin(bytes) => write_bin(out, bytes)?,
        Value::Timestamp(time) => {
            let mut buffer = [0; 12];
            let data = time.data(&mut buffer);
            write_ext_meta(out, data.len() as u32, Timestamp::EXTENSION)?;
            out.write_bytes(data).map_err(ValueWriteError::InvalidDataWrite)?;
        }
        Value::Array(values) => {
            write_array_len(out, values.len() as u32)?;
            for value in values {
                write(out, value)?;
            }
        }
        Value::Map(map) => {
            write_map_len(out, map.len() as u32)?;
            for (key, value) in map {
                write_str(out, key)?;
                write(out, value)?;
            }
        }
    }
    Ok(())
}

/// Decodes bytes from the other side of the border: every limit holds, duplicate and non-string keys are refused,
/// and nothing may follow the value. Text that is no UTF-8 becomes [`Value::Bin`], which no field of text takes.
///
/// # Errors
/// [`DecodeError`], which says what is wrong with the input. No input panics.
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Value, DecodeError> {
    if bytes.len() > limits.bytes_max {
        return Err(DecodeError::TooLarge { bytes: bytes.len(), bytes_max: limits.bytes_max });
    }
    let mut input = Input { rest: bytes, values_left: limits.values_max, depth_max: limits.depth_max };
    let value = input.value(0)?;
    match input.rest.len() {
        0 => Ok(value),
        bytes => Err(DecodeError::Trailing { bytes }),
    }
}

/// What is still to be decoded, and how much of it may be.
struct Input<'a> {
    rest: &'a [u8],
    values_left: usize,
    depth_max: usize,
}

impl<'a> Input<'a> {
    /// The next value, inside so many arrays and maps.
    fn value(&mut self, depth: usize) -> Result<Value, DecodeError> {
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| malformed("too many values"))?;
        Ok(match self.marker()? {
            Marker::Null => Value::Nil,
            Marker::False => Value::Bool(false),
            Marker::True => Value::Bool(true),
            Marker::FixPos(value) => Value::Int(value.into()),
            Marker::FixNeg(value) => Value::Int(value.into()),
            Marker::U8 => Value::Int(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Value::Int(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Value::Int(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Value::Int(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Value::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Value::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Value::Float(f64::from_be_bytes(self.array()?)),
            marker @ (Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32) => {
                let length = self.length(marker)?;
                let bytes = self.take(length)?;
                match str::from_utf8(bytes) {
                    Ok(text) => text.into(),
                    Err(_) => Value::Bin(bytes.to_vec()),
                }
            }
            marker @ (Marker::Bin8 | Marker::Bin16 | Marker::Bin32) => {
                let length = self.length(marker)?;
                Value::Bin(self.take(length)?.to_vec())
            }
            marker @ (Marker::FixArray(_) | Marker::Array16 | Marker::Array32) => {
                let length = self.length(marker)?;
                self.values(length, self.deeper(depth)?)?
            }
            marker @ (Marker::FixMap(_) | Marker::Map16 | Marker::Map32) => {
                let length = self.length(marker)?;
                self.entries(length, self.deeper(depth)?)?
            }
            Marker::Reserved => return Err(malformed("the byte 0xc1 begins no value")),
            extension => {
                let length = self.length(extension)?;
                let [kind] = self.array()?;
                let data = self.take(length)?;
                match kind as i8 {
                    Timestamp::EXTENSION => Timestamp::from_data(data)
                        .map(Value::Timestamp)
                        .ok_or_else(|| malformed("a malformed timestamp"))?,
                    kind => return Err(DecodeError::Malformed(format!("unknown extension type {kind}"))),
                }
            }
        })
    }

    /// The announced length is not believed: the values behind it may not be there.
    fn values(&mut self, length: usize, depth: usize) -> Result<Value, DecodeError> {
        let mut values = Vec::with_capacity(length.min(16));
        for _ in 0..length {
            values.push(self.value(depth)?);
        }
        Ok(Value::Array(values))
    }

    fn entries(&mut self, length: usize, depth: usize) -> Result<Value, DecodeError> {
        let mut map = Map::new();
        for _ in 0..length {
            let key = self.key()?;
            let value = self.value(depth)?;
            match map.entry(key.to_owned()) {
                Entry::Vacant(free) => free.insert(value),
                Entry::Occupied(_) => return Err(DecodeError::Malformed(format!("duplicate key `{key}`"))),
            };
        }
        Ok(Value::Map(map))
    }

    /// A key of a map: text and nothing else.
    fn key(&mut self) -> Result<&'a str, DecodeError> {
        match self.marker()? {
            marker @ (Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32) => {
                let length = self.length(marker)?;
                str::from_utf8(self.take(length)?).map_err(|_| malformed("a key that is no UTF-8"))
            }
            _ => Err(malformed("a key that is no text")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        match depth < self.depth_max {
            true => Ok(depth + 1),
            false => Err(DecodeError::TooDeep { depth_max: self.depth_max }),
        }
    }

    fn marker(&mut self) -> Result<Marker, DecodeError> {
        let [byte] = self.array()?;
        Ok(Marker::from_u8(byte))
    }

    /// How many bytes, values or entries there are, which is in the marker or behind it.
    fn length(&mut self, marker: Marker) -> Result<usize, DecodeError> {
        Ok(match marker {
            Marker::FixStr(length) | Marker::FixArray(length) | Marker::FixMap(length) => length.into(),
            Marker::Str8 | Marker::Bin8 | Marker::Ext8 => u8::from_be_bytes(self.array()?).into(),
            Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 | Marker::Ext16 => {
                u16::from_be_bytes(self.array()?).into()
            }
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            _ => u32::from_be_bytes(self.array()?) as usize,
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or_else(cut_off)?;
        self.rest = rest;
        Ok(head)
    }
}

fn malformed(why: &str) -> DecodeError {
    DecodeError::Malformed(why.to_owned())
}

fn cut_off() -> DecodeError {
    malformed("it ends inside a value")
}
