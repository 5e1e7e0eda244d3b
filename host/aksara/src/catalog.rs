//! What the database says of a table: columns, indexes, foreign keys.

use sea_query::Values;
use sqlx::AssertSqlSafe;

use crate::db::On;
use crate::meta::ModelMeta;
use crate::{Backend, Db, Error, Value};

/// A table as it is.
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) keys: Vec<ForeignKey>,
}

pub(crate) struct Column {
    pub(crate) name: String,
    /// Its type without length, in lower case; on MySQL with all of it.
    pub(crate) kind: String,
    /// The longest text, in characters or, for MySQL's unbounded types, bytes.
    pub(crate) length: Option<u64>,
    pub(crate) nullable: bool,
    /// Whether the database has a value for it where an insert gives none.
    pub(crate) has_default: bool,
    /// Whether the database counts its values.
    pub(crate) counted: bool,
    /// Whether it is the primary key, or part of it.
    pub(crate) primary: bool,
}

pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) unique: bool,
    /// Whether it belongs to a constraint, with which it goes.
    pub(crate) constraint: bool,
}

pub(crate) struct ForeignKey {
    pub(crate) column: String,
    pub(crate) target: String,
}

/// Reads a table; `None` when there is none.
pub(crate) async fn table(db: &Db, meta: &'static ModelMeta, table: &str) -> Result<Option<Table>, Error> {
    let [_, indexes, keys] = queries(db.backend());
    let columns = columns(db, meta, table).await?;
    if columns.is_empty() {
        return Ok(None);
    }
    let mut found: Vec<Index> = Vec::new();
    for row in texts(db, meta, indexes, table, 4).await? {
        let row: [Option<String>; 4] = row.try_into().unwrap_or_default();
        let [Some(name), unique, constraint, column] = row else { continue };
        // An index over an expression or a part of the rows is not one over columns.
        let column = column.unwrap_or_default();
        match found.last_mut().filter(|index| index.name == name) {
            Some(index) => index.columns.push(column),
            None => found.push(Index {
                name,
                columns: vec![column],
                unique: is(unique),
                constraint: is(constraint),
            }),
        }
    }
    found.retain(|index| !index.columns.iter().any(String::is_empty));
    let keys = texts(db, meta, keys, table, 2).await?.into_iter().filter_map(|row| {
        let [column, target]: [Option<String>; 2] = row.try_into().ok()?;
        Some(ForeignKey { column: column?, target: target? })
    });
    Ok(Some(Table { columns, indexes: found, keys: keys.collect() }))
}

/// Reads the columns of a table; none when there is no such table.
pub(crate) async fn columns(db: &Db, meta: &'static ModelMeta, table: &str) -> Result<Vec<Column>, Error> {
    let [columns, ..] = queries(db.backend());
    Ok(texts(db, meta, columns, table, 7).await?.into_iter().filter_map(column).collect())
}

/// The queries for columns, indexes and foreign keys.
fn queries(backend: Backend) -> [&'static str; 3] {
    match backend {
        Backend::Sqlite => SQLITE,
        Backend::Postgres => POSTGRES,
        Backend::MySql => MYSQL,
    }
}

fn column(row: Vec<Option<String>>) -> Option<Column> {
    let [name, kind, length, nullable, has_default, counted, primary] = row.try_into().ok()?;
    Some(Column {
        name: name?,
        kind: kind.unwrap_or_default().to_lowercase(),
        length: length.and_then(|length| length.parse().ok()),
        nullable: is(nullable),
        has_default: is(has_default),
        counted: is(counted),
        primary: is(primary),
    })
}

/// A truth as one of the databases writes it as text.
fn is(text: Option<String>) -> bool {
    text.is_some_and(|text| matches!(&*text, "1" | "true"))
}

/// The rows of a query about one table, as texts.
async fn texts(
    db: &Db,
    meta: &'static ModelMeta,
    sql: &'static str,
    table: &str,
    width: usize,
) -> Result<Vec<Vec<Option<String>>>, Error> {
    let on = On { meta, doing: "reading what the database says of a table" };
    // PostgreSQL reads the name as SQL.
    let name = match db.backend() {
        Backend::Postgres => Backend::Postgres.quoted(table),
        Backend::Sqlite | Backend::MySql => table.to_owned(),
    };
    let rows = db.fetch_as_bound(on, AssertSqlSafe(sql), Values(vec![Value::String(Some(name))])).await?;
    rows.iter().map(|row| (0..width).map(|index| row.get(index)).collect()).collect()
}

/// Columns, indexes, foreign keys: all as text, so that one reader does for the three databases.
const SQLITE: [&str; 3] = [
    "SELECT name, type, NULL, CAST(\"notnull\" = 0 AS TEXT), CAST(dflt_value IS NOT NULL AS TEXT), \
     CAST(pk = 1 AND upper(type) = 'INTEGER' AS TEXT), CAST(pk > 0 AS TEXT) FROM pragma_table_info(?) ORDER BY cid",
    "SELECT l.name, CAST(l.\"unique\" AS TEXT), CAST(l.origin <> 'c' AS TEXT), \
     CASE WHEN l.partial THEN NULL ELSE i.name END \
     FROM pragma_index_list(?) l JOIN pragma_index_info(l.name) i ORDER BY l.seq, i.seqno",
    "SELECT k.\"from\", k.\"table\" FROM pragma_foreign_key_list(?) k",
];

const POSTGRES: [&str; 3] = [
    "SELECT CAST(a.attname AS TEXT), CAST(t.typname AS TEXT), \
     CASE WHEN a.atttypmod >= 0 THEN CAST(a.atttypmod - 4 AS TEXT) END, \
     CAST(NOT a.attnotnull AS TEXT), CAST(a.atthasdef OR a.attidentity <> '' AS TEXT), \
     CAST(a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' AS TEXT), \
     CAST(EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary \
     AND a.attnum = ANY(i.indkey)) AS TEXT) \
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    "SELECT CAST(c.relname AS TEXT), CAST(i.indisunique AS TEXT), \
     CAST(EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype <> 'f') AS TEXT), \
     CASE WHEN i.indpred IS NULL THEN CAST(a.attname AS TEXT) END \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     CROSS JOIN LATERAL unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY k(attnum, place) \
     LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
     WHERE i.indrelid = to_regclass($1) AND k.place <= i.indnkeyatts ORDER BY c.relname, k.place",
    "SELECT CAST(a.attname AS TEXT), CAST(t.relname AS TEXT) FROM pg_constraint c \
     JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] \
     JOIN pg_class t ON t.oid = c.confrelid \
     WHERE c.contype = 'f' AND c.conrelid = to_regclass($1) AND array_length(c.conkey, 1) = 1",
];

const MYSQL: [&str; 3] = [
    "SELECT CAST(column_name AS CHAR), CAST(column_type AS CHAR), CAST(character_maximum_length AS CHAR), \
     CAST(is_nullable = 'YES' AS CHAR), CAST(column_default IS NOT NULL OR extra LIKE '%auto_increment%' AS CHAR), \
     CAST(extra LIKE '%auto_increment%' AS CHAR), CAST(column_key = 'PRI' AS CHAR) FROM information_schema.columns \
     WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position",
    "SELECT CAST(index_name AS CHAR), CAST(non_unique = 0 AS CHAR), CAST(index_name = 'PRIMARY' AS CHAR), \
     CASE WHEN sub_part IS NULL THEN CAST(column_name AS CHAR) END FROM information_schema.statistics \
     WHERE table_schema = DATABASE() AND table_name = ? ORDER BY index_name, seq_in_index",
    "SELECT CAST(column_name AS CHAR), CAST(referenced_table_name AS CHAR) FROM information_schema.key_column_usage \
     WHERE table_schema = DATABASE() AND table_name = ? AND referenced_table_name IS NOT NULL",
];
