//! The application as the plugins of one event use it: its models, signals and services, in the event's transaction.

use std::sync::{Mutex, PoisonError};

use aksara_plugins::{Answer, Application};
use aksara_wire::{
    self as contract, ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest,
};

use super::unanswered::Unanswered;
use super::{bus, models};
use crate::{Db, Error};

/// The transaction in which an event fires.
pub(super) struct Ambient {
    db: Db,
    /// The first failure of the database in a request. What comes of it in the plugin is not the plugin's fault.
    failure: Mutex<Option<Error>>,
}

impl Ambient {
    pub(super) fn new(db: &Db) -> Self {
        Ambient { db: db.clone(), failure: Mutex::default() }
    }

    /// Takes the error of the database that a request of the plugin met.
    pub(super) fn take_failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn answered(&self, answer: Result<contract::Value, Unanswered>) -> Result<contract::Value, RequestError> {
        answer.map_err(|Unanswered { told, outage }| {
            if let Some(error) = outage {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
            told
        })
    }
}

impl Application for Ambient {
    fn models(&self, operation: ModelOperation, request: ModelRequest) -> Answer<'_> {
        Box::pin(async move { self.answered(models::answer(&self.db, operation, request).await) })
    }

    fn send(&self, request: SendRequest) -> Answer<'_> {
        Box::pin(async move { self.answered(bus::send(&self.db, request).await) })
    }

    fn service(&self, request: ServiceRequest) -> Answer<'_> {
        Box::pin(async move { self.answered(self.db.shared.services.call(&self.db, request).await) })
    }

    fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// A number of rows, as the contract has it.
pub(super) fn number(rows: u64) -> contract::Value {
    contract::Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}
