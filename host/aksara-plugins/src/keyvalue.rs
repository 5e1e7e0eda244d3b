//! The import `wasi:keyvalue`: buckets of bytes, for those that were granted.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiView;

use self::bindings::wasi::keyvalue::store;
use crate::error::FaultKind;
use crate::state::State;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/v0/deps/keyvalue",
        inline: "package aksara:host; world keyvalue { import wasi:keyvalue/store@0.2.0-draft; }",
        world: "aksara:host/keyvalue",
        imports: { default: async | trappable },
        with: { "wasi:keyvalue/store.bucket": super::Bucket },
    });
}

/// The import's name.
pub(crate) const INTERFACE: &str = "wasi:keyvalue/store";

/// Bytes that one bucket in memory may hold.
const BUCKET_BYTES_MAX: usize = 64 << 20;

/// Keys that one page of a list has.
const PAGE: usize = 1_000;

/// What a request to a store comes to, in time; an error is one line for whoever asked.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = std::result::Result<T, String>> + Send + 'a>>;

/// Where buckets are: in memory unless the application brings a store of its own. It shares them with its plugins.
pub trait KeyValue: Send + Sync + 'static {
    /// The value of a key in a bucket.
    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, Option<Vec<u8>>>;

    /// Writes a value, over what is there.
    fn set<'a>(&'a self, bucket: &'a str, key: &'a str, value: Vec<u8>) -> Stored<'a, ()>;

    /// Deletes a value, if there is one.
    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, ()>;

    /// The keys of a bucket after this position, at most `page` of them, in an order that stays.
    fn keys<'a>(&'a self, bucket: &'a str, after: u64, page: usize) -> Stored<'a, Vec<String>>;
}

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

    fn keys<'a>(&'a self, bucket: &'a str, after: u64, page: usize) -> Stored<'a, Vec<String>> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.with(bucket, |contents| contents.values.keys().skip(after).take(page).cloned().collect())
    }
}

#[allow(unreachable_pub, reason = "the generated bindings export it again, inside this crate")]
/// An open bucket: its name.
pub struct Bucket(String);

/// Links the import.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    store::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

type Returned<T> = Result<std::result::Result<T, store::Error>>;

impl State {
    fn table(&mut self) -> &mut ResourceTable {
        self.ctx().table
    }

    fn bucket(&mut self, bucket: &Resource<Bucket>) -> Result<String> {
        self.count_host_call()?;
        Ok(self.table().get(bucket)?.0.clone())
    }

    /// Asks the store, within what is left of the call's time for that.
    async fn ask<T>(&mut self, answer: Stored<'_, T>) -> Returned<T> {
        Ok(self.in_time(answer).await?.map_err(store::Error::Other))
    }
}

impl store::Host for State {
    async fn open(&mut self, identifier: String) -> Returned<Resource<Bucket>> {
        self.count_host_call()?;
        if !self.allowance.grants.keyvalue.contains(&identifier) {
            return Ok(Err(store::Error::AccessDenied));
        }
        Ok(Ok(self.table().push(Bucket(identifier))?))
    }
}

impl store::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Returned<Option<Vec<u8>>> {
        let (bucket, keyvalue) = (self.bucket(&bucket)?, self.keyvalue.clone());
        let value = self.ask(keyvalue.get(&bucket, &key)).await?;
        let bytes_max = self.limits().bytes_max;
        match &value {
            Ok(Some(value)) if value.len() > bytes_max => {
                self.exceed(FaultKind::Answer { bytes: value.len(), bytes_max })
            }
            _ => Ok(value),
        }
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Returned<()> {
        let (bucket, keyvalue) = (self.bucket(&bucket)?, self.keyvalue.clone());
        self.ask(keyvalue.set(&bucket, &key, value)).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Returned<()> {
        let (bucket, keyvalue) = (self.bucket(&bucket)?, self.keyvalue.clone());
        self.ask(keyvalue.delete(&bucket, &key)).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Returned<bool> {
        let (bucket, keyvalue) = (self.bucket(&bucket)?, self.keyvalue.clone());
        Ok(self.ask(keyvalue.get(&bucket, &key)).await?.map(|value| value.is_some()))
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Returned<store::KeyResponse> {
        let (bucket, keyvalue) = (self.bucket(&bucket)?, self.keyvalue.clone());
        let after = cursor.unwrap_or(0);
        let keys = self.ask(keyvalue.keys(&bucket, after, PAGE)).await?;
        Ok(keys.map(|keys| {
            let cursor = (keys.len() == PAGE).then(|| after.saturating_add(PAGE as u64));
            store::KeyResponse { keys, cursor }
        }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> Result<()> {
        self.table().delete(bucket)?;
        Ok(())
    }
}
