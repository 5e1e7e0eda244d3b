//! The signals by name.

/// A signal: one that the ORM itself fires, or a custom one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignalKind {
    /// Before a value is built, from code or from a row; handlers may change its fields.
    PreInit,
    /// After it is built.
    PostInit,
    /// Before INSERT or UPDATE; handlers may change the instance.
    PreSave,
    /// After the SQL, before the commit.
    PostSave,
    /// Before DELETE, for each instance of the cascade.
    PreDelete,
    /// After DELETE, for each instance of the cascade.
    PostDelete,
    /// Before `bulk_create`, once for the call; handlers may change the instances.
    PreBulkCreate,
    /// After `bulk_create`, before the commit.
    PostBulkCreate,
    /// Before `bulk_update`, once for the call; handlers may change the instances.
    PreBulkUpdate,
    /// After `bulk_update`, before the commit.
    PostBulkUpdate,
    /// Around each change of a many-to-many relation.
    M2mChanged,
    /// After the outermost transaction has committed, once for each instance that it wrote.
    AfterCommit,
    /// After the outermost transaction was rolled back, once for each instance that it wrote.
    AfterRollback,
    /// A custom signal, by name.
    Custom(&'static str),
}

impl SignalKind {
    /// Every signal that the ORM itself fires.
    pub const BUILT_IN: [SignalKind; 13] = [
        SignalKind::PreInit,
        SignalKind::PostInit,
        SignalKind::PreSave,
        SignalKind::PostSave,
        SignalKind::PreDelete,
        SignalKind::PostDelete,
        SignalKind::PreBulkCreate,
        SignalKind::PostBulkCreate,
        SignalKind::PreBulkUpdate,
        SignalKind::PostBulkUpdate,
        SignalKind::M2mChanged,
        SignalKind::AfterCommit,
        SignalKind::AfterRollback,
    ];

    /// The signal's name, as handlers and plugins know it.
    pub fn name(self) -> &'static str {
        match self {
            SignalKind::PreInit => "pre_init",
            SignalKind::PostInit => "post_init",
            SignalKind::PreSave => "pre_save",
            SignalKind::PostSave => "post_save",
            SignalKind::PreDelete => "pre_delete",
            SignalKind::PostDelete => "post_delete",
            SignalKind::PreBulkCreate => "pre_bulk_create",
            SignalKind::PostBulkCreate => "post_bulk_create",
            SignalKind::PreBulkUpdate => "pre_bulk_update",
            SignalKind::PostBulkUpdate => "post_bulk_update",
            SignalKind::M2mChanged => "m2m_changed",
            SignalKind::AfterCommit => "after_commit",
            SignalKind::AfterRollback => "after_rollback",
            SignalKind::Custom(name) => name,
        }
    }

    /// Whether handlers may change the instance.
    pub(crate) fn may_change(self) -> bool {
        use SignalKind::{PreBulkCreate, PreBulkUpdate, PreInit, PreSave};
        matches!(self, PreInit | PreSave | PreBulkCreate | PreBulkUpdate)
    }

    /// Whether a test that captures signals gets it without anybody else who hears it.
    pub(super) fn is_captured(self) -> bool {
        use SignalKind::{AfterCommit, AfterRollback, PostInit, PreInit};
        !matches!(self, PreInit | PostInit | AfterCommit | AfterRollback)
    }

    /// Its bit in [`ModelMeta::connected`](crate::ModelMeta); custom signals have none.
    pub(super) fn bit(self) -> u32 {
        match self {
            SignalKind::PreInit => 1 << 0,
            SignalKind::PostInit => 1 << 1,
            SignalKind::PreSave => 1 << 2,
            SignalKind::PostSave => 1 << 3,
            SignalKind::PreDelete => 1 << 4,
            SignalKind::PostDelete => 1 << 5,
            SignalKind::PreBulkCreate => 1 << 6,
            SignalKind::PostBulkCreate => 1 << 7,
            SignalKind::PreBulkUpdate => 1 << 8,
            SignalKind::PostBulkUpdate => 1 << 9,
            SignalKind::M2mChanged => 1 << 10,
            SignalKind::AfterCommit => 1 << 11,
            SignalKind::AfterRollback => 1 << 12,
            SignalKind::Custom(_) => 0,
        }
    }
}
