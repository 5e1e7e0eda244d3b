//! What has to be asked after a violation: the columns of a key or check that is known by name only, and which foreign
//! key it was on SQLite, which does not say. An answer that does not come leaves the violated as it is.

use std::collections::BTreeSet;

use sea_query::{Cond, Expr, ExprTrait, Query, Values};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::{Constraint, Violated};
use crate::collect::{KEYS_MAX, Key};
use crate::meta::{FieldMeta, ModelMeta};
use crate::{Backend, Db, Error, Value};

/// Asks the catalog for the fields of a violated key or check, where the error does not tell them.
pub(crate) async fn asked<T>(db: &Db, written: Result<T, Error>) -> Result<T, Error> {
    let error = match written {
        Ok(written) => return Ok(written),
        Err(error) => error,
    };
    let mut violated = Violated::of(error)?;
    if violated.fields.is_empty()
        && let Some(constraint) = violated.constraint.clone()
    {
        let columns = match (db.backend(), violated.kind) {
            (Backend::MySql, Constraint::Unique) => index_columns(db, &violated, &constraint).await,
            (Backend::MySql, Constraint::Check) => mysql_check(db, &violated, &constraint).await,
            (Backend::Postgres, Constraint::Check | Constraint::ForeignKey) => {
                constraint_columns(db, &violated, &constraint).await
            }
            (Backend::Sqlite, Constraint::Check) => sqlite_check(db, &mut violated, &constraint).await,
            _ => None,
        };
        violated.fields = columns.unwrap_or_default();
    }
    Err(violated.into())
}

/// The first column of the rows that a query of the catalog returns.
async fn texts(db: &Db, sql: &str, names: &[&str]) -> Option<Vec<String>> {
    let values = Values(names.iter().map(|name| Value::String(Some((*name).to_owned()))).collect());
    let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
    let rows = match db.needs_savepoint() {
        // The transaction can only be rolled back. Waiting for a connection while holding one could be for ever.
        true if db.shared.pool.has_room() => db.shared.pool.fetch_all(sql, values).await.ok()?,
        true => return None,
        false => db.rows(sql, values).await.ok()?.ok()?,
    };
    rows.iter().map(|row| row.get(0).ok()).collect()
}

async fn index_columns(db: &Db, violated: &Violated, key: &str) -> Option<Vec<String>> {
    let sql = "SELECT CAST(column_name AS CHAR) FROM information_schema.statistics \
               WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ? ORDER BY seq_in_index";
    texts(db, sql, &[violated.table(), key]).await
}

async fn mysql_check(db: &Db, violated: &Violated, name: &str) -> Option<Vec<String>> {
    let clause = "SELECT CAST(check_clause AS CHAR) FROM information_schema.check_constraints \
                  WHERE constraint_schema = DATABASE() AND constraint_name = ?";
    // MySQL's names are unique in a schema, MariaDB's in a table.
    let of_table = format!("{clause} AND table_name = ?");
    let clauses = match texts(db, &of_table, &[name, violated.table()]).await {
        Some(clauses) => clauses,
        None => texts(db, clause, &[name]).await?,
    };
    Some(fields_in(violated.meta()?, clauses.first()?))
}

async fn constraint_columns(db: &Db, violated: &Violated, name: &str) -> Option<Vec<String>> {
    let sql = "SELECT CAST(a.attname AS TEXT) FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
               JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(c.conkey) \
               WHERE c.conname = $1 AND t.relname = $2 ORDER BY a.attnum";
    texts(db, sql, &[name, violated.table()]).await
}

/// SQLite tells the name of a check, or its expression where it has none.
async fn sqlite_check(db: &Db, violated: &mut Violated, told: &str) -> Option<Vec<String>> {
    if violated.model.is_empty() {
        // For a raw statement: the one table that has such a check.
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND instr(sql, ?) > 0";
        let [table] = &*texts(db, sql, &[told]).await? else { return None };
        violated.set_owner(table);
    }
    let sql = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?";
    let created = texts(db, sql, &[violated.table()]).await?.pop()?;
    let meta = violated.meta()?;
    if let Some(expression) = named_check(&created, told) {
        return Some(fields_in(meta, expression));
    }
    violated.constraint = None;
    Some(fields_in(meta, &format!("({told})")))
}

/// What stands behind `name CHECK` in a statement that creates a table, and all after it.
fn named_check<'a>(created: &'a str, name: &str) -> Option<&'a str> {
    created.match_indices(name).find_map(|(at, _)| {
        let after = created[at + name.len()..].trim_start_matches(['"', '`', ']', '\'']).trim_start();
        let (check, expression) = after.split_at_checked("CHECK".len())?;
        check.eq_ignore_ascii_case("CHECK").then_some(expression)
    })
}

/// The fields of a model that an expression names, which is in parentheses: what stands behind them does not count, nor
/// do texts in it.
fn fields_in(meta: &'static ModelMeta, expression: &str) -> Vec<String> {
    let (mut depth, mut in_text, mut word) = (0, false, String::new());
    let mut words = Vec::new();
    for character in expression.chars() {
        if !in_text && (character.is_alphanumeric() || character == '_') {
            word.push(character);
            continue;
        }
        words.push(std::mem::take(&mut word));
        match character {
            '\'' => in_text = !in_text,
            '(' if !in_text => depth += 1,
            ')' if !in_text && depth == 1 => break,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
    }
    let named = |field: &&FieldMeta| words.iter().any(|word| word.eq_ignore_ascii_case(field.name));
    meta.fields.iter().filter(named).map(|field| field.name.to_owned()).collect()
}

/// Keys that a statement was to write into the column of a foreign key.
pub(crate) struct Pointing {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) target: &'static ModelMeta,
    pub(crate) keys: Vec<Value>,
}

impl Pointing {
    /// The foreign keys of these values of a model's fields.
    pub(crate) fn of(
        meta: &'static ModelMeta,
        values: impl Iterator<Item = (&'static FieldMeta, Vec<Value>)>,
    ) -> Vec<Pointing> {
        let pointing = values.filter_map(|(field, keys)| {
            Some(Pointing { table: meta.table, column: field.name, target: (field.reference?.model)(), keys })
        });
        pointing.collect()
    }
}

/// Finds out which foreign keys point to rows that are not there, where the database has not said it.
pub(crate) async fn missing_targets<T>(
    db: &Db,
    written: Result<T, Error>,
    pointing: impl FnOnce() -> Vec<Pointing>,
) -> Result<T, Error> {
    let error = match written {
        Ok(written) => return Ok(written),
        Err(error) => error,
    };
    let mut violated = unnamed_key(error)?;
    let mut columns = Vec::new();
    for Pointing { table, column, target, keys } in pointing() {
        violated.set_owner(table);
        let keys: BTreeSet<_> = keys.into_iter().filter(|key| *key != key.as_null()).map(Key).collect();
        let keys: Vec<_> = keys.into_iter().map(|Key(key)| key).collect();
        for keys in keys.chunks(KEYS_MAX) {
            let key = target.key_field().name;
            match found(db, target, key, Expr::col(key).is_in(keys.iter().cloned())).await {
                Some(rows) if rows < keys.len() => columns.push(column.to_owned()),
                _ => {}
            }
        }
    }
    columns.dedup();
    violated.set_columns(columns);
    Err(violated.into())
}

/// Finds out which foreign key points to the rows that this condition selects, which could not be deleted, where the
/// database has not said it.
pub(crate) async fn pointing_rows<T>(
    db: &Db,
    target: &'static ModelMeta,
    deleted: Result<T, Error>,
    condition: Cond,
) -> Result<T, Error> {
    let error = match deleted {
        Ok(deleted) => return Ok(deleted),
        Err(error) => error,
    };
    let mut violated = unnamed_key(error)?;
    let points = |field: &&FieldMeta| field.points_to(target);
    let pointing: Vec<_> = ModelMeta::all()
        .flat_map(|meta| meta.fields.iter().filter(points).map(move |field| (meta, field)))
        .collect();
    let mut keys = Query::select();
    keys.column(target.key_field().name).from(target.table).cond_where(condition);
    for (meta, field) in pointing {
        let points = Expr::col(field.name).in_subquery(keys.clone());
        if found(db, meta, field.name, points).await.is_some_and(|rows| rows > 0) {
            violated.set_owner(meta.table);
            violated.set_columns(vec![field.name.to_owned()]);
            break;
        }
    }
    Err(violated.into())
}

/// A foreign key that the database has refused without saying which.
fn unnamed_key(error: Error) -> Result<Violated, Error> {
    let violated = Violated::of(error)?;
    if violated.kind == Constraint::ForeignKey && violated.fields.is_empty() {
        return Ok(violated);
    }
    Err(violated.into())
}

/// How many rows a condition selects, of at most as many as there are keys in one statement.
async fn found(db: &Db, meta: &'static ModelMeta, column: &'static str, condition: Expr) -> Option<usize> {
    let mut select = Query::select();
    select.column(column).from(meta.table).and_where(condition).limit(KEYS_MAX as u64);
    let (sql, values) = db.built(&select);
    Some(db.rows(sql, values).await.ok()?.ok()?.len())
}
