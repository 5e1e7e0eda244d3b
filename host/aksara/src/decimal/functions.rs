//! The functions of SQL with which statements of ours compute, compare and sum up decimals exactly on SQLite.

use std::panic::{RefUnwindSafe, UnwindSafe};

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Connection, Error, Result};
use rust_decimal::Decimal;
use sqlx::SqliteConnection;

use super::{ADD, AVG, DIV, KEY, MAX, MIN, MUL, REM, SUB, SUM, key, parse, stored};
use crate::{Value, overflow};

/// Adds the functions to a connection.
///
/// # Errors
/// When SQLite refuses one.
pub(crate) async fn register(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut locked = connection.lock_handle().await?;
    let handle = locked.as_raw_handle();
    // SAFETY: the handle is open and locked as long as `locked` lives, which is longer than the borrowing connection; that one
    // neither closes it nor keeps anything of it.
    #[expect(unsafe_code, reason = "sqlx has no safe way to add a function")]
    let borrowed = unsafe { Connection::from_handle(handle.as_ptr()) };
    borrowed.and_then(|borrowed| add_all(&borrowed)).map_err(|error| sqlx::Error::Configuration(error.into()))
}

fn add_all(connection: &Connection) -> Result<()> {
    // No schema may use them: the file is to work without.
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    // What is not a decimal has no place among them.
    connection.create_scalar_function(KEY, 1, flags, |context| {
        Ok(decimal(context.get_raw(0)).ok().flatten().map(key))
    })?;
    let operators: [(&str, Operator); 5] = [
        (ADD, Decimal::checked_add),
        (SUB, Decimal::checked_sub),
        (MUL, Decimal::checked_mul),
        (DIV, Decimal::checked_div),
        (REM, Decimal::checked_rem),
    ];
    for (name, compute) in operators {
        connection.create_scalar_function(name, 2, flags, move |context| {
            let (Some(left), Some(right)) = (decimal(context.get_raw(0))?, decimal(context.get_raw(1))?)
            else {
                return Ok(Stored::Null);
            };
            if [DIV, REM].contains(&name) && right.is_zero() {
                return Ok(Stored::Null);
            }
            compute(left, right).map(to_sql).ok_or_else(too_large)
        })?;
    }
    overflow::add_all(connection, flags)?;
    connection.create_aggregate_function(SUM, 1, flags, Folded(Total::add, Total::sum))?;
    connection.create_aggregate_function(AVG, 1, flags, Folded(Total::add, Total::mean))?;
    let extreme = |keep: fn(Decimal, Decimal) -> Decimal| {
        Folded(
            move |least: &mut Option<Decimal>, one| {
                *least = Some(least.map_or(one, |least| keep(least, one)))
            },
            |least: Option<Decimal>| Ok(least.map_or(Stored::Null, to_sql)),
        )
    };
    connection.create_aggregate_function(MIN, 1, flags, extreme(Ord::min))?;
    connection.create_aggregate_function(MAX, 1, flags, extreme(Ord::max))
}

/// What is computed of two decimals, where a decimal can hold it.
type Operator = fn(Decimal, Decimal) -> Option<Decimal>;

fn too_large() -> Error {
    Error::UserFunctionError("the result is larger than a decimal can be".into())
}

/// A value in any form in which a decimal may be stored.
fn decimal(value: ValueRef<'_>) -> Result<Option<Decimal>> {
    let decimal = match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(integer) => Some(integer.into()),
        ValueRef::Real(float) => parse(&float.to_string()),
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            str::from_utf8(text).ok().and_then(|text| parse(text.trim()))
        }
    };
    let refused = || Error::UserFunctionError("a value is not a decimal, or has more digits than one".into());
    decimal.map(Some).ok_or_else(refused)
}

fn to_sql(decimal: Decimal) -> Stored {
    match stored(decimal) {
        Value::BigInt(Some(integer)) => Stored::Integer(integer),
        Value::Double(Some(float)) => Stored::Real(float),
        Value::Bytes(Some(text)) => Stored::Blob(text),
        other => unreachable!("a decimal is stored as a number or as bytes, not as {other:?}"),
    }
}

/// What is made of the decimals of all rows: how one is added, and what becomes of them. Nulls do not count.
struct Folded<S, E>(S, E);

impl<A, S, E> Aggregate<A, Stored> for Folded<S, E>
where
    A: Default + RefUnwindSafe + UnwindSafe,
    S: Fn(&mut A, Decimal),
    E: Fn(A) -> Result<Stored>,
{
    fn init(&self, _: &mut Context<'_>) -> Result<A> {
        Ok(A::default())
    }

    fn step(&self, context: &mut Context<'_>, all: &mut A) -> Result<()> {
        if let Some(one) = decimal(context.get_raw(0))? {
            (self.0)(all, one);
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, all: Option<A>) -> Result<Stored> {
        (self.1)(all.unwrap_or_default())
    }
}

/// A sum that holds every digit, in any order of the rows.
#[derive(Default)]
struct Total {
    count: u32,
    whole: i128,
    /// Behind the point, in units of the smallest decimal.
    fraction: i128,
}

impl Total {
    fn add(&mut self, one: Decimal) {
        let unit = 10_i128.pow(one.scale());
        self.count += 1;
        self.whole += one.mantissa() / unit;
        self.fraction += one.mantissa() % unit * 10_i128.pow(Decimal::MAX_SCALE - one.scale());
    }

    /// The sum, rounded where a decimal does not hold its digits.
    fn decimal(&self) -> Option<Decimal> {
        let unit = 10_i128.pow(Decimal::MAX_SCALE);
        let whole = Decimal::try_from_i128_with_scale(self.whole + self.fraction / unit, 0).ok()?;
        let fraction = Decimal::try_from_i128_with_scale(self.fraction % unit, Decimal::MAX_SCALE).ok()?;
        whole.checked_add(fraction)
    }

    fn sum(self) -> Result<Stored> {
        match self.count {
            0 => Ok(Stored::Null),
            _ => self.decimal().map(to_sql).ok_or_else(too_large),
        }
    }

    fn mean(self) -> Result<Stored> {
        if self.count == 0 {
            return Ok(Stored::Null);
        }
        let (mut sum, mut scale) =
            self.decimal().map_or((self.whole, 0), |sum| (sum.mantissa(), sum.scale()));
        // As many digits as there is room for, so that only the last step rounds.
        while let Some(longer) = sum.checked_mul(10).filter(|longer| *longer != 0) {
            (sum, scale) = (longer, scale + 1);
        }
        let mean = format!("{}e-{scale}", sum / i128::from(self.count)).parse();
        mean.map(Stored::Real).map_err(|_| too_large())
    }
}
