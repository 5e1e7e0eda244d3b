//! The id that all events of one operation carry.

use std::sync::OnceLock;

use uuid::Uuid;

/// One operation: a save, a delete with its cascade, a bulk operation, a change of a relation, a read, a custom signal.
/// Its id is made when the first handler is told it, so that an operation without handlers costs nothing.
#[derive(Default)]
pub(crate) struct Operation(OnceLock<Uuid>);

impl Operation {
    /// One that begins here.
    pub(crate) const fn new() -> Self {
        Operation(OnceLock::new())
    }

    /// One that is known already, whose transaction has ended.
    pub(crate) fn known(id: Uuid) -> Self {
        Operation(OnceLock::from(id))
    }

    /// Its id, a UUIDv7.
    pub(crate) fn id(&self) -> Uuid {
        *self.0.get_or_init(Uuid::now_v7)
    }
}
