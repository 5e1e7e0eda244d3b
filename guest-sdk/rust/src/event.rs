//! The event that a handler runs for: everything that the signal says beyond the instance.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use aksara_wire::{DecodeLimits, Map, Patch, Timestamp, Value, decode, from_value};
use serde::de::DeserializeOwned;

use crate::Error;

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
    operation: Option<[u8; 16]>,
    created: Option<bool>,
    update_fields: Option<Vec<String>>,
    changes: Vec<Change>,
    raw: bool,
    origin: Option<String>,
    args: Map,
    instance: Map,
    instances: Vec<Map>,
    fields: Option<Vec<String>>,
    rows: Option<u64>,
    action: Option<String>,
    reverse: bool,
    model: Option<String>,
    keys: Vec<Value>,
    key: Option<Value>,
    deleted: bool,
    /// What the handler wants changed beside its instance. In a cell, since handlers share the event.
    patch: RefCell<Patch>,
}

impl Event {
    /// Splits what the host sent into the event and its instance.
    pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, Event), Error> {
        let (instance, event) = Event::split(bytes)?;
        let instance = from_value(instance).map_err(|error| {
            let (signal, sender, name) = (&event.signal, &event.sender, core::any::type_name::<T>());
            Error::new(format!("the instance of {signal} of `{sender}` does not fit `{name}`: {error}"))
        })?;
        Ok((instance, event))
    }

    /// Not generic, so that a plugin has it once; key by key, since unknown ones are ignored.
    fn split(bytes: &[u8]) -> Result<(Value, Event), Error> {
        let Value::Map(mut map) = decode(bytes, &DecodeLimits::TRUSTED)? else {
            return Err(Error::new("the host sent an event that is no map"));
        };
        let mut take = |key: &str| map.get_mut(key).map(mem::take).unwrap_or_default();
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
            operation: bytes_of(take("operation")).and_then(|id| id.try_into().ok()),
            created: if let Value::Bool(created) = take("created") { Some(created) } else { None },
            update_fields: list(take("update_fields"))
                .map(|names| names.into_iter().filter_map(text).collect()),
            changes: list(take("changes")).unwrap_or_default().into_iter().filter_map(change).collect(),
            raw: take("raw") == Value::Bool(true),
            origin: text(take("origin")),
            args: fields(take("args")).unwrap_or_default(),
            instance: Map::new(),
            instances: list(take("instances")).unwrap_or_default().into_iter().filter_map(fields).collect(),
            fields: list(take("fields")).map(|names| names.into_iter().filter_map(text).collect()),
            rows: if let Value::Int(rows) = take("rows") { u64::try_from(rows).ok() } else { None },
            action: text(take("action")),
            reverse: take("reverse") == Value::Bool(true),
            model: text(take("model")),
            keys: list(take("pk_set")).unwrap_or_default(),
            key: Some(take("key")).filter(|key| *key != Value::Nil),
            deleted: take("deleted") == Value::Bool(true),
            patch: RefCell::default(),
        };
        Ok((take("instance"), event))
    }

    /// The event with its instance as a map, where it has one.
    pub(crate) fn whole(bytes: &[u8]) -> Result<Event, Error> {
        let (instance, mut event) = Event::split(bytes)?;
        event.instance = fields(instance).unwrap_or_default();
        Ok(event)
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

    /// Id of the operation that the event is a part of, a UUIDv7: all signals of one save, of one delete with its cascade,
    /// or of one bulk operation carry the same. `None` from a host that is older than it.
    pub fn operation(&self) -> Option<[u8; 16]> {
        self.operation
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

    /// In handlers of the event alone: the fields of the instance; none, where the signal is about none or several.
    pub fn instance(&self) -> &Map {
        &self.instance
    }

    /// Bulk operations: the fields of each instance, in the order of the call.
    pub fn instances(&self) -> &[Map] {
        &self.instances
    }

    /// `bulk_update`: the names being written.
    pub fn fields(&self) -> Option<&[String]> {
        self.fields.as_deref()
    }

    /// `post_bulk_update`: how many rows were changed.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// `m2m_changed`: what happens, `pre_add`, `post_add`, ...
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// `m2m_changed`: whether the change is made from the other side.
    pub fn reverse(&self) -> bool {
        self.reverse
    }

    /// `m2m_changed`: label of the model of the keys.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// `m2m_changed`: the keys.
    pub fn pk_set(&self) -> &[Value] {
        &self.keys
    }

    /// `after_commit` and `after_rollback`: key of the instance.
    pub fn key(&self) -> Option<&Value> {
        self.key.as_ref()
    }

    /// `after_commit` and `after_rollback`: whether the transaction deleted the instance.
    pub fn deleted(&self) -> bool {
        self.deleted
    }

    /// `pre_bulk_create` and `pre_bulk_update`: sets a field of the instance at this position. Of an instance that is
    /// not there, nothing is set.
    pub fn set(&self, index: usize, field: impl Into<String>, value: impl Into<Value>) {
        let mut patch = self.patch.borrow_mut();
        patch.instances.resize(self.instances.len(), Map::new());
        if let Some(fields) = patch.instances.get_mut(index) {
            fields.insert(field.into(), value.into());
        }
    }

    /// `m2m_changed`, `pre_add`: the keys to add in place of those given.
    pub fn set_pk_set(&self, keys: impl IntoIterator<Item = impl Into<Value>>) {
        self.patch.borrow_mut().pk_set = Some(keys.into_iter().map(Into::into).collect());
    }

    /// Custom signals: the declared arguments, as a struct of those that are needed.
    ///
    /// # Errors
    /// When the arguments do not fit the type.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Error> {
        from_value(Value::Map(self.args.clone())).map_err(|error| {
            let (signal, name) = (&self.signal, core::any::type_name::<T>());
            Error::new(format!("the arguments of {signal} do not fit `{name}`: {error}"))
        })
    }

    /// Custom signals: a declared argument.
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.args.get(name)
    }

    /// `pre_save`: has this field written too, by a save that names its fields. A full save writes it anyway; in
    /// other signals it is too late, and nothing happens.
    pub fn add_update_field(&self, name: impl Into<String>) {
        let (name, mut patch) = (name.into(), self.patch.borrow_mut());
        let added = &mut patch.update_fields;
        if self.update_fields.as_ref().is_some_and(|names| !names.contains(&name)) && !added.contains(&name) {
            added.push(name);
        }
    }

    /// What goes back to the host, with these fields of the instance.
    pub(crate) fn into_patch(self, fields: Map) -> Patch {
        Patch { fields, ..self.patch.into_inner() }
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
    let mut take = |key| change.get_mut(key).map(mem::take).unwrap_or_default();
    let field = text(take("field"))?;
    Some(Change { field: field.into(), old: take("old"), new: take("new") })
}
