//! The Python of the page, as it is written there: each block is a plugin that `extract.py` made of it and `aksara build`
//! built, under a host on SQLite. `blocks.py` says what stands around each; `docs/page.md` has the table.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

use std::sync::{Arc, Mutex};

use aksara::prelude::*;
use aksara::{Limits, Plugins, open_plugins};
use aksara_tests::{Logged, TestDb, is_built, plugins_folder};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tempfile::TempDir;

#[derive(Model, Clone, Debug)]
struct User {
    #[field(primary_key)]
    id: i64,
    name: String,
    email: String,
}

#[derive(Model, Clone, Debug)]
struct Post {
    #[field(primary_key)]
    id: i64,
    title: String,
    slug: String,
    content: String,
    view_count: i64,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    author: Fk<User>,
}

#[derive(Model, Clone, Debug)]
struct Comment {
    #[field(primary_key)]
    id: i64,
    text: String,
    post: Fk<Post>,
    author: Fk<User>,
}

#[derive(Model, Clone, Debug)]
struct Order {
    #[field(primary_key)]
    id: i64,
    total: Decimal,
}

#[derive(Model, Clone, Debug)]
struct AuditLog {
    #[field(primary_key)]
    id: i64,
    model_name: String,
    record_id: String,
    action: String,
    data: Value,
}

/// The services of the application, but for `external.notify`, which the page's own handler expects to fail.
const SERVICES: [&str; 5] =
    ["notifications.new_post", "mail.welcome", "backups.archive", "search.remove", "notifications.send"];

/// A host with the plugin of one block.
struct Host {
    db: Db,
    plugins: Plugins,
    served: Arc<Mutex<Vec<(&'static str, Value)>>>,
    logged: Logged,
    author: Instance<User>,
    _test: TestDb,
    _folder: TempDir,
}

impl Host {
    /// `None` where the block is not built.
    async fn open(block: &str) -> Option<Host> {
        let plugin = format!("page-{block}");
        if !is_built(&plugin) {
            return None;
        }
        let logged = Logged::start();
        let folder = plugins_folder(&[&plugin]);
        let limits = Limits { deadline_ms: 2_000, ..Limits::default() };
        let plugins = open_plugins(folder.path(), limits).await.unwrap();
        let failure = plugins.status()[0].failure.clone();
        assert!(failure.is_none(), "{block}: {failure:?}");
        let served = Arc::new(Mutex::new(Vec::new()));
        let with_services = |options: aksara::DbOptions| {
            SERVICES.into_iter().fold(options.plugins(&plugins), |options, service| {
                let served = served.clone();
                options.service(service, move |_, args: Value| {
                    served.lock().unwrap().push((service, args));
                    async { Ok(()) }
                })
            })
        };
        let test = TestDb::opened::<(User, Post, Comment, Order, AuditLog)>(with_services).await;
        let author = User { name: "Ada".into(), ..User::default() };
        let author = User::objects(&test.db).create(author).await.unwrap();
        served.lock().unwrap().clear();
        logged.take();
        Some(Host { db: test.db.clone(), plugins, served, logged, author, _test: test, _folder: folder })
    }

    async fn post(&self, title: &str) -> Instance<Post> {
        let post = Post { title: title.into(), author: Fk::from(&self.author), ..Post::default() };
        Post::objects(&self.db).create(post).await.unwrap()
    }

    async fn comment(&self, post: &Instance<Post>, author: &Instance<User>) -> Instance<Comment> {
        let comment = Comment { post: Fk::from(post), author: Fk::from(author), ..Comment::default() };
        Comment::objects(&self.db).create(comment).await.unwrap()
    }

    /// What services were called with, since the last call.
    fn served(&self) -> Vec<(&'static str, Value)> {
        std::mem::take(&mut *self.served.lock().unwrap())
    }

    /// What the plugin has printed or logged, since the last call.
    fn printed(&self) -> Vec<String> {
        let lines = self.logged.take();
        lines.iter().filter_map(|line| line.strip_prefix("info: ")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn signal_decorators() {
    let Some(host) = Host::open("signal-decorators").await else { return };
    let mut post = host.post("Hello World").await;
    assert_eq!(post.slug, "hello-world");
    assert_eq!(host.served(), [("notifications.new_post", json!({ "post": post.id }))]);
    post.title = "Another".into();
    post.save(&host.db).await.unwrap();
    assert_eq!((&*post.slug, host.served()), ("hello-world", vec![]));
    let key = post.id;
    post.delete(&host.db).await.unwrap();
    let served = host.served();
    assert_eq!(served[0].1["row"]["title"], "Another");
    assert_eq!((served[0].0, &served[1]), ("backups.archive", &("search.remove", json!({ "key": key }))));
}

#[tokio::test]
async fn pre_save_arguments() {
    let Some(host) = Host::open("pre-save-arguments").await else { return };
    let mut post = host.post("Hello").await;
    let first = post.updated_at.unwrap();
    post.slug = "hello".into();
    post.save_fields(&host.db, &["slug"]).await.unwrap();
    assert_eq!(post.updated_at, Some(first));
    post.title = "World".into();
    post.save(&host.db).await.unwrap();
    assert!(post.updated_at.unwrap() > first);
}

#[tokio::test]
async fn post_save_arguments() {
    let Some(host) = Host::open("post-save-arguments").await else { return };
    let mut post = host.post("Hello").await;
    post.save(&host.db).await.unwrap();
    assert_eq!(host.printed(), ["New post created: Hello", "Post updated: Hello"]);
}

#[tokio::test]
async fn delete_arguments() {
    let Some(host) = Host::open("delete-arguments").await else { return };
    let mut post = host.post("Hello").await;
    let key = post.id;
    post.delete(&host.db).await.unwrap();
    assert_eq!(host.printed(), [format!("Deleting: {key}")]);
}

#[tokio::test]
async fn using_connect() {
    let Some(host) = Host::open("using-connect").await else { return };
    // The block disconnects what it has connected.
    assert_eq!(host.plugins.set().all().count(), 0);
    host.post("Hello").await;
    assert_eq!(host.printed(), [""; 0]);
}

#[tokio::test]
async fn multiple_models() {
    let Some(host) = Host::open("multiple-models").await else { return };
    let post = host.post("Hello").await;
    let comment = host.comment(&post, &host.author).await;
    Order::objects(&host.db).create(Order::default()).await.unwrap();
    assert_eq!(
        host.printed(),
        [format!("Saved Post: {}", post.id), format!("Saved Comment: {}", comment.id)]
    );
}

#[tokio::test]
async fn all_models() {
    let Some(host) = Host::open("all-models").await else { return };
    host.post("Hello").await;
    Order::objects(&host.db).create(Order::default()).await.unwrap();
    assert_eq!(host.printed(), ["Saved Post", "Saved Order"]);
}

#[tokio::test]
async fn creating_custom_signals() {
    let Some(host) = Host::open("creating-custom-signals").await else { return };
    let user = User::objects(&host.db).create(User::default()).await.unwrap();
    assert_eq!(host.served(), [("mail.welcome", json!({ "user": user.id }))]);
}

#[tokio::test]
async fn signal_with_custom_arguments() {
    let Some(host) = Host::open("signal-with-custom-arguments").await else { return };
    Order::objects(&host.db).create(Order::default()).await.unwrap();
    assert_eq!(host.printed(), ["Payment of 99.99 USD processed"]);
}

#[tokio::test]
async fn audit_logging() {
    let Some(host) = Host::open("audit-logging").await else { return };
    let mut post = host.post("Hello").await;
    post.save(&host.db).await.unwrap();
    host.comment(&post, &host.author).await;
    Comment::objects(&host.db).delete().await.unwrap();
    let key = post.id.to_string();
    post.delete(&host.db).await.unwrap();
    let log = AuditLog::objects(&host.db).order_by(AuditLog::id.asc()).all().await.unwrap();
    let log: Vec<_> = log.iter().map(|it| (&*it.model_name, &*it.record_id, &*it.action)).collect();
    let user = host.author.id.to_string();
    let wanted = [
        ("User", &*user, "create"),
        ("Post", &*key, "create"),
        ("Post", &*key, "update"),
        ("Post", &*key, "delete"),
    ];
    assert_eq!(log, wanted);
}

#[tokio::test]
async fn search_index_updates() {
    // The page's own service does nothing yet: `pass`. Its plugin loads, and hears both signals.
    let Some(host) = Host::open("search-index-updates").await else { return };
    host.post("Hello").await.delete(&host.db).await.unwrap();
    let heard: Vec<_> =
        host.plugins.set().all().map(|handler| handler.subscription().signal.clone()).collect();
    assert_eq!(heard, ["post_save", "post_delete"]);
}

#[tokio::test]
async fn automatic_timestamps() {
    let Some(host) = Host::open("automatic-timestamps").await else { return };
    let mut post = host.post("Hello").await;
    let (created_at, updated_at) = (post.created_at.unwrap(), post.updated_at.unwrap());
    post.save(&host.db).await.unwrap();
    assert_eq!(post.created_at, Some(created_at));
    assert!(post.updated_at.unwrap() > updated_at);
    Order::objects(&host.db).create(Order::default()).await.unwrap();
}

#[tokio::test]
async fn cache_invalidation() {
    let Some(host) = Host::open("cache-invalidation").await else { return };
    let cache = host.plugins.keyvalue();
    let mut post = host.post("Hello").await;
    let keys = [format!("post:{}", post.id), "posts:all".into(), format!("posts:author:{}", host.author.id)];
    let fill = async || {
        for key in &keys {
            cache.set("cache", key, b"page".to_vec()).await.unwrap();
        }
    };
    let left = async || cache.keys("cache", 0, 10).await.unwrap();
    fill().await;
    post.save(&host.db).await.unwrap();
    assert_eq!(left().await, [""; 0]);
    fill().await;
    post.delete(&host.db).await.unwrap();
    assert_eq!(left().await, [&*keys[2]]);
}

#[tokio::test]
async fn notification_system() {
    let Some(host) = Host::open("notification-system").await else { return };
    let post = host.post("Hello World").await;
    let reader = User::objects(&host.db).create(User::default()).await.unwrap();
    let comment = host.comment(&post, &reader).await;
    host.comment(&post, &host.author).await;
    let (service, sent) = &host.served()[..][0];
    assert_eq!((*service, &sent["message"]), ("notifications.send", &json!("New comment on 'Hello World'")));
    assert_eq!((&sent["user"], &sent["type"]), (&json!(host.author.id), &json!("new_comment")));
    assert_eq!(sent["data"], json!({ "post_id": post.id.to_string(), "comment_id": comment.id.to_string() }));
    assert_eq!(host.served(), []);
}

#[tokio::test]
async fn error_handling() {
    let Some(host) = Host::open("error-handling").await else { return };
    host.post("Hello").await;
    let logged = host.logged.take().join("\n");
    assert!(logged.contains("error: Signal handler failed: "), "{logged}");
    assert!(logged.contains("`external.notify`"), "{logged}");
}

#[tokio::test]
async fn disable_signals_temporarily() {
    let Some(host) = Host::open("disable-signals-temporarily").await else { return };
    let post = host.post("Hello").await;
    let heard = Arc::new(Mutex::new(0));
    let counted = heard.clone();
    let counting = aksara::signals::post_save::<Post>().connect(move |_event: PostSave<'_, Post>| {
        *counted.lock().unwrap() += 1;
        Box::pin(async { Ok(()) })
    });
    host.comment(&post, &host.author).await;
    let stored = Post::objects(&host.db).get(post.id).await.unwrap();
    assert_eq!((&*stored.title, stored.view_count, *heard.lock().unwrap()), ("Hello!", 1, 0));
    drop(counting);
}
