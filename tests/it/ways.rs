//! What a plugin writes is what anybody writes: by a patch, by `create`, and by both ways of `update` a value is refused with
//! the name of the field, and nothing is stored, or it is read back equal. `orm/ways` has the ways of the application.

use aksara::prelude::*;
use aksara::{Backend, Limits, Plugins, PluginsOptions, Value, open_plugins};
use aksara_tests::{TestDb, javascript_runner};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Model, Clone, Debug, PartialEq)]
#[model(label = "ways.Kept")]
struct Kept {
    id: i64,
    /// The field that a handler sets, and to what.
    patched: String,
    patch: String,
    small: i16,
    int: i32,
    big: i64,
    single: f32,
    double: f64,
    flag: bool,
    #[field(max_length = 5)]
    short: String,
    text: String,
    #[field(choices("", "draft"))]
    chosen: String,
    data: Vec<u8>,
    token: Uuid,
    day: NaiveDate,
    at: DateTime<Utc>,
    price: Decimal,
    doc: Json,
    maybe_small: Option<i16>,
    maybe_double: Option<f64>,
    maybe_text: Option<String>,
    maybe_at: Option<DateTime<Utc>>,
    maybe_price: Option<Decimal>,
    maybe_data: Option<Vec<u8>>,
}

/// What a plugin is asked to write.
#[derive(Model, Clone, Debug)]
#[model(label = "ways.Asked")]
struct Asked {
    id: i64,
    way: String,
    field: String,
    code: String,
    row: i64,
}

const SCRIPT: &str = r#"
plugin({ grants: { models: { "ways.Kept": ["create", "update"] } } });
const valueOf = (text) => (0, eval)(`(${text})`);
preSave("ways.Kept", ({ instance }) => {
  if (instance.patched) instance[instance.patched] = valueOf(instance.patch);
});
preSave("ways.Asked", ({ instance: asked }) => {
  const kept = models("ways.Kept");
  const values = { [asked.field]: asked.way === "computed" ? computed(asked.code) : valueOf(asked.code) };
  if (asked.way === "create") asked.row = kept.create(values).id;
  else if (asked.way === "update") kept.update(asked.row, values);
  else kept.filter(F("id").eq(asked.row)).update(values);
});
const computed = (text) => { const [field, operator, value] = valueOf(text); return F(field)[operator](value); };
"#;

struct Host {
    test: TestDb,
    _plugins: Plugins,
    _folder: TempDir,
}

impl Host {
    /// `None` where the runner of scripts is not built.
    async fn open() -> Option<Host> {
        let javascript = Some(javascript_runner()?);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ways.js"), SCRIPT).unwrap();
        // Bad replies are what this is about.
        std::fs::write(
            folder.path().join("plugins.toml"),
            "[plugins.ways]\nquarantine = { faults = 10000 }\n",
        )
        .unwrap();
        let limits = Limits { deadline_ms: 2_000, ..Limits::default() };
        let options = PluginsOptions { limits, javascript, ..PluginsOptions::default() };
        let plugins = open_plugins(folder.path(), options).await.unwrap();
        assert!(plugins.status()[0].failure.is_none(), "{:?}", plugins.status());
        let alias = Uuid::now_v7().to_string();
        let test = TestDb::opened::<(Kept, Asked)>(|options| options.plugins(&plugins).alias(alias)).await;
        Some(Host { test, _plugins: plugins, _folder: folder })
    }

    /// Has the plugin write a value by a way; the key of the row.
    async fn write(
        &self,
        way: &str,
        field: &str,
        value: &str,
        blank: &Instance<Kept>,
    ) -> Result<i64, String> {
        let db = &self.test.db;
        let kept = Kept { patched: field.into(), patch: value.into(), ..Default::default() };
        let written = match way {
            "patch of a new row" => Kept::objects(db).create(kept).await.map(|row| row.id),
            "patch of a row" => {
                let mut row = blank.clone();
                (row.patched, row.patch) = (field.into(), value.into());
                row.save(db).await.map(|()| row.id)
            }
            way => {
                let (way, field, code) = (way.to_owned(), field.to_owned(), value.to_owned());
                let asked = Asked { way, field, code, row: blank.id, ..Default::default() };
                Asked::objects(db).create(asked).await.map(|asked| asked.row)
            }
        };
        written.map_err(|error| error.to_string())
    }

    async fn rows(&self) -> u64 {
        Kept::objects(&self.test.db).count().await.unwrap()
    }
}

const WAYS: &[&str] = &["patch of a new row", "patch of a row", "create", "update", "update of rows"];

fn text(text: &str) -> Option<Value> {
    Some(Value::String(Some(text.to_owned())))
}

fn at(text: &str) -> Option<Value> {
    Some(Value::ChronoDateTimeUtc(Some(text.parse().unwrap())))
}

fn decimal(text: &str) -> Option<Value> {
    Some(Value::Decimal(Some(text.parse().unwrap())))
}

fn doc(json: Json) -> Option<Value> {
    Some(Value::Json(Some(Box::new(json))))
}

/// Field, value in JavaScript, and what is read; nothing for what is refused.
type Case = (&'static str, &'static str, Option<Value>);

fn cases(backend: Backend) -> Vec<Case> {
    [numbers(backend), texts(), others()].concat()
}

fn texts() -> Vec<Case> {
    vec![
        ("flag", "true", Some(true.into())),
        ("flag", "1", None),
        ("flag", "null", None),
        ("short", "'12345'", text("12345")),
        ("short", "'🦀é\\u0301🦀 '", text("🦀é\u{301}🦀 ")),
        ("short", "'123456'", None),
        ("short", "'a\\0'", None),
        ("text", "'quote \\' \" \\\\ % _ $1 🦀'", text("quote ' \" \\ % _ $1 🦀")),
        ("text", "' trailing  '", text(" trailing  ")),
        ("text", "''", text("")),
        ("text", "'a\\0'", None),
        ("text", "7", None),
        ("text", "null", None),
        ("maybe_text", "null", Some(Value::String(None))),
        ("maybe_text", "'\\0'", None),
        ("chosen", "'draft'", text("draft")),
        ("chosen", "'Draft'", None),
    ]
}

fn others() -> Vec<Case> {
    vec![
        ("data", "new Uint8Array([0, 255])", Some(vec![0_u8, 255].into())),
        ("data", "new Uint8Array(0)", Some(Vec::<u8>::new().into())),
        ("data", "'00ff'", None),
        ("maybe_data", "null", Some(Value::Bytes(None))),
        ("maybe_data", "new Uint8Array(3)", Some(vec![0_u8; 3].into())),
        ("token", "Uuid.from('00000000-0000-0000-0000-00000000abcd')", Some(Uuid::from_u128(0xabcd).into())),
        ("token", "new Uint8Array(15)", None),
        ("day", "'9999-12-31'", Some(NaiveDate::from_ymd_opt(9999, 12, 31).unwrap().into())),
        ("day", "'0001-01-01'", Some(NaiveDate::from_ymd_opt(1, 1, 1).unwrap().into())),
        ("day", "'2023-02-29'", None),
        ("day", "'0000-12-31'", None),
        ("day", "'+10000-01-01'", None),
        ("at", "new Date('9999-12-31T23:59:59.999Z')", at("9999-12-31T23:59:59.999Z")),
        ("at", "new Date(-62135596800000)", at("0001-01-01T00:00:00Z")),
        ("at", "new Date(-62135596800001)", None),
        ("at", "new Date(253402300800000)", None),
        ("maybe_at", "new Date(253402300800000)", None),
        ("maybe_at", "null", Some(Value::ChronoDateTimeUtc(None))),
        ("at", "'2024-01-01T00:00:00Z'", None),
        (
            "doc",
            "[0.1, 5e-324, 1.5, 2n ** 63n, { a: null }]",
            doc(json!([0.1, 5e-324, 1.5, 1_u64 << 63, { "a": null }])),
        ),
        ("doc", "null", doc(json!(null))),
        (
            "doc",
            "JSON.parse('['.repeat(100) + ']'.repeat(100))",
            doc((1..100).fold(json!([]), |inner, _| json!([inner]))),
        ),
        ("doc", "JSON.parse('['.repeat(101) + ']'.repeat(101))", None),
        ("doc", "{ a: ['\\0'] }", None),
        ("doc", "{ 'a\\0': 1 }", None),
        ("doc", "[NaN]", None),
    ]
}

fn numbers(backend: Backend) -> Vec<Case> {
    let infinite = (backend != Backend::MySql).then_some(f64::INFINITY);
    vec![
        ("small", "-32768", Some(i16::MIN.into())),
        ("small", "32768", None),
        ("small", "1.5", None),
        ("small", "'7'", None),
        ("small", "null", None),
        ("maybe_small", "null", Some(Value::SmallInt(None))),
        ("maybe_small", "-32769", None),
        ("int", "2147483647", Some(i32::MAX.into())),
        ("int", "-2147483649", None),
        ("big", "2n ** 63n - 1n", Some(i64::MAX.into())),
        ("big", "-(2n ** 63n)", Some(i64::MIN.into())),
        ("big", "2n ** 63n", None),
        ("single", "0.1", Some(0.1_f32.into())),
        ("single", "16777216", Some(16_777_216_f32.into())),
        ("single", "16777217", None),
        ("single", "3.5e38", None),
        ("single", "NaN", None),
        ("single", "Infinity", infinite.map(|_| f32::INFINITY.into())),
        ("double", "5e-324", Some(5e-324.into())),
        ("double", "-1.7976931348623157e308", Some(f64::MIN.into())),
        ("double", "2n ** 63n", Some(9_223_372_036_854_775_808_f64.into())),
        ("double", "2n ** 53n + 1n", None),
        ("double", "NaN", None),
        ("maybe_double", "NaN", None),
        ("maybe_double", "-Infinity", infinite.map(|number| (-number).into())),
        ("price", "'79228162514264337593543950335'", decimal("79228162514264337593543950335")),
        ("price", "'-0.0000000000000000000000000001'", decimal("-0.0000000000000000000000000001")),
        ("price", "'79228162514264337593543950336'", None),
        ("price", "'0.00000000000000000000000000001'", None),
        ("price", "'1e3'", None),
        ("price", "1.5", None),
        ("maybe_price", "null", Some(Value::Decimal(None))),
        ("maybe_price", "''", None),
    ]
}

#[tokio::test]
async fn what_a_plugin_writes_is_refused_by_name_or_read_back_equal_by_every_way() {
    let Some(host) = Host::open().await else { return };
    let db = &host.test.db;
    let mut problems = Vec::new();
    for (field, value, expected) in cases(host.test.backend()) {
        for way in WAYS {
            let blank = Kept::objects(db).create(Kept::default()).await.unwrap();
            let before = host.rows().await;
            let shown = format!("`{field}` = {value}, by {way}");
            match (host.write(way, field, value, &blank).await, &expected) {
                (Ok(key), Some(expected)) => {
                    let row = Kept::objects(db).get(key).await.unwrap();
                    let read = (&row as &dyn AnyInstance).get(field).unwrap();
                    if read != *expected {
                        problems.push(format!("{shown}: is read as {read:?}"));
                    }
                }
                (Err(error), None) => {
                    let is_named = error.contains(&format!("`ways.Kept.{field}`"))
                        || (error.contains("`ways.Kept` is not valid")
                            && error.contains(&format!("`{field}`")));
                    if !is_named {
                        problems.push(format!("{shown}: {error}"));
                    }
                    assert_eq!(host.rows().await, before, "{shown}");
                    assert_eq!(*Kept::objects(db).get(blank.id).await.unwrap(), *blank, "{shown}");
                }
                (outcome, _) => problems.push(format!("{shown}: {outcome:?}")),
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// An expression has the type of the field that it is for, and computes with numbers.
#[tokio::test]
async fn an_expression_of_another_type_is_refused_by_name() {
    let Some(host) = Host::open().await else { return };
    let db = &host.test.db;
    let full = || Kept {
        small: i16::MAX,
        big: i64::MAX,
        double: f64::MAX,
        price: Decimal::MAX,
        ..Default::default()
    };
    for (field, expression, expected) in [
        ("small", "['small', 'sub', 1]", Ok(Some((i16::MAX - 1).into()))),
        ("small", "['maybe_small', 'add', 1]", Err("")),
        ("maybe_small", "['small', 'sub', 1]", Ok(Some((i16::MAX - 1).into()))),
        ("small", "['small', 'add', 1]", Err("")),
        (
            "small",
            "['big', 'sub', 1]",
            Err("`ways.Kept.small` cannot be computed of `big`: it is a 64-bit integer"),
        ),
        ("big", "['big', 'add', 1]", Err("")),
        (
            "text",
            "['text', 'add', 'x']",
            Err("`ways.Kept.text` cannot be computed of `text`: it is text, and not a number"),
        ),
        ("double", "['double', 'add', NaN]", Err("`double` is not a number")),
        ("double", "['double', 'mul', 2]", Err("")),
        ("price", "['price', 'add', '1']", Err("")),
        ("price", "['price', 'sub', '1']", Ok(decimal("79228162514264337593543950334"))),
    ] {
        let row = Kept::objects(db).create(full()).await.unwrap();
        match (host.write("computed", field, expression, &row).await, expected) {
            (Ok(_), Ok(expected)) => {
                let read = Kept::objects(db).get(row.id).await.unwrap();
                assert_eq!((&read as &dyn AnyInstance).get(field), expected, "`{field}` = {expression}");
            }
            (Err(error), Err(wanted)) => {
                assert!(error.contains(wanted), "`{field}` = {expression}: {error}");
                assert_eq!(*Kept::objects(db).get(row.id).await.unwrap(), *row);
            }
            (outcome, _) => panic!("`{field}` = {expression}: {outcome:?}"),
        }
    }
}
