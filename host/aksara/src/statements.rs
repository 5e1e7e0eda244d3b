//! The statements of `save`, whose text never changes: built once per model, then bound with values.

use std::sync::OnceLock;

use sea_query::{Expr, ExprTrait, Query};

use crate::meta::{FieldMeta, ModelMeta};
use crate::{Backend, Value};

/// Texts of the statements that write a whole row, for each kind of database.
#[derive(Debug, Default)]
pub struct Statements {
    insert: [OnceLock<String>; 3],
    insert_generated: [OnceLock<String>; 3],
    update: [OnceLock<String>; 3],
}

impl Statements {
    /// No text yet.
    pub const fn new() -> Self {
        Statements { insert: none(), insert_generated: none(), update: none() }
    }
}

const fn none() -> [OnceLock<String>; 3] {
    [const { OnceLock::new() }; 3]
}

/// Inserts a row with all its columns, in order.
pub(crate) fn insert(meta: &'static ModelMeta, backend: Backend) -> &'static str {
    meta.statements.insert[backend as usize]
        .get_or_init(|| insert_sql(meta, backend, meta.fields.iter(), false))
}

/// Inserts a row without its key, which the database makes, and returns where it can.
pub(crate) fn insert_generated(meta: &'static ModelMeta, backend: Backend) -> &'static str {
    meta.statements.insert_generated[backend as usize]
        .get_or_init(|| insert_sql(meta, backend, without_key(meta), !backend.tells_key()))
}

/// Updates all columns but the key, in order; the key comes last.
pub(crate) fn update(meta: &'static ModelMeta, backend: Backend) -> &'static str {
    meta.statements.update[backend as usize].get_or_init(|| {
        let mut update = Query::update();
        update.table(meta.table);
        for field in without_key(meta) {
            update.value(field.name, placeholder());
        }
        update.and_where(Expr::col(meta.key_field().name).eq(placeholder()));
        backend.render(&update).0
    })
}

/// The fields of a model but its key.
pub(crate) fn without_key(meta: &'static ModelMeta) -> impl Iterator<Item = &'static FieldMeta> {
    meta.fields.iter().enumerate().filter(|(index, _)| *index != meta.key).map(|(_, field)| field)
}

fn insert_sql(
    meta: &'static ModelMeta,
    backend: Backend,
    fields: impl Iterator<Item = &'static FieldMeta>,
    returning: bool,
) -> String {
    let names: Vec<_> = fields.map(|field| field.name).collect();
    let mut insert = Query::insert();
    insert.into_table(meta.table);
    if names.is_empty() {
        insert.or_default_values();
    } else {
        let values = names.iter().map(|_| placeholder().into()).collect::<Vec<_>>();
        insert.columns(names).values_panic(values);
    }
    if returning {
        insert.returning_col(meta.key_field().name);
    }
    backend.render(&insert).0
}

/// Stands for a value that is bound later; only its place in the text matters.
fn placeholder() -> Value {
    Value::Bool(None)
}
