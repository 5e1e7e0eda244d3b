//! Every Python block of the page as a plugin, against a host on SQLite. `extract.py` takes the blocks out of
//! `page.txt` and `cargo xtask test` builds them; each test is named after the heading of its block. What had to be
//! written around a block says `docs/page-python.md`.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

use aksara::prelude::*;
use aksara::{Limits, Plugins, open_plugins, testing};
use aksara_tests::{Journal, Logged, TestDb, is_built, plugins_folder};
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
    #[field(max_length = 200)]
    title: String,
    #[field(max_length = 200)]
    slug: String,
    content: String,
    #[field(default = 0)]
    view_count: i64,
    author: Fk<User>,
    created_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
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
    #[field(max_length = 100)]
    model_name: String,
    #[field(max_length = 36)]
    record_id: String,
    #[field(max_length = 20)]
    action: String,
    data: Value,
}

/// The services that the blocks call, by way of the preamble. `external.notify` is down.
const SERVICES: [&str; 5] =
    ["notifications.new_post", "backups.archive", "search.remove", "mail.welcome", "notifications.send"];

/// A host with the plugin of one block.
struct Page {
    db: Db,
    plugins: Plugins,
    /// What the plugin printed and logged.
    logged: Logged,
    /// What services were called with.
    called: Journal,
    /// Who writes.
    author: Instance<User>,
    _test: TestDb,
    _folder: TempDir,
}

impl Page {
    /// Opens it; `None` where the plugin is not built.
    async fn open(block: &str) -> Option<Page> {
        let name = format!("page-{block}");
        if !is_built(&name) {
            return None;
        }
        let (logged, called) = (Logged::start(), Journal::default());
        let folder = plugins_folder(&[&name]);
        // Python needs its time to start, on a machine that does other things as well.
        let limits = Limits { deadline_ms: 2_000, ..Limits::default() };
        let plugins = open_plugins(folder.path(), limits).await.unwrap();
        for status in plugins.status() {
            assert!(status.failure.is_none(), "{}: {:?}", status.name, status.failure);
        }
        let options = |options: aksara::DbOptions| {
            SERVICES.into_iter().fold(options.plugins(&plugins), |options, service| {
                let called = called.clone();
                options.service(service, move |_, args: Value| {
                    called.add(format!("{service} {args}"));
                    async { Ok(()) }
                })
            })
        };
        let test = TestDb::opened::<(User, Post, Comment, Order, AuditLog)>(options).await;
        let db = test.db.clone();
        let author = User::objects(&db).create(User { name: "Ada".into(), ..User::default() }).await.unwrap();
        let page = Page { db, plugins, logged, called, author, _test: test, _folder: folder };
        page.heard();
        Some(page)
    }

    /// The lines of the plugin since the last call, and forgets the services called.
    fn heard(&self) -> Vec<String> {
        self.called.take();
        self.logged.take()
    }

    async fn post(&self) -> Instance<Post> {
        let post = Post { title: "Hello World".into(), author: Fk::from(&self.author), ..Post::default() };
        Post::objects(&self.db).create(post).await.unwrap()
    }

    async fn comment(&self, post: &Instance<Post>, author: &Instance<User>) -> Instance<Comment> {
        let comment = Comment { post: Fk::from(post), author: Fk::from(author), ..Comment::default() };
        Comment::objects(&self.db).create(comment).await.unwrap()
    }

    async fn reader(&self) -> Instance<User> {
        User::objects(&self.db).create(User { name: "Bob".into(), ..User::default() }).await.unwrap()
    }

    async fn order(&self) -> Instance<Order> {
        Order::objects(&self.db)
            .create(Order { total: "99.99".parse().unwrap(), ..Order::default() })
            .await
            .unwrap()
    }

    async fn stored(&self, post: &Instance<Post>) -> Instance<Post> {
        Post::objects(&self.db).get(post.id).await.unwrap()
    }
}

#[tokio::test]
async fn signal_decorators() {
    let Some(page) = Page::open("signal-decorators").await else { return };
    let mut post = page.post().await;
    let id = post.id;
    assert_eq!(page.stored(&post).await.slug, "hello-world");
    assert_eq!(page.called.take(), [format!("notifications.new_post {}", json!({ "post": id }))]);
    post.slug = "mine".into();
    post.save(&page.db).await.unwrap();
    assert_eq!(page.stored(&post).await.slug, "mine");
    assert_eq!(page.called.take(), [""; 0]);
    post.delete(&page.db).await.unwrap();
    let row = json!({ "id": id, "title": "Hello World", "slug": "mine", "content": "", "view_count": 0 });
    let removed = format!("search.remove {}", json!({ "key": id }));
    assert_eq!(page.called.take(), [format!("backups.archive {}", json!({ "row": row })), removed]);
}

#[tokio::test]
async fn pre_save_arguments() {
    let Some(page) = Page::open("pre-save-arguments").await else { return };
    let mut post = page.post().await;
    let created = post.updated_at.unwrap();
    assert_eq!(page.stored(&post).await.updated_at, Some(created));
    post.save_fields(&page.db, &["view_count"]).await.unwrap();
    assert_eq!(post.updated_at, Some(created));
    // The time of an event is exact to a millisecond.
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    post.save_fields(&page.db, &["title"]).await.unwrap();
    assert!(post.updated_at.unwrap() > created);
}

#[tokio::test]
async fn post_save_arguments() {
    let Some(page) = Page::open("post-save-arguments").await else { return };
    let mut post = page.post().await;
    post.save(&page.db).await.unwrap();
    let printed = ["info: New post created: Hello World", "info: Post updated: Hello World"];
    assert_eq!(page.heard(), printed);
}

#[tokio::test]
async fn delete_arguments() {
    let Some(page) = Page::open("delete-arguments").await else { return };
    let mut post = page.post().await;
    let id = post.id;
    post.delete(&page.db).await.unwrap();
    assert_eq!(page.heard(), [format!("info: Deleting: {id}")]);
}

#[tokio::test]
async fn using_connect() {
    let Some(page) = Page::open("using-connect").await else { return };
    // The block disconnects what it has connected.
    page.post().await;
    assert_eq!(page.heard(), [""; 0]);
}

#[tokio::test]
async fn multiple_models() {
    let Some(page) = Page::open("multiple-models").await else { return };
    let (post, user, _) = (page.post().await, page.reader().await, page.order().await);
    let comment = page.comment(&post, &user).await;
    let saved = [("Post", post.id), ("User", user.id), ("Comment", comment.id)];
    assert_eq!(page.heard(), saved.map(|(model, id)| format!("info: Saved {model}: {id}")));
}

#[tokio::test]
async fn all_models() {
    let Some(page) = Page::open("all-models").await else { return };
    page.post().await;
    page.order().await;
    assert_eq!(page.heard(), ["info: Saved Post", "info: Saved Order"]);
}

#[tokio::test]
async fn creating_custom_signals() {
    let Some(page) = Page::open("creating-custom-signals").await else { return };
    let user = page.reader().await;
    assert_eq!(page.called.take(), [format!("mail.welcome {}", json!({ "user": user.id }))]);
}

#[tokio::test]
async fn signal_with_custom_arguments() {
    let Some(page) = Page::open("signal-with-custom-arguments").await else { return };
    page.order().await;
    assert_eq!(page.heard(), ["info: Payment of 99.99 USD processed"]);
}

#[tokio::test]
async fn audit_logging() {
    let Some(page) = Page::open("audit-logging").await else { return };
    AuditLog::objects(&page.db).delete().await.unwrap();
    let mut post = page.post().await;
    post.title = "Again".into();
    post.save(&page.db).await.unwrap();
    page.comment(&post, &page.author).await.delete(&page.db).await.unwrap();
    post.delete(&page.db).await.unwrap();
    page.order().await;
    let log = AuditLog::objects(&page.db).order_by(AuditLog::id.asc()).all().await.unwrap();
    let (post_id, order_id) = (post.id.to_string(), "1".to_owned());
    let rows: Vec<_> = log.iter().map(|it| (&*it.model_name, &it.record_id, &*it.action)).collect();
    let wanted = [
        ("Post", &post_id, "create"),
        ("Post", &post_id, "update"),
        ("Post", &post_id, "delete"),
        ("Order", &order_id, "create"),
    ];
    assert_eq!(rows, wanted);
    assert_eq!((&log[1].data["title"], &log[3].data["total"]), (&json!("Again"), &json!("99.99")));
}

#[tokio::test]
async fn search_index_updates() {
    let Some(page) = Page::open("search-index-updates").await else { return };
    // The block's `SearchService` does nothing: that its handlers are called is all there is to see.
    let calls = || page.plugins.status().iter().map(|status| status.calls).sum::<u64>();
    let before = calls();
    page.post().await.delete(&page.db).await.unwrap();
    assert_eq!(calls() - before, 2);
}

#[tokio::test]
async fn automatic_timestamps() {
    let Some(page) = Page::open("automatic-timestamps").await else { return };
    let mut post = page.post().await;
    let created = post.created_at;
    assert!(created.is_some() && post.updated_at == created);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    post.save(&page.db).await.unwrap();
    let stored = page.stored(&post).await;
    assert!(stored.created_at == created && stored.updated_at > created);
    // A model without these fields is left alone.
    page.order().await;
}

#[tokio::test]
async fn cache_invalidation() {
    let Some(page) = Page::open("cache-invalidation").await else { return };
    let cache = page.plugins.keyvalue().clone();
    let mut post = page.post().await;
    let keys = [
        format!("post:{}", post.id),
        "posts:all".to_owned(),
        format!("posts:author:{}", page.author.id),
        "posts:author:other".to_owned(),
    ];
    let fill = async || {
        for key in &keys {
            cache.set("cache", key, b"page".to_vec()).await.unwrap();
        }
    };
    let left = async || {
        let mut left = Vec::new();
        for key in &keys {
            left.push(cache.get("cache", key).await.unwrap().is_some());
        }
        left
    };
    fill().await;
    post.save(&page.db).await.unwrap();
    assert_eq!(left().await, [false, false, false, true]);
    fill().await;
    post.delete(&page.db).await.unwrap();
    assert_eq!(left().await, [false, false, true, true]);
}

#[tokio::test]
async fn notification_system() {
    let Some(page) = Page::open("notification-system").await else { return };
    let (post, reader) = (page.post().await, page.reader().await);
    page.comment(&post, &page.author).await;
    assert_eq!(page.called.take(), [""; 0]);
    let mut comment = page.comment(&post, &reader).await;
    comment.text = "edited".into();
    comment.save(&page.db).await.unwrap();
    let data = json!({ "post_id": post.id.to_string(), "comment_id": comment.id.to_string() });
    let sent = json!({
        "user": page.author.id,
        "type": "new_comment",
        "message": "New comment on 'Hello World'",
        "data": data,
    });
    let called = page.called.take();
    let [called] = &called[..] else { panic!("{called:?}") };
    let given: Value = serde_json::from_str(called.strip_prefix("notifications.send ").unwrap()).unwrap();
    assert_eq!(given, sent);
}

#[tokio::test]
async fn error_handling() {
    let Some(page) = Page::open("error-handling").await else { return };
    let post = page.post().await;
    let heard = page.heard();
    // The first line is what the preamble prints.
    let [_, line] = &heard[..] else { panic!("{heard:?}") };
    assert!(
        line.starts_with("error: Signal handler failed: ") && line.contains("`external.notify`"),
        "{line}"
    );
    // The save has not failed with its handler.
    assert_eq!(page.stored(&post).await.title, "Hello World");
}

#[tokio::test]
async fn disable_signals_temporarily() {
    let Some(page) = Page::open("disable-signals-temporarily").await else { return };
    let post = page.post().await;
    let (_, signals) = testing::capture(page.comment(&post, &page.author)).await;
    let saves: Vec<_> = signals
        .iter()
        .filter(|signal| signal.signal.ends_with("_save"))
        .map(|signal| signal.sender)
        .collect();
    assert_eq!(saves, ["Comment", "Comment"]);
    let stored = page.stored(&post).await;
    assert_eq!((&*stored.title, stored.view_count), ("Hello World!", 1));
}
