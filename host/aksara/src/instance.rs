//! An instance: a model value with its state, and the values that it was loaded with.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::meta::{KeySource, ModelMeta};
use crate::value::{Shown, to_json};
use crate::{Model, Value};

/// Whether an instance has a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not saved yet: `save` inserts.
    New,
    /// It has a row: `save` updates.
    Stored,
    /// Its row was deleted: it cannot be saved by accident.
    Deleted,
}

/// A value of the model `M` and what is known of its row. Dereferences to the plain struct.
#[derive(Clone)]
pub struct Instance<M: Model> {
    value: M,
    loaded: Loaded<M>,
    state: State,
}

/// The values that an instance was loaded with. They are copied when the instance is first changed, not before.
#[derive(Clone)]
enum Loaded<M> {
    /// It has no row.
    Nothing,
    /// It is as it was loaded.
    Unchanged,
    Values(M),
}

/// One field whose value is not what was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Name of the field.
    pub field: &'static str,
    /// The value that was loaded; `None` for an instance that had no row.
    pub old: Option<Value>,
    /// The value now.
    pub new: Value,
}

impl<M: Model> Instance<M> {
    /// A new instance, which `save` will insert.
    pub fn new(value: M) -> Self {
        Instance { value, loaded: Loaded::Nothing, state: State::New }
    }

    /// An instance as read from its row.
    pub(crate) fn stored(value: M) -> Self {
        Instance { value, loaded: Loaded::Unchanged, state: State::Stored }
    }

    /// Whether it has a row.
    pub fn state(&self) -> State {
        self.state
    }

    /// The plain struct.
    pub fn into_inner(self) -> M {
        self.value
    }

    /// The values that it was loaded with; `None` before the first save.
    pub fn loaded(&self) -> Option<&M> {
        match &self.loaded {
            Loaded::Nothing => None,
            Loaded::Unchanged => Some(&self.value),
            Loaded::Values(loaded) => Some(loaded),
        }
    }

    /// The value, to be changed.
    fn value_mut(&mut self) -> &mut M {
        if let Loaded::Unchanged = self.loaded {
            self.loaded = Loaded::Values(self.value.clone());
        }
        &mut self.value
    }

    /// The fields that differ from what was loaded; every field, while it has no row.
    pub fn changes(&self) -> Vec<Change> {
        changes(self)
    }

    /// Returns all fields by name, as JSON, in the form that [`load_fixtures`](crate::Db::load_fixtures) reads: times in
    /// RFC 3339, bytes as hexadecimal text; UUIDs, decimals and infinite floats (`Infinity`, `-Infinity`) as text.
    pub fn to_json(&self) -> serde_json::Value {
        (self as &dyn AnyInstance).to_json()
    }
}

impl<M: Model> Deref for Instance<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.value
    }
}

impl<M: Model> DerefMut for Instance<M> {
    fn deref_mut(&mut self) -> &mut M {
        self.value_mut()
    }
}

impl<M: Model + fmt::Debug> fmt::Debug for Instance<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("state", &self.state).field("value", &self.value).finish()
    }
}

impl<M: Model> From<M> for Instance<M> {
    fn from(value: M) -> Self {
        Instance::new(value)
    }
}

impl<M: Model + serde::Serialize> serde::Serialize for Instance<M> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// An instance of whatever model: what a handler for all models sees. Fields go by name, values are dynamic.
pub trait AnyInstance: Any + Send + Sync {
    /// Its model.
    fn meta(&self) -> &'static ModelMeta;

    /// Whether it has a row.
    fn state(&self) -> State;

    /// The value of the field at this position.
    fn value(&self, index: usize) -> Value;

    /// The value that the field at this position was loaded with.
    fn loaded_value(&self, index: usize) -> Option<Value>;

    /// Sets the field at this position.
    ///
    /// # Errors
    /// The value itself, when the field cannot hold it.
    fn set_value(&mut self, index: usize, value: Value) -> Result<(), Value>;

    /// Says whether it has a row now.
    #[doc(hidden)]
    fn set_state(&mut self, state: State);

    /// Says that these fields (`None`: all) are now in the row as they are here.
    #[doc(hidden)]
    fn set_loaded(&mut self, positions: Option<&[usize]>);

    /// Says that no row is known to hold what it was loaded with.
    #[doc(hidden)]
    fn forget_loaded(&mut self);

    /// A copy of everything, to come back to.
    #[doc(hidden)]
    fn snapshot(&self) -> Box<dyn AnyInstance>;

    /// Becomes what the snapshot is.
    #[doc(hidden)]
    fn restore(&mut self, snapshot: Box<dyn AnyInstance>);
}

/// Several instances of one model, whatever it is.
pub trait AnyInstances: Any + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instance at this position.
    fn get(&self, index: usize) -> Option<&dyn AnyInstance>;

    /// The instance at this position, to be changed.
    fn get_mut(&mut self, index: usize) -> Option<&mut dyn AnyInstance>;
}

impl<M: Model> AnyInstances for Vec<Instance<M>> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn get(&self, index: usize) -> Option<&dyn AnyInstance> {
        self.as_slice().get(index).map(|instance| instance as &dyn AnyInstance)
    }

    fn get_mut(&mut self, index: usize) -> Option<&mut dyn AnyInstance> {
        self.as_mut_slice().get_mut(index).map(|instance| instance as &mut dyn AnyInstance)
    }
}

impl dyn AnyInstance {
    /// The value of the field with this name; `None` where the model has no such field.
    pub fn get(&self, field: &str) -> Option<Value> {
        self.meta().position(field).map(|index| self.value(index))
    }

    /// Sets the field with this name.
    ///
    /// # Errors
    /// [`SetError`] when the model has no such field, or the field cannot hold the value.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> Result<(), SetError> {
        let meta = self.meta();
        let error = |reason| SetError { model: meta.label, field: field.to_owned(), reason };
        let index = meta.position(field).ok_or_else(|| error("the model has no such field".to_owned()))?;
        self.set_value(index, value.into()).map_err(|value| {
            let found = Shown(&value);
            error(format!("it is {}, which `{found}` is not", meta.fields[index].kind.words()))
        })
    }

    /// The primary key.
    pub fn key(&self) -> Value {
        self.value(self.meta().key)
    }

    /// The instance as one of the model `M`; `None` when it is of another.
    pub fn downcast_ref<M: Model>(&self) -> Option<&Instance<M>> {
        (self as &dyn Any).downcast_ref()
    }

    /// The instance as one of the model `M`; `None` when it is of another.
    pub fn downcast_mut<M: Model>(&mut self) -> Option<&mut Instance<M>> {
        (self as &mut dyn Any).downcast_mut()
    }

    /// The fields that differ from what was loaded; every field, while it has no row.
    pub fn changes(&self) -> Vec<Change> {
        changes(self)
    }

    /// All fields by name, as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let fields = self.meta().fields.iter().enumerate();
        fields.map(|(index, field)| (field.name.to_owned(), to_json(&self.value(index)))).collect()
    }

    /// Whether the database is still to make the key.
    pub(crate) fn key_is_unassigned(&self) -> bool {
        match (self.meta().key_source, self.key()) {
            (KeySource::Database, Value::Int(key)) => key == Some(0),
            (KeySource::Database, Value::BigInt(key)) => key == Some(0),
            (KeySource::Client, Value::Uuid(key)) => key.is_none_or(|key| key.is_nil()),
            _ => false,
        }
    }
}

fn changes(instance: &(impl AnyInstance + ?Sized)) -> Vec<Change> {
    let fields = instance.meta().fields.iter().enumerate();
    fields
        .filter_map(|(index, field)| {
            let (old, new) = (instance.loaded_value(index), instance.value(index));
            (old.as_ref() != Some(&new)).then_some(Change { field: field.name, old, new })
        })
        .collect()
}

/// Why a field could not be set by name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot set `{model}.{field}`: {reason}")]
pub struct SetError {
    model: &'static str,
    field: String,
    reason: String,
}

impl<M: Model> AnyInstance for Instance<M> {
    fn meta(&self) -> &'static ModelMeta {
        M::meta()
    }

    fn state(&self) -> State {
        self.state
    }

    fn value(&self, index: usize) -> Value {
        self.value.value(index)
    }

    fn loaded_value(&self, index: usize) -> Option<Value> {
        self.loaded().map(|loaded| loaded.value(index))
    }

    fn set_value(&mut self, index: usize, value: Value) -> Result<(), Value> {
        self.value_mut().set_value(index, value)
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }

    fn set_loaded(&mut self, positions: Option<&[usize]>) {
        let (Some(positions), Loaded::Values(loaded)) = (positions, &mut self.loaded) else {
            self.loaded = Loaded::Unchanged;
            return;
        };
        for position in positions {
            if let Err(value) = loaded.set_value(*position, self.value.value(*position)) {
                unreachable!("a field holds its own value {value:?}");
            }
        }
    }

    fn forget_loaded(&mut self) {
        self.loaded = Loaded::Nothing;
    }

    fn snapshot(&self) -> Box<dyn AnyInstance> {
        Box::new(self.clone())
    }

    fn restore(&mut self, snapshot: Box<dyn AnyInstance>) {
        if let Ok(snapshot) = (snapshot as Box<dyn Any>).downcast::<Self>() {
            *self = *snapshot;
        }
    }
}
