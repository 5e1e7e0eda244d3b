//! A subscription of a plugin as a handler: the same to the dispatcher as a native one.

use std::cmp::Reverse;
use std::sync::Arc;

use aksara_plugins::{Absent, Access, Application, CallContext, CallError, Listener, PluginHandler};
use aksara_wire::{Grants, Reply, Subscription, When};

use super::application::Ambient;
use super::patch;
use crate::signals::{Details, Event, Handler, Place, SignalKind};
use crate::transaction::BoxFuture;
use crate::{Error, ValidationErrors};

impl Handler for Listener {
    fn id(&self) -> &str {
        inner(self).id()
    }

    fn place(&self) -> Place {
        inner(self).place()
    }

    fn origin(&self) -> String {
        inner(self).origin()
    }

    fn wants(&self, event: &Event<'_>) -> bool {
        inner(self).wants(event)
    }

    fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
        inner(self).handle(event)
    }
}

fn inner(listener: &Listener) -> &dyn Handler {
    match listener {
        Listener::Plugin(handler) => handler,
        Listener::Absent(absent) => absent,
    }
}

/// What a plugin that has to serve and does not was approved to hear.
impl Handler for Absent {
    fn id(&self) -> &str {
        self.id()
    }

    fn place(&self) -> Place {
        (Reverse(self.subscription().priority), self.order())
    }

    fn origin(&self) -> String {
        "a plugin that does not serve".to_owned()
    }

    fn wants(&self, event: &Event<'_>) -> bool {
        concerns(self.subscription(), event)
    }

    fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
        let (handler, message) = (self.id().to_owned(), self.message().to_owned());
        let (signal, sender) = (event.signal.name(), event.sender);
        Box::pin(async move { Err(Error::Plugin { handler, signal, sender, message }) })
    }
}

impl Handler for PluginHandler {
    fn id(&self) -> &str {
        self.id()
    }

    fn place(&self) -> Place {
        (Reverse(self.subscription().priority), self.order())
    }

    fn origin(&self) -> String {
        self.revision().label()
    }

    fn wants(&self, event: &Event<'_>) -> bool {
        let subscription = self.subscription();
        concerns(subscription, event) && wanted(&subscription.when, event, &self.revision().access())
    }

    fn handle<'a>(&'a self, event: &'a mut Event<'_>) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(handle(self, event))
    }
}

async fn handle(handler: &PluginHandler, event: &mut Event<'_>) -> Result<(), Error> {
    let subscription = handler.subscription();
    let access = handler.revision().access();
    // The policy may have become narrower since the plugin was loaded.
    let payload = event.encoded(&access.seen(event.sender, &subscription.reads));
    let asks = handler.revision().allowance().grants != Grants::default();
    let ambient = asks.then(|| Arc::new(Ambient::new(event.db)));
    let application = ambient.clone().map(|ambient| ambient as Arc<dyn Application>);
    let context = CallContext { signal: event.signal.name(), sender: event.sender, application };
    let called = handler.call(&payload, context).await;
    let called = called.map_err(|error| failure(handler, event, ambient.as_deref(), error))?;
    let applied = match called.reply {
        Reply::Unchanged => Ok(()),
        Reply::Patch(patch) => patch::apply(handler, event, patch),
    };
    handler.replied(&payload, &applied);
    applied
}

/// Whether the model has any of the fields that the handler reads; one that reads none wants every event.
fn concerns(subscription: &Subscription, event: &Event<'_>) -> bool {
    match &subscription.reads {
        Some(reads) if !reads.is_empty() => {
            event.meta.is_none_or(|meta| reads.iter().any(|name| meta.position(name).is_some()))
        }
        _ => true,
    }
}

/// Whether the subscription's condition lets the event through.
fn wanted(when: &When, event: &Event<'_>, access: &Access) -> bool {
    let created = match event.details {
        Details::Save { created, .. } => Some(created),
        Details::Ended(written) => Some(written.created),
        _ => None,
    };
    let by_kind = when.created.is_none() || created.is_none() || when.created == created;
    let changed = |name: &String| match (&event.details, event.instance()) {
        (Details::Ended(written), _) => written.changes.iter().any(|change| change.field == name),
        // After the save, of what it has written.
        (Details::Save { update_fields: Some(written), .. }, _)
            if event.signal == SignalKind::PostSave && !written.contains(name) =>
        {
            false
        }
        (_, Some(instance)) => instance
            .meta()
            .position(name)
            .is_some_and(|index| instance.loaded_value(index).as_ref() != Some(&instance.value(index))),
        // What is about several, or about none, is not asked for its fields.
        (_, None) => true,
    };
    let seen = |name: &&String| access.reads(event.sender, name);
    by_kind && (when.changed.is_empty() || when.changed.iter().filter(seen).any(changed))
}

fn failure(handler: &PluginHandler, event: &Event<'_>, ambient: Option<&Ambient>, error: CallError) -> Error {
    let (signal, sender) = (event.signal.name(), event.sender);
    match error {
        CallError::Rejected { message, .. } => {
            Error::Rejected { handler: handler.revision().label(), signal, sender, message }
        }
        CallError::Invalid { fields, .. } => {
            Error::Validation(ValidationErrors { model: sender.to_owned(), fields })
        }
        // A database that failed is not the plugin's fault, whatever it made of that.
        CallError::Fault(fault) => {
            match ambient.and_then(Ambient::take_failure).or_else(|| event.db.lost()) {
                Some(error) => {
                    let (handler, source) = (handler.id().to_owned(), Box::new(error));
                    Error::Handler { handler, signal, sender, source }
                }
                None => Error::Plugin {
                    handler: handler.id().to_owned(),
                    signal,
                    sender,
                    message: fault.to_string(),
                },
            }
        }
    }
}
