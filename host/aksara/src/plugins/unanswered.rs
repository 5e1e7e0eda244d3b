//! Why a plugin's request has no answer, and what the plugin is told of that.

use aksara_wire::{self as contract, RequestError};

use crate::{BoxError, Error, Violation};

/// Why a plugin's request has no answer.
pub(crate) struct Unanswered {
    /// What the plugin is told.
    pub(crate) told: RequestError,
    /// The failure of the database that led to it, if it was that and not the request.
    pub(super) outage: Option<Error>,
}

impl From<RequestError> for Unanswered {
    fn from(told: RequestError) -> Self {
        Unanswered { told, outage: None }
    }
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Unanswered { told: told(&error), outage: Some(error).filter(Error::is_outage) }
    }
}

/// Of a service of the application.
impl From<BoxError> for Unanswered {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Error>() {
            Ok(error) => Unanswered::from(*error),
            Err(error) => RequestError::new(error.to_string()).into(),
        }
    }
}

/// Returns what a plugin learns of an error: what its author can act on. The operator's log has the rest.
pub(super) fn told(error: &Error) -> RequestError {
    if let Some(violation) = error.violation() {
        tracing::debug!(%error, "a plugin's request violated a constraint");
        return violated(violation);
    }
    let text = match error {
        Error::Database { .. } => "the database failed".to_owned(),
        // What was found may be in a field that the plugin may not see.
        Error::Decode { table, key, column, expected, .. } => {
            let row = key.as_ref().map(|key| format!(" in the row `{key}`")).unwrap_or_default();
            format!("cannot read `{table}.{column}`{row} as {expected}")
        }
        told => return RequestError::new(told.to_string()),
    };
    tracing::error!(%error, "a plugin's request failed in the database");
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
