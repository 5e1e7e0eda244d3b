//! `check_tables`: whether the tables are what the models say, and what to do where they are not.

mod types;

use std::fmt;

use chrono::SecondsFormat;
use sea_query::{Alias, ColumnDef, Expr, ExprTrait, Table as Sql, TableAlterStatement};

use crate::catalog::{self, Index, Table};
use crate::meta::{FieldMeta, JoinMeta, KeySource, ModelMeta};
use crate::schema::{self, Models};
use crate::{Backend, Db, Error, Value};

/// Something in which a table is not what its model says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Label of the model.
    pub model: &'static str,
    /// The table.
    pub table: String,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What is different, in words.
    pub problem: String,
    /// The statements that resolve it, to be run in this order. Empty when the database cannot alter the table so: then
    /// it must be rebuilt, as docs/databases.md says.
    pub statements: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}; ", self.model, self.problem)?;
        match &*self.statements {
            [] => f.write_str("the table must be rebuilt"),
            statements => write!(f, "run: {}", statements.join("; ")),
        }
    }
}

/// Lists differences, one in a line.
pub(crate) fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("\n- {difference}")).collect()
}

impl Db {
    /// Compares these models with the tables: columns and their types, nulls, keys, indexes, foreign keys, and the tables
    /// of many-to-many relations. It reads the catalog only, and changes nothing.
    ///
    /// Put it at the start of the program, behind [`create_tables`](Db::create_tables), which leaves a table as it is that
    /// is there already: a field that was added since would be an error at the first read.
    ///
    /// ```no_run
    /// # use aksara::prelude::*;
    /// # #[derive(Model, Clone)] struct Author { #[field(primary_key)] id: i64 }
    /// # #[derive(Model, Clone)] struct Post { #[field(primary_key)] id: i64, author: Fk<Author> }
    /// # async fn example(db: Db) -> Result<(), aksara::Error> {
    /// db.create_tables::<(Author, Post)>().await?;
    /// db.check_tables::<(Author, Post)>().await
    /// # }
    /// ```
    ///
    /// A longer text than the field needs is not a difference, nor is a column that the model does not have, unless it stands
    /// against every insert. On SQLite a column's type says little; there only one that would change values is a difference.
    ///
    /// # Errors
    /// [`Error::Schema`] with each difference, and the statements that resolve it. [`Error::Database`].
    pub async fn check_tables<M: Models>(&self) -> Result<(), Error> {
        let mut differences = Vec::new();
        for meta in M::metas() {
            check_model(self, meta, &mut differences).await?;
        }
        if differences.is_empty() { Ok(()) } else { Err(Error::Schema { differences }) }
    }
}

async fn check_model(
    db: &Db,
    meta: &'static ModelMeta,
    differences: &mut Vec<Difference>,
) -> Result<(), Error> {
    let mut check = Check { meta, backend: db.backend(), differences };
    match catalog::table(db, meta, meta.table).await? {
        Some(table) => {
            check.columns(&table);
            check.extra_columns(&table);
            check.indexes(&table);
            check.foreign_keys(&table);
        }
        None => {
            let problem = format!("there is no table `{}`", meta.table);
            let statements = schema::create_statements(meta, db.backend());
            check.found(meta.table, None, problem, statements);
        }
    }
    for join in meta.joins.iter().filter(|join| !join.explicit) {
        let columns = [join.source.1, join.target.1];
        match catalog::table(db, meta, join.table).await? {
            None => {
                let problem = format!("there is no table `{}` for the relation `{}`", join.table, join.label);
                check.found(join.table, None, problem, schema::pairs(join, db.backend()));
            }
            Some(table) => check.pairs(join, columns, &table),
        }
    }
    Ok(())
}

/// One model under comparison.
struct Check<'a> {
    meta: &'static ModelMeta,
    backend: Backend,
    differences: &'a mut Vec<Difference>,
}

impl Check<'_> {
    fn found(&mut self, table: &str, column: Option<&str>, problem: String, statements: Vec<String>) {
        self.differences.push(Difference {
            model: self.meta.label,
            table: table.to_owned(),
            column: column.map(str::to_owned),
            problem,
            statements,
        });
    }

    /// A difference of the model's own table.
    fn differs(&mut self, column: Option<&str>, problem: String, statements: Vec<String>) {
        self.found(self.meta.table, column, problem, statements);
    }

    fn columns(&mut self, table: &Table) {
        let meta = self.meta;
        for (index, field) in meta.fields.iter().enumerate() {
            let is_key = index == meta.key;
            let Some(column) = table.columns.iter().find(|column| column.name == field.name) else {
                let problem = format!("the table `{}` has no column `{}`", meta.table, field.name);
                let statements = self.adding(index, field);
                self.differs(Some(field.name), problem, statements);
                continue;
            };
            if !types::holds(self.backend, field, is_key || field.has_index(), column) {
                let length = column.length.filter(|_| self.backend == Backend::Postgres);
                let length = length.map(|length| format!("({length})")).unwrap_or_default();
                let problem = format!(
                    "the column `{}` is `{}{length}`, and the field is {}",
                    field.name,
                    column.kind,
                    words(field)
                );
                let statements = self.modifying(field, is_key, true);
                self.differs(Some(field.name), problem, statements);
            }
            // SQLite's own key is never null, also where the catalog says that it may be.
            if column.nullable != field.nullable && !(is_key && self.backend == Backend::Sqlite) {
                let (is, but) = if field.nullable { ("may not", "may") } else { ("may", "may not") };
                let problem = format!("the column `{}` {is} be null, and the field {but}", field.name);
                let statements = self.modifying(field, is_key, false);
                self.differs(Some(field.name), problem, statements);
            }
            if is_key && meta.key_source == KeySource::Database && column.primary && !column.counted {
                let problem = format!("the database does not count the key `{}`", field.name);
                let statements = self.counting(field);
                self.differs(Some(field.name), problem, statements);
            }
        }
        let primary: Vec<_> = table.columns.iter().filter(|column| column.primary).collect();
        let key = meta.key_field().name;
        let has_key = table.columns.iter().any(|column| column.name == key);
        if has_key && !matches!(&*primary, [column] if column.name == key) {
            let problem = format!("`{key}` is not the primary key of the table `{}`", meta.table);
            self.differs(Some(key), problem, Vec::new());
        }
    }

    /// Columns of others that stand against every insert.
    fn extra_columns(&mut self, table: &Table) {
        for column in &table.columns {
            if column.nullable || column.has_default || self.meta.position(&column.name).is_some() {
                continue;
            }
            let name = &column.name;
            let problem = format!(
                "the table `{}` has a column `{name}`, which the model does not fill and which may not be null: every \
                 insert fails",
                self.meta.table
            );
            let statements = match self.backend {
                Backend::Sqlite => Vec::new(),
                Backend::Postgres => {
                    vec![self.altered(Sql::alter().modify_column(ColumnDef::new(Alias::new(name)).null()))]
                }
                Backend::MySql => {
                    let mut as_it_is = ColumnDef::new(Alias::new(name));
                    as_it_is.custom(column.kind.clone()).null();
                    vec![self.altered(Sql::alter().modify_column(as_it_is))]
                }
            };
            self.differs(Some(name), problem, statements);
        }
    }

    fn indexes(&mut self, table: &Table) {
        let has = |columns: &[&str]| table.indexes.iter().any(|index| index.begins_with(columns));
        let is_unique =
            |columns: &[&str]| table.indexes.iter().any(|index| index.unique && index.is_over(columns));
        for schema::IndexPlan { columns, unique, statement } in schema::indexes(self.meta) {
            let is_there = if unique { is_unique(&columns) } else { has(&columns) };
            if !is_there {
                let kind = if unique { "unique index" } else { "index" };
                let problem =
                    format!("the table `{}` has no {kind} over `{}`", self.meta.table, columns.join("`, `"));
                let statements = vec![self.backend.render_schema(&statement)];
                self.differs(None, problem, statements);
            }
        }
        let key = [self.meta.key_field().name];
        let wanted: Vec<_> = schema::indexes(self.meta).into_iter().filter(|index| index.unique).collect();
        for index in table.indexes.iter().filter(|index| index.unique && !index.is_over(&key)) {
            let is_ours = index.columns.iter().all(|column| self.meta.position(column).is_some());
            if !is_ours || wanted.iter().any(|wanted| index.is_over(&wanted.columns)) {
                continue;
            }
            let over = index.columns.join("`, `");
            let problem = format!(
                "the table `{}` does not let two rows agree in `{over}`, and the model does",
                self.meta.table
            );
            let statements = self.dropping(index);
            self.differs(None, problem, statements);
        }
    }

    fn foreign_keys(&mut self, table: &Table) {
        for field in self.meta.fields {
            let Some(statement) = schema::foreign_key(self.meta, field) else { continue };
            let target = field.reference.map(|reference| (reference.model)().table).unwrap_or_default();
            let is_there = table.keys.iter().any(|key| key.column == field.name && key.target == target);
            let has_column = table.columns.iter().any(|column| column.name == field.name);
            // SQLite makes it with the column, or never.
            if is_there || (self.backend == Backend::Sqlite && !has_column) {
                continue;
            }
            let problem = format!("the column `{}` is not a foreign key to `{target}`", field.name);
            let statements = match self.backend {
                Backend::Sqlite => Vec::new(),
                backend => vec![backend.render_schema(&statement)],
            };
            self.differs(Some(field.name), problem, statements);
        }
    }

    fn pairs(&mut self, join: &JoinMeta, columns: [&str; 2], table: &Table) {
        for name in columns {
            if !table.columns.iter().any(|column| column.name == name) {
                let problem =
                    format!("the table `{}` of `{}` has no column `{name}`", join.table, join.label);
                self.found(join.table, Some(name), problem, Vec::new());
            }
        }
    }

    fn altered(&self, alter: &mut TableAlterStatement) -> String {
        self.backend.render_schema(&alter.table(Alias::new(self.meta.table)).take())
    }

    /// Adds a column. What is there already gets the value that a new instance has.
    fn adding(&self, index: usize, field: &'static FieldMeta) -> Vec<String> {
        let mut column = schema::column(field, index == self.meta.key, self.backend);
        let target = field.reference.map(|reference| (reference.model)());
        if index == self.meta.key || (self.backend == Backend::Sqlite && target.is_some() && !field.nullable)
        {
            return Vec::new();
        }
        if let (Backend::Sqlite, Some(target)) = (self.backend, target) {
            column.extra(format!("REFERENCES \"{}\" (\"{}\")", target.table, target.key_field().name));
        }
        // No row is known that a foreign key could point to: the table has to be empty.
        if !field.nullable && target.is_none() {
            let value = literal((self.meta.new_instance)().value(index), self.backend);
            // In parentheses MySQL takes it for text, too.
            column.default(match self.backend {
                Backend::MySql => Expr::cust_with_exprs("(?)", [Expr::val(value)]),
                _ => Expr::val(value),
            });
        }
        vec![self.altered(Sql::alter().add_column(column))]
    }

    /// Makes a column what the field says.
    fn modifying(&self, field: &'static FieldMeta, is_key: bool, with_type: bool) -> Vec<String> {
        let mut column = match (self.backend, with_type) {
            (Backend::Sqlite, _) => return Vec::new(),
            (Backend::Postgres, true) => {
                let mut typed = schema::column(&FieldMeta { nullable: true, ..*field }, is_key, self.backend);
                let kind = Alias::new(types::postgres_name(field.kind));
                typed.using(Expr::col(field.name).cast_as(kind));
                typed
            }
            (Backend::Postgres, false) => {
                let mut column = ColumnDef::new(field.name);
                if field.nullable {
                    column.null()
                } else {
                    column.not_null()
                };
                column
            }
            (Backend::MySql, _) => schema::column(field, is_key, self.backend),
        };
        if is_key && self.backend == Backend::MySql && self.meta.key_source == KeySource::Database {
            column.auto_increment();
        }
        vec![self.altered(Sql::alter().modify_column(column))]
    }

    /// Has the database count the values of the key, from the highest on.
    fn counting(&self, field: &'static FieldMeta) -> Vec<String> {
        let (table, column) = (self.backend.quoted(self.meta.table), self.backend.quoted(field.name));
        match self.backend {
            Backend::Sqlite => Vec::new(),
            Backend::MySql => self.modifying(field, true, true),
            Backend::Postgres => vec![
                format!("ALTER TABLE {table} ALTER COLUMN {column} ADD GENERATED BY DEFAULT AS IDENTITY"),
                format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', '{}'), coalesce(max({column}), 0) + 1, false) FROM {table}",
                    field.name
                ),
            ],
        }
    }

    fn dropping(&self, index: &Index) -> Vec<String> {
        let (table, name) = (self.backend.quoted(self.meta.table), self.backend.quoted(&index.name));
        match self.backend {
            Backend::Sqlite if index.constraint => Vec::new(),
            Backend::MySql => vec![format!("ALTER TABLE {table} DROP INDEX {name}")],
            Backend::Postgres if index.constraint => {
                vec![format!("ALTER TABLE {table} DROP CONSTRAINT {name}")]
            }
            Backend::Sqlite | Backend::Postgres => vec![format!("DROP INDEX {name}")],
        }
    }
}

impl Index {
    /// Whether a search by these columns can use it.
    fn begins_with(&self, columns: &[&str]) -> bool {
        self.columns.len() >= columns.len() && self.columns.iter().zip(columns).all(|(a, b)| a == b)
    }

    /// Whether it is over these columns, in any order.
    fn is_over(&self, columns: &[&str]) -> bool {
        self.columns.len() == columns.len() && self.columns.iter().all(|column| columns.contains(&&**column))
    }
}

/// The kind of a field in words, with the longest text.
fn words(field: &FieldMeta) -> String {
    match field.max_length {
        Some(max) => format!("{} of up to {max} characters", field.kind.words()),
        None => field.kind.words().to_owned(),
    }
}

/// A value as the database stores it, to be part of a statement's text.
fn literal(value: Value, backend: Backend) -> Value {
    match (backend, value) {
        (Backend::MySql, Value::ChronoDateTimeUtc(time)) => {
            Value::ChronoDateTime(time.map(|time| time.naive_utc()))
        }
        (Backend::Sqlite, Value::ChronoDateTimeUtc(time)) => {
            Value::String(time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
        }
        (Backend::Sqlite | Backend::MySql, Value::Uuid(uuid)) => {
            Value::Bytes(uuid.map(|uuid| uuid.into_bytes().to_vec()))
        }
        (_, value) => value,
    }
}
