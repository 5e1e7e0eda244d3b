//! What calls return, and what does not leak from one to the next.

use std::collections::BTreeMap;

use aksara_plugins::{CallError, Limits};
use aksara_wire::{Failure, Map, Patch, Reply, Value};

use crate::fixture::{EVENT, Fixture, call, context, fault, within};

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
    let called = within(30, revision.call(0, &patch().encode(), context(None))).await.unwrap();
    assert_eq!(called.reply, patch());
}

#[tokio::test]
async fn the_handler_gets_the_number_of_the_subscription() {
    let handle = "(if (i32.ne (local.get $subscription) (i32.const 7)) (then unreachable))
        (call $ok (i32.const 0) (i32.const 0))";
    let revision = Fixture::new().handle(handle).load(Limits::default()).await;
    assert_eq!(within(30, revision.call(7, EVENT, context(None))).await.unwrap().reply, Reply::Unchanged);
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
async fn bytes_that_are_no_reply_are_refused() {
    let cases: [(&[u8], &str); 12] = [
        (b"\xc1", ""),
        (b"\x01", ""),
        (b"\xa5hello", ""),
        (b"\x90", ""),
        (b"\x80\x80", ""),
        (b"\x81\xa1a", ""),
        (b"\xdf\xff\xff\xff\xff", ""),
        (b"\x82\xa1a\x01\xa1a\x02", ""),
        (b"\x81\x01\x02", ""),
        (b"\x81\xa8instance\x01", ""),
        (b"\x81\xa9instances\x80", ""),
        (b"\x81\xa9instances\xdd\xff\xff\xff\xff", ""),
    ];
    for (bytes, expected) in cases {
        let revision = Fixture::reply(bytes).load(Limits::default()).await;
        assert_eq!(fault(call(&revision).await).to_string(), expected, "{bytes:02x?}");
    }
}
