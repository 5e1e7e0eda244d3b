//! `plugins.md`, sandbox, rule 1: an instance serves more than one event only where the operator grants `reuse`.

use std::sync::Arc;

use aksara_plugins::{Allowance, Engine, FaultKind, Limits, Reuse, Revision};
use aksara_wire::{Failure, ModelOperation, Value};

use crate::fixture::{Fixture, call, call_with, engine, fault};
use crate::models::{Answers, granted, request};

/// Counts what its instance has served, and traps from so many on.
const COUNTER: &str = "(global $served (mut i32) (i32.const 0))
    (func $serve (param $most i32)
        (if (i32.ge_u (global.get $served) (local.get $most)) (then unreachable))
        (global.set $served (i32.add (global.get $served) (i32.const 1))))";

const OK: &str = "(call $ok (i32.const 0) (i32.const 0))";

/// One whose instances serve at most so many events, and then trap.
fn serving(most: u32) -> Fixture {
    Fixture::new().module(COUNTER).handle(&format!("(call $serve (i32.const {most})) {OK}"))
}

async fn load(fixture: &Fixture, uses: u32, seconds: u64, limits: Limits) -> Revision {
    let reuse = Some(Reuse { uses, seconds });
    let allowance = Allowance { reuse, ..Allowance::from(limits) };
    engine().load(Some("fixture"), fixture.binary(), allowance).await.unwrap()
}

fn is_trap(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Trap(_))
}

#[tokio::test]
async fn an_instance_serves_again_where_that_is_granted() {
    let revision = load(&serving(3), 1_000, 60, Limits::default()).await;
    for _ in 0..3 {
        call(&revision).await.unwrap();
    }
    assert!(is_trap(&fault(call(&revision).await)));
    // What trapped is thrown away.
    call(&revision).await.unwrap();
}

#[tokio::test]
async fn an_instance_is_retired_after_its_uses_and_its_time() {
    for (uses, seconds) in [(3, 60), (1_000, 0), (0, 60)] {
        let revision = load(&serving(3), uses, seconds, Limits::default()).await;
        for _ in 0..10 {
            call(&revision).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_instance_that_refuses_is_kept_and_one_that_fails_is_not() {
    let refusal = Failure::Reject("no".to_owned()).encode();
    for (failure, is_kept) in [(refusal, true), (Failure::Error("oh".to_owned()).encode(), false)] {
        let handle = "(call $serve (i32.const 1)) (call $err (global.get $data) (global.get $data_length))";
        let fixture = Fixture::new().module(COUNTER).data(&failure).handle(handle);
        let revision = load(&fixture, 1_000, 60, Limits::default()).await;
        let first = call(&revision).await.unwrap_err().to_string();
        assert_eq!(call(&revision).await.unwrap_err().to_string() != first, is_kept);
    }
}

#[tokio::test]
async fn an_instance_whose_reply_is_nonsense_is_thrown_away() {
    let handle = "(call $serve (i32.const 1)) (call $ok (global.get $data) (global.get $data_length))";
    let fixture = Fixture::new().module(COUNTER).data(b"\xc1").handle(handle);
    let revision = load(&fixture, 1_000, 60, Limits::default()).await;
    for _ in 0..3 {
        assert!(matches!(fault(call(&revision).await), FaultKind::BadReply(_)));
    }
}

#[tokio::test]
async fn an_instance_whose_call_is_dropped_is_thrown_away() {
    let ask = "(call $get (global.get $data) (global.get $data_length) (i32.const 32))";
    let fixture = serving(1).description(&granted(&[ModelOperation::Get])).data(&request("app.Article"));
    let fixture = fixture.handle(&format!("(call $serve (i32.const 2)) {ask} {OK}"));
    let revision = load(&fixture, 1_000, 60, Limits::default()).await;
    call_with(&revision, Answers::always(Ok(Value::Nil))).await.unwrap();
    let hanging = call_with(&revision, Answers::never());
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), hanging).await.is_err());
    for _ in 0..2 {
        call_with(&revision, Answers::always(Ok(Value::Nil))).await.unwrap();
    }
}

#[tokio::test]
async fn each_event_has_the_limits_anew() {
    let ask = "(call $get (global.get $data) (global.get $data_length) (i32.const 32))";
    let busy = "(local $left i32) (local.set $left (i32.const 10000000))
        (loop $more (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if $more (local.get $left)))";
    let fixture = Fixture::new().description(&granted(&[ModelOperation::Get])).data(&request("app.Article"));
    let fixture = fixture.handle(&format!("{busy} {ask} {ask} {OK}"));
    let limits = Limits { host_calls_max: 2, deadline_ms: 200, ..Limits::default() };
    let revision = load(&fixture, 1_000, 60, limits).await;
    let start = std::time::Instant::now();
    let mut calls = 0;
    // For longer than one event may take.
    while start.elapsed().as_millis() < 1_000 || calls < 10 {
        call_with(&revision, Answers::always(Ok(Value::Nil))).await.unwrap();
        calls += 1;
    }
}

#[tokio::test]
async fn what_has_used_half_of_its_memory_is_not_kept() {
    let grow = "(drop (memory.grow (i32.const 64)))";
    let fixture = serving(1).handle(&format!("(call $serve (i32.const 1)) {grow} {OK}"));
    let limits = Limits { memory_bytes_max: 8 << 20, ..Limits::default() };
    let revision = load(&fixture, 1_000, 60, limits).await;
    for _ in 0..5 {
        call(&revision).await.unwrap();
    }
}

#[tokio::test]
async fn an_instance_that_waits_keeps_nothing_of_the_application() {
    let models = Answers::always(Ok(Value::Nil));
    let revision = load(&serving(9), 1_000, 60, Limits::default()).await;
    call_with(&revision, models.clone()).await.unwrap();
    assert_eq!(Arc::strong_count(&models), 1);
}

#[tokio::test]
async fn instances_that_wait_leave_the_pool_to_others() {
    let engine = Engine::new().unwrap();
    let mut revisions = Vec::new();
    // More than there are slots.
    for _ in 0..300 {
        let allowance = Allowance { reuse: Some(Reuse::default()), ..Allowance::from(Limits::default()) };
        let revision = engine.load(Some("fixture"), serving(9).binary(), allowance).await.unwrap();
        call(&revision).await.unwrap();
        revisions.push(revision);
    }
}
