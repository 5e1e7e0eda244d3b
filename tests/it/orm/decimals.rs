//! Decimals are exact in all that a database does with them, and files of SQLite work with other programs.

use std::cmp::Ordering;

use aksara::prelude::*;
use aksara::{Backend, Error, Filter, avg, count, max, min, sum};
use aksara_tests::{Random, TestDb};
use rust_decimal::Decimal;
use sqlx::{AssertSqlSafe, Connection, Executor, Row, SqliteConnection};

#[derive(Model, Clone, Debug)]
#[model(label = "decimals.Price", table = "priced")]
struct Priced {
    id: i64,
    name: String,
    #[field(index)]
    price: Decimal,
    other: Option<Decimal>,
}

#[derive(Model, Clone, Debug)]
#[model(label = "decimals.Unique", table = "priced_once")]
struct PricedOnce {
    id: i64,
    #[field(unique)]
    price: Decimal,
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Short and long ones, neighbours of each other and of numbers that floats can hold.
fn samples() -> Vec<Decimal> {
    let mut samples: Vec<Decimal> = [
        "0",
        "0.0000000000000000000000000001",
        "0.1",
        "0.10000000000000000000000001",
        "1",
        "9.5",
        "10",
        "12.5",
        "12.50000000000000000000000001",
        "123456789012.345",
        "9007199254740992.5",
        "9007199254740993",
        "1152921504606847076.5",
        "9223372036854775807",
        "9223372036854775807.5",
        "9223372036854775808",
        "12345678901234567.89",
        "100000000000000000000",
        "79228162514264337593543950.335",
        "79228162514264337593543950335",
    ]
    .map(decimal)
    .to_vec();
    samples.extend(samples.clone().into_iter().map(|sample| -sample));
    samples.sort();
    samples.dedup();
    samples
}

async fn priced(samples: &[Decimal]) -> TestDb {
    let test = TestDb::with::<(Priced, PricedOnce)>().await;
    // Not in their order.
    let rows = samples.iter().rev().map(|price| Priced { price: *price, ..Default::default() }).collect();
    Priced::objects(&test.db).bulk_create(rows).await.unwrap();
    test
}

async fn prices(db: &Db, filter: Filter<Priced>) -> Vec<Decimal> {
    let rows = Priced::objects(db).filter(filter).order_by(Priced::price.asc()).all().await.unwrap();
    rows.iter().map(|row| row.price).collect()
}

#[tokio::test]
async fn comparisons_orders_and_extremes_are_those_of_the_numbers() {
    let samples = samples();
    let test = priced(&samples).await;
    let db = &test.db;
    let rows = || Priced::objects(db);
    let descending = rows().order_by(Priced::price.desc()).values(Priced::price).await.unwrap();
    assert_eq!(descending, samples.iter().rev().copied().collect::<Vec<_>>());
    for one in &samples {
        let expected = |is: fn(Ordering) -> bool| -> Vec<Decimal> {
            samples.iter().filter(|sample| is((*sample).cmp(one))).copied().collect()
        };
        assert_eq!(prices(db, Priced::price.lt(one)).await, expected(Ordering::is_lt), "< {one}");
        assert_eq!(prices(db, Priced::price.le(one)).await, expected(Ordering::is_le), "<= {one}");
        assert_eq!(prices(db, Priced::price.gt(one)).await, expected(Ordering::is_gt), "> {one}");
        assert_eq!(prices(db, Priced::price.ge(one)).await, expected(Ordering::is_ge), ">= {one}");
        assert_eq!(prices(db, Priced::price.eq(one)).await, expected(Ordering::is_eq), "= {one}");
        assert_eq!(prices(db, !Priced::price.eq(one)).await, expected(Ordering::is_ne), "not = {one}");
        assert_eq!(prices(db, Priced::price.ne(one)).await, expected(Ordering::is_ne), "<> {one}");
    }
    assert_eq!(
        prices(db, Priced::price.is_in(samples.iter().step_by(3))).await,
        samples.iter().step_by(3).copied().collect::<Vec<_>>()
    );
    assert_eq!(prices(db, Priced::price.is_in(Vec::<Decimal>::new())).await, []);
    let either = samples.iter().step_by(2).map(|one| Priced::price.eq(one)).reduce(Filter::or).unwrap();
    assert_eq!(prices(db, either).await, samples.iter().step_by(2).copied().collect::<Vec<_>>());
    let extremes = rows().aggregate((min(Priced::price), max(Priced::price))).await.unwrap();
    assert_eq!(extremes, (samples.first().copied(), samples.last().copied()));
    // The same numbers in other forms are the same numbers.
    rows()
        .bulk_create(
            ["12.500", "-0.10", "0.000"]
                .map(|text| Priced { price: decimal(text), ..Default::default() })
                .to_vec(),
        )
        .await
        .unwrap();
    assert_eq!(rows().filter(Priced::price.eq(decimal("12.50"))).count().await.unwrap(), 2);
    assert_eq!(rows().distinct().values(Priced::price).await.unwrap().len(), samples.len());
    let groups = rows()
        .group_by(Priced::price)
        .order_by(Priced::price.asc())
        .values((Priced::price, count()))
        .await
        .unwrap();
    let expected: Vec<_> = samples
        .iter()
        .map(|price| {
            (*price, 1 + i64::from([decimal("12.5"), decimal("-0.1"), Decimal::ZERO].contains(price)))
        })
        .collect();
    assert_eq!(groups, expected);
    assert_eq!(
        rows().filter(Priced::price.eq(F(Priced::price) + Decimal::ZERO)).count().await.unwrap(),
        samples.len() as u64 + 3
    );
}

#[tokio::test]
async fn equal_decimals_violate_a_unique_constraint_and_others_do_not() {
    let test = priced(&[]).await;
    for price in samples() {
        PricedOnce::objects(&test.db).create(PricedOnce { price, ..Default::default() }).await.unwrap();
    }
    for price in [
        "12.50",
        "0.00",
        "12.50000000000000000000000001",
        "9007199254740993.00",
        "79228162514264337593543950335",
    ] {
        let twice =
            PricedOnce::objects(&test.db).create(PricedOnce { price: decimal(price), ..Default::default() });
        let error = twice.await.unwrap_err();
        assert!(error.is_unique_violation(), "{price}: {error}");
    }
}

/// Computes with a stored number; what is read afterwards.
async fn computed(db: &Db, left: Decimal, operator: char, right: Decimal) -> Result<Option<Decimal>, Error> {
    let row = Priced::objects(db).create(Priced { price: left, ..Default::default() }).await?;
    let same = || Priced::objects(db).filter(Priced::id.eq(row.id));
    let expression = || match operator {
        '+' => F(Priced::price) + right,
        '-' => F(Priced::price) - right,
        '*' => F(Priced::price) * right,
        _ => F(Priced::price) / right,
    };
    same().update([Priced::other.set(expression())]).await?;
    let read = same().one().await?.other;
    if let Some(read) = read
        && operator != '/'
    {
        let found = same().filter(Priced::other.eq(read)).count().await?;
        assert_eq!(found, 1, "{left} {operator} {right} is read as {read}");
    }
    Ok(read)
}

#[tokio::test]
async fn arithmetic_is_exact_to_the_last_digit() {
    let test = priced(&[]).await;
    for (left, operator, right, expected) in [
        ("12345678901234.56", '+', "0.01", Some("12345678901234.57")),
        ("12345678901234567.89", '+', "0.01", Some("12345678901234567.90")),
        ("12345678901234567.89", '*', "1", Some("12345678901234567.89")),
        ("79228162514264337593543950335", '*', "1", Some("79228162514264337593543950335")),
        ("79228162514264337593543950334", '+', "1", Some("79228162514264337593543950335")),
        ("-79228162514264337593543950335", '+', "1", Some("-79228162514264337593543950334")),
        ("79228162514264337593543950.335", '*', "1", Some("79228162514264337593543950.335")),
        ("79228162514264337593543950.335", '-', "0.001", Some("79228162514264337593543950.334")),
        ("7.9228162514264337593543950335", '*', "1", Some("7.9228162514264337593543950335")),
        ("0.0000000000000000000000000001", '*', "3", Some("0.0000000000000000000000000003")),
        ("0.1", '+', "0.2", Some("0.3")),
        ("100", '+', "0.10", Some("100.10")),
        ("0.3", '-', "0.1", Some("0.2")),
        ("1.1", '*', "1.1", Some("1.21")),
        ("12345678901234.5", '*', "1000.001", Some("12345691246913401.2345")),
        ("10", '/', "4", Some("2.5")),
        ("1", '/', "3", Some("0.3333333333333333333333333333")),
        ("-2", '/', "3", Some("-0.6666666666666666666666666667")),
        ("100", '/', "3", Some("33.333333333333333333333333333")),
        ("79228162514264337593543950335", '/', "5", Some("15845632502852867518708790067")),
        ("1", '/', "0.0000000000000000000000000001", Some("10000000000000000000000000000")),
        ("1", '/', "0", None),
        // More digits than a decimal holds: rounded.
        ("0.12345678901234567890", '*', "0.12345678901234567890", Some("0.0152415787532388367501905200")),
        ("33.33333333333333333333333333", '*', "1.19", Some("39.666666666666666666666666663")),
    ] {
        let read = computed(&test.db, decimal(left), operator, decimal(right)).await;
        let read = read.unwrap_or_else(|error| panic!("{left} {operator} {right}: {error}"));
        assert_eq!(read, expected.map(decimal), "{left} {operator} {right}");
    }
    for (left, operator, right) in [
        ("79228162514264337593543950335", '+', "1"),
        ("-79228162514264337593543950335", '-', "1"),
        ("79228162514264337593543950335", '*', "10"),
        ("79228162514264337593543950335", '/', "0.1"),
    ] {
        let refused = computed(&test.db, decimal(left), operator, decimal(right)).await;
        assert!(matches!(refused, Err(Error::Database { .. })), "{left} {operator} {right}: {refused:?}");
    }
    // Nothing that was written stands against reading the table.
    Priced::objects(&test.db).all().await.unwrap();
}

/// Against Rust's decimals, which are exact where there is room for all digits.
#[tokio::test]
async fn arithmetic_over_random_numbers_is_that_of_rust() {
    let test = priced(&[]).await;
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..100 {
        let mut random = |digits: u32| {
            let mantissa = i128::from(next()) * i128::from(next() % 1_000_000_007) % 10_i128.pow(digits);
            let sign = if next() % 2 == 0 { 1 } else { -1 };
            Decimal::from_i128_with_scale(sign * mantissa, (next() % u64::from(digits)) as u32)
        };
        let (left, right) = (random(14), random(13));
        for (operator, expected) in [('+', left + right), ('-', left - right), ('*', left * right)] {
            let read = computed(&test.db, left, operator, right).await.unwrap();
            assert_eq!(read, Some(expected), "{left} {operator} {right}");
        }
    }
}

#[tokio::test]
async fn sums_and_means_lose_no_digit() {
    let test = priced(&[]).await;
    let total = async |values: &[&str]| {
        let rows = || Priced::objects(&test.db);
        test.db.execute_raw("DELETE FROM priced", vec![]).await.unwrap();
        rows()
            .bulk_create(
                values.iter().map(|text| Priced { price: decimal(text), ..Default::default() }).collect(),
            )
            .await
            .unwrap();
        rows().aggregate((sum(Priced::price), avg(Priced::price), sum(Priced::other))).await
    };
    for (values, expected, mean) in [
        (&["0.1", "0.2"] as &[_], "0.3", 0.15),
        (&["0.1"; 10], "1", 0.1),
        (&["12345678901234567.89", "0.01", "-12345678901234567.88"], "0.02", 0.02 / 3.0),
        (
            &[
                "79228162514264337593543950335",
                "-79228162514264337593543950335",
                "0.0000000000000000000000000001",
            ],
            "0.0000000000000000000000000001",
            1e-28 / 3.0,
        ),
        (
            &["79228162514264337593543950335", "1", "-1"],
            "79228162514264337593543950335",
            79228162514264337593543950335.0 / 3.0,
        ),
    ] {
        let (sum, average, of_nulls) = total(values).await.unwrap();
        assert_eq!(sum, Some(decimal(expected)), "{values:?}");
        let average = average.unwrap();
        assert!((average - mean).abs() <= mean.abs() * 1e-12, "{values:?}: {average}");
        assert_eq!(of_nulls, None);
    }
    assert!(total(&["79228162514264337593543950335", "1"]).await.is_err());
    assert_eq!(total(&[]).await.unwrap(), (None, None, None));
}

/// Means that a decimal says exactly, so that there is one nearest float.
#[tokio::test]
async fn the_mean_is_the_nearest_float_on_every_database() {
    let test = TestDb::with::<(Priced,)>().await;
    let rows = || Priced::objects(&test.db);
    let mut random = Random::new(20_261_125);
    for round in 0..60 {
        let count = [1, 2, 4, 5, 8, 10][round % 6];
        let mut one = || {
            let digits = i64::try_from(random.below(10_u64.pow(1 + round as u32 % 17))).unwrap();
            let sign = if random.below(2) == 0 { 1 } else { -1 };
            Decimal::new(sign * digits, random.below(10) as u32)
        };
        let prices: Vec<_> = (0..count).map(|_| one()).collect();
        let mean: Decimal = prices.iter().sum::<Decimal>() / Decimal::from(count);
        test.db.execute_raw("DELETE FROM priced", vec![]).await.unwrap();
        rows()
            .bulk_create(prices.iter().map(|price| Priced { price: *price, ..Default::default() }).collect())
            .await
            .unwrap();
        let found = rows().aggregate(avg(Priced::price)).await.unwrap();
        assert_eq!(found, Some(mean.to_string().parse().unwrap()), "{prices:?}");
    }
}

/// A connection of another program, which knows nothing of ours.
async fn another_program(test: &TestDb) -> SqliteConnection {
    SqliteConnection::connect(&test.url()).await.unwrap()
}

async fn rows(program: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let rows = program.fetch_all(AssertSqlSafe(sql.to_owned())).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.get_unchecked(0)).collect()
}

#[tokio::test]
async fn a_file_of_sqlite_works_with_other_programs() {
    let short = ["-3", "0.25", "9.5", "10", "12.5", "1000000000.01"].map(decimal);
    let test = priced(&short).await;
    if test.backend() != Backend::Sqlite {
        return;
    }
    for price in short {
        PricedOnce::objects(&test.db).create(PricedOnce { price, ..Default::default() }).await.unwrap();
    }
    let mut program = another_program(&test).await;
    let ordered = rows(&mut program, "SELECT CAST(price AS TEXT) FROM priced ORDER BY price").await;
    assert_eq!(ordered, ["-3", "0.25", "9.5", "10", "12.5", "1000000000.01"]);
    assert_eq!(
        rows(&mut program, "SELECT CAST(max(price) AS TEXT) FROM priced WHERE price < '12.50'").await,
        ["10"]
    );
    let long = decimal("12345678901234567.89");
    Priced::objects(&test.db).create(Priced { price: long, ..Default::default() }).await.unwrap();
    assert_eq!(
        rows(&mut program, "SELECT CAST(price AS TEXT) FROM priced ORDER BY id DESC LIMIT 1").await,
        [long.to_string()]
    );
    for sql in [
        "PRAGMA integrity_check",
        "REINDEX",
        "VACUUM",
        "INSERT INTO priced (name, price) VALUES ('theirs', '7.70'), ('theirs', 7.7), ('theirs', 7), ('theirs', '7.0')",
        "UPDATE priced SET price = price + 1 WHERE name = 'theirs'",
        "ANALYZE",
    ] {
        let said = rows(&mut program, sql).await;
        assert!(said.is_empty() || said == ["ok"], "{sql}: {said:?}");
    }
    let theirs = Priced::objects(&test.db).filter(Priced::name.eq("theirs"));
    assert_eq!(
        theirs.clone().order_by(Priced::id.asc()).values(Priced::price).await.unwrap(),
        ["8.7", "8.7", "8", "8"].map(decimal)
    );
    assert_eq!(theirs.filter(Priced::price.eq(decimal("8.70"))).count().await.unwrap(), 2);
    let twice = program.execute("INSERT INTO priced_once (price) VALUES ('12.50')").await.unwrap_err();
    assert!(twice.as_database_error().is_some_and(|error| error.is_unique_violation()), "{twice}");
    let plan = rows(&mut program, "SELECT sql FROM sqlite_schema").await.join("\n");
    assert!(!plan.to_lowercase().contains("aksara"), "{plan}");
}

/// What a table of another program, or of an earlier version of ours, may hold.
#[tokio::test]
async fn every_form_of_a_decimal_is_read_and_compared_as_the_number() {
    let test = priced(&[]).await;
    if test.backend() != Backend::Sqlite {
        return;
    }
    for column in ["DECIMAL(10, 2)", "NUMERIC", "REAL", "TEXT", "", "TEXT COLLATE AKSARA_DECIMAL"] {
        for sql in [
            "DROP TABLE priced",
            &format!(
                "CREATE TABLE priced (id INTEGER PRIMARY KEY, name TEXT DEFAULT '', price {column} NOT NULL, other {column})"
            ),
            &format!("CREATE INDEX \"by {column}\" ON priced (price)"),
            "INSERT INTO priced (price) VALUES ('12.5'), (12.5), ('12.50'), (12), ('9'), (CAST('10.25' AS BLOB)), (-1)",
        ] {
            test.db.execute_raw(sql, vec![]).await.unwrap();
        }
        let db = &test.db;
        let sorted = ["-1", "9", "10.25", "12", "12.5", "12.5", "12.5"].map(decimal);
        assert_eq!(prices(db, Priced::id.gt(0)).await, sorted, "{column}");
        assert_eq!(prices(db, Priced::price.eq(decimal("12.5"))).await.len(), 3, "{column}");
        assert_eq!(
            prices(db, Priced::price.is_in(["12.500", "9.0"].map(decimal))).await.len(),
            4,
            "{column}"
        );
        assert_eq!(prices(db, Priced::price.lt(decimal("10.25"))).await, sorted[..2], "{column}");
        assert_eq!(prices(db, Priced::price.ge(decimal("10.25"))).await, sorted[2..], "{column}");
        assert_eq!(prices(db, Priced::price.ne(decimal("12.5"))).await, sorted[..4], "{column}");
        let all = Priced::objects(db).aggregate((sum(Priced::price), min(Priced::price), max(Priced::price)));
        assert_eq!(
            all.await.unwrap(),
            (Some(decimal("67.75")), Some(sorted[0]), Some(sorted[6])),
            "{column}"
        );
        let groups =
            Priced::objects(db).group_by(Priced::price).values((Priced::price, count())).await.unwrap();
        assert_eq!(groups.len(), 5, "{column}: {groups:?}");
        // What we write there is read again, too.
        let other = Priced::other.set(F(Priced::price) * decimal("2.50"));
        Priced::objects(db).filter(Priced::price.eq(decimal("10.25"))).update([other]).await.unwrap();
        let row = Priced::objects(db).filter(Priced::other.is_not_null()).one().await.unwrap();
        assert_eq!(row.other, Some(decimal("25.625")), "{column}");
    }
}

/// The statement that narrows by an index is a search, not a scan.
#[tokio::test]
async fn a_filter_of_decimals_uses_the_index_on_sqlite() {
    let test = priced(&samples()).await;
    if test.backend() != Backend::Sqlite {
        return;
    }
    let mut program = another_program(&test).await;
    let indexed =
        "EXPLAIN QUERY PLAN SELECT 1 FROM priced WHERE (price <= 12.5 OR price >= ('')) AND abs(price) < 5";
    let plan = program.fetch_all(indexed).await.unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(3)).collect();
    assert!(plan.iter().any(|step| step.starts_with("SEARCH")), "{plan:?}");
}
