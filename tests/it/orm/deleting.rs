//! Deletes whose rows depend on each other, or are written while the delete runs.

use aksara::prelude::*;
use aksara::signals::{post_delete, pre_delete};
use aksara::{Backend, Error};
use aksara_tests::{Journal, TestDb};

/// A row that a handler of `pre_delete` writes goes with what it depends on, whether its own deletes are heard or not.
#[tokio::test]
async fn a_row_that_a_handler_writes_during_a_delete_goes_as_well() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "deleting.Ticket")]
    struct Ticket {
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    #[model(label = "deleting.Note")]
    struct Note {
        id: i64,
        ticket: Fk<Ticket>,
    }
    let test = TestDb::with::<(Ticket, Note)>().await;
    let db = &test.db;
    let _writes = pre_delete::<Ticket>().connect(|event| {
        Box::pin(async move {
            let note = Note { ticket: event.instance.into(), ..Note::default() };
            Ok(Note::objects(event.db).create(note).await.map(drop)?)
        })
    });
    let journal = Journal::default();
    for heard in [false, true] {
        let (pre, post) = (journal.clone(), journal.clone());
        let _connections = heard.then(|| {
            let pre = pre_delete::<Note>().connect(move |_| {
                pre.add("pre");
                Box::pin(async { Ok(()) })
            });
            let post = post_delete::<Note>().connect(move |_| {
                post.add("post");
                Box::pin(async { Ok(()) })
            });
            (pre.scoped(), post.scoped())
        });
        let tickets = Ticket::objects(db).bulk_create(vec![Ticket::default(); 2]).await.unwrap();
        Note::objects(db).create(Note { ticket: (&tickets[0]).into(), ..Note::default() }).await.unwrap();
        let deleted = Ticket::objects(db).delete().await.unwrap();
        assert_eq!(deleted.by_model["deleting.Note"], 3, "heard: {heard}");
        assert_eq!(Note::objects(db).count().await.unwrap(), 0, "heard: {heard}");
        let expected: &[&str] = if heard { &["pre", "pre", "pre", "post", "post", "post"] } else { &[] };
        assert_eq!(journal.take(), expected);
    }
}

#[tokio::test]
async fn handlers_that_never_stop_writing_what_has_to_be_deleted_end_in_an_error() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "deleting.Endless")]
    struct Endless {
        id: i64,
        #[field(on_delete = "cascade")]
        before: Option<Fk<Endless>>,
    }
    let test = TestDb::with::<(Endless,)>().await;
    let db = &test.db;
    let _writes = pre_delete::<Endless>().connect(|event| {
        Box::pin(async move {
            let next = Endless { before: Some(event.instance.into()), ..Endless::default() };
            Ok(Endless::objects(event.db).create(next).await.map(drop)?)
        })
    });
    let mut first = Endless::objects(db).create(Endless::default()).await.unwrap();
    let error = first.delete(db).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot delete this `deleting.Endless`: each time that its handlers of `pre_delete` are called, they write further rows that depend on it");
    assert_eq!(Endless::objects(db).count().await.unwrap(), 1);
}

/// A foreign key to its own model that may not be null.
#[derive(Model, Clone, Debug)]
#[model(label = "deleting.Part", table = "deleting_part")]
struct Part {
    #[field(primary_key)]
    id: String,
    #[field(on_delete = "cascade")]
    whole: Fk<Part>,
}

async fn part(db: &Db, id: &str, whole: &str) {
    Part::objects(db).create(Part { id: id.into(), whole: Fk::new(whole.to_owned()) }).await.unwrap();
}

#[tokio::test]
async fn rows_that_point_at_each_other_by_a_required_key_can_be_deleted() {
    let test = TestDb::with::<(Part,)>().await;
    let db = &test.db;
    for heard in [false, true] {
        let _connection =
            heard.then(|| pre_delete::<Part>().connect(|_| Box::pin(async { Ok(()) })).scoped());
        // A row that is its own whole, alone.
        part(db, "root", "root").await;
        part(db, "other", "other").await;
        let mut root = Part::objects(db).get("root".to_owned()).await.unwrap();
        assert_eq!(root.delete(db).await.unwrap().rows, 1);
        // A tree, in an order that is neither that of the keys nor that of the inserts.
        part(db, "root", "root").await;
        for (id, whole) in [("z", "root"), ("a", "z"), ("m", "a"), ("b", "root"), ("y", "b")] {
            part(db, id, whole).await;
        }
        let mut root = Part::objects(db).get("root".to_owned()).await.unwrap();
        assert_eq!(root.delete(db).await.unwrap().rows, 6);
        // A circle, with a tail.
        part(db, "1", "1").await;
        part(db, "2", "1").await;
        part(db, "3", "2").await;
        part(db, "tail", "3").await;
        Part::objects(db).filter(Part::id.eq("1")).update([Part::whole.set("3")]).await.unwrap();
        let mut one = Part::objects(db).get("1".to_owned()).await.unwrap();
        assert_eq!(one.delete(db).await.unwrap().rows, 4);
        assert_eq!(Part::objects(db).count().await.unwrap(), 1, "heard: {heard}");
        assert_eq!(Part::objects(db).delete().await.unwrap().rows, 1);
    }
}

#[tokio::test]
async fn a_long_chain_is_deleted_from_its_end() {
    let test = TestDb::with::<(Part,)>().await;
    let db = &test.db;
    part(db, "0", "0").await;
    let rows = (1..1_500).map(|n: u32| Part { id: n.to_string(), whole: Fk::new((n - 1).to_string()) });
    Part::objects(db).bulk_create(rows.collect()).await.unwrap();
    let mut first = Part::objects(db).get("0".to_owned()).await.unwrap();
    assert_eq!(first.delete(db).await.unwrap().rows, 1_500);
}

#[tokio::test]
async fn a_row_of_another_programs_table_stands_against_the_delete_of_a_circle() {
    let test = TestDb::with::<(Part,)>().await;
    let db = &test.db;
    part(db, "root", "root").await;
    let key = if db.backend() == Backend::MySql { "VARCHAR(255) COLLATE utf8mb4_bin" } else { "TEXT" };
    let table =
        format!("CREATE TABLE of_others (part {key}, FOREIGN KEY (part) REFERENCES deleting_part (id))");
    db.execute_raw(&table, vec![]).await.unwrap();
    db.execute_raw("INSERT INTO of_others VALUES ('root')", vec![]).await.unwrap();
    let mut root = Part::objects(db).get("root".to_owned()).await.unwrap();
    let error = root.delete(db).await.unwrap_err();
    assert!(matches!(error, Error::Protected { .. }) || error.is_foreign_key_violation(), "{error}");
    assert_eq!(Part::objects(db).count().await.unwrap(), 1);
}
