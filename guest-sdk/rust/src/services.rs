//! Calling functions of the application by name. Each needs its grant:
//! `plugin! { .., grants: { services: ["notifications.send"] } }`.

use alloc::borrow::ToOwned;
use alloc::format;

use aksara_wire::{RequestError, ServiceRequest, from_value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, host};

/// Calls a service. `R` may be `serde::de::IgnoredAny` for an answer that nobody needs; `()` fits null alone.
///
/// # Errors
/// The grant is missing, there is no such service, it failed, or its answer does not fit `R`.
pub fn call<R: DeserializeOwned>(service: &str, args: &impl Serialize) -> Result<R, Error> {
    let request = ServiceRequest { service: service.to_owned(), args: to_value(args)? };
    from_value(host::service(&request)?).map_err(|error| {
        let name = core::any::type_name::<R>();
        RequestError::new(format!("the answer of `{service}` does not fit `{name}`: {error}")).into()
    })
}
