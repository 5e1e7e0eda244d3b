//! Points in time, as MessagePack's timestamp extension.

use core::fmt;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// The name by which a type of serde's asks for an extension: `rmp_serde::MSGPACK_EXT_STRUCT_NAME`, which needs `std`.
pub(crate) const EXTENSION_NAME: &str = "_ExtStruct";

/// A point in time: seconds since 1970-01-01T00:00:00Z (negative before), and nanoseconds within that second.
///
/// Encoded as MessagePack's timestamp extension (-1) in the smallest of its three forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
}

impl Timestamp {
    /// A timestamp, or `None` where `nanoseconds` is a billion or more.
    pub fn new(seconds: i64, nanoseconds: u32) -> Option<Self> {
        (nanoseconds < 1_000_000_000).then_some(Timestamp { seconds, nanoseconds })
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`seconds`](Self::seconds); below a billion.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// The type number that the MessagePack specification reserves for timestamps.
    pub(crate) const EXTENSION: i8 = -1;

    pub(crate) fn from_extension<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, ExtensionVisitor)
    }

    /// From the data of the extension.
    pub(crate) fn from_data(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            4 => Timestamp::new(u32::from_be_bytes(bytes.try_into().ok()?).into(), 0),
            8 => {
                let both = u64::from_be_bytes(bytes.try_into().ok()?);
                Timestamp::new((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
            }
            12 => {
                let (nanoseconds, seconds) = bytes.split_at(4);
                let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
                Timestamp::new(seconds, u32::from_be_bytes(nanoseconds.try_into().ok()?))
            }
            _ => None,
        }
    }

    /// The data of the extension.
    pub(crate) fn data(self, buffer: &mut [u8; 12]) -> &[u8] {
        match (u64::try_from(self.seconds), self.nanoseconds) {
            (Ok(seconds), 0) if seconds <= u32::MAX.into() => {
                buffer[..4].copy_from_slice(&(seconds as u32).to_be_bytes());
                &buffer[..4]
            }
            (Ok(seconds), nanoseconds) if seconds < 1 << 34 => {
                buffer[..8].copy_from_slice(&(u64::from(nanoseconds) << 34 | seconds).to_be_bytes());
                &buffer[..8]
            }
            (_, nanoseconds) => {
                buffer[..4].copy_from_slice(&nanoseconds.to_be_bytes());
                buffer[4..].copy_from_slice(&self.seconds.to_be_bytes());
                &buffer[..]
            }
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; 12];
        serializer.serialize_newtype_struct(EXTENSION_NAME, &(Self::EXTENSION, Bytes(self.data(&mut buffer))))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(EXTENSION_NAME, ExtensionVisitor)
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct ExtensionVisitor;

impl<'de> Visitor<'de> for ExtensionVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp extension (-1)")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_extension(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Timestamp, A::Error> {
        let tag: i8 = seq.next_element()?.ok_or_else(|| A::Error::custom("an extension without a type"))?;
        let payload: ExtensionBytes =
            seq.next_element()?.ok_or_else(|| A::Error::custom("an extension without data"))?;
        if tag != Timestamp::EXTENSION {
            return Err(A::Error::custom(format_args!("unknown extension type {tag}")));
        }
        payload.0.ok_or_else(|| A::Error::custom("a malformed timestamp"))
    }
}

/// The data of an extension; `None` when it is no timestamp.
struct ExtensionBytes(Option<Timestamp>);

impl<'de> Deserialize<'de> for ExtensionBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = ExtensionBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of an extension")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<ExtensionBytes, E> {
                Ok(ExtensionBytes(Timestamp::from_data(bytes)))
            }
        }
        deserializer.deserialize_bytes(BytesVisitor)
    }
}
