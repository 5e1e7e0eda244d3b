//! No Ok for what did not happen: a write of an instance whose row is gone is an error of one kind, by every way, and leaves
//! everything as it was.

use aksara::prelude::*;
use aksara::{Constraint, Error, SaveOptions};
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "ways.Item")]
struct Item {
    id: i64,
    units: i64,
    tags: ManyToMany<Tag>,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "ways.Tag")]
struct Tag {
    #[field(primary_key, max_length = 20)]
    name: String,
    note: String,
}

async fn items(test: &TestDb, count: usize) -> Vec<Instance<Item>> {
    Item::objects(&test.db).bulk_create(vec![Item::default(); count]).await.unwrap()
}

async fn remove(test: &TestDb, item: &Instance<Item>) {
    assert_eq!(Item::objects(&test.db).filter(Item::id.eq(item.id)).delete().await.unwrap().rows, 1);
}

#[tokio::test]
async fn every_write_of_an_instance_whose_row_is_gone_is_an_error() {
    let test = TestDb::with::<(Tag, Item)>().await;
    let db = &test.db;
    for way in [
        "save",
        "save_fields",
        "force_update",
        "bulk_update of one",
        "bulk_update of many",
        "set",
        "set nothing",
    ] {
        let mut rows = items(&test, 3).await;
        remove(&test, &rows[1]).await;
        rows.iter_mut().for_each(|row| row.units = 7);
        let key = rows[1].id;
        let (fields, item) = (&["units"], &mut rows[1]);
        let outcome = match way {
            "save" => item.save(db).await,
            "save_fields" => item.save_fields(db, fields).await,
            "force_update" => {
                item.save_with(db, SaveOptions { force_update: true, ..Default::default() }).await
            }
            "bulk_update of one" => {
                Item::objects(db).bulk_update(&mut vec![item.clone()], fields).await.map(drop)
            }
            "bulk_update of many" => Item::objects(db).bulk_update(&mut rows, fields).await.map(drop),
            "set" => Item::tags.of(db, item).set(["x".to_owned()]).await.map(drop),
            _ => Item::tags.of(db, item).set(Vec::<String>::new()).await.map(drop),
        };
        let error = outcome.unwrap_err();
        assert!(error.is_not_found(), "{way}: {error}");
        assert_eq!(error.to_string(), format!("no `ways.Item` matches id = {key}"), "{way}");
        // Of the rows that are there, none is changed, and the instances still know what they have to save.
        assert_eq!(Item::objects(db).filter(Item::units.eq(7)).count().await.unwrap(), 0, "{way}");
        assert!(rows.iter().all(|row| row.changes().len() == 1), "{way}");
    }
}

/// In a statement for many keys, in several of them, and where the key is text.
#[tokio::test]
async fn a_bulk_update_names_a_row_that_is_gone_and_says_how_many_are() {
    let test = TestDb::with::<(Tag, Item)>().await;
    let db = &test.db;
    let tags =
        (0..1_500).map(|index| Tag { name: format!("tag {index:04}"), ..Default::default() }).collect();
    let mut tags = Tag::objects(db).bulk_create(tags).await.unwrap();
    tags.iter_mut().for_each(|tag| tag.note = "changed".into());
    let changed = async || Tag::objects(db).filter(Tag::note.eq("changed")).count().await.unwrap();
    for (gone, text) in [
        (&["tag 1400"] as &[&str], "no `ways.Tag` matches name = tag 1400"),
        (&["tag 0003", "tag 0002"], "no `ways.Tag` matches name = tag 0002, nor 2 other keys"),
    ] {
        Tag::objects(db).filter(Tag::name.is_in(gone.iter().copied())).delete().await.unwrap();
        if gone.len() == 1 {
            let error = Tag::objects(db).bulk_update(&mut tags, &["note"]).await.unwrap_err();
            assert_eq!((error.to_string().as_str(), changed().await), (text, 0));
            continue;
        }
        let mut few: Vec<_> = tags.iter().take(10).chain(tags.iter().skip(1_400)).cloned().collect();
        let error = Tag::objects(db).bulk_update(&mut few, &["note"]).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), changed().await), (text, 0));
    }
    tags.retain(|tag| !["tag 0002", "tag 0003", "tag 1400"].contains(&tag.name.as_str()));
    assert_eq!(Tag::objects(db).bulk_update(&mut tags, &["note"]).await.unwrap(), 1_497);
    assert_eq!(changed().await, 1_497);
}

/// As two saves would: the last one stays.
#[tokio::test]
async fn of_two_instances_of_one_row_a_bulk_update_writes_the_last() {
    let test = TestDb::with::<(Tag, Item)>().await;
    let mut rows = items(&test, 2).await;
    rows.push(rows[0].clone());
    for (row, units) in rows.iter_mut().zip([1, 2, 3]) {
        row.units = units;
    }
    assert_eq!(Item::objects(&test.db).bulk_update(&mut rows, &["units"]).await.unwrap(), 2);
    let read = Item::objects(&test.db).order_by(Item::id.asc()).values(Item::units).await.unwrap();
    assert_eq!(read, [3, 2]);
}

#[tokio::test]
async fn relating_to_a_row_that_is_gone_is_an_error_that_names_it_by_every_way() {
    let test = TestDb::with::<(Tag, Item)>().await;
    let db = &test.db;
    let there = Tag::objects(db).create(Tag { name: "there".into(), ..Default::default() }).await.unwrap();
    let item = &items(&test, 1).await[0];
    let tags = Item::tags.of(db, item);
    let both = || ["there".to_owned(), "gone".to_owned()];
    for outcome in [tags.add(both()).await, tags.set(both()).await, tags.set_cleared(both()).await] {
        let error = outcome.unwrap_err();
        assert_eq!(
            error.violation().map(|violation| violation.kind),
            Some(Constraint::ForeignKey),
            "{error}"
        );
        assert_eq!(tags.all().count().await.unwrap(), 0);
    }
    for impossible in ["a\0", "longer than its 20 characters"] {
        for outcome in [tags.add([impossible.to_owned()]).await, tags.set([impossible.to_owned()]).await] {
            let Err(Error::Validation(errors)) = outcome else { panic!("{impossible:?}: {outcome:?}") };
            assert!(errors.model == "ways.Tag" && errors.fields.keys().eq(["name"]), "{errors}");
        }
    }
    let lost = items(&test, 1).await.remove(0);
    remove(&test, &lost).await;
    for outcome in [
        Item::tags.of(db, &lost).add([&there]).await.map(drop),
        Item::tags.of(db, &lost).create(Tag { name: "new".into(), ..Default::default() }).await.map(drop),
        Item::tags.to(db, &there).add([lost.id]).await.map(drop),
    ] {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Integrity { .. }), "{error}");
    }
    assert_eq!(Tag::objects(db).count().await.unwrap(), 1);
}
