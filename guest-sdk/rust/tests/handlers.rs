//! Handlers as plugin authors write them, called as the host calls them.

#![allow(clippy::unwrap_used, reason = "these are tests; clippy does not see that of their helpers")]

use aksara_guest::models::{self, field};
use aksara_guest::prelude::*;
use aksara_guest::testing::{Call, ModelRequest, Request};
use aksara_guest::{Failure, ModelOperation, Reply};

#[derive(Serialize, Deserialize)]
struct Post {
    title: String,
    slug: Option<String>,
    cover: Vec<u8>,
    #[serde(rename = "publishedAt")]
    published_at: Option<Timestamp>,
}

fn post() -> Post {
    Post { title: "Hello".into(), slug: None, cover: vec![1, 2, 3], published_at: None }
}

#[pre_save("Post", writes("slug", "cover"), priority = -5, when(created, changed("title")))]
fn make_slug(post: &mut Post, event: &Event) -> Result {
    match post.title.as_str() {
        "" => return Err(invalid("title", "is empty")),
        "secret" => return Err(reject("no secrets")),
        "12x" => post.slug = Some(post.title.parse::<u32>()?.to_string()),
        "cover" => post.cover.push(4),
        "rogue" => post.published_at = Some(event.time()),
        "same" => {}
        title => post.slug = Some(title.to_lowercase()),
    }
    if post.slug.is_some() {
        event.add_update_field("slug");
        log::info!(slug = post.slug, bytes = post.cover.len(); "made a slug for `{}`", post.title);
        log::debug!("done");
    }
    Ok(())
}

#[pre_save]
fn refuse_mondays(_: &Map, event: &Event) -> Result {
    if event.sender() == "Monday" { Err(reject("it is Monday")) } else { Ok(()) }
}

#[pre_save(reads("a", "b"))]
fn add_one(fields: &mut Map) {
    fields.insert("b".into(), 1i64.into());
}

#[derive(Deserialize)]
struct Title {
    title: String,
}

#[post_save("Post", when(updated))]
fn watch(post: &Title, event: &Event) {
    let changes: Vec<&str> = event.changes().iter().map(|change| &*change.field).collect();
    log::warn!(changes = changes, old = event.change("title").map(|change| &change.old); "{}", post.title);
}

#[pre_delete("Post")]
fn keep(_: &Title, event: &Event) -> Result {
    if event.origin() == Some("query") { Err(reject("one at a time")) } else { Ok(()) }
}

#[post_delete]
fn count_planes(_: &Map) -> Result {
    #[derive(Deserialize)]
    struct Plane {
        seats: i64,
    }
    let large = models::find::<Plane>("Plane").filter(field("seats").gt(10i64)).order_by("-seats").rows()?;
    let seats: Vec<i64> = large.iter().map(|plane| plane.seats).collect();
    let none = models::count("Plane", !field("seats").ge(0i64) | field("seats").is_null(true))?;
    let one = models::get::<Plane>("Plane", "N1")?.map(|plane| plane.seats);
    let (here, gone) = (models::exists("Plane", "N1")?, models::exists("Plane", "N9")?);
    log::info!(seats = seats, none = none, one = one, here = here, gone = gone; "counted");
    Ok(())
}

plugin! {
    handlers: [make_slug, refuse_mondays, add_one, watch, keep, count_planes],
    grants: { models: { "Plane": [get, find, count], "Post": [] } },
}

#[test]
fn only_what_changed_is_sent_back() {
    let called = Call::<make_slug>::new(post()).run();
    assert_eq!(called.patch(), map! { "slug": "hello" });
    let called = Call::<make_slug>::new(Post { title: "same".into(), ..post() }).run();
    assert_eq!(called.outcome, Ok(Reply::Unchanged));
    let called = Call::<make_slug>::new(Post { title: "cover".into(), ..post() }).run();
    assert_eq!(called.patch(), map! { "cover": vec![1u8, 2, 3, 4] });
}

#[test]
fn the_three_ways_to_say_no_stay_apart() {
    let failure = |title: &str| {
        let called = Call::<make_slug>::new(Post { title: title.into(), ..post() }).run();
        called.failure().clone()
    };
    assert_eq!(failure(""), Failure::Invalid([("title".into(), vec!["is empty".into()])].into()));
    assert_eq!(failure("secret"), Failure::Reject("no secrets".into()));
    assert_eq!(failure("12x"), Failure::Error("invalid digit found in string".into()));
    assert_eq!(failure("rogue"), Failure::Error("set `publishedAt`, which is not in its `writes`".into()));
}

#[test]
fn update_fields_grow_only_where_the_save_has_some() {
    let named = Call::<make_slug>::new(post()).update_fields(["title"]).run();
    assert_eq!(named.update_fields(), ["slug"]);
    assert!(Call::<make_slug>::new(post()).update_fields(["title", "slug"]).run().update_fields().is_empty());
    assert!(Call::<make_slug>::new(post()).run().update_fields().is_empty());
}

#[test]
fn log_lines_have_fields() {
    let log = Call::<make_slug>::new(post()).run().log;
    let line = map! { "level": "info", "message": "made a slug for `Hello`", "slug": "hello", "bytes": 3 };
    assert_eq!(log, [line, map! { "level": "debug", "message": "done" }]);
}

#[test]
fn a_handler_of_every_model_sees_the_sender() {
    assert_eq!(Call::<refuse_mondays>::new(map! {}).sender("Tuesday").run().outcome, Ok(Reply::Unchanged));
    let called = Call::<refuse_mondays>::new(map! { "day": 1 }).sender("Monday").run();
    assert_eq!(called.failure(), &Failure::Reject("it is Monday".into()));
}

#[test]
fn only_what_is_read_is_sent() {
    let called = Call::<add_one>::new(map! { "a": 1, "b": 1, "c": 1 }).run();
    assert_eq!(called.outcome, Ok(Reply::Unchanged));
    let called = Call::<make_slug>::new(map! { "title": "Hello" }).run();
    let Failure::Error(text) = called.failure() else { panic!("{called:?}") };
    assert_eq!(
        text,
        "the instance of pre_save of `Post` does not fit `handlers::Post`: missing field `cover`"
    );
    let called = Call::<make_slug>::new(map! { "title": 1, "cover": vec![0u8] }).run();
    let Failure::Error(text) = called.failure() else { panic!("{called:?}") };
    assert!(text.ends_with("in `title`: an integer, expected a string"), "{text}");
}

#[test]
fn changes_are_those_of_the_fields_that_are_read() {
    let called = Call::<watch>::new(post()).updated().changed("title", "Hi").changed("slug", "hi").run();
    assert_eq!(
        called.log,
        [map! {
            "level": "warn",
            "message": "Hello",
            "changes": vec![Value::from("title")],
            "old": "Hi",
        }]
    );
}

#[test]
fn deletes_say_what_they_were_made_on() {
    assert_eq!(Call::<keep>::new(post()).run().outcome, Ok(Reply::Unchanged));
    assert_eq!(
        Call::<keep>::new(post()).of_query().run().failure(),
        &Failure::Reject("one at a time".into())
    );
}

#[test]
fn models_answer_from_the_rows_of_the_test() {
    let called = Call::<count_planes>::new(map! {})
        .row("Plane", "N1", map! { "seats": 100 })
        .row("Plane", "N2", map! { "seats": 4 })
        .row("Plane", "N3", map! { "seats": 200 })
        .row("Plane", "N4", map! { "seats": Value::Nil })
        .run();
    let seats = vec![Value::Int(200), Value::Int(100)];
    let line = map! { "level": "info", "message": "counted", "seats": seats, "none": 1, "one": 100, "here": true, "gone": false };
    assert_eq!(called.log, [line]);
    let requests: Vec<(ModelOperation, &ModelRequest)> = called.requests.iter().map(asked).collect();
    let operations: Vec<ModelOperation> = requests.iter().map(|(operation, _)| *operation).collect();
    use ModelOperation::{Count, Find, Get};
    assert_eq!(operations, [Find, Count, Get, Get, Get]);
    assert_eq!(requests[2].1.fields, Some(vec!["seats".to_owned()]));
    assert_eq!(requests[3].1.fields, Some(Vec::new()));
}

#[test]
fn the_time_of_an_event_is_that_of_its_id() {
    #[pre_save]
    fn stamp(fields: &mut Map, event: &Event) {
        fields.insert("at".into(), event.time().into());
    }
    let time: Timestamp = "2026-03-01T12:00:00.123Z".parse().unwrap();
    assert_eq!(Call::<stamp>::new(map! {}).at(time).run().patch(), map! { "at": time });
}

#[test]
fn a_plugin_describes_its_handlers() {
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let description = PLUGIN.describe();
    assert_eq!((description.name.as_str(), description.contract.as_str()), ("aksara-guest", "0.1.0"));
    assert_eq!(description.grants.models["Plane"].len(), 3);
    let [slug, mondays, one, watch, keep, count] = &description.subscriptions[..] else {
        panic!("{description:?}")
    };
    assert_eq!((slug.handler.as_str(), slug.signal.as_str(), slug.priority), ("make_slug", "pre_save", -5));
    assert_eq!(slug.sender.as_deref(), Some("Post"));
    assert_eq!(slug.reads, names(&["title", "slug", "cover", "publishedAt"]));
    assert_eq!(slug.writes, names(&["slug", "cover"]));
    assert_eq!((slug.when.created, slug.when.changed.contains("title")), (Some(true), true));
    assert_eq!((&mondays.sender, &mondays.reads, &mondays.writes), (&None, &None, &names(&[])));
    assert_eq!((&one.reads, &one.writes), (&names(&["a", "b"]), &None));
    assert_eq!((&watch.reads, watch.when.created), (&names(&["title"]), Some(false)));
    assert_eq!((keep.signal.as_str(), count.signal.as_str()), ("pre_delete", "post_delete"));
}

#[test]
fn an_unknown_subscription_is_an_error() {
    let failure = PLUGIN.handle(6, &[]).unwrap_err();
    assert_eq!(failure, Failure::Error("`aksara-guest` has no subscription 6".into()));
}

fn asked(request: &Request) -> (ModelOperation, &ModelRequest) {
    match request {
        Request::Models(operation, request) => (*operation, request),
        other => panic!("{other:?}"),
    }
}
