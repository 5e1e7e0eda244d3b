//! What is read, changed and written by several at once: nothing is lost, and one row is one row.

use std::collections::BTreeSet;

use aksara::prelude::*;
use aksara::{Error, TransactionOptions};
use aksara_tests::TestDb;
use futures_util::future::join_all;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "racing.Tag")]
struct Tag {
    #[field(primary_key)]
    id: i64,
    #[field(unique, max_length = 50)]
    name: String,
    uses: i64,
}

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "racing.Post")]
struct Post {
    #[field(primary_key)]
    id: i64,
    tags: ManyToMany<Tag>,
}

async fn database() -> TestDb {
    let patient = |options: aksara::DbOptions| options.busy_timeout(std::time::Duration::from_secs(600));
    TestDb::opened::<(Tag, Post)>(patient).await
}

fn named(name: &str) -> Tag {
    Tag { name: name.to_owned(), ..Tag::default() }
}

/// Runs so many tasks at once; what each returned.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    tasks: usize,
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let tasks = (0..tasks).map(|number| tokio::spawn(task(number)));
    join_all(tasks).await.into_iter().map(|joined| joined.expect("a task that does not panic")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_tasks_that_get_or_create_one_row_get_one_row_and_no_error() {
    let test = database().await;
    for round in 0..10 {
        let name = format!("round {round}");
        let found = at_once(16, |_| {
            let (db, name) = (test.db.clone(), name.clone());
            async move {
                Tag::objects(&db).filter(Tag::name.eq(name.as_str())).get_or_create(|| named(&name)).await
            }
        });
        let found: Vec<_> = found.await.into_iter().collect::<Result<_, _>>().unwrap();
        let keys: BTreeSet<i64> = found.iter().map(|(tag, _)| tag.id).collect();
        assert_eq!((keys.len(), found.iter().filter(|(_, created)| *created).count()), (1, 1));
        assert_eq!(Tag::objects(&test.db).filter(Tag::name.eq(name.as_str())).count().await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_tasks_that_update_or_create_one_row_lose_no_change() {
    let test = database().await;
    for round in 0..10 {
        let name = format!("round {round}");
        let saved = at_once(16, |_| {
            let (db, name) = (test.db.clone(), name.clone());
            async move {
                let tags = Tag::objects(&db).filter(Tag::name.eq(name.as_str()));
                tags.update_or_create(|tag| tag.uses += 1, || Tag { uses: 1, ..named(&name) }).await
            }
        });
        let saved: Vec<_> = saved.await.into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(saved.iter().filter(|(_, created)| *created).count(), 1);
        let tag = Tag::objects(&test.db).filter(Tag::name.eq(name.as_str())).one().await.unwrap();
        assert_eq!(tag.uses, 16);
    }
}

/// A hundred increments by ten tasks give a hundred, by every way to read, change and write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_increments_give_a_hundred() {
    let test = database().await;
    for way in ["update_or_create", "select_for_update", "F", "within a transaction"] {
        let tag = Tag::objects(&test.db).create(named(way)).await.unwrap();
        let results = at_once(10, |_| {
            let (db, key) = (test.db.clone(), tag.id);
            async move {
                for _ in 0..10 {
                    increment(&db, key, way).await?;
                }
                Ok::<_, Error>(())
            }
        });
        results.await.into_iter().collect::<Result<Vec<()>, _>>().unwrap();
        assert_eq!(Tag::objects(&test.db).get(tag.id).await.unwrap().uses, 100, "{way}");
    }
}

async fn increment(db: &Db, key: i64, way: &str) -> Result<(), Error> {
    let tags = |db: &Db| Tag::objects(db).filter(Tag::id.eq(key));
    match way {
        "update_or_create" => {
            let updated =
                tags(db).update_or_create(|tag| tag.uses += 1, || unreachable!("it is there")).await;
            updated.map(drop)
        }
        "select_for_update" => {
            db.transaction(async |tx| {
                let mut tag = tags(&tx).distinct().select_for_update().one().await?;
                tag.uses += 1;
                tag.save(&tx).await
            })
            .await
        }
        "F" => tags(db).update([Tag::uses.set(F(Tag::uses) + 1)]).await.map(drop),
        _ => {
            db.transaction(async |tx| {
                // The transaction sees rows as they were at its first read.
                Tag::objects(&tx).count().await?;
                let updated =
                    tags(&tx).update_or_create(|tag| tag.uses += 1, || unreachable!("it is there")).await;
                updated.map(drop)
            })
            .await
        }
    }
}

/// In a caller's transaction a conflict can be an error, which retries resolve; nothing is lost, nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_or_create_inside_of_transactions_that_are_retried_loses_nothing() {
    let test = database().await;
    let saved = at_once(8, |_| {
        let db = test.db.clone();
        async move {
            let options = TransactionOptions { retries_max: 1_000, ..TransactionOptions::default() };
            db.transaction_with(options, |tx| async move {
                let tags = Tag::objects(&tx).filter(Tag::name.eq("shared"));
                tags.update_or_create(|tag| tag.uses += 1, || Tag { uses: 1, ..named("shared") })
                    .await
                    .map(drop)
            })
            .await
        }
    });
    saved.await.into_iter().collect::<Result<Vec<()>, Error>>().unwrap();
    assert_eq!(Tag::objects(&test.db).one().await.unwrap().uses, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_set_a_relation_one_wins_whole() {
    let test = database().await;
    let names = ["a", "b", "c", "d", "e", "f"].map(named).to_vec();
    let tags: Vec<i64> =
        Tag::objects(&test.db).bulk_create(names).await.unwrap().iter().map(|tag| tag.id).collect();
    let post = Post::objects(&test.db).create(Post::default()).await.unwrap();
    for _ in 0..10 {
        let results = at_once(3, |number| {
            let (db, key, wanted) = (test.db.clone(), post.id, tags[number * 2..number * 2 + 2].to_vec());
            async move {
                let post = Post::objects(&db).get(key).await?;
                Post::tags.of(&db, &post).set(wanted).await
            }
        });
        results.await.into_iter().collect::<Result<Vec<u64>, _>>().unwrap();
        let mut related = Post::tags.of(&test.db, &post).all().values(Tag::id).await.unwrap();
        related.sort_unstable();
        assert!(tags.chunks(2).any(|pair| pair == related), "{related:?} of {tags:?}");
    }
}

#[tokio::test]
async fn select_for_update_outside_of_a_transaction_is_an_error() {
    let test = database().await;
    let error = Tag::objects(&test.db).select_for_update().all().await.unwrap_err();
    insta::assert_snapshot!(error, @"`select_for_update` locks rows until a transaction ends, and this handle is none; begin one");
}
