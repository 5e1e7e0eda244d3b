//! `signals.md`, "Save".

use aksara::prelude::*;
use aksara::signals::{post_save, pre_save};
use aksara::{Error, SaveOptions, State};
use aksara_tests::{Journal, TestDb};
use uuid::Uuid;

macro_rules! article {
    ($name:ident) => {
        #[derive(Model, Clone, Debug, PartialEq)]
        struct $name {
            #[field(primary_key)]
            id: i64,
            #[field(max_length = 20)]
            title: String,
            slug: String,
            views: i64,
        }
    };
}

fn counted(journal: &Journal) -> Vec<String> {
    journal.take()
}

#[tokio::test]
async fn order_is_pre_save_validation_sql_post_save() {
    article!(OrderOfSave);
    let test = TestDb::with::<(OrderOfSave,)>().await;
    let journal = Journal::default();
    let (pre, post) = (journal.clone(), journal.clone());
    let _pre = pre_save::<OrderOfSave>().connect(move |event| {
        pre.add(format!("pre_save created={} id={}", event.created, event.instance.id));
        event.instance.slug = "from handler".into();
        Box::pin(async { Ok(()) })
    });
    let _post = post_save::<OrderOfSave>().connect(move |event| {
        let post = post.clone();
        Box::pin(async move {
            let rows = OrderOfSave::objects(event.db).count().await?;
            post.add(format!("post_save created={} id={} rows={rows}", event.created, event.instance.id));
            Ok(())
        })
    });
    let mut article = OrderOfSave { title: "a".into(), ..Default::default() }.instance();
    article.save(&test.db).await.unwrap();
    assert_eq!(counted(&journal), ["pre_save created=true id=0", "post_save created=true id=1 rows=1"]);
    assert_eq!(OrderOfSave::objects(&test.db).get(1).await.unwrap().slug, "from handler");
    article.views = 1;
    article.save(&test.db).await.unwrap();
    assert_eq!(counted(&journal), ["pre_save created=false id=1", "post_save created=false id=1 rows=1"]);
    // Validation sees what handlers changed, and comes before the SQL and post_save.
    article.title = "x".repeat(21);
    let error = article.save(&test.db).await.unwrap_err();
    assert!(error.is_refusal(), "{error}");
    assert_eq!(counted(&journal), ["pre_save created=false id=1"]);
}

/// Save 1: whatever stage fails, rows, nested writes and the instance are as before.
#[tokio::test]
async fn an_error_at_any_stage_undoes_the_whole_operation() {
    article!(Undone);
    #[derive(Model, Clone, Debug)]
    struct Trace {
        #[field(primary_key)]
        id: i64,
        text: String,
    }
    let test = TestDb::with::<(Undone, Trace)>().await;
    for stage in ["pre_save", "validation", "sql", "post_save"] {
        let write = |event_db: aksara::Db| async move {
            Trace::objects(&event_db).create(Trace { text: "nested".into(), ..Default::default() }).await
        };
        let pre = pre_save::<Undone>().connect(move |event| {
            event.instance.slug = "changed".into();
            if stage == "validation" {
                event.instance.title = "x".repeat(21);
            }
            if stage == "sql" {
                event.instance.id = 7;
            }
            Box::pin(async move {
                write(event.db.clone()).await?;
                if stage == "pre_save" { Err("stop".into()) } else { Ok(()) }
            })
        });
        let post = post_save::<Undone>().connect(move |event| {
            Box::pin(async move {
                write(event.db.clone()).await?;
                if stage == "post_save" { Err("stop".into()) } else { Ok(()) }
            })
        });
        if stage == "sql" {
            sqlx_insert_7(&test.db).await;
        }
        let rows = Undone::objects(&test.db).count().await.unwrap();
        let before = Undone { title: "t".into(), ..Default::default() };
        let mut article = before.clone().instance();
        let error = article.save(&test.db).await.expect_err(stage);
        assert_eq!((&*article, article.state()), (&before, State::New), "after {stage}: {error}");
        assert_eq!(Undone::objects(&test.db).count().await.unwrap(), rows, "after {stage}");
        assert_eq!(Trace::objects(&test.db).count().await.unwrap(), 0, "after {stage}");
        assert!(pre.disconnect() && post.disconnect());
        // The same instance can be saved afterwards.
        article.save(&test.db).await.expect(stage);
        assert_eq!(article.state(), State::Stored);
    }

    async fn sqlx_insert_7(db: &Db) {
        let given = Undone { id: 7, title: "taken".into(), ..Default::default() };
        Undone::objects(db).bulk_create(vec![given]).await.unwrap();
    }
}

#[tokio::test]
async fn inside_an_outer_transaction_only_the_savepoint_is_undone() {
    article!(InnerUndone);
    let test = TestDb::with::<(InnerUndone,)>().await;
    let refuse = post_save::<InnerUndone>().connect(|event| {
        let refused = event.instance.title == "bad";
        Box::pin(async move { if refused { Err(reject("no")) } else { Ok(()) } })
    });
    let saved = test
        .db
        .transaction(async |tx| {
            InnerUndone::objects(&tx)
                .create(InnerUndone { title: "one".into(), ..Default::default() })
                .await?;
            let bad = InnerUndone { title: "bad".into(), ..Default::default() };
            assert!(InnerUndone::objects(&tx).create(bad).await.unwrap_err().is_refusal());
            InnerUndone::objects(&tx)
                .create(InnerUndone { title: "two".into(), ..Default::default() })
                .await?;
            InnerUndone::objects(&tx).count().await
        })
        .await;
    assert_eq!(saved.unwrap(), 2);
    assert_eq!(InnerUndone::objects(&test.db).count().await.unwrap(), 2);
    refuse.disconnect();
}

#[tokio::test]
async fn a_dropped_save_leaves_nothing_behind() {
    article!(Dropped);
    let test = TestDb::opened::<(Dropped,)>(|options| options.connections_max(1)).await;
    let stuck = post_save::<Dropped>().connect(|_| Box::pin(std::future::pending()));
    let mut article = Dropped { title: "t".into(), ..Default::default() }.instance();
    let time = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(time, article.save(&test.db)).await.is_err());
    assert_eq!((article.id, article.state()), (0, State::New));
    stuck.disconnect();
    // The one connection is free again, and no transaction is open on it.
    article.save(&test.db).await.unwrap();
    assert_eq!(Dropped::objects(&test.db).count().await.unwrap(), 1);
}

#[tokio::test]
async fn a_save_dropped_inside_a_transaction_undoes_its_savepoint_only() {
    article!(DroppedInside);
    let test = TestDb::with::<(DroppedInside,)>().await;
    let stuck = post_save::<DroppedInside>().connect(|event| {
        let stuck = event.instance.title == "stuck";
        Box::pin(async move { if stuck { std::future::pending().await } else { Ok(()) } })
    });
    let done = test.db.transaction(async |tx| {
        let named = |title: &str| DroppedInside { title: title.into(), ..Default::default() };
        DroppedInside::objects(&tx).create(named("first")).await?;
        let time = std::time::Duration::from_millis(50);
        assert!(
            tokio::time::timeout(time, DroppedInside::objects(&tx).create(named("stuck"))).await.is_err()
        );
        DroppedInside::objects(&tx).create(named("second")).await.map(drop)
    });
    done.await.unwrap();
    let titles = DroppedInside::objects(&test.db).order_by(DroppedInside::id.asc()).all().await.unwrap();
    assert_eq!(titles.iter().map(|row| row.title.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    stuck.disconnect();
}

/// Save 2.
#[tokio::test]
async fn created_is_true_exactly_when_a_row_was_inserted() {
    article!(Counted);
    #[derive(Model, Clone, Debug)]
    struct Client {
        #[field(primary_key)]
        id: Uuid,
        name: String,
    }
    #[derive(Model, Clone, Debug)]
    struct Given {
        #[field(primary_key, max_length = 9)]
        code: String,
        name: String,
    }
    let test = TestDb::with::<(Counted, Client, Given)>().await;
    let journal = Journal::default();
    let (one, two, three) = (journal.clone(), journal.clone(), journal.clone());
    let _one = post_save::<Counted>().connect(move |event| {
        one.add(event.created.to_string());
        Box::pin(async { Ok(()) })
    });
    let _two = post_save::<Client>().connect(move |event| {
        two.add(event.created.to_string());
        Box::pin(async { Ok(()) })
    });
    let _three = post_save::<Given>().connect(move |event| {
        three.add(event.created.to_string());
        Box::pin(async { Ok(()) })
    });
    let title = || "t".to_owned();
    // An explicit key of the kind that the database makes: inserted when it is free, updated when it exists.
    Counted { id: 5, title: title(), ..Default::default() }.instance().save(&test.db).await.unwrap();
    Counted { id: 5, title: "u".into(), ..Default::default() }.instance().save(&test.db).await.unwrap();
    assert_eq!(journal.take(), ["true", "false"]);
    assert_eq!(Counted::objects(&test.db).get(5).await.unwrap().title, "u");
    // A key that the client makes: an integrity error.
    let id = Uuid::now_v7();
    Client { id, name: "a".into() }.instance().save(&test.db).await.unwrap();
    let error = Client { id, name: "b".into() }.instance().save(&test.db).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    assert_eq!(journal.take(), ["true"]);
    // A UUID is made when none is given.
    let made = Client::objects(&test.db).create(Client::default()).await.unwrap();
    assert_eq!(made.id.get_version_num(), 7);
    assert_eq!(journal.take(), ["true"]);
    // A key that is always given.
    Given { code: "x".into(), name: "a".into() }.instance().save(&test.db).await.unwrap();
    Given { code: "x".into(), name: "b".into() }.instance().save(&test.db).await.unwrap();
    assert_eq!(journal.take(), ["true", "false"]);
    // `create` always inserts.
    let again = Given { code: "x".into(), name: "c".into() };
    assert!(Given::objects(&test.db).create(again).await.unwrap_err().is_unique_violation());
}

/// Save 3.
#[tokio::test]
async fn update_fields_limits_what_is_written() {
    article!(Named);
    let test = TestDb::with::<(Named,)>().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let handler = pre_save::<Named>().connect(move |event| {
        let names = event.update_fields.as_ref().map(|fields| fields.names().collect::<Vec<_>>().join(","));
        seen.add(names.unwrap_or_else(|| "all".to_owned()));
        event.instance.slug = "by handler".into();
        event.instance.views = 99;
        let added = match event.update_fields {
            Some(fields) => fields.insert("slug"),
            None => Ok(()),
        };
        Box::pin(async move { Ok(added?) })
    });
    let mut article =
        Named::objects(&test.db).create(Named { title: "a".into(), ..Default::default() }).await.unwrap();
    article.title = "b".into();
    article.views = 5;
    article.save_fields(&test.db, &["title"]).await.unwrap();
    let stored = Named::objects(&test.db).get(article.id).await.unwrap();
    assert_eq!((stored.title.as_str(), stored.slug.as_str(), stored.views), ("b", "by handler", 99));
    assert_eq!(journal.take(), ["all", "title"]);
    // What is not written stays in memory, and stays a change.
    article.views = 7;
    article.save_fields(&test.db, &["title"]).await.unwrap();
    assert_eq!(article.views, 99);
    assert!(article.changes().is_empty());
    journal.take();
    handler.disconnect();
    article.views = 8;
    article.save_fields(&test.db, &["title"]).await.unwrap();
    assert_eq!(article.changes().iter().map(|change| change.field).collect::<Vec<_>>(), ["views"]);
}

#[tokio::test]
async fn an_empty_update_set_does_nothing_and_bad_names_are_errors_before_any_signal() {
    article!(BadNames);
    let test = TestDb::with::<(BadNames,)>().await;
    let mut article = BadNames::objects(&test.db)
        .create(BadNames { title: "a".into(), ..Default::default() })
        .await
        .unwrap();
    let journal = Journal::default();
    let seen = journal.clone();
    let _handler = pre_save::<BadNames>().connect(move |_| {
        seen.add("pre_save");
        Box::pin(async { Ok(()) })
    });
    article.title = "b".into();
    article.save_fields(&test.db, &[]).await.unwrap();
    assert_eq!(BadNames::objects(&test.db).get(article.id).await.unwrap().title, "a");
    let unknown = article.save_fields(&test.db, &["nope"]).await.unwrap_err();
    insta::assert_snapshot!(unknown, @"cannot save the field `nope` of `BadNames`: the model has no such field");
    let key = article.save_fields(&test.db, &["id"]).await.unwrap_err();
    insta::assert_snapshot!(key, @"cannot save the field `id` of `BadNames`: it is the primary key, which never changes");
    assert_eq!(journal.take(), [] as [&str; 0]);
}

/// Save 4.
#[tokio::test]
async fn an_update_of_a_missing_row_fails_after_pre_save_unless_an_insert_is_forced() {
    article!(Gone);
    let test = TestDb::with::<(Gone,)>().await;
    let mut article =
        Gone::objects(&test.db).create(Gone { title: "a".into(), ..Default::default() }).await.unwrap();
    Gone::objects(&test.db).delete().await.unwrap();
    let journal = Journal::default();
    let (pre, post) = (journal.clone(), journal.clone());
    let _pre = pre_save::<Gone>().connect(move |_| {
        pre.add("pre_save");
        Box::pin(async { Ok(()) })
    });
    let _post = post_save::<Gone>().connect(move |event| {
        post.add(format!("post_save created={}", event.created));
        Box::pin(async { Ok(()) })
    });
    let forced = SaveOptions { force_update: true, ..Default::default() };
    assert!(article.save_with(&test.db, forced).await.unwrap_err().is_not_found());
    assert!(article.save_fields(&test.db, &["title"]).await.unwrap_err().is_not_found());
    assert!(article.save(&test.db).await.unwrap_err().is_not_found());
    assert_eq!(journal.take(), ["pre_save"; 3]);
    let forced = SaveOptions { force_insert: true, ..Default::default() };
    article.save_with(&test.db, forced).await.unwrap();
    assert_eq!(journal.take(), ["pre_save", "post_save created=true"]);
}

/// Save 5.
#[tokio::test]
async fn changes_are_against_what_was_loaded() {
    article!(Changed);
    let test = TestDb::with::<(Changed,)>().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let _handler = post_save::<Changed>().connect(move |event| {
        let changes = event.changes();
        let old = |change: &aksara::Change| change.old.as_ref().map(|old| format!("{old:?}"));
        let lines = changes.iter().map(|change| format!("{} {:?}", change.field, old(change)));
        seen.add(lines.collect::<Vec<_>>().join("; "));
        Box::pin(async { Ok(()) })
    });
    let mut article =
        Changed::objects(&test.db).create(Changed { title: "a".into(), ..Default::default() }).await.unwrap();
    assert_eq!(journal.take(), ["id None; title None; slug None; views None"]);
    article.title = "b".into();
    article.save(&test.db).await.unwrap();
    assert_eq!(journal.take(), [r#"title Some("String(Some(\"a\"))")"#]);
    article.save(&test.db).await.unwrap();
    assert_eq!(journal.take(), [""]);
}

/// Save 6.
#[tokio::test]
async fn raw_is_told_to_handlers() {
    article!(Raw);
    let test = TestDb::with::<(Raw,)>().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let _handler = pre_save::<Raw>().connect(move |event| {
        seen.add(event.raw.to_string());
        Box::pin(async { Ok(()) })
    });
    let mut article = Raw { title: "a".into(), ..Default::default() }.instance();
    article.save_with(&test.db, SaveOptions { raw: true, ..Default::default() }).await.unwrap();
    article.save(&test.db).await.unwrap();
    assert_eq!(journal.take(), ["true", "false"]);
}

#[tokio::test]
async fn a_deleted_instance_cannot_be_saved_by_accident() {
    article!(Deleted);
    let test = TestDb::with::<(Deleted,)>().await;
    let mut article =
        Deleted::objects(&test.db).create(Deleted { title: "a".into(), ..Default::default() }).await.unwrap();
    article.delete(&test.db).await.unwrap();
    let error = article.save(&test.db).await.unwrap_err();
    assert!(matches!(error, Error::State { .. }));
    insta::assert_snapshot!(error, @"cannot save this `Deleted`: its row was deleted; make a new instance from its values to insert it again");
}
