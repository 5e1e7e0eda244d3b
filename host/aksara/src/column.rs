//! Typed columns and what is written with them: filters, orders, assignments, `F` expressions.

use std::marker::PhantomData;
use std::ops;

use sea_query::{Alias, BinOper, Expr, ExprTrait, LikeExpr};
use uuid::Uuid;

use crate::collect::KEYS_MAX;
use crate::condition::{Condition, Join};
use crate::expression::{Side, Term};
use crate::field::FieldType;
use crate::meta::{FieldMeta, ModelMeta};
use crate::{Fk, Instance, Model, Value};

/// One column of a model: `Post::title`. `T` is the type of its field.
pub struct Column<M, T> {
    index: usize,
    types: PhantomData<fn() -> (M, T)>,
}

impl<M, T> Clone for Column<M, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, T> Copy for Column<M, T> {}

/// What a column of base type `T` can be compared with or set to: a value of that type, an instance for a foreign key,
/// or an [`F`] expression over columns of the same model `M`.
#[diagnostic::on_unimplemented(
    message = "a column of type `{T}` cannot be compared with or set to `{Self}`",
    label = "the column holds `{T}`"
)]
pub trait Operand<M, T> {
    /// The right side of the comparison or assignment.
    #[doc(hidden)]
    fn into_side(self) -> Side;
}

macro_rules! operands {
    ($($type:ty),*) => {$(
        impl<M> Operand<M, $type> for $type {
            fn into_side(self) -> Side {
                Expr::val(self.to_value()).into()
            }
        }

        impl<M> Operand<M, $type> for &$type {
            fn into_side(self) -> Side {
                Expr::val(self.to_value()).into()
            }
        }
    )*};
}
operands!(
    i16,
    i32,
    i64,
    f32,
    f64,
    bool,
    String,
    rust_decimal::Decimal,
    Uuid,
    chrono::DateTime<chrono::Utc>,
    chrono::NaiveDate,
    serde_json::Value,
    Vec<u8>
);

impl<M> Operand<M, String> for &str {
    fn into_side(self) -> Side {
        Expr::val(self).into()
    }
}

impl<M> Operand<M, Vec<u8>> for &[u8] {
    fn into_side(self) -> Side {
        Expr::val(self).into()
    }
}

impl<M, N: Model> Operand<M, N::Key> for &Instance<N> {
    fn into_side(self) -> Side {
        Expr::val(self.key().to_value()).into()
    }
}

impl<M, N: Model> Operand<M, N::Key> for &Fk<N> {
    fn into_side(self) -> Side {
        Expr::val(self.key().to_value()).into()
    }
}

/// A condition on the rows of a model. It may have as many terms as a statement can bind values, however they are
/// joined.
#[derive(Debug)]
pub struct Filter<M> {
    pub(crate) condition: Condition,
    model: PhantomData<fn() -> M>,
}

impl<M> Clone for Filter<M> {
    fn clone(&self) -> Self {
        Filter::new(self.condition.clone())
    }
}

impl<M> Filter<M> {
    pub(crate) fn new(condition: impl Into<Condition>) -> Self {
        Filter { condition: condition.into(), model: PhantomData }
    }

    /// Both hold.
    pub fn and(self, other: Filter<M>) -> Self {
        Filter::new(self.condition.and_then(Join::All, other.condition))
    }

    /// One of them holds.
    pub fn or(self, other: Filter<M>) -> Self {
        Filter::new(self.condition.and_then(Join::Any, other.condition))
    }
}

impl<M> ops::Not for Filter<M> {
    type Output = Self;

    /// It does not hold.
    fn not(self) -> Self {
        Filter::new(self.condition.inverted())
    }
}

impl<M: Model, T: FieldType> Column<M, T> {
    /// The column at this position; `derive(Model)` calls it.
    #[doc(hidden)]
    pub const fn new(index: usize) -> Self {
        Column { index, types: PhantomData }
    }

    /// What is known of its field.
    pub fn field(self) -> &'static FieldMeta {
        &M::meta().fields[self.index]
    }

    /// The column with its table, since a join may have another of the same name.
    pub(crate) fn expr(self) -> Expr {
        qualified(M::meta(), self.field())
    }

    /// The field of this instance.
    pub(crate) fn value_of(self, instance: &Instance<M>) -> T {
        match T::from_value(M::value(instance, self.index)) {
            Ok(value) => value,
            Err(value) => unreachable!("a field holds its own value {value:?}"),
        }
    }

    /// Equal.
    pub fn eq(self, value: impl Operand<M, T::Base>) -> Filter<M> {
        self.compared(BinOper::Equal, vec![value.into_side()])
    }

    /// Not equal; a null is not equal to anything, nor unequal.
    pub fn ne(self, value: impl Operand<M, T::Base>) -> Filter<M> {
        self.compared(BinOper::NotEqual, vec![value.into_side()])
    }

    /// Less than.
    pub fn lt(self, value: impl Operand<M, T::Base>) -> Filter<M> {
        self.compared(BinOper::SmallerThan, vec![value.into_side()])
    }

    /// Less than or equal.
    pub fn le(self, value: impl Operand<M, T::Base>) -> Filter<M> {
        self.compared(BinOper::SmallerThanOrEqual, vec![value.into_side()])
    }

    /// Greater than.
    pub fn gt(self, value: impl Operand<M, T::Base>) -> Filter<M> {
        self.compared(BinOper::GreaterThan, vec![value.into_side()])
    }

    /// Greater than or equal.
    pub fn ge(self, value: impl Operand<M, T::Base>) -> Filter<M> {
        self.compared(BinOper::GreaterThanOrEqual, vec![value.into_side()])
    }

    /// One of these; none for an empty list. Long lists of integers are not bound, so that they may be of any length.
    pub fn is_in<V: Operand<M, T::Base>>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
        let mut values: Vec<Side> = values.into_iter().map(Operand::into_side).collect();
        if values.len() > KEYS_MAX {
            values.iter_mut().for_each(written_out);
        }
        self.compared(BinOper::In, values)
    }

    fn compared(self, operator: BinOper, right: Vec<Side>) -> Filter<M> {
        Filter::new(Term::Compared { kind: T::KIND, left: self.expr().into(), operator, right })
    }

    /// Ascending, nulls where the database puts them.
    pub fn asc(self) -> Order<M> {
        Order::new(self.field(), sea_query::Order::Asc)
    }

    /// Descending.
    pub fn desc(self) -> Order<M> {
        Order::new(self.field(), sea_query::Order::Desc)
    }

    /// Sets the column in `update`: to a value, or to an [`F`] expression.
    pub fn set(self, value: impl Operand<M, T::Base>) -> Assignment<M> {
        Assignment { field: self.field(), value: value.into_side(), model: PhantomData }
    }
}

impl<M: Model, T: FieldType> Column<M, Option<T>> {
    /// Null.
    pub fn is_null(self) -> Filter<M> {
        Filter::new(self.expr().is_null())
    }

    /// Sets the column to null in `update`.
    pub fn set_null(self) -> Assignment<M> {
        Assignment { field: self.field(), value: Expr::val(T::KIND.null()).into(), model: PhantomData }
    }

    /// Not null.
    pub fn is_not_null(self) -> Filter<M> {
        Filter::new(self.expr().is_not_null())
    }
}

impl<M: Model, T: FieldType<Base = String>> Column<M, T> {
    /// Contains this text; case matters.
    pub fn contains(self, text: &str) -> Filter<M> {
        Filter::new(like(self.expr(), &format!("%{}%", escape_like(text))))
    }

    /// Starts with this text; case matters.
    pub fn starts_with(self, text: &str) -> Filter<M> {
        Filter::new(like(self.expr(), &format!("{}%", escape_like(text))))
    }
}

/// Makes an integer part of the statement's text, where it is a value that would be bound.
fn written_out(side: &mut Side) {
    if let Side::Plain(Expr::Value(value @ (Value::SmallInt(_) | Value::Int(_) | Value::BigInt(_)))) = side {
        *side = Expr::Constant(value.clone()).into();
    }
}

/// A backslash is an escape of its own on MySQL, where others are not.
const LIKE_ESCAPE: char = '!';

/// A column with its table.
pub(crate) fn qualified(meta: &ModelMeta, field: &FieldMeta) -> Expr {
    Expr::col((Alias::new(meta.table), Alias::new(field.name)))
}

pub(crate) fn like(column: Expr, pattern: &str) -> Expr {
    column.like(LikeExpr::new(pattern).escape(LIKE_ESCAPE))
}

pub(crate) fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '%' | '_' | LIKE_ESCAPE) {
            escaped.push(LIKE_ESCAPE);
        }
        escaped.push(character);
    }
    escaped
}

/// A column to order by, and its direction.
#[derive(Clone, Debug)]
pub struct Order<M> {
    pub(crate) field: &'static FieldMeta,
    pub(crate) direction: sea_query::Order,
    model: PhantomData<fn() -> M>,
}

impl<M> Order<M> {
    /// Ascending by a field that is known by its metadata only.
    pub(crate) fn by(field: &'static FieldMeta) -> Self {
        Order::new(field, sea_query::Order::Asc)
    }

    fn new(field: &'static FieldMeta, direction: sea_query::Order) -> Self {
        Order { field, direction, model: PhantomData }
    }
}

/// A column and its new value, for `update`.
#[derive(Clone, Debug)]
pub struct Assignment<M> {
    pub(crate) field: &'static FieldMeta,
    pub(crate) value: Side,
    model: PhantomData<fn() -> M>,
}

/// A value that the database computes from the row itself: `F(Post::view_count) + 1`.
///
/// Arithmetic over numeric columns and numbers; the update happens in one statement, so that no concurrent
/// update is lost. Integers are divided without a remainder, towards zero; what is divided by zero is null. Decimals are
/// computed exactly, and rounded only where the result has more digits than a decimal holds; a result that is larger than
/// its type is an error.
#[expect(non_snake_case, reason = "the name that it has had in ORMs for twenty years")]
pub fn F<M: Model, T: FieldType>(column: Column<M, T>) -> FExpr<M, T> {
    FExpr { side: column.expr().into(), types: PhantomData }
}

/// An expression that starts with [`F`].
#[derive(Clone, Debug)]
pub struct FExpr<M, T> {
    side: Side,
    types: PhantomData<fn() -> (M, T)>,
}

impl<M, T: FieldType> Operand<M, T::Base> for FExpr<M, T> {
    fn into_side(self) -> Side {
        self.side
    }
}

/// A type of numbers, which expressions compute with.
#[diagnostic::on_unimplemented(message = "`F` computes with numbers, and `{Self}` is none")]
pub trait Number {}

impl Number for i16 {}
impl Number for i32 {}
impl Number for i64 {}
impl Number for f32 {}
impl Number for f64 {}
impl Number for rust_decimal::Decimal {}

/// A type of numbers of which a remainder is taken with `%`.
pub trait Remainder: Number {}

impl Remainder for i16 {}
impl Remainder for i32 {}
impl Remainder for i64 {}
impl Remainder for rust_decimal::Decimal {}

/// The remainder has the sign of what is divided; by zero it is null.
impl<M, T: FieldType<Base: Remainder>, V: Operand<M, T::Base>> ops::Rem<V> for FExpr<M, T> {
    type Output = Self;

    fn rem(self, value: V) -> Self {
        let side = Side::computed(T::KIND, BinOper::Mod, self.side, value.into_side());
        FExpr { side, types: PhantomData }
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident;)*) => {$(
        impl<M, T: FieldType<Base: Number>, V: Operand<M, T::Base>> ops::$trait<V> for FExpr<M, T> {
            type Output = Self;

            fn $method(self, value: V) -> Self {
                let side = Side::computed(T::KIND, BinOper::$trait, self.side, value.into_side());
                FExpr { side, types: PhantomData }
            }
        }
    )*};
}
arithmetic! {
    Add add;
    Sub sub;
    Mul mul;
    Div div;
}
