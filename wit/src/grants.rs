//! Grants: what a plugin asks to be allowed, and what its operator allows.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// What a plugin is allowed, or asks to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Operations by label of the model, for the import `models`.
    #[serde(default)]
    pub models: BTreeMap<String, BTreeSet<ModelOperation>>,
    /// Custom signals that it may send, for the import `bus`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub signals: BTreeSet<String>,
    /// Services that it may call.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Buckets that it may open, for the import `wasi:keyvalue`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub keyvalue: BTreeSet<String>,
    /// Where it may send HTTP requests, for the import `wasi:http`: host and port, as `api.example.com:443`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub http: BTreeSet<String>,
}

/// What can be granted on a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelOperation {
    /// One instance by key.
    Get,
    /// Instances by filter.
    Find,
    /// The number of rows by filter.
    Count,
    /// Saving a new instance.
    Create,
    /// Saving one instance anew, or writing to rows by filter.
    Update,
    /// Deleting instances.
    Delete,
}

impl ModelOperation {
    /// The operation's name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ModelOperation::Get => "get",
            ModelOperation::Find => "find",
            ModelOperation::Count => "count",
            ModelOperation::Create => "create",
            ModelOperation::Update => "update",
            ModelOperation::Delete => "delete",
        }
    }
}

impl Grants {
    /// Whether the operation on the model is granted.
    pub fn allows(&self, operation: ModelOperation, model: &str) -> bool {
        self.models.get(model).is_some_and(|operations| operations.contains(&operation))
    }

    /// What is asked for here and not in `granted`, in words: ``` `create` on the model `Post` ```.
    pub fn beyond(&self, granted: &Grants) -> Vec<String> {
        let operations =
            self.models.iter().flat_map(|(model, list)| list.iter().map(move |one| (model, *one)));
        let models = operations
            .filter(|(model, operation)| !granted.allows(*operation, model))
            .map(|(model, operation)| format!("`{}` on the model `{model}`", operation.name()));
        let names = |kind: &'static str, asked: &BTreeSet<String>, granted: &BTreeSet<String>| {
            asked.difference(granted).map(|name| format!("the {kind} `{name}`")).collect::<Vec<_>>()
        };
        models
            .chain(names("signal", &self.signals, &granted.signals))
            .chain(names("service", &self.services, &granted.services))
            .chain(names("bucket", &self.keyvalue, &granted.keyvalue))
            .chain(names("host", &self.http, &granted.http))
            .collect()
    }
}
