//! Every value type at its limits goes to the plugin and comes back.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{Conform, Host, command};

pub(crate) async fn check(host: &Host) {
    for (case, it) in cases() {
        let got = host.done(it.clone()).await;
        let case = format!("{}: {case}", host.language);
        assert_eq!(got.integer_out, it.integer, "{case}");
        // The sign of zero counts, and equality does not see it.
        assert_eq!(
            got.float_out.map(f64::to_bits),
            it.float.map(f64::to_bits),
            "{case}: {:?}",
            got.float_out
        );
        assert_eq!(got.boolean_out, it.boolean, "{case}");
        assert_eq!(got.text_out, it.text, "{case}");
        assert_eq!(got.bytes_out, it.bytes, "{case}");
        assert_eq!(got.time_out, it.time, "{case}");
        assert_eq!(got.date_out, it.date, "{case}");
        assert_eq!(got.uuid_out, it.uuid, "{case}");
        assert_eq!(
            got.decimal_out.map(|value| value.to_string()),
            it.decimal.map(|value| value.to_string()),
            "{case}"
        );
        assert_eq!(got.json_out, it.json, "{case}");
    }
    let same = host.done(super::told("same", "as it is")).await;
    assert_eq!(same.text.as_deref(), Some("as it is"));
}

fn cases() -> Vec<(&'static str, Conform)> {
    let echo = || command("echo");
    let time = |text: &str| Some(text.parse().unwrap());
    let date = |text: &str| Some(text.parse::<NaiveDate>().unwrap());
    let mut cases = vec![
        ("nothing at all", echo()),
        ("least", Conform { integer: Some(i64::MIN), float: Some(f64::MIN), boolean: Some(false), ..echo() }),
        (
            "greatest",
            Conform { integer: Some(i64::MAX), float: Some(f64::MAX), boolean: Some(true), ..echo() },
        ),
        ("beyond 2^53", Conform { integer: Some((1 << 53) + 1), ..echo() }),
        ("below -2^53", Conform { integer: Some(-(1 << 53) - 1), ..echo() }),
        ("zero", Conform { integer: Some(0), float: Some(0.0), ..echo() }),
        ("minus zero", Conform { float: Some(-0.0), ..echo() }),
        ("a whole float", Conform { float: Some(3.0), ..echo() }),
        ("the least positive float", Conform { float: Some(f64::MIN_POSITIVE), ..echo() }),
        (
            "empty",
            Conform { text: Some(String::new()), bytes: Some(Vec::new()), json: Some(json!({})), ..echo() },
        ),
        ("four-byte UTF-8", Conform { text: Some("a\u{1F980}\u{10FFFF}e\u{301}".into()), ..echo() }),
        ("every byte", Conform { bytes: Some((0..=255).collect()), ..echo() }),
        ("a megabyte of text", Conform { text: Some("é".repeat(1 << 19)), ..echo() }),
        ("a time", Conform { time: time("2026-03-01T12:00:00Z"), date: date("2026-03-01"), ..echo() }),
        ("microseconds", Conform { time: time("2026-03-01T12:00:00.123456Z"), ..echo() }),
        ("before 1970", Conform { time: time("1969-12-31T23:59:59.5Z"), date: date("1969-12-31"), ..echo() }),
        ("long ago", Conform { time: time("1001-01-01T00:00:00Z"), date: date("1001-01-01"), ..echo() }),
        ("far ahead", Conform { time: time("9999-12-31T23:59:59Z"), date: date("9999-12-31"), ..echo() }),
        (
            "a UUID",
            Conform { uuid: Some(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)), ..echo() },
        ),
        ("a UUID of text", Conform { uuid: Some(Uuid::from_bytes(*b"ordinary letters")), ..echo() }),
        ("a decimal", Conform { decimal: Some("1234567890.123456".parse().unwrap()), ..echo() }),
        ("a negative decimal", Conform { decimal: Some("-0.05".parse().unwrap()), ..echo() }),
    ];
    let nested =
        json!({ "a": [1, 2.5, "x", null, true, { "b": [[], {}] }], "empty": "", "ключ": "значение" });
    cases.push(("nested JSON", Conform { json: Some(nested), ..echo() }));
    cases.push(("a list as JSON", Conform { json: Some(json!([1, -1, i64::MAX])), ..echo() }));
    cases
}
