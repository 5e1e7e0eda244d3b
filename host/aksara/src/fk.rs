//! Foreign keys: the key of a row of another model.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::FieldType;
use crate::meta::FieldKind;
use crate::{Db, Error, Instance, Model, Value};

/// A field that points to a row of `M` by its key. `Option<Fk<M>>` may point nowhere.
///
/// The column is the field's name with `_id` behind it, unless `#[field(column = "..")]` names another.
pub struct Fk<M: Model> {
    key: M::Key,
}

/// A foreign key that no two rows share: each row of `M` is pointed to by one row at most.
pub type OneToOne<M> = Fk<M>;

impl<M: Model> Fk<M> {
    /// A foreign key with this key.
    pub fn new(key: impl Into<M::Key>) -> Self {
        Fk { key: key.into() }
    }

    /// The key it holds.
    pub fn key(&self) -> &M::Key {
        &self.key
    }

    /// Reads the row that it points to.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such row, and what any query can fail with.
    pub async fn get(&self, db: &Db) -> Result<Instance<M>, Error> {
        M::objects(db).get(self.key.clone()).await
    }
}

/// Follows a foreign key that may be null: `flight.plane.get(&db)`.
#[expect(async_fn_in_trait, reason = "sealed to Option<Fk<M>>, whose future is Send")]
pub trait NullableFk<M: Model> {
    /// Reads the row that it points to; `None` when it points nowhere.
    ///
    /// # Errors
    /// As [`Fk::get`].
    async fn get(&self, db: &Db) -> Result<Option<Instance<M>>, Error>;
}

impl<M: Model> NullableFk<M> for Option<Fk<M>> {
    async fn get(&self, db: &Db) -> Result<Option<Instance<M>>, Error> {
        match self {
            Some(fk) => fk.get(db).await.map(Some),
            None => Ok(None),
        }
    }
}

impl<M: Model> From<&Instance<M>> for Fk<M> {
    fn from(instance: &Instance<M>) -> Self {
        Fk { key: instance.key().clone() }
    }
}

impl<M: Model> FieldType for Fk<M> {
    type Base = M::Key;
    const KIND: FieldKind = M::Key::KIND;

    fn to_value(&self) -> Value {
        self.key.to_value()
    }

    fn from_value(value: Value) -> Result<Self, Value> {
        M::Key::from_value(value).map(|key| Fk { key })
    }
}

impl<M: Model> Default for Fk<M> {
    fn default() -> Self {
        Fk { key: M::Key::default() }
    }
}

impl<M: Model> Clone for Fk<M> {
    fn clone(&self) -> Self {
        Fk { key: self.key.clone() }
    }
}

impl<M: Model<Key: Copy>> Copy for Fk<M> {}

impl<M: Model<Key: PartialEq>> PartialEq for Fk<M> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<M: Model<Key: Eq>> Eq for Fk<M> {}

impl<M: Model<Key: fmt::Debug>> fmt::Debug for Fk<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fk({:?})", self.key)
    }
}

impl<M: Model<Key: Serialize>> Serialize for Fk<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.key.serialize(serializer)
    }
}

impl<'de, M: Model<Key: Deserialize<'de>>> Deserialize<'de> for Fk<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::Key::deserialize(deserializer).map(|key| Fk { key })
    }
}
