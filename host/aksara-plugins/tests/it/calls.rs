//! What calls return, and what does not leak from one to the next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aksara_plugins::{CallError, FaultKind, Limits};
use aksara_wire::{Failure, Map, ModelOperation, Patch, Reply, Value};

use crate::fixture::{EVENT, Fixture, assert_texts, call, call_with, context, fault, join_all, within};
use crate::models::{Answers, granted, request};

fn patch() -> Reply {
    let fields = Map::from([("title".to_owned(), Value::Str("Hello".to_owned()))]);
    Reply::Patch(Patch { fields, ..Patch::default() })
}

#[tokio::test]
async fn no_bytes_are_unchanged() {
    let revision = Fixture::reply(b"").load(Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
}

#[tokio::test]
async fn an_empty_map_is_unchanged() {
    let revision = Fixture::reply(b"\x80").load(Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
}

#[tokio::test]
async fn a_patch_is_returned() {
    let revision = Fixture::reply(&patch().encode()).load(Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().reply, patch());
}

#[tokio::test]
async fn unknown_keys_of_a_reply_are_ignored() {
    let reply = Value::Map(Map::from([("later".to_owned(), Value::Int(1))]));
    let revision = Fixture::reply(&aksara_wire::encode(&reply)).load(Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
}

#[tokio::test]
async fn the_handler_gets_the_event_as_it_is() {
    let echo = "(call $ok (local.get $event) (local.get $length))";
    let revision = Fixture::new().handle(echo).load(Limits::default()).await;
    let called = within(600, revision.call(0, &patch().encode(), context(None))).await.unwrap();
    assert_eq!(called.reply, patch());
}

#[tokio::test]
async fn the_handler_gets_the_number_of_the_subscription() {
    let handle = "(if (i32.ne (local.get $subscription) (i32.const 7)) (then unreachable))
        (call $ok (i32.const 0) (i32.const 0))";
    let revision = Fixture::new().handle(handle).load(Limits::default()).await;
    assert_eq!(within(600, revision.call(7, EVENT, context(None))).await.unwrap().reply, Reply::Unchanged);
}

#[tokio::test]
async fn a_rejection_has_its_message() {
    let failure = Failure::Reject("not on Sundays".to_owned());
    let revision = Fixture::failure(&failure.encode()).load(Limits::default()).await;
    let error = call(&revision).await.unwrap_err();
    assert_eq!(error, CallError::Rejected { message: "not on Sundays".to_owned() });
    assert_eq!(error.to_string(), "not on Sundays");
}

#[tokio::test]
async fn invalid_has_messages_by_field() {
    let fields = BTreeMap::from([("title".to_owned(), vec!["too short".to_owned(), "too dull".to_owned()])]);
    let revision = Fixture::failure(&Failure::Invalid(fields.clone()).encode()).load(Limits::default()).await;
    let error = call(&revision).await.unwrap_err();
    assert_eq!(error, CallError::Invalid { fields });
    assert_eq!(error.to_string(), "the instance is not valid");
}

#[tokio::test]
async fn a_fault_names_plugin_version_revision_handler_signal_and_sender() {
    let failure = Failure::Error("ValueError: no such thing".to_owned());
    let revision = Fixture::failure(&failure.encode()).load(Limits::default()).await;
    let error = call(&revision).await.unwrap_err().to_string();
    let expected = "plugin `fixture` 1.2.0 (revision 00000000): handler `on_save` for pre_save of `app.Article` \
        failed: ValueError: no such thing";
    assert_eq!(error, expected.replace("00000000", &revision.digest()[..8]));
}

#[tokio::test]
async fn bytes_that_are_no_reply_are_bad_replies() {
    let cases: [(&str, &[u8], &str); 13] = [
        ("reserved", b"\xc1", "returned a bad reply: malformed MessagePack: the byte 0xc1 begins no value"),
        (
            "integer",
            b"\x01",
            "returned a bad reply: malformed MessagePack: a reply is an integer, expected a map",
        ),
        (
            "text",
            b"\xa5hello",
            "returned a bad reply: malformed MessagePack: a reply is text, expected a map",
        ),
        (
            "array",
            b"\x90",
            "returned a bad reply: malformed MessagePack: a reply is an array, expected a map",
        ),
        ("trailing", b"\x80\x80\x80", "returned a bad reply: 2 bytes after the end of the MessagePack value"),
        ("cut off", b"\x81\xa1a", "returned a bad reply: malformed MessagePack: it ends inside a value"),
        (
            "claims 4 G entries",
            b"\xdf\xff\xff\xff\xff",
            "returned a bad reply: malformed MessagePack: it ends inside a value",
        ),
        (
            "duplicate keys",
            b"\x82\xa1a\x01\xa1a\x02",
            "returned a bad reply: malformed MessagePack: duplicate key `a`",
        ),
        (
            "integer key",
            b"\x81\x01\x02",
            "returned a bad reply: malformed MessagePack: a key that is no text",
        ),
        (
            "instance is no map",
            b"\x81\xa8instance\x01",
            "returned a bad reply: malformed MessagePack: `instance` of a reply is an integer, expected a map",
        ),
        (
            "instances is no array",
            b"\x81\xa9instances\x80",
            "returned a bad reply: malformed MessagePack: `instances` of a reply is a map, expected an array",
        ),
        (
            "row is no map",
            b"\x81\xa9instances\x91\x01",
            "returned a bad reply: malformed MessagePack: a row of `instances` of a reply is an integer, expected a map",
        ),
        ("deep", &[0x91; 200], "returned a bad reply: MessagePack nested deeper than 128 levels"),
    ];
    let mut found = Vec::new();
    for (case, bytes, expected) in cases {
        let revision = Fixture::reply(bytes).load(Limits::default()).await;
        let kind = fault(call(&revision).await);
        assert!(matches!(kind, FaultKind::BadReply(_)), "{case}: {kind:?}");
        found.push((case, kind.to_string(), expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn bytes_that_are_no_failure_are_bad_replies() {
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", "returned a bad reply: malformed MessagePack: it ends inside a value"),
        (
            "no known key",
            b"\x80",
            "returned a bad reply: malformed MessagePack: a failure has none of the keys `reject`, `invalid`, `error`",
        ),
        (
            "reject is no text",
            b"\x81\xa6reject\x01",
            "returned a bad reply: malformed MessagePack: `reject` is an integer, expected text",
        ),
        (
            "invalid is no map",
            b"\x81\xa7invalid\x01",
            "returned a bad reply: malformed MessagePack: `invalid` is an integer, expected a map",
        ),
        (
            "messages are no array",
            b"\x81\xa7invalid\x81\xa1a\xa1b",
            "returned a bad reply: malformed MessagePack: messages of `invalid` is text, expected an array of text",
        ),
        (
            "trailing",
            b"\x81\xa6reject\xa1a\x00",
            "returned a bad reply: 1 bytes after the end of the MessagePack value",
        ),
    ];
    let mut found = Vec::new();
    for (case, bytes, expected) in cases {
        let revision = Fixture::failure(bytes).load(Limits::default()).await;
        let kind = fault(call(&revision).await);
        assert!(matches!(kind, FaultKind::BadReply(_)), "{case}: {kind:?}");
        found.push((case, kind.to_string(), expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn traps_name_their_cause() {
    let cases = [
        ("unreachable", "unreachable", "trapped: wasm trap: wasm `unreachable` instruction executed"),
        (
            "division by zero",
            "(drop (i32.div_u (i32.const 1) (i32.const 0))) (i32.const 0)",
            "trapped: wasm trap: integer divide by zero",
        ),
        (
            "out of bounds",
            "(drop (i32.load (i32.const -4))) (i32.const 0)",
            "trapped: wasm trap: out of bounds memory access, as by a pointer that is wrong or a stack that is exhausted",
        ),
        (
            "conversion",
            "(drop (i32.trunc_f32_s (f32.const nan))) (i32.const 0)",
            "trapped: wasm trap: invalid conversion to integer",
        ),
        (
            "stack overflow",
            "(call $deep (i32.const 1))",
            "trapped: wasm trap: call stack exhausted, in `deep` <- `deep` <- `deep`",
        ),
        (
            "no such function",
            "(call_indirect (i32.const 5))(i32.const 0)",
            "trapped: wasm trap: undefined element: out of bounds table access",
        ),
        (
            "no case",
            "(call $result (i32.const 2) (i32.const 0) (i32.const 0))",
            "trapped: invalid expected discriminant",
        ),
        ("result out of bounds", "(i32.const -4)", "trapped: pointer out of bounds of memory"),
        ("result not aligned", "(i32.const 17)", "trapped: return pointer not aligned"),
        (
            "bytes out of bounds",
            "(call $ok (i32.const 0) (i32.const 0x7fffffff))",
            "trapped: list pointer/length out of bounds of memory",
        ),
        (
            "bytes wrap around",
            "(call $ok (i32.const -1) (i32.const -1))",
            "trapped: list pointer/length out of bounds of memory",
        ),
        (
            "request out of bounds",
            "(call $get (i32.const 1) (i32.const -1) (i32.const 32)) (i32.const 32)",
            "trapped: list pointer/length out of bounds of memory",
        ),
        (
            "answer out of bounds",
            "(call $get (i32.const 1) (i32.const 0) (i32.const -4)) (i32.const 32)",
            "trapped: pointer out of bounds",
        ),
    ];
    let deep = "(table 1 funcref) (func $deep (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))";
    let mut found = Vec::new();
    for (case, handle, expected) in cases {
        let revision = Fixture::new().module(deep).handle(handle).load(Limits::default()).await;
        let kind = fault(call(&revision).await);
        assert!(matches!(kind, FaultKind::Trap(_)), "{case}: {kind:?}");
        found.push((case, kind.to_string(), expected));
        // It is not the worse for it.
        assert_eq!(fault(call(&revision).await), kind, "{case}");
    }
    assert_texts(&found);
}

#[tokio::test]
async fn each_call_has_a_fresh_instance() {
    let handle = "(if (i32.ne (global.get $calls) (i32.const 0)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 0x20000)) (i32.const 0)) (then unreachable))
        (if (i32.ne (memory.size) (i32.const 4)) (then unreachable))
        (if (i32.ne (table.size $table) (i32.const 1)) (then unreachable))
        (if (i32.eqz (ref.is_null (table.get $table (i32.const 0)))) (then unreachable))
        (global.set $calls (i32.const 1))
        (i32.store (i32.const 0x20000) (i32.const 1))
        (drop (memory.grow (i32.const 1)))
        (table.set $table (i32.const 0) (ref.func $ok))
        (drop (table.grow $table (ref.null func) (i32.const 1)))
        (call $ok (i32.const 0) (i32.const 0))";
    let module =
        "(global $calls (mut i32) (i32.const 0)) (table $table 1 10 funcref) (elem declare func $ok)";
    let revision = Fixture::new().module(module).handle(handle).load(Limits::default()).await;
    for _ in 0..3 {
        assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
    }
}

#[tokio::test]
async fn what_a_trapped_call_left_behind_is_not_seen_by_the_next() {
    let handle = "(if (i32.ne (global.get $calls) (i32.const 0)) (then (return (i32.const -4))))
        (if (i32.ne (i32.load (i32.const 0x20000)) (i32.const 0)) (then (return (i32.const -4))))
        (global.set $calls (i32.const 1))
        (i32.store (i32.const 0x20000) (i32.const 1))
        unreachable";
    let module = "(global $calls (mut i32) (i32.const 0))";
    let revision = Fixture::new().module(module).handle(handle).load(Limits::default()).await;
    for _ in 0..3 {
        let kind = fault(call(&revision).await);
        assert_eq!(kind, FaultKind::Trap("wasm trap: wasm `unreachable` instruction executed".to_owned()));
    }
}

#[tokio::test]
async fn calls_at_once_do_not_see_each_other() {
    // Waits in the host between writing and reading, so that all calls are under way at once.
    let handle = "(i32.store (i32.const 0x20000) (i32.add (i32.load (i32.const 0x20000)) (i32.const 1)))
        (call $count (global.get $data) (global.get $data_length) (i32.const 32))
        (if (i32.ne (i32.load (i32.const 0x20000)) (i32.const 1)) (then unreachable))
        (call $ok (i32.const 0) (i32.const 0))";
    let fixture =
        Fixture::new().description(&granted(&[ModelOperation::Count])).data(&request("app.Article"));
    let revision = fixture.handle(handle).load(Limits { deadline_ms: 5_000, ..Limits::default() }).await;
    let barrier = Arc::new(Answers::new(async |_, _| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(Value::Int(1))
    }));
    let calls = (0..20).map(|_| call_with(&revision, barrier.clone()));
    for called in join_all(calls).await {
        assert_eq!(called.unwrap().reply, Reply::Unchanged);
    }
}

#[tokio::test]
async fn a_call_reports_its_memory() {
    let revision = Fixture::new().load(Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().memory_bytes, 4 << 16);
    let handle = "(drop (memory.grow (i32.const 3))) (call $ok (i32.const 0) (i32.const 0))";
    let revision = Fixture::new().handle(handle).load(Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().memory_bytes, 7 << 16);
}
