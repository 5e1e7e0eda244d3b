//! The set of names that a save of named fields writes.

use crate::Error;
use crate::instance::{AnyInstance, Change};
use crate::meta::ModelMeta;

/// The fields that a save writes, in the order in which they were named. Only names that can be saved get in.
#[derive(Clone, Debug)]
pub struct UpdateFields {
    meta: &'static ModelMeta,
    positions: Vec<usize>,
}

impl UpdateFields {
    pub(crate) fn new<'a>(
        meta: &'static ModelMeta,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let mut fields = UpdateFields { meta, positions: Vec::new() };
        for name in names {
            fields.insert(name)?;
        }
        Ok(fields)
    }

    /// Adds a field to what is written.
    ///
    /// # Errors
    /// [`Error::UpdateField`] for a name that the model does not have, and for its key.
    pub fn insert(&mut self, name: &str) -> Result<(), Error> {
        let refuse = |reason| Error::UpdateField { model: self.meta.label, field: name.to_owned(), reason };
        let Some(position) = self.meta.position(name) else {
            // A foreign key is called as its column is, not as in Rust.
            let column = format!("{name}_id");
            let meant = match self.meta.position(&column) {
                Some(_) => format!("; its foreign key is called `{column}`"),
                None => String::new(),
            };
            return Err(refuse(format!("the model has no such field{meant}")));
        };
        if position == self.meta.key {
            return Err(refuse("it is the primary key, which never changes".to_owned()));
        }
        if !self.positions.contains(&position) {
            self.positions.push(position);
        }
        Ok(())
    }

    /// Whether the field with this name is written.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|written| written == name)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.positions.iter().map(|position| self.meta.fields[*position].name)
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    pub(crate) fn positions(&self) -> &[usize] {
        &self.positions
    }
}

/// The changes that a save has written.
pub(crate) fn written_changes(
    instance: &dyn AnyInstance,
    update_fields: Option<&UpdateFields>,
) -> Vec<Change> {
    let mut changes = instance.changes();
    changes.retain(|change| update_fields.is_none_or(|fields| fields.contains(change.field)));
    changes
}
