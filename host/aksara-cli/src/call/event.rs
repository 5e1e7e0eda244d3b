//! The event as one handler gets it: with the fields that it reads, and only if its condition lets it through.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use aksara_wire::{Change, Event, Map, Payload, Subscription, Value, encode};

use super::Given;

/// Whether the subscription is for this signal of this sender, and its condition holds.
pub(super) fn wanted(subscription: &Subscription, given: &Given, instance: &Map) -> bool {
    let when = &subscription.when;
    let changed = || given.changed(instance);
    subscription.signal == given.signal
        && subscription.sender.as_ref().is_none_or(|sender| *sender == given.sender)
        && (!is_save(given) || when.created.is_none_or(|created| created == given.created))
        && (when.changed.is_empty() || !when.changed.is_disjoint(&changed()))
}

/// The event, encoded for this subscription.
pub(super) fn encoded(
    subscription: &Subscription,
    given: &Given,
    id: [u8; 16],
    instance: &Map,
    update_fields: Option<&Vec<String>>,
) -> Vec<u8> {
    let reads = &subscription.reads;
    let read: Map = instance
        .iter()
        .filter(|(name, _)| is_read(reads, name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut payload = Payload { instance: Some(read), ..Payload::default() };
    if is_save(given) {
        payload.created = Some(given.created);
        payload.update_fields =
            update_fields.map(|names| names.iter().map(|name| name.as_str().into()).collect());
    } else {
        payload.origin = Some("instance".into());
    }
    if given.signal == "post_save" {
        payload.changes = changes(given, instance, reads);
    }
    encode(&Event {
        id,
        signal: given.signal.as_str().into(),
        sender: given.sender.as_str().into(),
        db: "default".into(),
        depth: 0,
        operation: Some(id),
        payload,
    })
}

/// A UUIDv7 of now. What follows the time needs to differ from call to call and no more.
pub(super) fn new_id() -> [u8; 16] {
    let milliseconds =
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let mut id = [0; 16];
    id[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
    id[6..8].copy_from_slice(&(RandomState::new().hash_one(0) as u16).to_be_bytes());
    id[8..].copy_from_slice(&RandomState::new().hash_one(1).to_be_bytes());
    id[6] = id[6] & 0x0f | 0x70;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

fn is_save(given: &Given) -> bool {
    given.signal.ends_with("_save")
}

fn is_read(reads: &Option<BTreeSet<String>>, name: &str) -> bool {
    reads.as_ref().is_none_or(|reads| reads.contains(name))
}

fn changes<'a>(given: &'a Given, instance: &Map, reads: &Option<BTreeSet<String>>) -> Vec<Change<'a>> {
    let changed = given.changed(instance).into_iter().filter(|name| is_read(reads, name));
    changed
        .map(|name| {
            let loaded = given.loaded.as_ref().filter(|_| !given.created);
            let old = loaded.and_then(|loaded| loaded.get(&name)).cloned().unwrap_or_default();
            let new = instance.get(&name).cloned().unwrap_or(Value::Nil);
            Change { field: name.into(), old, new }
        })
        .collect()
}
