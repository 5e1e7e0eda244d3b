//! What is written can be read and is equal: refused before the SQL, or the same afterwards, by every way of writing.

use aksara::prelude::*;
use aksara::{Backend, Error, sum};
use aksara_tests::TestDb;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

#[derive(Model, Clone, Debug, PartialEq)]
struct Document {
    id: i64,
    title: String,
    body: serde_json::Value,
    at: DateTime<Utc>,
    day: NaiveDate,
}

fn nested(depth: usize) -> serde_json::Value {
    (0..depth)
        .fold(json!("leaf"), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"a": inner}) })
}

/// Writes the document by every way there is, and says for each whether it was taken and, if so, came back equal.
async fn written_and_read(db: &Db, document: &Document) -> Vec<Result<bool, Error>> {
    let documents = || Document::objects(db);
    let same = async |id| documents().get(id).await.map(|read| *read == Document { id, ..document.clone() });
    let blank = || documents().create(Document::default());
    let created = match documents().create(document.clone()).await {
        Ok(row) => same(row.id).await,
        Err(error) => Err(error),
    };
    let bulk = match documents().bulk_create(vec![document.clone()]).await {
        Ok(rows) => same(rows[0].id).await,
        Err(error) => Err(error),
    };
    let mut row = blank().await.unwrap();
    let id = row.id;
    *row = Document { id, ..document.clone() };
    let saved = match row.save(db).await {
        Ok(()) => same(id).await,
        Err(error) => Err(error),
    };
    let row = blank().await.unwrap();
    let assignments = [
        Document::title.set(document.title.as_str()),
        Document::body.set(&document.body),
        Document::at.set(document.at),
        Document::day.set(document.day),
    ];
    let updated = match documents().filter(Document::id.eq(row.id)).update(assignments).await {
        Ok(_) => same(row.id).await,
        Err(error) => Err(error),
    };
    let mut rows = vec![blank().await.unwrap()];
    let id = rows[0].id;
    *rows[0] = Document { id, ..document.clone() };
    let bulk_updated = match documents().bulk_update(&mut rows, &["title", "body", "at", "day"]).await {
        Ok(_) => same(id).await,
        Err(error) => Err(error),
    };
    vec![created, bulk, saved, updated, bulk_updated]
}

#[tokio::test]
async fn what_cannot_be_read_again_is_refused_before_the_sql_and_the_rest_comes_back_equal() {
    let test = TestDb::with::<(Document,)>().await;
    let title = |title: &str| Document { title: title.to_owned(), ..Default::default() };
    let body = |body| Document { body, ..Default::default() };
    let at = |text: &str| Document { at: text.parse().unwrap(), ..Default::default() };
    let day = |year| Document { day: NaiveDate::from_ymd_opt(year, 1, 31).unwrap(), ..Default::default() };
    let mut cases = vec![
        (title("quote ' \" \\ % _ ! ? $1 🦀"), true),
        (title("a\0b"), false),
        (body(json!("c\0")), false),
        (body(json!({"a\0b": 1})), false),
        (body(json!(null)), true),
        (body(json!([0.1, -0.25, 1e15, 5e-324, f64::MAX, -105.98936434295821, 123456789.12345679])), true),
        (body(json!([u64::MAX, i64::MIN, 9007199254740993i64, "", {}, []])), true),
        (at("0001-01-01T00:00:00Z"), true),
        (at("9999-12-31T23:59:59.999999Z"), true),
        (at("2016-12-31T23:59:60Z"), false),
        (Document { at: DateTime::from_timestamp(253_402_300_800, 0).unwrap(), ..Default::default() }, false),
        (Document { at: DateTime::<Utc>::MAX_UTC, ..Default::default() }, false),
        (Document { at: DateTime::<Utc>::MIN_UTC, ..Default::default() }, false),
        (day(1), true),
        (day(9999), true),
        (day(10_000), false),
        (day(0), false),
        (day(-44), false),
    ];
    cases.extend([31, 32, 33, 64, 99, 100].map(|depth| (body(nested(depth)), true)));
    cases.extend([101, 128, 1_000].map(|depth| (body(nested(depth)), false)));
    for (document, storable) in cases {
        for (way, outcome) in written_and_read(&test.db, &document).await.into_iter().enumerate() {
            let shown = format!("way {way} of {:.120}: {outcome:?}", format!("{document:?}"));
            match outcome {
                Ok(equal) => assert!(storable && equal, "{shown}"),
                Err(error) => assert!(!storable && matches!(error, Error::Validation(_)), "{shown}"),
            }
        }
    }
    // Nothing that was written stands against reading the table.
    Document::objects(&test.db).all().await.unwrap();
}

#[tokio::test]
async fn floats_in_json_come_back_to_the_last_digit() {
    let test = TestDb::with::<(Document,)>().await;
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let positions: Vec<f64> = (0..2_000)
        .map(|_| (next() % 360_000_000_000) as f64 / 1e9 - 180.0 + (next() % 1_000) as f64 / 1e13)
        .collect();
    let rows =
        positions.iter().map(|position| Document { body: json!(position), ..Default::default() }).collect();
    Document::objects(&test.db).bulk_create(rows).await.unwrap();
    let read = Document::objects(&test.db).order_by(Document::id.asc()).all().await.unwrap();
    let changed: Vec<_> = positions.iter().zip(&read).filter(|(sent, row)| row.body != json!(sent)).collect();
    assert!(changed.is_empty(), "{} of 2000, the first {:?}", changed.len(), changed[0]);
}

#[tokio::test]
async fn times_that_rust_cannot_hold_are_errors_and_other_rows_are_read() {
    let test = TestDb::with::<(Document,)>().await;
    if test.backend() != Backend::Postgres {
        return;
    }
    let good = Document::objects(&test.db).create(Document::default()).await.unwrap();
    for (at, day) in [
        ("infinity", "2000-01-01"),
        ("-infinity", "2000-01-01"),
        ("294276-01-01", "2000-01-01"),
        ("2000-01-01", "infinity"),
        ("2000-01-01", "-infinity"),
        ("2000-01-01", "5874897-12-31"),
    ] {
        let insert = format!("INSERT INTO document (title, body, at, day) VALUES ('', '1', '{at}', '{day}')");
        test.db.execute_raw(&insert, vec![]).await.unwrap();
        let error = Document::objects(&test.db).filter(Document::id.ne(good.id)).all().await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error}");
        Document::objects(&test.db).get(good.id).await.unwrap();
        test.db.execute_raw("DELETE FROM document WHERE title = '' AND id <> 1", vec![]).await.unwrap();
    }
}

#[derive(Model, Clone, Debug)]
struct Stock {
    id: i64,
    units: i32,
    total: i64,
    price: Option<f64>,
    rest: Option<i32>,
}

#[tokio::test]
async fn integers_are_divided_towards_zero_and_by_zero_to_null() {
    let test = TestDb::with::<(Stock,)>().await;
    let stock = || Stock::objects(&test.db);
    for (units, by, quotient) in [
        (3, 2, 1),
        (7, 2, 3),
        (-3, 2, -1),
        (-7, -2, 3),
        (i32::MAX, 2, 1_073_741_823),
        (i32::MIN, 3, -715_827_882),
    ] {
        let row = stock()
            .create(Stock { units, total: units.into(), rest: Some(quotient), ..Default::default() })
            .await
            .unwrap();
        let same = stock().filter(Stock::id.eq(row.id));
        assert_eq!(
            same.clone().filter(Stock::rest.eq(F(Stock::units) / by)).count().await.unwrap(),
            1,
            "{units} / {by}"
        );
        same.clone()
            .update([
                Stock::units.set(F(Stock::units) / by),
                Stock::total.set(F(Stock::total) / i64::from(by)),
            ])
            .await
            .unwrap();
        let read = same.one().await.unwrap();
        assert_eq!((read.units, read.total), (quotient, quotient.into()), "{units} / {by}");
    }
    let row = stock().create(Stock { price: Some(1.5), rest: Some(4), ..Default::default() }).await.unwrap();
    let same = stock().filter(Stock::id.eq(row.id));
    same.clone()
        .update([Stock::price.set(F(Stock::price) / 0.0), Stock::rest.set(F(Stock::rest) / 0)])
        .await
        .unwrap();
    let read = same.clone().one().await.unwrap();
    assert_eq!((read.price, read.rest), (None, None));
    let refused = same.update([Stock::units.set(F(Stock::units) / 0)]).await.unwrap_err();
    assert!(matches!(refused, Error::Integrity { .. }), "{refused}");
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_an_error() {
    let test = TestDb::with::<(Stock,)>().await;
    let rows = vec![Stock { total: i64::MAX, units: i32::MAX, ..Default::default() }; 2];
    Stock::objects(&test.db).bulk_create(rows).await.unwrap();
    assert!(Stock::objects(&test.db).aggregate(sum(Stock::total)).await.is_err());
    let small = Stock::objects(&test.db).aggregate(sum(Stock::units)).await.unwrap();
    assert_eq!(small, Some(2 * i64::from(i32::MAX)));
    let none = Stock::objects(&test.db).filter(Stock::id.eq(0)).aggregate(sum(Stock::total)).await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn a_raw_query_runs_as_it_stands_and_finds_columns_by_name() {
    let test = TestDb::with::<(Stock,)>().await;
    let rows = [3, 1, 4, 2].map(|units| Stock { units, ..Default::default() });
    Stock::objects(&test.db).bulk_create(rows.to_vec()).await.unwrap();
    let units = async |sql: &str| {
        let rows = test.db.query_raw::<Stock>(sql, vec![]).await;
        rows.map(|rows| rows.iter().map(|row| row.units).collect::<Vec<_>>())
    };
    assert_eq!(units("SELECT * FROM stock ORDER BY units").await.unwrap(), [1, 2, 3, 4]);
    assert_eq!(units("SELECT rest, price, 7 AS other, total, units, id FROM stock ORDER BY units DESC LIMIT 2 -- the end").await.unwrap(), [4, 3]);
    assert_eq!(
        units("SELECT s.* FROM stock s JOIN stock t ON s.id = t.id ORDER BY s.units;").await.unwrap(),
        [1, 2, 3, 4]
    );
    let error = units("SELECT id, units FROM stock").await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot read `stock.total` as a 64-bit integer: the query does not return this column");
}

#[tokio::test]
async fn tables_that_point_at_each_other_are_made_in_one_call_or_in_several() {
    #[derive(Model, Clone, Debug)]
    struct RingTeam {
        id: i64,
        lead: Option<Fk<RingPerson>>,
        members: ManyToMany<RingPerson>,
    }
    #[derive(Model, Clone, Debug)]
    struct RingPerson {
        id: i64,
        city: Option<Fk<RingCity>>,
    }
    #[derive(Model, Clone, Debug)]
    struct RingCity {
        id: i64,
        team: Option<Fk<RingTeam>>,
    }
    let together = TestDb::with::<(RingTeam, RingPerson, RingCity)>().await;
    together.db.create_tables::<(RingTeam, RingPerson, RingCity)>().await.unwrap();
    let apart = TestDb::with::<(RingPerson,)>().await;
    apart.db.create_tables::<(RingCity, RingPerson)>().await.unwrap();
    apart.db.create_tables::<(RingTeam,)>().await.unwrap();
    apart.db.create_tables::<(RingTeam, RingCity)>().await.unwrap();
    for db in [&together.db, &apart.db] {
        let team = RingTeam::objects(db).create(RingTeam::default()).await.unwrap();
        let city = RingCity { team: Some(Fk::from(&team)), ..Default::default() };
        RingCity::objects(db).create(city).await.unwrap();
        let nowhere = [
            RingTeam::objects(db)
                .create(RingTeam { lead: Some(Fk::new(99)), ..Default::default() })
                .await
                .map(drop),
            RingPerson::objects(db)
                .create(RingPerson { city: Some(Fk::new(99)), ..Default::default() })
                .await
                .map(drop),
            RingCity::objects(db)
                .create(RingCity { team: Some(Fk::new(99)), ..Default::default() })
                .await
                .map(drop),
        ];
        for outcome in nowhere {
            assert!(matches!(outcome, Err(Error::Integrity { .. })), "{outcome:?}");
        }
    }
}
