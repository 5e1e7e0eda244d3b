//! The imports of the contract: grants and budgets, and then the application.

use aksara_wire::{
    ConfigRequest, Map, ModelOperation, ModelRequest, RequestError, SendRequest, ServiceRequest, Value,
    decode,
};
use wasmtime::Result;

use crate::bindings::aksara::signals::{bus, config, log, models, services};
use crate::budget::Wait;
use crate::error::FaultKind;
use crate::state::State;
use crate::text::RECORD_BYTES_MAX;

/// What an import returns to the plugin: the answer, or the error that its author reads.
type Returned = std::result::Result<Vec<u8>, Vec<u8>>;

impl State {
    async fn models(&mut self, operation: ModelOperation, request: Vec<u8>) -> Result<Returned> {
        self.count_host_call()?;
        let mut request = match ModelRequest::decode(&request, &self.limits().decode()) {
            Ok(request) => request,
            Err(error) => return refuse(error.to_string()),
        };
        if !self.access.allows(operation, &request.model) {
            return refuse(denied(&format!("`{}` on the model `{}`", operation.name(), request.model)));
        }
        // One more than it may read is enough to know that it is too much.
        let rows_left = self.limits().rows_max.saturating_sub(self.rows) + 1;
        request.limit = Some(request.limit.map_or(rows_left, |limit| limit.min(rows_left)));
        let Some(application) = self.application.clone() else { return refuse(NOBODY.to_owned()) };
        let access = self.access.clone();
        let answer = self.in_time(Wait::Host, application.models(&access, operation, request)).await?;
        self.rows += answer.as_ref().map_or(0, rows);
        let rows_max = self.limits().rows_max;
        match self.rows > rows_max {
            true => self.exceed(FaultKind::Rows { rows_max }),
            false => self.returned(answer),
        }
    }

    /// The answer as bytes, if there are not too many.
    fn returned(&mut self, answer: std::result::Result<Value, RequestError>) -> Result<Returned> {
        let answer = match answer {
            Ok(answer) => answer.encode(),
            Err(error) => return Ok(Err(error.encode())),
        };
        let bytes_max = self.limits().bytes_max;
        match answer.len() > bytes_max {
            true => self.exceed(FaultKind::Answer { bytes: answer.len(), bytes_max }),
            false => Ok(Ok(answer)),
        }
    }
}

const NOBODY: &str = "there is no application to ask: not in `describe`, and not in a call without one";

fn refuse(error: String) -> Result<Returned> {
    Ok(Err(RequestError::new(error).encode()))
}

/// Bytes of all records that one call logs: as many as are shown of them.
const LOG_BYTES_MAX: usize = 64 * RECORD_BYTES_MAX;

/// What is not granted, and who has to do what about it.
fn denied(what: &str) -> String {
    format!(
        "{what} is not granted; ask for it in `describe`, and let the operator grant it in `plugins.toml`"
    )
}

/// How many rows an answer holds.
fn rows(answer: &Value) -> u64 {
    match answer {
        Value::Array(rows) => rows.len() as u64,
        Value::Map(_) => 1,
        _ => 0,
    }
}

impl log::Host for State {
    async fn write(&mut self, record: Vec<u8>) -> Result<()> {
        self.check_time()?;
        self.log_bytes = self.log_bytes.saturating_add(record.len());
        if self.log_lines >= self.limits().log_lines_max || self.log_bytes > LOG_BYTES_MAX {
            // Nothing of it would be shown, and decoding it costs; writing for ever ends by the limit of host calls.
            self.count_host_call()?;
            self.log_lines = self.log_lines.max(self.limits().log_lines_max);
            self.log("warn", "", &Map::new());
            return Ok(());
        }
        let Ok(Value::Map(mut record)) = decode(&record, &self.limits().decode()) else {
            self.log("warn", "a log record that is no map was dropped", &Map::new());
            return Ok(());
        };
        let mut text = |key: &str| match record.remove(key) {
            Some(Value::Str(text)) => text,
            _ => String::new(),
        };
        let (level, message) = (text("level"), text("message"));
        self.log(&level, &message, &record);
        Ok(())
    }
}

impl models::Host for State {
    async fn get(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.models(ModelOperation::Get, request).await
    }

    async fn find(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.models(ModelOperation::Find, request).await
    }

    async fn count(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.models(ModelOperation::Count, request).await
    }

    async fn create(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.models(ModelOperation::Create, request).await
    }

    async fn update(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.models(ModelOperation::Update, request).await
    }

    async fn delete(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.models(ModelOperation::Delete, request).await
    }
}

impl bus::Host for State {
    async fn send(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.count_host_call()?;
        let request = match SendRequest::decode(&request, &self.limits().decode()) {
            Ok(request) => request,
            Err(error) => return refuse(error.to_string()),
        };
        if !self.allowance.grants.signals.contains(&request.signal) {
            return refuse(denied(&format!("sending the signal `{}`", request.signal)));
        }
        // Who names an instance learns whether it is there.
        if !request.key.is_nil() {
            let sender = request.sender.as_deref().unwrap_or_default();
            if !self.access.allows(ModelOperation::Get, sender) {
                return refuse(denied(&format!(
                    "sending a signal for an instance, which is `get` on the model `{sender}`,"
                )));
            }
        }
        let Some(application) = self.application.clone() else { return refuse(NOBODY.to_owned()) };
        let access = self.access.clone();
        let answer = self.in_time(Wait::Host, application.send(&access, request)).await?;
        self.returned(answer)
    }
}

impl services::Host for State {
    async fn call(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.count_host_call()?;
        let request = match ServiceRequest::decode(&request, &self.limits().decode()) {
            Ok(request) => request,
            Err(error) => return refuse(error.to_string()),
        };
        if !self.allowance.grants.services.contains(&request.service) {
            return refuse(denied(&format!("the service `{}`", request.service)));
        }
        let Some(application) = self.application.clone() else { return refuse(NOBODY.to_owned()) };
        let access = self.access.clone();
        let answer = self.in_time(Wait::Host, application.service(&access, request)).await?;
        self.returned(answer)
    }
}

impl config::Host for State {
    async fn get(&mut self, request: Vec<u8>) -> Result<Returned> {
        self.count_host_call()?;
        let answer = match ConfigRequest::decode(&request, &self.limits().decode()) {
            Ok(request) => Ok(self.allowance.settings.get(&request.name).cloned().unwrap_or_default()),
            Err(error) => Err(RequestError::new(error.to_string())),
        };
        self.returned(answer)
    }
}
