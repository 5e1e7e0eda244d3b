//! The plugin's own settings and secrets, as its operator wrote them in `plugins.toml`.

use alloc::borrow::ToOwned;
use alloc::format;

use aksara_wire::{ConfigRequest, RequestError, Value, from_value};
use serde::de::DeserializeOwned;

use crate::host;

/// One setting, or secret, by name; `None` where it is not set.
///
/// # Errors
/// [`RequestError`]: the value does not fit `T`.
pub fn get<T: DeserializeOwned>(name: &str) -> Result<Option<T>, RequestError> {
    let value = match host::config(&ConfigRequest { name: name.to_owned() })? {
        Value::Nil => return Ok(None),
        value => value,
    };
    from_value(value).map(Some).map_err(|error| {
        let wanted = core::any::type_name::<T>();
        RequestError::new(format!("the setting `{name}` does not fit `{wanted}`: {error}"))
    })
}
