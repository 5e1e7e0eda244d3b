//! Limits of a call: memory, tables, instances, bytes, log.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use aksara_plugins::{FaultKind, Limits};
use aksara_wire::{Reply, Value};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::fixture::{Fixture, assert_texts, call, context, fault, refusal, within};

#[tokio::test]
async fn memory_that_grows_for_ever_is_a_fault() {
    let handle =
        "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let revision = Fixture::new().handle(handle).load(Limits::default()).await;
    let kind = fault(call(&revision).await);
    assert_eq!(
        kind.to_string(),
        "used more than 32 MiB of memory; raise `memory_bytes_max` or fix the plugin"
    );
    assert_eq!(fault(call(&revision).await), kind);
}

#[tokio::test]
async fn memory_up_to_the_limit_is_no_fault() {
    let handle = "(if (i32.eq (memory.grow (i32.const 12)) (i32.const -1)) (then unreachable))
        (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
        (call $ok (i32.const 0) (i32.const 0))";
    let revision =
        Fixture::new().handle(handle).load(Limits { memory_bytes_max: 1 << 20, ..Limits::default() }).await;
    assert_eq!(call(&revision).await.unwrap().memory_bytes, 1 << 20);
}

#[tokio::test]
async fn no_limit_allows_more_memory_than_a_slot_has() {
    let handle = "(if (i32.ne (memory.grow (i32.const 4093)) (i32.const -1)) (then unreachable))
        (if (i32.eq (memory.grow (i32.const 4092)) (i32.const -1)) (then unreachable))
        (call $ok (i32.const 0) (i32.const 0))";
    let revision =
        Fixture::new().handle(handle).load(Limits { memory_bytes_max: 1 << 30, ..Limits::default() }).await;
    assert_eq!(call(&revision).await.unwrap().memory_bytes, 256 << 20);
}

#[tokio::test]
async fn a_memory_that_begins_too_large_is_refused() {
    let limits = Limits { memory_bytes_max: 2 << 16, ..Limits::default() };
    let error = refusal(Fixture::new().binary(), limits).await;
    assert_eq!(
        error.to_string(),
        "`describe` failed: it used more than 128 KiB of memory; raise `memory_bytes_max` or fix the plugin"
    );
}

#[tokio::test]
async fn tables_are_counted_together() {
    let limits = Limits { table_elements_max: 1_000, ..Limits::default() };
    let part = "(core module $part (table 400 funcref)) (core instance (instantiate $part))";
    let growing = |elements: u32| {
        let handle = format!(
            "(if (i32.eq (table.grow (ref.null func) (i32.const {elements})) (i32.const -1)) (then unreachable))
            (call $ok (i32.const 0) (i32.const 0))"
        );
        Fixture::new().component(part).module("(table 400 funcref)").handle(&handle)
    };
    let revision = growing(200).load(limits.clone()).await;
    assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
    let revision = growing(201).load(limits.clone()).await;
    let expected = "used more than 1000 table elements; raise `table_elements_max` or fix the plugin";
    assert_eq!(fault(call(&revision).await).to_string(), expected);
    let error = refusal(Fixture::new().component(part).module("(table 601 funcref)").binary(), limits).await;
    assert_eq!(error.to_string(), format!("`describe` failed: it {expected}"));
}

#[tokio::test]
async fn what_a_component_may_consist_of_is_limited() {
    let module = "(core module $part)";
    let instances = |count| format!("{module} {}", "(core instance (instantiate $part))".repeat(count));
    // Two are the fixture's own.
    Fixture::new().component(&instances(5)).load(Limits::default()).await;
    let limits = Limits { instances_max: 4, ..Limits::default() };
    let few = refusal(Fixture::new().component(&instances(5)).binary(), limits).await;
    let many = refusal(Fixture::new().component(&instances(100)).binary(), Limits::default()).await;
    let memories = "(core module $part (memory 1)) (core instance (instantiate $part)) (core instance (instantiate $part)) \
         (core instance (instantiate $part))";
    let memories = refusal(Fixture::new().component(memories).binary(), Limits::default()).await;
    let tables = Fixture::new().module(&"(table 1 funcref)".repeat(9));
    let tables = refusal(tables.binary(), Limits::default()).await;
    assert_texts(&[
        (
            "limit of instances",
            few.to_string(),
            "`describe` failed: it trapped: resource limit exceeded: instance count too high at 5",
        ),
        (
            "instances",
            many.to_string(),
            "the component has more than 64 core instances; build it with less, or make several plugins of it",
        ),
        (
            "memories",
            memories.to_string(),
            "the component has more than 3 memories; build it with less, or make several plugins of it",
        ),
        (
            "tables",
            tables.to_string(),
            "the component has more than 8 tables; build it with less, or make several plugins of it",
        ),
    ]);
}

#[tokio::test]
async fn an_event_that_is_too_large_costs_no_call() {
    let revision =
        Fixture::new().handle("unreachable").load(Limits { bytes_max: 1_000, ..Limits::default() }).await;
    let kind = fault(within(600, revision.call(0, &[0xc0; 1_001], context(None))).await);
    assert_eq!(
        kind.to_string(),
        "was not called: the event has 1001 bytes, 1000 are allowed; raise `bytes_max` or narrow `reads`"
    );
    let kind = fault(within(600, revision.call(0, &[0xc0; 1_000], context(None))).await);
    assert!(matches!(kind, FaultKind::Trap(_)), "{kind:?}");
}

#[tokio::test]
async fn too_many_bytes_are_a_bad_reply() {
    let limits = Limits { bytes_max: 1_000, ..Limits::default() };
    let text = |length| aksara_wire::encode(&Value::Array(vec![Value::Str("x".repeat(length))]));
    let reply = Fixture::reply(&text(997)).load(limits.clone()).await;
    let failure = Fixture::failure(&text(997)).load(limits.clone()).await;
    let all = Fixture::new().handle("(call $ok (i32.const 0) (i32.const 0x40000))").load(limits).await;
    assert_texts(&[
        (
            "reply",
            fault(call(&reply).await).to_string(),
            "returned a bad reply: 1001 bytes of MessagePack exceed the limit of 1000",
        ),
        (
            "failure",
            fault(call(&failure).await).to_string(),
            "returned a bad reply: 1001 bytes of MessagePack exceed the limit of 1000",
        ),
        (
            "the whole memory",
            fault(call(&all).await).to_string(),
            "returned a bad reply: 262144 bytes of MessagePack exceed the limit of 1000",
        ),
    ]);
}

/// A plugin that writes one line so many times.
fn writing(record: &[u8], times: u32) -> Fixture {
    let handle = format!(
        "(local $left i32)
        (local.set $left (i32.const {times}))
        (loop $again
            (call $log (global.get $data) (global.get $data_length))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        (call $ok (i32.const 0) (i32.const 0))"
    );
    Fixture::new().data(record).handle(&handle)
}

/// `{"level": "warn", "message": "Hello", "pk": 7}`
const RECORD: &[u8] = b"\x83\xa5level\xa4warn\xa7message\xa5Hello\xa2pk\x07";

#[tokio::test]
async fn lines_go_to_the_log_within_their_budget() {
    let limits = Limits { log_lines_max: 2, host_calls_max: 5, ..Limits::default() };
    let revision = writing(RECORD, 6).load(limits).await;
    let (lines, result) = logged(call(&revision)).await;
    assert_eq!(result.unwrap().reply, Reply::Unchanged);
    let line = format!("WARN aksara::plugin message=Hello plugin={} fields=pk=7", revision.label());
    let last = format!("WARN aksara::plugin message=further lines are dropped plugin={}", revision.label());
    assert_eq!(lines, [line.clone(), line, last]);
}

#[tokio::test]
async fn writing_for_ever_ends_by_the_limit_of_host_calls() {
    let limits = Limits { log_lines_max: 2, host_calls_max: 5, ..Limits::default() };
    let revision = writing(RECORD, 1_000_000).load(limits).await;
    assert_eq!(fault(call(&revision).await), FaultKind::HostCalls { host_calls_max: 5 });
}

#[tokio::test]
async fn a_line_that_is_no_map_is_no_fault() {
    let revision = writing(b"\xc1", 1).load(Limits::default()).await;
    let (lines, result) = logged(call(&revision)).await;
    assert_eq!(result.unwrap().reply, Reply::Unchanged);
    let text = "WARN aksara::plugin message=a log record that is no map was dropped";
    assert_eq!(lines, [format!("{text} plugin={} fields=", revision.label())]);
}

/// What was logged meanwhile.
async fn logged<T>(future: impl Future<Output = T>) -> (Vec<String>, T) {
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    let output = future.await;
    drop(guard);
    let lines = lines.0.lock().unwrap().clone();
    (lines, output)
}

/// Collects what plugins log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "aksara::plugin"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {}={value}", field.name()).unwrap();
    }
}
