//! Values of PostgreSQL: of the field's own type, and of others that hold nothing that the field could not.

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::{PgRow, PgTypeKind};
use sqlx::{Decode, Postgres, Row as _, TypeInfo as _, ValueRef as _};

use super::{integer, uuid};
use crate::Value;
use crate::meta::FieldKind;

pub(super) fn decode(row: &PgRow, index: usize, kind: FieldKind) -> Result<Value, String> {
    fn get<'r, T: Decode<'r, Postgres>>(row: &'r PgRow, index: usize) -> Result<T, String> {
        row.try_get_unchecked(index).map_err(|error| error.to_string())
    }
    let value = row.try_get_raw(index).map_err(|error| error.to_string())?;
    if value.is_null() {
        return Ok(kind.null());
    }
    let column = value.type_info();
    let column = match column.kind() {
        PgTypeKind::Domain(base) => base,
        _ => &*column,
    };
    let name = column.name();
    let is_text = matches!(name, "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN")
        || name.eq_ignore_ascii_case("citext")
        || matches!(column.kind(), PgTypeKind::Enum(_));
    match (kind, name) {
        (FieldKind::I16, "INT2")
        | (FieldKind::I32, "INT2" | "INT4")
        | (FieldKind::I64, "INT2" | "INT4" | "INT8") => integer(get(row, index)?, kind),
        (FieldKind::F32, "FLOAT4") => get(row, index).map(|number| Value::Float(Some(number))),
        (FieldKind::F64, "FLOAT4") => get(row, index).map(|number: f32| Value::Double(Some(number.into()))),
        (FieldKind::F64, "FLOAT8") => get(row, index).map(|number| Value::Double(Some(number))),
        (FieldKind::F32, "INT2") => get(row, index).map(|number: i16| Value::Float(Some(number.into()))),
        (FieldKind::F64, "INT2" | "INT4") => {
            get(row, index).map(|number: i32| Value::Double(Some(number.into())))
        }
        (FieldKind::Bool, "BOOL") => get(row, index).map(|flag| Value::Bool(Some(flag))),
        (FieldKind::String, _) if is_text => get(row, index).map(|text| Value::String(Some(text))),
        (FieldKind::Uuid, "UUID") => get(row, index).map(|id| Value::Uuid(Some(id))),
        (FieldKind::Uuid, _) if is_text => uuid(get::<String>(row, index)?.as_bytes()),
        (FieldKind::Uuid, "BYTEA") => uuid(&get::<Vec<u8>>(row, index)?),
        (FieldKind::DateTime, "TIMESTAMPTZ" | "TIMESTAMP") => {
            check_time(get(row, index)?)?;
            let time = match name {
                "TIMESTAMP" => get::<NaiveDateTime>(row, index)?.and_utc(),
                _ => get::<DateTime<Utc>>(row, index)?,
            };
            Ok(Value::ChronoDateTimeUtc(Some(time)))
        }
        (FieldKind::Date, "DATE") => {
            check_date(get(row, index)?)?;
            get(row, index).map(|date| Value::ChronoDate(Some(date)))
        }
        (FieldKind::Bytes, "BYTEA") => get(row, index).map(|bytes| Value::Bytes(Some(bytes))),
        (FieldKind::Decimal, "INT2" | "INT4" | "INT8") => {
            get(row, index).map(|number: i64| Value::Decimal(Some(number.into())))
        }
        (FieldKind::Decimal, "NUMERIC") => {
            let bytes = value.as_bytes().map_err(|error| error.to_string())?;
            numeric(bytes).map(|decimal| Value::Decimal(Some(decimal)))
        }
        (FieldKind::Json, "JSON" | "JSONB") => get(row, index).map(|json| Value::Json(Some(Box::new(json)))),
        _ => Err(format!("the column is `{}`", name.to_lowercase())),
    }
}

/// Both types of time count from the year 2000.
const EPOCH: i64 = 946_684_800;

fn since_epoch(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.checked_add(EPOCH)?, 0)
}

/// Refuses what chrono cannot hold, on which the driver's decoder would panic: `infinity`, and years that are far out.
fn check_time(micros: i64) -> Result<(), String> {
    let seconds = micros.div_euclid(1_000_000);
    // A second more, so that a fraction fits too.
    since_epoch(seconds)
        .and(since_epoch(seconds + 1))
        .map(drop)
        .ok_or_else(|| too_far(micros, i64::MAX, i64::MIN))
}

fn check_date(days: i32) -> Result<(), String> {
    let fits = since_epoch(i64::from(days) * 86_400).map(drop);
    fits.ok_or_else(|| too_far(days.into(), i32::MAX.into(), i32::MIN.into()))
}

fn too_far(found: i64, infinity: i64, minus_infinity: i64) -> String {
    let shown = match found {
        found if found == infinity => "`infinity`",
        found if found == minus_infinity => "`-infinity`",
        _ => "a time that is too far out",
    };
    format!("found {shown}")
}

/// A number with all its digits, which the driver would round.
fn numeric(bytes: &[u8]) -> Result<Decimal, String> {
    const TOO_LONG: &str = "found a number of more digits than a decimal holds";
    let mut words = bytes.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let mut next = || words.next().ok_or("found a number that is cut off");
    let (_, weight, sign, shown) = (next()?, next()?.cast_signed(), next()?, u32::from(next()?));
    match sign {
        0xC000 => return Err("found `NaN`".to_owned()),
        0xD000 | 0xF000 => return Err("found `infinity`".to_owned()),
        _ => {}
    }
    // Digits to the base of 10,000, of which the first counts 10,000 to the power of the weight.
    let (mut mantissa, mut groups) = (0_i128, 0);
    for digit in words {
        mantissa =
            mantissa.checked_mul(10_000).and_then(|all| all.checked_add(digit.into())).ok_or(TOO_LONG)?;
        groups += 1;
    }
    let mut scale = 4 * (groups - 1 - i32::from(weight));
    if groups == 0 {
        scale = 0;
    }
    while scale < 0 {
        mantissa = mantissa.checked_mul(10).ok_or(TOO_LONG)?;
        scale += 1;
    }
    let mut scale = scale.unsigned_abs();
    let holds = |mantissa: i128, scale: u32| Decimal::try_from_i128_with_scale(mantissa, scale).ok();
    // Zeros at the end are shown as far as there is room.
    while scale > shown || (scale > 0 && holds(mantissa, scale).is_none()) {
        if mantissa % 10 != 0 {
            return Err(TOO_LONG.to_owned());
        }
        (mantissa, scale) = (mantissa / 10, scale - 1);
    }
    let mut decimal = holds(mantissa, scale).ok_or(TOO_LONG)?;
    if shown > scale {
        decimal.rescale(shown.min(Decimal::MAX_SCALE));
    }
    decimal.set_sign_negative(sign != 0 && mantissa != 0);
    Ok(decimal)
}
