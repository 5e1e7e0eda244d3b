//! Every type of field, to the database and back, and to JSON.

use aksara::Backend;
use aksara::prelude::*;
use aksara_tests::TestDb;
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

#[derive(Model, Clone, Debug, PartialEq)]
struct Everything {
    #[field(primary_key)]
    id: Uuid,
    #[field(max_length = 50)]
    string: String,
    text: String,
    small: i16,
    int: i32,
    big: i64,
    single: f32,
    double: f64,
    flag: bool,
    decimal: Decimal,
    uuid: Uuid,
    time: DateTime<Utc>,
    date: NaiveDate,
    json: serde_json::Value,
    bytes: Vec<u8>,
    maybe: Option<i64>,
    maybe_time: Option<DateTime<Utc>>,
    maybe_json: Option<serde_json::Value>,
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn cases() -> impl Iterator<Item = Everything> {
    let smallest = Everything {
        small: i16::MIN,
        int: i32::MIN,
        big: i64::MIN,
        single: f32::MIN,
        double: f64::MIN,
        decimal: Decimal::MIN,
        time: time("1901-01-01T00:00:00.000001Z"),
        date: NaiveDate::from_ymd_opt(1066, 10, 14).unwrap(),
        ..Default::default()
    };
    let largest = Everything {
        string: "🦀".repeat(50),
        text: "x".repeat(1 << 20),
        small: i16::MAX,
        int: i32::MAX,
        big: i64::MAX,
        single: f32::MAX,
        double: f64::INFINITY,
        flag: true,
        decimal: "79228162514264337593543950.335".parse().unwrap(),
        uuid: Uuid::max(),
        time: time("2999-12-31T23:59:59.999999999Z"),
        date: NaiveDate::from_ymd_opt(9999, 12, 31).unwrap(),
        json: json!({"a": [1, -2.5, null, {"b": "c"}], "": u64::MAX}),
        bytes: (0..=255).collect(),
        maybe: Some(0),
        maybe_time: Some(time("1969-12-31T23:59:59Z")),
        maybe_json: Some(json!([])),
        ..Default::default()
    };
    let scaled =
        Everything { decimal: "1.500".parse().unwrap(), text: "'\"\\%_".into(), ..Default::default() };
    [Everything::default(), smallest, largest, scaled].into_iter()
}

#[tokio::test]
async fn every_value_comes_back_as_it_went() {
    let test = TestDb::with::<(Everything,)>().await;
    for case in cases().map(|case| on(test.backend(), case)) {
        let saved = Everything::objects(&test.db).create(case.clone()).await.unwrap();
        let loaded = Everything::objects(&test.db).get(saved.id).await.unwrap();
        assert!(*loaded == Everything { id: saved.id, ..case }, "{:.2000}", format!("{loaded:?}"));
        if test.backend() == Backend::Postgres {
            assert_eq!(loaded.decimal.scale(), saved.decimal.scale());
        }
    }
}

/// The value as near to the limits as this database allows; `docs/databases.md` has the table.
fn on(backend: Backend, case: Everything) -> Everything {
    match backend {
        Backend::Sqlite => case,
        Backend::Postgres => Everything { time: case.time.trunc_subsecs(6), ..case },
        Backend::MySql => {
            let double = case.double.clamp(f64::MIN, f64::MAX);
            Everything { time: case.time.trunc_subsecs(6), double, ..case }
        }
    }
}

#[tokio::test]
async fn every_value_can_be_compared_and_ordered() {
    let test = TestDb::with::<(Everything,)>().await;
    let decimals = ["10", "9.5", "-3", "0.25"].map(|text| text.parse::<Decimal>().unwrap());
    let rows = decimals.map(|decimal| Everything { decimal, ..Default::default() });
    Everything::objects(&test.db).bulk_create(rows.to_vec()).await.unwrap();
    let rows = Everything::objects(&test.db).order_by(Everything::decimal.asc()).all().await.unwrap();
    let ordered: Vec<String> = rows.iter().map(|row| row.decimal.to_string()).collect();
    assert_eq!(ordered, ["-3", "0.25", "9.5", "10"]);
    let at_least = Everything::decimal.ge("9.50".parse::<Decimal>().unwrap());
    assert_eq!(Everything::objects(&test.db).filter(at_least).count().await.unwrap(), 2);
    let times = ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5Z", "1950-06-01T12:00:00Z"].map(time);
    let rows = times.map(|time| Everything { time, text: "timed".into(), ..Default::default() });
    Everything::objects(&test.db).bulk_create(rows.to_vec()).await.unwrap();
    let timed = Everything::objects(&test.db).filter(Everything::text.eq("timed"));
    let ordered = timed.order_by(Everything::time.desc()).all().await.unwrap();
    assert_eq!(ordered.iter().map(|row| row.time).collect::<Vec<_>>(), [times[1], times[0], times[2]]);
    let one = Everything::objects(&test.db)
        .filter(Everything::uuid.eq(Uuid::nil()).and(Everything::flag.eq(false)));
    assert_eq!(one.count().await.unwrap(), 7);
}

#[test]
fn to_json_names_every_field() {
    let everything = cases().last().unwrap().instance();
    let mut json = everything.to_json();
    json["text"] = "".into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}
