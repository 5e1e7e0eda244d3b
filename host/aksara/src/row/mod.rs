//! One row of a result, decoded by what the model says of its fields, not by what the database says of its columns.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use sqlx::Row as _;
use uuid::Uuid;

use crate::driver::whichever;
use crate::field::FieldType;
use crate::meta::{FieldKind, FieldMeta, ModelMeta};
use crate::{Error, Value};

/// A row from the database.
#[derive(Debug)]
pub struct Row {
    columns: Columns,
    /// The model that it is read as, where that is known.
    meta: Option<&'static ModelMeta>,
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

impl Row {
    /// The field at this position.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else.
    pub fn get<T: FieldType>(&self, index: usize) -> Result<T, Error> {
        let value = self.value(index, T::KIND)?;
        T::from_value(value)
            .map_err(|_| self.mismatch(self.position(index), T::KIND, "found null".to_owned()))
    }

    /// Finds the columns of a model by their names.
    ///
    /// # Errors
    /// [`Error::Decode`] when one is not there.
    pub(crate) fn arrange(rows: &mut [Row], meta: &'static ModelMeta) -> Result<(), Error> {
        let Some(first) = rows.first() else { return Ok(()) };
        let position = |field: &FieldMeta| {
            first.named(field.name).ok_or_else(|| Error::Decode {
                table: meta.table.to_owned(),
                key: None,
                column: field.name.to_owned(),
                expected: field.kind.words(),
                reason: "the query does not return this column".to_owned(),
            })
        };
        let order: Arc<[usize]> = meta.fields.iter().map(position).collect::<Result<_, _>>()?;
        rows.iter_mut().for_each(|row| row.order = Some(order.clone()));
        Ok(())
    }

    fn position(&self, index: usize) -> usize {
        self.order.as_ref().map_or(self.first + index, |order| order[index])
    }

    /// The key of the row as it is stored, to go on behind it: another program may store a UUID as text.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else than a key.
    pub(crate) fn cursor(&self, meta: &ModelMeta) -> Result<Value, Error> {
        let key = self.value(meta.key, meta.key_field().kind)?;
        let Value::Uuid(Some(id)) = key else { return Ok(key) };
        let text = self.read(self.position(meta.key), FieldKind::String);
        Ok(match self.columns {
            #[cfg(feature = "postgres")]
            Columns::Postgres(_) => text.unwrap_or_else(|_| id.into()),
            #[cfg(any(feature = "sqlite", feature = "mysql"))]
            _ => text.unwrap_or_else(|_| id.into_bytes().to_vec().into()),
        })
    }

    /// The row of this model.
    pub(crate) fn of(mut self, meta: &'static ModelMeta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Goes on to the columns of another model, which are behind those of this one.
    pub(crate) fn go_on_to(&mut self, meta: &'static ModelMeta) {
        self.first += self.meta.replace(meta).map_or(0, |before| before.fields.len());
    }

    /// Position of the first column with this name.
    fn named(&self, name: &str) -> Option<usize> {
        use sqlx::Column as _;
        let position = whichever!(Columns, &self.columns, row => {
            row.columns().iter().skip(self.first).position(|column| column.name() == name)
        });
        position.map(|position| self.first + position)
    }

    /// The value at this position, read as this kind.
    ///
    /// # Errors
    /// [`Error::Decode`] when the column holds something else.
    pub(crate) fn value(&self, index: usize, kind: FieldKind) -> Result<Value, Error> {
        let index = self.position(index);
        self.read(index, kind).map_err(|reason| self.mismatch(index, kind, reason))
    }

    /// The value of the column at this position of the result.
    fn read(&self, index: usize, kind: FieldKind) -> Result<Value, String> {
        match &self.columns {
            #[cfg(feature = "sqlite")]
            Columns::Sqlite(row) => sqlite::decode(row, index, kind),
            #[cfg(feature = "postgres")]
            Columns::Postgres(row) => postgres::decode(row, index, kind),
            #[cfg(feature = "mysql")]
            Columns::MySql(row) => mysql::decode(row, index, kind),
        }
    }

    fn mismatch(&self, index: usize, kind: FieldKind, reason: String) -> Error {
        use sqlx::Column as _;
        let name = whichever!(Columns, &self.columns, row => row.columns().get(index).map(|column| column.name().to_owned()));
        // What was computed is called as its SQL is written.
        let column = name.map_or_else(|| index.to_string(), |name| cut(&name, 60));
        let table = self.meta.map(|meta| meta.table.to_owned()).unwrap_or_default();
        Error::Decode { table, key: self.key(index), column, expected: kind.words(), reason }
    }

    /// The key in words, where it is another column of the row.
    fn key(&self, but: usize) -> Option<String> {
        let field = self.meta?.key_field();
        let index = self.named(field.name).filter(|index| *index != but)?;
        let key = self.read(index, field.kind).ok().filter(|key| *key != field.kind.null())?;
        Some(field.named(&key))
    }
}

#[cfg(feature = "sqlite")]
impl From<sqlx::sqlite::SqliteRow> for Row {
    fn from(row: sqlx::sqlite::SqliteRow) -> Self {
        Row { columns: Columns::Sqlite(row), meta: None, first: 0, order: None }
    }
}

#[cfg(feature = "postgres")]
impl From<sqlx::postgres::PgRow> for Row {
    fn from(row: sqlx::postgres::PgRow) -> Self {
        Row { columns: Columns::Postgres(row), meta: None, first: 0, order: None }
    }
}

#[cfg(feature = "mysql")]
impl From<sqlx::mysql::MySqlRow> for Row {
    fn from(row: sqlx::mysql::MySqlRow) -> Self {
        Row { columns: Columns::MySql(row), meta: None, first: 0, order: None }
    }
}

/// Says what was found, where it is not what the field needs. Long text is cut.
fn found(what: &str, text: &str) -> String {
    format!("found {what} `{}`", cut(text, 40))
}

fn cut(text: &str, characters_max: usize) -> String {
    let shown: String = text.chars().take(characters_max).collect();
    if shown.len() < text.len() { shown + ".." } else { shown }
}

/// An integer, where it fits into the field.
fn integer(number: i64, kind: FieldKind) -> Result<Value, String> {
    let value = match kind {
        FieldKind::I16 => i16::try_from(number).ok().map(|number| Value::SmallInt(Some(number))),
        FieldKind::I32 => i32::try_from(number).ok().map(|number| Value::Int(Some(number))),
        _ => Some(Value::BigInt(Some(number))),
    };
    value.ok_or_else(|| format!("found {number}, which does not fit"))
}

/// A boolean that is stored as a number.
#[cfg(any(feature = "sqlite", feature = "mysql"))]
fn boolean(number: i64) -> Result<Value, String> {
    match number {
        0 | 1 => Ok(Value::Bool(Some(number == 1))),
        _ => Err(format!("found {number}, which is neither 0 nor 1")),
    }
}

/// A UUID of 16 bytes, or in any of its textual forms.
fn uuid(bytes: &[u8]) -> Result<Value, String> {
    let uuid = Uuid::from_slice(bytes).or_else(|_| Uuid::try_parse_ascii(bytes.trim_ascii()));
    uuid.map(|uuid| Value::Uuid(Some(uuid))).map_err(|_| match str::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => found("the text", text),
        _ => format!("found {} bytes", bytes.len()),
    })
}

/// A decimal in text.
#[cfg(any(feature = "sqlite", feature = "mysql"))]
fn decimal(text: &str) -> Result<rust_decimal::Decimal, String> {
    crate::decimal::parse(text).ok_or_else(|| found("the number", text))
}

#[cfg(any(feature = "sqlite", feature = "mysql"))]
fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map(|json| Value::Json(Some(Box::new(json))))
        .map_err(|error| error.to_string())
}
