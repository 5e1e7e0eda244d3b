//! The harmless part of WASI: what it can be asked for without end.

use std::time::{Duration, Instant};

use aksara_plugins::Limits;

use crate::fixture::{Fixture, call, refusal};

/// A component whose second module does this when it is instantiated, with `$subscribe` (a wait of nanoseconds),
/// `$block`, `$random` and `$environment`.
fn starting(body: &str) -> Fixture {
    let component = r#"
        (import "wasi:io/poll@0.2.0" (instance $poll
            (export "pollable" (type $pollable (sub resource)))
            (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
            (alias outer 1 $pollable (type $outer))
            (export "pollable" (type $pollable (eq $outer)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
        (import "wasi:random/random@0.2.0" (instance $random
            (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
        (import "wasi:cli/environment@0.2.0" (instance $environment
            (export "get-environment" (func (result (list (tuple string string)))))))
        (core func $block (canon lower (func $poll "[method]pollable.block")))
        (core func $subscribe (canon lower (func $clock "subscribe-duration")))
        (core func $random (canon lower (func $random "get-random-bytes")
            (memory $libc "memory") (realloc (func $libc "realloc"))))
        (core func $environment (canon lower (func $environment "get-environment")
            (memory $libc "memory") (realloc (func $libc "realloc"))))
        (core module $part
            (import "libc" "memory" (memory 1))
            (import "host" "block" (func $block (param i32)))
            (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
            (import "host" "random" (func $random (param i64 i32)))
            (import "host" "environment" (func $environment (param i32)))
            (func $start BODY)
            (start $start))
        (core instance (instantiate $part (with "libc" (instance $libc)) (with "host" (instance
            (export "block" (func $block)) (export "subscribe" (func $subscribe))
            (export "random" (func $random)) (export "environment" (func $environment))))))"#;
    Fixture::new().component(&component.replace("BODY", body))
}

#[tokio::test]
async fn sleeping_ends_in_time() {
    let limits = Limits { own_wait_ms: 50, ..Limits::default() };
    let sleeping = starting("(call $block (call $subscribe (i64.const 3600000000000)))");
    let start = Instant::now();
    assert_eq!(
        refusal(sleeping.binary(), limits).await.to_string(),
        "`describe` failed: it waited longer than 50 ms for HTTP, a cache or a clock; raise `own_wait_ms` or fix the plugin"
    );
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_short_sleep_is_no_fault() {
    let limits = Limits { deadline_ms: 5_000, ..Limits::default() };
    let sleeping = starting("(call $block (call $subscribe (i64.const 5000000)))").load(limits).await;
    let called = call(&sleeping).await.unwrap();
    assert!(called.duration >= Duration::from_millis(5), "{:?}", called.duration);
}

#[tokio::test]
async fn resources_are_limited() {
    let hoarding = starting("(loop $more (drop (call $subscribe (i64.const 1))) (br $more))");
    let limits = Limits { deadline_ms: 5_000, ..Limits::default() };
    let error = refusal(hoarding.binary(), limits).await;
    assert_eq!(
        error.to_string(),
        "`describe` failed: it trapped: resource table has no free keys, in `start`"
    );
}

#[tokio::test]
async fn random_bytes_at_once_are_limited() {
    let greedy = |bytes: u64| starting(&format!("(call $random (i64.const {bytes}) (i32.const 32))"));
    greedy(1 << 16).load(Limits::default()).await;
    for bytes in [(1 << 16) + 1, 1 << 40, u64::MAX] {
        let error = refusal(greedy(bytes).binary(), Limits::default()).await;
        let expected =
            format!("`describe` failed: it trapped: requested len {bytes} exceeds limit 65536, in `start`");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn the_environment_is_empty() {
    let body = "(call $environment (i32.const 32))
        (if (i32.ne (i32.load (i32.const 36)) (i32.const 0)) (then unreachable))";
    let revision = starting(body).load(Limits::default()).await;
    assert_eq!(
        revision.imports(),
        [
            "aksara:signals/log@0.1.0",
            "aksara:signals/models@0.1.0",
            "wasi:io/poll@0.2.0",
            "wasi:clocks/monotonic-clock@0.2.0",
            "wasi:random/random@0.2.0",
            "wasi:cli/environment@0.2.0",
        ]
    );
}
