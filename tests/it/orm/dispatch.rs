//! `signals.md`, "Dispatch".

use aksara::prelude::*;
use aksara::signals::{post_save, pre_save};
use aksara::{Error, ModelMeta};
use aksara_tests::{Journal, TestDb};

macro_rules! model {
    ($name:ident) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            text: String,
        }
    };
}

/// Dispatch 1.
#[tokio::test]
async fn higher_priority_first_then_order_of_connection_each_seeing_what_came_before() {
    model!(Ordered);
    let test = TestDb::with::<(Ordered,)>().await;
    fn append(
        letter: &'static str,
    ) -> impl for<'a> Fn(PreSave<'a, Ordered>) -> aksara::BoxFuture<'a, HandlerResult> + Send + Sync {
        move |event| {
            event.instance.text.push_str(letter);
            Box::pin(async { Ok(()) })
        }
    }
    let _b = pre_save::<Ordered>().connect(append("b"));
    let _c = pre_save::<Ordered>().connect(append("c"));
    let _a = pre_save::<Ordered>().priority(10).connect(append("a"));
    let _d = pre_save::<Ordered>().priority(-1).connect(append("d"));
    let every = pre_save::<AnyModel>().senders(&[Ordered::meta()]).connect(|event| {
        let text = event.instance.get("text");
        let appended = match text {
            Some(aksara::Value::String(Some(text))) => event.instance.set("text", format!("{text}e")),
            _ => Ok(()),
        };
        Box::pin(async move { Ok(appended?) })
    });
    let row = Ordered::objects(&test.db).create(Ordered::default()).await.unwrap();
    assert_eq!(row.text, "abced");
    every.disconnect();
}

static ATTRIBUTED: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

#[derive(Model, Clone, Debug)]
struct Attributed {
    #[field(primary_key)]
    id: i64,
    text: String,
}

#[derive(Model, Clone, Debug)]
struct AttributedToo {
    #[field(primary_key)]
    id: i64,
}

#[pre_save(Attributed, priority = 5)]
async fn fill_text(event: PreSave<'_, Attributed>) -> HandlerResult {
    if event.instance.text.is_empty() {
        event.instance.text = "filled".into();
    }
    Ok(())
}

#[post_save(Attributed, AttributedToo)]
async fn on_both(event: PostSave<'_, AnyModel>) -> HandlerResult {
    ATTRIBUTED.lock().unwrap().push(event.sender.label.to_owned());
    Ok(())
}

#[tokio::test]
async fn attributes_connect_handlers_to_one_model_and_to_several() {
    let test = TestDb::with::<(Attributed, AttributedToo)>().await;
    let row = Attributed::objects(&test.db).create(Attributed::default()).await.unwrap();
    assert_eq!(row.text, "filled");
    AttributedToo::objects(&test.db).create(AttributedToo::default()).await.unwrap();
    assert_eq!(*ATTRIBUTED.lock().unwrap(), ["Attributed", "AttributedToo"]);
}

#[handler]
async fn by_hand(event: PreSave<'_, ByHand>) -> HandlerResult {
    event.instance.text.push('x');
    Ok(())
}

#[derive(Model, Clone, Debug)]
struct ByHand {
    #[field(primary_key)]
    id: i64,
    text: String,
}

/// Dispatch 2.
#[tokio::test]
async fn the_same_id_is_connected_once_and_disconnect_says_whether_it_was() {
    let test = TestDb::with::<(ByHand,)>().await;
    let text = async || ByHand::objects(&test.db).create(ByHand::default()).await.unwrap().text.clone();
    assert!(!pre_save::<ByHand>().disconnect(by_hand));
    pre_save::<ByHand>().connect(by_hand);
    pre_save::<ByHand>().connect(by_hand);
    assert_eq!(text().await, "x");
    let named = pre_save::<ByHand>().dispatch_uid("second").connect(by_hand);
    assert_eq!((text().await, named.id()), ("xx".to_owned(), "second"));
    assert!(named.disconnect());
    assert!(!named.disconnect());
    assert!(pre_save::<ByHand>().disconnect(by_hand));
    assert_eq!(text().await, "");
    {
        let _scoped = pre_save::<ByHand>().connect(by_hand).scoped();
        assert_eq!(text().await, "x");
    }
    assert_eq!(text().await, "");
}

/// Dispatch 3.
#[tokio::test]
async fn a_send_works_on_a_snapshot_of_the_handlers() {
    model!(Snapshot);
    let test = TestDb::with::<(Snapshot,)>().await;
    let _first = pre_save::<Snapshot>().connect(|event| {
        pre_save::<Snapshot>().dispatch_uid("late").connect(|event| {
            event.instance.text.push_str("late");
            Box::pin(async { Ok(()) })
        });
        event.instance.text.push_str("first ");
        Box::pin(async { Ok(()) })
    });
    let text = async || Snapshot::objects(&test.db).create(Snapshot::default()).await.unwrap().text.clone();
    assert_eq!(text().await, "first ");
    assert_eq!(text().await, "first late");
    pre_save::<Snapshot>().disconnect_id("late");
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("my own error {0}")]
struct MyError(u8);

/// Dispatch 4.
#[tokio::test]
async fn the_first_error_stops_the_rest_and_reaches_the_caller_unchanged() {
    model!(Failing);
    let test = TestDb::with::<(Failing,)>().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let fails =
        pre_save::<Failing>().dispatch_uid("fails").connect(|_| Box::pin(async { Err(MyError(7).into()) }));
    let _later = pre_save::<Failing>().connect(move |_| {
        seen.add("later");
        Box::pin(async { Ok(()) })
    });
    let error = Failing::objects(&test.db).create(Failing::default()).await.unwrap_err();
    insta::assert_snapshot!(error, @"handler `fails` for pre_save of `Failing` failed: my own error 7");
    let Error::Handler { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.downcast_ref(), Some(&MyError(7)));
    assert_eq!(journal.take(), [] as [&str; 0]);
    fails.disconnect();
    let panics =
        pre_save::<Failing>().dispatch_uid("panics").connect(|_| Box::pin(async { panic!("at the disco") }));
    let error = Failing::objects(&test.db).create(Failing::default()).await.unwrap_err();
    insta::assert_snapshot!(error, @"handler `panics` for pre_save of `Failing` failed: it panicked: at the disco");
    panics.disconnect();
    assert_eq!(journal.take(), ["later"]);
    Failing::objects(&test.db).create(Failing::default()).await.unwrap();
    assert_eq!(journal.take(), ["later"]);
}

#[tokio::test]
async fn refusals_are_kinds_of_their_own() {
    model!(Refusing);
    let test = TestDb::with::<(Refusing,)>().await;
    let _handler = pre_save::<Refusing>().dispatch_uid("gate").connect(|event| {
        let result = match event.instance.text.as_str() {
            "reject" => Err(reject("closed on Sundays")),
            "invalid" => Err(invalid("text", "is not nice")),
            _ => Ok(()),
        };
        Box::pin(async { result })
    });
    let create = async |text: &str| {
        Refusing::objects(&test.db).create(Refusing { text: text.into(), ..Default::default() }).await
    };
    let rejected = create("reject").await.unwrap_err();
    insta::assert_snapshot!(rejected, @"handler `gate` refused pre_save of `Refusing`: closed on Sundays");
    let invalid = create("invalid").await.unwrap_err();
    insta::assert_snapshot!(invalid, @"`Refusing` is not valid: `text` is not nice");
    assert!(rejected.is_refusal() && invalid.is_refusal());
    create("fine").await.unwrap();
}

/// Dispatch 7.
#[tokio::test]
async fn past_the_depth_limit_the_error_prints_the_chain() {
    model!(Deep);
    let test = TestDb::opened::<(Deep,)>(|options| options.depth_max(2)).await;
    let handler = post_save::<Deep>().dispatch_uid("resave").connect(|event| {
        Box::pin(async move {
            Deep::objects(event.db).create(Deep::default()).await?;
            Ok(())
        })
    });
    let error = Deep::objects(&test.db).create(Deep::default()).await.unwrap_err();
    insta::assert_snapshot!(error, @"signals are nested deeper than 2: post_save of `Deep` in `resave` -> post_save of `Deep` in `resave` -> post_save of `Deep` in `resave` -> post_save of `Deep`; a handler must not save what fires it again");
    assert_eq!(Deep::objects(&test.db).count().await.unwrap(), 0);
    handler.disconnect();
}

#[tokio::test]
async fn a_handler_that_saves_fires_signals_one_deeper() {
    model!(Outer);
    model!(Inner);
    let test = TestDb::with::<(Outer, Inner)>().await;
    let journal = Journal::default();
    let (outer, inner) = (journal.clone(), journal.clone());
    let _outer = post_save::<Outer>().connect(move |event| {
        outer.add(format!("outer {}", event.depth));
        Box::pin(async move {
            Inner::objects(event.db).create(Inner::default()).await?;
            Ok(())
        })
    });
    let _inner = post_save::<Inner>().connect(move |event| {
        inner.add(format!("inner {}", event.depth));
        Box::pin(async { Ok(()) })
    });
    Outer::objects(&test.db).create(Outer::default()).await.unwrap();
    Inner::objects(&test.db).create(Inner::default()).await.unwrap();
    assert_eq!(journal.take(), ["outer 0", "inner 1", "inner 0"]);
}

/// Transactions 4.
#[tokio::test]
async fn a_handler_that_reaches_for_the_pool_is_told_what_to_use() {
    model!(Reaching);
    let test = TestDb::opened::<(Reaching,)>(|options| options.connections_max(1)).await;
    let pool = test.db.clone();
    let handler = post_save::<Reaching>().dispatch_uid("reach").connect(move |_| {
        let pool = pool.clone();
        Box::pin(async move {
            Reaching::objects(&pool).count().await?;
            Ok(())
        })
    });
    let error = Reaching::objects(&test.db).create(Reaching::default()).await.unwrap_err();
    insta::assert_snapshot!(error, @"handler `reach` for post_save of `Reaching` failed: handler `reach` for post_save of `Reaching` reached for the connection pool; use `event.db`, the transaction in which the signal fires");
    handler.disconnect();
}

#[test]
fn models_and_their_fields_are_known_by_name() {
    let meta = ModelMeta::by_label("Attributed").unwrap();
    assert_eq!((meta.table, meta.key_field().name), ("attributed", "id"));
    assert_eq!(meta.position("text"), Some(1));
    assert!(ModelMeta::by_label("Nothing").is_none());
}
