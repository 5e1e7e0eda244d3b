//! The trait that `derive(Model)` implements.

use crate::field::KeyType;
use crate::meta::ModelMeta;
use crate::row::Row;
use crate::{Db, Error, Instance, Query, Value};

/// A struct that is stored as a row of a table.
///
/// Derive it: `#[derive(Model, Clone)]`. The derive also implements `Default` (with the fields' defaults) and gives
/// the struct one constant per field (`Post::title`), the typed column that queries are written with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a model",
    label = "not a model",
    note = "add `#[derive(Model, Clone)]` to the struct"
)]
pub trait Model: Clone + Default + Send + Sync + 'static {
    /// The type of the primary key.
    type Key: KeyType;

    /// The model as data.
    fn meta() -> &'static ModelMeta;

    /// The primary key.
    fn key(&self) -> &Self::Key;

    /// The value of the field at this position of [`ModelMeta::fields`].
    ///
    /// # Panics
    /// When there is no field at this position.
    fn value(&self, index: usize) -> Value;

    /// Sets the field at this position.
    ///
    /// # Errors
    /// The value itself, when the field cannot hold it.
    ///
    /// # Panics
    /// When there is no field at this position.
    fn set_value(&mut self, index: usize, value: Value) -> Result<(), Value>;

    /// Reads the struct from a row with all its columns in order.
    ///
    /// # Errors
    /// [`Error::Decode`] when a column holds something else than its field.
    fn from_row(row: &Row) -> Result<Self, Error>;

    /// The rows of this model in a database: where queries start.
    fn objects(db: &Db) -> Query<Self> {
        Query::new(db)
    }

    /// The value as a new instance, which `save` will insert.
    fn instance(self) -> Instance<Self> {
        Instance::new(self)
    }
}
