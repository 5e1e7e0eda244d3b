//! What a query reads besides whole instances: single columns, and what the database computes over rows.

use std::marker::PhantomData;

use rust_decimal::Decimal;
use sea_query::{Alias, BinOper, Expr, ExprTrait, Func, SelectStatement};

use crate::column::Column;
use crate::db::On;
use crate::decimal;
use crate::expression::fitting;
use crate::meta::FieldKind;
use crate::row::Row;
use crate::{Backend, Error, FieldType, Model, Query};

/// What can be read of the rows of `M`: a column, an aggregate, or a tuple of up to six of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from rows of `{M}`",
    label = "no column or aggregate"
)]
pub trait Selection<M> {
    /// What becomes of one row.
    type Output;

    /// Adds what is selected to a statement.
    #[doc(hidden)]
    fn select(&self, backend: Backend, statement: &mut SelectStatement);

    /// Reads it from a row, from this position on, which it moves.
    #[doc(hidden)]
    fn read(&self, row: &Row, at: &mut usize) -> Result<Self::Output, Error>;
}

impl<M: Model, T: FieldType> Selection<M> for Column<M, T> {
    type Output = T;

    fn select(&self, _: Backend, statement: &mut SelectStatement) {
        statement.expr(self.expr());
    }

    fn read(&self, row: &Row, at: &mut usize) -> Result<T, Error> {
        *at += 1;
        row.get(*at - 1)
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        #[expect(non_snake_case, reason = "each part is called as its type")]
        impl<M, $($name: Selection<M>),*> Selection<M> for ($($name,)*) {
            type Output = ($($name::Output,)*);

            fn select(&self, backend: Backend, statement: &mut SelectStatement) {
                let ($($name,)*) = self;
                $($name.select(backend, statement);)*
            }

            fn read(&self, row: &Row, at: &mut usize) -> Result<Self::Output, Error> {
                let ($($name,)*) = self;
                Ok(($($name.read(row, at)?,)*))
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);

/// What the database computes over rows: [`count`], [`sum`], [`avg`], [`min`], [`max`].
#[derive(Clone, Debug)]
pub struct Aggregate<M, T> {
    /// What it is computed of, and the kind of that.
    of: (Expr, FieldKind),
    /// The function, by database.
    function: fn(Backend, Expr, FieldKind) -> Expr,
    types: PhantomData<fn() -> (M, T)>,
}

impl<M, T: FieldType> Selection<M> for Aggregate<M, T> {
    type Output = T;

    fn select(&self, backend: Backend, statement: &mut SelectStatement) {
        let (expr, kind) = self.of.clone();
        statement.expr((self.function)(backend, expr, kind));
    }

    fn read(&self, row: &Row, at: &mut usize) -> Result<T, Error> {
        *at += 1;
        row.get(*at - 1)
    }
}

/// A type whose values can be summed up.
pub trait Summable: FieldType {
    /// The type of the sum.
    type Sum: FieldType;
}

macro_rules! summable {
    ($($type:ty => $sum:ty;)*) => {$(
        impl Summable for $type {
            type Sum = $sum;
        }
    )*};
}
summable! {
    i16 => i64;
    i32 => i64;
    i64 => i64;
    f32 => f64;
    f64 => f64;
    Decimal => Decimal;
}

/// How many rows there are.
pub fn count<M: Model>() -> Aggregate<M, i64> {
    let function = |_, expr, _| Func::count(expr).into();
    Aggregate { of: (Expr::cust("*"), FieldKind::I64), function, types: PhantomData }
}

/// The sum of a column; `None` over no rows. Decimals are summed up with all their digits. A sum that does not fit into
/// its type is an error.
pub fn sum<M: Model, T: FieldType<Base: Summable>>(
    column: Column<M, T>,
) -> Aggregate<M, Option<<T::Base as Summable>::Sum>> {
    of(column, |backend, column, kind| {
        let sum = Func::sum(column.clone()).into();
        match (backend, kind) {
            (Backend::Sqlite, FieldKind::Decimal) => Func::cust(decimal::SUM).arg(column).into(),
            (_, FieldKind::Decimal) => fitting(backend, sum),
            (_, FieldKind::F32 | FieldKind::F64) => to_float(backend, sum),
            (Backend::Sqlite, _) => sum,
            (Backend::Postgres, _) => Func::cast_as(sum, Alias::new("BIGINT")).into(),
            // A cast would silently make the greatest integer of a sum that is greater; DIV fails.
            (Backend::MySql, _) => sum.binary(BinOper::Custom("DIV"), Expr::cust("1")),
        }
    })
}

/// The mean of a column; `None` over no rows. It is a float, also of decimals: the one that is nearest to their mean. For all
/// digits of that, divide their [`sum`] by their number.
pub fn avg<M: Model, T: FieldType<Base: Summable>>(column: Column<M, T>) -> Aggregate<M, Option<f64>> {
    of(column, |backend, column, kind| match (backend, kind) {
        (Backend::Sqlite, FieldKind::Decimal) => Func::cust(decimal::AVG).arg(column).into(),
        // The mean of PostgreSQL has 16 digits, which is one too few for some floats.
        (Backend::Postgres, FieldKind::Decimal) => {
            let mean = "CAST(SUM($1) AS NUMERIC(120, 60)) / NULLIF(COUNT($1), 0)";
            to_float(backend, Expr::cust_with_exprs(mean, [column]))
        }
        // MySQL rounds a decimal that becomes a float twice, and a text once; a small one has few digits as a decimal.
        (Backend::MySql, FieldKind::Decimal) => {
            let mean = "CASE WHEN ABS(AVG(?)) < 0.000000001 THEN CAST(AVG(?) AS DOUBLE) \
                        ELSE CAST(CAST(AVG(?) AS CHAR) AS DOUBLE) END";
            Expr::cust_with_exprs(mean, vec![column; 3])
        }
        _ => to_float(backend, Func::avg(column).into()),
    })
}

/// The least value of a column; `None` over no rows.
pub fn min<M: Model, T: FieldType<Base: FieldType>>(column: Column<M, T>) -> Aggregate<M, Option<T::Base>> {
    of(column, |backend, column, kind| match (backend, kind) {
        (Backend::Sqlite, FieldKind::Decimal) => Func::cust(decimal::MIN).arg(column).into(),
        _ => Func::min(column).into(),
    })
}

/// The greatest value of a column; `None` over no rows.
pub fn max<M: Model, T: FieldType<Base: FieldType>>(column: Column<M, T>) -> Aggregate<M, Option<T::Base>> {
    of(column, |backend, column, kind| match (backend, kind) {
        (Backend::Sqlite, FieldKind::Decimal) => Func::cust(decimal::MAX).arg(column).into(),
        _ => Func::max(column).into(),
    })
}

fn of<M: Model, T: FieldType, O>(
    column: Column<M, T>,
    function: fn(Backend, Expr, FieldKind) -> Expr,
) -> Aggregate<M, O> {
    Aggregate { of: (column.expr(), T::KIND), function, types: PhantomData }
}

fn to_float(backend: Backend, expr: Expr) -> Expr {
    let name = match backend {
        Backend::Sqlite => "REAL",
        Backend::Postgres => "DOUBLE PRECISION",
        Backend::MySql => "DOUBLE",
    };
    Func::cast_as(expr, Alias::new(name)).into()
}

impl<M: Model> Query<M> {
    /// Reads these columns only, or what the database computes: `values((Post::id, Post::title))`. After
    /// [`group_by`](Self::group_by), one row for each group.
    ///
    /// # Errors
    /// [`Error::Database`], and [`Error::Decode`] for a row that does not fit.
    pub async fn values<S: Selection<M>>(self, selection: S) -> Result<Vec<S::Output>, Error> {
        let mut select = self.narrowed();
        selection.select(self.db().backend(), &mut select);
        let (sql, values) = self.db().built(&select);
        let rows = self.db().fetch(On { meta: M::meta(), doing: "reading columns" }, sql, values).await?;
        rows.iter().map(|row| selection.read(row, &mut 0)).collect()
    }

    /// Returns what the database computes over all rows of the query: `aggregate((count(), sum(Post::views)))`. Their
    /// order means nothing to it.
    ///
    /// # Errors
    /// As [`values`](Self::values); [`Error::Sliced`] after `limit` or `offset`.
    pub async fn aggregate<S: Selection<M>>(self, selection: S) -> Result<S::Output, Error> {
        self.refuse_slice("aggregate")?;
        let row = self.unordered().values(selection).await?.pop();
        row.ok_or_else(|| Error::NotFound { model: M::meta().label, criterion: "the aggregate".to_owned() })
    }
}
