//! The statements of `save`, whose text never changes: built once per model, then bound with values.

use std::sync::OnceLock;

use sea_query::{Expr, ExprTrait, Query, SqliteQueryBuilder};

use crate::Value;
use crate::meta::{FieldMeta, ModelMeta};

/// Texts of the statements that write a whole row.
#[derive(Debug, Default)]
pub struct Statements {
    insert: OnceLock<String>,
    insert_generated: OnceLock<String>,
    update: OnceLock<String>,
}

impl Statements {
    /// No text yet.
    pub const fn new() -> Self {
        Statements { insert: OnceLock::new(), insert_generated: OnceLock::new(), update: OnceLock::new() }
    }
}

/// Inserts a row with all its columns, in order.
pub(crate) fn insert(meta: &'static ModelMeta) -> &'static str {
    meta.statements.insert.get_or_init(|| insert_sql(meta, meta.fields.iter(), false))
}

/// Inserts a row without its key, which the database makes and returns.
pub(crate) fn insert_generated(meta: &'static ModelMeta) -> &'static str {
    meta.statements.insert_generated.get_or_init(|| insert_sql(meta, without_key(meta), true))
}

/// Updates all columns but the key, in order; the key comes last.
pub(crate) fn update(meta: &'static ModelMeta) -> &'static str {
    meta.statements.update.get_or_init(|| {
        let mut update = Query::update();
        update.table(meta.table);
        for field in without_key(meta) {
            update.value(field.name, placeholder());
        }
        update.and_where(Expr::col(meta.key_field().name).eq(placeholder()));
        update.build(SqliteQueryBuilder).0
    })
}

/// The fields of a model but its key.
pub(crate) fn without_key(meta: &'static ModelMeta) -> impl Iterator<Item = &'static FieldMeta> {
    meta.fields.iter().enumerate().filter(|(index, _)| *index != meta.key).map(|(_, field)| field)
}

fn insert_sql(
    meta: &'static ModelMeta,
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
    insert.build(SqliteQueryBuilder).0
}

/// Stands for a value that is bound later; only its place in the text matters.
fn placeholder() -> Value {
    Value::Bool(None)
}
