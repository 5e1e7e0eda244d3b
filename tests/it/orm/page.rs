//! The documentation page that our signals were first described by, block by block: each test is named after its
//! heading. `docs/page.md` maps headings to tests, and says where the page contradicts itself.

use aksara::prelude::*;
use aksara::signals::{Signal, post_delete, post_save, pre_save};
use aksara::{Error, FieldType, testing};
use aksara_tests::{Journal, TestDb};
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// What handlers of this page report to, as its services.
static SERVICES: std::sync::LazyLock<Journal> = std::sync::LazyLock::new(Journal::default);

/// What was reported for this key.
fn reported(key: impl std::fmt::Display) -> Vec<String> {
    let key = format!("{key}: ");
    SERVICES.lines().iter().filter_map(|line| line.strip_prefix(&key).map(str::to_owned)).collect()
}

fn report(key: impl std::fmt::Display, what: impl std::fmt::Display) {
    SERVICES.add(format!("{key}: {what}"));
}

#[derive(Model, Clone, Debug)]
#[model(label = "page.Post")]
struct Post {
    #[field(primary_key)]
    id: Uuid,
    #[field(max_length = 200)]
    title: String,
    #[field(max_length = 200)]
    slug: String,
    content: String,
    #[field(default = 0)]
    view_count: i64,
    author: Option<Fk<Author>>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Model, Clone, Debug)]
#[model(label = "page.Author")]
struct Author {
    #[field(primary_key)]
    id: Uuid,
    name: String,
}

#[derive(Model, Clone, Debug)]
#[model(label = "page.Comment")]
struct Comment {
    #[field(primary_key)]
    id: Uuid,
    post: Fk<Post>,
    author: Fk<Author>,
}

#[derive(Model, Clone, Debug)]
#[model(label = "page.AuditLog")]
struct AuditLog {
    #[field(primary_key)]
    id: i64,
    #[field(max_length = 100)]
    model_name: String,
    #[field(max_length = 36)]
    record_id: String,
    #[field(max_length = 20)]
    action: String,
    data: serde_json::Value,
}

/// A database, and the right to connect handlers to these models, which belong to the whole program.
async fn set_up() -> (TestDb, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::const_new(());
    let alone = ALONE.lock().await;
    (TestDb::with::<(Author, Post, Comment, AuditLog)>().await, alone)
}

fn post(title: &str) -> Post {
    Post { title: title.into(), ..Default::default() }
}

// Signal Decorators

#[pre_save(Post, dispatch_uid = "page.generate_slug")]
async fn generate_slug(event: PreSave<'_, Post>) -> HandlerResult {
    if event.instance.slug.is_empty() {
        event.instance.slug = event.instance.title.to_lowercase().replace(' ', "-");
    }
    Ok(())
}

#[post_save(Post)]
async fn notify_followers(event: PostSave<'_, Post>) -> HandlerResult {
    if event.created {
        report(event.instance.id, "followers notified");
    }
    Ok(())
}

#[pre_delete(Post)]
async fn backup_before_delete(event: PreDelete<'_, Post>) -> HandlerResult {
    report(event.instance.id, "archived");
    Ok(())
}

#[post_delete(Post)]
async fn cleanup_related(event: PostDelete<'_, Post>) -> HandlerResult {
    report(event.instance.id, "removed from the index");
    Ok(())
}

#[tokio::test]
async fn signal_decorators() {
    let (test, _alone) = set_up().await;
    let mut saved = Post::objects(&test.db).create(post("Hello World")).await.unwrap();
    assert_eq!(saved.slug, "hello-world");
    saved.delete(&test.db).await.unwrap();
    assert_eq!(reported(saved.id), ["followers notified", "archived", "removed from the index"]);
}

#[tokio::test]
async fn pre_save_arguments() {
    let (test, _alone) = set_up().await;
    let handler = pre_save::<Post>().dispatch_uid("page.handle_pre_save").connect(|event| {
        let title = event.update_fields.as_ref().is_none_or(|fields| fields.contains("title"));
        if title && event.instance.title.contains("stamped") {
            event.instance.updated_at = Some(Utc::now());
        }
        Box::pin(async { Ok(()) })
    });
    let mut saved = Post::objects(&test.db).create(post("not yet")).await.unwrap();
    saved.title = "stamped".into();
    saved.save_fields(&test.db, &["view_count"]).await.unwrap();
    assert_eq!(saved.updated_at, None);
    saved.save(&test.db).await.unwrap();
    assert!(saved.updated_at.is_some());
    handler.disconnect();
}

#[tokio::test]
async fn post_save_arguments() {
    let (test, _alone) = set_up().await;
    let (mut saved, signals) = testing::capture(async {
        let mut saved = Post::objects(&test.db).create(post("arguments")).await.unwrap();
        saved.save(&test.db).await.unwrap();
        saved
    })
    .await;
    let post_saves = signals.iter().filter(|signal| signal.signal == "post_save");
    assert_eq!(post_saves.map(|signal| signal.created).collect::<Vec<_>>(), [Some(true), Some(false)]);
    saved.save_fields(&test.db, &["title"]).await.unwrap();
}

#[tokio::test]
async fn delete_arguments() {
    let (test, _alone) = set_up().await;
    let mut saved = Post::objects(&test.db).create(post("deleted")).await.unwrap();
    let (deleted, signals) = testing::capture(saved.delete(&test.db)).await;
    assert_eq!(deleted.unwrap().rows, 1);
    assert!(
        signals.iter().all(|signal| signal.key == Some(saved.id.to_value()) && signal.sender == "page.Post")
    );
}

#[handler]
async fn my_handler(event: PreSave<'_, Author>) -> HandlerResult {
    report(&event.instance.name, "saving");
    Ok(())
}

#[tokio::test]
async fn using_connect() {
    let (test, _alone) = set_up().await;
    let save = async |name: &str| {
        Author::objects(&test.db).create(Author { name: name.into(), ..Default::default() }).await.unwrap()
    };
    pre_save::<Author>().connect(my_handler);
    save("connected").await;
    assert!(pre_save::<Author>().disconnect(my_handler));
    save("disconnected").await;
    assert_eq!((reported("connected").len(), reported("disconnected").len()), (1, 0));
}

#[tokio::test]
async fn multiple_models() {
    let (test, _alone) = set_up().await;
    let journal = Journal::default();
    let seen = journal.clone();
    let models = [Author::meta(), Comment::meta()];
    let log_save = post_save::<AnyModel>().senders(&models).connect(move |event| {
        seen.add(format!("Saved {}", event.sender.label));
        Box::pin(async { Ok(()) })
    });
    let author = Author::objects(&test.db).create(Author::default()).await.unwrap();
    let post = Post::objects(&test.db).create(post("commented")).await.unwrap();
    let comment = Comment { post: Fk::from(&post), author: Fk::from(&author), ..Default::default() };
    Comment::objects(&test.db).create(comment).await.unwrap();
    assert_eq!(journal.take(), ["Saved page.Author", "Saved page.Comment"]);
    log_save.disconnect();
}

/// By hand: an attribute without a sender would have every model of these tests heard.
#[handler]
async fn log_all_saves(event: PostSave<'_, AnyModel>) -> HandlerResult {
    if let Some(aksara::Value::Uuid(Some(key))) = event.instance.get("id") {
        report(format!("all {key}"), event.sender.label);
    }
    Ok(())
}

#[tokio::test]
async fn all_models() {
    let (test, _alone) = set_up().await;
    let log_all_saves = post_save::<AnyModel>().connect(log_all_saves);
    let author = Author::objects(&test.db).create(Author::default()).await.unwrap();
    log_all_saves.disconnect();
    assert_eq!(reported(format!("all {}", author.id)), ["page.Author"]);
}

#[derive(serde::Serialize)]
struct UserActivated;

static USER_ACTIVATED: Signal<UserActivated> = Signal::new("page.user_activated");

#[tokio::test]
async fn creating_custom_signals() {
    let (test, _alone) = set_up().await;
    let handle_activation = USER_ACTIVATED.connect(|event| {
        Box::pin(async move {
            let name = event.instance.and_then(|instance| instance.get("name"));
            report("activated", format!("{name:?}"));
            Ok(())
        })
    });
    let mut user =
        Author::objects(&test.db).create(Author { name: "Ada".into(), ..Default::default() }).await.unwrap();
    USER_ACTIVATED.send_for(&test.db, &mut user, UserActivated).await.unwrap();
    assert_eq!(reported("activated").len(), 1);
    handle_activation.disconnect();
}

#[derive(serde::Serialize)]
struct PaymentProcessed {
    amount: f64,
    currency: String,
}

static PAYMENT_PROCESSED: Signal<PaymentProcessed> = Signal::new("page.payment_processed");

#[tokio::test]
async fn signal_with_custom_arguments() {
    let (test, _alone) = set_up().await;
    PAYMENT_PROCESSED.connect(|event| {
        Box::pin(async move {
            report("payment", format!("{} {}", event.args.amount, event.args.currency));
            Ok(())
        })
    });
    let args = PaymentProcessed { amount: 99.99, currency: "USD".into() };
    PAYMENT_PROCESSED.send(&test.db, args).await.unwrap();
    assert_eq!(reported("payment"), ["99.99 USD"]);
}

async fn audit(instance: &dyn AnyInstance, action: &str, db: &Db) -> HandlerResult {
    let record_id = instance.get("id").map(|key| match key {
        aksara::Value::Uuid(Some(key)) => key.to_string(),
        other => format!("{other:?}"),
    });
    let log = AuditLog {
        model_name: instance.meta().label.to_owned(),
        record_id: record_id.unwrap_or_default(),
        action: action.to_owned(),
        data: instance.to_json(),
        ..Default::default()
    };
    AuditLog::objects(db).create(log).await?;
    Ok(())
}

#[handler]
async fn audit_save(event: PostSave<'_, AnyModel>) -> HandlerResult {
    audit(event.instance, if event.created { "create" } else { "update" }, event.db).await
}

#[handler]
async fn audit_delete(event: PostDelete<'_, AnyModel>) -> HandlerResult {
    audit(event.instance, "delete", event.db).await
}

#[tokio::test]
async fn audit_logging() {
    let (test, _alone) = set_up().await;
    let audited = [Author::meta(), Post::meta()];
    let connections = [
        post_save::<AnyModel>().senders(&audited).connect(audit_save),
        post_delete::<AnyModel>().senders(&audited).connect(audit_delete),
    ];
    let mut saved = Post::objects(&test.db).create(post("audited")).await.unwrap();
    saved.title = "again".into();
    saved.save(&test.db).await.unwrap();
    saved.delete(&test.db).await.unwrap();
    assert!(connections.iter().all(aksara::signals::Connection::disconnect));
    let mine = AuditLog::objects(&test.db).filter(AuditLog::record_id.eq(saved.id.to_string()));
    let logs = mine.order_by(AuditLog::id.asc()).all().await.unwrap();
    let actions: Vec<_> = logs.iter().map(|log| (log.action.as_str(), &log.data["title"])).collect();
    assert_eq!(
        actions,
        [("create", &json!("audited")), ("update", &json!("again")), ("delete", &json!("again"))]
    );
}

#[tokio::test]
async fn search_index_updates() {
    let (test, _alone) = set_up().await;
    let index = post_save::<Post>().dispatch_uid("page.index_post").connect(|event| {
        report(event.instance.id, "indexed");
        Box::pin(async { Ok(()) })
    });
    let mut saved = Post::objects(&test.db).create(post("searched")).await.unwrap();
    saved.delete(&test.db).await.unwrap();
    index.disconnect();
    let seen = reported(saved.id);
    assert!(
        seen.contains(&"indexed".to_owned()) && seen.contains(&"removed from the index".to_owned()),
        "{seen:?}"
    );
}

/// The page tells a new record by its missing id, which a key made by the client never has; `created` tells it.
#[tokio::test]
async fn automatic_timestamps() {
    #[derive(Model, Clone, Debug)]
    #[model(label = "page.Note")]
    struct Note {
        id: Uuid,
        text: String,
        created_at: Option<DateTime<Utc>>,
        updated_at: Option<DateTime<Utc>>,
    }
    let test = TestDb::with::<(Note,)>().await;
    let update_timestamps = pre_save::<AnyModel>().dispatch_uid("page.update_timestamps").connect(|event| {
        let result = (|| {
            let now = Utc::now();
            // Other tests save meanwhile.
            if event.sender.label != "page.Note" {
                return Ok(());
            }
            if event.created && event.instance.get("created_at").is_some() {
                event.instance.set("created_at", now)?;
            }
            if event.instance.get("updated_at").is_some() {
                event.instance.set("updated_at", now)?;
            }
            Ok(())
        })();
        Box::pin(async { result })
    });
    let mut note = Note::objects(&test.db).create(Note::default()).await.unwrap();
    let created = note.created_at;
    assert!(created.is_some() && note.updated_at == created);
    note.text = "again".into();
    note.save(&test.db).await.unwrap();
    assert!(note.created_at == created && note.updated_at > created);
    update_timestamps.disconnect();
}

#[tokio::test]
async fn cache_invalidation() {
    let (test, _alone) = set_up().await;
    let invalidate = post_save::<Post>().dispatch_uid("page.invalidate_post_cache").connect(|event| {
        let author = event.instance.author.as_ref().map(|author| author.key().to_string());
        report(event.instance.id, format!("forget posts:author:{}", author.unwrap_or_default()));
        Box::pin(async { Ok(()) })
    });
    let author = Author::objects(&test.db).create(Author::default()).await.unwrap();
    let cached = Post { author: Some(Fk::from(&author)), ..post("cached") };
    let saved = Post::objects(&test.db).create(cached).await.unwrap();
    invalidate.disconnect();
    assert!(reported(saved.id).contains(&format!("forget posts:author:{}", author.id)));
}

#[post_save(Comment)]
async fn notify_post_author(event: PostSave<'_, Comment>) -> HandlerResult {
    if !event.created {
        return Ok(());
    }
    let post = event.instance.post.get(event.db).await?;
    let Some(author) = post.author.get(event.db).await? else { return Ok(()) };
    if *event.instance.author.key() == author.id {
        return Ok(());
    }
    report(author.id, format!("New comment on '{}'", post.title));
    Ok(())
}

#[tokio::test]
async fn notification_system() {
    let (test, _alone) = set_up().await;
    let author = Author::objects(&test.db).create(Author::default()).await.unwrap();
    let reader = Author::objects(&test.db).create(Author::default()).await.unwrap();
    let commented = Post { author: Some(Fk::from(&author)), ..post("News") };
    let commented = Post::objects(&test.db).create(commented).await.unwrap();
    for by in [&reader, &author] {
        let comment = Comment { post: Fk::from(&commented), author: Fk::from(by), ..Default::default() };
        Comment::objects(&test.db).create(comment).await.unwrap();
    }
    assert_eq!(reported(author.id), ["New comment on 'News'"]);
}

#[tokio::test]
async fn error_handling() {
    let (test, _alone) = set_up().await;
    let notify = async || Err::<(), _>(Error::Transaction("the service is down"));
    let safe_handler = post_save::<Post>().dispatch_uid("page.safe_handler").connect(move |event| {
        let key = event.instance.id;
        Box::pin(async move {
            if let Err(error) = notify().await {
                report(key, format!("Signal handler failed: {error}"));
            }
            Ok(())
        })
    });
    let saved = Post::objects(&test.db).create(post("saved all the same")).await.unwrap();
    safe_handler.disconnect();
    assert!(reported(saved.id).iter().any(|line| line.starts_with("Signal handler failed")));
}

#[tokio::test]
async fn disable_signals_temporarily() {
    let (test, _alone) = set_up().await;
    let mut saved = Post::objects(&test.db).create(post("Loud")).await.unwrap();
    saved.slug = String::new();
    SignalContext::disable_for::<Post>().scope(saved.save(&test.db)).await.unwrap();
    assert_eq!(saved.slug, "");
    let one = Post::objects(&test.db).filter(Post::id.eq(saved.id));
    assert_eq!(one.update([Post::view_count.set(F(Post::view_count) + 1)]).await.unwrap(), 1);
    assert_eq!(reported(saved.id), ["followers notified"]);
}

#[tokio::test]
async fn mock_signals() {
    let (test, _alone) = set_up().await;
    let create = Post::objects(&test.db).create(post("Test"));
    let (saved, calls) = testing::mock(notify_followers).scope(create).await;
    assert_eq!(calls.len(), 1);
    assert!(reported(saved.unwrap().id).is_empty());
    let refused = testing::mock_id("page.generate_slug").rejecting("mocked");
    let (error, _) = refused.scope(Post::objects(&test.db).create(post("Test"))).await;
    insta::assert_snapshot!(error.unwrap_err(), @"mock of `page.generate_slug` refused pre_save of `page.Post`: mocked");
}

#[tokio::test]
async fn test_signal_handlers_directly() {
    let (test, _alone) = set_up().await;
    let mut post = post("Hello World").instance();
    generate_slug(testing::pre_save(&test.db, &mut post)).await.unwrap();
    assert_eq!(post.slug, "hello-world");
}

/// The table at the end of the page: every one of them can be heard.
#[tokio::test]
async fn built_in_signals() {
    let names: Vec<_> = aksara::signals::SignalKind::BUILT_IN.iter().map(|signal| signal.name()).collect();
    let page = [
        "pre_init",
        "post_init",
        "pre_save",
        "post_save",
        "pre_delete",
        "post_delete",
        "pre_bulk_create",
        "post_bulk_create",
        "pre_bulk_update",
        "post_bulk_update",
        "m2m_changed",
    ];
    assert!(page.iter().all(|name| names.contains(name)));
}
