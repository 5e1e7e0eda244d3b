//! Values of MySQL and MariaDB: of the field's own type, and of others from which nothing is lost.

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlRow;
use sqlx::{Decode, MySql, Row as _, Type, TypeInfo as _, ValueRef as _};

use super::{boolean, decimal, integer, json, uuid};
use crate::Value;
use crate::meta::FieldKind;

pub(super) fn decode(row: &MySqlRow, index: usize, kind: FieldKind) -> Result<Value, String> {
    fn get<'r, T: Decode<'r, MySql>>(row: &'r MySqlRow, index: usize) -> Result<T, String> {
        row.try_get_unchecked(index).map_err(|error| error.to_string())
    }
    let value = row.try_get_raw(index).map_err(|error| error.to_string())?;
    if value.is_null() {
        return Ok(kind.null());
    }
    let column = value.type_info();
    let name = column.name();
    let is_text = <String as Type<MySql>>::compatible(&column);
    let is_bytes = <Vec<u8> as Type<MySql>>::compatible(&column) && !is_text;
    let refused = || format!("the column is `{}`", name.to_lowercase());
    let whole = || match name {
        "TINYINT UNSIGNED" | "SMALLINT UNSIGNED" | "MEDIUMINT UNSIGNED" | "INT UNSIGNED"
        | "BIGINT UNSIGNED" | "YEAR" | "BIT" => {
            let number: u64 = get(row, index)?;
            i64::try_from(number).map_err(|_| format!("found {number}, which does not fit"))
        }
        "BOOLEAN" | "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => get(row, index),
        _ => Err(refused()),
    };
    match (kind, name) {
        (FieldKind::I16 | FieldKind::I32 | FieldKind::I64, _) if name != "BIT" => {
            whole().and_then(|number| integer(number, kind)).map_err(|reason| match reason == refused() {
                true => reason,
                false => format!("{reason}; {}", refused()),
            })
        }
        (FieldKind::Bool, _) => whole().and_then(boolean),
        (FieldKind::F32, "FLOAT") => get(row, index).map(|number| Value::Float(Some(number))),
        (FieldKind::F64, "FLOAT") => get(row, index).map(|number: f32| Value::Double(Some(number.into()))),
        (FieldKind::F64, "DOUBLE") => get(row, index).map(|number| Value::Double(Some(number))),
        // A float holds every integer of these types.
        (FieldKind::F64, _) if !name.starts_with("BIGINT") && name != "BIT" => {
            whole().map(|number| Value::Double(Some(number as f64)))
        }
        (FieldKind::F32, "TINYINT" | "TINYINT UNSIGNED" | "SMALLINT" | "SMALLINT UNSIGNED") => {
            whole().map(|number| Value::Float(Some(number as f32)))
        }
        (FieldKind::String, _) if is_text => get(row, index).map(|text| Value::String(Some(text))),
        (FieldKind::Bytes, _) if is_bytes => get(row, index).map(|bytes| Value::Bytes(Some(bytes))),
        (FieldKind::Uuid, _) if is_text || is_bytes => uuid(get(row, index)?),
        (FieldKind::DateTime, "DATETIME" | "TIMESTAMP") => {
            // The driver's connections are set to UTC.
            let time: DateTime<Utc> = get(row, index)?;
            Ok(Value::ChronoDateTimeUtc(Some(time)))
        }
        (FieldKind::Date, "DATE") => get(row, index).map(|date| Value::ChronoDate(Some(date))),
        // A column has one number of decimals for all rows; what is more than the value needs is not part of it.
        (FieldKind::Decimal, "DECIMAL") => {
            decimal(get(row, index)?).map(|decimal| Value::Decimal(Some(decimal.normalize())))
        }
        (FieldKind::Decimal, _) if name != "BIT" => whole().map(|number| Value::Decimal(Some(number.into()))),
        (FieldKind::Json, "JSON") => json(get(row, index)?),
        (FieldKind::Json, _) if is_text => json(get(row, index)?),
        _ => Err(refused()),
    }
}
