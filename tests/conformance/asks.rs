//! What a handler learns of the event, and what it asks of the host.

use std::sync::{Arc, Mutex};

use aksara::prelude::*;
use aksara::signals::pre_save;

use super::{Conform, Host, Note, command, given, told};

pub(crate) async fn check(host: &Host) {
    about(host).await;
    models(host).await;
    others(host).await;
}

async fn text(host: &Host, it: Conform) -> String {
    host.done(it).await.text_out.clone().unwrap_or_default()
}

async fn number(host: &Host, it: Conform) -> i64 {
    host.done(it).await.integer_out.unwrap_or(-1)
}

async fn about(host: &Host) {
    let language = host.language;
    let mut saved = host.done(command("about")).await;
    let told = "pre_save Conform created=true update_fields=none depth=0";
    assert_eq!(saved.text_out.as_deref(), Some(told), "{language}");
    saved.save_fields(&host.db, &["text", "integer"]).await.unwrap();
    let told = "pre_save Conform created=false update_fields=integer,text depth=0";
    assert_eq!(saved.text_out.as_deref(), Some(told), "{language}");
    let seen = Arc::new(Mutex::new(String::new()));
    let note = seen.clone();
    let _saves = pre_save::<Conform>().connect(move |event| {
        // The other languages run beside this one.
        if event.instance.text.as_deref() == Some(language) {
            *note.lock().unwrap() = event.operation.simple().to_string();
        }
        Box::pin(async { Ok(()) })
    });
    let operation = text(host, super::told("operation", language)).await;
    assert_eq!(operation, *seen.lock().unwrap(), "{language}");
}

async fn models(host: &Host) {
    let (language, db) = (host.language, &host.db);
    let note = |title: &str, stars| Note { title: title.into(), stars, ..Note::default() };
    let notes = vec![note("one", 1), note("two", 2), note("three", 3), note("other", 9)];
    let notes = Note::objects(db).bulk_create(notes).await.unwrap();
    assert_eq!(text(host, given("get", notes[1].id, "")).await, "two", "{language}");
    assert_eq!(text(host, given("get", 1_000, "")).await, "none", "{language}");
    assert_eq!(text(host, given("find", 2, "")).await, "other,three", "{language}");
    assert_eq!(number(host, given("count", 2, "t")).await, 2, "{language}");
    let created = number(host, told("create", "new")).await;
    let stored = Note::objects(db).get(created).await.unwrap();
    assert_eq!((stored.title.as_str(), stored.stars), ("new", 1), "{language}");
    assert_eq!(number(host, given("update", created, "newer")).await, 1, "{language}");
    assert_eq!(Note::objects(db).get(created).await.unwrap().title, "newer", "{language}");
    assert_eq!(number(host, given("update", 1_000, "nobody")).await, 0, "{language}");
    assert_eq!(number(host, given("bump", 2, "")).await, 2, "{language}");
    assert_eq!(Note::objects(db).get(created).await.unwrap().stars, 2, "{language}");
    increments(host, created).await;
    assert_eq!(text(host, given("taken", created, "")).await, "unique Note id", "{language}");
    assert_eq!(number(host, given("delete", created, "")).await, 1, "{language}");
    assert!(!Note::objects(db).filter(Note::id.eq(created)).exists().await.unwrap(), "{language}");
    let denied = text(host, command("denied")).await;
    assert!(
        denied.contains("`get`") && denied.contains("`Secret`") && denied.contains("not granted"),
        "{language}: {denied}"
    );
}

/// Several that read a row and then add to it at once: nothing is lost.
async fn increments(host: &Host, key: i64) {
    let (language, db) = (host.language, &host.db);
    let before = Note::objects(db).get(key).await.unwrap().stars;
    let task = || async {
        for _ in 0..5 {
            assert_eq!(number(host, given("increment", key, "")).await, 1, "{language}");
        }
    };
    futures_util::future::join_all((0..5).map(|_| task())).await;
    assert_eq!(Note::objects(db).get(key).await.unwrap().stars, before + 25, "{language}");
}

async fn others(host: &Host) {
    let language = host.language;
    assert_eq!(text(host, told("service", "abc")).await, "cba", "{language}");
    assert_eq!(text(host, command("config")).await, "hello", "{language}");
    let cached = host.done(told("cache", "kept")).await;
    assert_eq!((cached.text_out.as_deref(), cached.boolean_out), (Some("kept"), Some(false)), "{language}");
    let now = chrono::Utc::now().timestamp();
    let time = number(host, command("time")).await;
    assert!((now - 60..=now + 60).contains(&time), "{language}: {time} is not {now}");

    host.logged.take();
    host.done(given("log", 7, "")).await;
    assert!(host.logged.take().contains(&"info: hello number=7".to_owned()), "{language}");
    host.done(told("print", "printed")).await;
    let printed = host.logged.take();
    assert!(printed.iter().any(|line| line.contains("printed")), "{language}: {printed:?}");

    host.done(given("send", 5, "there")).await;
    assert!(host.logged.take().contains(&"info: happened number=5 text=there".to_owned()), "{language}");
    let error = host.refused(given("send_wrong", 5, "")).await.to_string();
    assert!(error.contains("conform.happened") && error.contains("`text`"), "{language}: {error}");
}
