//! Tests of handlers, natively: the host's part is played here.
//!
//! ```
//! # use aksara_guest::prelude::*;
//! # #[pre_save("Post")]
//! # fn generate_slug(post: &mut Map) { post.insert("slug".into(), "hello".into()); }
//! use aksara_guest::testing::Call;
//!
//! let called = Call::<generate_slug>::new(map! { "title": "Hello", "slug": "" }).run();
//! assert_eq!(called.patch(), map! { "slug": "hello" });
//! ```
//!
//! A call is what the host would make of it: the handler is sent the fields that it reads and no others, and may
//! patch what it writes and nothing else. Grants and limits are not checked; `aksara call` runs the component.

pub(crate) mod host;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use aksara_wire::{Failure, Map, Payload, Reply, Subscription, Timestamp, Value, to_value};
use serde::Serialize;

pub use aksara_wire::{ModelRequest, SendRequest, ServiceRequest};
pub use host::Request;

use self::host::Host;

use crate::http::Response;
use crate::{Change, Handler};

/// One call of the handler `H`. Unless told otherwise a save is one that inserts the row.
#[derive(Clone, Debug)]
#[must_use = "nothing is called until `run`"]
pub struct Call<H> {
    instance: Map,
    sender: Option<String>,
    created: bool,
    update_fields: Option<Vec<String>>,
    changes: Vec<Change>,
    raw: bool,
    origin: &'static str,
    time: Timestamp,
    host: Host,
    handler: PhantomData<fn() -> H>,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Called {
    /// What the handler answered.
    pub outcome: Result<Reply, Failure>,
    /// The lines that it wrote to the log, with the keys `level`, `message` and those of the fields.
    pub log: Vec<Map>,
    /// What it asked of the host, in order.
    pub requests: Vec<Request>,
    /// What is in the cache, by bucket and key.
    pub cache: BTreeMap<(String, String), Vec<u8>>,
}

impl<H: Handler> Call<H> {
    /// A call with this instance: a [`Map`], or any struct with the model's fields.
    ///
    /// # Panics
    /// When the instance does not serialise as a map.
    pub fn new(instance: impl Serialize) -> Self {
        Call {
            instance: fields(&instance),
            sender: None,
            created: true,
            update_fields: None,
            changes: Vec::new(),
            raw: false,
            origin: "instance",
            time: Timestamp::new(1_767_225_600, 0).unwrap_or_default(),
            host: Host::default(),
            handler: PhantomData,
        }
    }

    /// The sender, for handlers of every model; otherwise it is the one that the handler names.
    pub fn sender(mut self, label: impl Into<String>) -> Self {
        self.sender = Some(label.into());
        self
    }

    /// The save updates a row.
    pub fn updated(mut self) -> Self {
        self.created = false;
        self
    }

    /// The save updates a row, and writes only these fields.
    pub fn update_fields<const N: usize>(mut self, names: [&str; N]) -> Self {
        self.update_fields = Some(names.map(str::to_owned).to_vec());
        self.updated()
    }

    /// `post_save`: this field had another value, and now has that of the instance. A create lists every field
    /// by itself.
    pub fn changed(mut self, field: &str, old: impl Into<Value>) -> Self {
        let new = self.instance.get(field).cloned().unwrap_or_default();
        self.changes.push(Change { field: field.to_owned().into(), old: old.into(), new });
        self
    }

    /// The save loads fixtures.
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// The delete was made on a query rather than on an instance.
    pub fn of_query(mut self) -> Self {
        self.origin = "query";
        self
    }

    /// The time of the event, kept to the millisecond; otherwise 2026-01-01T00:00:00Z.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.time = time;
        self
    }

    /// A row that the handler can read through `models`.
    ///
    /// # Panics
    /// When the fields do not serialise as a map.
    pub fn row(mut self, model: &str, key: impl Into<Value>, fields_of_row: impl Serialize) -> Self {
        self.host.rows.insert(model, key, fields(&fields_of_row));
        self
    }

    /// What a service answers.
    ///
    /// # Panics
    /// When the answer cannot be encoded.
    pub fn service(mut self, name: &str, answer: impl Serialize) -> Self {
        let answer =
            to_value(&answer).unwrap_or_else(|error| panic!("the answer cannot be encoded: {error}"));
        self.host.services.insert(name.to_owned(), answer);
        self
    }

    /// What comes back from a URL.
    pub fn response(mut self, url: &str, response: Response) -> Self {
        self.host.responses.insert(url.to_owned(), response);
        self
    }

    /// A setting of the plugin.
    pub fn setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.host.settings.insert(name.to_owned(), value.into());
        self
    }

    /// A value in a bucket of the cache.
    pub fn cached(mut self, bucket: &str, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.host.cache.insert((bucket.to_owned(), key.to_owned()), value.as_ref().to_vec());
        self
    }

    /// Calls the handler.
    pub fn run(self) -> Called {
        let subscription = H::subscription();
        let event = self.event(&subscription);
        let (outcome, host) = self.host.during(|| H::handle(&event));
        let outcome = outcome.and_then(|reply| within(&subscription, reply));
        Called { outcome, log: host.log, requests: host.requests, cache: host.cache }
    }

    fn event(&self, subscription: &Subscription) -> Vec<u8> {
        let is_read = |name: &str| subscription.reads.as_ref().is_none_or(|reads| reads.contains(name));
        let mut instance = self.instance.clone();
        instance.retain(|name, _| is_read(name));
        let mut payload = Payload::default();
        if subscription.signal.ends_with("_save") {
            payload.created = Some(self.created);
            payload.raw = self.raw;
            payload.update_fields = self
                .update_fields
                .as_ref()
                .map(|names| names.iter().map(|name| name.as_str().into()).collect());
        } else {
            payload.origin = Some(self.origin.into());
        }
        if subscription.signal == "post_save" {
            let created = self.instance.iter().filter(|_| self.created).map(|(field, new)| Change {
                field: field.clone().into(),
                old: Value::Nil,
                new: new.clone(),
            });
            payload.changes =
                self.changes.iter().cloned().chain(created).filter(|change| is_read(&change.field)).collect();
        }
        payload.instance = Some(instance);
        let sender = self.sender.as_deref().or(subscription.sender.as_deref()).unwrap_or("Model");
        let event = aksara_wire::Event {
            id: id(self.time),
            signal: subscription.signal.as_str().into(),
            sender: sender.into(),
            db: "default".into(),
            depth: 0,
            operation: Some(id(self.time)),
            payload,
        };
        // An event is a map of text, numbers and values.
        to_value(&event).map(|event| event.encode()).unwrap_or_default()
    }
}

impl Called {
    /// The fields that the handler changed; empty when it changed none.
    ///
    /// # Panics
    /// When the handler failed.
    #[track_caller]
    pub fn patch(&self) -> Map {
        match &self.outcome {
            Ok(Reply::Patch(patch)) => patch.fields.clone(),
            Ok(Reply::Unchanged) => Map::new(),
            Err(failure) => panic!("the handler failed: {failure:?}"),
        }
    }

    /// What the handler added to `update_fields`.
    ///
    /// # Panics
    /// When the handler failed.
    #[track_caller]
    pub fn update_fields(&self) -> Vec<String> {
        match &self.outcome {
            Ok(Reply::Patch(patch)) => patch.update_fields.clone(),
            Ok(Reply::Unchanged) => Vec::new(),
            Err(failure) => panic!("the handler failed: {failure:?}"),
        }
    }

    /// What the handler said against the operation.
    ///
    /// # Panics
    /// When the handler succeeded.
    #[track_caller]
    pub fn failure(&self) -> &Failure {
        match &self.outcome {
            Err(failure) => failure,
            Ok(reply) => panic!("the handler succeeded: {reply:?}"),
        }
    }
}

fn fields(value: &impl Serialize) -> Map {
    match to_value(value) {
        Ok(Value::Map(fields)) => fields,
        Ok(other) => panic!("an instance is a map of fields, not {}", other.kind()),
        Err(error) => panic!("the instance cannot be encoded: {error}"),
    }
}

/// The host's own check: a patch stays within `writes`.
fn within(subscription: &Subscription, reply: Reply) -> Result<Reply, Failure> {
    if let (Reply::Patch(patch), Some(writes)) = (&reply, &subscription.writes)
        && let Some(name) = patch.fields.keys().find(|name| !writes.contains(*name))
    {
        return Err(Failure::Error(format!("set `{name}`, which is not in its `writes`")));
    }
    Ok(reply)
}

/// A UUIDv7 of this time, with nothing random in it.
fn id(time: Timestamp) -> [u8; 16] {
    let milliseconds = time.seconds() * 1000 + i64::from(time.nanoseconds() / 1_000_000);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
    (id[6], id[8]) = (0x70, 0x80);
    id
}
