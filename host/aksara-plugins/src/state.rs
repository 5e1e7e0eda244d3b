//! What one call has on the host's side: its budget, its log, the models that it may read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use aksara_wire::{Description, Map, ModelOperation, ModelRequest, ModelsError, Value, decode, encode};
use wasmtime::{Result, bail};

use crate::bindings::aksara::signals::{log, models};
use crate::error::FaultKind;
use crate::limits::{Limits, Usage};
use crate::wasi::Wasi;

/// The models of the application, as whoever embeds the host lets plugins read them. Grants and budgets are checked
/// before it is asked.
pub trait Models: Send + Sync + 'static {
    /// Answers one request: an instance or nil for `get`, an array for `find`, an integer for `count`.
    fn call<'a>(
        &'a self,
        operation: ModelOperation,
        request: ModelRequest,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<Value, ModelsError>> + Send + 'a>>;
}

/// The data of a store.
pub(crate) struct State {
    pub(crate) usage: Usage,
    /// The limit that ended the call.
    pub(crate) fault: Option<FaultKind>,
    pub(crate) wasi: Option<Wasi>,
    /// Ticks of the epoch during which it computed.
    pub(crate) ticks: u64,
    /// Whether it is in the middle of computing, and has only made room for others; it may be waiting otherwise.
    pub(crate) is_computing: Arc<AtomicBool>,
    plugin: Arc<str>,
    limits: Arc<Limits>,
    description: Option<Arc<Description>>,
    models: Option<Arc<dyn Models>>,
    host_calls: u32,
    host_time: Duration,
    rows: u64,
    log_lines: u32,
}

impl State {
    pub(crate) fn new(
        plugin: Arc<str>,
        limits: Arc<Limits>,
        description: Option<Arc<Description>>,
        models: Option<Arc<dyn Models>>,
    ) -> Self {
        State {
            usage: Usage::new(&limits),
            fault: None,
            wasi: None,
            ticks: 0,
            is_computing: Arc::default(),
            plugin,
            limits,
            description,
            models,
            host_calls: 0,
            host_time: Duration::ZERO,
            rows: 0,
            log_lines: 0,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends the call by this limit.
    fn exceed<T>(&mut self, fault: FaultKind) -> Result<T> {
        let text = fault.to_string();
        self.fault = Some(fault);
        bail!(text)
    }

    fn count_host_call(&mut self) -> Result<()> {
        self.host_calls += 1;
        match self.host_calls > self.limits.host_calls_max {
            true => self.exceed(FaultKind::HostCalls { host_calls_max: self.limits.host_calls_max }),
            false => Ok(()),
        }
    }

    async fn models(
        &mut self,
        operation: ModelOperation,
        request: Vec<u8>,
    ) -> Result<std::result::Result<Vec<u8>, Vec<u8>>> {
        self.count_host_call()?;
        let refuse = |error: String| Ok(Err(ModelsError::new(error).encode()));
        let request = match ModelRequest::decode(&request, &self.limits.decode()) {
            Ok(request) => request,
            Err(error) => return refuse(error.to_string()),
        };
        let (Some(models), true) = (self.models.clone(), self.is_granted(operation, &request.model)) else {
            let (operation, model) = (operation.name(), &request.model);
            return refuse(format!("`{operation}` on `{model}` is not granted; ask for it in `describe`"));
        };
        let mut request = request;
        // One more than it may read is enough to know that it is too much.
        let rows_left = self.limits.rows_max.saturating_sub(self.rows) + 1;
        request.limit = Some(request.limit.map_or(rows_left, |limit| limit.min(rows_left)));
        let answer = self.in_time(models.call(operation, request)).await?;
        match answer {
            Ok(answer) => {
                self.rows += rows(&answer);
                if self.rows > self.limits.rows_max {
                    return self.exceed(FaultKind::Rows { rows_max: self.limits.rows_max });
                }
                let (answer, bytes_max) = (encode(&answer), self.limits.bytes_max);
                match answer.len() > bytes_max {
                    true => self.exceed(FaultKind::Answer { bytes: answer.len(), bytes_max }),
                    false => Ok(Ok(answer)),
                }
            }
            Err(error) => Ok(Err(error.encode())),
        }
    }

    fn is_granted(&self, operation: ModelOperation, model: &str) -> bool {
        let grants = self.description.as_ref().and_then(|description| description.grants.models.get(model));
        grants.is_some_and(|operations| operations.contains(&operation))
    }

    /// Waits for the host, within what is left of the call's time for that.
    async fn in_time<T>(&mut self, answer: impl Future<Output = T>) -> Result<T> {
        let deadline = Duration::from_millis(self.limits.deadline_ms);
        let start = Instant::now();
        let answer = tokio::time::timeout(deadline.saturating_sub(self.host_time), answer).await;
        self.host_time += start.elapsed();
        match answer {
            Ok(answer) => Ok(answer),
            Err(_) => self.exceed(FaultKind::HostTime { deadline_ms: self.limits.deadline_ms }),
        }
    }

    /// Writes a line of the plugin to the log; past the budget, lines are dropped.
    pub(crate) fn log(&mut self, level: &str, message: &str, fields: &Map) {
        self.log_lines += 1;
        if self.log_lines > self.limits.log_lines_max {
            if self.log_lines == self.limits.log_lines_max + 1 {
                tracing::warn!(target: "aksara::plugin", plugin = %self.plugin, "further lines are dropped");
            }
            return;
        }
        let plugin = &*self.plugin;
        let fields = Fields(fields);
        match level {
            "error" => tracing::error!(target: "aksara::plugin", plugin, %fields, "{message}"),
            "warn" => tracing::warn!(target: "aksara::plugin", plugin, %fields, "{message}"),
            "debug" => tracing::debug!(target: "aksara::plugin", plugin, %fields, "{message}"),
            "trace" => tracing::trace!(target: "aksara::plugin", plugin, %fields, "{message}"),
            _ => tracing::info!(target: "aksara::plugin", plugin, %fields, "{message}"),
        }
    }
}

/// How many rows an answer holds.
fn rows(answer: &Value) -> u64 {
    match answer {
        Value::Array(rows) => rows.len() as u64,
        Value::Map(_) => 1,
        _ => 0,
    }
}

/// The further keys of a log record, as `key=value`.
struct Fields<'a>(&'a Map);

impl std::fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            match value {
                Value::Str(text) => write!(f, "{separator}{key}={text}")?,
                Value::Int(number) => write!(f, "{separator}{key}={number}")?,
                Value::Float(number) => write!(f, "{separator}{key}={number}")?,
                Value::Bool(flag) => write!(f, "{separator}{key}={flag}")?,
                other => write!(f, "{separator}{key}={other:?}")?,
            }
        }
        Ok(())
    }
}

impl log::Host for State {
    async fn write(&mut self, record: Vec<u8>) -> Result<()> {
        if self.log_lines >= self.limits.log_lines_max {
            // Nothing of it would be shown, and decoding it costs; writing for ever ends by the limit of host calls.
            self.count_host_call()?;
            self.log("warn", "", &Map::new());
            return Ok(());
        }
        let Ok(Value::Map(mut record)) = decode(&record, &self.limits.decode()) else {
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
    async fn get(&mut self, request: Vec<u8>) -> Result<std::result::Result<Vec<u8>, Vec<u8>>> {
        self.models(ModelOperation::Get, request).await
    }

    async fn find(&mut self, request: Vec<u8>) -> Result<std::result::Result<Vec<u8>, Vec<u8>>> {
        self.models(ModelOperation::Find, request).await
    }

    async fn count(&mut self, request: Vec<u8>) -> Result<std::result::Result<Vec<u8>, Vec<u8>>> {
        self.models(ModelOperation::Count, request).await
    }
}
