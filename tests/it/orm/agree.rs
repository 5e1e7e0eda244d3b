//! The signals of one operation agree with each other and with what is stored, however the operation is made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aksara::prelude::*;
use aksara::signals::{
    SignalContext, after_commit, post_bulk_create, post_bulk_update, post_delete, post_init, post_save,
    pre_bulk_create, pre_bulk_update, pre_delete, pre_init, pre_save,
};
use aksara::{SaveOptions, Value, prefetch, prefetch_related};
use aksara_tests::{Journal, TestDb};
use futures_util::TryStreamExt;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "agree.Author")]
struct Author {
    #[field(primary_key)]
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "agree.Book")]
struct Book {
    #[field(primary_key)]
    id: i64,
    title: String,
    author: Fk<Author>,
    readers: ManyToMany<Author>,
}

/// How many instances of each model were built, by `post_init`.
#[derive(Clone, Default)]
struct Built(Arc<Mutex<BTreeMap<&'static str, usize>>>);

impl Built {
    fn add(&self, label: &'static str) {
        *self.0.lock().unwrap().entry(label).or_default() += 1;
    }

    /// Authors, then books, since the last call.
    fn take(&self) -> (usize, usize) {
        let built = std::mem::take(&mut *self.0.lock().unwrap());
        let of = |label| built.get(label).copied().unwrap_or_default();
        (of("agree.Author"), of("agree.Book"))
    }
}

#[tokio::test]
async fn every_way_of_reading_sends_the_signals_of_init() {
    let test = TestDb::with::<(Author, Book)>().await;
    let db = &test.db;
    let ada = Author::objects(db).create(Author { name: "Ada".into(), ..Default::default() }).await.unwrap();
    let book = |title: &str| Book { title: title.into(), author: (&ada).into(), ..Default::default() };
    let mut books = Book::objects(db).bulk_create(vec![book("one"), book("two")]).await.unwrap();
    Book::readers.of(db, &books[0]).add([&ada]).await.unwrap();
    let built = Built::default();
    let (authors, of_books) = (built.clone(), built.clone());
    let _authors = post_init::<Author>().connect(move |_| {
        authors.add("agree.Author");
        Box::pin(async { Ok(()) })
    });
    let _books = post_init::<Book>().connect(move |_| {
        of_books.add("agree.Book");
        Box::pin(async { Ok(()) })
    });
    let _titles = pre_init::<Book>().connect(|event| {
        event.instance.title.make_ascii_uppercase();
        Box::pin(async { Ok(()) })
    });
    let mut cases = Vec::new();
    let all = Book::objects(db).order_by(Book::id.asc()).all().await.unwrap();
    assert_eq!(all[0].title, "ONE");
    assert!(all[0].changes().is_empty(), "what handlers make of it is how it was loaded");
    cases.push(("all", built.take(), (0, 2)));
    Book::objects(db).first().await.unwrap().unwrap();
    cases.push(("first", built.take(), (0, 1)));
    Book::objects(db).get(books[0].id).await.unwrap();
    cases.push(("get", built.take(), (0, 1)));
    books[0].refresh(db).await.unwrap();
    cases.push(("refresh", built.take(), (0, 1)));
    let related = Book::objects(db).select_related(Book::author).await.unwrap();
    assert!(related.iter().all(|(book, _)| ["ONE", "TWO"].contains(&book.title.as_str())));
    cases.push(("select_related", built.take(), (2, 2)));
    prefetch(db, &books, Book::author).await.unwrap();
    cases.push(("prefetch", built.take(), (1, 0)));
    prefetch_related(db, std::slice::from_ref(&ada), Book::author).await.unwrap();
    cases.push(("prefetch_related", built.take(), (0, 2)));
    ada.related(db, Book::author).all().await.unwrap();
    cases.push(("related", built.take(), (0, 2)));
    Book::readers.of(db, &books[0]).all().all().await.unwrap();
    cases.push(("many-to-many", built.take(), (1, 0)));
    Book::objects(db).stream(1).unwrap().try_collect::<Vec<_>>().await.unwrap();
    cases.push(("stream", built.take(), (0, 2)));
    let table = Book::meta().table;
    db.query_raw::<Book>(&format!("SELECT * FROM {table} ORDER BY title"), Vec::<Value>::new())
        .await
        .unwrap();
    cases.push(("query_raw", built.take(), (0, 2)));
    Book::objects(db).filter(Book::title.eq("one")).get_or_create(|| unreachable!()).await.unwrap();
    cases.push(("get_or_create", built.take(), (0, 1)));
    let _deletes = post_delete::<Book>().connect(|_| Box::pin(async { Ok(()) }));
    Book::objects(db).delete().await.unwrap();
    cases.push(("the rows of a delete", built.take(), (0, 2)));
    for (way, found, expected) in cases {
        assert_eq!(found, expected, "{way}");
    }
}

/// On SQLite a write lock would wait for the transaction that is open.
#[tokio::test]
async fn a_read_takes_no_lock_for_a_handler_of_init_and_one_that_writes_has_its_own_transaction() {
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(label = "agree.Locked")]
    struct Author {
        #[field(primary_key)]
        id: i64,
        name: String,
    }
    let patient = |options: aksara::DbOptions| options.busy_timeout(std::time::Duration::ZERO);
    let test = TestDb::opened::<(Author,)>(patient).await;
    Author::objects(&test.db).create(Author { name: "Ada".into(), ..Default::default() }).await.unwrap();
    let journal = Journal::default();
    let note = journal.clone();
    let connection = post_init::<Author>().connect(move |event| {
        let note = note.clone();
        Box::pin(async move {
            note.add(format!("{} {}", event.instance.name, event.db.in_transaction()));
            Ok(())
        })
    });
    let writing = test.db.begin().await.unwrap();
    Author::objects(writing.db()).update([Author::name.set("Grace")]).await.unwrap();
    assert_eq!(Author::objects(&test.db).all().await.unwrap().len(), 1);
    writing.rollback().await.unwrap();
    assert_eq!(journal.take(), ["Ada false"]);
    connection.disconnect();
    let _writes = post_init::<Author>().connect(|event| {
        Box::pin(async move {
            let name = format!("{} was read", event.instance.name);
            if event.instance.name == "Ada" {
                event
                    .db
                    .transaction(async |tx| {
                        Author::objects(&tx).update([Author::name.set(name.as_str())]).await.map(drop)
                    })
                    .await?;
            }
            Ok(())
        })
    });
    Author::objects(&test.db).first().await.unwrap();
    assert_eq!(Author::objects(&test.db).values(Author::name).await.unwrap(), ["Ada was read"]);
}

/// What a handler is told of a save: whether a row is inserted, and which fields are changed.
fn told(created: bool, mut changes: Vec<&str>) -> String {
    changes.sort_unstable();
    format!("{created} {}", changes.join(" "))
}

#[tokio::test]
async fn created_and_changes_are_the_same_before_after_and_at_the_end() {
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(label = "agree.Signed")]
    struct Author {
        #[field(primary_key)]
        id: i64,
        name: String,
    }
    let test = TestDb::with::<(Author,)>().await;
    let db = &test.db;
    let journal = Journal::default();
    let (pre, post, end) = (journal.clone(), journal.clone(), journal.clone());
    let _pre = pre_save::<Author>().connect(move |event| {
        pre.add(format!("pre {}", event.created));
        Box::pin(async { Ok(()) })
    });
    let _post = post_save::<Author>().connect(move |event| {
        post.add(format!(
            "post {}",
            told(event.created, event.changes().iter().map(|it| it.field).collect())
        ));
        Box::pin(async { Ok(()) })
    });
    let _end = after_commit::<Author>().connect(move |event| {
        end.add(format!("end {}", told(event.created, event.changes.iter().map(|it| it.field).collect())));
        Box::pin(async { Ok(()) })
    });
    let mut ada =
        Author::objects(db).create(Author { name: "Ada".into(), ..Default::default() }).await.unwrap();
    let first = ada.id;
    assert_eq!(journal.take(), ["pre true", "post true id name", "end true id name"]);
    ada.name = "Ada L.".into();
    ada.save(db).await.unwrap();
    assert_eq!(journal.take(), ["pre false", "post false name", "end false name"]);
    // What is changed in memory and not written is no change.
    let mut other = Author::objects(db).get(first).await.unwrap();
    other.name = "written".into();
    other.save_fields(db, &["name"]).await.unwrap();
    assert_eq!(journal.take(), ["pre false", "post false name", "end false name"]);
    // A changed key makes it a new instance; the row before stays.
    other.id = first + 100;
    other.save(db).await.unwrap();
    assert_eq!(journal.take(), ["pre true", "post true id name", "end true id name"]);
    assert_eq!(Author::objects(db).count().await.unwrap(), 2);
    // Saving a row that is gone is an error, which leaves the instance as it was; unless an insert is forced.
    Author::objects(db).filter(Author::id.eq(first)).update([Author::name.set("still there")]).await.unwrap();
    let gone = Author::objects(db).filter(Author::id.eq(first + 100));
    let mut lost = gone.clone().one().await.unwrap();
    db.execute_raw(&format!("DELETE FROM {} WHERE id = {}", Author::meta().table, first + 100), vec![])
        .await
        .unwrap();
    lost.name = "lost".into();
    let error = lost.save(db).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!((lost.changes().len(), journal.take()), (1, vec!["pre false".to_owned()]));
    let forced = SaveOptions { force_insert: true, ..SaveOptions::default() };
    lost.save_with(db, forced).await.unwrap();
    assert_eq!(journal.take(), ["pre true", "post true id name", "end true id name"]);
}

#[tokio::test]
async fn unheard_saves_treat_a_changed_key_and_a_row_that_is_gone_in_the_same_way() {
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(label = "agree.Silent")]
    struct Silent {
        #[field(primary_key)]
        id: i64,
        text: String,
    }
    let test = TestDb::with::<(Silent,)>().await;
    let db = &test.db;
    let mut one = Silent::objects(db).create(Silent::default()).await.unwrap();
    let first = one.id;
    one.id += 100;
    one.save(db).await.unwrap();
    assert_eq!(
        Silent::objects(db).order_by(Silent::id.asc()).values(Silent::id).await.unwrap(),
        [first, first + 100]
    );
    Silent::objects(db).delete().await.unwrap();
    one.text = "changed".into();
    assert!(one.save(db).await.unwrap_err().is_not_found());
    assert!(one.save_fields(db, &["text"]).await.unwrap_err().is_not_found());
    assert_eq!((one.changes().len(), Silent::objects(db).count().await.unwrap()), (1, 0));
}

/// Dispatch 3: connecting a handler in one signal's handler changes the next signal, also when no other handler is connected.
#[tokio::test]
async fn a_handler_connected_before_a_save_hears_what_comes_after_it() {
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(label = "agree.Late")]
    struct Author {
        #[field(primary_key)]
        id: i64,
        name: String,
    }
    for is_heard_anyway in [false, true] {
        let test = TestDb::with::<(Author,)>().await;
        let alias = test.url();
        let (journal, connections) = (Journal::default(), Arc::new(Mutex::new(Vec::new())));
        let (note, kept) = (journal.clone(), connections.clone());
        let _pre = pre_save::<Author>().connect(move |_| {
            let note = note.clone();
            let connection = post_save::<Author>().connect(move |event| {
                note.add(event.instance.name.clone());
                Box::pin(async { Ok(()) })
            });
            kept.lock().unwrap().push(connection.scoped());
            Box::pin(async { Ok(()) })
        });
        let _post =
            is_heard_anyway.then(|| post_save::<Author>().connect(|_| Box::pin(async { Ok(()) })).scoped());
        Author::objects(&test.db).create(Author { name: alias.clone(), ..Default::default() }).await.unwrap();
        assert!(journal.take().contains(&alias), "heard anyway: {is_heard_anyway}");
    }
}

/// Dispatch 7, for what follows a commit: it is as deep as the operation that it follows.
#[tokio::test]
async fn a_chain_of_handlers_after_commits_ends_at_the_limit() {
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(label = "agree.Chain")]
    struct Chain {
        #[field(primary_key)]
        id: i64,
    }
    for way in ["after_commit", "on_commit"] {
        let test = TestDb::opened::<(Chain,)>(|options| options.depth_max(5)).await;
        let depths = Arc::new(Mutex::new(Vec::new()));
        let seen = depths.clone();
        // One of both, so that the other is not needed for it.
        let _connection = match way {
            "after_commit" => after_commit::<Chain>()
                .connect(move |event| {
                    let seen = seen.clone();
                    Box::pin(async move {
                        seen.lock().unwrap().push(event.depth);
                        Chain::objects(event.db).create(Chain::default()).await?;
                        Ok(())
                    })
                })
                .scoped(),
            _ => post_save::<Chain>()
                .connect(move |event| {
                    let seen = seen.clone();
                    Box::pin(async move {
                        seen.lock().unwrap().push(event.depth);
                        event
                            .db
                            .on_commit(|db| async move {
                                Chain::objects(&db).create(Chain::default()).await.map(drop)
                            })
                            .await?;
                        Ok(())
                    })
                })
                .scoped(),
        };
        Chain::objects(&test.db).create(Chain::default()).await.unwrap();
        assert_eq!(*depths.lock().unwrap(), [0, 1, 2, 3, 4, 5], "{way}");
        assert!(Chain::objects(&test.db).count().await.unwrap() <= 7, "{way}");
    }
}

#[tokio::test]
async fn a_callback_is_muted_as_the_code_that_registered_it_with_and_without_a_transaction() {
    #[derive(Model, Clone, Debug, PartialEq)]
    #[model(label = "agree.Quiet")]
    struct Author {
        #[field(primary_key)]
        id: i64,
        name: String,
    }
    let test = TestDb::with::<(Author,)>().await;
    let journal = Journal::default();
    let note = journal.clone();
    let _pre = pre_save::<Author>().connect(move |event| {
        note.add(event.instance.name.clone());
        Box::pin(async { Ok(()) })
    });
    let save = |db: Db, name: &'static str| async move {
        Author::objects(&db).create(Author { name: name.into(), ..Default::default() }).await.map(drop)
    };
    let muted = SignalContext::disable_for::<Author>;
    muted().scope(test.db.on_commit(move |db| save(db, "muted, at once"))).await.unwrap();
    test.db
        .transaction(async |tx| {
            muted().scope(tx.on_commit(move |db| save(db, "muted, after the commit"))).await?;
            tx.on_commit(move |db| save(db, "heard")).await
        })
        .await
        .unwrap();
    let around = test.db.transaction(async |tx| tx.on_commit(move |db| save(db, "muted all around")).await);
    muted().scope(around).await.unwrap();
    assert_eq!(journal.take(), ["heard"]);
    assert_eq!(Author::objects(&test.db).count().await.unwrap(), 4);
}

/// Each of its signals notes the operation that it is a part of.
fn note_operations(notes: &Journal) -> Vec<aksara::signals::ScopedConnection> {
    macro_rules! heard {
        ($($signal:ident $model:ty;)*) => {
            vec![$({
                let notes = notes.clone();
                $signal::<$model>().connect(move |event| {
                    notes.add(format!("{} {}", stringify!($signal), event.operation));
                    Box::pin(async { Ok(()) })
                }).scoped()
            }),*]
        };
    }
    heard! {
        pre_init Tree; post_init Tree; pre_save Tree; post_save Tree; pre_delete Tree; post_delete Tree;
        pre_bulk_create Tree; post_bulk_create Tree; pre_bulk_update Tree; post_bulk_update Tree;
        after_commit Tree; pre_init Leaf; pre_delete Leaf; post_delete Leaf; after_commit Leaf;
    }
}

#[derive(Model, Clone, Debug)]
#[model(label = "agree.Tree")]
struct Tree {
    #[field(primary_key)]
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug)]
#[model(label = "agree.Leaf")]
struct Leaf {
    #[field(primary_key)]
    id: i64,
    tree: Fk<Tree>,
}

#[tokio::test]
async fn all_events_of_one_operation_carry_its_id_and_those_of_another_do_not() {
    let test = TestDb::with::<(Tree, Leaf)>().await;
    let db = &test.db;
    let notes = Journal::default();
    let _connections = note_operations(&notes);
    let mut seen = std::collections::BTreeSet::new();
    let mut check = |what: &str, expected: &str| {
        let lines = notes.take();
        let (signals, ids): (Vec<_>, std::collections::BTreeSet<_>) =
            lines.iter().map(|line| line.split_once(' ').unwrap()).unzip();
        assert_eq!(signals.join(" "), expected, "{what}");
        assert_eq!(ids.len(), 1, "{what}: {lines:?}");
        assert!(
            seen.insert(ids.first().unwrap().to_string()),
            "{what}: the id is that of an earlier operation"
        );
    };
    let mut tree = Tree::objects(db).create(Tree::default()).await.unwrap();
    check("create", "pre_init post_init pre_save post_save after_commit");
    tree.name = "oak".into();
    tree.save(db).await.unwrap();
    check("save", "pre_save post_save after_commit");
    let mut several = Tree::objects(db).bulk_create(vec![Tree::default(); 2]).await.unwrap();
    check(
        "bulk_create",
        "pre_init post_init pre_init post_init pre_bulk_create post_bulk_create after_commit after_commit",
    );
    several[0].name = "elm".into();
    Tree::objects(db).bulk_update(&mut several, &["name"]).await.unwrap();
    check("bulk_update", "pre_bulk_update post_bulk_update after_commit after_commit");
    assert_eq!(Tree::objects(db).all().await.unwrap().len(), 3);
    check("all", &["pre_init post_init"; 3].join(" "));
    let read: Vec<_> = Tree::objects(db).stream(1).unwrap().try_collect().await.unwrap();
    check("stream", &["pre_init post_init"; 3].join(" "));
    assert_eq!(read.len(), 3);
    let leaves = vec![Leaf { tree: (&tree).into(), ..Leaf::default() }; 2];
    Leaf::objects(db).bulk_create(leaves).await.unwrap();
    notes.take();
    tree.delete(db).await.unwrap();
    check(
        "delete",
        "pre_init pre_init pre_delete pre_delete pre_delete post_delete post_delete post_delete after_commit \
         after_commit after_commit",
    );
}

#[tokio::test]
async fn an_operation_inside_a_handler_has_an_id_of_its_own() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "agree.Outer")]
    struct Outer {
        #[field(primary_key)]
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    #[model(label = "agree.Inner")]
    struct Inner {
        #[field(primary_key)]
        id: i64,
    }
    let test = TestDb::with::<(Outer, Inner)>().await;
    let notes = Journal::default();
    let (of_outer, of_inner) = (notes.clone(), notes.clone());
    let _outer = post_save::<Outer>().connect(move |event| {
        of_outer.add(event.operation.to_string());
        Box::pin(async move { Ok(Inner::objects(event.db).create(Inner::default()).await.map(drop)?) })
    });
    let _inner = post_save::<Inner>().connect(move |event| {
        of_inner.add(event.operation.to_string());
        Box::pin(async { Ok(()) })
    });
    Outer::objects(&test.db).create(Outer::default()).await.unwrap();
    let [outer, inner] = notes.take().try_into().unwrap();
    assert_ne!(outer, inner);
}
