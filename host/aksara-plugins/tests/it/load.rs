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
    let cases = [
        (
            "tcp",
            "wasi:sockets/tcp@0.2.0",
            "the component imports `wasi:sockets/tcp@0.2.0`, which is not granted to plugins; build it without",
        ),
        (
            "files",
            "wasi:filesystem/types@0.2.0",
            "the component imports `wasi:filesystem/types@0.2.0`, which is not granted to plugins; build it without",
        ),
        (
            "preopens",
            "wasi:filesystem/preopens@0.2.6",
            "the component imports `wasi:filesystem/preopens@0.2.6`, which is not granted to plugins; build it without",
        ),
        (
            "http",
            "wasi:http/outgoing-handler@0.2.0",
            "the component imports `wasi:http/outgoing-handler@0.2.0`, which is not granted to plugins; build it without",
        ),
        (
            "no version",
            "wasi:filesystem/types",
            "the component imports `wasi:filesystem/types`, which is not granted to plugins; build it without",
        ),
        (
            "insecure random",
            "wasi:random/insecure@0.2.0",
            "the component imports `wasi:random/insecure@0.2.0`, which is not granted to plugins; build it without",
        ),
        (
            "interface of later",
            "aksara:signals/bus@0.1.0",
            "the component imports `aksara:signals/bus@0.1.0`, which is not granted to plugins; build it without",
        ),
        (
            "another package",
            "evil:signals/log@0.1.0",
            "the component imports `evil:signals/log@0.1.0`, which is not granted to plugins; build it without",
        ),
        (
            "a longer name",
            "wasi:random/random-too@0.2.0",
            "the component imports `wasi:random/random-too@0.2.0`, which is not granted to plugins; build it without",
        ),
        (
            "a plain name",
            "log",
            "the component imports `log`, which is not granted to plugins; build it without",
        ),
    ];
    let mut found = Vec::new();
    for (case, import, expected) in cases {
        let import = format!("(import \"{import}\" (instance (export \"f\" (func))))");
        let bytes = Fixture::new().component(&import).binary();
        found.push((case, refusal(bytes, Limits::default()).await.to_string(), expected));
    }
    for (case, import, expected) in [
        (
            "function",
            "(import \"f\" (func))",
            "the component imports `f`, which is not granted to plugins; build it without",
        ),
        (
            "module",
            "(import \"m\" (core module))",
            "the component imports `m`, which is not granted to plugins; build it without",
        ),
        (
            "component",
            "(import \"c\" (component))",
            "the component does not compile: failed to parse WebAssembly module: root-level component imports are not supported",
        ),
        (
            "resource",
            "(import \"r\" (type (sub resource)))",
            "the component imports `r`, which is not granted to plugins; build it without",
        ),
    ] {
        let bytes = Fixture::new().component(import).binary();
        found.push((case, refusal(bytes, Limits::default()).await.to_string(), expected));
    }
    assert_texts(&found);
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
            "`describe` returned nonsense: the name `fix ture` is not made of letters, digits, `-` and `_`",
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
        (
            "empty",
            b"",
            "`describe` returned nonsense: malformed MessagePack: IO error while reading marker: failed to fill whole buffer",
        ),
        (
            "reserved",
            b"\xc1",
            "`describe` returned nonsense: malformed MessagePack: wrong msgpack marker Reserved",
        ),
        (
            "array",
            b"\x90",
            "`describe` returned nonsense: malformed MessagePack: invalid length 0, expected struct Description with 5 elements",
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
        ("trap at start", Fixture::new().module("(func $start unreachable) (start $start)"), "`describe` failed: it trapped: wasm trap: wasm `unreachable` instruction executed"),
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

#[tokio::test]
async fn features_that_no_supported_language_needs_are_refused() {
    let cases = [
        (
            "garbage collection: struct",
            "(type (struct))",
            "the component does not compile: failed to parse WebAssembly module: struct indexed types not supported without the gc feature",
        ),
        (
            "garbage collection: array",
            "(type (array i8))",
            "the component does not compile: failed to parse WebAssembly module: array indexed types not supported without the gc feature",
        ),
        (
            "garbage collection: i31",
            "(func (drop (ref.i31 (i32.const 1))))",
            "the component does not compile: failed to compile: wasm[0]::function[0]: WebAssembly translation error: Invalid input WebAssembly code at offset 35: gc support is not enabled",
        ),
        (
            "garbage collection: anyref",
            "(func (param anyref))",
            "the component does not compile: failed to parse WebAssembly module: gc types are disallowed but found type which requires gc",
        ),
        (
            "typed function references",
            "(type $f (func)) (func (param (ref $f)))",
            "the component does not compile: failed to parse WebAssembly module: function references required for index reference types",
        ),
        (
            "shared memory",
            "(memory 1 1 shared)",
            "the component does not compile: failed to parse WebAssembly module: threads must be enabled for shared memories",
        ),
        (
            "atomics",
            "(func (atomic.fence))",
            "the component does not compile: failed to compile: wasm[0]::function[0]: WebAssembly translation error: Invalid input WebAssembly code at offset 33: threads support is not enabled",
        ),
        (
            "memory64",
            "(memory i64 1)",
            "the component does not compile: failed to parse WebAssembly module: memory64 must be enabled for 64-bit memories",
        ),
        (
            "table64",
            "(table i64 1 funcref)",
            "the component does not compile: failed to parse WebAssembly module: memory64 must be enabled for 64-bit tables",
        ),
        (
            "exceptions: tag",
            "(tag)",
            "the component does not compile: failed to parse WebAssembly module: exceptions proposal not enabled",
        ),
        (
            "exceptions: try_table",
            "(func (try_table))",
            "the component does not compile: failed to compile: wasm[0]::function[0]: WebAssembly translation error: Invalid input WebAssembly code at offset 33: exceptions support is not enabled",
        ),
        (
            "exceptions: exnref",
            "(func (param exnref))",
            "the component does not compile: failed to parse WebAssembly module: exception refs not supported without the exception handling feature",
        ),
        (
            "tail calls",
            "(func $f (return_call $f))",
            "the component does not compile: failed to compile: wasm[0]::function[0]::f: WebAssembly translation error: Invalid input WebAssembly code at offset 33: tail calls support is not enabled",
        ),
        (
            "custom page sizes",
            "(memory 1 (pagesize 1))",
            "the component does not compile: failed to parse WebAssembly module: the custom page sizes proposal must be enabled to customize a memory's page size",
        ),
        (
            "two memories",
            "(memory 1) (memory 1)",
            "the component does not compile: failed to parse WebAssembly module: multiple memories",
        ),
        (
            "relaxed SIMD",
            "(func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
            "the component does not compile: failed to compile: wasm[0]::function[0]: WebAssembly translation error: Invalid input WebAssembly code at offset 39: relaxed SIMD support is not enabled",
        ),
        (
            "wide arithmetic",
            "(func (param i64) (i64.add128 (local.get 0) (local.get 0) (local.get 0) (local.get 0)) (drop) (drop))",
            "the component does not compile: failed to compile: wasm[0]::function[0]: WebAssembly translation error: Invalid input WebAssembly code at offset 42: wide arithmetic support is not enabled",
        ),
        (
            "stack switching",
            "(type $f (func)) (type (cont $f))",
            "the component does not compile: failed to parse WebAssembly module: cannot define continuation types when stack switching is disabled",
        ),
    ];
    let mut found = Vec::new();
    for (case, items, expected) in cases {
        let bytes = Fixture::new().component(&format!("(core module {items})")).binary();
        found.push((case, offset_hidden(&refusal(bytes, Limits::default()).await.to_string()), expected));
    }
    for (case, items, expected) in [
        (
            "async: canonical",
            "(core func (canon task.cancel))",
            "the component does not compile: failed to parse WebAssembly module: `task.cancel` requires the component model async feature",
        ),
        (
            "async: future",
            "(type (future u32))",
            "the component does not compile: failed to parse WebAssembly module: `future` requires the component model async feature",
        ),
        (
            "async: stream",
            "(type (stream u8))",
            "the component does not compile: failed to parse WebAssembly module: `stream` requires the component model async feature",
        ),
        (
            "threads",
            "(core func (canon thread.index))",
            "the component does not compile: failed to parse WebAssembly module: `thread.index` requires the component model threading feature",
        ),
        (
            "fixed lists",
            "(type (list u8 4))",
            "the component does not compile: failed to parse WebAssembly module: Fixed-length lists require the component model fixed-length lists feature",
        ),
        (
            "values",
            "(import \"v\" (value u32))",
            "the component does not compile: failed to parse WebAssembly module: support for component model `value`s is not enabled",
        ),
    ] {
        let bytes = Fixture::new().component(items).binary();
        found.push((case, offset_hidden(&refusal(bytes, Limits::default()).await.to_string()), expected));
    }
    assert_texts(&found);
}

/// Without the place in the file, which changes with every change of the fixture.
fn offset_hidden(text: &str) -> String {
    text.split(" (at offset ").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn shapes_that_are_hard_to_compile_abort_nothing() {
    let deep = format!("(func {} {})", "block ".repeat(5_000), "end ".repeat(5_000));
    let locals = format!("(func (local {}))", "i64 ".repeat(50_001));
    let cases = [
        ("deep blocks", deep, ""),
        (
            "many locals",
            locals,
            "the component does not compile: failed to compile: wasm[0]::function[0]: WebAssembly translation error: \
                Invalid input WebAssembly code at offset 33: too many locals: locals exceed maximum",
        ),
    ];
    for (case, items, expected) in cases {
        let bytes = Fixture::new().component(&format!("(core module {items})")).binary();
        match engine().load(Some("fixture"), bytes, Limits::default()).await {
            Ok(_) => assert_eq!("", expected, "{case}"),
            Err(error) => assert_eq!(offset_hidden(&error.to_string()), expected, "{case}"),
        }
    }
}

/// Components inside of components, written as bytes: the parser of the text would give up.
#[tokio::test]
async fn components_nested_deep_abort_nothing() {
    let mut nested = b"\0asm\x0d\0\x01\0".to_vec();
    for _ in 0..5_000 {
        let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
        outer.extend(leb128(nested.len()));
        outer.append(&mut nested);
        nested = outer;
    }
    assert_eq!(
        refusal(nested, Limits::default()).await.to_string(),
        "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`"
    );
}

/// Component types inside of component types.
#[tokio::test]
async fn types_nested_deep_are_refused() {
    let refused = "the component does not compile: it has more than 500 types inside of types";
    let allowed =
        "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`";
    for (depth, expected) in [(500, allowed), (501, refused), (50_000, refused)] {
        for kind in [0x41, 0x42] {
            let bytes = nested_types(depth, kind);
            assert_eq!(refusal(bytes.clone(), Limits::default()).await.to_string(), expected, "{depth}");
            let mut outer = b"\0asm\x0d\0\x01\0\x04".to_vec();
            outer.extend(leb128(bytes.len()));
            outer.extend(bytes);
            assert_eq!(refusal(outer, Limits::default()).await.to_string(), expected, "{depth}");
        }
    }
}

/// So many types of components, or of instances, one inside of the other, around one of text.
fn nested_types(depth: usize, kind: u8) -> Vec<u8> {
    let mut types = b"\x01".to_vec();
    for _ in 0..depth {
        // With one declaration: a type.
        types.extend([kind, 0x01, 0x01]);
    }
    types.push(0x73);
    let mut bytes = b"\0asm\x0d\0\x01\0\x07".to_vec();
    bytes.extend(leb128(types.len()));
    bytes.append(&mut types);
    bytes
}

/// Each type is made of the one before it.
#[tokio::test]
async fn types_that_refer_to_each_other_abort_nothing() {
    let chain = |first: &str, next: &dyn Fn(usize) -> String| {
        let mut types = format!("(type $t0 {first})");
        for number in 1..10_000 {
            types.push_str(&format!("(type $t{number} {})", next(number - 1)));
        }
        types
    };
    let lists = chain("(list u8)", &|before| format!("(list $t{before})"));
    let tuples = chain("(tuple u8)", &|before| format!("(tuple $t{before} $t{before})"));
    let instances = chain("(instance)", &|before| {
        format!("(instance (alias outer 1 $t{before} (type $t)) (export \"a\" (instance (type $t))))")
    });
    let import = |ty: &str| format!("(import \"i\" {ty})");
    let cases = [
        (
            "lists",
            lists + &import("(func (param \"a\" $t9999))"),
            "the component does not compile: failed to parse WebAssembly module: type nesting is too deep",
        ),
        (
            "tuples",
            tuples + &import("(func (param \"a\" $t9999))"),
            "the component does not compile: failed to parse WebAssembly module: effective type size exceeds the limit of 1000000",
        ),
        (
            "instances",
            instances + &import("(instance (type $t9999))"),
            "the component does not compile: the compiler panicked",
        ),
    ];
    let mut found = Vec::new();
    for (case, items, expected) in cases {
        let bytes = Fixture::new().component(&items).binary();
        found.push((case, offset_hidden(&refusal(bytes, Limits::default()).await.to_string()), expected));
    }
    assert_texts(&found);
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}
