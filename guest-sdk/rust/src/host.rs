//! The imports: the host's in WebAssembly, those of [`testing`](crate::testing) natively.

use aksara_wire::{Map, ModelOperation, ModelRequest, ModelsError};

#[cfg(target_family = "wasm")]
pub(crate) fn log(record: &Map) {
    crate::bindings::aksara::signals::log::write(&aksara_wire::encode(record));
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn log(record: &Map) {
    crate::testing::log(record);
}

/// The answer to a request, encoded.
#[cfg(target_family = "wasm")]
pub(crate) fn models(operation: ModelOperation, request: &ModelRequest) -> Result<Vec<u8>, ModelsError> {
    use crate::bindings::aksara::signals::models;
    let request = request.encode();
    let answer = match operation {
        ModelOperation::Get => models::get(&request),
        ModelOperation::Find => models::find(&request),
        ModelOperation::Count => models::count(&request),
    };
    answer.map_err(|bytes| {
        let unreadable =
            |error| ModelsError::new(format!("the host sent an error that cannot be read: {error}"));
        ModelsError::decode(&bytes, &aksara_wire::DecodeLimits::default()).unwrap_or_else(unreadable)
    })
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn models(operation: ModelOperation, request: &ModelRequest) -> Result<Vec<u8>, ModelsError> {
    crate::testing::models(operation, request).map(|answer| aksara_wire::encode(&answer))
}
