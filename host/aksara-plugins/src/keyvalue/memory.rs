//! Buckets in the memory of this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::{KeyPage, KeyValue, Stored};

/// Bytes that one bucket may hold.
const BUCKET_BYTES_MAX: usize = 64 << 20;

/// Buckets in the memory of this process, of at most 64 MiB each.
#[derive(Debug, Default)]
pub struct MemoryStore {
    buckets: Mutex<HashMap<String, Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    values: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl MemoryStore {
    fn with<T>(&self, bucket: &str, run: impl FnOnce(&mut Contents) -> T) -> Stored<'static, T>
    where
        T: Send + 'static,
    {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = run(buckets.entry(bucket.to_owned()).or_default());
        Box::pin(std::future::ready(Ok(answer)))
    }
}

impl Contents {
    fn remove(&mut self, key: &str) {
        if let Some(value) = self.values.remove(key) {
            self.bytes -= key.len() + value.len();
        }
    }
}

impl KeyValue for MemoryStore {
    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        self.with(bucket, |contents| contents.values.get(key).cloned())
    }

    fn set<'a>(&'a self, bucket: &'a str, key: &'a str, value: Vec<u8>) -> Stored<'a, ()> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let contents = buckets.entry(bucket.to_owned()).or_default();
        let before = contents.values.get(key).map_or(0, |value| key.len() + value.len());
        let bytes = contents.bytes - before + key.len() + value.len();
        let set = if bytes > BUCKET_BYTES_MAX {
            Err(format!(
                "the bucket `{bucket}` holds {BUCKET_BYTES_MAX} bytes at most; delete something first"
            ))
        } else {
            contents.values.insert(key.to_owned(), value);
            contents.bytes = bytes;
            Ok(())
        };
        Box::pin(std::future::ready(set))
    }

    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, ()> {
        self.with(bucket, |contents| contents.remove(key))
    }

    fn keys<'a>(&'a self, bucket: &'a str, cursor: u64, count: usize) -> Stored<'a, KeyPage> {
        let skip = usize::try_from(cursor).unwrap_or(usize::MAX);
        self.with(bucket, |contents| {
            let keys: Vec<_> = contents.values.keys().skip(skip).take(count).cloned().collect();
            let cursor = (keys.len() == count).then(|| cursor.saturating_add(count as u64));
            KeyPage { keys, cursor }
        })
    }
}
