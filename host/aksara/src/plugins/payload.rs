//! The payload of an event as plugins get it: encoded straight from the instance, once for all that read the same.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use aksara_wire as contract;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::wire::{OnWire, to_wire};
use crate::instance::{AnyInstance, Change};
use crate::signals::{Details, Event, SignalKind, Subject, UpdateFields, written_changes};

/// The fields that a subscription reads; `None` for all.
type Reads = Option<BTreeSet<String>>;

/// Encoded payloads by what is read.
#[derive(Default)]
pub(crate) struct Encoded {
    /// The event's id; made with the first payload, since only plugins are told it.
    id: Option<Uuid>,
    payloads: Vec<(Reads, Arc<[u8]>)>,
}

impl Encoded {
    pub(crate) fn new() -> Self {
        Encoded::default()
    }

    /// The instance has changed.
    pub(crate) fn forget(&mut self) {
        self.payloads.clear();
    }
}

impl Event<'_> {
    /// The event in MessagePack, with no other fields than these.
    pub(super) fn encoded(&mut self, reads: &Reads) -> Arc<[u8]> {
        if let Some((_, bytes)) = self.encoded.payloads.iter().find(|(kept, _)| kept == reads) {
            return bytes.clone();
        }
        let bytes: Arc<[u8]> = self.encode(reads).into();
        self.encoded.payloads.push((reads.clone(), bytes.clone()));
        bytes
    }

    fn encode(&mut self, reads: &Reads) -> Vec<u8> {
        let id = self.encoded.id.get_or_insert_with(Uuid::now_v7).into_bytes();
        let payload = self.payload(reads);
        contract::encode(&contract::Event {
            id,
            signal: self.signal.name().into(),
            sender: self.sender.into(),
            db: self.db.alias().into(),
            depth: self.depth,
            operation: Some(self.operation.id().into_bytes()),
            payload,
        })
    }

    fn payload<'e>(&'e self, reads: &'e Reads) -> contract::Payload<'e, Fields<'e>> {
        let names = |fields: &UpdateFields| fields.names().map(Cow::Borrowed).collect();
        let mut payload = contract::Payload::default();
        match &self.subject {
            Subject::Nothing => {}
            Subject::One(instance) => payload.instance = Some(Fields { instance: &**instance, reads }),
            Subject::Many(instances) => {
                let each = (0..instances.len()).filter_map(|index| instances.get(index));
                payload.instances = Some(each.map(|instance| Fields { instance, reads }).collect());
            }
        }
        match &self.details {
            Details::Init => {}
            Details::Save { created, update_fields, raw } => {
                payload.created = Some(*created);
                payload.update_fields = update_fields.as_deref().map(names);
                payload.raw = *raw;
                if let (SignalKind::PostSave, Some(instance)) = (self.signal, self.instance()) {
                    payload.changes = changes(&written_changes(instance, update_fields.as_deref()), reads);
                }
            }
            Details::Delete { origin } => payload.origin = Some(origin.name().into()),
            Details::Bulk { fields, rows } => {
                payload.fields = fields.map(names);
                payload.rows = *rows;
            }
            Details::Relation(change) => {
                payload.action = Some(change.action.name().into());
                payload.reverse = Some(change.reverse);
                payload.model = Some(change.join.keys_of(change.reverse).label.into());
                payload.pk_set = Some(change.keys.iter().map(to_wire).collect());
            }
            Details::Ended(written) => {
                payload.key = Some(to_wire(&written.key));
                payload.created = Some(written.created);
                payload.deleted = Some(written.deleted);
                payload.changes = changes(&written.changes, reads);
            }
            Details::Custom(arguments) => payload.args = arguments.to_wire(),
        }
        payload
    }
}

fn changes<'e>(changes: &[Change], reads: &Reads) -> Vec<contract::Change<'e>> {
    let changes = changes.iter().filter(|change| is_read(reads, change.field));
    changes
        .map(|change| contract::Change {
            field: change.field.into(),
            old: change.old.as_ref().map_or(contract::Value::Nil, to_wire),
            new: to_wire(&change.new),
        })
        .collect()
}

fn is_read(reads: &Reads, field: &str) -> bool {
    reads.as_ref().is_none_or(|reads| reads.contains(field))
}

/// The fields of an instance as a map.
struct Fields<'a> {
    instance: &'a dyn AnyInstance,
    reads: &'a Reads,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let read =
            || self.instance.meta().fields.iter().enumerate().filter(|(_, f)| is_read(self.reads, f.name));
        let mut map = serializer.serialize_map(Some(read().count()))?;
        for (index, field) in read() {
            map.serialize_entry(field.name, &OnWire(&self.instance.value(index)))?;
        }
        map.end()
    }
}
