//! Loading is bounded: what is too much is refused before it is compiled, and one file does not hold up the others.

use std::collections::BTreeMap;
use std::fmt::Write;

use aksara_plugins::{Engine, Limits, Listener, LoadError, Plugins, PluginsOptions};
use aksara_tests::plugin;
use aksara_wire::{CONTRACT_VERSION, Description, Grants, Subscription, When};

/// Why a component is refused.
async fn refusal(text: &str) -> LoadError {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    Engine::new().unwrap().load(None, bytes, Limits::default()).await.unwrap_err()
}

/// A component that holds `first`, and a chain of components around it, each of which has the one before it twice.
fn doubling(first: &str, times: usize) -> String {
    let mut text = format!("(component (component $c0 {first})");
    for number in 0..times {
        let twice = format!("(instance (instantiate $c{number})) (instance (instantiate $c{number}))");
        write!(text, "(component $c{} {twice})", number + 1).unwrap();
    }
    text + &format!("(instance (instantiate $c{times})))")
}

/// Components of which each has too much of something.
fn large_components() -> Vec<(&'static str, String)> {
    let instance = "(core instance (instantiate $m))";
    let part = |items: &str| format!("(core module $m {items}) {instance}");
    let component = |items: String| format!("(component {items})");
    let nested = |count: usize| format!("{}{}", "(component ".repeat(count), ")".repeat(count));
    let types = (0..20_001).map(|number| format!("(type (tuple{}))", " u8".repeat(1 + number % 9)));
    let exported = format!(
        "(component $a (core module $m) {instance} {instance}) (export $b \"b\" (component $a)) {}",
        "(instance (instantiate $b))".repeat(33)
    );
    let aliases = doubling(&"(alias outer 1 0 (type))".repeat(1_000), 6);
    vec![
        ("core instances", doubling(&part(""), 26)),
        ("core instances", component(format!("(core module $m) {}", instance.repeat(65)))),
        ("core instances", component(exported)),
        ("instances of components", doubling("", 60)),
        ("memories", doubling(&part("(memory 1)"), 2)),
        ("tables", doubling(&part("(table 1 funcref)"), 4)),
        ("items in components", aliases.replacen("(component ", "(component (type u8) ", 1)),
        ("levels of components inside of components", nested(60)),
        ("modules and components", component("(component)".repeat(300))),
        ("custom sections", component("(@custom \"a\" \"\")".repeat(201))),
        ("types", component(types.collect())),
    ]
}

/// Modules of which each has too much of something.
fn large_modules() -> Vec<(&'static str, String)> {
    let values = |count: usize| "i32 ".repeat(count);
    let function = |locals: usize, body: &str| format!("(func (local {}) {body})", values(locals));
    let exports = (0..50_001).map(|number| format!("(export \"{number}\" (func $f))"));
    let of_values = format!("(type $t (func (param {})))", values(100));
    let nested = format!("{} {}", "block ".repeat(6_001), "end ".repeat(6_001));
    let table = "(drop (table.get $t (i32.const 0)))".repeat(1_001);
    vec![
        ("custom sections", "(@custom \"a\" \"\")".repeat(201)),
        ("types", "(type (func))".repeat(20_001)),
        ("values of one function type", format!("(type (func (param {})))", values(101))),
        ("values of one function type", format!("(type (func (result {})))", values(101))),
        ("functions", "(func)".repeat(100_001)),
        ("imports and exports of modules", format!("(func $f) {}", exports.collect::<String>())),
        ("globals", "(global i32 (i32.const 0))".repeat(10_001)),
        ("segments", "(elem func)".repeat(200_001)),
        ("elements of tables", format!("(func $f) (elem func {})", "$f ".repeat(50_001))),
        ("bytes in one function", function(0, &"nop ".repeat(2 << 20))),
        ("local variables in one function", function(2_001, "")),
        ("local variables", function(2_000, "").repeat(501)),
        ("local variables", format!("{of_values} {}", "(func (type $t))".repeat(10_001))),
        ("blocks in one function", function(0, &"(block)".repeat(20_001))),
        ("blocks inside of blocks", function(0, &nested)),
        ("blocks times local variables", function(2_000, &"(loop)".repeat(5_001))),
        (
            "targets of jump tables in one function",
            function(0, &format!("(br_table {} (i32.const 0))", "0 ".repeat(64_002))),
        ),
        ("operations on tables in one function", format!("(table $t 1 funcref) {}", function(0, &table))),
    ]
}

/// Hole 2 of the review of the sandbox: a small file that is much to compile.
#[tokio::test]
async fn what_is_much_to_compile_is_refused_before_it_is_compiled() {
    let modules = large_modules().into_iter();
    let modules = modules.map(|(what, items)| (what, format!("(component (core module {items}))")));
    let mut wrong = Vec::new();
    for (expected, text) in large_components().into_iter().chain(modules) {
        match refusal(&text).await {
            LoadError::TooMuch { what, .. } if what == expected => {}
            other => wrong.push(format!("{expected}: {other}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!(
        refusal(&doubling("(core module $m) (core instance (instantiate $m))", 26)).await,
        @"the component has more than 64 core instances; build it with less, or make several plugins of it"
    );
}

/// What cannot be counted is not taken on trust.
#[tokio::test]
async fn a_component_that_instantiates_what_it_is_given_is_refused() {
    let given = [
        "(component $c (import \"a\" (component $a)) (instance (instantiate $a)) (instance (instantiate $a)))",
        "(component $c (import \"a\" (core module $a)) (core instance (instantiate $a)))",
        "(component $c (import \"i\" (instance $i (export \"a\" (component)))) (alias export $i \"a\" (component $a)) (instance (instantiate $a)))",
    ];
    for component in given {
        let error = refusal(&format!("(component {component})")).await.to_string();
        assert!(error.contains("instantiates a module or component that it imports"), "{error}");
    }
}

/// The largest that each SDK builds, and what the host brings along.
#[tokio::test]
async fn what_the_sdks_build_is_not_too_much() {
    let files = [
        plugin("conformance-c"),
        plugin("conformance-go"),
        plugin("conformance-javascript"),
        plugin("conformance-python"),
        plugin("conformance-rust"),
        plugin("page-signal-decorators"),
        plugin("search-index"),
    ];
    let engine = Engine::new().unwrap();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let limits = Limits { memory_bytes_max: 64 << 20, deadline_ms: 1_000, ..Limits::default() };
        let loaded = engine.load(None, bytes, limits).await;
        assert!(!matches!(loaded, Err(LoadError::TooMuch { .. })), "{}: {loaded:?}", file.display());
    }
}

/// M5 of the review of the sandbox: what comes with each load grows with the subscriptions, and no faster.
#[tokio::test]
async fn many_subscriptions_load_and_are_heard_in_order() {
    let signals = |plugin: usize| {
        (0..256).map(move |number| Subscription {
            handler: format!("h{number}"),
            signal: if number % 2 == 0 { "pre_save" } else { "post_save" }.to_owned(),
            // Half of them for every sender, the others for a sender of their own.
            sender: (number % 4 < 2).then(|| format!("app.Model{plugin}x{number}")),
            priority: i32::from(number as u8) % 7,
            reads: None,
            writes: None,
            when: When::default(),
        })
    };
    let folder = tempfile::tempdir().unwrap();
    for number in 0..24 {
        let name = format!("many{number:02}");
        std::fs::write(folder.path().join(format!("{name}.wasm")), component(&name, signals(number)))
            .unwrap();
    }
    let plugins = Plugins::open(folder.path(), PluginsOptions::default()).await.unwrap();
    for status in plugins.status() {
        assert_eq!(status.failure, None, "{}", status.name);
    }
    let set = plugins.set();
    assert_eq!(set.all().count(), 24 * 256);
    let heard: Vec<_> = set.handlers("pre_save", "app.Model3x4").collect();
    assert_eq!(heard.len(), 24 * 64 + 1);
    assert!(heard.iter().any(|handler| handler.id() == "many03/h4"));
    let place = |handler: &Listener| (std::cmp::Reverse(handler.subscription().priority), handler.order());
    assert!(heard.is_sorted_by_key(|handler| place(handler)));
    assert_eq!(set.handlers("pre_save", "app.Other").count(), 24 * 64);
    assert!(set.handlers("pre_delete", "app.Model3x4").is_empty());
}

/// A plugin that does nothing but say this of itself.
fn component(name: &str, subscriptions: impl Iterator<Item = Subscription>) -> Vec<u8> {
    let description = Description {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        contract: CONTRACT_VERSION.to_owned(),
        subscriptions: subscriptions.collect(),
        signals: BTreeMap::new(),
        grants: Grants::default(),
    };
    let bytes = description.encode();
    let data: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        r#"(component
            (core module $main
                (memory (export "memory") 4)
                (data (i32.const 1024) "{data}")
                (global $next (mut i32) (i32.const 0x30000))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (global.get $next))
                (func (export "describe") (result i32)
                    (i32.store (i32.const 0) (i32.const 1024))
                    (i32.store (i32.const 4) (i32.const {length}))
                    (i32.const 0))
                (func (export "handle") (param i32 i32 i32) (result i32)
                    (i32.store8 (i32.const 16) (i32.const 0))
                    (i32.store (i32.const 20) (i32.const 0))
                    (i32.store (i32.const 24) (i32.const 0))
                    (i32.const 16)))
            (core instance $main (instantiate $main))
            (func $describe (result (list u8))
                (canon lift (core func $main "describe") (memory $main "memory")))
            (func $handle (param "subscription" u32) (param "event" (list u8))
                (result (result (list u8) (error (list u8))))
                (canon lift (core func $main "handle") (memory $main "memory") (realloc (func $main "realloc"))))
            (instance $handler (export "describe" (func $describe)) (export "handle" (func $handle)))
            (export "aksara:signals/handler@{CONTRACT_VERSION}" (instance $handler)))"#,
        length = bytes.len(),
    );
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
}
