//! Exact bytes: `wit/golden/NAME.msgpack` for each case, and `index.json` that says what they mean.
//!
//! `UPDATE_GOLDEN=1 cargo test -p aksara-wire` writes them anew; a change in them is a change of the contract.

use std::fs;
use std::path::{Path, PathBuf};

use aksara_wire::{
    ConfigRequest, DecodeLimits, Description, Event, Failure, ModelRequest, Reply, RequestError, SendRequest,
    ServiceRequest, Value, decode, encode,
};
use serde_json::{Value as Json, json};

use crate::cases;
use crate::tagged::{hex, tagged, unhex};

/// Above this the index leaves the value out: the name says what it is, and the file has it.
const SHOWN_BYTES_MAX: usize = 2048;

struct Golden {
    name: String,
    kind: &'static str,
    bytes: Vec<u8>,
}

impl Golden {
    fn entry(&self) -> Json {
        let mut entry = json!({ "name": self.name, "kind": self.kind });
        if self.bytes.len() <= SHOWN_BYTES_MAX {
            entry["hex"] = hex(&self.bytes).into();
            match decode(&self.bytes, &limits()) {
                Ok(value) => entry["value"] = tagged(&value),
                Err(why) => entry["refused"] = why.to_string().into(),
            }
        }
        entry
    }
}

/// The largest cases have more values than a host accepts by default.
fn limits() -> DecodeLimits {
    DecodeLimits { values_max: 1 << 20, ..DecodeLimits::default() }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn all() -> Vec<Golden> {
    let golden = |name: String, kind, bytes| Golden { name, kind, bytes };
    let values =
        cases::values().into_iter().map(|(name, value)| golden(name.into(), "value", encode(&value)));
    let messages = cases::messages().into_iter().map(|(name, kind, bytes)| golden(name.into(), kind, bytes));
    let accepted = cases::accepted().into_iter();
    let accepted = accepted.map(|(name, hex, _)| golden(format!("accepted_{name}"), "accepted", unhex(hex)));
    let refused = cases::refused().into_iter();
    let refused = refused.map(|(name, hex)| golden(format!("refused_{name}"), "refused", unhex(hex)));
    values.chain(messages).chain(accepted).chain(refused).collect()
}

#[test]
fn golden_files_hold_exactly_what_is_encoded() {
    let index = Json::Array(all().iter().map(Golden::entry).collect());
    let index = serde_json::to_string_pretty(&index).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).unwrap();
        fs::write(folder().join("index.json"), &index).unwrap();
        for case in all() {
            fs::write(folder().join(case.name + ".msgpack"), case.bytes).unwrap();
        }
    }
    for case in all() {
        let file = folder().join(format!("{}.msgpack", case.name));
        let stored = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(stored == case.bytes, "`{}` is encoded differently: {}", case.name, hex(&case.bytes));
    }
    let files = fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, all().len() + 1, "a file of no case, or two cases with one name");
    assert!(fs::read_to_string(folder().join("index.json")).unwrap() == index, "`index.json` is out of date");
}

#[test]
fn every_value_comes_back() {
    for (name, value) in cases::values() {
        let bytes = encode(&value);
        assert_eq!(decode(&bytes, &limits()).as_ref(), Ok(&value), "`{name}`");
        assert_eq!(decode(&bytes, &DecodeLimits::TRUSTED).as_ref(), Ok(&value), "`{name}`, trusted");
        assert_eq!(value.encode(), bytes, "`{name}`, by rmp-serde");
    }
    for (name, hex, value) in cases::accepted() {
        assert_eq!(decode(&unhex(hex), &limits()), Ok(value), "`{name}`");
    }
}

#[test]
fn every_message_comes_back() {
    for (name, kind, bytes) in cases::messages() {
        let limits = DecodeLimits::default();
        let again = match kind {
            "event" => encode(&rmp_serde::from_slice::<Event>(&bytes).unwrap()),
            "reply" => Reply::decode(&bytes, &limits).unwrap().encode(),
            "failure" => Failure::decode(&bytes, &limits).unwrap().encode(),
            "description" => Description::decode(&bytes, &limits).unwrap().encode(),
            "models_request" => ModelRequest::decode(&bytes, &limits).unwrap().encode(),
            "send_request" => SendRequest::decode(&bytes, &limits).unwrap().encode(),
            "service_request" => ServiceRequest::decode(&bytes, &limits).unwrap().encode(),
            "config_request" => ConfigRequest::decode(&bytes, &limits).unwrap().encode(),
            "models_error" => RequestError::decode(&bytes, &limits).unwrap().encode(),
            _ => encode(&decode(&bytes, &limits).unwrap()),
        };
        assert_eq!(hex(&again), hex(&bytes), "`{name}`");
    }
    assert_eq!(ModelRequest::decode(&cases::find().encode(), &limits()), Ok(cases::find()));
    assert_eq!(Description::decode(&cases::description().encode(), &limits()), Ok(cases::description()));
}

#[test]
fn unknown_keys_are_ignored_in_every_message() {
    let limits = DecodeLimits::default();
    let more =
        Value::Array(vec![cases::time("2026-03-01T12:00:00Z").into(), Value::Bin(vec![1]), 1i64.into()]);
    for (name, kind, bytes) in cases::messages() {
        if bytes.is_empty() {
            continue;
        }
        let Ok(Value::Map(mut map)) = decode(&bytes, &limits) else { panic!("`{name}` is no map") };
        map.insert("from_the_future".into(), more.clone());
        let with = encode(&map);
        let same = match kind {
            "event" => {
                rmp_serde::from_slice::<Event>(&with).unwrap() == rmp_serde::from_slice(&bytes).unwrap()
            }
            "reply" => Reply::decode(&with, &limits) == Reply::decode(&bytes, &limits),
            "failure" => Failure::decode(&with, &limits) == Failure::decode(&bytes, &limits),
            "description" => Description::decode(&with, &limits) == Description::decode(&bytes, &limits),
            "models_request" => ModelRequest::decode(&with, &limits) == ModelRequest::decode(&bytes, &limits),
            "send_request" => SendRequest::decode(&with, &limits) == SendRequest::decode(&bytes, &limits),
            "service_request" => {
                ServiceRequest::decode(&with, &limits) == ServiceRequest::decode(&bytes, &limits)
            }
            "config_request" => {
                ConfigRequest::decode(&with, &limits) == ConfigRequest::decode(&bytes, &limits)
            }
            "models_error" => RequestError::decode(&with, &limits) == RequestError::decode(&bytes, &limits),
            _ => true,
        };
        assert!(same, "`{name}`");
    }
}
