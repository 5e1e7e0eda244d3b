//! The conformance plugin in Rust: what `tests/conformance/README.md` says.

mod asks;

use std::collections::BTreeSet;

use aksara_guest::prelude::*;

/// The fields of `Conform`, through the types that the SDK gives them.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Conform {
    command: String,
    integer: Option<i64>,
    float: Option<f64>,
    boolean: Option<bool>,
    text: Option<String>,
    bytes: Option<Bytes>,
    time: Option<Timestamp>,
    date: Option<String>,
    uuid: Option<Bytes>,
    decimal: Option<String>,
    json: Value,
    integer_out: Option<i64>,
    float_out: Option<f64>,
    boolean_out: Option<bool>,
    text_out: Option<String>,
    bytes_out: Option<Bytes>,
    time_out: Option<Timestamp>,
    date_out: Option<String>,
    uuid_out: Option<Bytes>,
    decimal_out: Option<String>,
    json_out: Value,
}

type Bytes = Vec<u8>;

/// Does what the instance says.
#[pre_save("Conform")]
fn obey(it: &mut Conform, event: &Event) -> Result {
    match it.command.as_str() {
        "echo" => echo(it),
        "same" => it.text = it.text.clone(),
        "reject" => return Err(reject(format!("no: {}", it.text()))),
        "invalid" => return Err(invalid("text", "is bad").and("text", "is worse")),
        "raise" => explode(),
        "chain" => Err(Outer(Inner))?,
        "cut" => return Err(aksara_guest::Error::new("cut")),
        "document" => it.json_out = document(it),
        "not_a_number" => {
            it.json_out = map! { "items": vec![Value::Int(1), map! { "at": f64::NAN }.into()] }.into()
        }
        "deep" => it.json_out = (0..200).fold(Value::Nil, |inner, _| Value::Array(vec![inner])),
        "nest" => it.text_out = Some(nest()),
        "recurse" => it.integer_out = Some(forever(0)),
        "about" => it.text_out = Some(about(event)),
        "operation" => {
            let operation = event.operation().unwrap_or_default();
            it.text_out = Some(operation.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        "log" => log::info!(number = it.integer; "hello"),
        "print" => log::info!("{}", it.text()),
        "time" => it.integer_out = Some(event.time().seconds()),
        "loop" => loop {
            std::hint::spin_loop();
        },
        "memory" => exhaust(),
        _ => return asks::ask(it),
    }
    Ok(())
}

impl Conform {
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    fn integer(&self) -> i64 {
        self.integer.unwrap_or_default()
    }
}

fn echo(it: &mut Conform) {
    it.integer_out = it.integer;
    it.float_out = it.float;
    it.boolean_out = it.boolean;
    it.text_out = it.text.clone();
    it.bytes_out = it.bytes.clone();
    it.time_out = it.time;
    it.date_out = it.date.clone();
    it.uuid_out = it.uuid.clone();
    it.decimal_out = it.decimal.clone();
    it.json_out = it.json.clone();
}

/// What commands put into a field, or send.
fn document(it: &Conform) -> Value {
    let fields = map! {
        "integer": it.integer,
        "float": it.float,
        "boolean": it.boolean,
        "text": it.text.clone(),
        "bytes": it.bytes.clone(),
        "time": it.time,
        "date": it.date.clone(),
        "uuid": it.uuid.clone(),
        "decimal": it.decimal.clone(),
        "json": it.json.clone(),
    };
    let list: Vec<Value> = vec![it.uuid.clone().into(), it.time.into(), it.bytes.clone().into()];
    map! { "fields": fields, "list": list }.into()
}

/// An error that another one caused.
#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer")
    }
}

impl std::fmt::Display for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the real reason")
    }
}

impl std::error::Error for Inner {}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A document of too many levels is an error before it is sent.
fn nest() -> String {
    let deep = (0..1_000).fold(Value::Nil, |inner, _| Value::Array(vec![inner]));
    let sent = services::call::<String>("conform.keep", &deep);
    if sent.is_err() { "error".to_owned() } else { "none".to_owned() }
}

#[allow(unconditional_recursion, reason = "the stack ends it")]
fn forever(depth: i64) -> i64 {
    std::hint::black_box(forever(std::hint::black_box(depth + 1)) + depth)
}

fn explode() {
    panic!("boom");
}

fn exhaust() {
    let mut kept = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1u8; 1 << 20]));
    }
}

fn about(event: &Event) -> String {
    let names =
        event.update_fields().map_or("none".to_owned(), |names| sorted(names.iter().map(String::as_str)));
    let (signal, sender, created, depth) = (event.signal(), event.sender(), event.created(), event.depth());
    format!("{signal} {sender} created={created} update_fields={names} depth={depth}")
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",")
}

/// Changes what no type of its own would let it change.
#[pre_save("Conform", priority = -1)]
fn misbehave(fields: &mut Map) {
    match fields.get("command") {
        Some(Value::Str(command)) if command == "wrong" => fields.insert("integer".into(), "seven".into()),
        Some(Value::Str(command)) if command == "unknown" => fields.insert("nonsense".into(), 1i64.into()),
        _ => None,
    };
}

#[post_save("Conform")]
fn seen_post_save(_: &Map, event: &Event) {
    seen(event);
}

#[pre_delete("Conform")]
fn seen_pre_delete(_: &Map, event: &Event) {
    seen(event);
}

#[post_delete("Conform")]
fn seen_post_delete(_: &Map, event: &Event) {
    seen(event);
}

#[on("pre_bulk_create", "Conform", writes("text_out"))]
fn seen_pre_bulk_create(event: &Event) {
    seen(event);
    for index in 0..event.instances().len() {
        event.set(index, "text_out", format!("bulk {index}"));
    }
}

#[on("post_bulk_create", "Conform")]
fn seen_post_bulk_create(event: &Event) {
    seen(event);
}

#[on("pre_bulk_update", "Conform")]
fn seen_pre_bulk_update(event: &Event) {
    seen(event);
}

#[on("post_bulk_update", "Conform")]
fn seen_post_bulk_update(event: &Event) {
    seen(event);
}

#[on("m2m_changed", "Conform.notes")]
fn seen_m2m_changed(event: &Event) {
    seen(event);
}

#[on("after_commit", "Conform")]
fn seen_after_commit(event: &Event) {
    seen(event);
}

#[on("after_rollback", "Conform")]
fn seen_after_rollback(event: &Event) {
    seen(event);
}

/// Says what it heard.
fn seen(event: &Event) {
    let signal = event.signal();
    let ends = matches!(signal, "after_commit" | "after_rollback");
    let mut fields = Map::new();
    let mut field =
        |name: &str, value: Option<Value>| fields.extend(value.map(|value| (name.to_owned(), value)));
    field("created", (ends || signal == "post_save").then(|| event.created().into()));
    let changes = sorted(event.changes().iter().map(|change| &*change.field));
    field("changes", (!changes.is_empty()).then(|| changes.into()));
    field("origin", event.origin().map(Value::from));
    field("instances", signal.contains("bulk").then(|| number(event.instances().len())));
    field("rows", event.rows().map(|rows| number(rows as usize)));
    field("action", event.action().map(Value::from));
    field("reverse", event.action().map(|_| event.reverse().into()));
    field("pk_set", event.action().map(|_| number(event.pk_set().len())));
    field("deleted", ends.then(|| event.deleted().into()));
    field("key", event.key().cloned());
    log::write(log::Level::Info, format!("seen {signal}"), fields);
}

fn number(count: usize) -> Value {
    Value::Int(count as i64)
}

/// Hears the signal that it sends.
#[on("conform.happened")]
fn happened(event: &Event) {
    log::info!(number = event.argument("number"), text = event.argument("text"); "happened");
}

plugin! {
    handlers: [
        obey,
        misbehave,
        seen_post_save,
        seen_pre_delete,
        seen_post_delete,
        seen_pre_bulk_create,
        seen_post_bulk_create,
        seen_pre_bulk_update,
        seen_post_bulk_update,
        seen_m2m_changed,
        seen_after_commit,
        seen_after_rollback,
        happened,
    ],
    signals: { "conform.happened": ["number", "text"] },
    grants: {
        models: { "Note": [get, find, count, create, update, delete] },
        signals: ["conform.happened"],
        services: ["conform.reverse", "conform.keep"],
        keyvalue: ["conform"],
    },
}
