//! `plugins.md`, imports: `wasi:keyvalue`, in memory and in Redis.

use std::collections::BTreeSet;

use aksara::{KeyValue, MemoryStore, RedisConnectError, RedisStore};
use aksara_tests::redis_url;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

/// A store in Redis that no other test has; `None` where there is no Redis.
async fn redis() -> Option<RedisStore> {
    let prefix = format!("test-{}:", uuid::Uuid::now_v7());
    Some(RedisStore::connect(&redis_url()?, &prefix).await.unwrap())
}

async fn stores() -> Vec<Box<dyn KeyValue>> {
    let mut stores: Vec<Box<dyn KeyValue>> = vec![Box::new(MemoryStore::default())];
    stores.extend(redis().await.map(|redis| Box::new(redis) as Box<dyn KeyValue>));
    stores
}

#[tokio::test]
async fn what_is_set_is_there_until_it_is_deleted() {
    for store in stores().await {
        let bytes: Vec<u8> = (0..=255).collect();
        for value in [Vec::new(), bytes, vec![0; 1 << 20]] {
            store.set("cache", "a key", value.clone()).await.unwrap();
            assert_eq!(store.get("cache", "a key").await.unwrap(), Some(value));
        }
        store.delete("cache", "a key").await.unwrap();
        assert_eq!(store.get("cache", "a key").await.unwrap(), None);
        store.delete("cache", "a key").await.unwrap();
    }
}

#[tokio::test]
async fn buckets_have_nothing_in_common() {
    for store in stores().await {
        let keys = [("a", "b:c"), ("a:b", "c"), ("a%3Ab", "c"), ("a*", "c"), ("[a]", ""), ("a", "\u{1f600}")];
        for (place, (bucket, key)) in keys.iter().enumerate() {
            store.set(bucket, key, vec![place as u8]).await.unwrap();
        }
        for (place, (bucket, key)) in keys.iter().enumerate() {
            assert_eq!(store.get(bucket, key).await.unwrap(), Some(vec![place as u8]), "{bucket} {key}");
            let listed = all_keys(&*store, bucket, 10).await;
            let of_bucket =
                keys.iter().filter(|(other, _)| other == bucket).map(|(_, key)| (*key).to_owned());
            assert_eq!(listed, of_bucket.collect(), "{bucket}");
        }
    }
}

#[tokio::test]
async fn a_list_has_every_key() {
    for store in stores().await {
        let names: BTreeSet<String> = (0..250).map(|number| format!("{number}")).collect();
        for name in &names {
            store.set("many", name, Vec::new()).await.unwrap();
        }
        for count in [1, 7, 250, 1_000] {
            assert_eq!(all_keys(&*store, "many", count).await, names, "{count} at once");
        }
        assert_eq!(all_keys(&*store, "none", 10).await, BTreeSet::new());
    }
}

async fn all_keys(store: &dyn KeyValue, bucket: &str, count: usize) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut cursor = Some(0);
    while let Some(from) = cursor {
        let page = store.keys(bucket, from, count).await.unwrap();
        keys.extend(page.keys);
        cursor = page.cursor;
    }
    keys
}

#[tokio::test]
async fn programs_with_another_prefix_have_other_keys() {
    let (Some(one), Some(other)) = (redis().await, redis().await) else { return };
    one.set("cache", "key", vec![1]).await.unwrap();
    assert_eq!(other.get("cache", "key").await.unwrap(), None);
    assert_eq!(all_keys(&other, "cache", 10).await, BTreeSet::new());
}

#[tokio::test]
async fn a_connection_that_was_lost_is_opened_again() {
    let Some(url) = redis_url() else { return };
    let (_, rest) = url.split_once("://").unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let server = server.to_owned();
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/{database}", between.local_addr().unwrap());
    let (lost, losing) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut first, _) = between.accept().await.unwrap();
        let mut to = TcpStream::connect(&server).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut first, &mut to) => {}
            _ = losing => {}
        }
        drop(first);
        let (mut second, _) = between.accept().await.unwrap();
        let mut to = TcpStream::connect(&server).await.unwrap();
        copy_bidirectional(&mut second, &mut to).await.unwrap();
    });
    let store = RedisStore::connect(&url, &format!("test-{}:", uuid::Uuid::now_v7())).await.unwrap();
    store.set("cache", "key", vec![1]).await.unwrap();
    lost.send(()).unwrap();
    assert_eq!(store.get("cache", "key").await.unwrap(), Some(vec![1]));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named_without_its_password() {
    let wrong = RedisStore::connect("http://example.com", "").await.unwrap_err();
    assert!(matches!(wrong, RedisConnectError::Url(_)), "{wrong}");
    assert!(wrong.to_string().contains("write `redis://HOST:PORT/DATABASE`"), "{wrong}");
    let gone = RedisStore::connect("redis://:secret@127.0.0.1:9/", "").await.unwrap_err().to_string();
    assert!(gone.contains("`127.0.0.1:9`") && !gone.contains("secret"), "{gone}");
}

/// What is set makes room for itself: a plugin that fills its bucket neither fails nor takes the memory of the host.
#[tokio::test]
async fn buckets_in_memory_are_bounded_each_and_together() {
    let store = MemoryStore::default();
    let mebibyte = || vec![7u8; 1 << 20];
    for bucket in 0..5 {
        for key in 0..70 {
            store.set(&format!("bucket{bucket}"), &format!("{key:02}"), mebibyte()).await.unwrap();
        }
    }
    let mut kept = 0;
    for bucket in 0..5 {
        let page = store.keys(&format!("bucket{bucket}"), 0, 1_000).await.unwrap();
        assert!(page.keys.len() < 64, "{bucket}: {}", page.keys.len());
        // What was set last is there.
        assert_eq!(page.keys.last().map(String::as_str), Some("69"), "{bucket}");
        kept += page.keys.len();
    }
    assert!((200..256).contains(&kept), "{kept}");
    assert_eq!(store.get("bucket4", "69").await.unwrap().map(|value| value.len()), Some(1 << 20));
    // A value in the place of another takes no more room, and one that is deleted none.
    for _ in 0..200 {
        store.set("bucket4", "69", mebibyte()).await.unwrap();
    }
    for key in 0..70 {
        store.delete("bucket4", &format!("{key:02}")).await.unwrap();
    }
    assert!(store.keys("bucket4", 0, 10).await.unwrap().keys.is_empty());
    assert_eq!(store.keys("bucket3", 0, 1_000).await.unwrap().keys.last().map(String::as_str), Some("69"));
    let too_large = store.set("bucket4", "key", vec![0; 65 << 20]).await.unwrap_err();
    assert!(too_large.contains("a bucket holds 67108864"), "{too_large}");
}
