//! The golden files of the contract, which every SDK is tested against: what a host sends is read here.

#![allow(clippy::unwrap_used, reason = "these are tests; clippy does not see that of their helpers")]

use std::fs;
use std::path::Path;

use aksara_guest::prelude::*;
use aksara_guest::{Failure, Handler, Reply};

#[pre_save]
fn copy(fields: &mut Map, event: &Event) {
    let change = |change: &aksara_guest::Change| {
        Value::from(map! { "field": &*change.field, "new": change.new.clone() })
    };
    fields.insert(
        "seen".into(),
        Value::Map(map! {
            "signal": event.signal(),
            "sender": event.sender(),
            "time": event.time(),
            "created": event.created(),
            "raw": event.raw(),
            "update_fields": event.update_fields().map(|names| names.join(",")),
            "origin": event.origin().map(str::to_owned),
            "changes": event.changes().iter().map(change).collect::<Vec<_>>(),
        }),
    );
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../wit/golden/{name}.msgpack"))).unwrap()
}

/// Checks what the handler saw of an event, besides what is the same in all of them.
fn check(name: &str, signal: &str, expected: Map) {
    let Ok(Reply::Patch(mut patch)) = copy::handle(&golden(name)) else { panic!("`{name}` was not handled") };
    let Some(Value::Map(mut seen)) = patch.fields.remove("seen") else { panic!("`{name}` was not seen") };
    assert!(patch.fields.is_empty(), "`{name}`: the instance itself came back changed");
    let time: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    assert!(
        matches!(seen.remove("time"), Some(Value::Timestamp(seen)) if seen.seconds() / 86_400 == time.seconds() / 86_400)
    );
    let mut all = map! {
        "signal": signal,
        "sender": "Post",
        "created": false,
        "raw": false,
        "update_fields": Value::Nil,
        "origin": Value::Nil,
        "changes": Vec::<Value>::new(),
    };
    all.extend(expected);
    assert_eq!(seen, all, "`{name}`");
}

#[test]
fn events_are_read() {
    let change = map! { "field": "title", "new": "Hello, World!" };
    check("event_pre_save_created", "pre_save", map! { "created": true });
    check("event_pre_save_update_fields", "pre_save", map! { "raw": true, "update_fields": "title" });
    check("event_post_save", "post_save", map! { "created": true, "changes": vec![Value::Map(change)] });
    check("event_pre_delete", "pre_delete", map! { "origin": "query" });
}

#[test]
fn an_event_without_an_instance_is_an_error() {
    assert!(matches!(copy::handle(&golden("event_custom")), Err(Failure::Error(_))));
}
