//! Many calls at once: slots, dropped futures, neighbours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aksara_plugins::{CallContext, Deadline, Engine, FaultKind, Limits, Revision};
use aksara_wire::{ModelOperation, Reply, Value};
use tokio::task::JoinSet;

use crate::fixture::{EVENT, Fixture, call, call_with, context, fault, within};
use crate::models::{Answers, granted, request};

/// More than there are slots.
const MANY: usize = 300;

const LOOP: &str = "(loop $forever (br $forever)) unreachable";

/// A plugin that asks the application once.
async fn asking(engine: &Engine, wait_ms: u64) -> Arc<Revision> {
    let handle = "(call $get (global.get $data) (global.get $data_length) (i32.const 32))
        (call $ok (i32.const 0) (i32.const 0))";
    let fixture = Fixture::new().description(&granted(&[ModelOperation::Get])).data(&request("app.Article"));
    let limits = Limits { wait_ms, ..Limits::default() };
    Arc::new(fixture.handle(handle).load_into(engine, limits).await)
}

/// Starts calls of which none gets an answer.
async fn hanging(revision: &Arc<Revision>, calls: usize) -> JoinSet<FaultKind> {
    let mut tasks = JoinSet::new();
    for _ in 0..calls {
        let revision = revision.clone();
        tasks.spawn(async move { fault(call_with(&revision, Answers::never()).await) });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_ends_in_time_and_the_next_call_works() {
    let handle = "(if (i32.eq (local.get $subscription) (i32.const 0)) (then (loop $forever (br $forever))))
        (call $ok (i32.const 0) (i32.const 0))";
    let revision = Fixture::new().handle(handle).load(Limits { deadline_ms: 50, ..Limits::default() }).await;
    let start = Instant::now();
    let kind = fault(call(&revision).await);
    assert_eq!(kind.to_string(), "ran longer than 50 ms; raise `deadline_ms` or fix the plugin");
    assert!(start.elapsed() >= Duration::from_millis(40), "{:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let context = context(None);
    assert_eq!(revision.call(1, b"", context).await.unwrap().reply, Reply::Unchanged);
}

/// Sandbox 2: nobody waits for a handler after the transaction.
#[tokio::test]
async fn handlers_after_the_commit_have_a_deadline_of_their_own() {
    let limits = Limits { deadline_ms: 30, deadline_after_commit_ms: 120, ..Limits::default() };
    let revision = Fixture::new().handle(LOOP).load(limits).await;
    for (signal, name, ms) in [
        ("post_save", "deadline_ms", 30),
        ("after_commit", "deadline_after_commit_ms", 120),
        ("after_rollback", "deadline_after_commit_ms", 120),
    ] {
        let context = CallContext { signal, ..context(None) };
        let kind = fault(within(600, revision.call(0, EVENT, context)).await);
        assert_eq!(kind, FaultKind::Deadline(Deadline { name, ms }), "{signal}");
    }
}

#[tokio::test]
async fn a_loop_leaves_a_single_thread_to_others_meanwhile() {
    let revision = Fixture::new().handle(LOOP).load(Limits { deadline_ms: 200, ..Limits::default() }).await;
    let ended = AtomicBool::new(false);
    let looping = async {
        let kind = fault(call(&revision).await);
        ended.store(true, Ordering::Relaxed);
        kind
    };
    let other = async {
        let mut turns = 0;
        while !ended.load(Ordering::Relaxed) {
            turns += 1;
            tokio::task::yield_now().await;
        }
        turns
    };
    let (kind, turns) = tokio::join!(looping, other);
    assert_eq!(kind, FaultKind::Deadline(Deadline { name: "deadline_ms", ms: 200 }));
    assert!(turns >= 5, "{turns}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_of_a_loop_is_unharmed() {
    let looping = Fixture::new().handle(LOOP).load(Limits { deadline_ms: 50, ..Limits::default() }).await;
    let looping = Arc::new(looping);
    // Longer than the loop may run, all in all.
    let neighbour = asking(crate::fixture::engine(), 10_000).await;
    let slow = Arc::new(Answers::new(async |_, _| {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(Value::Nil)
    }));
    let mut loops = JoinSet::new();
    for _ in 0..3 {
        let looping = looping.clone();
        loops.spawn(async move { fault(call(&looping).await) });
    }
    let called = call_with(&neighbour, slow).await.unwrap();
    assert_eq!(called.reply, Reply::Unchanged);
    assert!(called.duration >= Duration::from_millis(300), "{:?}", called.duration);
    while let Some(kind) = loops.join_next().await {
        assert_eq!(kind.unwrap(), FaultKind::Deadline(Deadline { name: "deadline_ms", ms: 50 }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_calls_leave_the_pool_usable() {
    let engine = Engine::new().unwrap();
    let revision = asking(&engine, 10_000).await;
    for _ in 0..2 {
        let mut tasks = hanging(&revision, MANY).await;
        assert_eq!(tasks.len(), MANY);
        within(600, tasks.shutdown()).await;
        let models = Answers::always(Ok(Value::Nil));
        assert_eq!(call_with(&revision, models).await.unwrap().reply, Reply::Unchanged);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_dropped_while_they_compute_leave_the_pool_usable() {
    let engine = Engine::new().unwrap();
    let limits = Limits { deadline_ms: 60_000, ..Limits::default() };
    let looping = Arc::new(Fixture::new().handle(LOOP).load_into(&engine, limits).await);
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let looping = looping.clone();
        tasks.spawn(async move { fault(call(&looping).await) });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    within(600, tasks.shutdown()).await;
    let revision = Fixture::new().load_into(&engine, Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_calls_than_slots_wait_for_one() {
    let engine = Engine::new().unwrap();
    let revision = asking(&engine, 10_000).await;
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let revision = revision.clone();
        let slow = Arc::new(Answers::new(async |_, _| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(Value::Nil)
        }));
        tasks.spawn(async move { call_with(&revision, slow).await });
    }
    while let Some(called) = tasks.join_next().await {
        assert_eq!(called.unwrap().unwrap().reply, Reply::Unchanged);
    }
}

/// A plugin has a share of the slots: those that wait take none of another plugin's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_a_slot_ends_and_takes_none_of_another_plugin() {
    let engine = Engine::new().unwrap();
    let (revision, impatient) = (asking(&engine, 10_000).await, asking(&engine, 20).await);
    let other = Fixture::new().load_into(&engine, Limits { wait_ms: 20, ..Limits::default() }).await;
    let mut tasks = hanging(&revision, 400).await;
    assert_eq!(call(&other).await.unwrap().reply, Reply::Unchanged);
    within(600, tasks.shutdown()).await;
    // Each is not called, or waits in vain.
    let mut tasks = hanging(&impatient, 400).await;
    let mut kinds = Vec::new();
    while let Some(kind) = tasks.join_next().await {
        kinds.push(kind.unwrap());
    }
    assert!(kinds.contains(&FaultKind::Busy), "{kinds:?}");
    assert_eq!(call(&other).await.unwrap().reply, Reply::Unchanged);
}

/// One core is left to others, however many calls of one plugin compute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_computes_in_many_calls_leaves_turns_to_another() {
    let engine = Engine::new().unwrap();
    let limits = Limits { deadline_ms: 60_000, wait_ms: 600_000, ..Limits::default() };
    let looping = Arc::new(Fixture::new().handle(LOOP).load_into(&engine, limits).await);
    let other = Fixture::new().load_into(&engine, Limits::default()).await;
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let looping = looping.clone();
        tasks.spawn(async move { fault(call(&looping).await) });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    for _ in 0..20 {
        assert_eq!(call(&other).await.unwrap().reply, Reply::Unchanged);
    }
    within(600, tasks.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_loops_than_slots_all_end() {
    let engine = Engine::new().unwrap();
    let limits = Limits { deadline_ms: 20, ..Limits::default() };
    let looping = Arc::new(Fixture::new().handle(LOOP).load_into(&engine, limits).await);
    let mut tasks = JoinSet::new();
    for _ in 0..MANY {
        let looping = looping.clone();
        tasks.spawn(async move { fault(call(&looping).await) });
    }
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    while let Some(kind) = tasks.join_next().await {
        *kinds.entry(kind.unwrap().to_string()).or_default() += 1;
    }
    let expected = [
        "ran longer than 20 ms; raise `deadline_ms` or fix the plugin",
        "was not called: too many plugin calls are under way",
    ];
    assert!(kinds.keys().all(|kind| expected.contains(&kind.as_str())), "{kinds:?}");
    let revision = Fixture::new().load_into(&engine, Limits::default()).await;
    assert_eq!(call(&revision).await.unwrap().reply, Reply::Unchanged);
}

/// Short turns between short sleeps add up: a plugin that waits in between computes no longer than one that does not.
#[tokio::test]
async fn computing_between_waits_adds_up() {
    let handle = "(local $left i32)
        (loop $forever
            (local.set $left (i32.const 3000000))
            (loop $work (br_if $work (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (call $get (global.get $data) (global.get $data_length) (i32.const 32))
            (br $forever))
        unreachable";
    let fixture = Fixture::new().description(&granted(&[ModelOperation::Get])).data(&request("app.Article"));
    let limits =
        Limits { deadline_ms: 50, host_calls_max: 1_000_000, wait_ms: 3_600_000, ..Limits::default() };
    let revision = fixture.handle(handle).load(limits).await;
    let slow = Arc::new(Answers::new(async |_, _| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(Value::Nil)
    }));
    let kind = fault(call_with(&revision, slow).await);
    assert_eq!(kind, FaultKind::Deadline(Deadline { name: "deadline_ms", ms: 50 }));
}

/// What the host computes for an answer, and waits for, is not the plugin's computing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn computing_of_the_host_is_not_the_plugins() {
    let handle = "(call $get (global.get $data) (global.get $data_length) (i32.const 32))
        (call $ok (i32.const 0) (i32.const 0))";
    let fixture = Fixture::new().description(&granted(&[ModelOperation::Get])).data(&request("app.Article"));
    let limits = Limits { deadline_ms: 100, wait_ms: 3_600_000, ..Limits::default() };
    let revision = fixture.handle(handle).load(limits).await;
    let busy = Arc::new(Answers::new(async |_, _| {
        let begin = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let begin = Duration::try_from(begin).unwrap();
        loop {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
            if Duration::try_from(now).unwrap() - begin > Duration::from_millis(300) {
                return Ok(Value::Nil);
            }
        }
    }));
    assert_eq!(call_with(&revision, busy).await.unwrap().reply, Reply::Unchanged);
}
