//! One row of a result, decoded by what the model says of its fields, not by what the database says of its columns.

use std::sync::Arc;

#[cfg(feature = "postgres")]
use chrono::DateTime;
use sqlx::Row as _;

use crate::driver::whichever;
use crate::field::FieldType;
use crate::meta::{FieldKind, FieldMeta, ModelMeta};
use crate::{Error, Value};

/// A row from the database.
#[derive(Debug)]
pub struct Row {
    columns: Columns,
    /// Position of the first column that is read.
    first: usize,
    /// Positions of the columns, where they are not in the order of the fields.
    order: Option<Arc<[usize]>>,
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
        T::from_value(value)
            .map_err(|value| self.mismatch(self.position(index), T::KIND, format!("found {value:?}")))
    }

    /// Finds the columns of a model by their names.
    ///
    /// # Errors
    /// [`Error::Decode`] when one is not there.
    pub(crate) fn arrange(rows: &mut [Row], meta: &'static ModelMeta) -> Result<(), Error> {
        use sqlx::Column as _;
        let Some(first) = rows.first() else { return Ok(()) };
        let position = |field: &FieldMeta| {
            let position = whichever!(Columns, &first.columns, row => {
                row.columns().iter().position(|column| column.name() == field.name)
            });
            position.ok_or_else(|| {
                let reason = format!("the query does not return the column `{}`", field.name);
                Error::Decode {
                    column: format!("{}.{}", meta.table, field.name),
                    expected: field.kind.words(),
                    reason,
                }
            })
        };
        let order: Arc<[usize]> = meta.fields.iter().map(position).collect::<Result<_, _>>()?;
        rows.iter_mut().for_each(|row| row.order = Some(order.clone()));
        Ok(())
    }

    fn position(&self, index: usize) -> usize {
        self.order.as_ref().map_or(self.first + index, |order| order[index])
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
        let index = self.position(index);
        let value = match &self.columns {
            #[cfg(feature = "sqlite")]
            Columns::Sqlite(row) => sqlite(row, index, kind),
            #[cfg(feature = "postgres")]
            Columns::Postgres(row) => match postgres_overflow(row, index, kind) {
                Some(error) => Err(error),
                None => native!(row, index, kind),
            },
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

/// Times of PostgreSQL that chrono cannot hold, on which the driver's decoder would panic: `infinity`, and years that are
/// far out. Both types count from the year 2000.
#[cfg(feature = "postgres")]
fn postgres_overflow(row: &sqlx::postgres::PgRow, index: usize, kind: FieldKind) -> Option<sqlx::Error> {
    if !matches!(kind, FieldKind::DateTime | FieldKind::Date) {
        return None;
    }
    let value = row.try_get_raw(index).ok()?;
    let bytes = value.as_bytes().ok()?;
    let since = |seconds: i64| DateTime::from_timestamp(seconds.checked_add(946_684_800)?, 0);
    let (found, fits) = match (kind, bytes) {
        (FieldKind::DateTime, bytes) if bytes.len() == 8 => {
            let micros = i64::from_be_bytes(bytes.try_into().ok()?);
            // A microsecond more, so that a fraction fits too.
            let fits =
                since(micros.div_euclid(1_000_000)).and(since(micros.div_euclid(1_000_000) + 1)).is_some();
            (micros, fits)
        }
        (FieldKind::Date, bytes) if bytes.len() == 4 => {
            let days = i64::from(i32::from_be_bytes(bytes.try_into().ok()?));
            (days, since(days * 86_400).is_some())
        }
        _ => return None,
    };
    if fits {
        return None;
    }
    let shown = match found {
        i64::MAX | 2_147_483_647 => "`infinity`",
        i64::MIN | -2_147_483_648 => "`-infinity`",
        _ => "a time that is too far out",
    };
    Some(sqlx::Error::Decode(format!("found {shown}").into()))
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
        Row { columns: Columns::Sqlite(row), first: 0, order: None }
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::postgres::PgRow> for Row {
    fn from(row: sqlx::postgres::PgRow) -> Self {
        Row { columns: Columns::Postgres(row), first: 0, order: None }
    }
}

#[cfg(feature = "mysql")]
impl From<sqlx::mysql::MySqlRow> for Row {
    fn from(row: sqlx::mysql::MySqlRow) -> Self {
        Row { columns: Columns::MySql(row), first: 0, order: None }
    }
}
