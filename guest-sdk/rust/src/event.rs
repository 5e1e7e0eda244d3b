//! The event that a handler runs for: everything that the signal says beyond the instance.

use std::cell::RefCell;

use aksara_wire::{Map, Timestamp, Value};
use serde::de::DeserializeOwned;

use crate::deserialize::from_value;
use crate::{Error, codec};

/// One field's old and new value.
pub type Change = aksara_wire::Change<'static>;

/// What a handler is told about the signal.
#[derive(Clone, Debug)]
pub struct Event {
    id: [u8; 16],
    signal: String,
    sender: String,
    db: String,
    depth: u32,
    created: Option<bool>,
    update_fields: Option<Vec<String>>,
    changes: Vec<Change>,
    raw: bool,
    origin: Option<String>,
    args: Map,
    /// What the handler adds to `update_fields`. In a cell, since handlers share the event.
    added: RefCell<Vec<String>>,
}

impl Event {
    /// Splits what the host sent into the event and its instance.
    pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Event), Error> {
        let (instance, event) = Event::split(bytes)?;
        let instance = from_value(instance).map_err(|error| {
            let (signal, sender, name) = (&event.signal, &event.sender, std::any::type_name::<T>());
            Error::new(format!("the instance of {signal} of `{sender}` does not fit `{name}`: {error}"))
        })?;
        Ok((instance, event))
    }

    /// Not generic, so that a plugin has it once; key by key, since unknown ones are ignored.
    fn split(bytes: &[u8]) -> Result<(Value, Event), Error> {
        let Value::Map(mut map) = codec::from_bytes(bytes)? else {
            return Err(Error::new("the host sent an event that is no map"));
        };
        let mut take = |key: &str| map.remove(key).unwrap_or_default();
        let event = Event {
            id: bytes_of(take("id")).and_then(|id| id.try_into().ok()).unwrap_or_default(),
            signal: text(take("signal")).unwrap_or_default(),
            sender: text(take("sender")).unwrap_or_default(),
            db: text(take("db")).unwrap_or_default(),
            depth: if let Value::Int(depth) = take("depth") {
                u32::try_from(depth).unwrap_or(u32::MAX)
            } else {
                0
            },
            created: if let Value::Bool(created) = take("created") { Some(created) } else { None },
            update_fields: list(take("update_fields"))
                .map(|names| names.into_iter().filter_map(text).collect()),
            changes: list(take("changes")).unwrap_or_default().into_iter().filter_map(change).collect(),
            raw: take("raw") == Value::Bool(true),
            origin: text(take("origin")),
            args: fields(take("args")).unwrap_or_default(),
            added: RefCell::default(),
        };
        Ok((take("instance"), event))
    }

    /// The event's own id, a UUIDv7. All handlers of one event see the same.
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// When the event was made, to the millisecond: the time that its id begins with. Plugins have no clock, and
    /// need none for this: all handlers of one event agree on its time.
    pub fn time(&self) -> Timestamp {
        let milliseconds = self.id[..6].iter().fold(0i64, |sum, byte| sum << 8 | i64::from(*byte));
        let nanoseconds = (milliseconds % 1000) as u32 * 1_000_000;
        Timestamp::new(milliseconds / 1000, nanoseconds).unwrap_or_default()
    }

    /// Name of the signal: `pre_save`, ...
    pub fn signal(&self) -> &str {
        &self.signal
    }

    /// Label of the model whose lifecycle fired the signal.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// Alias of the database.
    pub fn db(&self) -> &str {
        &self.db
    }

    /// 0 for a call from the application, one more for each signal fired from inside a handler.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Saves: whether a row is inserted rather than updated. False for other signals.
    pub fn created(&self) -> bool {
        self.created == Some(true)
    }

    /// Saves: the names being written; `None` for a full save.
    pub fn update_fields(&self) -> Option<&[String]> {
        self.update_fields.as_deref()
    }

    /// `post_save`: what differs from the values that were loaded; a create lists every field.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The change of this field, if [`changes`](Self::changes) has one.
    pub fn change(&self, field: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.field == field)
    }

    /// Saves: whether fixtures are loaded, whose values are to stay as they are.
    pub fn raw(&self) -> bool {
        self.raw
    }

    /// Deletes: what the call was made on, `instance` or `query`.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Custom signals: a declared argument.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.args.get(name)
    }

    /// `pre_save`: has this field written too, by a save that names its fields. A full save writes it anyway; in
    /// other signals it is too late, and nothing happens.
    pub fn add_update_field(&self, name: impl Into<String>) {
        let (name, mut added) = (name.into(), self.added.borrow_mut());
        if self.update_fields.as_ref().is_some_and(|names| !names.contains(&name)) && !added.contains(&name) {
            added.push(name);
        }
    }

    pub(crate) fn into_added(self) -> Vec<String> {
        self.added.into_inner()
    }
}

fn text(value: Value) -> Option<String> {
    if let Value::Str(text) = value { Some(text) } else { None }
}

fn bytes_of(value: Value) -> Option<Vec<u8>> {
    if let Value::Bin(bytes) = value { Some(bytes) } else { None }
}

fn list(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(values) = value { Some(values) } else { None }
}

fn fields(value: Value) -> Option<Map> {
    if let Value::Map(fields) = value { Some(fields) } else { None }
}

fn change(value: Value) -> Option<Change> {
    let mut change = fields(value)?;
    let field = text(change.remove("field")?)?;
    let mut take = |key| change.remove(key).unwrap_or_default();
    Some(Change { field: field.into(), old: take("old"), new: take("new") })
}
