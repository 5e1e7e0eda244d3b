//! The memory of a plugin is never handed out twice: what a handler reads stays as it is while its language's own library
//! allocates, from one byte to a megabyte.

use aksara::prelude::*;
use aksara::{Limits, open_plugins};
use aksara_tests::{TestDb, is_built, plugins_folder};
use uuid::Uuid;

#[derive(Model, Clone, Debug)]
struct Memory {
    #[field(primary_key)]
    id: i64,
    body: String,
    copied: String,
    read: String,
}

/// Around the sizes at which memory grows, and the one from which texts of the C SDK were overwritten.
const SIZES: [usize; 14] = [
    1, 100, 8_000, 16_384, 32_768, 43_999, 44_001, 46_000, 65_535, 65_537, 100_000, 131_072, 300_000,
    1_000_000,
];

#[tokio::test]
async fn what_a_handler_reads_stays_as_it_is_while_it_allocates() {
    for plugin in ["memory-c", "memory-cpp", "memory-go"] {
        if !is_built(plugin) {
            continue;
        }
        let folder = plugins_folder(&[plugin]);
        let limits = Limits { deadline_ms: 10_000, ..Limits::default() };
        let plugins = open_plugins(folder.path(), limits).await.unwrap();
        let status = plugins.status().remove(0);
        assert!(status.failure.is_none(), "{status:?}");
        let alias = Uuid::now_v7().to_string();
        let test = TestDb::opened::<(Memory,)>(|options| options.plugins(&plugins).alias(alias)).await;
        for size in SIZES {
            let body: String = (0..size).map(|at| char::from(b'a' + (at * 7 % 26) as u8)).collect();
            let memory = Memory { body: body.clone(), ..Memory::default() };
            let saved = Memory::objects(&test.db).create(memory).await;
            let saved = saved.unwrap_or_else(|error| panic!("{plugin}, {size} bytes: {error}"));
            assert!(
                saved.copied == body && saved.read == body,
                "{plugin}, {size} bytes: the text has changed"
            );
        }
    }
}
