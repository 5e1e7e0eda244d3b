//! The cases that the golden files are made of.

use std::collections::{BTreeMap, BTreeSet};

use aksara_wire::{
    Arithmetic, CONTRACT_VERSION, Change, ConfigRequest, Description, Event, Failure, FieldExpression,
    FilterOperator, Grants, Map, ModelFilter, ModelOperation, ModelRequest, Patch, Payload, Reply,
    RequestError, SendRequest, ServiceRequest, Subscription, Timestamp, Value, When, encode,
};

pub(crate) const ID: [u8; 16] = [0x01, 0x9c, 0xa9, 0x5a, 0x9a, 0x00, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x2a];

pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Every value type, at the borders of its forms.
pub(crate) fn values() -> Vec<(&'static str, Value)> {
    [numbers(), text_and_bytes(), times(), containers()].concat()
}

fn numbers() -> Vec<(&'static str, Value)> {
    vec![
        ("nil", Value::Nil),
        ("bool_false", false.into()),
        ("bool_true", true.into()),
        ("int_0", 0i64.into()),
        ("int_127", 127i64.into()),
        ("int_128", 128i64.into()),
        ("int_255", 255i64.into()),
        ("int_256", 256i64.into()),
        ("int_65535", 65_535i64.into()),
        ("int_65536", 65_536i64.into()),
        ("int_u32_max", i64::from(u32::MAX).into()),
        ("int_u32_max_plus_1", (i64::from(u32::MAX) + 1).into()),
        ("int_i64_max", i64::MAX.into()),
        ("int_i64_max_plus_1", (i64::MAX as u64 + 1).into()),
        ("int_u64_max", u64::MAX.into()),
        ("int_minus_1", (-1i64).into()),
        ("int_minus_32", (-32i64).into()),
        ("int_minus_33", (-33i64).into()),
        ("int_minus_128", (-128i64).into()),
        ("int_minus_129", (-129i64).into()),
        ("int_i16_min", i64::from(i16::MIN).into()),
        ("int_below_i16_min", (i64::from(i16::MIN) - 1).into()),
        ("int_i32_min", i64::from(i32::MIN).into()),
        ("int_below_i32_min", (i64::from(i32::MIN) - 1).into()),
        ("int_i64_min", i64::MIN.into()),
        ("float_0", 0.0.into()),
        ("float_1", 1.0.into()),
        ("float_fraction", (-1.25).into()),
        ("float_large", 1.7976931348623157e308.into()),
        ("float_small", 5e-324.into()),
        ("float_infinite", f64::INFINITY.into()),
        ("float_minus_infinite", f64::NEG_INFINITY.into()),
    ]
}

fn text_and_bytes() -> Vec<(&'static str, Value)> {
    let text = |length| Value::Str("x".repeat(length));
    let bytes = |length| Value::Bin(vec![0xab; length]);
    vec![
        ("str_empty", "".into()),
        ("str_ascii", "Hello, World!".into()),
        ("str_unicode", "ꦲꦏ꧀ꦱꦫ \u{1f6eb} é\u{0}".into()),
        ("str_31", text(31)),
        ("str_32", text(32)),
        ("str_255", text(255)),
        ("str_256", text(256)),
        ("str_65536", text(65_536)),
        ("bin_empty", bytes(0)),
        ("bin_255", bytes(255)),
        ("bin_256", bytes(256)),
        ("bin_65536", bytes(65_536)),
        ("uuid", Value::Bin(ID.to_vec())),
        ("decimal", "19.90".into()),
        ("date", "2026-03-01".into()),
    ]
}

fn times() -> Vec<(&'static str, Value)> {
    vec![
        ("timestamp_epoch", time("1970-01-01T00:00:00Z").into()),
        ("timestamp_32_max", time("2106-02-07T06:28:15Z").into()),
        ("timestamp_seconds_33_bits", time("2106-02-07T06:28:16Z").into()),
        ("timestamp_nanoseconds", time("2026-03-01T12:00:00.123456789Z").into()),
        ("timestamp_64_max", time("2514-05-30T01:53:03.999999999Z").into()),
        ("timestamp_96", time("2514-05-30T01:53:04Z").into()),
        ("timestamp_before_epoch", time("1969-12-31T23:59:59.5Z").into()),
        ("timestamp_year_1", time("0001-01-01T00:00:00Z").into()),
    ]
}

fn containers() -> Vec<(&'static str, Value)> {
    let array = |length| Value::Array(vec![Value::Nil; length]);
    let entries = |length| Value::Map((0..length).map(|n| (format!("k{n:05}"), Value::Int(n))).collect());
    vec![
        ("array_empty", array(0)),
        ("array_15", array(15)),
        ("array_16", array(16)),
        ("array_65536", array(65_536)),
        ("array_mixed", Value::Array(vec![1i64.into(), "two".into(), 3.5.into(), Value::Nil])),
        ("map_empty", entries(0)),
        ("map_15", entries(15)),
        ("map_16", entries(16)),
        (
            "map_nested",
            Value::Map(map([("a", Value::Map(map([("b", Value::Array(vec![Map::new().into()]))])))])),
        ),
    ]
}

/// Every message of the contract, encoded.
pub(crate) fn messages() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut messages = events();
    let patch =
        |fields, update_fields| Reply::Patch(Patch { fields, update_fields, ..Patch::default() }).encode();
    messages.extend([
        ("reply_unchanged", "reply", Reply::Unchanged.encode()),
        ("reply_patch", "reply", patch(map([("slug", "hello-world".into())]), Vec::new())),
        ("reply_update_fields", "reply", patch(map([("slug", Value::Nil)]), vec!["slug".into()])),
        ("failure_reject", "failure", Failure::Reject("no posts on Sundays".into()).encode()),
        (
            "failure_invalid",
            "failure",
            Failure::Invalid(BTreeMap::from([("title".into(), vec!["is empty".into()])])).encode(),
        ),
        ("failure_error", "failure", Failure::Error("division by zero\n  at handler".into()).encode()),
        ("description", "description", description().encode()),
        ("description_smallest", "description", smallest().encode()),
        (
            "models_get",
            "models_request",
            ModelRequest {
                model: "Plane".into(),
                key: "N14228".into(),
                fields: Some(Vec::new()),
                ..ModelRequest::default()
            }
            .encode(),
        ),
        ("models_find", "models_request", find().encode()),
        (
            "models_count_all",
            "models_request",
            ModelRequest { model: "Post".into(), ..ModelRequest::default() }.encode(),
        ),
        ("models_create", "models_request", create().encode()),
        ("models_update", "models_request", update().encode()),
        ("models_update_rows", "models_request", bump().encode()),
        (
            "models_delete",
            "models_request",
            ModelRequest { model: "Post".into(), key: 7i64.into(), ..ModelRequest::default() }.encode(),
        ),
        ("send", "send_request", send().encode()),
        (
            "service",
            "service_request",
            ServiceRequest {
                service: "notifications.send".into(),
                args: Value::Map(map([("user", 7i64.into()), ("message", "a comment".into())])),
            }
            .encode(),
        ),
        ("config", "config_request", ConfigRequest { name: "greeting".into() }.encode()),
        ("models_error", "models_error", RequestError::new("there is no model `Plain`").encode()),
        (
            "log_record",
            "log_record",
            encode(&map([
                ("level", "info".into()),
                ("message", "made a slug".into()),
                ("slug", "hello-world".into()),
            ])),
        ),
    ]);
    messages
}

fn event<'a>(signal: &'static str, payload: Payload<'a>) -> Event<'a> {
    Event {
        id: ID,
        signal: signal.into(),
        sender: "Post".into(),
        db: "default".into(),
        depth: 0,
        operation: None,
        payload,
    }
}

/// An event inside of another, from a host that tells operations apart.
fn event_of_an_operation() -> Vec<u8> {
    let payload = Payload { origin: Some("instance".into()), ..Payload::default() };
    encode(&Event { depth: 1, operation: Some(ID), ..event("post_delete", payload) })
}

fn events() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let event = |signal, payload| encode(&event(signal, payload));
    let post = || Some(map([("title", "Hello, World!".into()), ("slug", "".into()), ("author", Value::Nil)]));
    let change = Change { field: "title".into(), old: Value::Nil, new: "Hello, World!".into() };
    vec![
        (
            "event_pre_save_created",
            "event",
            event("pre_save", Payload { instance: post(), created: Some(true), ..Payload::default() }),
        ),
        (
            "event_pre_save_update_fields",
            "event",
            event(
                "pre_save",
                Payload {
                    instance: post(),
                    created: Some(false),
                    update_fields: Some(vec!["title".into()]),
                    raw: true,
                    ..Payload::default()
                },
            ),
        ),
        (
            "event_post_save",
            "event",
            event(
                "post_save",
                Payload {
                    instance: post(),
                    created: Some(true),
                    changes: vec![change],
                    ..Payload::default()
                },
            ),
        ),
        (
            "event_pre_delete",
            "event",
            event(
                "pre_delete",
                Payload { instance: post(), origin: Some("query".into()), ..Payload::default() },
            ),
        ),
        ("event_operation", "event", event_of_an_operation()),
        (
            "event_custom",
            "event",
            event(
                "blog.published",
                Payload { args: map([("at", time("2026-03-01T12:00:00Z").into())]), ..Payload::default() },
            ),
        ),
    ]
}

pub(crate) fn description() -> Description {
    let slug = Subscription {
        handler: "generate_slug".into(),
        signal: "pre_save".into(),
        sender: Some("Post".into()),
        priority: -10,
        reads: Some(names(["title", "slug"])),
        writes: Some(names(["slug"])),
        when: When { created: Some(true), changed: names(["title"]) },
    };
    let audit = Subscription {
        handler: "audit".into(),
        signal: "post_delete".into(),
        sender: None,
        priority: 0,
        reads: None,
        writes: None,
        when: When::default(),
    };
    let operations = [ModelOperation::Get, ModelOperation::Find, ModelOperation::Count];
    Description {
        name: "slugify".into(),
        version: "1.2.0".into(),
        contract: CONTRACT_VERSION.into(),
        subscriptions: vec![slug, audit],
        signals: BTreeMap::from([("blog.published".to_owned(), names(["at"]))]),
        grants: Grants {
            models: BTreeMap::from([("Author".into(), BTreeSet::from(operations))]),
            signals: names(["blog.published"]),
            services: names(["notifications.send"]),
            keyvalue: names(["cache"]),
            http: names(["api.example.com:443"]),
        },
    }
}

fn smallest() -> Description {
    Description { subscriptions: Vec::new(), grants: Grants::default(), ..description() }
}

pub(crate) fn find() -> ModelRequest {
    let compare =
        |field: &str, operator, value| ModelFilter::Compare { field: field.into(), operator, value };
    let every = FilterOperator::ALL.iter().map(|operator| {
        let value = match operator {
            FilterOperator::In => Value::Array(vec![1i64.into(), 2i64.into()]),
            FilterOperator::IsNull => true.into(),
            _ => "x".into(),
        };
        compare("field", *operator, value)
    });
    ModelRequest {
        model: "Post".into(),
        filter: Some(ModelFilter::And(vec![
            ModelFilter::Or(every.collect()),
            ModelFilter::Not(Box::new(compare("slug", FilterOperator::Eq, "".into()))),
        ])),
        fields: Some(vec!["title".into()]),
        order_by: vec!["-created_at".into(), "title".into()],
        limit: Some(10),
        ..ModelRequest::default()
    }
}

/// Bytes that nobody here writes, and that everybody has to read: longer forms than needed, and single floats.
pub(crate) fn accepted() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("int_1_as_u64", "cf0000000000000001", 1i64.into()),
        ("int_1_as_i64", "d30000000000000001", 1i64.into()),
        ("int_1_as_i8", "d001", 1i64.into()),
        ("float_single", "ca3fc00000", 1.5.into()),
        ("str_8", "d90161", "a".into()),
        ("str_32_bits", "db0000000161", "a".into()),
        ("bin_32_bits", "c60000000161", Value::Bin(b"a".to_vec())),
        ("array_32_bits", "dd0000000101", Value::Array(vec![1i64.into()])),
        ("map_32_bits", "df00000001a16101", Value::Map(map([("a", 1i64.into())]))),
        ("map_key_str_8", "81d9016101", Value::Map(map([("a", 1i64.into())]))),
        ("timestamp_64_for_32", "d7ff0000000000000001", time("1970-01-01T00:00:01Z").into()),
        ("timestamp_96_for_32", "c70cff000000000000000000000001", time("1970-01-01T00:00:01Z").into()),
        ("timestamp_32_as_ext_8", "c704ff00000001", time("1970-01-01T00:00:01Z").into()),
    ]
}

/// Bytes that a host refuses, and what it says.
pub(crate) fn refused() -> Vec<(&'static str, &'static str)> {
    vec![
        ("nothing", ""),
        ("reserved_c1", "c1"),
        ("reserved_c1_in_array", "91c1"),
        ("trailing", "c0c0"),
        ("duplicate_key", "82a16101a16102"),
        ("duplicate_key_nested", "81a1789182a16101a16102"),
        ("key_is_integer", "810101"),
        ("key_is_nil", "81c001"),
        ("key_is_bytes", "81c4016101"),
        ("key_is_array", "819001"),
        ("key_is_timestamp", "81d6ff0000000001"),
        ("key_is_not_utf8", "81a1ff01"),
        ("text_is_cut", "a561"),
        ("array_is_cut", "9201"),
        ("array_announces_4_billion", "ddffffffff"),
        ("map_announces_4_billion", "dfffffffff"),
        ("str_announces_4_billion", "dbffffffff"),
        ("bin_announces_4_billion", "c6ffffffff"),
        ("ext_announces_4_billion", "c9ffffffffff"),
        ("integer_is_cut", "cf00"),
        ("unknown_extension", "d40100"),
        ("unknown_extension_in_map", "81a161d40500"),
        ("timestamp_of_3_bytes", "c703ff000001"),
        ("timestamp_of_nothing", "c700ff"),
        ("timestamp_nanoseconds_a_billion", "c70cff3b9aca000000000000000001"),
        ("timestamp_64_nanoseconds_a_billion", "d7ffee6b280000000001"),
    ]
}

fn create() -> ModelRequest {
    let values = map([("title", "Hello".into()), ("stars", 1i64.into())]);
    ModelRequest { model: "Note".into(), values, ..ModelRequest::default() }
}

fn update() -> ModelRequest {
    let values = map([("title", "Hello".into())]);
    ModelRequest { model: "Note".into(), key: 7i64.into(), values, ..ModelRequest::default() }
}

fn bump() -> ModelRequest {
    let add = FieldExpression { field: "stars".into(), operator: Arithmetic::Add, value: 1i64.into() };
    ModelRequest {
        model: "Note".into(),
        filter: Some(ModelFilter::And(Vec::new())),
        expressions: BTreeMap::from([("stars".to_owned(), add)]),
        ..ModelRequest::default()
    }
}

fn send() -> SendRequest {
    SendRequest {
        signal: "billing.payment_processed".into(),
        args: map([("amount", 99.5.into()), ("currency", "USD".into())]),
        sender: Some("Order".into()),
        key: 7i64.into(),
        robust: true,
    }
}
