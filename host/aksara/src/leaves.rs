//! The order of rows of one model that point at each other by a foreign key which may not be null: a row goes after those
//! that point to it.

use std::collections::BTreeMap;

use sea_query::{Cond, Expr, ExprTrait, Query, Values};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use crate::collect::{Group, KEYS_MAX, Key};
use crate::db::On;
use crate::meta::ModelMeta;
use crate::{Backend, Db, Error, Value};

/// Keys of rows to be deleted.
pub(crate) struct Leaves {
    /// No row points to one of a later layer.
    pub(crate) layers: Vec<Vec<Value>>,
    /// What is left: rows that point at themselves, or at each other in a circle.
    pub(crate) circle: Vec<Value>,
}

impl Leaves {
    pub(crate) fn of(group: &Group<'_>) -> Self {
        let meta = group.meta;
        let points_to_own = |position: &usize| {
            let field = &meta.fields[*position];
            !field.nullable && field.points_to(meta)
        };
        let fields: Vec<usize> = (0..meta.fields.len()).filter(points_to_own).collect();
        if fields.is_empty() {
            return Leaves { layers: vec![group.keys()], circle: Vec::new() };
        }
        // What each row points to, and by how many it is pointed to.
        let mut targets: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        let mut pointing: BTreeMap<Key, usize> = BTreeMap::new();
        for instance in &group.instances {
            let instance = instance.get();
            let to: Vec<Value> = fields.iter().map(|position| instance.value(*position)).collect();
            to.iter().for_each(|key| *pointing.entry(Key(key.clone())).or_default() += 1);
            targets.insert(Key(instance.key()), to);
        }
        let mut layers = Vec::new();
        let mut free: Vec<Value> = group.keys();
        free.retain(|key| !pointing.contains_key(&Key(key.clone())));
        while !free.is_empty() {
            let mut next = Vec::new();
            for key in &free {
                for target in targets.remove(&Key(key.clone())).unwrap_or_default() {
                    let Some(count) = pointing.get_mut(&Key(target.clone())) else { continue };
                    *count -= 1;
                    if *count == 0 && targets.contains_key(&Key(target.clone())) {
                        next.push(target);
                    }
                }
            }
            layers.push(std::mem::replace(&mut free, next));
        }
        Leaves { layers, circle: targets.into_keys().map(|Key(key)| key).collect() }
    }
}

/// Deletes rows of a circle, in one statement. MySQL looks at each row by itself and finds it pointed to: there the
/// statement runs without that look, which is made afterwards.
pub(crate) async fn delete_circle(db: &Db, meta: &'static ModelMeta, keys: &[Value]) -> Result<u64, Error> {
    let mut rows = 0;
    for keys in keys.chunks(db.backend().binds_max()) {
        let mut delete = Query::delete();
        let condition = Expr::col(meta.key_field().name).is_in(keys.iter().cloned());
        delete.from_table(meta.table).cond_where(Cond::all().add(condition));
        let (sql, values) = db.backend().render(&delete);
        let sql = match db.backend() {
            // The comments are statements: the first to MariaDB, the second to MySQL.
            Backend::MySql => sql.replacen(
                "DELETE",
                "/*M! SET STATEMENT foreign_key_checks = 0 FOR */ DELETE /*+ SET_VAR(foreign_key_checks = OFF) */",
                1,
            ),
            Backend::Sqlite | Backend::Postgres => sql,
        };
        rows += db.execute(On { meta, doing: "deleting rows" }, AssertSqlSafe(sql), values).await?;
    }
    if db.backend() == Backend::MySql {
        refuse_dangling(db, meta, keys).await?;
    }
    Ok(rows)
}

/// # Errors
/// [`Error::Protected`] when a row of any table, also of another program's, still points to one of these keys.
async fn refuse_dangling(db: &Db, meta: &'static ModelMeta, keys: &[Value]) -> Result<(), Error> {
    let on = On { meta, doing: "looking for rows that point to deleted ones" };
    let sql = "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR) FROM information_schema.key_column_usage \
               WHERE referenced_table_schema = DATABASE() AND referenced_table_name = ?";
    let table = Values(vec![Value::String(Some(meta.table.to_owned()))]);
    for row in db.fetch(on, AssertSqlSafe(sql).into_sql_str(), table).await? {
        let (table, column): (String, String) = (row.get(0)?, row.get(1)?);
        for keys in keys.chunks(KEYS_MAX) {
            let mut select = Query::select();
            select.expr(Expr::cust("1")).from(table.clone()).limit(1).lock_shared();
            select.and_where(Expr::col(column.clone()).is_in(keys.iter().cloned()));
            let (sql, values) = db.built(&select);
            if !db.fetch(on, sql, values).await?.is_empty() {
                let by = ModelMeta::by_table(&table);
                let field = by.and_then(|meta| meta.fields.iter().find(|field| field.name == column));
                return Err(Error::Protected {
                    model: meta.label,
                    by: by.map_or("another table", |meta| meta.label),
                    field: field.map_or("a foreign key", |field| field.name),
                    rule: "checked by the database",
                    rows: 1,
                });
            }
        }
    }
    Ok(())
}
