//! What docs/databases.md says of arithmetic, text, times and floats: each cell of its table, on every database.

use std::cmp::Ordering;

use aksara::prelude::*;
use aksara::{Backend, Error, Filter};
use aksara_tests::TestDb;
use chrono::{DateTime, NaiveDate, Utc};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "cells.Cell", table = "cell")]
struct Cell {
    id: i64,
    small: Option<i16>,
    int: Option<i32>,
    big: Option<i64>,
    single: Option<f32>,
    double: Option<f64>,
    text: Option<String>,
    at: Option<DateTime<Utc>>,
    day: Option<NaiveDate>,
}

async fn cell(db: &Db, cell: Cell) -> i64 {
    Cell::objects(db).create(cell).await.unwrap().id
}

/// Computes over the stored number and reads the result; the database's error where there is none.
macro_rules! computed {
    ($db:expr, $field:ident, $left:expr, $operator:expr, $right:expr) => {{
        let id = cell($db, Cell { $field: Some($left), ..Default::default() }).await;
        let column = F(Cell::$field);
        let expression = match $operator {
            '+' => column + $right,
            '-' => column - $right,
            '*' => column * $right,
            _ => column / $right,
        };
        computed!($db, $field, id, expression)
    }};
    ($db:expr, $field:ident, $id:expr, $expression:expr) => {{
        let same = || Cell::objects($db).filter(Cell::id.eq($id));
        match same().update([Cell::$field.set($expression)]).await {
            Ok(_) => Ok(same().one().await.unwrap().$field),
            Err(error) => Err(error),
        }
    }};
}

macro_rules! remainder {
    ($db:expr, $field:ident, $left:expr, $right:expr) => {{
        let id = cell($db, Cell { $field: Some($left), ..Default::default() }).await;
        computed!($db, $field, id, F(Cell::$field) % $right)
    }};
}

#[tokio::test]
async fn integers_divide_towards_zero_and_what_does_not_fit_is_an_error() {
    let test = TestDb::with::<(Cell,)>().await;
    let db = &test.db;
    macro_rules! table {
        ($field:ident $type:ident) => {
            let (least, greatest) = ($type::MIN, $type::MAX);
            for (left, operator, right, expected) in [
                (7, '/', 2, Some(3)),
                (-7, '/', 2, Some(-3)),
                (7, '/', -2, Some(-3)),
                (least, '/', 2, Some(least / 2)),
                (greatest, '/', 3, Some(greatest / 3)),
                (7, '/', 0, None),
                (greatest - 1, '+', 1, Some(greatest)),
                (least + 1, '-', 1, Some(least)),
                (greatest, '*', 1, Some(greatest)),
            ] {
                let result = computed!(db, $field, left, operator, right).unwrap();
                assert_eq!(result, expected, "{left} {operator} {right}");
            }
            for (left, operator, right) in
                [(greatest, '+', 1), (least, '-', 1), (greatest, '*', 2), (least, '*', -1), (least, '/', -1)]
            {
                let refused = computed!(db, $field, left, operator, right);
                assert!(
                    matches!(refused, Err(Error::Database { .. })),
                    "{left} {operator} {right}: {refused:?}"
                );
            }
            for (left, right, expected) in
                [(7, 3, Some(1)), (-7, 3, Some(-1)), (7, -3, Some(1)), (greatest, 2, Some(1)), (7, 0, None)]
            {
                assert_eq!(remainder!(db, $field, left, right).unwrap(), expected, "{left} % {right}");
            }
        };
    }
    table!(small i16);
    table!(int i32);
    table!(big i64);
    // Nothing that was written stands against reading the table.
    Cell::objects(db).all().await.unwrap();
}

#[tokio::test]
async fn floats_are_ieee_and_what_is_not_finite_is_an_error() {
    let test = TestDb::with::<(Cell,)>().await;
    let db = &test.db;
    for (left, operator, right, expected) in [
        (0.1, '+', 0.2, Some(0.1 + 0.2)),
        (1.0, '/', 3.0, Some(1.0 / 3.0)),
        (-2.5, '*', 4.0, Some(-10.0)),
        (1e300, '-', 1e284, Some(1e300 - 1e284)),
        (1.5, '/', 0.0, None),
    ] {
        assert_eq!(
            computed!(db, double, left, operator, right).unwrap(),
            expected,
            "{left} {operator} {right}"
        );
    }
    assert_eq!(computed!(db, single, 0.5_f32, '*', 3.0_f32).unwrap(), Some(1.5));
    let refused = [
        computed!(db, double, f64::MAX, '*', 10.0).map(drop),
        computed!(db, double, f64::MAX, '+', f64::MAX).map(drop),
        computed!(db, single, f32::MAX, '*', 10.0_f32).map(drop),
    ];
    assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Database { .. }))), "{refused:?}");
    Cell::objects(db).all().await.unwrap();
}

#[tokio::test]
async fn nan_is_refused_and_infinity_where_it_cannot_be_stored() {
    let test = TestDb::with::<(Cell,)>().await;
    let db = &test.db;
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let storable = !number.is_nan() && test.backend() != Backend::MySql;
        let id = cell(db, Cell::default()).await;
        let same = || Cell::objects(db).filter(Cell::id.eq(id));
        let outcomes = [
            Cell::objects(db).create(Cell { double: Some(number), ..Default::default() }).await.map(drop),
            Cell::objects(db)
                .create(Cell { single: Some(number as f32), ..Default::default() })
                .await
                .map(drop),
            Cell::objects(db)
                .bulk_create(vec![Cell { double: Some(number), ..Default::default() }])
                .await
                .map(drop),
            same().update([Cell::double.set(number)]).await.map(drop),
            same().update([Cell::single.set(number as f32)]).await.map(drop),
        ];
        for outcome in outcomes {
            match outcome {
                Ok(()) => assert!(storable, "{number}"),
                Err(error) => {
                    assert!(!storable && matches!(error, Error::Validation(_)), "{number}: {error}")
                }
            }
        }
        let read = same().one().await.unwrap();
        assert_eq!(read.double, storable.then_some(number));
    }
    let finite = cell(db, Cell { double: Some(1.0), ..Default::default() }).await;
    for (filter, finds) in [
        (Cell::double.lt(f64::INFINITY), true),
        (Cell::double.ge(f64::INFINITY), false),
        (Cell::double.gt(f64::NEG_INFINITY), true),
        (Cell::double.ne(f64::NAN), true),
        (Cell::double.eq(f64::NAN), false),
        (Cell::double.lt(f64::NAN), false),
        (Cell::double.ge(f64::NAN), false),
        (Cell::double.is_in([f64::NAN, 1.0]), true),
    ] {
        let shown = format!("{filter:?}");
        let found = Cell::objects(db).filter(filter.and(Cell::id.eq(finite))).count().await.unwrap();
        assert_eq!(found == 1, finds, "{shown}");
    }
}

const TEXTS: [&str; 16] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "100%",
    "100x",
    "a_b",
    "axb",
    "a!b",
    "a!%b",
    "a\\b",
    "a\\\\b",
    "é",
    "e\u{301}",
    "'\"?$1:x🦀",
];

async fn texts(db: &Db, filter: Filter<Cell>) -> Vec<String> {
    let mut texts = Cell::objects(db).filter(filter).values(Cell::text).await.unwrap();
    texts.sort();
    texts.into_iter().flatten().collect()
}

#[tokio::test]
async fn text_is_searched_as_it_is_written() {
    let test = TestDb::with::<(Cell,)>().await;
    let db = &test.db;
    let rows = TEXTS.map(|text| Cell { text: Some(text.to_owned()), ..Default::default() });
    Cell::objects(db).bulk_create(rows.to_vec()).await.unwrap();
    let expected = |is: &dyn Fn(&str) -> bool| {
        let mut texts: Vec<_> = TEXTS.iter().filter(|text| is(text)).map(|text| (*text).to_owned()).collect();
        texts.sort();
        texts
    };
    for pattern in TEXTS.iter().chain(&["%", "_", "!", "\\", "!%", "\\%"]) {
        assert_eq!(
            texts(db, Cell::text.contains(pattern)).await,
            expected(&|text| text.contains(pattern)),
            "contains {pattern:?}"
        );
        assert_eq!(
            texts(db, Cell::text.starts_with(pattern)).await,
            expected(&|text| text.starts_with(pattern)),
            "starts_with {pattern:?}"
        );
        assert_eq!(
            texts(db, Cell::text.eq(*pattern)).await,
            expected(&|text| text == *pattern),
            "eq {pattern:?}"
        );
        assert_eq!(
            texts(db, Cell::text.ne(*pattern)).await,
            expected(&|text| text != *pattern),
            "ne {pattern:?}"
        );
        assert_eq!(
            texts(db, Cell::text.is_in([*pattern, "a"])).await,
            expected(&|text| text == *pattern || text == "a"),
            "in {pattern:?}"
        );
    }
    // In the order of their bytes, but where PostgreSQL's own order is another.
    if test.backend() != Backend::Postgres {
        for pattern in TEXTS.iter().chain(&["b", "Z"]) {
            assert_eq!(
                texts(db, Cell::text.lt(*pattern)).await,
                expected(&|text| text < *pattern),
                "< {pattern:?}"
            );
            assert_eq!(
                texts(db, Cell::text.ge(*pattern)).await,
                expected(&|text| text >= *pattern),
                ">= {pattern:?}"
            );
        }
        let ordered = Cell::objects(db).order_by(Cell::text.asc()).values(Cell::text).await.unwrap();
        let mut sorted: Vec<_> = TEXTS.iter().map(|text| Some((*text).to_owned())).collect();
        sorted.sort();
        assert_eq!(ordered, sorted);
    }
    // PostgreSQL refuses to be asked for a character that no text has.
    let with_nul = Cell::objects(db).filter(Cell::text.eq("a\0")).count().await;
    match test.backend() {
        Backend::Postgres => assert!(matches!(with_nul, Err(Error::Database { .. })), "{with_nul:?}"),
        _ => assert_eq!(with_nul.unwrap(), 0),
    }
    let padded = texts(db, Cell::text.eq("a ")).await;
    // Spaces at the end do not count on MySQL.
    assert_eq!(padded.len(), usize::from(test.backend() == Backend::MySql), "{padded:?}");
}

#[tokio::test]
async fn times_are_compared_as_times_with_and_without_a_fraction() {
    let test = TestDb::with::<(Cell,)>().await;
    let db = &test.db;
    let times: Vec<DateTime<Utc>> = [
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:00.000001Z",
        "2020-01-01T00:00:00.1Z",
        "2020-01-01T00:00:00.100001Z",
        "2020-01-01T00:00:00.12Z",
        "2020-01-01T00:00:00.999Z",
        "2020-01-01T00:00:01Z",
        "9999-12-31T23:59:59.999999Z",
    ]
    .map(|time| time.parse().unwrap())
    .to_vec();
    let rows =
        times.iter().rev().map(|at| Cell { at: Some(*at), day: Some(at.date_naive()), ..Default::default() });
    Cell::objects(db).bulk_create(rows.collect()).await.unwrap();
    let read = async |filter: Filter<Cell>| -> Vec<DateTime<Utc>> {
        let rows = Cell::objects(db).filter(filter).order_by(Cell::at.asc());
        rows.values(Cell::at).await.unwrap().into_iter().flatten().collect()
    };
    let never = [
        DateTime::from_timestamp(253_402_300_800, 0).unwrap(),
        DateTime::<Utc>::MAX_UTC,
        DateTime::<Utc>::MIN_UTC,
    ];
    for one in times.iter().chain(&never) {
        let expected = |is: fn(Ordering) -> bool| -> Vec<_> {
            times.iter().filter(|time| is((*time).cmp(one))).copied().collect()
        };
        assert_eq!(read(Cell::at.eq(*one)).await, expected(Ordering::is_eq), "= {one}");
        assert_eq!(read(Cell::at.ne(*one)).await, expected(Ordering::is_ne), "<> {one}");
        assert_eq!(read(Cell::at.lt(*one)).await, expected(Ordering::is_lt), "< {one}");
        assert_eq!(read(Cell::at.le(*one)).await, expected(Ordering::is_le), "<= {one}");
        assert_eq!(read(Cell::at.gt(*one)).await, expected(Ordering::is_gt), "> {one}");
        assert_eq!(read(Cell::at.ge(*one)).await, expected(Ordering::is_ge), ">= {one}");
        let day = one.date_naive();
        let days = times.iter().filter(|time| time.date_naive() < day).count() as u64;
        assert_eq!(Cell::objects(db).filter(Cell::day.lt(day)).count().await.unwrap(), days, "< {day}");
        let days = times.iter().filter(|time| time.date_naive() >= day).count() as u64;
        assert_eq!(Cell::objects(db).filter(Cell::day.ge(day)).count().await.unwrap(), days, ">= {day}");
    }
}
