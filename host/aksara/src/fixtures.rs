//! Fixtures: rows from JSON, saved as raw.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use crate::instance::AnyInstance;
use crate::meta::{KeySource, ModelMeta};
use crate::save::{SaveOptions, save};
use crate::signals::Operation;
use crate::transaction::Scope;
use crate::value::{Shown, from_json};
use crate::{Db, Error};

impl Db {
    /// Saves rows from JSON, all or none, and returns how many: a list of
    /// `{"model": "Post", "fields": {"id": 1, "title": "Hello"}}`. Fields that are not named have their defaults. A row
    /// whose key exists already is updated.
    ///
    /// Values are as [`Instance::to_json`](crate::Instance::to_json) writes them; bytes may also be an array of numbers.
    ///
    /// Signals are sent with `raw`, so that handlers that make up values can leave these alone.
    ///
    /// # Errors
    /// [`Error::Fixture`] for what is no such list, names no model or field, or has a value that the field cannot hold;
    /// and what any save can fail with.
    pub async fn load_fixtures(&self, json: &str) -> Result<u64, Error> {
        let rows: Vec<Fixture> = serde_json::from_str(json)
            .map_err(|error| Error::Fixture { row: None, reason: error.to_string() })?;
        let scope = Scope::enter(self).await?;
        let loaded = load(scope.db(), rows).await;
        let (rows, after) = scope.finish(loaded).await?;
        after.run().await;
        Ok(rows)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    model: String,
    fields: Fields,
}

/// The fields of a row, each of which is given once.
struct Fields(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields: Vec<(String, serde_json::Value)> = Vec::new();
        while let Some((name, value)) = map.next_entry()? {
            if fields.iter().any(|(given, _)| *given == name) {
                return Err(A::Error::custom(format_args!("the field `{name}` is given twice")));
            }
            fields.push((name, value));
        }
        Ok(Fields(fields))
    }
}

async fn load(db: &Db, rows: Vec<Fixture>) -> Result<u64, Error> {
    let mut loaded = 0;
    for (row, fixture) in rows.into_iter().enumerate() {
        let mut instance = instance(fixture).map_err(|reason| Error::Fixture { row: Some(row), reason })?;
        let options = SaveOptions { raw: true, ..SaveOptions::default() };
        save(&mut *instance, db, options, &Operation::new()).await?;
        loaded += 1;
    }
    Ok(loaded)
}

fn instance(fixture: Fixture) -> Result<Box<dyn AnyInstance>, String> {
    let Fixture { model, fields: Fields(fields) } = fixture;
    let meta = ModelMeta::by_label(&model).ok_or_else(|| format!("there is no model `{model}`"))?;
    let mut instance = (meta.new_instance)();
    let key = meta.key_field().name;
    let gives_key = fields.iter().any(|(name, _)| name == key);
    for (name, json) in fields {
        let index = meta.position(&name).ok_or_else(|| format!("`{model}` has no field `{name}`"))?;
        let field = &meta.fields[index];
        let set = from_json(field, json)
            .and_then(|value| instance.set_value(index, value).map_err(|_| "the value is not".to_owned()));
        set.map_err(|problem| format!("`{model}.{name}` is {}, and {problem}", field.kind.words()))?;
    }
    if gives_key && instance.key_is_unassigned() && meta.key_source != KeySource::Given {
        let key = format!("`{model}.{key}` is {}", Shown(&instance.key()));
        return Err(format!(
            "{key}, which stands for a row without a key yet; give another, or leave it out for a new one"
        ));
    }
    Ok(instance)
}
