//! What queries read besides whole rows: columns, aggregates, related rows, raw SQL, streams; and the saves that begin
//! with a look.

use aksara::prelude::*;
use aksara::{Error, FieldType, Value, avg, count, max, min, prefetch, prefetch_related, sum, testing};
use aksara_tests::TestDb;
use futures_util::TryStreamExt;
use rust_decimal::Decimal;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "reading.Writer")]
struct Writer {
    #[field(primary_key)]
    id: i64,
    #[field(unique, max_length = 50)]
    name: String,
    mentor: Option<Fk<Writer>>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "reading.Book")]
struct Book {
    #[field(primary_key)]
    id: i64,
    title: String,
    pages: i32,
    rating: f64,
    price: Decimal,
    writer: Fk<Writer>,
    editor: Option<Fk<Writer>>,
}

/// Two writers, of whom the second has the first as mentor, with two books and one.
async fn set_up() -> (TestDb, Vec<Instance<Writer>>) {
    let test = TestDb::with::<(Writer, Book)>().await;
    let first =
        Writer::objects(&test.db).create(Writer { name: "Ada".into(), ..Default::default() }).await.unwrap();
    let second = Writer { name: "Bob".into(), mentor: Some(Fk::from(&first)), ..Default::default() };
    let second = Writer::objects(&test.db).create(second).await.unwrap();
    let book = |title: &str, pages, price: &str, writer, editor: Option<&Instance<Writer>>| Book {
        title: title.into(),
        pages,
        rating: f64::from(pages) / 100.0,
        price: price.parse().unwrap(),
        writer: Fk::from(writer),
        editor: editor.map(Fk::from),
        ..Default::default()
    };
    let books = vec![
        book("One", 100, "9.50", &first, Some(&second)),
        book("Two", 200, "10.25", &first, None),
        book("Three", 300, "20", &second, None),
    ];
    Book::objects(&test.db).bulk_create(books).await.unwrap();
    (test, vec![first, second])
}

#[tokio::test]
async fn values_aggregates_groups_and_distinct() {
    let (test, writers) = set_up().await;
    let books = || Book::objects(&test.db);
    let pairs = books().order_by(Book::id.desc()).limit(2).values((Book::title, Book::pages)).await.unwrap();
    assert_eq!(pairs, [("Three".to_owned(), 300), ("Two".to_owned(), 200)]);
    let all =
        books().aggregate((count(), sum(Book::pages), avg(Book::pages), min(Book::title), max(Book::rating)));
    assert_eq!(all.await.unwrap(), (3, Some(600), Some(200.0), Some("One".to_owned()), Some(3.0)));
    let (price, mean) = books().aggregate((sum(Book::price), avg(Book::price))).await.unwrap();
    assert_eq!((price, mean), (Some("39.75".parse().unwrap()), Some(13.25)));
    let none = books().filter(Book::pages.gt(999)).aggregate((count(), sum(Book::pages), max(Book::price)));
    assert_eq!(none.await.unwrap(), (0, None, None));
    let by_writer = books().group_by(Book::writer).order_by(Book::writer.asc());
    let by_writer = by_writer.values((Book::writer, count(), sum(Book::pages))).await.unwrap();
    let expected = [(Fk::from(&writers[0]), 2, Some(300)), (Fk::from(&writers[1]), 1, Some(300))];
    assert_eq!(by_writer, expected);
    let writers_of_books = books().distinct().values(Book::writer).await.unwrap();
    assert_eq!(writers_of_books.len(), 2);
    let sliced = books().limit(1).aggregate(count()).await.unwrap_err();
    insta::assert_snapshot!(sliced, @"cannot aggregate a slice of `reading.Book`; remove `limit`, `offset` and orders, or filter by key");
}

#[tokio::test]
async fn related_rows_come_along_in_one_statement_or_one_more() {
    let (test, writers) = set_up().await;
    let books = || Book::objects(&test.db).order_by(Book::id.asc());
    let with_writer = books().select_related(Book::writer).await.unwrap();
    let names: Vec<_> = with_writer.iter().map(|(book, writer)| (&*book.title, &*writer.name)).collect();
    assert_eq!(names, [("One", "Ada"), ("Two", "Ada"), ("Three", "Bob")]);
    let filtered = books().filter(Book::id.gt(1)).select_related(Book::editor).await.unwrap();
    assert!(filtered.iter().all(|(_, editor)| editor.is_none()));
    let with_editor = books().select_related(Book::editor).await.unwrap();
    assert_eq!(with_editor[0].1.as_ref().unwrap().name, "Bob");
    // A model that points to itself.
    let mentored =
        Writer::objects(&test.db).order_by(Writer::id.asc()).select_related(Writer::mentor).await.unwrap();
    assert_eq!((mentored[0].1.is_none(), &*mentored[1].1.as_ref().unwrap().name), (true, "Ada"));
    let all = books().all().await.unwrap();
    let by_key = prefetch(&test.db, &all, Book::writer).await.unwrap();
    assert_eq!(by_key.values().map(|writer| &*writer.name).collect::<Vec<_>>(), ["Ada", "Bob"]);
    let by_writer = prefetch_related(&test.db, &writers, Book::writer).await.unwrap();
    assert_eq!(by_writer.values().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(writers[0].related(&test.db, Book::writer).count().await.unwrap(), 2);
}

#[tokio::test]
async fn raw_sql_binds_values_and_sends_nothing() {
    let (test, _) = set_up().await;
    let mark = if test.backend() == aksara::Backend::Postgres { "$1" } else { "?" };
    let sql = format!("SELECT * FROM book WHERE pages > {mark};").replace("book", Book::meta().table);
    let mut found = test.db.query_raw::<Book>(&sql, vec![150.to_value()]).await.unwrap();
    found.sort_by_key(|book| book.id);
    assert_eq!(found.iter().map(|book| &*book.title).collect::<Vec<_>>(), ["Two", "Three"]);
    let sql = format!("UPDATE {} SET pages = pages + 1 WHERE title = {mark}", Book::meta().table);
    let (changed, signals) =
        testing::capture(test.db.execute_raw(&sql, vec!["One".to_owned().to_value()])).await;
    assert_eq!((changed.unwrap(), signals.len()), (1, 0));
    let error = test.db.execute_raw("NONSENSE", Vec::<Value>::new()).await.unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error}");
}

#[tokio::test]
async fn a_stream_reads_batch_by_batch_and_holds_no_connection() {
    let test = TestDb::opened::<(Writer, Book)>(|options| options.connections_max(1)).await;
    let rows = (0..25).map(|number| Writer { name: number.to_string(), ..Default::default() });
    Writer::objects(&test.db).bulk_create(rows.collect()).await.unwrap();
    for batch in [0, 1, 5, 10, 25, 100] {
        let mut stream = std::pin::pin!(Writer::objects(&test.db).stream(batch).unwrap());
        let mut read = 0;
        while let Some(writer) = stream.try_next().await.unwrap() {
            assert_eq!(writer.name, read.to_string());
            read += 1;
            // The one connection is free meanwhile.
            assert_eq!(Writer::objects(&test.db).count().await.unwrap(), 25);
        }
        assert_eq!(read, 25);
    }
    let ordered = Writer::objects(&test.db).order_by(Writer::name.asc()).stream(5).err().unwrap();
    insta::assert_snapshot!(ordered, @"cannot stream a slice of `reading.Writer`; remove `limit`, `offset` and orders, or filter by key");
}

/// Save 7.
#[tokio::test]
async fn get_or_create_and_update_or_create_send_what_their_save_sends() {
    let test = TestDb::with::<(Writer, Book)>().await;
    let named = |name: &str| Writer::objects(&test.db).filter(Writer::name.eq(name));
    let writer = |name: &str| Writer { name: name.into(), ..Default::default() };
    let names = |signals: &[aksara::signals::Captured]| {
        signals.iter().map(|signal| format!("{} {:?}", signal.signal, signal.created)).collect::<Vec<_>>()
    };
    let created = ["pre_save Some(true)", "post_save Some(true)"];
    let updated = ["pre_save Some(false)", "post_save Some(false)"];
    let (made, signals) = testing::capture(named("Eve").get_or_create(|| writer("Eve"))).await;
    let (made, new) = made.unwrap();
    assert!(new && names(&signals) == created);
    let (found, signals) = testing::capture(named("Eve").get_or_create(|| writer("Eve"))).await;
    let (found, new) = found.unwrap();
    assert!(!new && signals.is_empty() && found.id == made.id);
    let change = |writer: &mut Writer| writer.name = "Eva".into();
    let (changed, signals) = testing::capture(named("Eve").update_or_create(change, || writer("Eve"))).await;
    assert!(!changed.unwrap().1 && names(&signals) == updated);
    let (inserted, signals) = testing::capture(named("Eve").update_or_create(change, || writer("Eve"))).await;
    assert!(inserted.unwrap().1 && names(&signals) == created);
    // A row that the filter does not find, but a constraint does, is an error that says so.
    let clash = named("Zoe").get_or_create(|| writer("Eva")).await.unwrap_err();
    assert!(clash.is_unique_violation(), "{clash}");
    assert_eq!(Writer::objects(&test.db).count().await.unwrap(), 2);
}
