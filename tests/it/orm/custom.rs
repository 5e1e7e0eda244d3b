//! `signals.md`, "Dispatch": custom signals, robust sends, muting, and what can be asked about handlers.

use aksara::Error;
use aksara::prelude::*;
use aksara::signals::{Signal, explain, post_save, pre_save};
use aksara_tests::{Journal, TestDb};

macro_rules! model {
    ($name:ident) => {
        #[derive(Model, Clone, Debug)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            text: String,
        }
    };
}

#[derive(serde::Serialize)]
struct Payment {
    amount: f64,
    currency: String,
}

fn dollars() -> Payment {
    Payment { amount: 99.99, currency: "USD".into() }
}

/// Dispatch 4 and 5.
#[tokio::test]
async fn send_stops_at_the_first_error_and_undoes_what_handlers_did() {
    model!(CustomReceipt);
    static PAID: Signal<Payment> = Signal::new("test.paid");
    let test = TestDb::with::<(CustomReceipt,)>().await;
    assert!(!PAID.has_handlers());
    PAID.send(&test.db, dollars()).await.unwrap();
    PAID.connect(|event| {
        Box::pin(async move {
            let text = format!("{} {}", event.args.amount, event.args.currency);
            CustomReceipt::objects(event.db).create(CustomReceipt { text, ..Default::default() }).await?;
            Ok(())
        })
    });
    assert!(PAID.has_handlers());
    PAID.send(&test.db, dollars()).await.unwrap();
    let receipts = CustomReceipt::objects(&test.db).all().await.unwrap();
    assert_eq!(receipts[0].text, "99.99 USD");
    let refusing = PAID.connect_with(-1, Some("refuse"), |_| Box::pin(async { Err(reject("bankrupt")) }));
    let error = PAID.send(&test.db, dollars()).await.unwrap_err();
    insta::assert_snapshot!(error, @"handler `refuse` refused test.paid of ``: bankrupt");
    assert_eq!(CustomReceipt::objects(&test.db).count().await.unwrap(), 1);
    assert!(refusing.disconnect() && !PAID.disconnect_id("refuse"));
}

/// Dispatch 4.
#[tokio::test]
async fn send_robust_runs_every_handler_and_returns_what_became_of_each() {
    model!(CustomRobust);
    static ROBUST: Signal<Payment> = Signal::new("test.robust");
    let test = TestDb::with::<(CustomRobust,)>().await;
    ROBUST.connect_with(3, Some("refuses"), |_| Box::pin(async { Err(reject("no")) }));
    ROBUST.connect_with(2, Some("panics"), |_| Box::pin(async { panic!("oh") }));
    ROBUST.connect_with(1, Some("works"), |event| {
        Box::pin(async move {
            assert_eq!(event.instance.map(|instance| instance.meta().label), Some("CustomRobust"));
            Ok(())
        })
    });
    let mut row = CustomRobust::objects(&test.db).create(CustomRobust::default()).await.unwrap();
    let outcomes = ROBUST.send_robust_for(&test.db, &mut row, dollars()).await.unwrap();
    let lines: Vec<String> = outcomes
        .iter()
        .map(|outcome| match &outcome.result {
            Ok(()) => format!("{} ok", outcome.handler),
            Err(error) => error.to_string(),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    handler `refuses` refused test.robust of `CustomRobust`: no
    handler `panics` for test.robust of `CustomRobust` failed: it panicked: oh
    works ok
    ");
}

/// Dispatch 4: one handler's failed statement is not the end of the others, and what it wrote is undone.
#[tokio::test]
async fn a_handler_of_a_robust_send_that_fails_takes_along_its_own_writes_only() {
    model!(CustomAlone);
    static ALONE: Signal<Payment> = Signal::new("test.alone");
    let test = TestDb::with::<(CustomAlone,)>().await;
    async fn add(db: &Db, id: i64, text: &str) -> Result<(), Error> {
        let row = CustomAlone { id, text: text.into() };
        CustomAlone::objects(db).create(row).await.map(drop)
    }
    add(&test.db, 0, "first").await.unwrap();
    let taken = CustomAlone::objects(&test.db).one().await.unwrap().id;
    let ways = ["writes", "collides", "breaks a statement", "panics", "writes too"];
    for (place, way) in ways.into_iter().enumerate() {
        let priority = 10 - i32::try_from(place).unwrap();
        ALONE.connect_with(priority, Some(way), move |event| {
            Box::pin(async move {
                add(event.db, 0, way).await?;
                match way {
                    "collides" => add(event.db, taken, way).await?,
                    "breaks a statement" => event.db.execute_raw("NONSENSE", vec![]).await.map(drop)?,
                    "panics" => panic!("as asked"),
                    _ => {}
                }
                Ok(())
            })
        });
    }
    let send = async |db: &Db| {
        let outcomes = ALONE.send_robust(db, dollars()).await.unwrap();
        let good: Vec<bool> = outcomes.iter().map(|outcome| outcome.result.is_ok()).collect();
        assert_eq!(good, [true, false, false, false, true], "{outcomes:?}");
    };
    let texts = async || {
        let all = CustomAlone::objects(&test.db).order_by(CustomAlone::id.asc());
        all.values(CustomAlone::text).await.unwrap()
    };
    send(&test.db).await;
    assert_eq!(texts().await, ["first", "writes", "writes too"]);
    test.db
        .transaction(async |tx| {
            send(&tx).await;
            add(&tx, 0, "last").await
        })
        .await
        .unwrap();
    assert_eq!(texts().await, ["first", "writes", "writes too", "writes", "writes too", "last"]);
}

/// Dispatch 6.
#[tokio::test]
async fn disable_for_silences_its_models_inside_its_scope_and_only_there() {
    model!(CustomMuted);
    model!(CustomLoud);
    let test = TestDb::with::<(CustomMuted, CustomLoud)>().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let models = [CustomMuted::meta(), CustomLoud::meta()];
    post_save::<AnyModel>().senders(&models).connect(move |event| {
        seen.add(event.sender.label);
        Box::pin(async { Ok(()) })
    });
    aksara::signals::after_commit::<AnyModel>().senders(&models).connect({
        let seen = journal.clone();
        move |event| {
            seen.add(format!("committed {}", event.sender.label));
            Box::pin(async { Ok(()) })
        }
    });
    let both = async || {
        CustomMuted::objects(&test.db).create(CustomMuted::default()).await.unwrap();
        CustomLoud::objects(&test.db).create(CustomLoud::default()).await.unwrap();
    };
    let loud = ["CustomLoud", "committed CustomLoud"];
    SignalContext::disable_for::<CustomMuted>().scope(both()).await;
    assert_eq!(journal.take(), loud);
    // Scopes nest; the inner one adds to the outer.
    let nested = SignalContext::disable_for::<CustomLoud>()
        .scope(SignalContext::disable_for::<CustomMuted>().scope(both()));
    nested.await;
    SignalContext::disable_for::<CustomMuted>().and::<CustomLoud>().scope(both()).await;
    SignalContext::disable_all().scope(both()).await;
    assert!(journal.take().is_empty());
    // Another task is untouched, and leaving the scope by an error ends it.
    let left: Result<(), &str> = SignalContext::disable_all().scope(async { Err("left") }).await;
    left.unwrap_err();
    let db = test.db.clone();
    let other = SignalContext::disable_all().scope(async {
        tokio::spawn(async move { CustomLoud::objects(&db).create(CustomLoud::default()).await.unwrap() })
            .await
            .unwrap()
    });
    other.await;
    assert_eq!(journal.take(), loud);
    // What was silent is not delivered later, and its rows are there.
    assert_eq!(CustomMuted::objects(&test.db).count().await.unwrap(), 4);
    both().await;
    assert_eq!(
        journal.take(),
        ["CustomMuted", "committed CustomMuted", "CustomLoud", "committed CustomLoud"]
    );
}

#[tokio::test]
async fn explain_lists_what_would_run_in_order_with_where_it_comes_from() {
    model!(CustomExplained);
    let test = TestDb::with::<(CustomExplained,)>().await;
    pre_save::<CustomExplained>().dispatch_uid("later").connect(|_| Box::pin(async { Ok(()) }));
    pre_save::<CustomExplained>().dispatch_uid("first").priority(5).connect(|_| Box::pin(async { Ok(()) }));
    // Handlers of all models, of other tests, come and go.
    let ours = ["later", "first"];
    let explained =
        explain::<CustomExplained>(&test.db).into_iter().filter(|one| ours.contains(&&*one.handler));
    let lines: Vec<String> = explained.map(|one| one.to_string()).collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("pre_save            5  first  (") && lines[0].contains("custom.rs:"),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("  later  "), "{}", lines[1]);
    assert!(pre_save::<CustomExplained>().has_handlers());
    assert!(!aksara::signals::pre_delete::<CustomExplained>().has_handlers());
}

#[tokio::test]
async fn handlers_of_all_models_can_exclude_some_and_skip_fixtures() {
    model!(CustomIncluded);
    model!(CustomExcluded);
    let test = TestDb::with::<(CustomIncluded, CustomExcluded)>().await;
    let journal = Journal::default();
    let (seen, seen_fixtures) = (journal.clone(), journal.clone());
    let models = [CustomIncluded::meta(), CustomExcluded::meta()];
    let all = post_save::<AnyModel>().exclude(&[CustomExcluded::meta()]).connect(move |event| {
        if event.sender.label == "CustomIncluded" || event.sender.label == "CustomExcluded" {
            seen.add(event.sender.label);
        }
        Box::pin(async { Ok(()) })
    });
    post_save::<AnyModel>().senders(&models).skip_raw().connect(move |event| {
        seen_fixtures.add(format!("{} raw: {}", event.sender.label, event.raw));
        Box::pin(async { Ok(()) })
    });
    let raw = aksara::SaveOptions { raw: true, ..Default::default() };
    CustomIncluded::default().instance().save_with(&test.db, raw).await.unwrap();
    assert_eq!(journal.take(), ["CustomIncluded"]);
    CustomExcluded::objects(&test.db).create(CustomExcluded::default()).await.unwrap();
    assert_eq!(journal.take(), ["CustomExcluded raw: false"]);
    all.disconnect();
}
