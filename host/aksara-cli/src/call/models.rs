//! The import `models` without a database: rows from a file, or none.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use aksara_plugins::Models;
use aksara_wire::{ModelOperation, ModelRequest, ModelRows, ModelsError, Value};
use anyhow::{Context, Result, bail};
use serde_json::{Map as JsonMap, Value as Json};

use crate::json::{from_json, from_object};

/// Reads the rows of a file: `{"Post": [{"id": 1, ..}], "Plane(tailnum)": [{"tailnum": "N1", ..}]}`.
pub(super) fn read(path: &Path, models: JsonMap<String, Json>) -> Result<ModelRows> {
    let mut rows = ModelRows::new();
    for (model, list) in models {
        insert(&mut rows, &model, list).with_context(|| format!("`{model}` in `{}`", path.display()))?;
    }
    Ok(rows)
}

fn insert(rows: &mut ModelRows, model: &str, list: Json) -> Result<()> {
    let (label, key) = match model.split_once('(') {
        Some((label, key)) => (label, key.strip_suffix(')').context("has no `)` after the name of its key")?),
        None => (model, "id"),
    };
    let Json::Array(list) = list else { bail!("is no array of rows") };
    for (position, row) in list.into_iter().enumerate() {
        let Json::Object(row) = row else { bail!("row {position} is no object") };
        let value = row.get(key).with_context(|| {
            format!("row {position} has no `{key}`, which is its key; name another one as `{label}(field)`")
        })?;
        rows.insert(label, from_json(value.clone())?, from_object(row)?);
    }
    Ok(())
}

/// The rows as a host offers them to a plugin.
pub(super) struct Rows(ModelRows);

impl Rows {
    /// Rows that the calls share.
    pub(super) fn shared(rows: ModelRows) -> Arc<dyn Models> {
        Arc::new(Rows(rows))
    }
}

impl Models for Rows {
    fn call<'a>(
        &'a self,
        operation: ModelOperation,
        request: ModelRequest,
    ) -> Pin<Box<dyn Future<Output = Result<Value, ModelsError>> + Send + 'a>> {
        Box::pin(std::future::ready(self.0.answer(operation, &request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<ModelRows> {
        read(Path::new("rows.json"), serde_json::from_str(text).unwrap())
    }

    #[test]
    fn rows_have_the_key_that_their_model_names() {
        let rows = rows(r#"{"Post": [{"id": 7}], "Plane(tailnum)": [{"tailnum": "N1"}]}"#).unwrap();
        let get = |model: &str, key: Value| {
            let request = ModelRequest { model: model.into(), key, ..ModelRequest::default() };
            rows.answer(ModelOperation::Get, &request).unwrap() != Value::Nil
        };
        assert!(get("Post", 7i64.into()) && get("Plane", "N1".into()));
        assert!(!get("Post", 8i64.into()) && !get("Airport", "N1".into()));
    }

    #[test]
    fn errors_say_where_and_what_to_do() {
        let error = |text| format!("{:#}", rows(text).unwrap_err());
        assert_eq!(
            error(r#"{"Plane": [{"tailnum": "N1"}]}"#),
            "`Plane` in `rows.json`: row 0 has no `id`, which is its key; name another one as `Plane(field)`"
        );
        assert_eq!(error(r#"{"Plane": {}}"#), "`Plane` in `rows.json`: is no array of rows");
        assert_eq!(
            error(r#"{"Plane(x": []}"#),
            "`Plane(x` in `rows.json`: has no `)` after the name of its key"
        );
    }
}
