//! `bulk_create`: many rows in few statements.

use sea_query::{Expr, Query};

use crate::db::On;
use crate::delete::compare_keys;
use crate::instance::{AnyInstance, State};
use crate::meta::{FieldKind, ModelMeta};
use crate::transaction::Scope;
use crate::{Db, Error, Instance, Model, Value, save};

pub(crate) async fn create<M: Model>(db: &Db, values: Vec<M>) -> Result<Vec<Instance<M>>, Error> {
    let mut instances: Vec<Instance<M>> = values.into_iter().map(Instance::new).collect();
    if instances.is_empty() {
        return Ok(instances);
    }
    for instance in &mut instances {
        save::prepare_insert(instance)?;
    }
    let scope = Scope::enter(db).await?;
    let inserted = insert(scope.db(), &mut instances).await;
    let ((), after) = scope.finish(inserted).await?;
    for instance in &mut instances {
        instance.set_state(State::Stored);
        instance.set_loaded(None);
    }
    after.run().await;
    Ok(instances)
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
