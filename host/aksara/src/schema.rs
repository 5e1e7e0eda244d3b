//! Tables from models.

use std::collections::HashSet;

use sea_query::{
    ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, IndexCreateStatement, Table,
    TableCreateStatement, Values,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::db::On;
use crate::meta::{FieldKind, FieldMeta, JoinMeta, KeySource, ModelMeta};
use crate::transaction::Scope;
use crate::{Backend, Db, Error, Model};

/// Several models: a tuple of up to twelve.
pub trait Models {
    /// What is known of each.
    fn metas() -> Vec<&'static ModelMeta>;
}

macro_rules! models {
    ($($model:ident),*) => {
        impl<$($model: Model),*> Models for ($($model,)*) {
            fn metas() -> Vec<&'static ModelMeta> {
                vec![$($model::meta()),*]
            }
        }
    };
}
models!(A);
models!(A, B);
models!(A, B, C);
models!(A, B, C, D);
models!(A, B, C, D, E);
models!(A, B, C, D, E, F);
models!(A, B, C, D, E, F, G);
models!(A, B, C, D, E, F, G, H);
models!(A, B, C, D, E, F, G, H, I);
models!(A, B, C, D, E, F, G, H, I, J);
models!(A, B, C, D, E, F, G, H, I, J, K);
models!(A, B, C, D, E, F, G, H, I, J, K, L);

impl Db {
    /// Makes the tables and indexes of these models, in one transaction; what is there already stays as it is. Tables may
    /// point at each other, in one call or in several: a foreign key is made as soon as both tables are there.
    ///
    /// ```no_run
    /// # use aksara::prelude::*;
    /// # #[derive(Model, Clone)] struct Author { #[field(primary_key)] id: i64 }
    /// # #[derive(Model, Clone)] struct Post { #[field(primary_key)] id: i64, author: Fk<Author> }
    /// # async fn example(db: Db) -> Result<(), aksara::Error> {
    /// db.create_tables::<(Author, Post)>().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Database`] when the database refuses a statement.
    pub async fn create_tables<M: Models>(&self) -> Result<(), Error> {
        let scope = Scope::enter(self).await?;
        let created = create(scope.db(), M::metas()).await;
        let ((), after) = scope.finish(created).await?;
        after.run().await;
        Ok(())
    }
}

async fn create(db: &Db, metas: Vec<&'static ModelMeta>) -> Result<(), Error> {
    let backend = db.backend();
    let mut plan = Plan { there: existing(db, &metas).await?, later: Vec::new() };
    let mut made = Vec::new();
    let mut statements = Vec::new();
    for &meta in &metas {
        if backend != Backend::Sqlite && !plan.there.contains(meta.table) {
            made.push(meta);
        }
        plan.there.insert(meta.table.to_owned());
        statements.extend(table_and_indexes(meta, backend, &mut plan).into_iter().map(|sql| (meta, sql)));
    }
    // Of a table that was there already, nothing is made anew.
    plan.later.retain(|(meta, _)| made.iter().any(|made| std::ptr::eq(*made, *meta)));
    let is_made = |meta: &ModelMeta| made.iter().any(|made| std::ptr::eq(*made, meta));
    for meta in ModelMeta::all().filter(|meta| plan.there.contains(meta.table) && !is_made(meta)) {
        let waiting =
            meta.fields.iter().filter(|field| field.reference.is_some_and(|to| is_made((to.model)())));
        plan.later.extend(waiting.map(|field| (meta, field)));
    }
    for (meta, field) in plan.later.iter().filter(|(_, field)| plan.has_target(field)) {
        if let Some(key) = foreign_key(meta, field) {
            statements.push((meta, backend.render_schema(&key)));
        }
    }
    let is_listed = |meta: &ModelMeta| metas.iter().any(|listed| std::ptr::eq(*listed, meta));
    for meta in ModelMeta::all().filter(|meta| plan.there.contains(meta.table)) {
        for join in meta.joins.iter().filter(|join| !join.explicit) {
            let target = (join.target.0)();
            let possible = backend == Backend::Sqlite || plan.there.contains(target.table);
            if possible && (is_listed(meta) || is_made(target)) {
                statements.extend(pairs(join, backend).into_iter().map(|sql| (meta, sql)));
            }
        }
    }
    for (meta, sql) in statements {
        db.execute(On { meta, doing: "creating a table" }, AssertSqlSafe(sql), Values(Vec::new())).await?;
    }
    Ok(())
}

/// The statements that make a table and its indexes.
fn table_and_indexes(meta: &'static ModelMeta, backend: Backend, plan: &mut Plan) -> Vec<String> {
    let mut table = table(meta, backend, plan);
    let mut after = Vec::new();
    for IndexPlan { mut statement, .. } in indexes(meta) {
        // MySQL cannot make an index only where there is none.
        if backend == Backend::MySql {
            table.index(&mut statement);
        } else {
            after.push(backend.render_schema(&statement));
        }
    }
    after.insert(0, backend.render_schema(&table));
    after
}

/// The statements that make a table which is not there, when the tables are that it points to.
pub(crate) fn create_statements(meta: &'static ModelMeta, backend: Backend) -> Vec<String> {
    let there = ModelMeta::all().map(|meta| meta.table.to_owned()).collect();
    table_and_indexes(meta, backend, &mut Plan { there, later: Vec::new() })
}

/// Which tables there are, and the foreign keys that wait for theirs.
struct Plan {
    there: HashSet<String>,
    later: Vec<(&'static ModelMeta, &'static FieldMeta)>,
}

impl Plan {
    fn has_target(&self, field: &FieldMeta) -> bool {
        field.reference.is_some_and(|reference| self.there.contains((reference.model)().table))
    }
}

/// The tables of the database; none on SQLite, where a foreign key may point to a table that is made later.
async fn existing(db: &Db, metas: &[&'static ModelMeta]) -> Result<HashSet<String>, Error> {
    let (Some(&meta), false) = (metas.first(), db.backend() == Backend::Sqlite) else {
        return Ok(HashSet::new());
    };
    let schema = if db.backend() == Backend::MySql { "DATABASE()" } else { "current_schema()" };
    let text = if db.backend() == Backend::MySql { "CHAR" } else { "TEXT" };
    let sql = format!(
        "SELECT CAST(table_name AS {text}) FROM information_schema.tables WHERE table_schema = {schema}"
    );
    let on = On { meta, doing: "looking for tables" };
    let rows = db.fetch(on, AssertSqlSafe(sql), Values(Vec::new())).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

pub(crate) fn foreign_key(meta: &ModelMeta, field: &FieldMeta) -> Option<ForeignKeyCreateStatement> {
    let target = (field.reference?.model)();
    let mut key = ForeignKey::create();
    key.name(key_name(meta.table, field.name));
    key.from(meta.table, field.name).to(target.table, target.key_field().name);
    // What a delete does is up to `delete`, which sends the signals; the database only guards.
    key.on_delete(ForeignKeyAction::NoAction);
    Some(key)
}

fn table(meta: &'static ModelMeta, backend: Backend, plan: &mut Plan) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(meta.table).if_not_exists();
    if backend == Backend::MySql {
        // Text is compared as on the other databases: byte by byte.
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    for (index, field) in meta.fields.iter().enumerate() {
        let is_key = index == meta.key;
        let mut column = column(field, is_key, backend);
        if is_key && meta.key_source == KeySource::Database {
            column.auto_increment();
        }
        if is_key {
            column.primary_key();
        }
        table.col(column);
        if field.reference.is_some() && backend != Backend::Sqlite && !plan.has_target(field) {
            plan.later.push((meta, field));
        } else if let Some(mut key) = foreign_key(meta, field) {
            table.foreign_key(&mut key);
        }
    }
    table
}

/// A column with its type, that may be null or not.
pub(crate) fn column(field: &FieldMeta, is_key: bool, backend: Backend) -> ColumnDef {
    let mut column = ColumnDef::new(field.name);
    match backend {
        Backend::Sqlite => sqlite_type(&mut column, field, is_key),
        Backend::Postgres => postgres_type(&mut column, field),
        Backend::MySql => mysql_type(&mut column, field, is_key),
    }
    if !field.nullable {
        column.not_null();
    }
    column
}

/// The table of a many-to-many relation, and an index for its other side.
pub(crate) fn pairs(join: &JoinMeta, backend: Backend) -> Vec<String> {
    let mut table = Table::create();
    table.table(join.table).if_not_exists();
    if backend == Backend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    for (meta, name) in [join.source, join.target] {
        let target = meta();
        let field = FieldMeta { name, indexed: true, nullable: false, ..*target.key_field() };
        table.col(column(&field, false, backend));
        let mut key = ForeignKey::create();
        key.from(join.table, name).to(target.table, target.key_field().name);
        table.foreign_key(key.on_delete(ForeignKeyAction::NoAction));
    }
    table.primary_key(Index::create().col(join.source.1).col(join.target.1));
    let mut index = Index::create();
    index.name(index_name(join.table, &[join.target.1], "index")).table(join.table).col(join.target.1);
    // MySQL makes an index for each foreign key by itself.
    if backend == Backend::MySql {
        return vec![backend.render_schema(&table)];
    }
    vec![backend.render_schema(&table), backend.render_schema(index.if_not_exists())]
}

fn sqlite_type(column: &mut ColumnDef, field: &FieldMeta, is_key: bool) {
    match field.kind {
        // SQLite counts only a column that is called exactly INTEGER.
        FieldKind::I32 | FieldKind::I64 if is_key => column.integer(),
        // Numbers, for other programs too; what a number does not hold is a blob.
        FieldKind::Decimal => column.custom("DECIMAL"),
        FieldKind::DateTime | FieldKind::Date | FieldKind::Json => column.custom("TEXT"),
        FieldKind::Uuid | FieldKind::Bytes => column.custom("BLOB"),
        _ => common_type(column, field),
    };
}

fn postgres_type(column: &mut ColumnDef, field: &FieldMeta) {
    match field.kind {
        FieldKind::Decimal => column.decimal(),
        FieldKind::DateTime => column.timestamp_with_time_zone(),
        FieldKind::Date => column.date(),
        FieldKind::Json => column.json_binary(),
        FieldKind::Uuid => column.uuid(),
        FieldKind::Bytes => column.custom("BYTEA"),
        _ => common_type(column, field),
    };
}

/// The longest text that a column of MySQL holds since it has an index, where the model does not say.
pub(crate) fn indexed_max(field: &FieldMeta, is_key: bool, backend: Backend) -> Option<u32> {
    /// The longest text of which every column can have an index.
    const INDEXED_MAX: u32 = 255;
    let is_open = field.kind == FieldKind::String && field.max_length.is_none();
    (backend == Backend::MySql && is_open && (is_key || field.has_index())).then_some(INDEXED_MAX)
}

fn mysql_type(column: &mut ColumnDef, field: &FieldMeta, is_key: bool) {
    /// The longest varchar, of four bytes for each character.
    const VARCHAR_MAX: u32 = 16_383;
    match field.kind {
        FieldKind::String => match field.max_length.or(indexed_max(field, is_key, Backend::MySql)) {
            Some(max) if max <= VARCHAR_MAX => column.string_len(max),
            _ => column.custom("LONGTEXT"),
        },
        // As many digits before and behind the point as a decimal can have.
        FieldKind::Decimal => column.custom("DECIMAL(65, 30)"),
        FieldKind::DateTime => column.custom("DATETIME(6)"),
        FieldKind::Date => column.date(),
        // MariaDB's JSON refuses more than 32 levels, and MySQL's changes what it stores; text keeps it.
        FieldKind::Json => column.custom("LONGTEXT"),
        FieldKind::Uuid => column.custom("BINARY(16)"),
        FieldKind::Bytes => column.custom("LONGBLOB"),
        _ => common_type(column, field),
    };
}

/// Types that all databases have.
fn common_type<'a>(column: &'a mut ColumnDef, field: &FieldMeta) -> &'a mut ColumnDef {
    match field.kind {
        FieldKind::I16 => column.small_integer(),
        FieldKind::I32 => column.integer(),
        FieldKind::I64 => column.big_integer(),
        FieldKind::F32 => column.float(),
        FieldKind::F64 => column.double(),
        FieldKind::Bool => column.boolean(),
        _ => match field.max_length {
            Some(max) => column.string_len(max),
            None => column.text(),
        },
    }
}

/// An index, and what makes it.
pub(crate) struct IndexPlan {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) unique: bool,
    pub(crate) statement: IndexCreateStatement,
}

pub(crate) fn indexes(meta: &'static ModelMeta) -> Vec<IndexPlan> {
    let single = meta.fields.iter().filter(|field| field.has_index());
    let single = single.map(|field| (vec![field.name], field.unique));
    let several = meta.indexes.iter().map(|index| {
        (index.fields.iter().map(|position| meta.fields[*position].name).collect::<Vec<_>>(), index.unique)
    });
    single
        .chain(several)
        .map(|(columns, unique)| {
            let mut index = Index::create();
            let kind = if unique { "unique" } else { "index" };
            index.if_not_exists().name(index_name(meta.table, &columns, kind)).table(meta.table);
            for column in &columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            IndexPlan { columns, unique, statement: index }
        })
        .collect()
}

/// The name of a foreign key.
pub(crate) fn key_name(table: &str, column: &str) -> String {
    index_name(table, &[column], "key")
}

/// A name that no other index of the database has, though names of tables and columns may run together, and though
/// PostgreSQL cuts names at 63 bytes.
pub(crate) fn index_name(table: &str, columns: &[&str], kind: &str) -> String {
    const READABLE_MAX: usize = 40;
    let columns = columns.join(",");
    let digest =
        Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{table}({columns})").as_bytes()).simple().to_string();
    let readable: String =
        format!("{table}_{}", columns.replace(',', "_")).chars().take(READABLE_MAX).collect();
    format!("{readable}_{}_{kind}", &digest[..8])
}
