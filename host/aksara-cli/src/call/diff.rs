//! A patch as people read one: the lines of the instance that it removes and adds.

use std::fmt::Write;

use aksara_wire::Map;
use similar::{ChangeTag, TextDiff};

use crate::json::to_json;

/// The instance before and after, with a `-` or `+` before each line that differs.
pub(super) fn of(instance: &Map, patch: &Map) -> String {
    let mut patched = instance.clone();
    patched.extend(patch.iter().map(|(name, value)| (name.clone(), value.clone())));
    let (before, after) = (text(instance), text(&patched));
    let mut lines = String::new();
    for change in TextDiff::from_lines(&before, &after).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        let _ = write!(lines, "{sign} {change}");
    }
    lines
}

/// One line for each field: with JSON's commas between them, a new last field would change two lines.
fn text(fields: &Map) -> String {
    let line = |(name, value): (&String, _)| format!("{name}: {}\n", to_json(value));
    if fields.is_empty() { String::new() } else { fields.iter().map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_marked() {
        let map = |entries: &[(&str, &str)]| -> Map {
            entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
        };
        let lines = of(&map(&[("slug", ""), ("title", "Hello")]), &map(&[("slug", "hello"), ("views", "0")]));
        insta::assert_snapshot!(lines, @r#"
        - slug: ""
        + slug: "hello"
          title: "Hello"
        + views: "0"
        "#);
    }
}
