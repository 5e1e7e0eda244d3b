//! What is refused at load, and how it is said.

use std::time::{Duration, Instant};

use aksara_plugins::Limits;
use aksara_wire::Description;

use crate::fixture::{Fixture, assert_texts, call, description, engine, refusal, subscription};

#[tokio::test]
async fn a_component_is_loaded_with_what_it_says_of_itself() {
    let fixture = Fixture::new();
    let revision = fixture.load(Limits::default()).await;
    assert_eq!(revision.name(), "fixture");
    assert_eq!(revision.version(), "1.2.0");
    assert_eq!(*revision.description(), description("fixture"));
    assert_eq!(revision.imports(), ["aksara:signals/log@0.1.0", "aksara:signals/models@0.1.0"]);
    assert_eq!(revision.size_bytes(), fixture.binary().len());
    assert_eq!(revision.digest().len(), 64);
    assert_eq!(revision.label(), format!("plugin `fixture` 1.2.0 (revision {})", &revision.digest()[..8]));
}

#[tokio::test]
async fn what_is_no_component_is_refused() {
    let component = Fixture::new().binary();
    let module = wat::parse_str("(module)").unwrap();
    let mut version = component.clone();
    version[4] = 0x0e;
    let cases = [
        ("empty", Vec::new(), "the file is no WebAssembly component: it does not begin as one"),
        ("text", b"(component)".to_vec(), "the file is no WebAssembly component: it does not begin as one"),
        (
            "elf",
            b"\x7fELF\x02\x01\x01\x00".to_vec(),
            "the file is no WebAssembly component: it does not begin as one",
        ),
        (
            "core module",
            module,
            "the file is no WebAssembly component: it is a core module; `aksara build` makes it a component",
        ),
        ("other version", version, "the file is no WebAssembly component: it is of an unknown version"),
        (
            "header cut off",
            component[..7].to_vec(),
            "the file is no WebAssembly component: it does not begin as one",
        ),
        (
            "nothing but a header",
            component[..8].to_vec(),
            "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`",
        ),
        (
            "no exports",
            wat::parse_str("(component)").unwrap(),
            "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`",
        ),
    ];
    let mut found = Vec::new();
    for (case, bytes, expected) in cases {
        found.push((case, refusal(bytes, Limits::default()).await.to_string(), expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn a_component_cut_off_anywhere_is_refused() {
    let component = Fixture::new().binary();
    for length in (0..component.len()).step_by(component.len() / 97) {
        let error = refusal(component[..length].to_vec(), Limits::default()).await.to_string();
        let known = ["the file is no WebAssembly component: ", "the component does not "];
        assert!(known.iter().any(|known| error.starts_with(known)), "{length}: {error}");
        assert!(!error.contains('\n'), "{length}: {error}");
    }
}

#[tokio::test]
async fn a_component_with_a_damaged_byte_aborts_nothing() {
    let component = Fixture::new().binary();
    let limits = Limits { deadline_ms: 20, ..Limits::default() };
    for at in (8..component.len()).step_by(component.len() / 97) {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = component.clone();
            damaged[at] ^= flip;
            // A byte of the description, or of a name, may well be another without harm.
            let loaded = engine().load(Some("fixture"), damaged, limits.clone()).await;
            if let Err(error) = loaded {
                assert!(!error.to_string().contains('\n'), "{at}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_unread() {
    let limits = Limits { file_bytes_max: 10, ..Limits::default() };
    let error = refusal(vec![0; 11], limits).await;
    assert_eq!(
        error.to_string(),
        "the file has 11 bytes, 10 are allowed; raise `file_bytes_max` or make it smaller"
    );
}

#[tokio::test]
async fn imports_that_no_plugin_gets_are_refused_by_name() {
    let instances = [
        "wasi:filesystem/types@0.2.0",
        "wasi:filesystem/types",
        "wasi:filesystem/preopens@0.2.6",
        "wasi:sockets/tcp@0.2.0",
        "wasi:random/insecure@0.2.0",
        "wasi:random/random-too@0.2.0",
        "aksara:signals/sql@0.1.0",
        "evil:signals/log@0.1.0",
        "log",
    ];
    let instances = instances.map(|name| (name, "(instance (export \"f\" (func)))"));
    let others = [("f", "(func)"), ("m", "(core module)"), ("r", "(type (sub resource))")];
    for (name, kind) in instances.into_iter().chain(others) {
        let bytes = Fixture::new().component(&format!("(import \"{name}\" {kind})")).binary();
        assert_eq!(
            refusal(bytes, Limits::default()).await.to_string(),
            format!("the component imports `{name}`, which is not granted to plugins; build it without")
        );
    }
    let bytes = Fixture::new().component("(import \"c\" (component))").binary();
    assert_eq!(
        refusal(bytes, Limits::default()).await.to_string(),
        "the component does not compile: failed to parse WebAssembly module: \
            root-level component imports are not supported"
    );
}

#[tokio::test]
async fn an_interface_of_nothing_is_no_import() {
    let import = "(import \"wasi:filesystem/types@0.2.0\" (instance))";
    let revision = Fixture::new().component(import).load(Limits::default()).await;
    assert_eq!(revision.imports(), ["aksara:signals/log@0.1.0", "aksara:signals/models@0.1.0"]);
    call(&revision).await.unwrap();
}

#[tokio::test]
async fn exports_and_imports_of_another_type_are_refused() {
    let cases = [
        (
            "no handler",
            Fixture::new().handler("aksara:signals/other@0.1.0"),
            "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`",
        ),
        (
            "handler of a later contract",
            Fixture::new().handler("aksara:signals/handler@0.2.0"),
            "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`",
        ),
        (
            "unknown function",
            Fixture::new().component(
                "(import \"wasi:random/random@0.2.0\" (instance (export \"get-everything\" (func))))",
            ),
            "the component does not fit the contract: component imports instance `wasi:random/random@0.2.0`, but a matching implementation was not found in the linker: instance export `get-everything` has the wrong type: function implementation is missing",
        ),
        (
            "another type",
            Fixture::new().component(
                "(import \"wasi:random/random@0.2.0\" (instance (export \"get-random-u64\" (func))))",
            ),
            "the component does not fit the contract: component imports instance `wasi:random/random@0.2.0`, but a matching implementation was not found in the linker: instance export `get-random-u64` has the wrong type: type mismatch with results: expected 1-tuple, found 0-tuple",
        ),
    ];
    let mut found = Vec::new();
    for (case, fixture, expected) in cases {
        found.push((case, refusal(fixture.binary(), Limits::default()).await.to_string(), expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn another_contract_is_refused_with_who_has_to_act() {
    let described = |contract: &str| {
        Fixture::new().description(&Description { contract: contract.to_owned(), ..description("fixture") })
    };
    let cases = [
        (
            "later",
            described("0.2.0"),
            "the plugin is built for contract 0.2.0, this host serves 0.1.0; its operator has to update the host",
        ),
        (
            "much later",
            described("1.0.0"),
            "the plugin is built for contract 1.0.0, this host serves 0.1.0; its operator has to update the host",
        ),
        (
            "earlier",
            described("0.0.9"),
            "the plugin is built for contract 0.0.9, this host serves 0.1.0; its author has to build it with a newer SDK",
        ),
        (
            "none",
            described(""),
            "the plugin is built for contract , this host serves 0.1.0; its author has to build it with a newer SDK",
        ),
        (
            "nonsense",
            described("zero"),
            "the plugin is built for contract zero, this host serves 0.1.0; its author has to build it with a newer SDK",
        ),
        (
            "imports of later",
            Fixture::new().contract("0.2.0"),
            "the plugin is built for contract 0.2.0, this host serves 0.1.0; its operator has to update the host",
        ),
        (
            "imports of earlier",
            Fixture::new().contract("0.0.1"),
            "the plugin is built for contract 0.0.1, this host serves 0.1.0; its author has to build it with a newer SDK",
        ),
    ];
    let mut found = Vec::new();
    for (case, fixture, expected) in cases {
        found.push((case, refusal(fixture.binary(), Limits::default()).await.to_string(), expected));
    }
    assert_texts(&found);
    described("0.1.7").load(Limits::default()).await;
}

#[tokio::test]
async fn descriptions_that_make_no_sense_are_refused() {
    let handlers = |subscriptions| Description { subscriptions, ..description("fixture") };
    let many = (0..257).map(|number| subscription(&format!("h{number}"), "pre_save")).collect();
    let cases = [
        (
            "another name",
            description("other"),
            "the plugin is called `other`, and its file `fixture.wasm`; rename the file to `other.wasm`",
        ),
        (
            "no name",
            description(""),
            "`describe` returned nonsense: the name `` is not made of letters, digits, `-` and `_`",
        ),
        (
            "a path",
            description("../fixture"),
            "`describe` returned nonsense: the name `../fixture` is not made of letters, digits, `-` and `_`",
        ),
        (
            "a line",
            description("fix\nture"),
            "`describe` returned nonsense: the name `fix\\nture` is not made of letters, digits, `-` and `_`",
        ),
        (
            "version of two lines",
            Description { version: "1\n2".to_owned(), ..description("fixture") },
            "`describe` returned nonsense: the version has control characters",
        ),
        (
            "handler without a name",
            handlers(vec![subscription("", "pre_save")]),
            "`describe` returned nonsense: \"\" is no name of a handler",
        ),
        (
            "handler of two lines",
            handlers(vec![subscription("a\nb", "pre_save")]),
            "`describe` returned nonsense: \"a\\nb\" is no name of a handler",
        ),
        (
            "unknown signal",
            handlers(vec![subscription("on_save", "before_save")]),
            "`describe` returned nonsense: `on_save` subscribes to `before_save`, and this host sends `pre_init`, `post_init`, `pre_save`, `post_save`, `pre_delete`, `post_delete`, `pre_bulk_create`, `post_bulk_create`, `pre_bulk_update`, `post_bulk_update`, `m2m_changed`, `after_commit`, `after_rollback`",
        ),
        (
            "twice",
            handlers(vec![subscription("a", "pre_save"), subscription("a", "pre_save")]),
            "`describe` returned nonsense: `a` subscribes to `pre_save` twice",
        ),
        (
            "too many",
            handlers(many),
            "`describe` returned nonsense: it has 257 subscriptions, 256 are allowed",
        ),
    ];
    let mut found = Vec::new();
    for (case, description, expected) in cases {
        let bytes = Fixture::new().description(&description).binary();
        found.push((case, refusal(bytes, Limits::default()).await.to_string(), expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn custom_signals_are_not_known_at_load() {
    let mut described = description("fixture");
    described.subscriptions.push(subscription("on_paid", "shop.paid"));
    Fixture::new().description(&described).load(Limits::default()).await;
}

#[tokio::test]
async fn a_name_is_checked_only_where_one_is_asked_for() {
    let bytes = Fixture::new().binary();
    assert_eq!(engine().load(None, bytes, Limits::default()).await.unwrap().name(), "fixture");
}

#[tokio::test]
async fn bytes_that_are_no_description_are_refused() {
    let mut trailing = description("fixture").encode();
    trailing.push(0);
    let cases: [(&str, &[u8], &str); 6] = [
        ("empty", b"", "`describe` returned nonsense: malformed MessagePack: it ends inside a value"),
        (
            "reserved",
            b"\xc1",
            "`describe` returned nonsense: malformed MessagePack: the byte 0xc1 begins no value",
        ),
        (
            "array",
            b"\x90",
            "`describe` returned nonsense: malformed MessagePack: invalid length 0, expected struct Description with 6 elements",
        ),
        ("empty map", b"\x80", "`describe` returned nonsense: malformed MessagePack: missing field `name`"),
        (
            "duplicate keys",
            b"\x82\xa4name\xa1a\xa4name\xa1b",
            "`describe` returned nonsense: malformed MessagePack: duplicate key `name`",
        ),
        (
            "trailing",
            &trailing,
            "`describe` returned nonsense: 1 bytes after the end of the MessagePack value",
        ),
    ];
    let mut found = Vec::new();
    for (case, bytes, expected) in cases {
        let bytes = Fixture::new().description_bytes(bytes).binary();
        found.push((case, refusal(bytes, Limits::default()).await.to_string(), expected));
    }
    let limits = Limits { bytes_max: 50, ..Limits::default() };
    let long = Description { version: "1".repeat(100), subscriptions: Vec::new(), ..description("fixture") };
    let long = refusal(Fixture::new().description(&long).binary(), limits).await;
    found.push((
        "too long",
        long.to_string(),
        "`describe` returned nonsense: 170 bytes of MessagePack exceed the limit of 50",
    ));
    assert_texts(&found);
}

#[tokio::test]
async fn describe_has_all_limits() {
    let limits =
        Limits { deadline_ms: 50, memory_bytes_max: 1 << 20, host_calls_max: 5, ..Limits::default() };
    let cases = [
        ("trap", Fixture::new().describe("unreachable"), "`describe` failed: it trapped: wasm trap: wasm `unreachable` instruction executed"),
        ("out of bounds", Fixture::new().describe("(i32.const -8)"), "`describe` failed: it trapped: pointer out of bounds of memory"),
        ("loop", Fixture::new().describe("(loop $forever (br $forever)) unreachable"), "`describe` failed: it ran longer than 50 ms; raise `deadline_ms` or fix the plugin"),
        ("loop at start", Fixture::new().module("(func $start (loop $forever (br $forever))) (start $start)"), "`describe` failed: it ran longer than 50 ms; raise `deadline_ms` or fix the plugin"),
        ("trap at start", Fixture::new().module("(func $start unreachable) (start $start)"), "`describe` failed: it trapped: wasm trap: wasm `unreachable` instruction executed, in `start`"),
        (
            "memory",
            Fixture::new().describe(
                "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
            ),
            "`describe` failed: it used more than 1 MiB of memory; raise `memory_bytes_max` or fix the plugin",
        ),
        (
            "host calls",
            Fixture::new().describe(
                "(loop $again (call $get (i32.const 0) (i32.const 0) (i32.const 32)) (br $again)) unreachable",
            ),
            "`describe` failed: it made more than 5 host calls; raise `host_calls_max` or ask for more at once",
        ),
    ];
    let mut found = Vec::new();
    for (case, fixture, expected) in cases {
        let start = Instant::now();
        found.push((case, refusal(fixture.binary(), limits.clone()).await.to_string(), expected));
        assert!(start.elapsed() < Duration::from_secs(10), "{case}: {:?}", start.elapsed());
    }
    assert_texts(&found);
}

#[tokio::test]
async fn describe_reads_no_models() {
    // The error of the host is returned as if it were the description.
    let body = "(call $get (global.get $data) (global.get $data_length) (i32.const 32)) (i32.const 36)";
    let request = crate::models::request("app.Article");
    let bytes = Fixture::new().data(&request).describe(body).binary();
    assert_eq!(
        refusal(bytes, Limits::default()).await.to_string(),
        "`describe` returned nonsense: malformed MessagePack: missing field `name`"
    );
}
