//! What a decoder refuses, and that its limits hold to the last level, byte and value.

use aksara_wire::{
    DecodeError, DecodeLimits, Description, Failure, ModelRequest, Reply, Timestamp, Value, decode, encode,
};

use crate::cases;
use crate::tagged::unhex;

fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = vec![0x91; levels];
    bytes.push(0xc0);
    bytes
}

#[test]
fn bytes_that_are_no_value_are_refused() {
    for (name, hex) in cases::refused() {
        let decoded = decode(&unhex(hex), &DecodeLimits::default());
        assert!(decoded.is_err(), "`{name}` was decoded as {decoded:?}");
    }
}

#[test]
fn text_that_is_no_utf8_is_bytes_and_so_fits_no_text_field() {
    assert_eq!(decode(&[0xa1, 0xff], &DecodeLimits::default()), Ok(Value::Bin(vec![0xff])));
}

#[test]
fn depth_is_limited() {
    let limits = DecodeLimits { depth_max: 4, ..DecodeLimits::default() };
    assert!(decode(&nested(4), &limits).is_ok());
    assert_eq!(decode(&nested(5), &limits), Err(DecodeError::TooDeep { depth_max: 4 }));
    assert_eq!(decode(&nested(100_000), &limits), Err(DecodeError::TooDeep { depth_max: 4 }));
    let maps: Vec<u8> = [0x81, 0xa1, b'a'].repeat(5).into_iter().chain([0xc0]).collect();
    assert_eq!(decode(&maps, &limits), Err(DecodeError::TooDeep { depth_max: 4 }));
}

#[test]
fn bytes_are_limited() {
    let limits = DecodeLimits { bytes_max: 8, ..DecodeLimits::default() };
    assert!(decode(&encode("1234567"), &limits).is_ok());
    assert_eq!(decode(&encode("12345678"), &limits), Err(DecodeError::TooLarge { bytes: 9, bytes_max: 8 }));
}

#[test]
fn values_are_limited_at_every_level_together() {
    let limits = DecodeLimits { values_max: 6, ..DecodeLimits::default() };
    let inner = |length| Value::Array(vec![Value::Nil; length]);
    assert!(decode(&encode(&Value::Array(vec![inner(2), inner(1)])), &limits).is_ok());
    let error = decode(&encode(&Value::Array(vec![inner(2), inner(2)])), &limits).unwrap_err();
    assert_eq!(error.to_string(), "malformed MessagePack: too many values");
}

#[test]
fn error_texts() {
    let limits = DecodeLimits { bytes_max: 64, depth_max: 2, ..DecodeLimits::default() };
    let text = |bytes: &[u8]| decode(bytes, &limits).unwrap_err().to_string();
    insta::assert_snapshot!(text(&[0xc0; 65]), @"65 bytes of MessagePack exceed the limit of 64");
    insta::assert_snapshot!(text(&nested(3)), @"MessagePack nested deeper than 2 levels");
    insta::assert_snapshot!(text(&[0xc0, 0xc0]), @"1 bytes after the end of the MessagePack value");
    insta::assert_snapshot!(text(&unhex("82a16101a16102")), @"malformed MessagePack: duplicate key `a`");
    insta::assert_snapshot!(text(&unhex("d40100")), @"malformed MessagePack: unknown extension type 1");
}

#[test]
fn messages_of_the_wrong_form_say_what_is_wrong() {
    let limits = DecodeLimits::default();
    let reply = |value: Value| Reply::decode(&encode(&value), &limits).unwrap_err().to_string();
    insta::assert_snapshot!(reply("text".into()), @"malformed MessagePack: a reply is text, expected a map");
    insta::assert_snapshot!(
        reply(cases::map([("instance", 1i64.into())]).into()),
        @"malformed MessagePack: `instance` of a reply is an integer, expected a map"
    );
    let failure = |value: Value| Failure::decode(&encode(&value), &limits).unwrap_err().to_string();
    insta::assert_snapshot!(
        failure(cases::map([]).into()),
        @"malformed MessagePack: a failure has none of the keys `reject`, `invalid`, `error`"
    );
    let request = |value: Value| ModelRequest::decode(&encode(&value), &limits).unwrap_err().to_string();
    insta::assert_snapshot!(
        request(cases::map([("model", "Post".into()), ("limit", (-1i64).into())]).into()),
        @"malformed MessagePack: `limit` of a request is an integer, expected a positive integer"
    );
    assert!(Description::decode(&encode(&Value::Array(Vec::new())), &limits).is_err());
    assert!(Failure::decode(&[], &limits).is_err());
    assert_eq!(Reply::decode(&[], &limits), Ok(Reply::Unchanged));
}

#[test]
fn times_are_read_and_written_as_rfc_3339() {
    let same = [
        "1970-01-01T00:00:00Z",
        "2024-02-29T23:59:59.000000001Z",
        "1969-12-31T23:59:59.5Z",
        "0000-03-01T00:00:00Z",
        "-0001-12-31T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ];
    for text in same {
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
    }
    let shifted: Timestamp = "2026-03-01 02:00:00.50+14:00".parse().unwrap();
    assert_eq!(shifted.to_string(), "2026-02-28T12:00:00.5Z");
    for text in [
        "",
        "2026-02-29T00:00:00Z",
        "2026-03-01",
        "2026-13-01T00:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T00:00:00",
        "2026-03-01T00:00:00+0200",
        "2026-03-01T00:00:00Zz",
        "99999999999999-01-01T00:00:00Z",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "`{text}`");
    }
}
