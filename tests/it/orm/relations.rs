//! `signals.md`, "Many-to-many".

use aksara::prelude::*;
use aksara::signals::{RelationAction, m2m_changed};
use aksara::{Error, Value};
use aksara_tests::{Journal, TestDb};

macro_rules! models {
    ($post:ident, $tag:ident) => {
        #[derive(Model, Clone, Debug)]
        struct $post {
            #[field(primary_key)]
            id: i64,
            tags: ManyToMany<$tag>,
        }

        #[derive(Model, Clone, Debug)]
        struct $tag {
            #[field(primary_key)]
            id: i64,
            name: String,
        }

        /// A post, tags with the keys 1 to 4, and a journal of `m2m_changed`.
        async fn set_up() -> (TestDb, Instance<$post>, Vec<Instance<$tag>>, Journal) {
            let test = TestDb::with::<($tag, $post)>().await;
            let post = $post::objects(&test.db).create($post::default()).await.unwrap();
            let tags = ["a", "b", "c", "d"].map(|name| $tag { name: name.into(), ..Default::default() });
            let tags = $tag::objects(&test.db).bulk_create(tags.to_vec()).await.unwrap();
            let journal = Journal::default();
            let seen = journal.clone();
            m2m_changed::<AnyModel>().relation($post::tags).connect(move |event| {
                let side = if event.reverse { " reverse" } else { "" };
                let keys: Vec<String> = event.pk_set.iter().map(shown).collect();
                let (action, model) = (event.action.name(), event.model.label);
                seen.add(format!("{action}{side} {model} [{}]", keys.join(", ")));
                Box::pin(async { Ok(()) })
            });
            (test, post, tags, journal)
        }
    };
}

fn shown(key: &Value) -> String {
    match key {
        Value::BigInt(Some(key)) => key.to_string(),
        other => format!("{other:?}"),
    }
}

async fn related<K: Model<Key = i64>>(related: aksara::Related<'_, K>) -> Vec<i64> {
    let mut keys: Vec<i64> = related.all().all().await.unwrap().iter().map(|row| *row.key()).collect();
    keys.sort();
    keys
}

/// Many-to-many 1 and 3.
#[tokio::test]
async fn each_change_sends_its_actions_with_its_keys() {
    models!(TaggedPost, PostTag);
    let (test, post, tags, journal) = set_up().await;
    let [a, b, c, d] = [&tags[0], &tags[1], &tags[2], &tags[3]];
    let rel = || TaggedPost::tags.of(&test.db, &post);
    assert_eq!(rel().add([a, b]).await.unwrap(), 2);
    assert_eq!(journal.take(), ["pre_add PostTag [1, 2]", "post_add PostTag [1, 2]"]);
    // Only what was not related yet; the set may be empty.
    assert_eq!(rel().add([b, c]).await.unwrap(), 1);
    assert_eq!(journal.take(), ["pre_add PostTag [3]", "post_add PostTag [3]"]);
    assert_eq!(rel().add([a]).await.unwrap(), 0);
    assert_eq!(journal.take(), ["pre_add PostTag []", "post_add PostTag []"]);
    // The keys given, related or not.
    assert_eq!(rel().remove([a, d]).await.unwrap(), 1);
    assert_eq!(journal.take(), ["pre_remove PostTag [1, 4]", "post_remove PostTag [1, 4]"]);
    // Removes, then adds, the differences; nothing when equal.
    assert_eq!(rel().set([b, d]).await.unwrap(), 2);
    let set =
        ["pre_remove PostTag [3]", "post_remove PostTag [3]", "pre_add PostTag [4]", "post_add PostTag [4]"];
    assert_eq!(journal.take(), set);
    assert_eq!(rel().set([d, b]).await.unwrap(), 0);
    assert!(journal.take().is_empty());
    assert_eq!(rel().set_cleared([b]).await.unwrap(), 3);
    let set = [
        "pre_clear PostTag [2, 4]",
        "post_clear PostTag [2, 4]",
        "pre_add PostTag [2]",
        "post_add PostTag [2]",
    ];
    assert_eq!(journal.take(), set);
    assert_eq!(rel().clear().await.unwrap(), 1);
    assert_eq!(journal.take(), ["pre_clear PostTag [2]", "post_clear PostTag [2]"]);
    // Calls without arguments send nothing.
    assert_eq!(rel().add(Vec::<i64>::new()).await.unwrap(), 0);
    assert_eq!(rel().remove(Vec::<i64>::new()).await.unwrap(), 0);
    assert!(journal.take().is_empty());
    let made = rel().create(PostTag { name: "made".into(), ..Default::default() }).await.unwrap();
    assert_eq!(related(rel()).await, [made.id]);
}

/// Many-to-many 2.
#[tokio::test]
async fn from_the_other_side_reverse_is_true_and_the_keys_are_of_the_first() {
    models!(ReversedPost, ReversedTag);
    let (test, post, tags, journal) = set_up().await;
    ReversedPost::tags.to(&test.db, &tags[0]).add([&post]).await.unwrap();
    assert_eq!(journal.take(), ["pre_add reverse ReversedPost [1]", "post_add reverse ReversedPost [1]"]);
    assert_eq!(related(ReversedPost::tags.of(&test.db, &post)).await, [tags[0].id]);
    assert_eq!(related(ReversedPost::tags.to(&test.db, &tags[0])).await, [post.id]);
    let with = |tag| ReversedPost::objects(&test.db).filter(ReversedPost::tags.contains(tag)).count();
    assert_eq!((with(&tags[0]).await.unwrap(), with(&tags[1]).await.unwrap()), (1, 0));
}

#[tokio::test]
async fn handlers_of_pre_add_may_change_the_keys() {
    models!(ChangedPost, ChangedTag);
    let (test, post, tags, _) = set_up().await;
    let fourth = tags[3].id;
    m2m_changed::<AnyModel>().relation(ChangedPost::tags).connect(move |event| {
        if event.action == RelationAction::PreAdd {
            *event.pk_set = vec![Value::BigInt(Some(fourth)), Value::BigInt(Some(fourth))];
        }
        Box::pin(async { Ok(()) })
    });
    ChangedPost::tags.of(&test.db, &post).add([&tags[0]]).await.unwrap();
    assert_eq!(related(ChangedPost::tags.of(&test.db, &post)).await, [fourth]);
}

/// Many-to-many 4.
#[tokio::test]
async fn an_error_leaves_the_relation_as_it_was_also_late_in_a_set() {
    models!(FailingPost, FailingTag);
    let (test, post, tags, _) = set_up().await;
    let rel = || FailingPost::tags.of(&test.db, &post);
    rel().add([&tags[0], &tags[1]]).await.unwrap();
    for fails in ["pre_remove", "post_remove", "pre_add", "post_add"] {
        let failing = m2m_changed::<AnyModel>()
            .relation(FailingPost::tags)
            .connect(move |event| {
                let error = event.action.name() == fails;
                Box::pin(async move { if error { Err(reject("no")) } else { Ok(()) } })
            })
            .scoped();
        let error = rel().set([&tags[1], &tags[2]]).await.unwrap_err();
        assert!(error.is_refusal(), "{error}");
        drop(failing);
        assert_eq!(related(rel()).await, [tags[0].id, tags[1].id], "after {fails}");
    }
    let nowhere = rel().add([999_i64]).await.unwrap_err();
    assert!(matches!(nowhere, Error::Integrity { .. }), "{nowhere}");
    let unsaved = FailingPost::default().instance();
    let error = FailingPost::tags.of(&test.db, &unsaved).add([&tags[0]]).await.unwrap_err();
    insta::assert_snapshot!(error, @"cannot relate to this `FailingPost`: it has no row yet, or none any more; save it first");
}

#[tokio::test]
async fn a_delete_takes_the_pairs_along_and_sends_nothing_for_them() {
    models!(DeletedPost, DeletedTag);
    let (test, mut post, mut tags, journal) = set_up().await;
    DeletedPost::tags.of(&test.db, &post).add([&tags[0], &tags[1]]).await.unwrap();
    journal.take();
    tags[0].delete(&test.db).await.unwrap();
    assert_eq!(related(DeletedPost::tags.of(&test.db, &post)).await, [tags[1].id]);
    post.delete(&test.db).await.unwrap();
    assert!(journal.take().is_empty());
    assert_eq!(DeletedTag::objects(&test.db).count().await.unwrap(), 3);
    tags[1].delete(&test.db).await.unwrap();
}

/// A join model with columns of its own, and a model that is related to itself.
#[tokio::test]
async fn an_explicit_join_model_has_columns_of_its_own() {
    #[derive(Model, Clone, Debug)]
    struct Person {
        #[field(primary_key)]
        id: i64,
        friends: ManyToMany<Person>,
        #[field(through("membership", "person_id", "club_id"))]
        clubs: ManyToMany<Club>,
    }

    #[derive(Model, Clone, Debug)]
    struct Club {
        #[field(primary_key)]
        id: i64,
    }

    #[derive(Model, Clone, Debug)]
    struct Membership {
        #[field(primary_key)]
        id: i64,
        person: Fk<Person>,
        club: Fk<Club>,
        since: i32,
    }

    let test = TestDb::with::<(Person, Club, Membership)>().await;
    let mut people = Person::objects(&test.db).bulk_create(vec![Person::default(); 2]).await.unwrap();
    let club = Club::objects(&test.db).create(Club::default()).await.unwrap();
    let membership =
        Membership { person: Fk::from(&people[0]), club: Fk::from(&club), since: 1999, ..Default::default() };
    Membership::objects(&test.db).create(membership).await.unwrap();
    assert_eq!(related(Person::clubs.of(&test.db, &people[0])).await, [club.id]);
    assert_eq!(related(Person::clubs.to(&test.db, &club)).await, [people[0].id]);
    Person::friends.of(&test.db, &people[0]).add([&people[1]]).await.unwrap();
    assert_eq!(related(Person::friends.of(&test.db, &people[0])).await, [people[1].id]);
    assert_eq!(related(Person::friends.to(&test.db, &people[1])).await, [people[0].id]);
    people[0].delete(&test.db).await.unwrap();
    assert_eq!(Membership::objects(&test.db).count().await.unwrap(), 0);
}
