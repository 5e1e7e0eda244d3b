//! The application as the plugins of one event use it: its models, signals and services, in the event's transaction.

use aksara_plugins::{Answer, Application};
use aksara_wire::{
    self as contract, ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest,
};

use super::{bus, models};
use crate::{Db, Error, Violation};

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
    if let Some(violation) = error.violation() {
        tracing::debug!(%error, "a plugin's request violated a constraint");
        return violated(violation);
    }
    let text = match &error {
        Error::Database { .. } => "the database failed".to_owned(),
        // What was found may be in a field that the plugin may not see.
        Error::Decode { table, key, column, expected, .. } => {
            let row = key.as_ref().map(|key| format!(" in the row `{key}`")).unwrap_or_default();
            format!("cannot read `{table}.{column}`{row} as {expected}")
        }
        told => return RequestError::new(told.to_string()),
    };
    tracing::error!(error = %error, "a plugin's request failed in the database");
    RequestError::new(text)
}

/// Names the constraint and its fields, but not the database's words: they may repeat values of other rows.
fn violated(violation: Violation<'_>) -> RequestError {
    RequestError {
        error: violation.to_string(),
        violation: Some(contract::Violation {
            kind: violation.kind.name().to_owned(),
            model: violation.model.to_owned(),
            constraint: violation.constraint.map(str::to_owned),
            fields: violation.fields.to_vec(),
        }),
    }
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
