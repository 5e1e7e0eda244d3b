//! The values: each column at its limits, beyond them, and with what is odd about its type.

use aksara::{Backend, Value};
use aksara_tests::Random;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

fn text(text: impl Into<String>) -> Value {
    Value::String(Some(text.into()))
}

fn decimal(text: &str) -> Value {
    Value::Decimal(Some(text.parse().unwrap()))
}

fn doc(json: Json) -> Value {
    Value::Json(Some(Box::new(json)))
}

fn at(text: &str) -> Value {
    Value::ChronoDateTimeUtc(Some(text.parse().unwrap()))
}

fn day(year: i32, month: u32, day: u32) -> Value {
    Value::ChronoDate(NaiveDate::from_ymd_opt(year, month, day))
}

fn nested(depth: usize) -> Value {
    doc((0..depth)
        .fold(json!(1), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "a": inner }) }))
}

/// Column, value, and whether it can be stored.
type Case = (&'static str, Value, bool);

pub(super) fn cases(backend: Backend) -> Vec<Case> {
    let mut cases = texts(backend);
    cases.extend(times());
    cases.extend(documents());
    cases.extend(numbers(backend));
    cases.extend(vec![
        ("small", Value::SmallInt(Some(i16::MIN)), true),
        ("small", Value::SmallInt(Some(i16::MAX)), true),
        ("int", Value::Int(Some(i32::MIN)), true),
        ("int", Value::Int(Some(i32::MAX)), true),
        ("big", Value::BigInt(Some(i64::MIN)), true),
        ("big", Value::BigInt(Some(i64::MAX)), true),
        ("big", Value::BigInt(Some((1 << 53) + 1)), true),
        ("flag", Value::Bool(Some(true)), true),
        ("data", Value::Bytes(Some((0..=255).collect())), true),
        ("data", Value::Bytes(Some(b"text".to_vec())), true),
        ("data", Value::Bytes(Some(vec![0; 70_000])), true),
        ("token", Value::Uuid(Some(Uuid::max())), true),
        ("token", Value::Uuid(Some(Uuid::from_bytes(*b"ordinary letters"))), true),
    ]);
    cases
}

fn texts(backend: Backend) -> Vec<Case> {
    vec![
        ("short", text("12345"), true),
        ("short", text("🦀é\u{301}🦀 "), true),
        ("short", text("123456"), false),
        ("short", text("äöüß🦀x"), false),
        ("short", text("1\0"), false),
        ("text", text("quote ' \" \\ % _ ! ? $1 ` \r\n\t 🦀\u{10FFFF}"), true),
        ("text", text("trailing  "), true),
        ("text", text(" "), true),
        ("text", text("null"), true),
        ("text", text("12"), true),
        ("text", text("x".repeat(100_000)), true),
        ("text", text("a\0"), false),
        ("text", text("\0"), false),
        ("found", text("x".repeat(255)), true),
        ("found", text("🦀".repeat(255)), true),
        ("found", text("x".repeat(256)), backend != Backend::MySql),
        ("chosen", text("draft"), true),
        ("chosen", text("Draft"), false),
        ("chosen", text("draft "), false),
    ]
}

fn times() -> Vec<Case> {
    vec![
        ("day", day(1, 1, 1), true),
        ("day", day(9999, 12, 31), true),
        ("day", day(2024, 2, 29), true),
        ("day", day(1582, 10, 10), true),
        ("day", day(0, 12, 31), false),
        ("day", day(-1, 1, 1), false),
        ("day", day(10_000, 1, 1), false),
        ("day", Value::ChronoDate(Some(NaiveDate::MAX)), false),
        ("day", Value::ChronoDate(Some(NaiveDate::MIN)), false),
        ("at", at("0001-01-01T00:00:00Z"), true),
        ("at", at("9999-12-31T23:59:59.999999999Z"), true),
        ("at", at("1969-12-31T23:59:59.999999999Z"), true),
        ("at", at("1999-12-31T23:59:59.0000019Z"), true),
        ("at", at("2026-03-29T02:30:00.5Z"), true),
        ("at", at("2038-01-19T03:14:08.000001Z"), true),
        ("at", at("0000-12-31T23:59:59Z"), false),
        ("at", at("+10000-01-01T00:00:00Z"), false),
        ("at", at("2016-12-31T23:59:60Z"), false),
        ("at", Value::ChronoDateTimeUtc(Some(DateTime::<Utc>::MAX_UTC)), false),
        ("at", Value::ChronoDateTimeUtc(Some(DateTime::<Utc>::MIN_UTC)), false),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        ("doc", doc(json!(null)), true),
        ("doc", doc(json!("")), true),
        ("doc", doc(json!("12")), true),
        ("doc", doc(json!(-0.0)), true),
        ("doc", doc(json!([0.1, 1.0, 1e15, 1e16, 1e19, 1e22, 5e-324, f64::MAX, 1.5e-7])), true),
        ("doc", doc(json!([u64::MAX, i64::MIN, (1_u64 << 53) + 1])), true),
        ("doc", doc(json!({ "b": 1, "a": { "": [] }, "ключ": "🦀\u{1}\u{7f}\u{2028}\\u0041" })), true),
        ("doc", doc(json!({ "a\0": 1 })), false),
        ("doc", doc(json!([["\0"]])), false),
        ("doc", nested(100), true),
        ("doc", nested(101), false),
    ]
}

fn numbers(backend: Backend) -> Vec<Case> {
    let has_infinity = backend != Backend::MySql;
    let float = |number: f32| Value::Float(Some(number));
    let double = |number: f64| Value::Double(Some(number));
    let mut cases = Vec::new();
    let decimals = [
        "0",
        "-0.00",
        "12.50",
        "79228162514264337593543950335",
        "-79228162514264337593543950335",
        "7.9228162514264337593543950335",
        "0.0000000000000000000000000001",
        "-0.0000000000000000000000000001",
        "1234567890123456.789",
        "9007199254740993",
        "9223372036854775808",
        "0.1000000000000000000000000001",
    ];
    cases.extend(decimals.map(|text| ("price", decimal(text), true)));
    let singles = [
        0.1,
        -0.0,
        f32::MIN,
        f32::MAX,
        f32::EPSILON,
        f32::MIN_POSITIVE,
        f32::MIN_POSITIVE / 8.0,
        16_777_217.0,
    ];
    cases.extend(singles.map(|number| ("single", float(number), true)));
    cases.extend([f32::INFINITY, f32::NEG_INFINITY].map(|number| ("single", float(number), has_infinity)));
    let doubles = [
        0.1,
        -0.0,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        1e22,
        9_007_199_254_740_993.0,
        0.1 + 0.2,
        2.225_073_858_507_201e-308,
    ];
    cases.extend(doubles.map(|number| ("double", double(number), true)));
    cases.extend([f64::INFINITY, f64::NEG_INFINITY].map(|number| ("double", double(number), has_infinity)));
    cases.push(("single", float(f32::NAN), false));
    cases.push(("double", double(f64::NAN), false));
    cases.push(("double", double(-f64::NAN), false));
    cases
}

/// One random value for each column, most of which can be stored.
pub(super) fn random(random: &mut Random, backend: Backend) -> Vec<Case> {
    let has_infinity = backend != Backend::MySql;
    let single = f32::from_bits(random.number() as u32);
    let double = f64::from_bits(random.number());
    let day = NaiveDate::from_num_days_from_ce_opt(random.below(3_660_000) as i32 - 3_000).unwrap();
    let seconds = random.below(316_000_000_000) as i64 - 62_300_000_000;
    let time = DateTime::from_timestamp(seconds, random.below(1_000_000_000) as u32).unwrap();
    let high = random.number() >> 32;
    let mantissa = i128::from(high) << 64 | i128::from(random.number());
    let sign = if random.below(2) == 0 { 1 } else { -1 };
    let decimal = Decimal::from_i128_with_scale(
        sign * (mantissa >> random.below(96)),
        random.below(u64::from(Decimal::MAX_SCALE) + 1) as u32,
    );
    let (short, long) = (some_text(random, 8), some_text(random, 40));
    let has_nul = |text: &str| text.contains('\0');
    let document = some_document(random, 4);
    let document_is_good = !document.to_string().contains("\\u0000");
    let bytes = (0..random.below(40)).map(|_| random.number() as u8).collect();
    vec![
        ("small", Value::SmallInt(Some(random.number() as i16)), true),
        ("int", Value::Int(Some(random.number() as i32)), true),
        ("big", Value::BigInt(Some(random.number() as i64)), true),
        ("single", Value::Float(Some(single)), single.is_finite() || (single.is_infinite() && has_infinity)),
        ("double", Value::Double(Some(double)), double.is_finite() || (double.is_infinite() && has_infinity)),
        ("flag", Value::Bool(Some(random.below(2) == 0)), true),
        ("short", text(&*short), !has_nul(&short) && short.chars().count() <= 5),
        ("text", text(&*long), !has_nul(&long)),
        ("data", Value::Bytes(Some(bytes)), true),
        ("token", Value::Uuid(Some(Uuid::from_u64_pair(random.number(), random.number()))), true),
        ("day", Value::ChronoDate(Some(day)), (1..=9999).contains(&day.year())),
        ("at", Value::ChronoDateTimeUtc(Some(time)), (1..=9999).contains(&time.year())),
        ("price", Value::Decimal(Some(decimal)), true),
        ("doc", doc(document), document_is_good),
    ]
}

fn some_text(random: &mut Random, length_max: u64) -> String {
    const ODD: [char; 12] = ['\'', '"', '\\', '%', '_', '$', '?', ' ', '\n', 'é', '🦀', '\u{301}'];
    let one = |random: &mut Random| match random.below(60) {
        0 => '\0',
        1..12 => ODD[random.below(12) as usize],
        12..16 => char::from_u32(random.below(0xD800) as u32).unwrap_or('x'),
        _ => char::from(b'a' + random.below(26) as u8),
    };
    (0..random.below(length_max + 1)).map(|_| one(random)).collect()
}

fn some_document(random: &mut Random, depth: u64) -> Json {
    match random.below(if depth == 0 { 6 } else { 8 }) {
        0 => json!(random.below(2) == 0),
        1 => json!(random.number() as i64),
        2 => json!(random.number()),
        3 => json!(some_text(random, 10)),
        4 => json!(f64::from_bits(random.number())),
        // Whole floats, around where their text has an exponent.
        5 => json!((random.below(1_000) as f64) * 10_f64.powi(random.below(40) as i32)),
        6 => (0..random.below(5)).map(|_| some_document(random, depth - 1)).collect(),
        _ => {
            let fields =
                (0..random.below(5)).map(|_| (some_text(random, 6), some_document(random, depth - 1)));
            Json::Object(fields.collect())
        }
    }
}
