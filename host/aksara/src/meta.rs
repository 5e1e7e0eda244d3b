//! What is known of a model at compile time: written by `derive(Model)`, read by everything else.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::sync::atomic::AtomicU32;

use crate::instance::AnyInstance;
use crate::row::Row;
use crate::value::Shown;
use crate::{Error, Value};

/// How a column stores its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// `i16`.
    I16,
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// `bool`.
    Bool,
    /// `String`: a varchar where the field has a `max_length`, else text.
    String,
    /// `rust_decimal::Decimal`.
    Decimal,
    /// `uuid::Uuid`.
    Uuid,
    /// `chrono::DateTime<Utc>`.
    DateTime,
    /// `chrono::NaiveDate`.
    Date,
    /// `serde_json::Value`.
    Json,
    /// `Vec<u8>`.
    Bytes,
}

impl FieldKind {
    /// The kind in words, for error texts: `text`, `a 32-bit integer`, ...
    pub fn words(self) -> &'static str {
        match self {
            FieldKind::I16 => "a 16-bit integer",
            FieldKind::I32 => "a 32-bit integer",
            FieldKind::I64 => "a 64-bit integer",
            FieldKind::F32 | FieldKind::F64 => "a float",
            FieldKind::Bool => "a boolean",
            FieldKind::String => "text",
            FieldKind::Decimal => "a decimal",
            FieldKind::Uuid => "a UUID",
            FieldKind::DateTime => "a date and time",
            FieldKind::Date => "a date",
            FieldKind::Json => "JSON",
            FieldKind::Bytes => "bytes",
        }
    }

    /// Whether expressions compute with it.
    #[cfg(feature = "plugins")]
    pub(crate) fn is_number(self) -> bool {
        use FieldKind::{Decimal, F32, F64, I16, I32, I64};
        matches!(self, I16 | I32 | I64 | F32 | F64 | Decimal)
    }

    /// SQL's NULL of this kind.
    pub fn null(self) -> Value {
        match self {
            FieldKind::I16 => Value::SmallInt(None),
            FieldKind::I32 => Value::Int(None),
            FieldKind::I64 => Value::BigInt(None),
            FieldKind::F32 => Value::Float(None),
            FieldKind::F64 => Value::Double(None),
            FieldKind::Bool => Value::Bool(None),
            FieldKind::String => Value::String(None),
            FieldKind::Decimal => Value::Decimal(None),
            FieldKind::Uuid => Value::Uuid(None),
            FieldKind::DateTime => Value::ChronoDateTimeUtc(None),
            FieldKind::Date => Value::ChronoDate(None),
            FieldKind::Json => Value::Json(None),
            FieldKind::Bytes => Value::Bytes(None),
        }
    }
}

/// Who makes the value of a primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The database counts (`i32`, `i64`). `0` stands for "not yet assigned".
    Database,
    /// `save` makes a UUIDv7 when the key is nil.
    Client,
    /// The application gives every key.
    Given,
}

/// What becomes of a row when the row that its foreign key points to is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// It is deleted too, with its own signals.
    Cascade,
    /// The delete is refused.
    Protect,
    /// The delete is refused, unless the row goes as well by another path of the same delete.
    Restrict,
    /// Its foreign key becomes null, without save signals.
    SetNull,
    /// Nothing; the database decides.
    DoNothing,
}

/// A foreign key's target.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The model it points to; a function, because models may point at each other.
    pub model: fn() -> &'static ModelMeta,
    /// What a delete of the target does.
    pub on_delete: OnDelete,
}

/// One field of a model.
#[derive(Clone, Copy, Debug)]
pub struct FieldMeta {
    /// The field's name outside Rust: its column, and its key in payloads, patches, `update_fields` and errors.
    pub name: &'static str,
    /// How it is stored.
    pub kind: FieldKind,
    /// Whether it may be null.
    pub nullable: bool,
    /// Longest text, in characters.
    pub max_length: Option<u32>,
    /// The only texts allowed; empty for any.
    pub choices: &'static [&'static str],
    /// Whether no two rows may have the same value.
    pub unique: bool,
    /// Whether the column has an index of its own.
    pub indexed: bool,
    /// Set to the time of each save that writes it: of one of named fields where it is among them.
    pub auto_now: bool,
    /// Set to the time of the insert.
    pub auto_now_add: bool,
    /// Where it points, for a foreign key.
    pub reference: Option<Reference>,
}

impl FieldMeta {
    /// A plain field, from which `derive(Model)` builds the others.
    pub const fn new(name: &'static str, kind: FieldKind, nullable: bool) -> Self {
        FieldMeta {
            name,
            kind,
            nullable,
            max_length: None,
            choices: &[],
            unique: false,
            indexed: false,
            auto_now: false,
            auto_now_add: false,
            reference: None,
        }
    }
}

impl FieldMeta {
    /// The field and a value of it in words: `id = 7`.
    pub(crate) fn named(&self, value: &Value) -> String {
        format!("{} = {}", self.name, Shown(value))
    }

    /// Whether it is a foreign key to this model.
    pub(crate) fn points_to(&self, meta: &ModelMeta) -> bool {
        self.reference.is_some_and(|reference| std::ptr::eq((reference.model)(), meta))
    }

    /// Whether its column has an index of its own.
    pub(crate) fn has_index(&self) -> bool {
        self.unique || self.indexed || self.reference.is_some()
    }
}

/// An index over several columns.
#[derive(Clone, Copy, Debug)]
pub struct IndexMeta {
    /// Positions of its fields.
    pub fields: &'static [usize],
    /// Whether no two rows may agree in all of them.
    pub unique: bool,
}

/// A many-to-many relation as data: a table of pairs of keys.
#[derive(Debug)]
pub struct JoinMeta {
    /// Its name as handlers see it: `Post.tags`.
    pub label: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The model that declares the relation, and the column with its key.
    pub source: (fn() -> &'static ModelMeta, &'static str),
    /// The model on the other side, and the column with its key.
    pub target: (fn() -> &'static ModelMeta, &'static str),
    /// Whether the table is that of a model of the application, which is created with it.
    pub explicit: bool,
}

impl JoinMeta {
    /// The model of the keys of a change, which is made from the other side when `reverse` is true.
    pub fn keys_of(&self, reverse: bool) -> &'static ModelMeta {
        if reverse { (self.source.0)() } else { (self.target.0)() }
    }

    /// The model of the application whose table it is, if it is not ours.
    pub(crate) fn through(&self) -> Option<&'static ModelMeta> {
        if self.explicit { ModelMeta::by_table(self.table) } else { None }
    }

    /// Whether its table has no pair twice: it is ours, or that of a model which says so.
    pub(crate) fn is_unique(&self) -> bool {
        let Some(through) = self.through() else { return true };
        let pair = [self.source.1, self.target.1];
        through.indexes.iter().any(|index| {
            let is_of_pair = |position: &usize| pair.contains(&through.fields[*position].name);
            index.unique && index.fields.len() == 2 && index.fields.iter().all(is_of_pair)
        })
    }

    /// The relations that this model has a part in, each with whether it is the other side.
    pub(crate) fn of(meta: &'static ModelMeta) -> impl Iterator<Item = (&'static JoinMeta, bool)> {
        let declared = meta.joins.iter().map(|join| (join, false));
        let others = ModelMeta::all()
            .flat_map(|other| other.joins)
            .filter(move |join| std::ptr::eq((join.target.0)(), meta));
        declared.chain(others.map(|join| (join, true)))
    }
}

/// A model as data.
#[derive(Debug)]
pub struct ModelMeta {
    /// Its name as handlers see it: `Post`, or `blog.Post`.
    pub label: &'static str,
    /// Its table.
    pub table: &'static str,
    /// Its fields, in order of declaration.
    pub fields: &'static [FieldMeta],
    /// Position of the primary key.
    pub key: usize,
    /// Who makes the key.
    pub key_source: KeySource,
    /// Indexes over several columns.
    pub indexes: &'static [IndexMeta],
    /// Many-to-many relations that it declares.
    pub joins: &'static [JoinMeta],
    /// Reads an instance of the model from a row that has all its columns in order.
    pub instance_from_row: fn(&Row) -> Result<Box<dyn AnyInstance>, Error>,
    /// Makes a new instance of the model, with its defaults.
    pub new_instance: fn() -> Box<dyn AnyInstance>,
    /// One bit per signal that has a native handler for this model: the one atomic load of an unheard signal.
    #[doc(hidden)]
    pub connected: AtomicU32,
    /// Statements that never change, built once.
    #[doc(hidden)]
    pub statements: crate::statements::Statements,
}

impl ModelMeta {
    /// The primary key's field.
    pub fn key_field(&self) -> &'static FieldMeta {
        &self.fields[self.key]
    }

    /// Position of the field with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Every model that is linked into this program, in no particular order.
    pub fn all() -> impl Iterator<Item = &'static ModelMeta> {
        inventory::iter::<ModelEntry>().map(|entry| (entry.0)())
    }

    /// # Errors
    /// [`Error::DuplicateLabel`] when two linked models have one label: handlers could not tell them apart.
    /// [`Error::DuplicateTable`] when they have one table: their rows would mix.
    pub(crate) fn check_names() -> Result<(), Error> {
        let (mut labels, mut tables) = (HashSet::new(), HashMap::new());
        for meta in ModelMeta::all() {
            if !labels.insert(meta.label) {
                return Err(Error::DuplicateLabel { label: meta.label });
            }
            if let Some(other) = tables.insert(meta.table, meta.label) {
                return Err(Error::DuplicateTable { table: meta.table, models: [other, meta.label] });
            }
        }
        Ok(())
    }

    /// The linked model with this table.
    pub(crate) fn by_table(table: &str) -> Option<&'static ModelMeta> {
        ModelMeta::all().find(|meta| meta.table == table)
    }

    /// The linked model with this label.
    pub fn by_label(label: &str) -> Option<&'static ModelMeta> {
        static LABELS: LazyLock<HashMap<&'static str, &'static ModelMeta>> =
            LazyLock::new(|| ModelMeta::all().map(|meta| (meta.label, meta)).collect());
        LABELS.get(label).copied()
    }
}

/// How `derive(Model)` makes its model known to [`ModelMeta::all`].
#[doc(hidden)]
pub struct ModelEntry(pub fn() -> &'static ModelMeta);

inventory::collect!(ModelEntry);
