//! Handlers that fail at every stage of every operation leave rows, relations and instances as they were, also in a
//! transaction that goes on.

use std::sync::{Arc, Mutex};

use aksara::prelude::*;
use aksara::signals::{self, ScopedConnection, SignalKind, reject};
use aksara::{Error, State};
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "failing.Author")]
struct Author {
    #[field(primary_key)]
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "failing.Book")]
struct Book {
    #[field(primary_key)]
    id: i64,
    title: String,
    author: Fk<Author>,
    readers: ManyToMany<Author>,
}

/// Which handler fails: this signal, of this sender; for relations, at this action.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stage {
    signal: SignalKind,
    action: &'static str,
}

const fn stage(signal: SignalKind) -> Stage {
    Stage { signal, action: "" }
}

const fn relation(action: &'static str) -> Stage {
    Stage { signal: SignalKind::M2mChanged, action }
}

/// The world before each operation, and the instances that the operation is made on.
struct World {
    book: Instance<Book>,
    author: Instance<Author>,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Create,
    Save,
    SaveFields,
    Delete,
    Cascade,
    QueryDelete,
    BulkCreate,
    BulkUpdate,
    GetOrCreate,
    UpdateOrCreate,
    Add,
    Remove,
    Clear,
    Set,
}

impl Operation {
    /// The stages at which it can fail.
    fn stages(self) -> Vec<Stage> {
        use SignalKind::{
            PostBulkCreate, PostBulkUpdate, PostDelete, PostInit, PostSave, PreBulkCreate, PreBulkUpdate,
            PreDelete, PreInit, PreSave,
        };
        let kinds: &[SignalKind] = match self {
            Operation::Create | Operation::GetOrCreate => &[PreInit, PostInit, PreSave, PostSave],
            Operation::Save | Operation::SaveFields | Operation::UpdateOrCreate => &[PreSave, PostSave],
            Operation::Delete | Operation::Cascade | Operation::QueryDelete => &[PreDelete, PostDelete],
            Operation::BulkCreate => &[PreInit, PostInit, PreBulkCreate, PostBulkCreate],
            Operation::BulkUpdate => &[PreBulkUpdate, PostBulkUpdate],
            Operation::Add => return vec![relation("pre_add"), relation("post_add")],
            Operation::Remove => return vec![relation("pre_remove"), relation("post_remove")],
            Operation::Clear => return vec![relation("pre_clear"), relation("post_clear")],
            Operation::Set => {
                return ["pre_remove", "post_remove", "pre_add", "post_add"].map(relation).to_vec();
            }
        };
        kinds.iter().copied().map(stage).collect()
    }

    async fn run(self, db: &Db, world: &mut World) -> Result<(), Error> {
        let World { book, author } = world;
        let new = || Book { title: "new".into(), author: (&*author).into(), ..Book::default() };
        match self {
            Operation::Create => Book::objects(db).create(new()).await.map(drop),
            Operation::Save => {
                book.title = "changed".into();
                book.save(db).await
            }
            Operation::SaveFields => {
                book.title = "changed".into();
                book.save_fields(db, &["title"]).await
            }
            Operation::Delete => book.delete(db).await.map(drop),
            Operation::Cascade => author.delete(db).await.map(drop),
            Operation::QueryDelete => Book::objects(db).delete().await.map(drop),
            Operation::BulkCreate => Book::objects(db).bulk_create(vec![new(), new()]).await.map(drop),
            Operation::BulkUpdate => {
                book.title = "changed".into();
                let mut books = vec![book.clone()];
                Book::objects(db).bulk_update(&mut books, &["title"]).await.map(drop)
            }
            Operation::GetOrCreate => {
                Book::objects(db).filter(Book::title.eq("new")).get_or_create(new).await.map(drop)
            }
            Operation::UpdateOrCreate => {
                let changed = Book::objects(db).filter(Book::id.eq(book.id));
                changed.update_or_create(|book| book.title = "changed".into(), new).await.map(drop)
            }
            Operation::Add => Book::readers.of(db, &*book).add([author.id + 1]).await.map(drop),
            Operation::Remove => Book::readers.of(db, &*book).remove([author.id]).await.map(drop),
            Operation::Clear => Book::readers.of(db, &*book).clear().await.map(drop),
            Operation::Set => Book::readers.of(db, &*book).set([author.id + 1]).await.map(drop),
        }
    }
}

/// Everything that is in the database.
async fn contents(db: &Db) -> (Vec<Author>, Vec<Book>, Vec<(i64, Vec<i64>)>) {
    let quiet = SignalContext::disable_all();
    quiet
        .scope(async {
            let authors = Author::objects(db).order_by(Author::id.asc()).all().await.unwrap();
            let books = Book::objects(db).order_by(Book::id.asc()).all().await.unwrap();
            let mut readers = Vec::new();
            for book in &books {
                let of = Book::readers.of(db, book).all().all().await.unwrap();
                readers.push((book.id, of.iter().map(|reader| reader.id).collect()));
            }
            let authors = authors.into_iter().map(Instance::into_inner).collect();
            (authors, books.into_iter().map(Instance::into_inner).collect(), readers)
        })
        .await
}

type Armed = Arc<Mutex<Option<Stage>>>;

/// Handlers of everything, of which the armed one fails.
fn connect(armed: &Armed) -> Vec<ScopedConnection> {
    let mut connections = Vec::new();
    macro_rules! connect {
        ($($function:ident $kind:ident),*) => {$({
            let armed = Arc::clone(armed);
            let handler = signals::$function::<Book>().connect(move |_| {
                let fails = *armed.lock().unwrap() == Some(stage(SignalKind::$kind));
                Box::pin(async move { if fails { Err(reject("as asked")) } else { Ok(()) } })
            });
            connections.push(handler.scoped());
        })*};
    }
    connect!(
        pre_init PreInit, post_init PostInit, pre_save PreSave, post_save PostSave, pre_delete PreDelete,
        post_delete PostDelete, pre_bulk_create PreBulkCreate, post_bulk_create PostBulkCreate,
        pre_bulk_update PreBulkUpdate, post_bulk_update PostBulkUpdate
    );
    let armed = Arc::clone(armed);
    let relation = signals::m2m_changed::<AnyModel>().relation(Book::readers).connect(move |event| {
        let fails = *armed.lock().unwrap() == Some(relation(event.action.name()));
        Box::pin(async move { if fails { Err(reject("as asked")) } else { Ok(()) } })
    });
    connections.push(relation.scoped());
    connections
}

const OPERATIONS: [Operation; 14] = [
    Operation::Create,
    Operation::Save,
    Operation::SaveFields,
    Operation::Delete,
    Operation::Cascade,
    Operation::QueryDelete,
    Operation::BulkCreate,
    Operation::BulkUpdate,
    Operation::GetOrCreate,
    Operation::UpdateOrCreate,
    Operation::Add,
    Operation::Remove,
    Operation::Clear,
    Operation::Set,
];

/// Save 1, Delete 1, Bulk 1, Many-to-many 4: an error at any stage undoes the whole operation, and nothing else.
#[tokio::test]
async fn an_error_at_any_stage_of_any_operation_undoes_it() {
    let test = TestDb::with::<(Author, Book)>().await;
    let db = &test.db;
    let author = |name: &str| Author { name: name.into(), ..Author::default() };
    let authors = Author::objects(db).bulk_create(vec![author("first"), author("second")]).await.unwrap();
    let book = Book { title: "title".into(), author: (&authors[0]).into(), ..Book::default() };
    let book = Book::objects(db).create(book).await.unwrap();
    Book::readers.of(db, &book).add([authors[0].id]).await.unwrap();
    let before = contents(db).await;

    let armed = Armed::default();
    let _handlers = connect(&armed);
    for operation in OPERATIONS {
        for stage in operation.stages() {
            let case = format!("{operation:?} at {stage:?}");
            let mut world = World { book: book.clone(), author: authors[0].clone() };
            *armed.lock().unwrap() = Some(stage);
            let error = operation.run(db, &mut world).await.expect_err(&case);
            *armed.lock().unwrap() = None;
            assert!(matches!(error, Error::Rejected { .. }), "{case}: {error}");
            assert_eq!(contents(db).await, before, "{case}");
            assert_eq!(world.book.state(), State::Stored, "{case}");
            // What the caller changed itself stays in memory; what was loaded is as it was.
            assert_eq!(world.book.loaded(), Some(&before.1[0]), "{case}");

            // In a transaction that goes on, only the operation is undone.
            let kept = format!("kept by {case}");
            let done: Result<(), Error> = db
                .transaction(async |tx| {
                    let mut other = Author::objects(&tx).create(author(&kept)).await?;
                    let mut world = World { book: book.clone(), author: authors[0].clone() };
                    *armed.lock().unwrap() = Some(stage);
                    let failed = operation.run(&tx, &mut world).await;
                    *armed.lock().unwrap() = None;
                    assert!(failed.is_err(), "{case}");
                    let inside = contents(&tx).await;
                    assert_eq!((&inside.1, &inside.2), (&before.1, &before.2), "{case}, in a transaction");
                    assert_eq!(inside.0.len(), before.0.len() + 1, "{case}, in a transaction");
                    other.delete(&tx).await.map(drop)
                })
                .await;
            done.unwrap_or_else(|error| panic!("{case}: the transaction goes on: {error}"));
            assert_eq!(contents(db).await, before, "{case}, after the transaction");
        }
        // The same operation works when nobody objects.
        let undone: Result<(), Error> = db
            .transaction(async |tx| {
                let mut world = World { book: book.clone(), author: authors[0].clone() };
                operation.run(&tx, &mut world).await?;
                assert_ne!(contents(&tx).await, before, "{operation:?}");
                Err(Error::Transaction("undone as asked"))
            })
            .await;
        assert!(matches!(undone, Err(Error::Transaction("undone as asked"))), "{operation:?}: {undone:?}");
    }
}
