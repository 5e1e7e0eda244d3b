//! From bytes to the author's function and back: decode the instance, call, send what differs.

use alloc::format;
use core::any::type_name;

use aksara_wire::{Failure, Map, Reply, Subscription, Value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::collect::map;
use crate::{Error, Event};

/// A handler. The attributes implement it, for a type with the name of the function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler",
    label = "no handler",
    note = "put `#[pre_save(..)]`, `#[post_save(..)]`, `#[pre_delete(..)]` or `#[post_delete(..)]` on the function"
)]
pub trait Handler {
    /// Which events it gets.
    fn subscription() -> Subscription;

    /// Handles one encoded event.
    ///
    /// # Errors
    /// What the handler says against the operation, or that the event is not what it can read.
    fn handle(event: &[u8]) -> Result<Reply, Failure>;
}

/// Runs a handler that may change the instance.
///
/// # Errors
/// That of the handler, and of a type that does not fit the event.
pub fn change<T: Serialize + DeserializeOwned>(
    event: &[u8],
    handler: impl FnOnce(&mut T, &Event) -> crate::Result,
) -> Result<Reply, Failure> {
    changed(event, handler).map_err(Error::into_failure)
}

/// Runs a handler that only looks at the instance.
///
/// # Errors
/// That of the handler, and of a type that does not fit the event.
pub fn look<T: DeserializeOwned>(
    event: &[u8],
    handler: impl FnOnce(&T, &Event) -> crate::Result,
) -> Result<Reply, Failure> {
    let look = || {
        let (instance, event) = Event::decode::<T>(event)?;
        handler(&instance, &event)?;
        Ok(reply(Map::new(), event))
    };
    look().map_err(Error::into_failure)
}

/// Runs a handler of the event alone.
///
/// # Errors
/// That of the handler.
pub fn hear(event: &[u8], handler: impl FnOnce(&Event) -> crate::Result) -> Result<Reply, Failure> {
    let hear = || {
        let event = Event::whole(event)?;
        handler(&event)?;
        Ok(reply(Map::new(), event))
    };
    hear().map_err(Error::into_failure)
}

fn changed<T: Serialize + DeserializeOwned>(
    event: &[u8],
    handler: impl FnOnce(&mut T, &Event) -> crate::Result,
) -> crate::Result<Reply> {
    let (mut instance, event) = Event::decode::<T>(event)?;
    let before = fields::<T>(&instance)?;
    handler(&mut instance, &event)?;
    // A field that is gone says nothing: a patch cannot remove one.
    let after = fields::<T>(&instance)?.into_iter();
    Ok(reply(map(after.filter(|(name, value)| before.get(name) != Some(value))), event))
}

fn fields<T: Serialize>(instance: &T) -> crate::Result<Map> {
    match to_value(instance)? {
        Value::Map(fields) => Ok(fields),
        _ => Err(Error::new(format!(
            "`{}` does not serialise as a map of fields; use a struct or `Map`",
            type_name::<T>()
        ))),
    }
}

fn reply(fields: Map, event: Event) -> Reply {
    let patch = event.into_patch(fields);
    if patch.is_empty() { Reply::Unchanged } else { Reply::Patch(patch) }
}
