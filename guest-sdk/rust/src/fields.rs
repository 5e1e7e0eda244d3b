//! Which fields a type reads: the names that its `Deserialize` asks for.

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::collect::names;

/// The names of a struct's fields as serde knows them (renamed, and with their aliases); `None` for types that take
/// any names: maps, and structs with `#[serde(flatten)]`.
pub fn fields_of<'de, T: Deserialize<'de>>() -> Option<BTreeSet<String>> {
    match T::deserialize(Probe) {
        Err(Asked(asked)) => Some(names(asked?)),
        // A type that is content with nothing, such as one made by a custom `Deserialize`.
        Ok(_) => None,
    }
}

/// A deserializer that has nothing to give, and reports as its error what it was asked for.
struct Probe;

#[derive(Debug)]
struct Asked(Option<&'static [&'static str]>);

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is nothing to deserialize")
    }
}

impl core::error::Error for Asked {}

impl serde::de::Error for Asked {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Asked(None)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Asked;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Asked> {
        Err(Asked(None))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Asked> {
        Err(Asked(Some(fields)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Asked> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Post {
        title: String,
        #[serde(rename = "type")]
        kind: Option<String>,
        #[serde(skip)]
        scratch: u8,
    }

    #[derive(serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Draft(Post);

    #[derive(serde::Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Open {
        title: String,
        #[serde(flatten)]
        rest: crate::Map,
    }

    #[test]
    fn a_struct_reads_its_fields() {
        let names = names(&["title", "type"]);
        assert_eq!(fields_of::<Post>(), Some(names.clone()));
        assert_eq!(fields_of::<Draft>(), Some(names));
    }

    #[test]
    fn a_map_reads_everything() {
        assert_eq!(fields_of::<crate::Map>(), None);
        assert_eq!(fields_of::<crate::Value>(), None);
        assert_eq!(fields_of::<Open>(), None);
    }
}
