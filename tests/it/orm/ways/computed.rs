//! What the database computes: it is stored as Rust computes it, or is an error that leaves the row as it was.

use aksara::prelude::*;
use aksara::{Assignment, Backend, Error};
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "ways.Sum")]
struct Sum {
    id: i64,
    small: i16,
    int: i32,
    big: i64,
    single: f32,
    double: f64,
    maybe: Option<f64>,
    #[field(max_length = 3)]
    note: String,
}

/// Computes in the row, and returns it; an error has to leave it as it was.
async fn computed(db: &Db, row: Sum, new: Assignment<Sum>) -> Result<Sum, Error> {
    let row = Sum::objects(db).create(row).await?;
    match Sum::objects(db).filter(Sum::id.eq(row.id)).update([new]).await {
        Ok(rows) => {
            assert_eq!(rows, 1);
            Ok(Sum::objects(db).get(row.id).await?.into_inner())
        }
        Err(error) => {
            assert_eq!(*Sum::objects(db).get(row.id).await?, *row, "after {error}");
            Err(error)
        }
    }
}

#[tokio::test]
async fn integers_at_their_limits_are_computed_as_in_rust_or_are_errors() {
    let test = TestDb::with::<(Sum,)>().await;
    macro_rules! check {
        ($column:ident: $type:ty) => {
            let limits: [$type; 7] =
                [<$type>::MIN, <$type>::MIN + 1, -7, 1, 7, <$type>::MAX - 1, <$type>::MAX];
            for left in limits {
                for right in [<$type>::MIN, -1, 2, <$type>::MAX] {
                    let f = || F(Sum::$column);
                    for (sign, new, expected) in [
                        ("+", f() + right, left.checked_add(right)),
                        ("-", f() - right, left.checked_sub(right)),
                        ("*", f() * right, left.checked_mul(right)),
                        ("/", f() / right, left.checked_div(right)),
                        ("%", f() % right, Some(left.wrapping_rem(right))),
                    ] {
                        let row = Sum { $column: left, ..Default::default() };
                        match (computed(&test.db, row, Sum::$column.set(new)).await, expected) {
                            (Ok(row), Some(expected)) => {
                                assert_eq!(row.$column, expected, "{left} {sign} {right}")
                            }
                            (Err(error), None) => assert!(!matches!(error, Error::Validation(_)), "{error}"),
                            (outcome, _) => panic!("{left} {sign} {right}: {outcome:?}"),
                        }
                    }
                }
            }
        };
    }
    check!(small: i16);
    check!(int: i32);
    check!(big: i64);
}

/// SQLite would make a null of what is not a number, and PostgreSQL would store it.
#[tokio::test]
async fn what_is_not_a_number_is_stored_by_no_expression() {
    let test = TestDb::with::<(Sum,)>().await;
    let db = &test.db;
    let has_infinity = test.backend() != Backend::MySql;
    let maybe = || F(Sum::maybe);
    for (new, field) in [
        (Sum::double.set(F(Sum::double) + f64::NAN), "double"),
        (Sum::single.set(F(Sum::single) * f32::NAN), "single"),
        (Sum::maybe.set((maybe() + 1.0) / f64::NAN), "maybe"),
        (Sum::note.set("long"), "note"),
    ] {
        let error = computed(db, Sum { maybe: Some(1.0), ..Default::default() }, new).await.unwrap_err();
        let Error::Validation(errors) = error else { panic!("{field}: {error}") };
        assert!(errors.model == "ways.Sum" && errors.fields.keys().eq([field]), "{field}: {errors}");
    }
    for (new, expected) in [
        (maybe() + f64::INFINITY, has_infinity.then_some(f64::INFINITY)),
        (maybe() * f64::NEG_INFINITY, has_infinity.then_some(f64::NEG_INFINITY)),
        (maybe() - f64::MAX, Some(1.0 - f64::MAX)),
        (maybe() * f64::MAX * 2.0, None),
    ] {
        let row = Sum { maybe: Some(1.0), ..Default::default() };
        let found = computed(db, row, Sum::maybe.set(new)).await;
        assert_eq!(found.map(|row| row.maybe).ok(), expected.map(Some), "{expected:?}");
    }
    if has_infinity {
        for new in
            [maybe() - f64::INFINITY, maybe() * 0.0, maybe() / f64::INFINITY, maybe() + f64::NEG_INFINITY]
        {
            let row = Sum { maybe: Some(f64::INFINITY), ..Default::default() };
            let outcome = computed(db, row, Sum::maybe.set(new)).await;
            assert!(outcome.is_err(), "{outcome:?}");
        }
    }
}
