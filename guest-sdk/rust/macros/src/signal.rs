//! The signals that there are attributes for, and what can be said about each.

/// A built-in signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    PreSave,
    PostSave,
    PreDelete,
    PostDelete,
}

impl Signal {
    /// Its name on the wire, and that of its attribute.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::PreSave => "pre_save",
            Signal::PostSave => "post_save",
            Signal::PreDelete => "pre_delete",
            Signal::PostDelete => "post_delete",
        }
    }

    /// Whether a handler may change the instance.
    pub(crate) fn may_change(self) -> bool {
        self == Signal::PreSave
    }

    /// Whether it is one of the two signals of a save.
    pub(crate) fn is_save(self) -> bool {
        matches!(self, Signal::PreSave | Signal::PostSave)
    }
}
