//! A violated constraint: which one, of which model, over which fields.

mod asked;
mod told;

use std::fmt;

pub(crate) use asked::{Pointing, asked, missing_targets, pointing_rows};

use crate::Error;
use crate::meta::{FieldMeta, JoinMeta, ModelMeta};
use crate::schema::{index_name, key_name};
use told::Told;

/// A kind of constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Constraint {
    /// Another row has the same value.
    Unique,
    /// A foreign key points nowhere, or a row is still pointed to.
    ForeignKey,
    /// A null where none may be.
    NotNull,
    /// A check of the table.
    Check,
}

impl Constraint {
    /// Returns its name as plugins see it: `unique`, `foreign_key`, `not_null` or `check`.
    pub fn name(self) -> &'static str {
        match self {
            Constraint::Unique => "unique",
            Constraint::ForeignKey => "foreign_key",
            Constraint::NotNull => "not_null",
            Constraint::Check => "check",
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Constraint::Unique => "unique constraint",
            Constraint::ForeignKey => "foreign key constraint",
            Constraint::NotNull => "not-null constraint",
            Constraint::Check => "check constraint",
        })
    }
}

/// A constraint that a statement violated: what an application needs to tell its user which field is wrong.
///
/// ```no_run
/// # use aksara::prelude::*;
/// # use aksara::Constraint;
/// # #[derive(Model, Clone)] struct User { #[field(primary_key)] id: i64, #[field(unique)] email: String }
/// # async fn example(db: Db, user: User) -> Result<(), aksara::Error> {
/// let mut form = ValidationErrors::default();
/// if let Err(error) = User::objects(&db).create(user).await {
///     let Some(violation) = error.violation() else { return Err(error) };
///     for field in violation.fields {
///         form.add(field, match violation.kind {
///             Constraint::Unique => "is taken",
///             Constraint::ForeignKey => "does not exist",
///             _ => "is not allowed",
///         });
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation<'a> {
    /// The kind of the constraint.
    pub kind: Constraint,
    /// Label of the model whose constraint it is, or of the relation (`Post.tags`); the name of the table where no model
    /// has it. That is not always the model that was written: a delete violates the foreign key of the model that points
    /// to the row. Empty where the database does not say, for a raw statement.
    pub model: &'a str,
    /// Name of the constraint in the database. A constraint against nulls has none; SQLite tells the names only of
    /// checks, and of what [`create_tables`](crate::Db::create_tables) made.
    pub constraint: Option<&'a str>,
    /// The fields, by their names outside Rust, as in [`ValidationErrors`](crate::ValidationErrors): those of a unique
    /// constraint in its order, or those that a check reads. Empty where the database does not say: for a raw statement
    /// that violates a foreign key on SQLite, or a key over an expression.
    pub fields: &'a [String],
}

impl fmt::Display for Violation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} violated", self.kind)?;
        if !self.model.is_empty() {
            write!(f, " by `{}`", self.model)?;
        }
        if !self.fields.is_empty() {
            write!(f, " in `{}`", self.fields.join("`, `"))?;
        }
        Ok(())
    }
}

/// What is known of a violation, while more is found out.
pub(crate) struct Violated {
    kind: Constraint,
    model: String,
    constraint: Option<String>,
    fields: Vec<String>,
    source: sqlx::Error,
}

impl From<Violated> for Error {
    fn from(violated: Violated) -> Self {
        let Violated { kind, model, constraint, fields, source } = violated;
        let constraint = constraint.map(String::into_boxed_str);
        Error::Integrity { kind, model, constraint, fields: fields.into_boxed_slice(), source }
    }
}

impl Violated {
    /// What an error says of a violated constraint; the error itself where it is another one.
    fn of(error: Error) -> Result<Self, Error> {
        match error {
            Error::Integrity { kind, model, constraint, fields, source } => {
                let constraint = constraint.map(str::into_string);
                Ok(Violated { kind, model, constraint, fields: fields.into_vec(), source })
            }
            error => Err(error),
        }
    }

    /// What the driver's error says of a violated constraint; the error itself where it is another one.
    pub(crate) fn read(on: Option<&'static ModelMeta>, source: sqlx::Error) -> Result<Self, sqlx::Error> {
        let kind = match source.as_database_error().map(|error| error.kind()) {
            Some(sqlx::error::ErrorKind::UniqueViolation) => Constraint::Unique,
            Some(sqlx::error::ErrorKind::ForeignKeyViolation) => Constraint::ForeignKey,
            Some(sqlx::error::ErrorKind::NotNullViolation) => Constraint::NotNull,
            Some(sqlx::error::ErrorKind::CheckViolation) => Constraint::Check,
            _ => return Err(source),
        };
        let told = Told::read(kind, &source);
        let constraint = told.constraint;
        let mut violated = Violated { kind, model: String::new(), constraint, fields: Vec::new(), source };
        violated.set_owner(told.table.as_deref().or(on.map(|meta| meta.table)).unwrap_or_default());
        violated.set_columns(told.columns);
        Ok(violated)
    }

    /// Takes notice of the table whose constraint it is.
    fn set_owner(&mut self, table: &str) {
        self.model = match (ModelMeta::by_table(table), relation(table)) {
            (Some(meta), _) => meta.label,
            (None, Some(join)) => join.label,
            (None, None) => table,
        }
        .to_owned();
    }

    fn meta(&self) -> Option<&'static ModelMeta> {
        ModelMeta::by_label(&self.model)
    }

    /// The table whose constraint it is; empty where the database does not say.
    fn table(&self) -> &str {
        let relation = || ModelMeta::all().flat_map(|meta| meta.joins).find(|join| join.label == self.model);
        match self.meta() {
            Some(meta) => meta.table,
            None => relation().map_or(&*self.model, |join| join.table),
        }
    }

    /// Takes notice of the columns, and of what follows from them or leads to them.
    fn set_columns(&mut self, columns: Vec<String>) {
        self.fields = columns;
        if self.fields.is_empty()
            && let Some(constraint) = &self.constraint
        {
            self.fields = by_name(self.table(), self.meta(), constraint).unwrap_or_default();
        }
        if self.constraint.is_none() {
            self.constraint = self.made_name();
        }
    }

    /// The name that `create_tables` gives to this constraint.
    fn made_name(&self) -> Option<String> {
        let (meta, names) = (self.meta()?, self.fields.iter().map(String::as_str).collect::<Vec<_>>());
        match (self.kind, &*names) {
            (Constraint::Unique, names) if unique_keys(meta).any(|key| key == names) => {
                Some(index_name(meta.table, names, "unique"))
            }
            (Constraint::ForeignKey, [field]) if meta.position(field).is_some() => {
                Some(key_name(meta.table, field))
            }
            _ => None,
        }
    }
}

fn relation(table: &str) -> Option<&'static JoinMeta> {
    ModelMeta::all().flat_map(|meta| meta.joins).find(|join| join.table == table)
}

/// The fields of each unique constraint that `create_tables` makes by name.
fn unique_keys(meta: &'static ModelMeta) -> impl Iterator<Item = Vec<&'static str>> {
    let single = meta.fields.iter().filter(|field| field.unique).map(|field| vec![field.name]);
    let several = meta.indexes.iter().filter(|index| index.unique);
    single.chain(several.map(|index| index.fields.iter().map(|at| meta.fields[*at].name).collect()))
}

/// The fields of a constraint, where its name tells: it is ours, or the database has made it from table and column.
fn by_name(table: &str, meta: Option<&'static ModelMeta>, constraint: &str) -> Option<Vec<String>> {
    let meta = meta?;
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    if constraint == "PRIMARY" {
        return Some(vec![meta.key_field().name.to_owned()]);
    }
    if let Some(key) = unique_keys(meta).find(|key| index_name(table, key, "unique") == constraint) {
        return Some(owned(key));
    }
    let points = |field: &&FieldMeta| field.reference.is_some();
    if let Some(field) =
        meta.fields.iter().filter(points).find(|field| key_name(table, field.name) == constraint)
    {
        return Some(owned(vec![field.name]));
    }
    let is_made = |name: &str| {
        // MySQL: the column. MariaDB, for checks: table and column. PostgreSQL: both, and what it is.
        constraint == name
            || constraint.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) == Some(name)
            || constraint
                .strip_prefix(table)
                .and_then(|rest| rest.strip_prefix('_')?.strip_prefix(name))
                .is_some_and(|rest| matches!(rest, "_check" | "_key" | "_fkey"))
    };
    let field = meta.fields.iter().find(|field| is_made(field.name))?;
    Some(vec![field.name.to_owned()])
}
