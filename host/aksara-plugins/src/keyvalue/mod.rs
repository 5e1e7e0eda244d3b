//! The import `wasi:keyvalue`: buckets of bytes, for those that were granted.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::future::Future;
use std::pin::Pin;

use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiView;

use self::bindings::wasi::keyvalue::store;
pub use self::memory::MemoryStore;
#[cfg(feature = "redis")]
pub use self::redis::{RedisConnectError, RedisStore};
use crate::budget::Wait;
use crate::error::{FaultKind, LoadError};
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

/// About as many keys has one page of a list.
const PAGE_KEYS: usize = 1_000;

/// What a request to a store comes to, in time; an error is one line for whoever asked.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = std::result::Result<T, String>> + Send + 'a>>;

/// Some of a bucket's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<String>,
    /// Where the next page begins; `None` when there is none.
    pub cursor: Option<u64>,
}

/// Where buckets are: in memory unless the application brings a store of its own. It shares them with its plugins.
pub trait KeyValue: Send + Sync + 'static {
    /// The value of a key in a bucket.
    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, Option<Vec<u8>>>;

    /// Writes a value, over what is there.
    fn set<'a>(&'a self, bucket: &'a str, key: &'a str, value: Vec<u8>) -> Stored<'a, ()>;

    /// Deletes a value, if there is one.
    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Stored<'a, ()>;

    /// Keys of a bucket, about `count` of them: from the cursor of the page before this one, or from 0. A key that is
    /// there all the while is in one of the pages.
    fn keys<'a>(&'a self, bucket: &'a str, cursor: u64, count: usize) -> Stored<'a, KeyPage>;
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
        let name = self.table().get(bucket)?.0.clone();
        match self.allowance.grants.keyvalue.contains(&name) {
            true => Ok(name),
            // It was when the bucket was opened.
            false => {
                self.exceed(FaultKind::Revoked(LoadError::Grants { missing: format!("the bucket `{name}`") }))
            }
        }
    }

    /// Asks the store, within what is left of the call's time for that.
    async fn ask<T>(&mut self, answer: Stored<'_, T>) -> Returned<T> {
        Ok(self.in_time(Wait::Own, answer).await?.map_err(store::Error::Other))
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
        let (bytes, bytes_max) = (key.len() + value.len(), self.limits().bytes_max);
        if bytes > bytes_max {
            let text = format!(
                "the key and the value have {bytes} bytes, {bytes_max} are allowed; raise `bytes_max`"
            );
            return Ok(Err(store::Error::Other(text)));
        }
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
        let page = self.ask(keyvalue.keys(&bucket, cursor.unwrap_or(0), PAGE_KEYS)).await?;
        Ok(page.map(|KeyPage { keys, cursor }| store::KeyResponse { keys, cursor }))
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> Result<()> {
        self.table().delete(bucket)?;
        Ok(())
    }
}
