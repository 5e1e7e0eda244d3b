//! Expressions before it is known which database they are for: what the databases say differently is decided here, so that it
//! means the same on all of them.

use sea_query::{BinOper, Expr, ExprTrait, Func};

use crate::beyond::decided;
use crate::collect::KEYS_MAX;
use crate::column::qualified;
use crate::meta::{FieldKind, FieldMeta, ModelMeta};
use crate::{Backend, Value, decimal, overflow};

/// One side of a comparison or an assignment.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Side {
    /// A column or a value.
    Plain(Expr),
    /// What is computed of two others.
    Computed(Box<Computed>),
}

#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Computed {
    kind: FieldKind,
    operator: BinOper,
    left: Side,
    right: Side,
}

impl From<Expr> for Side {
    fn from(expr: Expr) -> Self {
        Side::Plain(expr)
    }
}

impl Side {
    /// Arithmetic over values of this kind, with one meaning on all databases: integers are divided without a remainder,
    /// towards zero, and what is divided by zero is null.
    pub(crate) fn computed(kind: FieldKind, operator: BinOper, left: Side, right: Side) -> Self {
        Side::Computed(Box::new(Computed { kind, operator, left, right }))
    }

    /// The values in it.
    pub(crate) fn values(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match self {
            Side::Plain(Expr::Value(value)) => Box::new(std::iter::once(value)),
            Side::Plain(_) => Box::new(std::iter::empty()),
            Side::Computed(computed) => Box::new(computed.left.values().chain(computed.right.values())),
        }
    }

    /// The expression, to be compared with.
    pub(crate) fn on(self, backend: Backend) -> Expr {
        match self {
            Side::Plain(expr) => expr,
            Side::Computed(computed) => {
                let Computed { kind, operator, left, right } = *computed;
                arithmetic(backend, kind, operator, left.on(backend), right.on(backend))
            }
        }
    }

    /// The expression, to be stored or read: of a decimal, as many digits as one holds; of floats, a number.
    pub(crate) fn stored_on(self, backend: Backend) -> Expr {
        let kind = match &self {
            Side::Computed(computed) => Some(computed.kind),
            Side::Plain(_) => None,
        };
        let expr = self.on(backend);
        match (kind, backend) {
            (Some(FieldKind::Decimal), _) => fitting(backend, expr),
            // Only an integer cannot be NaN: to make one of it is an error.
            (Some(FieldKind::F32 | FieldKind::F64), Backend::Postgres) => {
                let template = "CASE WHEN $1 = 'NaN' THEN CAST($1 AS BIGINT) ELSE $1 END";
                Expr::cust_with_exprs(template, vec![expr])
            }
            _ => expr,
        }
    }
}

fn arithmetic(backend: Backend, kind: FieldKind, operator: BinOper, left: Expr, right: Expr) -> Expr {
    if backend == Backend::Sqlite {
        return on_sqlite(kind, operator, left, right);
    }
    match (operator, kind) {
        (BinOper::Div, FieldKind::I16 | FieldKind::I32 | FieldKind::I64) => whole(left, null_if_zero(right)),
        // As many digits behind the point as a decimal may have, of which PostgreSQL leaves out some.
        (BinOper::Div, FieldKind::Decimal) if backend == Backend::Postgres => {
            let terms = [left, null_if_zero(right)];
            Expr::cust_with_exprs("TRIM_SCALE(CAST($1 AS NUMERIC(60, 30)) / $2)", terms)
        }
        (BinOper::Div | BinOper::Mod, _) => left.binary(operator, null_if_zero(right)),
        _ => left.binary(operator, right),
    }
}

/// SQLite computes decimals as floats, and what does not fit as well: functions of ours do not.
fn on_sqlite(kind: FieldKind, operator: BinOper, left: Expr, right: Expr) -> Expr {
    let bits = match kind {
        FieldKind::I16 => "16",
        FieldKind::I32 | FieldKind::F32 => "32",
        _ => "64",
    };
    let call = |name: &'static str, arguments: Vec<Expr>| Func::cust(name).args(arguments).into();
    match kind {
        FieldKind::Decimal => {
            let name = match operator {
                BinOper::Add => decimal::ADD,
                BinOper::Sub => decimal::SUB,
                BinOper::Mul => decimal::MUL,
                BinOper::Mod => decimal::REM,
                _ => decimal::DIV,
            };
            call(name, vec![left, right])
        }
        FieldKind::F32 | FieldKind::F64 => {
            let operator = match operator {
                BinOper::Add => "'+'",
                BinOper::Sub => "'-'",
                BinOper::Mul => "'*'",
                _ => "'/'",
            };
            call(overflow::FLOAT, vec![Expr::cust(operator), Expr::cust(bits), left, right])
        }
        _ => {
            let result = match operator {
                BinOper::Div => whole(left, null_if_zero(right)),
                operator => left.binary(operator, right),
            };
            call(overflow::INTEGER, vec![result, Expr::cust(bits)])
        }
    }
}

/// A quotient of integers, cut towards zero. MySQL would divide them to a fraction; without the remainder, there is none.
fn whole(left: Expr, right: Expr) -> Expr {
    left.clone().sub(left.modulo(right.clone())).div(right)
}

fn null_if_zero(expr: Expr) -> Expr {
    Func::cust("NULLIF").args([expr, Expr::cust("0")]).into()
}

/// A decimal that was computed, rounded where it has more digits than a decimal holds; one that is larger is an error.
pub(crate) fn fitting(backend: Backend, expr: Expr) -> Expr {
    // `?` stands for the expression, and `#` for the number of its digits before the point.
    let (digits, too_large, fits) = match backend {
        // Our functions have seen to it.
        Backend::Sqlite => return expr,
        Backend::Postgres => (
            "CHAR_LENGTH(TRIM(LEADING '0' FROM CAST(FLOOR(ABS(?)) AS TEXT)))",
            "CAST((?) * 10 AS NUMERIC(29))",
            "WHEN SCALE(?) + # <= 28 THEN ? ",
        ),
        Backend::MySql => (
            "CHAR_LENGTH(TRIM(LEADING '0' FROM CAST(FLOOR(ABS(?)) AS CHAR)))",
            // An integer that overflows is an error; a decimal may be cut.
            "9223372036854775807 + CHAR_LENGTH(?)",
            "",
        ),
    };
    // A decimal holds each number of 28 digits, and those of 29 that are not above 2 to the power of 96.
    let template = format!(
        "CASE WHEN ABS(?) > 79228162514264337593543950335 THEN {too_large} {fits}\
         WHEN ABS(?) <= 7.9228162514264337593543950335 * CAST(RPAD('1', GREATEST(#, 1), '0') AS DECIMAL(30, 0)) \
         THEN ROUND(?, LEAST(28, 29 - #)) ELSE ROUND(?, 28 - #) END"
    )
    .replace('#', digits);
    let count = template.matches('?').count();
    let template = if backend == Backend::Postgres { template.replace('?', "$1") } else { template };
    let terms = if backend == Backend::Postgres { 1 } else { count };
    Expr::cust_with_exprs(template, vec![expr; terms])
}

/// A column to order or to group by.
pub(crate) fn sorted(backend: Backend, meta: &ModelMeta, field: &FieldMeta) -> Expr {
    let column = qualified(meta, field);
    match (backend, field.kind) {
        (Backend::Sqlite, FieldKind::Decimal) => key(column),
        _ => column,
    }
}

/// A comparison before it is known which database it is for.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    /// It is the same on all of them.
    Plain(Expr),
    /// A side is compared with another, or with a list of them.
    Compared { kind: FieldKind, left: Side, operator: BinOper, right: Vec<Side> },
}

impl From<Expr> for Term {
    fn from(expr: Expr) -> Self {
        Term::Plain(expr)
    }
}

impl Term {
    /// A field of a row compared with values.
    pub(crate) fn of_field(
        meta: &ModelMeta,
        field: &FieldMeta,
        operator: BinOper,
        values: Vec<Value>,
    ) -> Self {
        let right = values.into_iter().map(|value| Expr::val(value).into()).collect();
        Term::Compared { kind: field.kind, left: qualified(meta, field).into(), operator, right }
    }

    /// A column that equals a value, as one that is in a list of one.
    pub(crate) fn list(&self) -> Option<Term> {
        match self {
            Term::Compared {
                kind,
                left: left @ Side::Plain(Expr::Column(_)),
                operator: BinOper::Equal,
                right,
            } => {
                let is_value = matches!(right[..], [Side::Plain(Expr::Value(_))]);
                is_value.then(|| Term::Compared {
                    kind: *kind,
                    left: left.clone(),
                    operator: BinOper::In,
                    right: right.clone(),
                })
            }
            _ => None,
        }
    }

    /// Takes the value that another term compares the column of this list with, if it does.
    pub(crate) fn takes(&mut self, other: &Term) -> bool {
        let (
            Term::Compared { left: Side::Plain(column), right, .. },
            Term::Compared { left: Side::Plain(same), operator: BinOper::Equal, right: more, .. },
        ) = (self, other)
        else {
            return false;
        };
        let takes = column == same && matches!(more[..], [Side::Plain(Expr::Value(_))]);
        if takes {
            right.extend_from_slice(more);
        }
        takes
    }

    pub(crate) fn on(self, backend: Backend) -> Expr {
        let (kind, left, operator, right) = match self {
            Term::Plain(expr) => return expr,
            Term::Compared { kind, left, operator, right } => (kind, left, operator, right),
        };
        let left = left.on(backend);
        let mut right: Vec<Expr> = right.into_iter().map(|side| side.on(backend)).collect();
        if let Some(decided) = decided(backend, &left, operator, &mut right) {
            return decided;
        }
        if (backend, kind) == (Backend::Sqlite, FieldKind::Decimal) {
            return decimals(left, operator, right);
        }
        match (operator, right.pop(), right.is_empty()) {
            (BinOper::In, last, _) => left.is_in(right.into_iter().chain(last)),
            (operator, Some(right), true) => left.binary(operator, right),
            (operator, ..) => unreachable!("{operator:?} takes one side"),
        }
    }
}

fn key(expr: Expr) -> Expr {
    match expr {
        Expr::Value(Value::Decimal(Some(value))) => Expr::val(decimal::key(value)),
        expr => Func::cust(decimal::KEY).arg(expr).into(),
    }
}

/// Decimals are compared by their keys; an index narrows which ones, where a column is compared with values.
fn decimals(left: Expr, operator: BinOper, right: Vec<Expr>) -> Expr {
    let near = |above: bool| {
        let beside = |side: &Expr| match side {
            Expr::Value(Value::Decimal(Some(value))) => Some(Expr::val(decimal::beside(*value, above))),
            _ => None,
        };
        match left {
            // Of a longer list, each value is bound once.
            Expr::Column(_) if right.len() <= KEYS_MAX => {
                right.iter().map(beside).collect::<Option<Vec<_>>>()
            }
            _ => None,
        }
    };
    let narrowed = match operator {
        BinOper::SmallerThan | BinOper::SmallerThanOrEqual => near(true),
        BinOper::Equal | BinOper::In | BinOper::GreaterThan | BinOper::GreaterThanOrEqual => near(false),
        _ => None,
    };
    let narrowed = narrowed.map(|mut near| match operator {
        BinOper::SmallerThan | BinOper::SmallerThanOrEqual => left.clone().lte(near.remove(0)),
        BinOper::GreaterThan | BinOper::GreaterThanOrEqual => left.clone().gte(near.remove(0)),
        _ => left.clone().is_in(near),
    });
    // Text and blobs come behind all numbers, also those that mean a small number.
    let narrowed = narrowed.map(|narrowed| narrowed.or(left.clone().gte(Expr::cust("''"))));
    let left = key(left);
    let mut right: Vec<Expr> = right.into_iter().map(key).collect();
    let exact = match operator {
        BinOper::In => left.is_in(right),
        operator => left.binary(operator, right.remove(0)),
    };
    match narrowed {
        Some(narrowed) => narrowed.and(exact),
        None => exact,
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::Backend;

    #[test]
    fn decimals_are_compared_exactly_among_those_that_an_index_finds() {
        let shown = |operator, values: usize| {
            let value = Expr::val(Value::Decimal(Some("12.5".parse().unwrap())));
            let left = Expr::col("price").into();
            let term = Term::Compared {
                kind: FieldKind::Decimal,
                left,
                operator,
                right: vec![value.into(); values],
            };
            let mut select = sea_query::Query::select();
            select.column("id").from("t").and_where(term.on(Backend::Sqlite));
            let (text, values) = Backend::Sqlite.render(&select);
            let text = text.trim_start_matches("SELECT \"id\" FROM \"t\" WHERE ").replace('"', "");
            (text, values.0.len())
        };
        let less = "(price <= ? OR price >= ('')) AND aksara_decimal_key(price) < ?";
        assert_eq!(shown(BinOper::SmallerThan, 1), (less.to_owned(), 2));
        let one_of = "(price IN (?, ?) OR price >= ('')) AND aksara_decimal_key(price) IN (?, ?)";
        assert_eq!(shown(BinOper::In, 2), (one_of.to_owned(), 4));
        assert_eq!(shown(BinOper::NotEqual, 1), ("aksara_decimal_key(price) <> ?".to_owned(), 1));
        assert_eq!(shown(BinOper::In, KEYS_MAX + 1).1, KEYS_MAX + 1);
    }
}
