//! Comparisons with values that no row can hold: each database has its own opinion of a year 12,000, and of what is
//! not a number. Ours is one, and is decided before the SQL.

use chrono::Datelike;
use sea_query::{BinOper, Expr, ExprTrait};

use crate::validate::YEARS;
use crate::{Backend, Value};

/// Where a value is, among those that rows can hold.
enum Beyond {
    /// Behind all of them.
    Above,
    /// Before all of them.
    Below,
    /// In no order at all.
    Nowhere,
}

fn beyond(backend: Backend, value: &Value) -> Option<Beyond> {
    let of_year = |year: i32| match year {
        year if year < *YEARS.start() => Some(Beyond::Below),
        year if year > *YEARS.end() => Some(Beyond::Above),
        _ => None,
    };
    let of_float = |number: f64| match number {
        number if number.is_nan() => Some(Beyond::Nowhere),
        number if number.is_finite() || backend != Backend::MySql => None,
        number if number > 0.0 => Some(Beyond::Above),
        _ => Some(Beyond::Below),
    };
    match value {
        Value::ChronoDateTimeUtc(Some(time)) => of_year(time.year()),
        Value::ChronoDate(Some(date)) => of_year(date.year()),
        Value::Float(Some(number)) => of_float((*number).into()),
        Value::Double(Some(number)) => of_float(*number),
        _ => None,
    }
}

/// What a comparison with such values comes to; `None` for one with others only. Takes them out of a list.
pub(crate) fn decided(
    backend: Backend,
    left: &Expr,
    operator: BinOper,
    right: &mut Vec<Expr>,
) -> Option<Expr> {
    let place = |side: &Expr| match side {
        Expr::Value(value) => beyond(backend, value),
        _ => None,
    };
    if operator == BinOper::In {
        right.retain(|side| place(side).is_none());
        return None;
    }
    let left = left.clone();
    let never = || left.clone().is_in(Vec::<Expr>::new());
    Some(match (operator, place(right.first()?)?) {
        (BinOper::NotEqual, _) => left.is_not_null(),
        (BinOper::SmallerThan | BinOper::SmallerThanOrEqual, Beyond::Above) => left.is_not_null(),
        (BinOper::GreaterThan | BinOper::GreaterThanOrEqual, Beyond::Below) => left.is_not_null(),
        _ => never(),
    })
}
