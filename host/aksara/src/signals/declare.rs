//! Custom signals that plugins may send: the application declares them by name, with the type of their arguments.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use aksara_wire::{Map, Value, from_value, to_value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Signal;

/// Arguments as the type of their signal, or what is wrong with them.
type Typed = Result<Box<dyn Any + Send + Sync>, String>;

type Type = fn(&Map) -> Typed;

static DECLARED: RwLock<Option<HashMap<&'static str, Type>>> = RwLock::new(None);

impl<A: Serialize + DeserializeOwned + Send + Sync + 'static> Signal<A> {
    /// Makes the signal known by its name, so that plugins that are granted it can send it. A missing or an undeclared
    /// argument is the plugin's error before any handler runs.
    pub fn declare(&self) {
        let mut declared = DECLARED.write().unwrap_or_else(PoisonError::into_inner);
        declared.get_or_insert_default().insert(self.name(), from_map::<A>);
    }
}

/// The arguments of a declared signal as its type; `None` when the application declares no signal by this name.
pub(crate) fn typed(signal: &str, args: &Map) -> Option<(&'static str, Typed)> {
    let declared = DECLARED.read().unwrap_or_else(PoisonError::into_inner);
    let (name, typed) = declared.as_ref()?.get_key_value(signal)?;
    let (name, typed) = (*name, *typed);
    drop(declared);
    Some((name, typed(args)))
}

fn from_map<A: Serialize + DeserializeOwned + Send + Sync + 'static>(args: &Map) -> Typed {
    let typed: A = from_value(Value::Map(args.clone())).map_err(|error| error.to_string())?;
    // What the type does not give back, it does not have.
    if let Ok(Value::Map(known)) = to_value(&typed)
        && let Some(undeclared) = args.keys().find(|name| !known.contains_key(*name))
    {
        return Err(format!("there is no argument `{undeclared}`"));
    }
    Ok(Box::new(typed))
}
