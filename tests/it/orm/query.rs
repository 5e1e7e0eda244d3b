//! Queries: typed filters, orders, slices, updates with `F`, foreign keys.

use aksara::prelude::*;
use aksara::{Error, Filter};
use aksara_tests::TestDb;

#[derive(Model, Clone, Debug)]
struct Writer {
    #[field(primary_key)]
    id: i64,
    name: String,
}

#[derive(Model, Clone, Debug)]
#[model(unique(writer, title))]
struct Story {
    #[field(primary_key)]
    id: i64,
    title: String,
    words: i32,
    rating: Option<f64>,
    writer: Fk<Writer>,
    editor: Option<Fk<Writer>>,
}

async fn library() -> (TestDb, Vec<Instance<Writer>>) {
    let test = TestDb::with::<(Writer, Story)>().await;
    let names = ["Ada", "Ben"].map(|name| Writer { name: name.into(), ..Default::default() });
    let writers = Writer::objects(&test.db).bulk_create(names.to_vec()).await.unwrap();
    let story = |title: &str, words, rating, writer: &Instance<Writer>| Story {
        title: title.into(),
        words,
        rating,
        writer: Fk::from(writer),
        ..Default::default()
    };
    let stories = vec![
        story("Alpha", 100, Some(4.5), &writers[0]),
        story("Beta 100%", 200, None, &writers[0]),
        story("Gamma_ray", 300, Some(2.0), &writers[1]),
        story("Delta", 400, Some(3.0), &writers[1]),
    ];
    Story::objects(&test.db).bulk_create(stories).await.unwrap();
    (test, writers)
}

#[tokio::test]
async fn filters_select_what_they_say() {
    let (test, writers) = library().await;
    let check = async |filter: Filter<Story>, expected: &str| {
        let rows =
            Story::objects(&test.db).filter(filter.clone()).order_by(Story::id.asc()).all().await.unwrap();
        let initials: String = rows.iter().filter_map(|row| row.title.chars().next()).collect();
        assert_eq!(initials, expected, "{filter:?}");
    };
    check(Story::title.eq("Alpha"), "A").await;
    check(Story::title.ne("Alpha"), "BGD").await;
    check(Story::words.lt(200), "A").await;
    check(Story::words.le(200), "AB").await;
    check(Story::words.gt(200), "GD").await;
    check(Story::words.ge(200), "BGD").await;
    check(Story::words.is_in([100, 400, 7]), "AD").await;
    check(Story::words.is_in([0; 0]), "").await;
    check(Story::rating.is_null(), "B").await;
    check(Story::rating.is_not_null(), "AGD").await;
    check(Story::rating.ge(3.0), "AD").await;
    check(Story::title.contains("a_"), "G").await;
    check(Story::title.contains("0%"), "B").await;
    check(Story::title.starts_with("Gamma"), "G").await;
    check(Story::title.starts_with("_"), "").await;
    check(Story::words.gt(100).and(Story::words.lt(400)), "BG").await;
    check(Story::words.eq(100).or(Story::words.eq(400)), "AD").await;
    check(!Story::words.eq(100), "BGD").await;
    check(!(Story::words.eq(100).or(Story::title.eq("Delta"))), "BG").await;
    check(Story::writer.eq(&writers[1]), "GD").await;
    check(Story::writer.eq(writers[0].id), "AB").await;
    check(Story::words.gt(F(Story::words) - 1), "ABGD").await;
    check(Story::title.eq("'; DROP TABLE story; --"), "").await;
}

#[tokio::test]
async fn reading_one_some_and_none() {
    let (test, _) = library().await;
    let db = &test.db;
    let all = || Story::objects(db);
    assert_eq!(all().first().await.unwrap().unwrap().title, "Alpha");
    assert_eq!(all().order_by(Story::words.desc()).first().await.unwrap().unwrap().title, "Delta");
    assert_eq!(all().order_by(Story::words.asc()).offset(1).limit(2).all().await.unwrap()[1].words, 300);
    assert_eq!(all().offset(3).all().await.unwrap().len(), 1);
    assert_eq!(all().limit(3).count().await.unwrap(), 3);
    assert!(all().filter(Story::words.gt(399)).exists().await.unwrap());
    assert!(!all().filter(Story::words.gt(400)).exists().await.unwrap());
    assert!(all().filter(Story::words.gt(400)).first().await.unwrap().is_none());
    assert_eq!(all().filter(Story::words.eq(400)).one().await.unwrap().title, "Delta");
    let many = all().one().await.unwrap_err();
    insta::assert_snapshot!(many, @"more than one `Story` matches the filter; narrow it, or use `first`");
    let none = all().get(77).await.unwrap_err();
    assert!(matches!(none, Error::NotFound { .. }));
    insta::assert_snapshot!(none, @"no `Story` matches id = 77");
}

#[tokio::test]
async fn update_changes_rows_in_one_statement() {
    let (test, writers) = library().await;
    let db = &test.db;
    let long = Story::objects(db).filter(Story::words.ge(300));
    let changed =
        long.update([Story::words.set(F(Story::words) * 2 + 1), Story::rating.set(5.0)]).await.unwrap();
    assert_eq!(changed, 2);
    let delta = Story::objects(db).filter(Story::title.eq("Delta")).one().await.unwrap();
    assert_eq!((delta.words, delta.rating), (801, Some(5.0)));
    let delta = Story::objects(db).filter(Story::id.eq(delta.id));
    delta.clone().update([Story::rating.set_null(), Story::editor.set(&writers[0])]).await.unwrap();
    let delta = delta.one().await.unwrap();
    assert_eq!((delta.rating, delta.editor), (None, Some(Fk::from(&writers[0]))));
    assert_eq!(Story::objects(db).update([]).await.unwrap(), 0);
    assert!(matches!(
        Story::objects(db).limit(1).update([Story::words.set(1)]).await,
        Err(Error::Sliced { .. })
    ));
}

#[tokio::test]
async fn foreign_keys_are_followed_and_guarded() {
    let (test, writers) = library().await;
    let db = &test.db;
    let mut story = Story::objects(db).first().await.unwrap().unwrap();
    assert_eq!(story.writer.get(db).await.unwrap().name, "Ada");
    assert!(story.editor.get(db).await.unwrap().is_none());
    story.editor = Some(Fk::from(&writers[1]));
    story.save(db).await.unwrap();
    assert_eq!(story.editor.get(db).await.unwrap().unwrap().name, "Ben");
    story.writer = Fk::new(99);
    let error = story.save(db).await.unwrap_err();
    assert!(error.is_foreign_key_violation(), "{error}");
}

#[tokio::test]
async fn unique_constraints_hold_over_one_column_and_several() {
    let (test, writers) = library().await;
    let again = Story { title: "Alpha".into(), writer: Fk::from(&writers[0]), ..Default::default() };
    assert!(Story::objects(&test.db).create(again.clone()).await.unwrap_err().is_unique_violation());
    let other = Story { writer: Fk::from(&writers[1]), ..again };
    Story::objects(&test.db).create(other).await.unwrap();
}

#[tokio::test]
async fn refresh_reads_the_row_again() {
    let (test, _) = library().await;
    let db = &test.db;
    let mut story = Story::objects(db).first().await.unwrap().unwrap();
    Story::objects(db).update([Story::words.set(9)]).await.unwrap();
    story.title = "lost".into();
    story.refresh(db).await.unwrap();
    assert_eq!((story.words, story.title.as_str()), (9, "Alpha"));
    assert!(story.changes().is_empty());
}

#[tokio::test]
async fn bulk_create_is_all_or_nothing_and_fills_in_keys() {
    let (test, writers) = library().await;
    let db = &test.db;
    let row = |title: String| Story { title, writer: Fk::from(&writers[0]), ..Default::default() };
    // More rows than fit into one statement.
    let rows =
        Story::objects(db).bulk_create((0..20_000).map(|n| row(n.to_string())).collect()).await.unwrap();
    assert!(rows.iter().all(|row| row.id > 0));
    let last = Story::objects(db).get(rows[19_999].id).await.unwrap();
    assert_eq!(last.title, "19999");
    let before = Story::objects(db).count().await.unwrap();
    let error =
        Story::objects(db).bulk_create(vec![row("new".into()), row("Alpha".into())]).await.unwrap_err();
    assert!(error.is_unique_violation());
    assert_eq!(Story::objects(db).count().await.unwrap(), before);
    assert!(Story::objects(db).bulk_create(Vec::new()).await.unwrap().is_empty());
}
