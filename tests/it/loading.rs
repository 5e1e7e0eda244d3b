//! Loading is bounded: what is too much is refused before it is compiled, and one file does not hold up the others.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

use aksara_plugins::{
    CacheFolder, Engine, Limits, Listener, LoadError, PluginStatus, Plugins, PluginsOptions,
};
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
        std::fs::write(
            folder.path().join(format!("{name}.wasm")),
            component(&name, "1.0.0", signals(number)),
        )
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
fn component(name: &str, version: &str, subscriptions: impl Iterator<Item = Subscription>) -> Vec<u8> {
    let description = Description {
        name: name.to_owned(),
        version: version.to_owned(),
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

/// A plugin with one handler.
fn honest(name: &str, version: &str) -> Vec<u8> {
    let subscription = Subscription {
        handler: "on_save".to_owned(),
        signal: "pre_save".to_owned(),
        sender: None,
        priority: 0,
        reads: None,
        writes: None,
        when: When::default(),
    };
    component(name, version, std::iter::once(subscription))
}

/// Waits until a plugin serves, and returns what is known of all.
async fn until_serving(plugins: &Plugins, name: &str) -> Vec<PluginStatus> {
    let mut generation = plugins.subscribe();
    let wait = async {
        loop {
            let status = plugins.status();
            if status.iter().any(|one| one.name == name && one.serving.is_some()) {
                return status;
            }
            generation.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it does not serve")
}

/// Hole 11 of the review of the sandbox.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_takes_long_to_compile_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = Plugins::open(folder.path(), PluginsOptions::default()).await.unwrap();
    // Never compiled before.
    let unique = uuid::Uuid::new_v4().as_u128() as i64;
    let sum = format!(
        "(func (param i64) (result i64) (local.get 0) {})",
        format!("(i64.add (i64.const {unique}))").repeat(400)
    );
    let large = wat::parse_str(format!("(component (core module {}))", sum.repeat(400))).unwrap();
    std::fs::write(folder.path().join("a.wasm"), large).unwrap();
    std::fs::write(folder.path().join("z.wasm"), honest("z", "1.0.0")).unwrap();
    let status = until_serving(&plugins, "z").await;
    assert!(status.iter().all(|one| one.name != "a"), "{status:?}");
    // It is no plugin, but whoever asks for a look waits for it.
    plugins.rescan().await;
    assert!(plugins.status().iter().any(|one| one.name == "a" && one.failure.is_some()));
}

/// Hole 10 of the review of the sandbox: what is put in a file's place between the look and the reading.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_or_a_link_in_the_place_of_a_file_neither_blocks_nor_is_followed() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let linked = outside.path().join("linked.wasm");
    std::fs::write(&linked, honest("evil", "2.0.0")).unwrap();
    let pipe = outside.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let plugins = Plugins::open(folder.path(), PluginsOptions::default()).await.unwrap();
    let place = folder.path().join("evil.wasm");
    let put = |number: usize| {
        let new = outside.path().join("new");
        match number % 3 {
            0 => std::fs::write(&new, honest("evil", "1.0.0")).unwrap(),
            1 => std::os::unix::fs::symlink(&linked, &new).unwrap(),
            _ => std::fs::hard_link(&pipe, &new).unwrap(),
        }
        std::fs::rename(new, &place).unwrap();
    };
    for number in 0..300 {
        put(number);
        if number % 3 == 0 {
            tokio::time::sleep(Duration::from_micros(26_000 + 7 * number as u64)).await;
        }
        let evil = plugins.status().into_iter().find(|one| one.name == "evil");
        let serving = evil.and_then(|one| one.serving);
        assert!(serving.is_none_or(|serving| serving.version == "1.0.0"));
    }
    std::fs::write(folder.path().join("honest.wasm"), honest("honest", "1.0.0")).unwrap();
    until_serving(&plugins, "honest").await;
}

/// Hole 12 of the review of the sandbox: what lies in a cache is run as it is.
#[cfg(unix)]
#[test]
fn a_cache_is_used_only_if_it_is_ours() {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mode = |name: &str| std::fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    let set_mode =
        |name: &str, mode| std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode));
    let refused = |name: &str| CacheFolder::open(&path(name), 1 << 20).unwrap_err().to_string();
    let cache = CacheFolder::open(&path("a/b"), 1 << 20).unwrap();
    assert_eq!(mode("a/b"), 0o700);
    cache.put("one", b"1").unwrap();
    assert_eq!(cache.get("one").unwrap(), b"1");
    assert_eq!(mode("a/b/one"), 0o600);
    // What others may have put there.
    set_mode("a/b/one", 0o666).unwrap();
    assert_eq!(cache.get("one"), None);
    std::fs::write(path("elsewhere"), "2").unwrap();
    symlink(path("elsewhere"), path("a/b/two")).unwrap();
    assert_eq!(cache.get("two"), None);
    symlink(path("a/b"), path("link")).unwrap();
    insta::assert_snapshot!(refused("link"), @"it is a link; name the folder itself");
    std::fs::write(path("file"), "").unwrap();
    refused("file");
    for writable in [0o770, 0o777, 0o1777] {
        set_mode("a/b", writable).unwrap();
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused("a/b"), @"others may write there; empty it, and take that from them (`chmod go-w`)");
        }
        assert_eq!(mode("a/b"), writable & 0o777, "it is left as it is");
    }
    set_mode("a/b", 0o755).unwrap();
    CacheFolder::open(&path("a/b"), 1 << 20).unwrap();
    // Only root can give a folder away.
    if chown(path("a/b"), Some(12_345), None).is_ok() {
        assert!(refused("a/b").starts_with("it belongs to user 12345"), "{}", refused("a/b"));
    }
}

#[cfg(unix)]
#[test]
fn a_cache_keeps_within_its_size_and_drops_what_was_not_used_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let cache = CacheFolder::open(folder.path(), 1_000).unwrap();
    let used = |name: &str, days: u64| {
        let file = std::fs::File::options().write(true).open(folder.path().join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60)).unwrap();
    };
    for name in ["a", "b", "c", "d"] {
        cache.put(name, &[0; 200]).unwrap();
    }
    ["a", "b", "c", "d"].into_iter().zip([4, 3, 2, 31]).for_each(|(name, days)| used(name, days));
    // It counts as used from now on.
    cache.get("a").unwrap();
    cache.put("e", &[0; 500]).unwrap();
    let kept: Vec<_> =
        ["a", "b", "c", "d", "e"].into_iter().filter(|name| cache.get(name).is_some()).collect();
    assert_eq!(kept, ["a", "c", "e"]);
    cache.put("f", &[0; 5_000]).unwrap();
    let kept: Vec<_> = ["a", "c", "e", "f"].into_iter().filter(|name| cache.get(name).is_some()).collect();
    assert_eq!(kept, ["f"], "what was just put there is not dropped");
}
