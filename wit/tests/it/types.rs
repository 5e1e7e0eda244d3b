//! Types of one's own as values of the contract, and back.

use std::collections::BTreeMap;

use aksara_wire::{Map, Timestamp, Value, from_value, to_value};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Sized(u8),
    Named { width: f32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Post {
    title: String,
    letter: char,
    views: u16,
    score: f64,
    cover: Vec<u8>,
    id: [u8; 2],
    kinds: Vec<Kind>,
    pair: (i64, bool),
    author: Option<String>,
    published_at: Option<Timestamp>,
    #[serde(flatten)]
    rest: Map,
}

fn post() -> Post {
    Post {
        title: "Hello".into(),
        letter: 'é',
        views: 7,
        score: 0.5,
        cover: vec![1, 2],
        id: [3, 4],
        kinds: vec![Kind::Plain, Kind::Sized(1), Kind::Named { width: 1.5 }],
        pair: (-1, true),
        author: None,
        published_at: Timestamp::new(1, 5),
        rest: Map::from([
            ("tags".into(), vec![Value::Nil, true.into()].into()),
            ("raw".into(), vec![0u8].into()),
            ("at".into(), Timestamp::new(-1, 0).into()),
        ]),
    }
}

#[test]
fn what_is_encoded_comes_back() {
    let value = to_value(&post()).unwrap();
    assert_eq!(from_value::<Post>(value.clone()).unwrap(), post());
    assert_eq!(from_value::<Value>(value.clone()).unwrap(), value);
}

#[test]
fn an_error_names_the_field_and_not_its_value() {
    let error = |name: &str, value: Value| {
        let Value::Map(mut fields) = to_value(&post()).unwrap() else { panic!("no map") };
        fields.insert(name.into(), value);
        from_value::<Post>(Value::Map(fields)).unwrap_err().to_string()
    };
    assert_eq!(error("cover", "secret".into()), "in `cover`: text, expected a sequence");
    let inner = Value::Array(vec![Value::Map(Map::from([("Sized".into(), Value::Nil)]))]);
    assert_eq!(error("kinds", inner), "in `kinds[0].Sized`: null, expected u8");
}

#[test]
fn text_is_no_time() {
    let error = from_value::<Timestamp>("2026-03-01T12:00:00Z".into()).unwrap_err();
    assert_eq!(error.to_string(), "text, expected a timestamp extension (-1)");
}

/// Also where rmp-serde would write something else: bytes without a wrapper, sequences of optional bytes.
#[test]
fn types_have_the_form_of_the_contract() {
    let form = |value: Result<Value, _>| value.unwrap();
    assert_eq!(form(to_value(&vec![1u8, 2])), Value::Bin(vec![1, 2]));
    assert_eq!(form(to_value(&vec![1u16, 2])), Value::Array(vec![Value::Int(1), Value::Int(2)]));
    assert_eq!(form(to_value(&vec![Some(1u8)])), Value::Array(vec![Value::Int(1)]));
    assert_eq!(form(to_value(&Vec::<u8>::new())), Value::Array(Vec::new()));
    assert_eq!(form(to_value(&Some(Timestamp::default()))), Value::Timestamp(Timestamp::default()));
    assert_eq!(form(to_value(&None::<u8>)), Value::Nil);
    assert_eq!(form(to_value(&u64::MAX)), Value::UInt(u64::MAX));
    assert_eq!(form(to_value(&1u64)), Value::Int(1));
    assert_eq!(form(to_value(&'é')), "é".into());
}

#[test]
fn what_has_no_form_in_the_contract_is_an_error() {
    let error = |value: Result<Value, aksara_wire::Unfit>| value.unwrap_err().to_string();
    let keyed_by_number = BTreeMap::from([(1, "one")]);
    assert_eq!(error(to_value(&keyed_by_number)), "an integer as the key of a map, expected text");
    assert_eq!(error(to_value(&1i128)), "i128 is not supported");

    #[derive(Serialize)]
    struct Twice {
        title: u8,
        #[serde(flatten)]
        rest: Map,
    }
    let twice = Twice { title: 1, rest: Map::from([("title".into(), Value::Nil)]) };
    assert_eq!(error(to_value(&twice)), "duplicate key `title`");
    let deep = error(to_value(&Map::from([("a".into(), nested(200))])));
    assert!(
        deep.starts_with("in `a[0][0]") && deep.ends_with("..`: more than 120 levels of nesting"),
        "{deep}"
    );
    let inner = BTreeMap::from([("items", vec![BTreeMap::from([("at", 1i128)])])]);
    assert_eq!(error(to_value(&inner)), "in `items[0].at`: i128 is not supported");
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Nil, |inner, _| Value::Array(vec![inner]))
}

/// A document of the application's is one of the types that a value may become.
#[test]
fn what_json_has_not_becomes_its_form_in_a_document() {
    let time = |nanoseconds| Value::from(Timestamp::new(1, nanoseconds));
    let forms = [
        (time(0), "1970-01-01T00:00:01Z"),
        (time(500_000_000), "1970-01-01T00:00:01.500Z"),
        (time(123_456_000), "1970-01-01T00:00:01.123456Z"),
        (time(1), "1970-01-01T00:00:01.000000001Z"),
        (vec![0u8, 255].into(), "00ff"),
        (vec![0xabu8; 16].into(), "abababab-abab-abab-abab-abababababab"),
    ];
    for (value, form) in forms {
        let inside = Map::from([("at".into(), Value::Array(vec![value]))]);
        let document: serde_json::Value = from_value(Value::Map(inside)).unwrap();
        assert_eq!(document, serde_json::json!({ "at": [form] }));
    }
    let inside = Map::from([("at".into(), Value::Array(vec![Value::Nil, f64::NAN.into()]))]);
    let error = from_value::<serde_json::Value>(Value::Map(inside)).unwrap_err();
    assert_eq!(error.to_string(), "in `at[1]`: a float that JSON has no form for");
}
