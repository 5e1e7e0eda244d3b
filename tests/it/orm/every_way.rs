//! A rule holds by every way to the same thing: sorted, sliced, distinct queries, unsaved instances, nested callbacks.

use std::convert::Infallible;

use aksara::prelude::*;
use aksara::signals::{m2m_changed, pre_save};
use aksara::{Error, count, sum, testing};
use aksara_tests::{Journal, TestDb};

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "every_way.Tag")]
struct Tag {
    #[field(primary_key)]
    id: i64,
    units: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "every_way.Post")]
struct Post {
    #[field(primary_key)]
    id: i64,
    tags: ManyToMany<Tag>,
}

async fn three_tags() -> (TestDb, Vec<i64>) {
    let test = TestDb::with::<(Tag, Post)>().await;
    let tags = [3, 1, 2].map(|units| Tag { units, ..Default::default() }).to_vec();
    let tags = Tag::objects(&test.db).bulk_create(tags).await.unwrap();
    let keys = tags.iter().map(|tag| tag.id).collect();
    (test, keys)
}

/// Parts of a query that mean nothing to an operation are not sent along.
#[tokio::test]
async fn a_sorted_or_distinct_query_can_be_counted_aggregated_and_asked_whether_it_has_rows() {
    let (test, _) = three_tags().await;
    let all = || Tag::objects(&test.db);
    let queries = [
        ("plain", all()),
        ("sorted", all().order_by(Tag::units.desc())),
        ("distinct", all().distinct()),
        ("distinct and sorted", all().distinct().order_by(Tag::units.asc()).order_by(Tag::id.desc())),
    ];
    for (name, query) in queries {
        assert_eq!(query.clone().count().await.unwrap(), 3, "{name}");
        assert!(query.clone().exists().await.unwrap(), "{name}");
        assert!(query.clone().offset(2).exists().await.unwrap(), "{name}");
        assert!(!query.clone().offset(3).exists().await.unwrap(), "{name}");
        assert!(!query.clone().limit(0).exists().await.unwrap(), "{name}");
        assert_eq!(query.aggregate((count(), sum(Tag::units))).await.unwrap(), (3, Some(6)), "{name}");
    }
}

#[tokio::test]
async fn get_finds_what_is_in_the_slice_and_nothing_else() {
    let (test, keys) = three_tags().await;
    // The units are 3, 1, 2: by units, the second key comes first.
    let sorted = || Tag::objects(&test.db).order_by(Tag::units.asc());
    for (name, query, found) in [
        ("all", sorted(), [true, true, true]),
        ("the first", sorted().limit(1), [false, true, false]),
        ("all but the first", sorted().offset(1).limit(10), [true, false, true]),
        ("the second", sorted().offset(1).limit(1).distinct(), [false, false, true]),
        ("none", sorted().limit(0), [false, false, false]),
        ("a filtered slice", sorted().filter(Tag::units.gt(1)).limit(1), [false, false, true]),
    ] {
        for (key, expected) in keys.iter().zip(found) {
            match query.clone().get(*key).await {
                Ok(tag) => assert!(expected && tag.id == *key, "{name}: {key}"),
                Err(error) => assert!(!expected && error.is_not_found(), "{name}: {key}: {error}"),
            }
        }
    }
}

/// An error about an instance without a row comes before any signal, whatever side of the relation it is on.
#[tokio::test]
async fn relating_an_unsaved_or_deleted_instance_is_an_error_before_any_signal() {
    let (test, keys) = three_tags().await;
    let journal = Journal::default();
    let note = journal.clone();
    let _relations = m2m_changed::<AnyModel>().relation(Post::tags).connect(move |event| {
        let (note, action) = (note.clone(), event.action.name());
        Box::pin(async move {
            note.add(action);
            Ok(())
        })
    });
    let note = journal.clone();
    let _saves = pre_save::<Tag>().connect(move |_| {
        let note = note.clone();
        Box::pin(async move {
            note.add("pre_save");
            Ok(())
        })
    });
    let post = Post::objects(&test.db).create(Post::default()).await.unwrap();
    let new = Tag::default().instance();
    let mut deleted = Tag::objects(&test.db).get(keys[0]).await.unwrap();
    deleted.delete(&test.db).await.unwrap();
    journal.take();
    let related = Post::tags.of(&test.db, &post);
    for other in [&new, &deleted] {
        let results = [
            related.add([other]).await,
            related.remove([other]).await,
            related.set([other]).await,
            related.set_cleared([other]).await,
        ];
        for result in results {
            assert!(matches!(result, Err(Error::State { model: "every_way.Tag", .. })), "{result:?}");
        }
    }
    let unsaved = Post::default().instance();
    let related = Post::tags.of(&test.db, &unsaved);
    let created = related.create(Tag::default()).await;
    assert!(matches!(created, Err(Error::State { model: "every_way.Post", .. })), "{created:?}");
    assert!(matches!(related.add([keys[1]]).await, Err(Error::State { model: "every_way.Post", .. })));
    assert_eq!((journal.take(), Tag::objects(&test.db).count().await.unwrap()), (Vec::new(), 2));
}

/// As after a real commit: a callback that a callback registers runs too.
#[tokio::test]
async fn captured_callbacks_run_with_those_that_they_register() {
    let (test, _) = three_tags().await;
    let journal = Journal::default();
    let results = testing::rolled_back(&test.db, async |tx| {
        let note = journal.clone();
        let registering = async || {
            let second = note.clone();
            tx.on_commit(move |db| async move {
                note.add("first");
                let third = second.clone();
                db.on_commit(move |db| async move {
                    third.add("registered by the first");
                    let last = third.clone();
                    db.on_commit(move |_| async move {
                        last.add("registered by that");
                        Ok::<_, Infallible>(())
                    })
                    .await
                })
                .await
            })
            .await
            .unwrap();
            let note = journal.clone();
            tx.on_commit(move |_| async move {
                note.add("second");
                Ok::<_, Infallible>(())
            })
            .await
            .unwrap();
        };
        let ((), on_commit) = testing::capture_on_commit(&tx, registering).await.unwrap();
        on_commit.run().await.into_iter().filter(Result::is_ok).count()
    });
    assert_eq!(results.await.unwrap(), 4);
    assert_eq!(journal.take(), ["first", "registered by the first", "registered by that", "second"]);
}

/// A row that is its own parent can be deleted, alone and among others, whether its deletes are heard or not.
#[tokio::test]
async fn a_row_that_is_its_own_parent_can_be_deleted() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "every_way.Folder")]
    struct Folder {
        id: i64,
        #[field(on_delete = "cascade")]
        parent: Option<Fk<Folder>>,
    }
    let test = TestDb::with::<(Folder,)>().await;
    for heard in [false, true] {
        let _connection =
            heard.then(|| aksara::signals::pre_delete::<Folder>().connect(|_| Box::pin(async { Ok(()) })));
        for children in [0_u64, 2] {
            let mut folder = Folder::objects(&test.db).create(Folder::default()).await.unwrap();
            folder.parent = Some(Fk::new(folder.id));
            folder.save(&test.db).await.unwrap();
            for _ in 0..children {
                let child = Folder { parent: Some(Fk::new(folder.id)), ..Default::default() };
                Folder::objects(&test.db).create(child).await.unwrap();
            }
            assert_eq!(folder.delete(&test.db).await.unwrap().rows, children + 1, "heard: {heard}");
            assert_eq!(Folder::objects(&test.db).count().await.unwrap(), 0);
        }
    }
}

/// `add` through a model's table asks for no constraint over the pair, and gives the other columns their defaults.
#[tokio::test]
async fn add_through_a_model_works_with_and_without_a_unique_constraint() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "every_way.Member")]
    struct Member {
        id: i64,
        #[field(through("every_way_loose", "member_id", "team_id"))]
        loose: ManyToMany<Team>,
        #[field(through("every_way_strict", "member_id", "team_id"))]
        strict: ManyToMany<Team>,
    }
    #[derive(Model, Clone, Debug)]
    #[model(label = "every_way.Team")]
    struct Team {
        id: i64,
    }
    #[derive(Model, Clone, Debug)]
    #[model(label = "every_way.Loose", table = "every_way_loose")]
    struct Loose {
        id: i64,
        member: Fk<Member>,
        team: Fk<Team>,
        #[field(default = 7)]
        since: i32,
        #[field(auto_now_add)]
        at: chrono::DateTime<chrono::Utc>,
    }
    #[derive(Model, Clone, Debug)]
    #[model(label = "every_way.Strict", table = "every_way_strict", unique(team, member))]
    struct Strict {
        #[field(primary_key)]
        id: uuid::Uuid,
        member: Fk<Member>,
        team: Fk<Team>,
    }
    let test = TestDb::with::<(Member, Team, Loose, Strict)>().await;
    let db = &test.db;
    let member = Member::objects(db).create(Member::default()).await.unwrap();
    let teams = Team::objects(db).bulk_create(vec![Team::default(); 2]).await.unwrap();
    for relation in [Member::loose.of(db, &member), Member::strict.of(db, &member)] {
        assert_eq!(relation.add(&teams).await.unwrap(), 2);
        assert_eq!(relation.add(&teams).await.unwrap(), 0);
        assert_eq!(relation.set([&teams[1]]).await.unwrap(), 1);
        assert_eq!(relation.all().count().await.unwrap(), 1);
    }
    assert_eq!(Loose::objects(db).first().await.unwrap().unwrap().since, 7);
    let strict = Strict::objects(db).first().await.unwrap().unwrap();
    assert!(!strict.id.is_nil());
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_by_name() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "every_way.Named")]
    struct Named {
        id: i64,
        parent: Option<Fk<Named>>,
    }
    let test = TestDb::with::<(Named,)>().await;
    let db = &test.db;
    let mut named = Named::objects(db).create(Named::default()).await.unwrap();
    let error = named.save_fields(db, &["parent"]).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot save the field `parent` of `every_way.Named`: the model has no such field; its foreign key is called `parent_id`");
    let zero = r#"[{"model": "every_way.Named", "fields": {"id": 0}}]"#;
    let error = db.load_fixtures(zero).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot load the fixtures, row 0: `every_way.Named.id` is 0, which stands for a row without a key yet; give another, or leave it out for a new one");
    let new = r#"[{"model": "every_way.Named", "fields": {}}]"#;
    assert_eq!(db.load_fixtures(new).await.unwrap(), 1);
}
