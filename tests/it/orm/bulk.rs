//! `signals.md`, "Bulk and query updates", and the signals around building an instance.

use aksara::prelude::*;
use aksara::signals::{
    post_bulk_create, post_bulk_update, post_init, post_save, pre_bulk_create, pre_bulk_update, pre_init,
    pre_save,
};
use aksara_tests::{Journal, TestDb};

macro_rules! model {
    ($name:ident) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            #[field(max_length = 20)]
            text: String,
            number: i32,
        }

        #[allow(dead_code, reason = "not every test needs both")]
        impl $name {
            fn rows(texts: &[&str]) -> Vec<$name> {
                let row = |text: &&str| $name { text: (*text).to_owned(), ..Default::default() };
                texts.iter().map(row).collect()
            }

            async fn texts(db: &Db) -> Vec<String> {
                let rows = $name::objects(db).order_by($name::id.asc()).all().await.unwrap();
                rows.iter().map(|row| row.text.clone()).collect()
            }
        }
    };
}

/// Bulk 1.
#[tokio::test]
async fn bulk_create_sends_its_signals_once_with_all_instances() {
    model!(BulkMade);
    let test = TestDb::with::<(BulkMade,)>().await;
    let journal = Journal::default();
    let (pre, post, save) = (journal.clone(), journal.clone(), journal.clone());
    pre_bulk_create::<BulkMade>().connect(move |event| {
        pre.add(format!("pre {} of {:?}", event.instances.len(), event.instances[0].state()));
        event.instances.iter_mut().for_each(|row| row.text.push('!'));
        Box::pin(async { Ok(()) })
    });
    post_bulk_create::<AnyModel>().senders(&[BulkMade::meta()]).connect(move |event| {
        post.add(format!("post {}", event.instances.len()));
        let first = event.instances.get(0).map(|row| row.key() != aksara::Value::BigInt(Some(0)));
        post.add(format!("keys are made: {first:?}"));
        Box::pin(async { Ok(()) })
    });
    pre_save::<BulkMade>().connect(move |_| {
        save.add("pre_save");
        Box::pin(async { Ok(()) })
    });
    let rows = BulkMade::objects(&test.db).bulk_create(BulkMade::rows(&["a", "b", "c"])).await.unwrap();
    assert_eq!(journal.take(), ["pre 3 of New", "post 3", "keys are made: Some(true)"]);
    assert_eq!(BulkMade::texts(&test.db).await, ["a!", "b!", "c!"]);
    assert_eq!(rows[2].text, "c!");
    BulkMade::objects(&test.db).bulk_create(Vec::new()).await.unwrap();
    assert!(journal.take().is_empty());
}

/// Bulk 1.
#[tokio::test]
async fn bulk_update_writes_the_named_fields_and_sends_once() {
    model!(BulkChanged);
    let test = TestDb::with::<(BulkChanged,)>().await;
    let mut rows =
        BulkChanged::objects(&test.db).bulk_create(BulkChanged::rows(&["a", "b", "c"])).await.unwrap();
    let journal = Journal::default();
    let (pre, post) = (journal.clone(), journal.clone());
    pre_bulk_update::<BulkChanged>().connect(move |event| {
        let fields: Vec<_> = event.fields.iter().flat_map(|fields| fields.names()).collect();
        pre.add(format!("pre {} {fields:?}", event.instances.len()));
        event.instances[0].text.push('?');
        Box::pin(async { Ok(()) })
    });
    post_bulk_update::<BulkChanged>().connect(move |event| {
        post.add(format!("post {:?}", event.rows));
        Box::pin(async { Ok(()) })
    });
    for row in &mut rows {
        row.text = row.text.to_uppercase();
        row.number = 7;
    }
    assert_eq!(BulkChanged::objects(&test.db).bulk_update(&mut rows, &["text"]).await.unwrap(), 3);
    assert_eq!(journal.take(), ["pre 3 [\"text\"]", "post Some(3)"]);
    assert_eq!(BulkChanged::texts(&test.db).await, ["A?", "B", "C"]);
    assert_eq!(BulkChanged::objects(&test.db).filter(BulkChanged::number.eq(7)).count().await.unwrap(), 0);
    // What was not written is still a change.
    assert_eq!(rows[1].changes().iter().map(|change| change.field).collect::<Vec<_>>(), ["number"]);
    assert_eq!(BulkChanged::objects(&test.db).bulk_update(&mut Vec::new(), &["text"]).await.unwrap(), 0);
    assert!(journal.take().is_empty());
    let unknown = BulkChanged::objects(&test.db).bulk_update(&mut rows, &["nope"]).await.unwrap_err();
    insta::assert_snapshot!(unknown, @"cannot save the field `nope` of `BulkChanged`: the model has no such field");
    let mut unsaved = vec![BulkChanged::default().instance()];
    let error = BulkChanged::objects(&test.db).bulk_update(&mut unsaved, &["text"]).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot update this `BulkChanged`: one of the instances was never saved");
}

/// Bulk 1: an error in any handler or batch keeps no batch.
#[tokio::test]
async fn an_error_keeps_no_batch_and_restores_the_instances() {
    model!(BulkKept);
    let test = TestDb::with::<(BulkKept,)>().await;
    let mut rows = BulkKept::objects(&test.db).bulk_create(BulkKept::rows(&["a", "b"])).await.unwrap();
    let refuse_create = post_bulk_create::<BulkKept>().connect(|_| Box::pin(async { Err(reject("no")) }));
    let refuse_update = post_bulk_update::<BulkKept>().connect(|_| Box::pin(async { Err(reject("no")) }));
    BulkKept::objects(&test.db).bulk_create(BulkKept::rows(&["c"; 40_000])).await.unwrap_err();
    rows[0].text = "changed".into();
    BulkKept::objects(&test.db).bulk_update(&mut rows, &["text"]).await.unwrap_err();
    assert_eq!(rows[0].changes().len(), 1);
    refuse_create.disconnect();
    refuse_update.disconnect();
    let mut too_long = BulkKept::rows(&["ok", "ok"]);
    too_long[1].text = "x".repeat(21);
    assert!(BulkKept::objects(&test.db).bulk_create(too_long).await.unwrap_err().is_refusal());
    assert_eq!(BulkKept::texts(&test.db).await, ["a", "b"]);
}

/// Bulk 2.
#[tokio::test]
async fn an_update_of_a_query_sends_nothing() {
    model!(BulkBypassed);
    let test = TestDb::with::<(BulkBypassed,)>().await;
    BulkBypassed::objects(&test.db).bulk_create(BulkBypassed::rows(&["a", "b"])).await.unwrap();
    pre_save::<BulkBypassed>().connect(|_| Box::pin(async { Err(reject("heard")) }));
    post_save::<BulkBypassed>().connect(|_| Box::pin(async { Err(reject("heard")) }));
    pre_bulk_update::<BulkBypassed>().connect(|_| Box::pin(async { Err(reject("heard")) }));
    let update =
        BulkBypassed::objects(&test.db).update([BulkBypassed::number.set(F(BulkBypassed::number) + 1)]);
    assert_eq!(update.await.unwrap(), 2);
}

#[tokio::test]
async fn init_signals_surround_building_from_code_and_from_rows() {
    model!(BulkBuilt);
    let test = TestDb::with::<(BulkBuilt,)>().await;
    let journal = Journal::default();
    let (pre, post) = (journal.clone(), journal.clone());
    pre_init::<BulkBuilt>().connect(move |event| {
        pre.add(format!("pre {:?} {}", event.instance.state(), event.instance.text));
        event.instance.number += 1;
        Box::pin(async { Ok(()) })
    });
    post_init::<BulkBuilt>().connect(move |event| {
        post.add(format!("post {}", event.instance.number));
        Box::pin(async { Ok(()) })
    });
    let built = BulkBuilt::objects(&test.db)
        .build(BulkBuilt { text: "a".into(), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(built.number, 1);
    assert_eq!(journal.take(), ["pre New a", "post 1"]);
    let made = BulkBuilt::objects(&test.db)
        .create(BulkBuilt { text: "b".into(), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(journal.take(), ["pre New b", "post 1"]);
    let read = BulkBuilt::objects(&test.db).get(made.id).await.unwrap();
    assert_eq!(journal.take(), ["pre Stored b", "post 2"]);
    // What handlers made of the values is how the row was loaded.
    assert_eq!(read.number, 2);
    assert!(read.changes().is_empty());
}
