//! What plugins write to models: the same saves and deletes as anybody's, with their signals.

use std::collections::BTreeMap;

use aksara_wire::{
    self as contract, Arithmetic, FieldExpression, KEY_OR_FILTER, ModelFilter, ModelRequest, RequestError,
};
use sea_query::{BinOper, Cond, Expr, ExprTrait, Query};

use super::application::{Asker, number};
use super::models::{condition, value};
use super::unanswered::Unanswered;
use super::wire::{from_wire, to_wire};
use crate::db::On;
use crate::expression::Side;
use crate::instance::AnyInstance;
use crate::lock::Lock;
use crate::meta::{FieldMeta, ModelMeta};
use crate::query::select_dynamic;
use crate::save::{SaveOptions, save};
use crate::signals::{Operation, Origin};
use crate::transaction::Scope;
use crate::{Db, delete, init, update};

/// Saves a new instance; its fields that the plugin may see.
pub(super) async fn create(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    request: ModelRequest,
) -> Result<contract::Value, Unanswered> {
    let db = asker.db;
    let mut instance = (meta.new_instance)();
    set(asker, &mut *instance, request.values)?;
    let operation = Operation::new();
    if init::is_heard(db, meta) {
        init::send(db, &operation, &mut *instance).await?;
    }
    let options = SaveOptions { force_insert: true, ..SaveOptions::default() };
    save(&mut *instance, db, options, &operation).await?;
    Ok(asker.shown(&*instance))
}

/// Saves one instance anew, or writes to the rows that a filter selects; their number.
pub(super) async fn update(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    request: ModelRequest,
) -> Result<contract::Value, Unanswered> {
    let ModelRequest { key, filter, values, expressions, .. } = request;
    let names = || values.keys().chain(expressions.keys());
    if names().any(|name| *name == meta.key_field().name) {
        let text =
            format!("`{}.{}` is the primary key, which no update changes", meta.label, meta.key_field().name);
        return Err(RequestError::new(text).into());
    }
    let filter = match meant(asker, meta, key, filter)? {
        Meant::Key(key) => {
            // What the row is changed from is what is stored: nothing that another writes meanwhile is lost.
            let scope = Scope::enter(asker.db).await?;
            let inside = Asker { db: scope.db(), ..asker };
            let updated = update_one(inside, meta, key, values, expressions).await;
            let (rows, after) = scope.finish(updated).await?;
            after.run().await;
            return Ok(number(rows));
        }
        Meant::Rows(condition) => condition,
    };
    let mut assignments = Vec::new();
    for (name, new) in values {
        let field = asker.writable(meta, &name)?;
        assignments.push((field, Expr::val(fitting(meta, field, new)?).into()));
    }
    for (name, expression) in expressions {
        let target = asker.writable(meta, &name)?;
        assignments.push((target, computed(asker, meta, target, expression)?));
    }
    Ok(number(update::by_filter(asker.db, meta, assignments, filter).await?))
}

/// Changes one instance and saves it, with its signals; the number of rows.
async fn update_one(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    key: contract::Value,
    mut values: contract::Map,
    expressions: BTreeMap<String, FieldExpression>,
) -> Result<u64, Unanswered> {
    let db = asker.db;
    let Some(mut instance) = read(db, meta, key, Some(Lock::Update)).await? else { return Ok(0) };
    for (name, expression) in expressions {
        let target = asker.writable(meta, &name)?;
        let mut select = Query::select();
        select
            .expr(computed(asker, meta, target, expression)?.stored_on(db.backend()))
            .from(meta.table)
            .cond_where(by_key(meta, instance.key()));
        // Also here: MySQL computes from what was stored when the transaction first read, unless the row is read to be locked.
        let (sql, bound) = Lock::Update.statement(db, &mut select, meta.table);
        let on = On { meta, doing: "computing a field for a plugin" };
        let rows = db.fetch(on, sql, bound).await?;
        let Some(row) = rows.first() else { return Ok(0) };
        values.insert(name, to_wire(&row.value(0, target.kind)?));
    }
    let names: Vec<String> = values.keys().cloned().collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    set(asker, &mut *instance, values)?;
    let options = SaveOptions { update_fields: Some(&names), ..SaveOptions::default() };
    save(&mut *instance, db, options, &Operation::new()).await?;
    Ok(1)
}

/// Deletes one instance, or those that a filter selects; the number of rows, with those of the cascade.
pub(super) async fn delete(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    request: ModelRequest,
) -> Result<contract::Value, Unanswered> {
    let (condition, origin) = match meant(asker, meta, request.key, request.filter)? {
        Meant::Key(key) => (by_key(meta, value(meta.key_field(), meta, key)?), Origin::Instance),
        Meant::Rows(condition) => (condition, Origin::Query),
    };
    let deleted = delete::by_filter(asker.db, meta, condition, origin).await?;
    Ok(number(deleted.rows))
}

/// What a write means: one instance, or the rows of a filter.
enum Meant {
    Key(contract::Value),
    Rows(Cond),
}

fn meant(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    key: contract::Value,
    filter: Option<ModelFilter>,
) -> Result<Meant, RequestError> {
    match (key, filter) {
        (contract::Value::Nil, Some(filter)) => condition(asker, meta, Some(filter)).map(Meant::Rows),
        (contract::Value::Nil, None) | (_, Some(_)) => Err(RequestError::new(KEY_OR_FILTER)),
        (key, None) => Ok(Meant::Key(key)),
    }
}

fn by_key(meta: &ModelMeta, key: crate::Value) -> Cond {
    Cond::all().add(Expr::col(meta.key_field().name).eq(key))
}

/// The stored instance with this key.
pub(super) async fn read(
    db: &Db,
    meta: &'static ModelMeta,
    key: contract::Value,
    lock: Option<Lock>,
) -> Result<Option<Box<dyn AnyInstance>>, Unanswered> {
    let key = value(meta.key_field(), meta, key)?;
    let mut select = select_dynamic(meta, by_key(meta, key));
    let (sql, values) = match lock {
        Some(lock) => lock.statement(db, &mut select, meta.table),
        None => db.built(&select),
    };
    let on = On { meta, doing: "reading a row for a plugin" };
    let rows = db.fetch(on, sql, values).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let mut instance = (meta.instance_from_row)(row)?;
    if init::is_heard(db, meta) {
        init::send(db, &Operation::new(), &mut *instance).await?;
    }
    Ok(Some(instance))
}

/// Sets fields by name.
fn set(asker: Asker<'_>, instance: &mut dyn AnyInstance, values: contract::Map) -> Result<(), RequestError> {
    let meta = instance.meta();
    for (name, new) in values {
        let field = asker.writable(meta, &name)?;
        let new = fitting(meta, field, new)?;
        if let Some(index) = meta.position(&name) {
            instance
                .set_value(index, new)
                .map_err(|_| RequestError::new(format!("`{}.{name}` cannot hold this value", meta.label)))?;
        }
    }
    Ok(())
}

fn fitting(
    meta: &ModelMeta,
    field: &FieldMeta,
    value: contract::Value,
) -> Result<crate::Value, RequestError> {
    from_wire(field, value).map_err(|problem| {
        RequestError::new(format!("`{}.{}` cannot be set to {problem}", meta.label, field.name))
    })
}

/// What a field is set to by an expression over another one, or itself.
fn computed(
    asker: Asker<'_>,
    meta: &'static ModelMeta,
    target: &FieldMeta,
    expression: FieldExpression,
) -> Result<Side, RequestError> {
    let FieldExpression { field: name, operator, value: right } = expression;
    let left = asker.readable(meta, &name)?;
    let refused = |reason: String| {
        Err(RequestError::new(format!(
            "`{}.{}` cannot be computed of `{name}`: {reason}",
            meta.label, target.name
        )))
    };
    if !left.kind.is_number() {
        return refused(format!("it is {}, and not a number", left.kind.words()));
    }
    if left.kind != target.kind {
        return refused(format!("it is {}, and the other is {}", left.kind.words(), target.kind.words()));
    }
    let right = Expr::val(fitting(meta, left, right)?);
    let operator = match operator {
        Arithmetic::Add => BinOper::Add,
        Arithmetic::Sub => BinOper::Sub,
        Arithmetic::Mul => BinOper::Mul,
        Arithmetic::Div => BinOper::Div,
    };
    Ok(Side::computed(left.kind, operator, Expr::col(left.name).into(), right.into()))
}
