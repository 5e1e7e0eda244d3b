//! What crosses the border between the host and a plugin: MessagePack maps, their types and their codec.
//!
//! The WIT package beside this crate (`wit/v0`) moves bytes only; this crate says what the bytes mean. Both sides
//! use it: the host to encode an [`Event`] and to check the [`Reply`], guests to decode the one and encode the
//! other. It knows no database and no WebAssembly, and needs no `std`; the feature of that name is the host's.
//!
//! | model field | MessagePack |
//! |---|---|
//! | integers, floats, bool, text, bytes, null | integer, float 64, bool, str, bin, nil |
//! | `DateTime<Utc>` | timestamp extension (-1) |
//! | `NaiveDate` | str, `YYYY-MM-DD` |
//! | `Uuid` | 16-byte bin |
//! | `Decimal` | str, with its scale |
//! | JSON | nested values; `Value::json_text` is the form of those that JSON has not |
//! | foreign key | the key of the row it points to |
//!
//! Unknown keys are ignored in every map that this crate defines; duplicate keys and keys that are no strings are
//! refused everywhere.
//!
//! `wit/golden` holds encoded payloads, one file each, for every SDK in any language to be tested against. Its
//! `index.json` says of each what `kind` it is (`value`, or a message; `accepted` are forms that nobody here writes
//! and everybody reads, `refused` are those that a host refuses) and the `value` that it stands for, with
//! `{"$bytes": hex}`, `{"$timestamp": RFC 3339}`, `{"$int": decimal}` beyond 2^53, and `{"$float": decimal}` where
//! JSON would show an integer. Compare decoded values, not bytes: an encoder may order keys as it likes.

#![no_std]

extern crate alloc;

mod codec;
mod description;
mod event;
mod from_value;
mod grants;
mod json;
mod models;
mod reply;
mod requests;
mod rfc3339;
mod rows;
mod timestamp;
mod to_value;
mod value;

#[cfg(feature = "std")]
pub use codec::encode;
pub use codec::{DecodeError, DecodeLimits, decode};
pub use description::{Description, Subscription, When};
pub use event::{Change, Event, Payload};
pub use from_value::{Unfit, from_value};
pub use grants::{Grants, ModelOperation};
pub use models::{Arithmetic, FieldExpression, FilterOperator, KEY_OR_FILTER, ModelFilter, ModelRequest};
pub use reply::{Failure, Patch, Reply};
pub use requests::{ConfigRequest, RequestError, SendRequest, ServiceRequest, Violation};
pub use rfc3339::TimestampError;
pub use rows::ModelRows;
pub use timestamp::Timestamp;
pub use to_value::to_value;
pub use value::{Map, Value};

/// The version of the contract that this crate speaks: that of the WIT package `aksara:signals`.
pub const CONTRACT_VERSION: &str = "0.1.0";
