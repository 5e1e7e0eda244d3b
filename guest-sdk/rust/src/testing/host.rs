//! The host's part of a test: rows, services, settings and a cache in memory, and what was asked of them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::cell::RefCell;
use std::collections::BTreeMap;

use aksara_wire::{
    ConfigRequest, Map, ModelOperation, ModelRequest, ModelRows, RequestError, SendRequest, ServiceRequest,
    Value,
};

use crate::http::{self, Response};

/// One thing that a handler asked of the host.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// To read or write a model.
    Models(ModelOperation, ModelRequest),
    /// To send a custom signal.
    Send(SendRequest),
    /// To call a service.
    Service(ServiceRequest),
    /// To send an HTTP request.
    Http(http::Request),
}

/// The host during a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    pub(super) rows: ModelRows,
    pub(super) services: BTreeMap<String, Value>,
    pub(super) responses: BTreeMap<String, Response>,
    pub(super) settings: Map,
    pub(super) cache: BTreeMap<(String, String), Vec<u8>>,
    pub(super) log: Vec<Map>,
    pub(super) requests: Vec<Request>,
}

std::thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

impl Host {
    /// Runs a handler with this host around it.
    pub(super) fn during<T>(self, run: impl FnOnce() -> T) -> (T, Host) {
        let outer = HOST.replace(Some(self));
        let outcome = run();
        (outcome, HOST.replace(outer).unwrap_or_default())
    }
}

/// Outside a call, where a test calls the function itself, nobody reads the log.
pub(crate) fn log(record: Map) {
    HOST.with_borrow_mut(|host| {
        if let Some(host) = host {
            host.log.push(record);
        }
    });
}

pub(crate) fn models(operation: ModelOperation, request: &ModelRequest) -> Result<Value, RequestError> {
    ask(|host| {
        host.requests.push(Request::Models(operation, request.clone()));
        host.rows.answer(operation, request)
    })
}

pub(crate) fn send(request: &SendRequest) -> Result<Value, RequestError> {
    ask(|host| {
        host.requests.push(Request::Send(request.clone()));
        Ok(if request.robust { Value::Array(Vec::new()) } else { Value::Nil })
    })
}

pub(crate) fn service(request: &ServiceRequest) -> Result<Value, RequestError> {
    ask(|host| {
        host.requests.push(Request::Service(request.clone()));
        host.services.get(&request.service).cloned().ok_or_else(|| {
            let name = &request.service;
            RequestError::new(format!("there is no service `{name}`; give the call its answer by `service`"))
        })
    })
}

pub(crate) fn http(request: &http::Request, _: &str, _: &str, _: &str) -> Result<Response, RequestError> {
    ask(|host| {
        host.requests.push(Request::Http(request.clone()));
        host.responses.get(&request.url).cloned().ok_or_else(|| {
            let url = &request.url;
            RequestError::new(format!("there is no response from `{url}`; give the call one by `response`"))
        })
    })
}

pub(crate) fn config(request: &ConfigRequest) -> Result<Value, RequestError> {
    ask(|host| Ok(host.settings.get(&request.name).cloned().unwrap_or_default()))
}

pub(crate) fn cache_get(bucket: &str, key: &str) -> Result<Option<Vec<u8>>, RequestError> {
    ask(|host| Ok(host.cache.get(&place(bucket, key)).cloned()))
}

pub(crate) fn cache_set(bucket: &str, key: &str, value: &[u8]) -> Result<(), RequestError> {
    ask(|host| {
        host.cache.insert(place(bucket, key), value.to_vec());
        Ok(())
    })
}

pub(crate) fn cache_delete(bucket: &str, key: &str) -> Result<(), RequestError> {
    ask(|host| {
        host.cache.remove(&place(bucket, key));
        Ok(())
    })
}

pub(crate) fn cache_exists(bucket: &str, key: &str) -> Result<bool, RequestError> {
    ask(|host| Ok(host.cache.contains_key(&place(bucket, key))))
}

fn place(bucket: &str, key: &str) -> (String, String) {
    (bucket.to_owned(), key.to_owned())
}

fn ask<T>(answer: impl FnOnce(&mut Host) -> Result<T, RequestError>) -> Result<T, RequestError> {
    HOST.with_borrow_mut(|host| match host {
        Some(host) => answer(host),
        None => Err(RequestError::new("there is no host here; call the handler through `testing::Call`")),
    })
}
