//! Which types of columns hold the values of a field: every one of them, and no others that could not be read.

use crate::Backend;
use crate::catalog::Column;
use crate::meta::{FieldKind, FieldMeta};

/// Whether the column holds every value of the field, and gives each back as it was.
pub(super) fn holds(backend: Backend, field: &FieldMeta, is_indexed: bool, column: &Column) -> bool {
    match backend {
        Backend::Sqlite => sqlite(field, &column.kind),
        Backend::Postgres => postgres(field, column),
        Backend::MySql => mysql(field, is_indexed, column),
    }
}

/// SQLite stores anything in any column, but may turn it into another type first, by the name of the column's type.
fn sqlite(field: &FieldMeta, kind: &str) -> bool {
    let has = |part: &str| kind.contains(part);
    let affinity = match kind {
        _ if has("int") => "integer",
        _ if has("char") || has("clob") || has("text") => "text",
        _ if has("blob") || kind.is_empty() => "none",
        _ if has("real") || has("floa") || has("doub") => "real",
        _ => "numeric",
    };
    let fitting: &[&str] = match field.kind {
        FieldKind::I16 | FieldKind::I32 | FieldKind::I64 | FieldKind::Bool => &["integer", "numeric"],
        FieldKind::F32 | FieldKind::F64 => &["real", "numeric"],
        FieldKind::String => &["text", "none"],
        FieldKind::Decimal => &["text", "numeric", "none"],
        FieldKind::DateTime | FieldKind::Date | FieldKind::Json => &["text", "numeric", "none"],
        FieldKind::Uuid | FieldKind::Bytes => &["text", "none"],
    };
    fitting.contains(&affinity)
}

fn postgres(field: &FieldMeta, column: &Column) -> bool {
    let fitting: &[&str] = match field.kind {
        FieldKind::I16 => &["int2"],
        FieldKind::I32 => &["int4"],
        FieldKind::I64 => &["int8"],
        FieldKind::F32 => &["float4"],
        FieldKind::F64 => &["float8"],
        FieldKind::Bool => &["bool"],
        FieldKind::String => &["text", "varchar"],
        FieldKind::Decimal => &["numeric"],
        FieldKind::Uuid => &["uuid"],
        FieldKind::DateTime => &["timestamptz"],
        FieldKind::Date => &["date"],
        FieldKind::Json => &["jsonb", "json"],
        FieldKind::Bytes => &["bytea"],
    };
    let is_long_enough = match (field.kind, column.length) {
        (_, None) => true,
        (FieldKind::String, Some(length)) => field.max_length.is_some_and(|max| u64::from(max) <= length),
        // Digits of numbers and of seconds are cut off.
        (FieldKind::Decimal | FieldKind::DateTime, Some(_)) => false,
        _ => true,
    };
    fitting.contains(&&*column.kind) && is_long_enough
}

fn mysql(field: &FieldMeta, is_indexed: bool, column: &Column) -> bool {
    let kind = column.kind.split_once(['(', ' ']).map_or(&*column.kind, |(kind, _)| kind);
    let is_one_of = |kinds: &[&str]| kinds.contains(&kind);
    let is_signed = !column.kind.contains("unsigned");
    let length = column.length.unwrap_or(u64::MAX);
    match field.kind {
        FieldKind::I16 => is_signed && kind == "smallint",
        FieldKind::I32 => is_signed && kind == "int",
        FieldKind::I64 => is_signed && kind == "bigint",
        FieldKind::F32 => kind == "float",
        FieldKind::F64 => kind == "double",
        FieldKind::Bool => kind == "tinyint",
        FieldKind::String => {
            let needed = match field.max_length {
                Some(max) => u64::from(max),
                None if is_indexed => 255,
                None => u64::from(u32::MAX),
            };
            is_one_of(&["varchar", "text", "mediumtext", "longtext"]) && length >= needed
        }
        FieldKind::Decimal => column.kind == "decimal(65,30)",
        FieldKind::Uuid => column.kind == "binary(16)",
        FieldKind::DateTime => column.kind == "datetime(6)",
        FieldKind::Date => kind == "date",
        FieldKind::Json => is_one_of(&["longtext", "json"]),
        FieldKind::Bytes => kind == "longblob",
    }
}

/// The name of the type that a field has on PostgreSQL, without a length.
pub(super) fn postgres_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::I16 => "smallint",
        FieldKind::I32 => "integer",
        FieldKind::I64 => "bigint",
        FieldKind::F32 => "real",
        FieldKind::F64 => "double precision",
        FieldKind::Bool => "boolean",
        FieldKind::String => "text",
        FieldKind::Decimal => "numeric",
        FieldKind::Uuid => "uuid",
        FieldKind::DateTime => "timestamptz",
        FieldKind::Date => "date",
        FieldKind::Json => "jsonb",
        FieldKind::Bytes => "bytea",
    }
}
