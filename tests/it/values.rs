//! Values between a model and a plugin: what a field is there for every value, what a document becomes, and what an error
//! says of a value that does not fit. The plugin is a script that does what a row's title says.

use aksara::prelude::*;
use aksara::{Limits, Plugins, PluginsOptions, open_plugins};
use aksara_tests::{TestDb, javascript_runner};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
#[model(label = "values.Entry")]
struct Entry {
    #[field(primary_key)]
    id: i64,
    title: String,
    slug: String,
    small: i16,
    big: i64,
    single: f32,
    rate: f64,
    amount: Decimal,
    day: NaiveDate,
    due: DateTime<Utc>,
    token: Uuid,
    data: Vec<u8>,
    doc: Json,
    note: Option<String>,
}

const SCRIPT: &str = r#"
preSave("values.Entry", async ({ instance }) => {
  await (0, eval)(`((it) => { ${instance.title} })`)(instance);
});
"#;

struct Script {
    test: TestDb,
    _plugins: Plugins,
    _folder: TempDir,
}

impl Script {
    /// `None` where the runner of scripts is not built.
    async fn open() -> Option<Script> {
        let javascript = Some(javascript_runner()?);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("entries.js"), SCRIPT).unwrap();
        let limits = Limits { deadline_ms: 1_000, ..Limits::default() };
        let options = PluginsOptions { limits, javascript, ..PluginsOptions::default() };
        let plugins = open_plugins(folder.path(), options).await.unwrap();
        assert!(plugins.status()[0].failure.is_none(), "{:?}", plugins.status());
        let alias = Uuid::now_v7().to_string();
        let test = TestDb::opened::<(Entry,)>(|options| options.plugins(&plugins).alias(alias)).await;
        Some(Script { test, _plugins: plugins, _folder: folder })
    }

    async fn run(&self, code: &str, entry: Entry) -> Result<Instance<Entry>, String> {
        let saved = Entry::objects(&self.test.db).create(Entry { title: code.into(), ..entry }).await;
        saved.map_err(|error| error.to_string())
    }

    async fn stored(&self, code: &str, entry: Entry) -> Instance<Entry> {
        let saved = self.run(code, entry).await.unwrap_or_else(|error| panic!("{code}: {error}"));
        Entry::objects(&self.test.db).get(saved.id).await.unwrap()
    }
}

fn entry() -> Entry {
    Entry {
        due: at("2026-03-01T12:00:00Z"),
        token: Uuid::from_u128(0xabcd),
        amount: "19.90".parse().unwrap(),
        day: NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(),
        data: vec![0, 255],
        ..Entry::default()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_time_has_one_type_for_every_value() {
    let Some(script) = Script::open().await else { return };
    let code =
        "it.slug = [it.due instanceof Date, typeof it.due, it.due.constructor.name, typeof it.due.getTime,
        it.due < new Date('2050-01-01'), new Date(0) < it.due, it.due.toISOString()].join();
        it.doc = { at: it.due }; it.due = it.due;";
    for (text, iso) in [
        ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z"),
        ("2026-03-01T12:00:00.5Z", "2026-03-01T12:00:00.500Z"),
        ("2026-03-01T12:00:00.123456Z", "2026-03-01T12:00:00.123456Z"),
    ] {
        let stored = script.stored(code, Entry { due: at(text), ..entry() }).await;
        assert_eq!(stored.slug, format!("true,object,Timestamp,function,true,true,{iso}"));
        assert_eq!(stored.due, at(text));
        assert_eq!(stored.doc["at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), at(text));
    }
    let kept = script
        .stored("it.due.setUTCFullYear(2030)", Entry { due: at("2026-03-01T12:00:00.000001Z"), ..entry() });
    assert_eq!(kept.await.due, at("2030-03-01T12:00:00.000001Z"));
}

/// The whole instance is one of those, which an audit plugin stores.
#[tokio::test]
async fn what_is_put_into_a_document_has_one_form() {
    let Some(script) = Script::open().await else { return };
    let uuid = "00000000-0000-0000-0000-00000000abcd";
    for (value, form) in [
        ("it.due", json!("2026-03-01T12:00:00Z")),
        ("new Date(1)", json!("1970-01-01T00:00:00.001Z")),
        ("it.token", json!(uuid)),
        ("it.data", json!("00ff")),
        ("new Uint8Array(0)", json!("")),
        ("it.amount", json!("19.90")),
        ("it.day", json!("2026-03-01")),
        ("2n ** 63n", json!(9_223_372_036_854_775_808_u64)),
        ("null", json!(null)),
        ("new Map([['a', [new Date(0)]]])", json!({ "a": ["1970-01-01T00:00:00Z"] })),
        ("new (class Point { x = 1; at = it.token; })", json!({ "x": 1, "at": uuid })),
        ("{ toJSON: () => [it.token] }", json!([uuid])),
    ] {
        let whole = script.stored(&format!("it.doc = {value}"), entry()).await;
        assert_eq!(whole.doc, form, "{value}");
        let inside = script.stored(&format!("it.doc = {{ items: [1, {{ at: {value} }}] }}"), entry()).await;
        assert_eq!(inside.doc, json!({ "items": [1, { "at": form }] }), "{value}");
    }
    let stored = script.stored("it.title = ''; it.doc = { before: { ...it } }", entry()).await;
    assert_eq!(
        stored.doc["before"],
        json!({
            "id": 0, "title": "", "slug": "", "small": 0, "big": 0, "single": 0, "rate": 0, "amount": "19.90",
            "day": "2026-03-01", "due": "2026-03-01T12:00:00Z", "token": uuid, "data": "00ff", "doc": null, "note": null,
        })
    );
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named_with_its_place_and_its_kind() {
    let Some(script) = Script::open().await else { return };
    for (code, wanted) in [
        ("it.doc = { items: [1, 2, 3, { at: NaN }] }", "`doc.items[3].at` is not a number (NaN)"),
        ("it.doc = [[-Infinity]]", "`doc[0][0]` is infinite"),
        ("it.doc = Infinity", "`doc` is infinite"),
        ("it.doc = { a: [undefined] }", "`instance.doc.a[0]` is undefined"),
        ("it.doc = [1, , 2]", "`instance.doc[1]` is a hole in the array"),
        ("it.doc = { go() {} }", "`instance.doc.go` is a function"),
        ("it.note = 'cut \\ud83d'", "the text of `instance.note` has half of a character"),
        ("const a = []; a.push(a); it.doc = a", "is nested too deep, or contains itself"),
        ("it.doc = JSON.parse('['.repeat(110) + ']'.repeat(110))", "`doc` is nested deeper than 100 levels"),
        ("it.small = 70000", "to 70000; the field is a 16-bit integer"),
        ("it.big = 2n ** 63n", "to 9223372036854775808; the field is a 64-bit integer"),
        ("it.big = 2n ** 64n", "is 18446744073709551616, which has more than 64 bits"),
        ("it.big = 1.5", "to a float; the field is a 64-bit integer"),
        ("it.single = 1e300", "to 1e300, which 32 bits cannot hold; the field is a float"),
        ("it.amount = '1234567890123456789012345678901'", "to a decimal of 31 digits; the field holds 28"),
        (
            "it.amount = String(1e21)",
            "to `1e+21`; the field is a decimal, which is written without an exponent",
        ),
        ("it.amount = 'much'", "to text that is not a number; the field is a decimal"),
        (
            "it.day = '2026-02-30'",
            "to text that is not a day of the calendar as `YYYY-MM-DD`; the field is a date",
        ),
        ("it.token = it.data", "to 2 bytes; the field is a UUID"),
        ("it.title = it.data", "to bytes, or text that is not UTF-8; the field is text"),
        ("it.due = 5", "to an integer; the field is a date and time"),
        ("it.note = []", "to an array; the field is text"),
    ] {
        let error = script.run(code, entry()).await.err().unwrap_or_else(|| panic!("{code} is stored"));
        assert!(error.contains(wanted), "{code}: {error}");
        // Ten bad replies in a row would quarantine the plugin.
        script.stored("", entry()).await;
    }
    // Every integer is a float, and what is huge for one field is right for another.
    let stored = script.stored("it.rate = 2n ** 63n; it.single = 7", entry()).await;
    assert_eq!((stored.rate, stored.single), (9_223_372_036_854_775_808.0, 7.0));
}

#[tokio::test]
async fn what_is_thrown_says_all_that_it_knows() {
    let Some(script) = Script::open().await else { return };
    for (code, wanted) in [
        (
            "throw { message: 'the quota is used up', code: 402 }",
            &["failed: the quota is used up {\"code\":402}"][..],
        ),
        (
            "throw Object.assign(new Error('quota'), { code: 'E_QUOTA' })",
            &["Error: quota {\"code\":\"E_QUOTA\"}"],
        ),
        ("throw undefined", &["failed: undefined was thrown"]),
        ("throw null", &["failed: null was thrown"]),
        ("throw 'no more than ten'", &["failed: no more than ten"]),
        ("throw 42", &["failed: 42"]),
        ("throw Symbol('mine')", &["failed: Symbol(mine)"]),
        ("return Promise.reject({ reason: 'closed' })", &["failed: {\"reason\":\"closed\"}"]),
        (
            "throw new Error('outer', { cause: new Error('the real reason') })",
            &["Error: outer", "Caused by: Error: the real reason"],
        ),
        (
            "return Promise.any([Promise.reject(new Error('first')), Promise.reject(new TypeError('second'))])",
            &["AggregateError: ", "Reason 1: Error: first", "Reason 2: TypeError: second"],
        ),
        ("throw new (class BadRequest extends Error { name = 'BadRequest' })('nope')", &["BadRequest: nope"]),
        ("throw new Error('cut \\ud83d')", &["Error: cut \u{fffd}"]),
        ("null.x", &["TypeError: ", "entries.js:"]),
    ] {
        let error = script.run(code, entry()).await.err().unwrap_or_else(|| panic!("{code} is stored"));
        assert!(wanted.iter().all(|wanted| error.contains(wanted)), "{code}: {error}");
    }
}
