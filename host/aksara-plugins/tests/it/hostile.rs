//! Components made to harm the host: features that are off, and shapes that are hard on a parser.

use aksara_plugins::{Limits, LoadError};

use crate::fixture::{Fixture, assert_texts, refusal};

/// Why the compiler refuses a plugin with these items: the end of the text, from its last colon.
async fn refused(items: &str) -> String {
    let text = refusal(Fixture::new().component(items).binary(), Limits::default()).await.to_string();
    assert!(text.starts_with("the component does not compile: failed to "), "{text}");
    offset_hidden(text.rsplit(": ").next().unwrap_or_default())
}

/// Features of WebAssembly that the supported languages do not need.
#[tokio::test]
async fn types_and_memories_of_other_features_are_refused() {
    let cases = [
        (
            "garbage collection: struct",
            "(type (struct))",
            "struct indexed types not supported without the gc feature",
        ),
        (
            "garbage collection: array",
            "(type (array i8))",
            "array indexed types not supported without the gc feature",
        ),
        (
            "garbage collection: anyref",
            "(func (param anyref))",
            "gc types are disallowed but found type which requires gc",
        ),
        (
            "typed function references",
            "(type $f (func)) (func (param (ref $f)))",
            "function references required for index reference types",
        ),
        ("shared memory", "(memory 1 1 shared)", "threads must be enabled for shared memories"),
        ("memory64", "(memory i64 1)", "memory64 must be enabled for 64-bit memories"),
        ("table64", "(table i64 1 funcref)", "memory64 must be enabled for 64-bit tables"),
        ("exceptions: tag", "(tag)", "exceptions proposal not enabled"),
        (
            "exceptions: exnref",
            "(func (param exnref))",
            "exception refs not supported without the exception handling feature",
        ),
        (
            "custom page sizes",
            "(memory 1 (pagesize 1))",
            "the custom page sizes proposal must be enabled to customize a memory's page size",
        ),
        (
            "stack switching",
            "(type $f (func)) (type (cont $f))",
            "cannot define continuation types when stack switching is disabled",
        ),
    ];
    let mut found = Vec::new();
    for (case, items, expected) in cases {
        found.push((case, refused(&format!("(core module {items})")).await, expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn instructions_of_other_features_are_refused() {
    let cases = [
        ("garbage collection: i31", "(func (drop (ref.i31 (i32.const 1))))", "gc support is not enabled"),
        ("atomics", "(func (atomic.fence))", "threads support is not enabled"),
        ("exceptions: try_table", "(func (try_table))", "exceptions support is not enabled"),
        ("tail calls", "(func $f (return_call $f))", "tail calls support is not enabled"),
        (
            "relaxed SIMD",
            "(func (param v128 v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 1))))",
            "relaxed SIMD support is not enabled",
        ),
        (
            "wide arithmetic",
            "(func (param i64) (i64.add128 (local.get 0) (local.get 0) (local.get 0) (local.get 0)) (drop) (drop))",
            "wide arithmetic support is not enabled",
        ),
    ];
    let mut found = Vec::new();
    for (case, items, expected) in cases {
        found.push((case, refused(&format!("(core module {items})")).await, expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn other_features_of_the_component_model_are_refused() {
    let cases = [
        (
            "async: canonical",
            "(core func (canon task.cancel))",
            "`task.cancel` requires the component model async feature",
        ),
        ("async: future", "(type (future u32))", "`future` requires the component model async feature"),
        ("async: stream", "(type (stream u8))", "`stream` requires the component model async feature"),
        (
            "threads",
            "(core func (canon thread.index))",
            "`thread.index` requires the component model threading feature",
        ),
        (
            "fixed lists",
            "(type (list u8 4))",
            "Fixed-length lists require the component model fixed-length lists feature",
        ),
        ("values", "(import \"v\" (value u32))", "support for component model `value`s is not enabled"),
    ];
    let mut found = Vec::new();
    for (case, items, expected) in cases {
        found.push((case, refused(items).await, expected));
    }
    assert_texts(&found);
}

#[tokio::test]
async fn the_whole_text_of_a_refused_feature_is_one_line() {
    let bytes = Fixture::new().component("(core module (memory i64 1))").binary();
    assert_eq!(
        offset_hidden(&refusal(bytes, Limits::default()).await.to_string()),
        "the component does not compile: failed to parse WebAssembly module: \
            memory64 must be enabled for 64-bit memories"
    );
}

/// Without the place in the file, which changes with every change of the fixture.
fn offset_hidden(text: &str) -> String {
    text.split(" (at offset ").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn blocks_nested_deep_abort_nothing() {
    let (begins, ends) = ("block ".repeat(5_000), "end ".repeat(5_000));
    let fixture = Fixture::new().component(&format!("(core module (func {begins} {ends}))"));
    fixture.load(Limits::default()).await;
}

#[tokio::test]
async fn too_many_locals_are_refused() {
    let locals = "i64 ".repeat(50_001);
    let bytes = Fixture::new().component(&format!("(core module (func (local {locals})))")).binary();
    let refused = LoadError::TooMuch { what: "local variables in one function", allowed: 2_000 };
    assert_eq!(refusal(bytes, Limits::default()).await, refused);
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
    let refused = LoadError::TooMuch { what: "levels of components inside of components", allowed: 50 };
    assert_eq!(refusal(nested, Limits::default()).await, refused);
}

/// Component types inside of component types.
#[tokio::test]
async fn types_nested_deep_are_refused() {
    let refused = "the component does not compile: it has more than 100 types inside of types";
    let allowed =
        "the component does not fit the contract: no exported instance named `aksara:signals/handler@0.1.0`";
    for (depth, expected) in [(100, allowed), (101, refused), (50_000, refused)] {
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
            "the component has more than 20000 types; build it with less, or make several plugins of it",
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
