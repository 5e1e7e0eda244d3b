//! Events: what a handler is told.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Map, Value};

/// One signal on its way to one handler: an envelope and the payload. Encoded as one flat map.
///
/// `I` is what stands for the instance: the host encodes straight from the model, a guest decodes into a struct of
/// the fields that it reads, tools use the default, a [`Map`].
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Flat<'a, I>", bound(deserialize = "I: Deserialize<'de>, 'de: 'a"))]
pub struct Event<'a, I = Map> {
    /// The event's own id, a UUIDv7.
    pub id: [u8; 16],
    /// Name of the signal: `pre_save`, `post_save`, ..., or that of a custom signal.
    pub signal: Cow<'a, str>,
    /// Label of the model whose lifecycle fired the signal.
    pub sender: Cow<'a, str>,
    /// Alias of the database.
    pub db: Cow<'a, str>,
    /// 0 for a call from the application, one more for each signal fired from inside a handler.
    pub depth: u32,
    /// Id of the operation that the event is a part of, a UUIDv7: all events of one operation carry the same. Hosts before
    /// it have none.
    pub operation: Option<[u8; 16]>,
    /// What the signal says about the instance.
    pub payload: Payload<'a, I>,
}

/// The signal's arguments. Which of them are there depends on the signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload<'a, I = Map> {
    /// The instance; only the fields in the subscription's `reads`, where it has any.
    pub instance: Option<I>,
    /// Saves: true exactly when a row is inserted.
    pub created: Option<bool>,
    /// Saves: the names being written; `None` for a full save.
    pub update_fields: Option<Vec<Cow<'a, str>>>,
    /// `post_save`: what differs from the values that were loaded; a create lists every field.
    pub changes: Vec<Change<'a>>,
    /// Saves: true when fixtures are loaded.
    pub raw: bool,
    /// Deletes: what the call was made on, `instance` or `query`.
    pub origin: Option<Cow<'a, str>>,
    /// Bulk operations: the instances, in the order of the call.
    pub instances: Option<Vec<I>>,
    /// `bulk_update`: the names being written.
    pub fields: Option<Vec<Cow<'a, str>>>,
    /// `post_bulk_update`: how many rows were changed.
    pub rows: Option<u64>,
    /// Relations: what happens, `pre_add`, `post_add`, ...
    pub action: Option<Cow<'a, str>>,
    /// Relations: whether the change is made from the other side.
    pub reverse: Option<bool>,
    /// Relations: label of the model of the keys.
    pub model: Option<Cow<'a, str>>,
    /// Relations: the keys.
    pub pk_set: Option<Vec<Value>>,
    /// After the end of a transaction: key of the instance.
    pub key: Option<Value>,
    /// After the end of a transaction: whether it deleted the instance.
    pub deleted: Option<bool>,
    /// Custom signals: the declared arguments.
    pub args: Map,
}

impl<I> Default for Payload<'_, I> {
    fn default() -> Self {
        Payload {
            instance: None,
            created: None,
            update_fields: None,
            changes: Vec::new(),
            raw: false,
            origin: None,
            instances: None,
            fields: None,
            rows: None,
            action: None,
            reverse: None,
            model: None,
            pk_set: None,
            key: None,
            deleted: None,
            args: Map::new(),
        }
    }
}

/// One field's old and new value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change<'a> {
    /// Name of the field.
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    /// The value that was loaded; nil for a create.
    #[serde(default = "nil")]
    pub old: Value,
    /// The value now.
    #[serde(default = "nil")]
    pub new: Value,
}

fn nil() -> Value {
    Value::Nil
}

impl<I: Serialize> Serialize for Event<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let payload = &self.payload;
        let optional = usize::from(self.operation.is_some())
            + usize::from(payload.instance.is_some())
            + usize::from(payload.created.is_some())
            + usize::from(payload.update_fields.is_some())
            + usize::from(!payload.changes.is_empty())
            + usize::from(payload.raw)
            + usize::from(payload.origin.is_some())
            + usize::from(payload.instances.is_some())
            + usize::from(payload.fields.is_some())
            + usize::from(payload.rows.is_some())
            + usize::from(payload.action.is_some())
            + usize::from(payload.reverse.is_some())
            + usize::from(payload.model.is_some())
            + usize::from(payload.pk_set.is_some())
            + usize::from(payload.key.is_some())
            + usize::from(payload.deleted.is_some())
            + usize::from(!payload.args.is_empty());
        let mut map = serializer.serialize_map(Some(6 + optional))?;
        map.serialize_entry("v", &0u8)?;
        map.serialize_entry("id", &Id(self.id))?;
        map.serialize_entry("signal", &self.signal)?;
        map.serialize_entry("sender", &self.sender)?;
        map.serialize_entry("db", &self.db)?;
        map.serialize_entry("depth", &self.depth)?;
        some(&mut map, "operation", &self.operation.map(Id))?;
        some(&mut map, "instance", &payload.instance)?;
        some(&mut map, "created", &payload.created)?;
        some(&mut map, "update_fields", &payload.update_fields)?;
        if !payload.changes.is_empty() {
            map.serialize_entry("changes", &payload.changes)?;
        }
        if payload.raw {
            map.serialize_entry("raw", &true)?;
        }
        some(&mut map, "origin", &payload.origin)?;
        some(&mut map, "instances", &payload.instances)?;
        some(&mut map, "fields", &payload.fields)?;
        some(&mut map, "rows", &payload.rows)?;
        some(&mut map, "action", &payload.action)?;
        some(&mut map, "reverse", &payload.reverse)?;
        some(&mut map, "model", &payload.model)?;
        some(&mut map, "pk_set", &payload.pk_set)?;
        some(&mut map, "key", &payload.key)?;
        some(&mut map, "deleted", &payload.deleted)?;
        if !payload.args.is_empty() {
            map.serialize_entry("args", &payload.args)?;
        }
        map.end()
    }
}

/// An entry for what is there.
fn some<M: SerializeMap>(map: &mut M, key: &str, value: &Option<impl Serialize>) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, value),
        None => Ok(()),
    }
}

/// The map as it is on the wire. `v`, the major version, needs no look: the host checks it at load.
#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>, 'de: 'a"))]
struct Flat<'a, I> {
    id: Id,
    #[serde(borrow)]
    signal: Cow<'a, str>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow)]
    db: Cow<'a, str>,
    depth: u32,
    operation: Option<Id>,
    instance: Option<I>,
    created: Option<bool>,
    #[serde(borrow)]
    update_fields: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    changes: Vec<Change<'a>>,
    #[serde(default)]
    raw: bool,
    #[serde(borrow)]
    origin: Option<Cow<'a, str>>,
    instances: Option<Vec<I>>,
    #[serde(borrow)]
    fields: Option<Vec<Cow<'a, str>>>,
    rows: Option<u64>,
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    reverse: Option<bool>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    pk_set: Option<Vec<Value>>,
    key: Option<Value>,
    deleted: Option<bool>,
    #[serde(default)]
    args: Map,
}

impl<'a, I> From<Flat<'a, I>> for Event<'a, I> {
    fn from(flat: Flat<'a, I>) -> Self {
        let Flat { id, signal, sender, db, depth, operation, .. } = flat;
        let Flat { instance, created, update_fields, changes, raw, origin, args, .. } = flat;
        let Flat { instances, fields, rows, action, reverse, model, pk_set, key, deleted, .. } = flat;
        let save =
            Payload { instance, created, update_fields, changes, raw, origin, args, ..Payload::default() };
        let payload =
            Payload { instances, fields, rows, action, reverse, model, pk_set, key, deleted, ..save };
        let operation = operation.map(|operation| operation.0);
        Event { id: id.0, signal, sender, db, depth, operation, payload }
    }
}

/// A UUID, as 16-byte bin.
struct Id([u8; 16]);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let invalid = || serde::de::Error::custom("an id is 16 bytes");
        match Value::deserialize(deserializer)? {
            Value::Bin(bytes) => bytes.try_into().map(Id).map_err(|_| invalid()),
            _ => Err(invalid()),
        }
    }
}
