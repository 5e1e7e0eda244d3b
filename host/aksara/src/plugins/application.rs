//! The application as the plugins of one event use it: its models, signals and services, in the event's transaction.

use std::sync::{Mutex, PoisonError};

use aksara_plugins::{Access, Answer, Application};
use aksara_wire::{
    self as contract, ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest,
};

use super::unanswered::{Unanswered, told};
use super::wire::to_wire;
use super::{bus, models};
use crate::instance::AnyInstance;
use crate::meta::{FieldMeta, ModelMeta};
use crate::{Db, Error};

/// A plugin that asks for something: in which transaction, and what it may see and change.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) db: &'a Db,
    pub(super) access: &'a Access,
}

impl Asker<'_> {
    /// The field with this name, if the plugin may see it.
    pub(super) fn readable(
        self,
        meta: &'static ModelMeta,
        name: &str,
    ) -> Result<&'static FieldMeta, RequestError> {
        match self.access.reads(meta.label, name) {
            true => field(meta, name),
            false => Err(hidden(meta, name, "see")),
        }
    }

    /// The field with this name, if the plugin may change it.
    pub(super) fn writable(
        self,
        meta: &'static ModelMeta,
        name: &str,
    ) -> Result<&'static FieldMeta, RequestError> {
        match self.access.writes(meta.label, name) {
            true => field(meta, name),
            false => Err(hidden(meta, name, "change")),
        }
    }

    /// The fields of an instance that the plugin may see.
    pub(super) fn shown(self, instance: &dyn AnyInstance) -> contract::Value {
        let meta = instance.meta();
        let fields =
            meta.fields.iter().enumerate().filter(|(_, field)| self.access.reads(meta.label, field.name));
        let fields = fields.map(|(index, field)| (field.name.to_owned(), to_wire(&instance.value(index))));
        contract::Value::Map(fields.collect())
    }
}

fn field(meta: &'static ModelMeta, name: &str) -> Result<&'static FieldMeta, RequestError> {
    let position = meta.position(name);
    position
        .map(|position| &meta.fields[position])
        .ok_or_else(|| RequestError::new(format!("`{}` has no field `{name}`", meta.label)))
}

fn hidden(meta: &ModelMeta, name: &str, what: &str) -> RequestError {
    let label = meta.label;
    RequestError::new(format!(
        "`{label}.{name}` is not among the fields that `plugins.toml` lets this plugin {what}"
    ))
}

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

    fn asker<'a>(&'a self, access: &'a Access) -> Asker<'a> {
        Asker { db: &self.db, access }
    }

    /// Takes the error of the database that a request of the plugin met.
    pub(super) fn take_failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn answered(
        &self,
        access: &Access,
        answer: Result<contract::Value, Unanswered>,
    ) -> Result<contract::Value, RequestError> {
        answer.map_err(|unanswered| match unanswered {
            Unanswered::Unfit(error) => error,
            Unanswered::Failed(error) => {
                let told = told(&error, access);
                if error.is_outage() {
                    self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                told
            }
        })
    }
}

impl Application for Ambient {
    fn models<'a>(
        &'a self,
        access: &'a Access,
        operation: ModelOperation,
        request: ModelRequest,
    ) -> Answer<'a> {
        Box::pin(async move {
            self.answered(access, models::answer(self.asker(access), operation, request).await)
        })
    }

    fn send<'a>(&'a self, access: &'a Access, request: SendRequest) -> Answer<'a> {
        Box::pin(async move { self.answered(access, bus::send(self.asker(access), request).await) })
    }

    fn service<'a>(&'a self, access: &'a Access, request: ServiceRequest) -> Answer<'a> {
        Box::pin(async move {
            let service = request.service.clone();
            let answer = self.answered(access, self.db.shared.services.call(&self.db, request).await);
            answer.map_err(|mut told| {
                told.error.insert_str(0, &format!("the service `{service}`: "));
                told
            })
        })
    }

    fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// A number of rows, as the contract has it.
pub(super) fn number(rows: u64) -> contract::Value {
    contract::Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))
}
