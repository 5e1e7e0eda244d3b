//! `delete`: rows and what depends on them, in the order that the signals promise.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sea_query::{Cond, Expr, ExprTrait, Query};

use crate::collect::{Collection, Group};
use crate::db::On;
use crate::instance::{AnyInstance, State};
use crate::leaves::{Leaves, delete_circle};
use crate::meta::{JoinMeta, ModelMeta};
use crate::signals::{self, Details, Event, Operation, Origin, SignalKind, Written};
use crate::transaction::Scope;
use crate::violation::pointing_rows;
use crate::{Db, Error, Instance, Model, Value};

/// How often handlers of one delete may write rows that it has to delete as well.
const ROUNDS_MAX: u32 = 8;

/// How many rows a delete has deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// In total.
    pub rows: u64,
    /// By label of the model; models without a deleted row are not listed.
    pub by_model: BTreeMap<&'static str, u64>,
}

impl Deleted {
    fn add(&mut self, meta: &'static ModelMeta, rows: u64) {
        if rows > 0 {
            self.rows += rows;
            *self.by_model.entry(meta.label).or_default() += rows;
        }
    }
}

impl<M: Model> Instance<M> {
    /// Deletes the row and what depends on it, as each foreign key's `on_delete` says.
    ///
    /// In this order: collect what goes, check `protect` and `restrict`, `pre_delete`, set foreign keys to null,
    /// delete with children first, `post_delete`. An error at any stage undoes everything. A row that is gone
    /// already counts as 0, and both signals are still sent. Afterwards the instance cannot be saved by accident.
    ///
    /// # Errors
    /// [`Error::State`] for an instance without a row, [`Error::Protected`], a handler's refusal or failure,
    /// [`Error::Integrity`], [`Error::Database`].
    pub async fn delete(&mut self, db: &Db) -> Result<Deleted, Error> {
        let reason = match self.state() {
            State::Stored => None,
            State::New => Some("it was never saved"),
            State::Deleted => Some("it was deleted already"),
        };
        if let Some(reason) = reason {
            return Err(Error::State { operation: "delete", model: M::meta().label, reason });
        }
        let scope = Scope::enter(db).await?;
        let operation = Operation::new();
        let deleted = delete(scope.db(), &operation, Group::one(self), Origin::Instance).await;
        let (deleted, after) = scope.finish(deleted).await?;
        self.set_state(State::Deleted);
        after.run().await;
        Ok(deleted)
    }
}

/// Deletes the rows that a condition selects.
pub(crate) async fn by_filter(
    db: &Db,
    meta: &'static ModelMeta,
    condition: Cond,
    origin: Origin,
) -> Result<Deleted, Error> {
    if is_plain(db, meta) && !db.needs_savepoint() {
        let mut deleted = Deleted::default();
        deleted.add(meta, delete_where(db, meta, condition).await?);
        return Ok(deleted);
    }
    let scope = Scope::enter(db).await?;
    let operation = Operation::new();
    let deleted = match Group::read(scope.db(), &operation, meta, condition).await {
        Ok(group) => delete(scope.db(), &operation, group, origin).await,
        Err(error) => Err(error),
    };
    let (deleted, after) = scope.finish(deleted).await?;
    after.run().await;
    Ok(deleted)
}

/// Whether rows of this model can be deleted unread: nobody listens, and nothing points to them.
pub(crate) fn is_plain(db: &Db, meta: &'static ModelMeta) -> bool {
    let plugins = db.plugin_set();
    let heard = |signal| signals::is_heard(signal, meta, plugins.as_ref());
    !heard(SignalKind::PreDelete)
        && !heard(SignalKind::PostDelete)
        && !ends_heard(db, meta)
        && crate::collect::relations(meta).next().is_none()
        && JoinMeta::of(meta).all(|(join, _)| join.explicit)
}

/// Whether somebody hears of the end of the transaction.
fn ends_heard(db: &Db, meta: &'static ModelMeta) -> bool {
    let plugins = db.plugin_set();
    let heard = |signal| signals::is_heard(signal, meta, plugins.as_ref());
    heard(SignalKind::AfterCommit) || heard(SignalKind::AfterRollback)
}

async fn delete(db: &Db, operation: &Operation, roots: Group<'_>, origin: Origin) -> Result<Deleted, Error> {
    let root = roots.meta;
    let mut collection = Collection::of(db, operation, roots).await?;
    collection.check_protection()?;
    announce(db, operation, &mut collection, origin, root).await?;
    for (relation, keys) in &collection.set_null {
        let mut update = Query::update();
        update.table(relation.meta.table).value(relation.field.name, relation.field.kind.null());
        update.and_where(Expr::col(relation.field.name).is_in(keys.iter().cloned()));
        let (sql, values) = db.built(&update);
        db.execute(On { meta: relation.meta, doing: "setting a foreign key to null" }, sql, values).await?;
    }
    for group in &collection.groups {
        unrelate(db, group).await?;
    }
    for (field, group) in collection.knots() {
        for keys in group.keys().chunks(crate::collect::KEYS_MAX) {
            let mut update = Query::update();
            update.table(group.meta.table).value(field.name, field.kind.null());
            update.and_where(Expr::col(group.meta.key_field().name).is_in(keys.iter().cloned()));
            let (sql, values) = db.built(&update);
            db.execute(On { meta: group.meta, doing: "untying rows to delete" }, sql, values).await?;
        }
    }
    let mut deleted = Deleted::default();
    for (relation, keys) in &collection.unread {
        let condition = Cond::all().add(Expr::col(relation.field.name).is_in(keys.iter().cloned()));
        deleted.add(relation.meta, delete_where(db, relation.meta, condition).await?);
    }
    for group in &mut collection.groups {
        let leaves = Leaves::of(group);
        for keys in leaves.layers.iter().flat_map(|layer| layer.chunks(crate::collect::KEYS_MAX)) {
            let key = Expr::col(group.meta.key_field().name);
            let condition = Cond::all().add(key.is_in(keys.iter().cloned()));
            deleted.add(group.meta, delete_where(db, group.meta, condition).await?);
        }
        if !leaves.circle.is_empty() {
            deleted.add(group.meta, delete_circle(db, group.meta, &leaves.circle).await?);
        }
        if ends_heard(db, group.meta) {
            for instance in &group.instances {
                let (meta, operation, key) = (group.meta, operation.id(), instance.get().key());
                db.wrote_instance(Written {
                    meta,
                    operation,
                    key,
                    created: false,
                    deleted: true,
                    changes: Vec::new(),
                });
            }
        }
        for instance in group.instances.iter_mut().rev() {
            send(SignalKind::PostDelete, (db, operation), instance.get_mut(), origin).await?;
        }
    }
    Ok(deleted)
}

/// Sends `pre_delete` for each row. Handlers may write rows that depend on those to be deleted: they go with them, and are
/// told too.
async fn announce(
    db: &Db,
    operation: &Operation,
    collection: &mut Collection<'_>,
    origin: Origin,
    root: &'static ModelMeta,
) -> Result<(), Error> {
    for _ in 0..ROUNDS_MAX {
        let writes = db.writes();
        for instance in collection.groups.iter_mut().flat_map(|group| &mut group.instances) {
            if !instance.is_told {
                send(SignalKind::PreDelete, (db, operation), instance.get_mut(), origin).await?;
                instance.is_told = true;
            }
        }
        if db.writes() == writes || !collection.collect(db, operation).await? {
            return Ok(());
        }
        collection.check_protection()?;
    }
    let reason =
        "each time that its handlers of `pre_delete` are called, they write further rows that depend on it";
    Err(Error::State { operation: "delete", model: root.label, reason })
}

async fn send(
    signal: SignalKind,
    (db, operation): (&Db, &Operation),
    instance: &mut dyn AnyInstance,
    origin: Origin,
) -> Result<(), Error> {
    let plugins = db.plugin_set();
    let mut event = Event::one(signal, (db, operation), instance, Details::Delete { origin });
    signals::send(&mut event, plugins.as_ref()).await
}

/// Deletes the pairs of a many-to-many relation that go with their rows. This sends nothing.
async fn unrelate(db: &Db, group: &Group<'_>) -> Result<(), Error> {
    let on = On { meta: group.meta, doing: "relating rows no longer" };
    for (join, reverse) in JoinMeta::of(group.meta).filter(|(join, _)| !join.explicit) {
        let column = if reverse { join.target.1 } else { join.source.1 };
        for keys in group.keys().chunks(crate::collect::KEYS_MAX) {
            let mut delete = Query::delete();
            delete.from_table(join.table).and_where(Expr::col(column).is_in(keys.iter().cloned()));
            let (sql, values) = db.built(&delete);
            db.execute(on, sql, values).await?;
        }
    }
    Ok(())
}

async fn delete_where(db: &Db, meta: &'static ModelMeta, condition: Cond) -> Result<u64, Error> {
    let mut delete = Query::delete();
    delete.from_table(meta.table).cond_where(condition.clone());
    let (sql, values) = db.built(&delete);
    let deleted = db.execute(On { meta, doing: "deleting rows" }, sql, values).await;
    pointing_rows(db, meta, deleted, condition).await
}

/// The order of two keys of one model.
pub(crate) fn compare_keys(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::BigInt(a), Value::BigInt(b)) => a.cmp(b),
        (Value::Uuid(a), Value::Uuid(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => Ordering::Equal,
    }
}
