//! The event that a handler runs for: everything that the signal says beyond the instance.

use std::cell::RefCell;

use aksara_wire::{Map, Timestamp, Value};
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
        let event: aksara_wire::Event<'_, T> = aksara_wire::decode_trusted(bytes).map_err(|error| {
            Error::new(format!("the event does not fit `{}`: {error}", std::any::type_name::<T>()))
        })?;
        let payload = event.payload;
        let instance = payload.instance.ok_or_else(|| {
            Error::new(format!("`{}` of `{}` came without an instance", event.signal, event.sender))
        })?;
        let change = |change: aksara_wire::Change<'_>| Change {
            field: change.field.into_owned().into(),
            old: change.old,
            new: change.new,
        };
        let event = Event {
            id: event.id,
            signal: event.signal.into_owned(),
            sender: event.sender.into_owned(),
            db: event.db.into_owned(),
            depth: event.depth,
            created: payload.created,
            update_fields: payload.update_fields.map(|names| names.into_iter().map(Into::into).collect()),
            changes: payload.changes.into_iter().map(change).collect(),
            raw: payload.raw,
            origin: payload.origin.map(Into::into),
            args: payload.args,
            added: RefCell::default(),
        };
        Ok((instance, event))
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
