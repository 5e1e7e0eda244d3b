//! Why a plugin's request has no answer, and what the plugin is told of that.

use std::collections::BTreeMap;

use aksara_plugins::Access;
use aksara_wire::{self as contract, RequestError};

use crate::meta::ModelMeta;
use crate::{BoxError, Error, ValidationErrors, Violation};

/// Why a plugin's request has no answer.
pub(crate) enum Unanswered {
    /// The request makes no sense, or asks for what is not granted.
    Unfit(RequestError),
    /// It was tried, and this came of it.
    Failed(Error),
}

impl From<RequestError> for Unanswered {
    fn from(error: RequestError) -> Self {
        Unanswered::Unfit(error)
    }
}

impl From<Error> for Unanswered {
    fn from(error: Error) -> Self {
        Unanswered::Failed(error)
    }
}

/// Of a service of the application.
impl From<BoxError> for Unanswered {
    fn from(error: BoxError) -> Self {
        match error.downcast::<Error>() {
            Ok(error) => Unanswered::Failed(*error),
            Err(error) => Unanswered::Unfit(RequestError::new(error.to_string())),
        }
    }
}

/// Returns what a plugin learns of an error: what its author can act on, and nothing of what it may not see. The operator's
/// log has the rest.
pub(super) fn told(error: &Error, access: &Access) -> RequestError {
    if let Some(violation) = error.violation() {
        tracing::debug!(%error, "a plugin's request violated a constraint");
        return violated(violation, access);
    }
    let text = match error.root() {
        Error::Database { .. } => "the database failed".to_owned(),
        // The database's words may be in its cause.
        Error::Aborted { reason, .. } => (*reason).to_owned(),
        Error::Decode { table, key, column, expected, .. } => {
            let row = key.as_ref().map(|key| format!(" in the row `{key}`")).unwrap_or_default();
            let meta = ModelMeta::all().find(|meta| meta.table == *table);
            match meta.is_none_or(|meta| access.reads(meta.label, column)) {
                true => format!("cannot read `{table}.{column}`{row} as {expected}"),
                false => format!("cannot read a column of `{table}`{row}"),
            }
        }
        Error::Validation(errors) => return RequestError::new(invalid(errors, access)),
        _ => return RequestError::new(error.to_string()),
    };
    tracing::error!(%error, "a plugin's request failed in the database");
    RequestError::new(text)
}

/// The messages about the fields that the plugin may see or change.
fn invalid(errors: &ValidationErrors, access: &Access) -> String {
    let ValidationErrors { model, fields } = errors;
    let is_known = |field: &str| access.reads(model, field) || access.writes(model, field);
    let shown: BTreeMap<_, _> = fields
        .iter()
        .filter(|(field, _)| is_known(field))
        .map(|(field, all)| (field.clone(), all.clone()))
        .collect();
    match shown.is_empty() {
        true => format!("`{model}` is not valid"),
        false => ValidationErrors { model: model.clone(), fields: shown }.to_string(),
    }
}

/// Names the constraint and its fields, but not the database's words: they may repeat values of other rows.
fn violated(violation: Violation<'_>, access: &Access) -> RequestError {
    let shown: Vec<String> =
        violation.fields.iter().filter(|field| access.reads(violation.model, field)).cloned().collect();
    let violation = Violation {
        fields: &shown,
        // Its name is made of the fields.
        constraint: violation.constraint.filter(|_| shown.len() == violation.fields.len()),
        ..violation
    };
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
