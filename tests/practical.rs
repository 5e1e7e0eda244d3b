//! The six practical examples of the page as plugins of the blog: audit log, search index, timestamps, cache,
//! notifications, and the slug in every language.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

use std::sync::Arc;

use aksara::prelude::*;
use aksara::{Backend, KeyValue, Limits, Plugins, PluginsOptions, RedisStore, open_plugins};
use aksara_tests::{TestDb, is_built, javascript_runner, plugins_folder, redis_url};
use blog::{AuditLog, Comment, Notification, Post, User, pages, search};
use tempfile::TempDir;

/// The blog with some plugins.
struct Blog {
    test: TestDb,
    plugins: Plugins,
    author: Instance<User>,
    _folder: TempDir,
}

impl Blog {
    /// Opens it; `None` where one of the plugins is not built.
    async fn open(names: &[&str]) -> Option<Blog> {
        Blog::with(names, None).await
    }

    /// Opens it with this cache.
    async fn with(names: &[&str], keyvalue: Option<Arc<dyn KeyValue>>) -> Option<Blog> {
        if !names.iter().all(|name| is_built(name)) {
            return None;
        }
        let folder = plugins_folder(names);
        // Python needs its time to start, on a machine that does other things as well.
        let limits = Limits { deadline_ms: 2_000, own_wait_ms: 60_000, ..Limits::default() };
        let options = PluginsOptions { limits, keyvalue, ..PluginsOptions::default() };
        let plugins = open_plugins(folder.path(), options).await.unwrap();
        for status in plugins.status() {
            assert!(status.failure.is_none(), "{}: {:?}", status.name, status.failure);
        }
        let options = |options: aksara::DbOptions| blog::services(options.plugins(&plugins));
        let test = TestDb::opened::<blog::Models>(options).await;
        let author = user(&test.db, "author").await;
        Some(Blog { test, plugins, author, _folder: folder })
    }

    async fn post(&self, title: &str) -> Instance<Post> {
        let post = Post { title: title.into(), author: Fk::from(&self.author), ..Post::default() };
        Post::objects(&self.test.db).create(post).await.unwrap()
    }
}

async fn user(db: &Db, name: &str) -> Instance<User> {
    User::objects(db).create(User { name: name.into(), ..User::default() }).await.unwrap()
}

const SLUGIFIERS: [&str; 5] = ["slugify", "slugify-python", "slugify-javascript", "slugify-go", "slugify-c"];

#[tokio::test]
async fn handlers_in_different_languages_compose_in_priority_order() {
    for plugin in SLUGIFIERS {
        let (Some(javascript), true) = (javascript_runner(), is_built(plugin)) else { continue };
        let folder = plugins_folder(&[plugin]);
        let write = |name: &str, script: &str| std::fs::write(folder.path().join(name), script).unwrap();
        write(
            "last.js",
            "preSave('Post', ({ instance }) => { instance.slug += '-last'; }, { priority: 5 });",
        );
        write(
            "first.js",
            "preSave('Post', ({ instance }) => { instance.title = 'Second'; }, { priority: 20 });",
        );
        let limits = Limits { deadline_ms: 2_000, own_wait_ms: 60_000, ..Limits::default() };
        let options = PluginsOptions { limits, javascript: Some(javascript), ..PluginsOptions::default() };
        let plugins = open_plugins(folder.path(), options).await.unwrap();
        let options = |options: aksara::DbOptions| options.plugins(&plugins);
        let test = TestDb::opened::<blog::Models>(options).await;
        let author = user(&test.db, "author").await;
        let post = Post { title: "First".into(), author: Fk::from(&author), ..Post::default() };
        let post = Post::objects(&test.db).create(post).await.unwrap();
        assert_eq!((&*post.title, &*post.slug), ("Second", "second-last"), "{plugin}");
    }
}

#[tokio::test]
async fn slug_in_every_language() {
    for plugin in SLUGIFIERS {
        let Some(blog) = Blog::open(&[plugin]).await else { continue };
        assert_eq!(blog.post("Hello, World!").await.slug, "hello-world", "{plugin}");
        let chosen = Post { slug: "mine".into(), title: "Hello".into(), ..Post::default() };
        let chosen = Post { author: Fk::from(&blog.author), ..chosen };
        assert_eq!(Post::objects(&blog.test.db).create(chosen).await.unwrap().slug, "mine", "{plugin}");
    }
}

#[tokio::test]
async fn timestamps_of_every_model_that_has_them() {
    let Some(blog) = Blog::open(&["timestamps"]).await else { return };
    let mut post = blog.post("Hello").await;
    let (created_at, updated_at) = (post.created_at.unwrap(), post.updated_at.unwrap());
    // The time of an event is exact to a millisecond.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    post.save(&blog.test.db).await.unwrap();
    assert_eq!(post.created_at, Some(created_at));
    assert!(post.updated_at.unwrap() > updated_at);
}

#[tokio::test]
async fn audit_log_in_the_same_transaction() {
    let Some(blog) = Blog::open(&["audit"]).await else { return };
    let db = &blog.test.db;
    let mut post = blog.post("Hello").await;
    post.title = "Hello, World".into();
    post.save(db).await.unwrap();
    let undone: Result<(), aksara::Error> = db
        .transaction(async |tx| {
            post.clone().save(&tx).await?;
            Err(aksara::Error::Transaction("undone as asked"))
        })
        .await;
    assert!(undone.is_err());
    let id = post.id.to_string();
    post.delete(db).await.unwrap();
    let log = AuditLog::objects(db).order_by(AuditLog::id.asc()).all().await.unwrap();
    let log: Vec<_> = log.iter().map(|it| (&*it.model_name, &*it.action, &it.data["title"])).collect();
    let hello = serde_json::json!("Hello");
    let world = serde_json::json!("Hello, World");
    let wanted = [
        ("User", "create", &serde_json::Value::Null),
        ("Post", "create", &hello),
        ("Post", "update", &world),
        ("Post", "delete", &world),
    ];
    assert_eq!(log, wanted);
    let of_post = AuditLog::objects(db).filter(AuditLog::record_id.eq(id.as_str())).count().await.unwrap();
    assert_eq!(of_post, 3);
}

#[tokio::test]
async fn search_index_of_what_is_committed() {
    let Some(blog) = Blog::open(&["search-index"]).await else { return };
    let db = &blog.test.db;
    if db.backend() == Backend::MySql {
        assert!(search::create_index(db).await.is_err());
        return;
    }
    search::create_index(db).await.unwrap();
    let mut first = blog.post("The quick brown fox").await;
    let second = blog.post("A \"lazy\" dog, and a fox").await;
    let found = async |words: &str| {
        let posts = search::find(db, words).await.unwrap();
        let mut titles: Vec<String> = posts.iter().map(|post| post.title.clone()).collect();
        titles.sort();
        titles
    };
    assert_eq!(found("FOX").await, [second.title.as_str(), first.title.as_str()]);
    assert_eq!(found("fox quick").await, [first.title.as_str()]);
    assert_eq!(found("\"lazy\" OR").await, [""; 0]);
    let undone: Result<(), aksara::Error> = db
        .transaction(async |tx| {
            let mut copy = first.clone();
            copy.title = "An owl".into();
            copy.save(&tx).await?;
            assert_eq!(search::find(&tx, "owl").await?.len(), 1);
            Err(aksara::Error::Transaction("undone as asked"))
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(found("owl").await, [""; 0]);
    first.title = "The quick brown owl".into();
    first.save(db).await.unwrap();
    assert_eq!(found("owl").await, [first.title.as_str()]);
    first.delete(db).await.unwrap();
    assert_eq!(found("quick").await, [""; 0]);
}

#[tokio::test]
async fn cache_invalidation() {
    let Some(blog) = Blog::open(&["invalidate-cache"]).await else { return };
    invalidates(&blog).await;
}

#[tokio::test]
async fn cache_invalidation_in_redis() {
    let Some(url) = redis_url() else { return };
    let redis = RedisStore::connect(&url, &format!("test-{}:", uuid::Uuid::now_v7())).await.unwrap();
    let Some(blog) = Blog::with(&["invalidate-cache"], Some(Arc::new(redis))).await else { return };
    invalidates(&blog).await;
}

async fn invalidates(blog: &Blog) {
    let (db, cache) = (&blog.test.db, &**blog.plugins.keyvalue());
    let mut post = blog.post("Hello").await;
    let own = format!("post:{}", post.id);
    let fresh = async || {
        cache.set(pages::BUCKET, &own, b"page".to_vec()).await.unwrap();
        pages::all_posts(db, cache).await.unwrap()
    };
    assert_eq!(fresh().await, ("Hello /\n".to_owned(), false));
    assert_eq!(fresh().await, ("Hello /\n".to_owned(), true));
    post.title = "World".into();
    post.save(db).await.unwrap();
    assert_eq!(cache.get(pages::BUCKET, &own).await.unwrap(), None);
    assert_eq!(fresh().await, ("World /\n".to_owned(), false));
    post.delete(db).await.unwrap();
    assert_eq!(cache.get(pages::BUCKET, &own).await.unwrap(), None);
    assert_eq!(fresh().await, (String::new(), false));
}

#[tokio::test]
async fn notifications_to_the_author_of_a_post() {
    let Some(blog) = Blog::open(&["notify"]).await else { return };
    let db = &blog.test.db;
    let (post, reader) = (blog.post("Hello").await, user(db, "reader").await);
    for author in [&reader, &blog.author] {
        let comment = Comment { post: Fk::from(&post), author: Fk::from(author), ..Comment::default() };
        let mut comment = Comment::objects(db).create(comment).await.unwrap();
        comment.text = "edited".into();
        comment.save(db).await.unwrap();
    }
    let sent = Notification::objects(db).all().await.unwrap();
    let [sent] = &sent[..] else { panic!("{sent:?}") };
    let read = (&*sent.kind, &*sent.message, sent.user.key());
    assert_eq!(read, ("new_comment", "New comment on 'Hello'", &blog.author.id));
    assert_eq!(sent.data["post_id"], post.id.to_string());
}
