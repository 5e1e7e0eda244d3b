//! Bytes to values and back, with the limits that make any input safe to decode.

use std::cell::Cell;
use std::fmt;

use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};

use crate::Value;
use crate::value::Seed;

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

impl Default for DecodeLimits {
    /// 4 MiB, 32 levels, 262,144 values.
    fn default() -> Self {
        DecodeLimits { bytes_max: 4 << 20, depth_max: 32, values_max: 1 << 18 }
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

impl std::error::Error for DecodeError {}

/// Encodes a value, structs as maps.
pub fn encode(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
    if let Err(error) = value.serialize(&mut serializer) {
        // Writing to a Vec cannot fail, and no type of the contract refuses to be serialised.
        unreachable!("encoding to memory failed: {error}");
    }
    bytes
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
    let budget = Cell::new(limits.values_max);
    let mut deserializer = rmp_serde::Deserializer::new(bytes);
    // rmp-serde stops when its counter reaches zero, one level before the number that it is given.
    deserializer.set_max_depth(limits.depth_max + 1);
    let value = Seed { budget: &budget }.deserialize(&mut deserializer).map_err(|error| match error {
        rmp_serde::decode::Error::DepthLimitExceeded => DecodeError::TooDeep { depth_max: limits.depth_max },
        other => DecodeError::Malformed(other.to_string()),
    })?;
    match deserializer.get_ref().len() {
        0 => Ok(value),
        bytes => Err(DecodeError::Trailing { bytes }),
    }
}

/// Decodes bytes into a type of one's own, without limits: for a guest, which trusts its host.
///
/// # Errors
/// [`DecodeError::Malformed`] when the bytes are not of that type.
pub fn decode_trusted<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    rmp_serde::from_slice(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))
}
