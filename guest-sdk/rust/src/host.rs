//! The imports: the host's in WebAssembly, those of [`testing`](crate::testing) natively.

#[cfg(target_family = "wasm")]
pub(crate) use wasm::*;

#[cfg(not(target_family = "wasm"))]
pub(crate) use crate::testing::host::*;

#[cfg(target_family = "wasm")]
mod wasm {
    use alloc::format;
    use alloc::vec::Vec;

    use aksara_wire::{
        ConfigRequest, DecodeLimits, Map, ModelOperation, ModelRequest, RequestError, SendRequest,
        ServiceRequest, Value, decode,
    };

    use crate::bindings::aksara::signals;
    use crate::bindings::wasi::keyvalue::store;

    pub(crate) fn log(record: Map) {
        signals::log::write(&Value::Map(record).encode());
    }

    pub(crate) fn models(operation: ModelOperation, request: &ModelRequest) -> Result<Value, RequestError> {
        let request = request.encode();
        answer(match operation {
            ModelOperation::Get => signals::models::get(&request),
            ModelOperation::Find => signals::models::find(&request),
            ModelOperation::Count => signals::models::count(&request),
            ModelOperation::Create => signals::models::create(&request),
            ModelOperation::Update => signals::models::update(&request),
            ModelOperation::Delete => signals::models::delete(&request),
        })
    }

    pub(crate) fn send(request: &SendRequest) -> Result<Value, RequestError> {
        answer(signals::bus::send(&request.encode()))
    }

    pub(crate) fn service(request: &ServiceRequest) -> Result<Value, RequestError> {
        answer(signals::services::call(&request.encode()))
    }

    pub(crate) fn config(request: &ConfigRequest) -> Result<Value, RequestError> {
        answer(signals::config::get(&request.encode()))
    }

    pub(crate) use crate::wasi_http::send as http;

    pub(crate) fn cache_get(bucket: &str, key: &str) -> Result<Option<Vec<u8>>, RequestError> {
        store::open(bucket).and_then(|open| open.get(key)).map_err(|error| refused(bucket, error))
    }

    pub(crate) fn cache_set(bucket: &str, key: &str, value: &[u8]) -> Result<(), RequestError> {
        store::open(bucket).and_then(|open| open.set(key, value)).map_err(|error| refused(bucket, error))
    }

    pub(crate) fn cache_delete(bucket: &str, key: &str) -> Result<(), RequestError> {
        store::open(bucket).and_then(|open| open.delete(key)).map_err(|error| refused(bucket, error))
    }

    pub(crate) fn cache_exists(bucket: &str, key: &str) -> Result<bool, RequestError> {
        store::open(bucket).and_then(|open| open.exists(key)).map_err(|error| refused(bucket, error))
    }

    fn refused(bucket: &str, error: store::Error) -> RequestError {
        RequestError::new(match error {
            store::Error::NoSuchStore => format!("there is no bucket `{bucket}`"),
            store::Error::AccessDenied => {
                format!("the bucket `{bucket}` is not granted; ask for it in `plugin!`")
            }
            store::Error::Other(message) => message,
        })
    }

    fn answer(answer: Result<Vec<u8>, Vec<u8>>) -> Result<Value, RequestError> {
        let unreadable = |error| RequestError::new(format!("the host sent what cannot be read: {error}"));
        match answer {
            Ok(bytes) => decode(&bytes, &DecodeLimits::TRUSTED).map_err(unreadable),
            Err(bytes) => {
                Err(RequestError::decode(&bytes, &DecodeLimits::default()).unwrap_or_else(unreadable))
            }
        }
    }
}
