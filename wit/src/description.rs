//! What a plugin says about itself when it is loaded.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::codec::encode_message;
use crate::{DecodeError, DecodeLimits, Grants, decode, from_value};

/// The answer to `describe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// Name of the plugin; also that of its file, `NAME.wasm`.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The [`CONTRACT_VERSION`](crate::CONTRACT_VERSION) that it was built for.
    pub contract: String,
    /// What it listens to. A call names a subscription by its index here.
    pub subscriptions: Vec<Subscription>,
    /// The custom signals that it declares: the names of their arguments by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: BTreeMap<String, BTreeSet<String>>,
    /// What it asks to be allowed.
    #[serde(default)]
    pub grants: Grants,
}

/// One handler of a plugin: which events it gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Name of the handler inside the plugin; with the plugin's name it makes the handler's id.
    pub handler: String,
    /// Name of the signal.
    pub signal: String,
    /// Label of the sending model; `None` for all models.
    #[serde(default)]
    pub sender: Option<String>,
    /// Higher runs first.
    #[serde(default)]
    pub priority: i32,
    /// The fields that the handler reads; no others are sent. `None` for all.
    #[serde(default)]
    pub reads: Option<BTreeSet<String>>,
    /// The fields that the handler may change. `None` for all.
    #[serde(default)]
    pub writes: Option<BTreeSet<String>>,
    /// Which of the events are of interest; the others cost no call.
    #[serde(default)]
    pub when: When,
}

/// A condition on events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct When {
    /// `true`: only rows being inserted; `false`: only rows being updated.
    #[serde(default)]
    pub created: Option<bool>,
    /// Only when one of these fields differs from what was loaded; a create changes every field. Empty: always.
    #[serde(default)]
    pub changed: BTreeSet<String>,
}

impl Description {
    /// Encodes the description.
    pub fn encode(&self) -> Vec<u8> {
        encode_message(self)
    }

    /// Decodes what a plugin returned from `describe`.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no description.
    pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Description, DecodeError> {
        from_value(decode(bytes, limits)?).map_err(|error| DecodeError::Malformed(error.to_string()))
    }
}
