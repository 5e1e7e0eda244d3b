//! Buckets in the memory of this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::{KeyPage, KeyValue, Stored};

/// Bytes that one bucket may hold.
const BUCKET_BYTES_MAX: usize = 64 << 20;

/// Bytes that all buckets together may hold.
const STORE_BYTES_MAX: usize = 256 << 20;

/// What a value takes beside its bytes and those of its key.
const ENTRY_BYTES: usize = 128;

/// Buckets in the memory of this process, of at most 64 MiB each and 256 MiB together, with what keeping a value takes. Where
/// there is no room for a value, those that were set longest ago make room.
#[derive(Debug, Default)]
pub struct MemoryStore {
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    by_name: HashMap<String, Contents>,
    bytes: usize,
    /// Counts what is set, to know what was set longest ago.
    counted: u64,
}

#[derive(Debug, Default)]
struct Contents {
    values: BTreeMap<String, (u64, Vec<u8>)>,
    /// The keys in the order in which they were set.
    ages: BTreeMap<u64, String>,
    bytes: usize,
}

impl MemoryStore {
    fn with<T>(&self, bucket: &str, run: impl FnOnce(Option<&Contents>) -> T) -> Stored<'static, T>
    where
        T: Send + 'static,
    {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = run(buckets.by_name.get(bucket));
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn size(key: &str, value: &[u8]) -> usize {
    // A key is kept twice, for what was set longest ago.
    2 * key.len() + value.len() + ENTRY_BYTES
}

impl Contents {
    /// Removes a value; the bytes that it took.
    fn remove(&mut self, key: &str) -> usize {
        let Some((age, value)) = self.values.remove(key) else { return 0 };
        self.ages.remove(&age);
        let bytes = size(key, &value);
        self.bytes -= bytes;
        bytes
    }

    /// Removes what was set longest ago; the bytes that it took.
    fn remove_oldest(&mut self) -> usize {
        let Some((_, key)) = self.ages.pop_first() else { return 0 };
        self.remove(&key)
    }
}

impl Buckets {
    fn set(&mut self, bucket: &str, key: &str, value: Vec<u8>) -> Result<(), String> {
        let bytes = size(key, &value);
        if bytes > BUCKET_BYTES_MAX {
            return Err(format!("the value has {} bytes, a bucket holds {BUCKET_BYTES_MAX}", value.len()));
        }
        self.counted += 1;
        let contents = self.by_name.entry(bucket.to_owned()).or_default();
        self.bytes -= contents.remove(key);
        while contents.bytes + bytes > BUCKET_BYTES_MAX {
            self.bytes -= contents.remove_oldest();
        }
        while self.bytes + bytes > STORE_BYTES_MAX {
            let oldest = self.by_name.values_mut().max_by_key(|contents| contents.bytes);
            self.bytes -= oldest.map_or(0, Contents::remove_oldest);
        }
        let contents = self.by_name.entry(bucket.to_owned()).or_default();
        contents.values.insert(key.to_owned(), (self.counted, value));
        contents.ages.insert(self.counted, key.to_owned());
        contents.bytes += bytes;
        self.bytes += bytes;
        Ok(())
    }
}

impl KeyValue for MemoryStore {
    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, Option<Vec<u8>>> {
        self.with(bucket, |contents| contents?.values.get(key).map(|(_, value)| value.clone()))
    }

    fn set<'a>(&'a self, bucket: &'a str, key: &'a str, value: Vec<u8>) -> Stored<'a, ()> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(std::future::ready(buckets.set(bucket, key, value)))
    }

    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, ()> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = buckets.by_name.get_mut(bucket).map_or(0, |contents| contents.remove(key));
        buckets.bytes -= removed;
        Box::pin(std::future::ready(Ok(())))
    }

    fn keys<'a>(&'a self, bucket: &'a str, cursor: u64, count: usize) -> Stored<'a, KeyPage> {
        let skip = usize::try_from(cursor).unwrap_or(usize::MAX);
        self.with(bucket, |contents| {
            let keys = contents.into_iter().flat_map(|contents| contents.values.keys());
            let keys: Vec<_> = keys.skip(skip).take(count).cloned().collect();
            let cursor = (keys.len() == count).then(|| cursor.saturating_add(count as u64));
            KeyPage { keys, cursor }
        })
    }
}
