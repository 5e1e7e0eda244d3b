//! One row of a result, decoded by what the model says of its fields, not by what the database says of its columns.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::field::FieldType;
use crate::meta::FieldKind;
use crate::{Error, Value};

/// A row from the database.
#[derive(Debug)]
pub struct Row(pub(crate) SqliteRow);

impl Row {
    /// The field at this position.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else.
    pub fn get<T: FieldType>(&self, index: usize) -> Result<T, Error> {
        let value = self.value(index, T::KIND)?;
        T::from_value(value).map_err(|value| self.mismatch(index, T::KIND, format!("found {value:?}")))
    }

    /// The value at this position, read as this kind.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else.
    pub(crate) fn value(&self, index: usize, kind: FieldKind) -> Result<Value, Error> {
        let row = &self.0;
        let value = match kind {
            FieldKind::I16 => row.try_get_unchecked(index).map(Value::SmallInt),
            FieldKind::I32 => row.try_get_unchecked(index).map(Value::Int),
            FieldKind::I64 => row.try_get_unchecked(index).map(Value::BigInt),
            FieldKind::F32 => row.try_get_unchecked(index).map(Value::Float),
            FieldKind::F64 => row.try_get_unchecked(index).map(Value::Double),
            FieldKind::Bool => row.try_get_unchecked(index).map(Value::Bool),
            FieldKind::String => row.try_get_unchecked(index).map(Value::String),
            FieldKind::Uuid => row.try_get_unchecked(index).map(Value::Uuid),
            FieldKind::DateTime => row.try_get_unchecked(index).map(Value::ChronoDateTimeUtc),
            FieldKind::Date => row.try_get_unchecked(index).map(Value::ChronoDate),
            FieldKind::Bytes => row.try_get_unchecked(index).map(Value::Bytes),
            FieldKind::Decimal => {
                return self.parsed(index, kind, |text| text.parse().map(Some).map(Value::Decimal));
            }
            FieldKind::Json => {
                return self
                    .parsed(index, kind, |text| serde_json::from_str(text).map(Some).map(Value::Json));
            }
        };
        value.map_err(|error| self.mismatch(index, kind, error.to_string()))
    }

    /// A kind that SQLite stores as text.
    fn parsed<E: std::fmt::Display>(
        &self,
        index: usize,
        kind: FieldKind,
        parse: impl FnOnce(&str) -> Result<Value, E>,
    ) -> Result<Value, Error> {
        let text: Option<String> =
            self.0.try_get_unchecked(index).map_err(|error| self.mismatch(index, kind, error.to_string()))?;
        let Some(text) = text else { return Ok(kind.null()) };
        parse(&text).map_err(|error| self.mismatch(index, kind, error.to_string()))
    }

    fn mismatch(&self, index: usize, kind: FieldKind, reason: String) -> Error {
        use sqlx::Column as _;
        let column =
            self.0.columns().get(index).map_or_else(|| index.to_string(), |column| column.name().to_owned());
        Error::Decode { column, expected: kind.words(), reason }
    }
}
