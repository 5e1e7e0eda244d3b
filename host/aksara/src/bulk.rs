//! `bulk_create` and `bulk_update`: many rows in few statements, with one signal before and one after.

use std::collections::{BTreeMap, BTreeSet};

use sea_query::{CaseStatement, Expr, ExprTrait, Query};

use crate::collect::Key;
use crate::db::On;
use crate::delete::compare_keys;
use crate::instance::{AnyInstance, State};
use crate::lock::Lock;
use crate::meta::{FieldKind, ModelMeta};
use crate::signals::{self, Details, Event, Operation, SignalKind, Subject, UpdateFields, Written};
use crate::transaction::Scope;
use crate::violation::{Pointing, missing_targets};
use crate::{Db, Error, Instance, Model, Value, init, save};

pub(crate) async fn create<M: Model>(db: &Db, values: Vec<M>) -> Result<Vec<Instance<M>>, Error> {
    let mut instances: Vec<Instance<M>> = values.into_iter().map(Instance::new).collect();
    if instances.is_empty() {
        return Ok(instances);
    }
    let scope = Scope::enter(db).await?;
    let created = create_all(scope.db(), &Operation::new(), &mut instances).await;
    let ((), after) = scope.finish(created).await?;
    for instance in &mut instances {
        instance.set_state(State::Stored);
        instance.set_loaded(None);
    }
    after.run().await;
    Ok(instances)
}

async fn create_all<M: Model>(
    db: &Db,
    operation: &Operation,
    instances: &mut Vec<Instance<M>>,
) -> Result<(), Error> {
    if init::is_heard(db, M::meta()) {
        for instance in instances.iter_mut() {
            init::send(db, operation, instance).await?;
        }
    }
    for instance in instances.iter_mut() {
        save::fill_in_new(instance);
    }
    send(SignalKind::PreBulkCreate, (db, operation), instances, None, None).await?;
    for instance in instances.iter() {
        save::check(db, instance, None)?;
    }
    let inserted = insert(db, instances).await;
    let fields = || (0..M::meta().fields.len()).collect::<Vec<_>>();
    missing_targets(db, inserted, || pointing(instances, &fields())).await?;
    for instance in instances.iter() {
        note((db, operation), instance, true, None);
    }
    send(SignalKind::PostBulkCreate, (db, operation), instances, None, None).await
}

/// Writes these fields of all instances. Returns how many rows were changed.
pub(crate) async fn update<M: Model>(
    db: &Db,
    instances: &mut Vec<Instance<M>>,
    fields: UpdateFields,
) -> Result<u64, Error> {
    if instances.is_empty() || fields.is_empty() {
        return Ok(0);
    }
    if let Some(unsaved) = instances.iter().find(|instance| instance.state() != State::Stored) {
        let reason = match unsaved.state() {
            State::New => "one of the instances was never saved",
            _ => "the row of one of the instances was deleted",
        };
        return Err(Error::State { operation: "update", model: M::meta().label, reason });
    }
    let before = instances.clone();
    let scope = Scope::enter(db).await?;
    let updated = update_all(scope.db(), &Operation::new(), instances, &fields).await;
    match scope.finish(updated).await {
        Ok((rows, after)) => {
            instances.iter_mut().for_each(|instance| instance.set_loaded(Some(fields.positions())));
            after.run().await;
            Ok(rows)
        }
        Err(error) => {
            *instances = before;
            Err(error)
        }
    }
}

async fn update_all<M: Model>(
    db: &Db,
    operation: &Operation,
    instances: &mut Vec<Instance<M>>,
    fields: &UpdateFields,
) -> Result<u64, Error> {
    for instance in instances.iter_mut() {
        save::stamp(instance, fields);
    }
    send(SignalKind::PreBulkUpdate, (db, operation), instances, Some(fields), None).await?;
    for instance in instances.iter() {
        save::check(db, instance, Some(fields))?;
    }
    // Each row binds its key twice for each field, and once more to be found.
    let batch =
        (db.backend().binds_max() / (2 * fields.positions().len() + 1)).clamp(1, crate::collect::KEYS_MAX);
    let mut rows = 0;
    for batch in instances.chunks(batch) {
        let updated = update_batch(db, batch, fields).await;
        rows += missing_targets(db, updated, || pointing(batch, fields.positions())).await?;
    }
    for instance in instances.iter() {
        note((db, operation), instance, false, Some(fields));
    }
    send(SignalKind::PostBulkUpdate, (db, operation), instances, Some(fields), Some(rows)).await?;
    Ok(rows)
}

async fn update_batch<M: Model>(db: &Db, batch: &[Instance<M>], fields: &UpdateFields) -> Result<u64, Error> {
    let meta = M::meta();
    let key = meta.key_field().name;
    // As if they were saved one after the other: of two with one key, the last stays.
    let instances: BTreeMap<Key, &dyn AnyInstance> = batch
        .iter()
        .map(|instance| instance as &dyn AnyInstance)
        .map(|instance| (Key(instance.key()), instance))
        .collect();
    let mut update = Query::update();
    update.table(meta.table);
    for position in fields.positions() {
        let mut case = CaseStatement::new();
        for (Key(of), instance) in &instances {
            case = case.case(Expr::col(key).eq(of.clone()), instance.value(*position));
        }
        update.value(meta.fields[*position].name, case);
    }
    let keys = || instances.keys().map(|Key(key)| key.clone());
    update.and_where(Expr::col(key).is_in(keys()));
    let (sql, values) = db.built(&update);
    let rows = db.execute(On { meta, doing: "updating rows" }, sql, values).await?;
    if rows < instances.len() as u64 { Err(gone(db, meta, keys().collect()).await?) } else { Ok(rows) }
}

/// Says which of these rows is gone.
async fn gone(db: &Db, meta: &'static ModelMeta, keys: Vec<Value>) -> Result<Error, Error> {
    let key = meta.key_field();
    let mut select = Query::select();
    select.column(key.name).from(meta.table).and_where(Expr::col(key.name).is_in(keys.iter().cloned()));
    // With a lock, it is told of the rows that the update saw.
    let (sql, values) = Lock::Share.statement(db, &mut select, meta.table);
    let rows = db.fetch(On { meta, doing: "looking for rows" }, sql, values).await?;
    let there = rows.iter().map(|row| row.value(0, key.kind).map(Key)).collect::<Result<BTreeSet<_>, _>>()?;
    let mut missing = keys.into_iter().map(Key).filter(|key| !there.contains(key));
    let criterion = match (missing.next(), missing.count()) {
        (Some(Key(first)), 0) => key.named(&first),
        (Some(Key(first)), others) => format!("{}, nor {others} other keys", key.named(&first)),
        (None, _) => "one of the keys".to_owned(),
    };
    Ok(Error::NotFound { model: meta.label, criterion })
}

/// The foreign keys among these fields of instances that are written together, but for what points to one of them.
fn pointing<M: Model>(instances: &[Instance<M>], fields: &[usize]) -> Vec<Pointing> {
    let meta = M::meta();
    let value = |instance: &Instance<M>, index: usize| (instance as &dyn AnyInstance).value(index);
    let own: BTreeSet<_> = instances.iter().map(|instance| Key(value(instance, meta.key))).collect();
    Pointing::of(
        meta,
        fields.iter().map(|index| {
            let field = &meta.fields[*index];
            let to_own = field.points_to(meta);
            let keys = instances.iter().map(|instance| value(instance, *index));
            (field, keys.filter(|key| !to_own || !own.contains(&Key(key.clone()))).collect())
        }),
    )
}

/// Sends one of the signals around a bulk operation, if somebody hears it.
async fn send<M: Model>(
    signal: SignalKind,
    (db, operation): (&Db, &Operation),
    instances: &mut Vec<Instance<M>>,
    fields: Option<&UpdateFields>,
    rows: Option<u64>,
) -> Result<(), Error> {
    let (meta, plugins) = (M::meta(), db.plugin_set());
    if !signals::is_heard(signal, meta, plugins.as_ref()) {
        return Ok(());
    }
    let details = Details::Bulk { fields, rows };
    let mut event =
        Event::new(signal, (db, operation), (meta.label, Some(meta)), Subject::Many(instances), details);
    signals::send(&mut event, plugins.as_ref()).await
}

/// Takes notice of a written instance, for what is sent after the end of the transaction.
fn note<M: Model>(
    (db, operation): (&Db, &Operation),
    instance: &Instance<M>,
    created: bool,
    fields: Option<&UpdateFields>,
) {
    let (meta, plugins) = (M::meta(), db.plugin_set());
    let heard = |signal| signals::is_heard(signal, meta, plugins.as_ref());
    if heard(SignalKind::AfterCommit) || heard(SignalKind::AfterRollback) {
        let key = (instance as &dyn AnyInstance).key();
        let changes = signals::written_changes(instance, fields);
        let operation = operation.id();
        db.wrote_instance(Written { meta, operation, key, created, deleted: false, changes });
    }
}

async fn insert<M: Model>(db: &Db, instances: &mut [Instance<M>]) -> Result<(), Error> {
    let meta = M::meta();
    let batch = (db.backend().binds_max() / meta.fields.len()).max(1);
    // Keys that the database makes and keys that were given cannot share a statement.
    let (mut generated, mut given): (Vec<_>, Vec<_>) =
        instances.iter_mut().partition(|instance| (&**instance as &dyn AnyInstance).key_is_unassigned());
    for batch in given.chunks_mut(batch) {
        insert_batch(db, meta, batch, false).await?;
    }
    for batch in generated.chunks_mut(batch) {
        insert_batch(db, meta, batch, true).await?;
    }
    Ok(())
}

async fn insert_batch<M: Model>(
    db: &Db,
    meta: &'static ModelMeta,
    batch: &mut [&mut Instance<M>],
    generated: bool,
) -> Result<(), Error> {
    let written: Vec<usize> =
        (0..meta.fields.len()).filter(|index| !generated || *index != meta.key).collect();
    let mut insert = Query::insert();
    insert.into_table(meta.table).columns(written.iter().map(|index| meta.fields[*index].name));
    for instance in batch.iter() {
        let instance: &dyn AnyInstance = &**instance;
        insert.values_panic(written.iter().map(|index| instance.value(*index).into()));
    }
    let on = On { meta, doing: "inserting rows" };
    if written.is_empty() {
        // Rows of nothing but a key that the database makes cannot share a statement.
        for instance in batch {
            save::insert(&mut **instance, db).await?;
        }
        return Ok(());
    }
    if generated && db.backend().has_returning() {
        insert.returning_col(meta.key_field().name);
    }
    let (sql, values) = db.built(&insert);
    if !generated {
        return db.execute(on, sql, values).await.map(drop);
    }
    let keys = if db.backend().has_returning() {
        let rows = db.fetch_written(on, sql, values).await?;
        let kind = meta.key_field().kind;
        let mut keys = rows.iter().map(|row| row.value(0, kind)).collect::<Result<Vec<_>, _>>()?;
        // The rows are inserted in order and their keys counted upwards; the order of RETURNING is not promised.
        keys.sort_by(compare_keys);
        keys
    } else {
        let first = db.execute_done(on, sql, values).await?.key;
        let step = key_step(db, meta).await?;
        (0..batch.len() as i64)
            .map(|index| save::made_key(meta, first + index * step))
            .collect::<Result<_, _>>()?
    };
    for (instance, key) in batch.iter_mut().zip(keys) {
        let instance: &mut dyn AnyInstance = &mut **instance;
        save::set(instance, meta.key, key);
    }
    Ok(())
}

/// By how much MySQL counts; more than one in a cluster.
async fn key_step(db: &Db, meta: &'static ModelMeta) -> Result<i64, Error> {
    let (sql, values) =
        db.built(Query::select().expr(Expr::cust("CAST(@@auto_increment_increment AS SIGNED)")));
    let rows = db.fetch(On { meta, doing: "asking how keys are counted" }, sql, values).await?;
    match rows.first().map(|row| row.value(0, FieldKind::I64)).transpose()? {
        Some(Value::BigInt(Some(step))) => Ok(step),
        _ => Ok(1),
    }
}
