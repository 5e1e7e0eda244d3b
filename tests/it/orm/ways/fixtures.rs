//! Values in the text of fixtures, which other programs write too: read exactly, or refused with the name of the field.

use aksara::prelude::*;
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "ways.Written")]
struct Written {
    id: i64,
    small: i16,
    int: i32,
    big: i64,
    single: f32,
    double: f64,
    flag: bool,
    text: String,
    price: rust_decimal::Decimal,
    data: Vec<u8>,
    token: uuid::Uuid,
    day: chrono::NaiveDate,
    at: chrono::DateTime<chrono::Utc>,
    doc: serde_json::Value,
    maybe: Option<f64>,
}

/// Field, value, and what the field is read as; nothing for what is refused.
const CASES: &[(&str, &str, Option<&str>)] = &[
    ("small", "32767", Some("32767")),
    ("small", "32768", None),
    ("small", "1.0", None),
    ("small", "1e2", None),
    ("int", "-2147483648", Some("-2147483648")),
    ("int", "-2147483649", None),
    ("big", "9223372036854775807", Some("9223372036854775807")),
    ("big", "9223372036854775808", None),
    ("big", "\"7\"", None),
    ("big", "null", None),
    ("single", "16777216", Some("16777216.0")),
    ("single", "16777217", None),
    ("single", "3.4028234663852886e38", Some("3.4028234663852886e38")),
    ("single", "3.5e38", None),
    ("single", "-1e300", None),
    ("double", "9007199254740992", Some("9007199254740992.0")),
    ("double", "9007199254740993", None),
    ("double", "18446744073709551615", None),
    ("double", "-0.0", Some("0.0")),
    ("double", "5e-324", Some("5e-324")),
    ("double", "\"NaN\"", None),
    ("double", "\"1.5\"", None),
    ("maybe", "null", Some("null")),
    ("maybe", "\"NaN\"", None),
    ("flag", "1", None),
    ("text", "7", None),
    ("text", "\"a\\u0000\"", None),
    ("price", "\"79228162514264337593543950335\"", Some("\"79228162514264337593543950335\"")),
    ("price", "\"79228162514264337593543950336\"", None),
    ("price", "\"0.00000000000000000000000000001\"", None),
    ("price", "\"1.23456789012345678901234567891e3\"", None),
    ("price", "\"1.5e3\"", Some("\"1500\"")),
    ("price", "1.5", None),
    ("data", "\"00ff\"", Some("\"00ff\"")),
    ("data", "\"00FF\"", Some("\"00ff\"")),
    ("data", "[0, 255]", Some("\"00ff\"")),
    ("data", "\"6f726469-6e61-7279-206c-657474657273\"", Some("\"6f7264696e617279206c657474657273\"")),
    ("data", "[256]", None),
    ("data", "[-1]", None),
    ("data", "\"0\"", None),
    ("data", "\"text\"", None),
    ("token", "\"00FF\"", None),
    ("day", "\"2024-02-29\"", Some("\"2024-02-29\"")),
    ("day", "\"2023-02-29\"", None),
    ("day", "\"+10000-01-01\"", None),
    ("day", "\"0000-01-01\"", None),
    ("at", "\"2024-02-29T23:30:00.25+01:00\"", Some("\"2024-02-29T22:30:00.250Z\"")),
    ("at", "\"2016-12-31T23:59:60Z\"", None),
    ("at", "\"0000-12-31T23:59:59Z\"", None),
    ("at", "0", None),
    (
        "doc",
        "{\"a\": [1e16, -0.5, 18446744073709551615]}",
        Some("{\"a\": [1e16, -0.5, 18446744073709551615]}"),
    ),
    ("doc", "[\"\\u0000\"]", None),
];

#[tokio::test]
async fn a_value_in_text_is_read_exactly_or_refused_by_its_name() {
    let test = TestDb::with::<(Written,)>().await;
    for (field, value, read) in CASES.iter().copied() {
        let written = format!("`{field}` = {value}");
        let fixture = format!("[{{\"model\": \"ways.Written\", \"fields\": {{\"{field}\": {value}}}}}]");
        let loaded = test.db.load_fixtures(&fixture).await;
        match (loaded, read) {
            (Ok(1), Some(read)) => {
                let row = Written::objects(&test.db).order_by(Written::id.desc()).first().await.unwrap();
                let read: serde_json::Value = serde_json::from_str(read).unwrap();
                let found = row.unwrap().to_json()[field].clone();
                let is_decimal = field == "price"
                    && found.as_str().and_then(|text| text.parse().ok())
                        == read.as_str().and_then(|text| text.parse::<rust_decimal::Decimal>().ok());
                assert!(found == read || is_decimal, "{written} is read as {found}");
            }
            (Err(error), None) => {
                let text = error.to_string();
                let is_named = text.contains(&format!("`ways.Written.{field}`"))
                    || (text.contains("`ways.Written` is not valid") && text.contains(&format!("`{field}`")));
                assert!(is_named, "{written}: {text}");
            }
            (loaded, _) => panic!("{written}: {loaded:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_given_twice_or_is_no_part_of_a_fixture_is_refused() {
    let test = TestDb::with::<(Written,)>().await;
    let refused = async |json: &str| test.db.load_fixtures(json).await.unwrap_err().to_string();
    let cases = [
        r#"[{"model": "ways.Written", "fields": {"int": 1, "int": 2}}]"#,
        r#"[{"model": "ways.Written", "pk": 7, "fields": {"int": 1}}]"#,
        r#"[{"model": "ways.Written", "model": "ways.Written", "fields": {}}]"#,
        r#"[{"model": "ways.Written", "fields": {"double": 1e400}}]"#,
        r#"[{"model": "ways.Written", "fields": {"single": 1e300}}]"#,
        r#"[{"model": "ways.Written", "fields": {"big": 9223372036854775808}}]"#,
    ];
    let mut lines = Vec::new();
    for case in cases {
        lines.push(refused(case).await);
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    cannot load the fixtures: the field `int` is given twice at line 1 column 57
    cannot load the fixtures: unknown field `pk`, expected `model` or `fields` at line 1 column 31
    cannot load the fixtures: duplicate field `model` at line 1 column 34
    cannot load the fixtures: number out of range at line 1 column 53
    cannot load the fixtures, row 0: `ways.Written.single` is a float, and 1e+300 does not fit into its 32 bits
    cannot load the fixtures, row 0: `ways.Written.big` is a 64-bit integer, and 9223372036854775808 is not
    ");
    assert_eq!(Written::objects(&test.db).count().await.unwrap(), 0);
}
