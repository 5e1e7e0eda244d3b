//! The application as the plugins of one event use it: its models, signals and services, in the event's transaction.

use aksara_plugins::{Answer, Application};
use aksara_wire::{
    self as contract, ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest,
};

use super::{bus, models};
use crate::{Db, Error};

/// The transaction in which an event fires.
pub(super) struct Ambient {
    db: Db,
}

impl Ambient {
    pub(super) fn new(db: &Db) -> Self {
        Ambient { db: db.clone() }
    }
}

impl Application for Ambient {
    fn models(&self, operation: ModelOperation, request: ModelRequest) -> Answer<'_> {
        Box::pin(models::answer(&self.db, operation, request))
    }

    fn send(&self, request: SendRequest) -> Answer<'_> {
        Box::pin(bus::send(&self.db, request))
    }

    fn service(&self, request: ServiceRequest) -> Answer<'_> {
        Box::pin(self.db.shared.services.call(&self.db, request))
    }
}

/// What a plugin learns of an error: what its author can act on. The operator's log has the rest.
pub(super) fn failed(error: Error) -> RequestError {
    let text = match &error {
        Error::Integrity { kind, model, .. } => format!("{kind} violated by `{model}`"),
        Error::Database { .. } | Error::Decode { .. } => "the database failed".to_owned(),
        told => return RequestError::new(told.to_string()),
    };
    tracing::error!(error = %error, "a plugin's request failed in the database");
    RequestError::new(text)
}

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        failed(error)
    }
}

/// A number of rows, as the contract has it.
pub(super) fn number(rows: u64) -> contract::Value {
    contract::Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}
