//! `signals.md`, "Delete".

use aksara::prelude::*;
use aksara::signals::{Origin, post_delete, pre_delete};
use aksara::{ModelMeta, State};
use aksara_tests::{Journal, TestDb};

/// Connects handlers that write every delete of these models down.
fn watch(journal: &Journal, models: &[&'static ModelMeta]) {
    let (pre, post) = (journal.clone(), journal.clone());
    pre_delete::<AnyModel>().senders(models).connect(move |event| {
        pre.add(format!("pre {} {:?}", event.sender.label, event.instance.key()));
        Box::pin(async { Ok(()) })
    });
    post_delete::<AnyModel>().senders(models).connect(move |event| {
        post.add(format!("post {} {:?}", event.sender.label, event.instance.key()));
        Box::pin(async { Ok(()) })
    });
}

#[derive(Model, Clone, Debug)]
struct Shelf {
    #[field(primary_key)]
    id: i64,
}

#[derive(Model, Clone, Debug)]
struct Book {
    #[field(primary_key)]
    id: i64,
    shelf: Fk<Shelf>,
}

#[derive(Model, Clone, Debug)]
struct Page {
    #[field(primary_key)]
    id: i64,
    book: Fk<Book>,
}

#[derive(Model, Clone, Debug)]
struct Reader {
    #[field(primary_key)]
    id: i64,
    #[field(on_delete = "set_null")]
    book: Option<Fk<Book>>,
}

/// Delete 1, 2 and 4.
#[tokio::test]
async fn the_cascade_goes_dependents_first_and_counts_by_model() {
    let test = TestDb::with::<(Shelf, Book, Page, Reader)>().await;
    let db = &test.db;
    let journal = Journal::default();
    watch(&journal, &[Shelf::meta(), Book::meta(), Page::meta(), Reader::meta()]);
    let mut shelf = Shelf::objects(db).create(Shelf::default()).await.unwrap();
    for _ in 0..2 {
        let book =
            Book::objects(db).create(Book { shelf: Fk::from(&shelf), ..Default::default() }).await.unwrap();
        Page::objects(db).create(Page { book: Fk::from(&book), ..Default::default() }).await.unwrap();
        Reader::objects(db)
            .create(Reader { book: Some(Fk::from(&book)), ..Default::default() })
            .await
            .unwrap();
    }
    let deleted = shelf.delete(db).await.unwrap();
    let key = |model: &str, id: i64| format!("{model} BigInt(Some({id}))");
    let pre = [("Page", 1), ("Page", 2), ("Book", 1), ("Book", 2), ("Shelf", 1)];
    let post = [("Page", 2), ("Page", 1), ("Book", 2), ("Book", 1), ("Shelf", 1)];
    let expected: Vec<String> = pre
        .iter()
        .map(|(model, id)| format!("pre {}", key(model, *id)))
        .chain(post.iter().map(|(model, id)| format!("post {}", key(model, *id))))
        .collect();
    assert_eq!(journal.take(), expected);
    assert_eq!(deleted.rows, 5);
    assert_eq!(deleted.by_model.into_iter().collect::<Vec<_>>(), [("Book", 2), ("Page", 2), ("Shelf", 1)]);
    assert_eq!(shelf.state(), State::Deleted);
    let readers = Reader::objects(db).all().await.unwrap();
    assert!(readers.len() == 2 && readers.iter().all(|reader| reader.book.is_none()));
}

#[tokio::test]
async fn protect_and_restrict_forbid_before_any_signal() {
    #[derive(Model, Clone, Debug)]
    struct Owner {
        #[field(primary_key)]
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    struct Protected {
        #[field(primary_key)]
        id: i64,
        #[field(on_delete = "protect")]
        owner: Fk<Owner>,
    }
    #[derive(Model, Clone, Debug)]
    struct Restricted {
        #[field(primary_key)]
        id: i64,
        #[field(on_delete = "restrict")]
        owner: Fk<Owner>,
        #[field(on_delete = "cascade")]
        also: Option<Fk<Owner>>,
    }
    let test = TestDb::with::<(Owner, Protected, Restricted)>().await;
    let db = &test.db;
    let journal = Journal::default();
    watch(&journal, &[Owner::meta(), Protected::meta(), Restricted::meta()]);
    let mut owner = Owner::objects(db).create(Owner::default()).await.unwrap();
    let protected = Protected { owner: Fk::from(&owner), ..Default::default() };
    let mut protected = Protected::objects(db).create(protected).await.unwrap();
    let error = owner.delete(db).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot delete `Owner`: 1 of `Protected` point to it by `owner_id`, whose on_delete is protect");
    assert_eq!(journal.take(), [] as [&str; 0]);
    assert_eq!(owner.state(), State::Stored);
    protected.delete(db).await.unwrap();
    journal.take();
    let restricted = Restricted { owner: Fk::from(&owner), ..Default::default() };
    let mut restricted = Restricted::objects(db).create(restricted).await.unwrap();
    assert!(owner.delete(db).await.unwrap_err().to_string().ends_with("whose on_delete is restrict"));
    assert_eq!(journal.take(), [] as [&str; 0]);
    // It goes by another path of the same delete, so that nothing is left to restrict.
    restricted.also = Some(Fk::from(&owner));
    restricted.save(db).await.unwrap();
    assert_eq!(owner.delete(db).await.unwrap().rows, 2);
}

/// Delete 3.
#[tokio::test]
async fn a_row_that_is_gone_counts_0_and_still_sends_both() {
    #[derive(Model, Clone, Debug)]
    struct AlreadyGone {
        #[field(primary_key)]
        id: i64,
    }
    let test = TestDb::with::<(AlreadyGone,)>().await;
    let mut unsaved = AlreadyGone::default().instance();
    let error = unsaved.delete(&test.db).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot delete this `AlreadyGone`: it was never saved");
    let mut row = AlreadyGone::objects(&test.db).create(AlreadyGone::default()).await.unwrap();
    AlreadyGone::objects(&test.db).delete().await.unwrap();
    let journal = Journal::default();
    watch(&journal, &[AlreadyGone::meta()]);
    assert_eq!(row.delete(&test.db).await.unwrap().rows, 0);
    assert_eq!(journal.take().len(), 2);
    let error = row.delete(&test.db).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot delete this `AlreadyGone`: it was deleted already");
}

/// Delete 5, and `origin` of Delete 2.
#[tokio::test]
async fn query_deletes_send_for_each_instance_when_somebody_listens() {
    #[derive(Model, Clone, Debug)]
    struct Swept {
        #[field(primary_key)]
        id: i64,
    }
    let test = TestDb::with::<(Swept,)>().await;
    let db = &test.db;
    let rows = || vec![Swept::default(), Swept::default(), Swept::default()];
    Swept::objects(db).bulk_create(rows()).await.unwrap();
    assert_eq!(Swept::objects(db).delete().await.unwrap().rows, 3);
    let journal = Journal::default();
    let seen = journal.clone();
    let _handler = pre_delete::<Swept>().connect(move |event| {
        assert_eq!(event.origin, Origin::Query);
        seen.add(event.instance.id.to_string());
        Box::pin(async { Ok(()) })
    });
    Swept::objects(db).bulk_create(rows()).await.unwrap();
    let deleted = Swept::objects(db).filter(Swept::id.gt(4)).delete().await.unwrap();
    assert_eq!((deleted.rows, journal.take()), (2, vec!["5".to_owned(), "6".to_owned()]));
    let sliced = Swept::objects(db).limit(1).delete().await.unwrap_err();
    insta::assert_snapshot!(sliced, @"cannot delete a slice of `Swept`; remove `limit`, `offset` and orders, or filter by key");
}

#[tokio::test]
async fn an_error_in_a_handler_undoes_the_delete() {
    #[derive(Model, Clone, Debug)]
    struct Kept {
        #[field(primary_key)]
        id: i64,
    }
    let test = TestDb::with::<(Kept,)>().await;
    let mut row = Kept::objects(&test.db).create(Kept::default()).await.unwrap();
    let handler = post_delete::<Kept>().connect(|_| Box::pin(async { Err(reject("keep it")) }));
    assert!(row.delete(&test.db).await.unwrap_err().is_refusal());
    assert_eq!(row.state(), State::Stored);
    assert_eq!(Kept::objects(&test.db).count().await.unwrap(), 1);
    handler.disconnect();
    assert_eq!(row.delete(&test.db).await.unwrap().rows, 1);
}
