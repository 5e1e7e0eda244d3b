//! The application that a plugin asks, without a database: rows and answers of services from files, or none.

use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use aksara_plugins::{Access, Answer, Application};
use aksara_wire::{
    Map, ModelOperation, ModelRequest, ModelRows, RequestError, SendRequest, ServiceRequest, Value,
};
use anyhow::{Context, Result, bail};
use serde_json::{Map as JsonMap, Value as Json};

use crate::json::{from_json, from_object, to_object};

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

/// What is offered to a plugin.
pub(super) struct Offered {
    rows: Mutex<ModelRows>,
    /// What the services answer, by name.
    services: Map,
}

impl Offered {
    /// What the calls share.
    pub(super) fn shared(rows: ModelRows, services: Map) -> Arc<dyn Application> {
        Arc::new(Offered { rows: Mutex::new(rows), services })
    }
}

impl Application for Offered {
    fn models<'a>(&'a self, _: &'a Access, operation: ModelOperation, request: ModelRequest) -> Answer<'a> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(rows.answer(operation, &request)))
    }

    fn send<'a>(&'a self, _: &'a Access, request: SendRequest) -> Answer<'a> {
        eprintln!("sent: {} {}", request.signal, to_object(&request.args));
        Box::pin(ready(Ok(if request.robust { Value::Array(Vec::new()) } else { Value::Nil })))
    }

    fn service<'a>(&'a self, _: &'a Access, request: ServiceRequest) -> Answer<'a> {
        let answer = self.services.get(&request.service).cloned().ok_or_else(|| {
            let name = request.service;
            RequestError::new(format!("there is no service `{name}`; give its answer with `--services`"))
        });
        Box::pin(ready(answer))
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
        let mut rows = rows;
        let mut get = |model: &str, key: Value| {
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
