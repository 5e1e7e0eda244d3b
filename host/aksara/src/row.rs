//! One row of a result, decoded by what the model says of its fields, not by what the database says of its columns.

use sqlx::Row as _;

use crate::driver::whichever;
use crate::field::FieldType;
use crate::meta::FieldKind;
use crate::{Error, Value};

/// A row from the database.
#[derive(Debug)]
pub struct Row {
    columns: Columns,
    /// Position of the first column that is read.
    first: usize,
}

#[derive(Debug)]
enum Columns {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::sqlite::SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
    #[cfg(feature = "mysql")]
    MySql(sqlx::mysql::MySqlRow),
}

/// A field of a database whose columns have the types of the fields.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! native {
    ($row:expr, $index:expr, $kind:expr) => {
        match $kind {
            FieldKind::I16 => $row.try_get($index).map(Value::SmallInt),
            FieldKind::I32 => $row.try_get($index).map(Value::Int),
            FieldKind::I64 => $row.try_get($index).map(Value::BigInt),
            FieldKind::F32 => $row.try_get($index).map(Value::Float),
            FieldKind::F64 => $row.try_get($index).map(Value::Double),
            FieldKind::Bool => $row.try_get($index).map(Value::Bool),
            FieldKind::String => $row.try_get($index).map(Value::String),
            FieldKind::Uuid => $row.try_get($index).map(Value::Uuid),
            FieldKind::DateTime => $row.try_get($index).map(Value::ChronoDateTimeUtc),
            FieldKind::Date => $row.try_get($index).map(Value::ChronoDate),
            FieldKind::Bytes => $row.try_get($index).map(Value::Bytes),
            FieldKind::Decimal => $row.try_get($index).map(Value::Decimal),
            FieldKind::Json => {
                $row.try_get($index).map(|json: Option<serde_json::Value>| Value::Json(json.map(Box::new)))
            }
        }
    };
}
impl Row {
    /// The field at this position.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else.
    pub fn get<T: FieldType>(&self, index: usize) -> Result<T, Error> {
        let value = self.value(index, T::KIND)?;
        T::from_value(value).map_err(|value| self.mismatch(index, T::KIND, format!("found {value:?}")))
    }

    /// Reads from so many columns further on.
    pub(crate) fn skip(&mut self, columns: usize) {
        self.first += columns;
    }

    /// The value at this position, read as this kind.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else.
    pub(crate) fn value(&self, index: usize, kind: FieldKind) -> Result<Value, Error> {
        let index = self.first + index;
        let value = match &self.columns {
            #[cfg(feature = "sqlite")]
            Columns::Sqlite(row) => sqlite(row, index, kind),
            #[cfg(feature = "postgres")]
            Columns::Postgres(row) => native!(row, index, kind),
            #[cfg(feature = "mysql")]
            Columns::MySql(row) => match native!(row, index, kind) {
                // A column has one number of decimals for all rows; what is more than the value needs is not part of it.
                Ok(Value::Decimal(Some(decimal))) => Ok(Value::Decimal(Some(decimal.normalize()))),
                other => other,
            },
        };
        value.map_err(|error| self.mismatch(index, kind, error.to_string()))
    }

    fn mismatch(&self, index: usize, kind: FieldKind, reason: String) -> Error {
        use sqlx::Column as _;
        let name = whichever!(Columns, &self.columns, row => row.columns().get(index).map(|column| column.name().to_owned()));
        let column = name.unwrap_or_else(|| index.to_string());
        Error::Decode { column, expected: kind.words(), reason }
    }
}

/// SQLite has no types for columns, and none for decimals and JSON at all.
#[cfg(feature = "sqlite")]
fn sqlite(row: &sqlx::sqlite::SqliteRow, index: usize, kind: FieldKind) -> sqlx::Result<Value> {
    use sqlx::{TypeInfo as _, ValueRef as _};
    fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        row: &sqlx::sqlite::SqliteRow,
        index: usize,
    ) -> sqlx::Result<Option<T>> {
        let text: Option<String> = row.try_get_unchecked(index)?;
        text.map(|text| text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))).transpose()
    }
    // SQLite would read any text as a number, most as 0.
    let number =
        matches!(kind, FieldKind::I16 | FieldKind::I32 | FieldKind::I64 | FieldKind::Bool) || kind.is_float();
    if number && row.try_get_raw(index)?.type_info().name() == "TEXT" {
        return Err(sqlx::Error::Decode("found text".into()));
    }
    match kind {
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
        FieldKind::Decimal => parsed(row, index).map(Value::Decimal),
        FieldKind::Json => {
            parsed(row, index).map(|json: Option<serde_json::Value>| Value::Json(json.map(Box::new)))
        }
    }
}

#[cfg(feature = "sqlite")]
impl From<sqlx::sqlite::SqliteRow> for Row {
    fn from(row: sqlx::sqlite::SqliteRow) -> Self {
        Row { columns: Columns::Sqlite(row), first: 0 }
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::postgres::PgRow> for Row {
    fn from(row: sqlx::postgres::PgRow) -> Self {
        Row { columns: Columns::Postgres(row), first: 0 }
    }
}

#[cfg(feature = "mysql")]
impl From<sqlx::mysql::MySqlRow> for Row {
    fn from(row: sqlx::mysql::MySqlRow) -> Self {
        Row { columns: Columns::MySql(row), first: 0 }
    }
}
