//! `signals.md`, Dispatch 8: a signal without handlers allocates nothing. A program of its own, since it counts what the
//! whole process allocates.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

use std::alloc::System;

use aksara::prelude::*;
use aksara::signals::{Signal, post_save, pre_save};
use aksara::{Limits, open_plugins};
use aksara_tests::{TestDb, plugins_folder};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Model, Clone, Debug)]
#[model(label = "allocations.Unheard")]
struct Unheard {
    #[field(primary_key)]
    id: i64,
    number: i64,
}

#[derive(Model, Clone, Debug)]
#[model(label = "allocations.Heard")]
struct Heard {
    #[field(primary_key)]
    id: i64,
    number: i64,
}

#[derive(serde::Serialize)]
struct Nothing {}

static UNHEARD: Signal<Nothing> = Signal::new("allocations.unheard");

/// The fewest allocations of many runs: those that it needs, when it never waits and no other thread allocates meanwhile.
async fn fewest(mut run: impl AsyncFnMut()) -> usize {
    let mut fewest = usize::MAX;
    for _ in 0..5_000 {
        let region = Region::new(ALLOCATOR);
        run().await;
        fewest = fewest.min(region.change().allocations);
    }
    fewest
}

async fn saves<M: Model>(db: &Db, make: fn() -> M) -> usize {
    let transaction = db.begin().await.unwrap();
    let mut instance = make().instance();
    instance.save(transaction.db()).await.unwrap();
    let allocated = fewest(async || instance.save(transaction.db()).await.unwrap()).await;
    transaction.rollback().await.unwrap();
    allocated
}

/// That saves come to need no more than so many allocations: one more may be needed for long, while the database's own
/// thread is behind, but not for ever.
async fn assert_at_most<M: Model>(allocations: usize, db: &Db, make: fn() -> M, what: &str) {
    let mut needed = usize::MAX;
    for _ in 0..10 {
        needed = needed.min(saves(db, make).await);
        if needed <= allocations {
            return;
        }
    }
    panic!("{needed} allocations rather than {allocations}: {what}");
}

#[tokio::test]
async fn what_nobody_hears_allocates_nothing() {
    let folder = plugins_folder(&["slugify", "flight-delay"]);
    let plugins = open_plugins(folder.path(), Limits::default()).await.unwrap();
    let plain = TestDb::with::<(Unheard, Heard)>().await;
    let test = TestDb::opened::<(Unheard, Heard)>(|options| options.plugins(&plugins)).await;

    let unheard = saves(&plain.db, Unheard::default).await;
    assert_at_most(unheard, &plain.db, Heard::default, "two models that differ in nothing").await;

    // Handlers of another model, and plugins that hear others, change nothing about that.
    let _handlers: Vec<_> = (0..50)
        .flat_map(|number| {
            let pre = pre_save::<Heard>().dispatch_uid(format!("pre {number}"));
            let post = post_save::<Heard>().dispatch_uid(format!("post {number}"));
            [
                pre.connect(|_| Box::pin(async { Ok(()) })).scoped(),
                post.connect(|_| Box::pin(async { Ok(()) })).scoped(),
            ]
        })
        .collect();
    assert_at_most(unheard, &plain.db, Unheard::default, "handlers of another model").await;
    assert_at_most(unheard, &test.db, Unheard::default, "plugins that hear other models").await;
    assert!(saves(&plain.db, Heard::default).await > unheard + 100, "handlers are boxed futures");

    let transaction = test.db.begin().await.unwrap();
    let sent = fewest(async || UNHEARD.send(transaction.db(), Nothing {}).await.unwrap()).await;
    assert_eq!(sent, 0, "a custom signal that nobody hears");
    transaction.rollback().await.unwrap();
}
