//! What the drivers' errors say of a constraint: in fields of their own on PostgreSQL, in their texts elsewhere.

use super::Constraint;

/// What an error says.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) table: Option<String>,
    pub(super) constraint: Option<String>,
    pub(super) columns: Vec<String>,
}

impl Told {
    pub(super) fn read(kind: Constraint, error: &sqlx::Error) -> Self {
        let Some(error) = error.as_database_error() else { return Told::default() };
        #[cfg(feature = "postgres")]
        if let Some(error) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
            let columns = match (kind, error.column(), error.detail()) {
                (_, Some(column), _) => vec![column.to_owned()],
                (Constraint::Unique, _, Some(detail)) => postgres_key(detail),
                // Of a row that is still pointed to, the key is that of the row.
                (Constraint::ForeignKey, _, Some(detail)) if error.message().starts_with("insert") => {
                    postgres_key(detail)
                }
                _ => Vec::new(),
            };
            let owned = |text: Option<&str>| text.map(str::to_owned);
            return Told { table: owned(error.table()), constraint: owned(error.constraint()), columns };
        }
        #[cfg(feature = "mysql")]
        if error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().is_some() {
            return mysql(kind, error.message());
        }
        #[cfg(feature = "sqlite")]
        if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
            return sqlite(kind, error.message());
        }
        Told::default()
    }
}

/// The columns of `Key (a, "B")=(1, 2) already exists.`, in any language of the server.
#[cfg(any(feature = "postgres", test))]
fn postgres_key(detail: &str) -> Vec<String> {
    let key = || detail.split_once('(')?.1.split_once(")=(");
    let Some((columns, _)) = key() else { return Vec::new() };
    // An expression has parentheses; no column of ours is meant by it.
    if columns.contains('(') {
        return Vec::new();
    }
    columns.split(", ").map(|column| column.trim_matches('"').replace("\"\"", "\"")).collect()
}

#[cfg(any(feature = "mysql", test))]
fn mysql(kind: Constraint, message: &str) -> Told {
    match kind {
        // Duplicate entry 'x' for key 'name', on MySQL 'table.name'. The entry may be any text.
        Constraint::Unique => {
            let key = message.rsplit_once(" for key '").and_then(|(_, key)| key.strip_suffix('\''));
            let (table, constraint) = match key.and_then(|key| key.split_once('.')) {
                Some((table, constraint)) => (Some(table), Some(constraint)),
                None => (None, key),
            };
            let owned = |text: Option<&str>| text.map(str::to_owned);
            Told { table: owned(table), constraint: owned(constraint), columns: Vec::new() }
        }
        // .. fails (`db`.`child`, CONSTRAINT `name` FOREIGN KEY (`a`, `b`) REFERENCES `parent` (`id`))
        Constraint::ForeignKey => {
            let Some((head, tail)) = message.split_once(", CONSTRAINT ") else { return Told::default() };
            let (name, columns) = tail.split_once(" FOREIGN KEY (").unwrap_or((tail, ""));
            let columns = columns.split_once(") REFERENCES").map_or("", |(columns, _)| columns);
            Told { table: quoted(head).pop(), constraint: quoted(name).pop(), columns: quoted(columns) }
        }
        // Column 'a' cannot be null; Field 'a' doesn't have a default value
        Constraint::NotNull => {
            let column = message.split_once('\'').and_then(|(_, rest)| rest.split_once('\''));
            Told {
                columns: column.map(|(column, _)| column.to_owned()).into_iter().collect(),
                ..Told::default()
            }
        }
        // MySQL: Check constraint 'name' is violated. MariaDB: CONSTRAINT `name` failed for `db`.`table`
        Constraint::Check => {
            let mut names = quoted(message);
            if names.is_empty() {
                let name = message.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\''));
                return Told { constraint: name.map(|(name, _)| name.to_owned()), ..Told::default() };
            }
            let table = if names.len() > 1 { names.pop() } else { None };
            Told { table, constraint: Some(names.swap_remove(0)), columns: Vec::new() }
        }
    }
}

/// The names between backticks, of which a doubled one is part of the name.
#[cfg(any(feature = "mysql", test))]
fn quoted(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('`') {
        let mut name = String::new();
        rest = after;
        while let Some((part, after)) = rest.split_once('`') {
            name.push_str(part);
            rest = after;
            match rest.strip_prefix('`') {
                Some(after) => {
                    name.push('`');
                    rest = after;
                }
                None => break,
            }
        }
        names.push(name);
    }
    names
}

#[cfg(any(feature = "sqlite", test))]
fn sqlite(kind: Constraint, message: &str) -> Told {
    let Some((_, told)) = message.split_once(" constraint failed: ") else { return Told::default() };
    match kind {
        // CHECK constraint failed: its name, or the expression of one without
        Constraint::Check => Told { constraint: Some(told.to_owned()), ..Told::default() },
        // UNIQUE constraint failed: index 'name', of an index over an expression
        _ if told.starts_with("index '") => {
            let name = told.strip_prefix("index '").and_then(|name| name.strip_suffix('\''));
            Told { constraint: name.map(str::to_owned), ..Told::default() }
        }
        // UNIQUE constraint failed: table.a, table.b
        _ => {
            let pairs: Vec<_> = told.split(", ").filter_map(|pair| pair.rsplit_once('.')).collect();
            Told {
                table: pairs.first().map(|(table, _)| (*table).to_owned()),
                constraint: None,
                columns: pairs.into_iter().map(|(_, column)| column.to_owned()).collect(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(table: Option<&str>, constraint: Option<&str>, columns: &[&str]) -> Told {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Told { table: owned(table), constraint: owned(constraint), columns }
    }

    #[test]
    fn a_text_names_its_constraint_with_any_values_and_names_in_it() {
        let cases = [
            (
                mysql(Constraint::Unique, "Duplicate entry 'a-1' for key 'slug'"),
                told(None, Some("slug"), &[]),
            ),
            (
                mysql(Constraint::Unique, "Duplicate entry 'x' for key 'y' for key 'post.PRIMARY'"),
                told(Some("post"), Some("PRIMARY"), &[]),
            ),
            (
                mysql(
                    Constraint::ForeignKey,
                    "Cannot add or update a child row: a foreign key constraint fails (`d`.`c``d`, CONSTRAINT `k` FOREIGN KEY \
                     (`a`, `b`) REFERENCES `p` (`x`, `y`))",
                ),
                told(Some("c`d"), Some("k"), &["a", "b"]),
            ),
            (mysql(Constraint::NotNull, "Column 'a' cannot be null"), told(None, None, &["a"])),
            (
                mysql(Constraint::Check, "Check constraint 'age_ok' is violated."),
                told(None, Some("age_ok"), &[]),
            ),
            (
                mysql(Constraint::Check, "CONSTRAINT `p.age` failed for `d`.`p`"),
                told(Some("p"), Some("p.age"), &[]),
            ),
            (
                sqlite(Constraint::Unique, "UNIQUE constraint failed: p.a, p.b"),
                told(Some("p"), None, &["a", "b"]),
            ),
            (
                sqlite(Constraint::Unique, "UNIQUE constraint failed: index 'lower'"),
                told(None, Some("lower"), &[]),
            ),
            (sqlite(Constraint::Check, "CHECK constraint failed: age > 0"), told(None, Some("age > 0"), &[])),
            (sqlite(Constraint::ForeignKey, "FOREIGN KEY constraint failed"), Told::default()),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
        assert_eq!(postgres_key("Key (a, \"B\")=(1, )=(2) already exists."), ["a", "B"]);
        assert_eq!(postgres_key("Schlüssel »(lower(a))=(x)« existiert bereits."), [""; 0]);
        assert_eq!(postgres_key("Schlüssel »(a)=(x)« existiert bereits."), ["a"]);
    }
}
