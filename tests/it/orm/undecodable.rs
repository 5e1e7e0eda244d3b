//! A row that cannot be decoded is an error that says which row and which column, by every way of reading; the other rows
//! are read.

use std::fmt::Debug;

use aksara::prelude::*;
use aksara::{Backend, Error, max, prefetch, prefetch_related};
use aksara_tests::TestDb;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use rust_decimal::Decimal;

#[derive(Model, Clone, Debug)]
#[model(label = "undecodable.Shelf", table = "spoiled")]
struct Shelf {
    id: i64,
    at: DateTime<Utc>,
    price: Decimal,
    body: serde_json::Value,
}

#[derive(Model, Clone, Debug)]
#[model(label = "undecodable.Jar", table = "spoiled_jar")]
struct Jar {
    id: i64,
    #[field(on_delete = "cascade")]
    shelf: Fk<Shelf>,
    name: String,
}

/// Makes a value of this row of `shelf` that its field cannot hold, as other programs may; the name of the column.
async fn spoil(test: &TestDb, id: i64) -> &'static str {
    let (column, value) = match test.backend() {
        Backend::Sqlite => ("price", "'plenty'"),
        Backend::Postgres => ("at", "'infinity'"),
        Backend::MySql => ("body", "'{'"),
    };
    test.db
        .execute_raw(&format!("UPDATE spoiled SET {column} = {value} WHERE id = {id}"), vec![])
        .await
        .unwrap();
    column
}

async fn five_shelves() -> (TestDb, Vec<i64>) {
    let test = TestDb::with::<(Shelf, Jar)>().await;
    let shelves = Shelf::objects(&test.db).bulk_create(vec![Shelf::default(); 5]).await.unwrap();
    for shelf in &shelves {
        Jar::objects(&test.db).create(Jar { shelf: Fk::from(shelf), ..Default::default() }).await.unwrap();
    }
    let ids = shelves.iter().map(|shelf| shelf.id).collect();
    (test, ids)
}

#[tokio::test]
async fn every_way_of_reading_names_table_key_and_column() {
    let (test, ids) = five_shelves().await;
    let (db, bad) = (&test.db, ids[2]);
    let mut refreshed = Shelf::objects(db).get(bad).await.unwrap();
    let jars = Jar::objects(db).all().await.unwrap();
    let all_shelves = Shelf::objects(db).all().await.unwrap();
    let column = spoil(&test, bad).await;
    let shelves = || Shelf::objects(db);
    let only = || shelves().filter(Shelf::id.eq(bad));
    fn told<T: Debug>(way: &'static str, outcome: Result<T, Error>) -> (&'static str, Error) {
        (way, outcome.err().unwrap_or_else(|| panic!("{way} read a value that is not there")))
    }
    let column_alone = match test.backend() {
        Backend::Sqlite => told("values with the key", shelves().values((Shelf::id, Shelf::price)).await),
        Backend::Postgres => told("values with the key", shelves().values((Shelf::id, Shelf::at)).await),
        Backend::MySql => told("values with the key", shelves().values((Shelf::id, Shelf::body)).await),
    };
    let heard = pre_delete_heard();
    let outcomes = [
        told("all", shelves().all().await),
        told("first", only().first().await),
        told("one", only().one().await),
        told("get", shelves().get(bad).await),
        told("refresh", refreshed.refresh(db).await),
        told("query_raw", db.query_raw::<Shelf>("SELECT body, price, at, id FROM spoiled", vec![]).await),
        told("select_related", Jar::objects(db).select_related(Jar::shelf).await),
        told("prefetch", prefetch(db, &jars, Jar::shelf).await),
        told("related", Jar::objects(db).all().await.unwrap()[2].shelf.get(db).await),
        told("get_or_create", only().get_or_create(Shelf::default).await),
        told("delete", shelves().delete().await),
        column_alone,
    ];
    drop(heard);
    for (way, error) in outcomes {
        let text = error.to_string();
        let Error::Decode { table, key, column: found, .. } = error else { panic!("{way}: {text}") };
        assert_eq!((&*table, key, &*found), ("spoiled", Some(format!("id = {bad}")), column), "{way}");
        assert!(text.contains(&format!("`spoiled.{column}` in the row `id = {bad}`")), "{way}: {text}");
    }
    // What reads no such column goes on.
    assert_eq!(prefetch_related(db, &all_shelves, Jar::shelf).await.unwrap().len(), 5);
    assert_eq!(shelves().aggregate(max(Shelf::id)).await.unwrap(), ids.last().copied());
    for id in ids.iter().filter(|id| **id != bad) {
        assert_eq!(shelves().get(*id).await.unwrap().id, *id);
    }
}

fn pre_delete_heard() -> aksara::signals::Connection {
    aksara::signals::pre_delete::<Shelf>().connect(|_| Box::pin(async { Ok(()) }))
}

#[tokio::test]
async fn a_stream_has_an_error_in_the_place_of_each_such_row_and_goes_on() {
    let (test, ids) = five_shelves().await;
    for (bad, batch) in [(0, 1), (0, 2), (1, 2), (2, 2), (4, 2), (4, 5), (3, 10)] {
        let column = spoil(&test, ids[bad]).await;
        let read: Vec<_> = Shelf::objects(&test.db).stream(batch).unwrap().collect().await;
        let read: Vec<_> = read
            .into_iter()
            .map(|row| match row {
                Ok(shelf) => Ok(shelf.id),
                Err(Error::Decode { key, .. }) => Err(key),
                Err(error) => panic!("{error}"),
            })
            .collect();
        let expected: Vec<_> = ids
            .iter()
            .map(|id| if *id == ids[bad] { Err(Some(format!("id = {id}"))) } else { Ok(*id) })
            .collect();
        assert_eq!(read, expected, "bad: {bad}, batch: {batch}");
        let good = Shelf::default();
        let assignment = match column {
            "price" => Shelf::price.set(good.price),
            "at" => Shelf::at.set(good.at),
            _ => Shelf::body.set(good.body),
        };
        Shelf::objects(&test.db).filter(Shelf::id.eq(ids[bad])).update([assignment]).await.unwrap();
    }
}

/// Rows whose keys cannot be read are passed too, with every size of a batch.
#[tokio::test]
async fn a_stream_passes_rows_whose_keys_cannot_be_decoded() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "undecodable.Tag", table = "keyed")]
    struct Keyed {
        #[field(primary_key)]
        id: uuid::Uuid,
    }
    let test = TestDb::with::<(Keyed,)>().await;
    if test.backend() == Backend::Postgres {
        // Its column holds nothing but UUIDs.
        return;
    }
    test.db.execute_raw("DROP TABLE keyed", vec![]).await.unwrap();
    test.db.execute_raw("CREATE TABLE keyed (id VARCHAR(36) PRIMARY KEY)", vec![]).await.unwrap();
    let keys = ["!a", "!b", "!c", "01890000-0000-7000-8000-000000000000", "z1", "z2"];
    for key in keys {
        test.db.execute_raw(&format!("INSERT INTO keyed VALUES ('{key}')"), vec![]).await.unwrap();
    }
    for batch in 1..=7 {
        let read: Vec<_> =
            Keyed::objects(&test.db).stream(batch).unwrap().map(|row| row.is_ok()).collect().await;
        assert_eq!(read, [false, false, false, true, false, false], "batch: {batch}");
    }
}
