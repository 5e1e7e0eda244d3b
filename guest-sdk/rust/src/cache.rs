//! A cache: bytes by key in a bucket, which the application and other plugins share. Each bucket needs its grant:
//! `plugin! { .., grants: { keyvalue: ["cache"] } }`. A cache takes no part in the transaction.

use alloc::string::String;
use alloc::vec::Vec;

use aksara_wire::RequestError;

use crate::host;

/// A bucket, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket(String);

/// The bucket with this name.
pub fn bucket(name: impl Into<String>) -> Bucket {
    Bucket(name.into())
}

impl Bucket {
    /// The value of a key, if there is one.
    ///
    /// # Errors
    /// [`RequestError`]: the grant is missing, or the store failed.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RequestError> {
        host::cache_get(&self.0, key)
    }

    /// Writes a value, over what is there.
    ///
    /// # Errors
    /// [`RequestError`]: the grant is missing, the bucket is full, or the store failed.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), RequestError> {
        host::cache_set(&self.0, key, value.as_ref())
    }

    /// Deletes a value, if there is one.
    ///
    /// # Errors
    /// [`RequestError`]: the grant is missing, or the store failed.
    pub fn delete(&self, key: &str) -> Result<(), RequestError> {
        host::cache_delete(&self.0, key)
    }

    /// Whether there is a value.
    ///
    /// # Errors
    /// [`RequestError`]: the grant is missing, or the store failed.
    pub fn exists(&self, key: &str) -> Result<bool, RequestError> {
        host::cache_exists(&self.0, key)
    }
}
