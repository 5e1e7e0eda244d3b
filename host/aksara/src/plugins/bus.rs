//! Custom signals that plugins send: by name, with arguments that are checked before any handler runs.

use std::any::Any;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use aksara_wire::{self as contract, RequestError, SendRequest};

use super::application::Asker;
use super::unanswered::{Unanswered, told};
use super::writes::read;
use crate::instance::AnyInstance;
use crate::meta::ModelMeta;
use crate::signals::{self, Arguments, Recipients, SignalKind};
use crate::{Db, Error};

/// Sends a signal: nil, or what became of each handler.
pub(super) async fn send(asker: Asker<'_>, request: SendRequest) -> Result<contract::Value, Unanswered> {
    let db = asker.db;
    let SendRequest { signal, args, sender, key, robust } = request;
    let (signal, args) = arguments(db, &signal, args)?;
    let sender = sender.map(|label| model(&label)).transpose()?;
    let mut instance: Option<Box<dyn AnyInstance>> = None;
    if !key.is_nil() {
        let meta =
            sender.ok_or_else(|| RequestError::new("`key` needs `sender`, the model of the instance"))?;
        let found = read(db, meta, key, None).await?;
        let missing = || RequestError::new(format!("no `{}` has this key", meta.label));
        instance = Some(found.ok_or_else(missing)?);
    }
    let recipients = Recipients {
        signal: SignalKind::Custom(signal),
        sender,
        instance: instance.as_deref_mut(),
        args: &args,
    };
    if !robust {
        signals::send_custom(db, recipients).await?;
        return Ok(contract::Value::Nil);
    }
    let outcomes = signals::send_custom_robust(db, recipients).await?;
    let outcome = |(handler, error): (String, Option<Error>)| {
        let error = error.map(|error| told(&error, asker.access).error);
        contract::Value::Map(contract::Map::from([
            ("handler".to_owned(), handler.into()),
            ("error".to_owned(), error.into()),
        ]))
    };
    let outcomes = outcomes.into_iter().map(|outcome| (outcome.handler, outcome.result.err()));
    Ok(contract::Value::Array(outcomes.map(outcome).collect()))
}

fn model(label: &str) -> Result<&'static ModelMeta, RequestError> {
    ModelMeta::by_label(label).ok_or_else(|| RequestError::new(format!("there is no model `{label}`")))
}

/// What a plugin sends: by name, and typed where the application declares the signal.
struct Sent {
    args: contract::Map,
    typed: Box<dyn Any + Send + Sync>,
}

impl Arguments for Sent {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        &*self.typed
    }

    fn to_wire(&self) -> contract::Map {
        self.args.clone()
    }
}

/// Checks the arguments against the declaration: the application's, or else that of a plugin.
fn arguments(db: &Db, signal: &str, args: contract::Map) -> Result<(&'static str, Sent), RequestError> {
    let refuse = |problem: String| RequestError::new(format!("the signal `{signal}` {problem}"));
    if let Some((name, typed)) = signals::typed(signal, &args) {
        let typed =
            typed.map_err(|problem| refuse(format!("cannot be sent with these arguments: {problem}")))?;
        return Ok((name, Sent { args, typed }));
    }
    let set = db.plugin_set();
    let Some(declared) = set.as_ref().and_then(|set| set.declared(signal)) else {
        return Err(refuse(
            "is not declared; the application does that by `Signal::declare`, a plugin in `describe`"
                .to_owned(),
        ));
    };
    let given: BTreeSet<&String> = args.keys().collect();
    if let Some(missing) = declared.iter().find(|name| !given.contains(name)) {
        return Err(refuse(format!("lacks the argument `{missing}`")));
    }
    if let Some(undeclared) = given.into_iter().find(|name| !declared.contains(*name)) {
        return Err(refuse(format!("has no argument `{undeclared}`")));
    }
    Ok((interned(signal), Sent { args, typed: Box::new(()) }))
}

/// The name for as long as the program runs. There are as many as plugins declare.
fn interned(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    match names.get(name) {
        Some(name) => name,
        None => {
            let name: &'static str = name.to_owned().leak();
            names.insert(name);
            name
        }
    }
}
