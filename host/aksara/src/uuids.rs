//! UUIDs in tables that another program has made: a column of text is compared with text, and one of bytes with bytes.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use sea_query::Values;

use crate::catalog::{self, Column};
use crate::db::On;
use crate::meta::{FieldKind, ModelMeta};
use crate::{Backend, Db, Error, Value};

/// How the UUIDs of a table are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As the database's own type, or as 16 bytes.
    Native,
    /// As text of 36 characters.
    Hyphenated,
    /// As text of 32 characters.
    Simple,
}

/// How the UUIDs of each table are stored, as far as it was asked.
#[derive(Default)]
pub(crate) struct UuidForms(RwLock<HashMap<&'static str, Form>>);

impl UuidForms {
    /// A statement of the application's own may have changed a table.
    pub(crate) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn known(&self, table: &str) -> Option<Form> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(table).copied()
    }

    fn learn(&self, table: &'static str, form: Form) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(table, form);
    }
}

impl Db {
    /// The values of a statement for this model, as they are bound.
    ///
    /// # Errors
    /// [`Error::Database`] where the table stores UUIDs in two forms, of which a value may need either.
    pub(crate) async fn fitted(&self, on: On, Values(mut values): Values) -> Result<Values, Error> {
        if values.iter().any(|value| matches!(value, Value::Uuid(_))) {
            let form = match self.shared.uuids.known(on.meta.table) {
                Some(form) => form,
                None => self.ask(on.meta).await?,
            };
            for value in &mut values {
                if let (Value::Uuid(id), true) = (&*value, form != Form::Native) {
                    *value = Value::String(id.map(|id| match form {
                        Form::Simple => id.simple().to_string(),
                        _ => id.to_string(),
                    }));
                }
            }
        }
        Ok(Values(values))
    }

    async fn ask(&self, meta: &'static ModelMeta) -> Result<Form, Error> {
        let on = On { meta, doing: "asking how UUIDs are stored" };
        let mut found: Option<(String, Form)> = None;
        let columns = catalog::columns(self, meta, meta.table).await?;
        if columns.is_empty() {
            // The table is still to be made.
            return Ok(Form::Native);
        }
        for Column { name, kind, length, .. } in columns {
            let is_uuid = |index: usize| meta.fields[index].kind == FieldKind::Uuid;
            if !meta.position(&name).is_some_and(is_uuid) {
                continue;
            }
            let is_text = ["char", "text", "clob", "enum"].iter().any(|part| kind.contains(part));
            let form = match is_text || (kind == "uuid" && self.backend() == Backend::MySql) {
                false => Form::Native,
                true if length == Some(32) || kind.contains("(32)") => Form::Simple,
                true => Form::Hyphenated,
            };
            match &found {
                Some((other, before)) if *before != form => {
                    let reason = format!(
                        "`{}` stores the UUIDs of `{other}` and `{name}` in different forms; give both columns one type",
                        meta.table
                    );
                    return Err(Error::database(on.doing, sqlx::Error::Configuration(reason.into())));
                }
                _ => found = Some((name, form)),
            }
        }
        let form = found.map_or(Form::Native, |(_, form)| form);
        self.shared.uuids.learn(meta.table, form);
        Ok(form)
    }
}
