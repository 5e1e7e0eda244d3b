//! Values of SQLite, whose columns hold values of any type: each is read by what it is.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::{boolean, decimal, found, integer, json, uuid};
use crate::Value;
use crate::meta::FieldKind;
use crate::value::{exact, nearest};

/// How SQLite stores a value.
enum Stored {
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Stored {
    fn of(row: &SqliteRow, index: usize) -> sqlx::Result<Option<Self>> {
        fn get<'r, T: Decode<'r, Sqlite>>(row: &'r SqliteRow, index: usize) -> sqlx::Result<T> {
            row.try_get_unchecked(index)
        }
        let value = row.try_get_raw(index)?;
        if value.is_null() {
            return Ok(None);
        }
        let class = value.type_info();
        Ok(Some(match class.name() {
            "INTEGER" => Stored::Integer(get(row, index)?),
            "REAL" => Stored::Real(get(row, index)?),
            "BLOB" => Stored::Blob(get(row, index)?),
            _ => Stored::Text(get(row, index)?),
        }))
    }

    fn refused(&self) -> String {
        match self {
            Stored::Integer(number) => found("the integer", &number.to_string()),
            Stored::Real(number) => found("the number", &number.to_string()),
            Stored::Text(text) => found("the text", text),
            Stored::Blob(bytes) => format!("found a blob of {} bytes", bytes.len()),
        }
    }
}

pub(super) fn decode(row: &SqliteRow, index: usize, kind: FieldKind) -> Result<Value, String> {
    let Some(stored) = Stored::of(row, index).map_err(|error| error.to_string())? else {
        return Ok(kind.null());
    };
    match kind {
        FieldKind::I16 | FieldKind::I32 | FieldKind::I64 => {
            whole(&stored).and_then(|number| integer(number, kind))
        }
        FieldKind::Bool => match &stored {
            Stored::Text(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(Some(true))),
            Stored::Text(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(Some(false))),
            _ => whole(&stored).and_then(boolean),
        },
        FieldKind::F64 => float(&stored).map(|number| Value::Double(Some(number))),
        FieldKind::F32 => {
            let number = nearest(float(&stored)?);
            number.map(|number| Value::Float(Some(number))).ok_or_else(|| stored.refused())
        }
        FieldKind::String => match stored {
            Stored::Text(text) => Ok(Value::String(Some(text))),
            Stored::Integer(number) => Ok(Value::String(Some(number.to_string()))),
            _ => Err(stored.refused()),
        },
        FieldKind::Bytes => match stored {
            Stored::Blob(bytes) => Ok(Value::Bytes(Some(bytes))),
            Stored::Text(text) => Ok(Value::Bytes(Some(text.into_bytes()))),
            _ => Err(stored.refused()),
        },
        FieldKind::Uuid => match &stored {
            Stored::Blob(bytes) => uuid(bytes),
            Stored::Text(text) => uuid(text.as_bytes()),
            _ => Err(stored.refused()),
        },
        FieldKind::Decimal => match &stored {
            Stored::Integer(number) => Ok((*number).into()),
            Stored::Real(number) => decimal(&number.to_string()),
            Stored::Text(text) => decimal(text.trim()),
            Stored::Blob(bytes) => str::from_utf8(bytes).map_err(|_| stored.refused()).and_then(decimal),
        }
        .map(|decimal| Value::Decimal(Some(decimal))),
        FieldKind::Json => match &stored {
            // A column that is declared as JSON makes numbers of text that looks like them.
            Stored::Integer(number) => json(&number.to_string()),
            Stored::Real(number) => json(&number.to_string()),
            Stored::Text(text) => json(text),
            Stored::Blob(bytes) => str::from_utf8(bytes).map_err(|_| stored.refused()).and_then(json),
        },
        // A number may count seconds, milliseconds or days: which, nothing says.
        FieldKind::DateTime => time(row, index, &stored).map(|time| Value::ChronoDateTimeUtc(Some(time))),
        FieldKind::Date => match &stored {
            Stored::Text(text) => match NaiveDate::parse_from_str(text, "%F") {
                Ok(date) => Ok(date),
                Err(_) => time(row, index, &stored)
                    .ok()
                    .filter(|time| time.time() == NaiveTime::MIN)
                    .map(|time| time.date_naive())
                    .ok_or_else(|| stored.refused()),
            },
            _ => Err(stored.refused()),
        }
        .map(|date| Value::ChronoDate(Some(date))),
    }
}

fn time(row: &SqliteRow, index: usize, stored: &Stored) -> Result<DateTime<Utc>, String> {
    match stored {
        Stored::Text(_) => row.try_get_unchecked(index).map_err(|_| stored.refused()),
        _ => Err(stored.refused()),
    }
}

/// A whole number, in any form that loses nothing.
fn whole(stored: &Stored) -> Result<i64, String> {
    /// From here on, several integers are one float.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let number = match stored {
        Stored::Integer(number) => Some(*number),
        Stored::Real(number) => (number.fract() == 0.0 && number.abs() < EXACT_MAX).then_some(*number as i64),
        Stored::Text(text) => text.trim().parse().ok(),
        Stored::Blob(_) => None,
    };
    number.ok_or_else(|| stored.refused())
}

fn float(stored: &Stored) -> Result<f64, String> {
    let number = match stored {
        Stored::Integer(number) => exact((*number).into()),
        Stored::Real(number) => Some(*number),
        Stored::Text(text) => text.trim().parse().ok().filter(|number: &f64| !number.is_nan()),
        Stored::Blob(_) => None,
    };
    number.ok_or_else(|| stored.refused())
}
