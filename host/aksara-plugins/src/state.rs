//! What one call has on the host's side: its budget, its log, whom it may ask.

use std::future::Future;
use std::sync::Arc;

use aksara_wire::{Map, Value};
use wasmtime::{Result, bail};

use crate::access::Access;
use crate::allowance::Allowance;
use crate::application::Application;
use crate::budget::Budget;
use crate::error::FaultKind;
use crate::keyvalue::KeyValue;
use crate::limits::{Limits, Usage};
use crate::script::Script;
use crate::wasi::Wasi;

/// The data of a store.
pub(crate) struct State {
    pub(crate) usage: Usage,
    /// The limit that ended the call.
    pub(crate) fault: Option<FaultKind>,
    pub(crate) wasi: Option<Wasi>,
    pub(crate) budget: Budget,
    /// What it is allowed.
    pub(crate) allowance: Arc<Allowance>,
    /// What of the application's models it may see and change.
    pub(crate) access: Arc<Access>,
    /// Whom it asks for models, signals and services; nobody while it describes itself.
    pub(crate) application: Option<Arc<dyn Application>>,
    pub(crate) keyvalue: Arc<dyn KeyValue>,
    /// What the component runs, when it is not the plugin itself.
    pub(crate) script: Option<Arc<Script>>,
    /// Rows that it has read.
    pub(crate) rows: u64,
    pub(crate) plugin: Arc<str>,
    /// Whether it finds no clock that runs and no chance: while it describes itself.
    pub(crate) is_frozen: bool,
    host_calls: u32,
    pub(crate) log_lines: u32,
}

impl State {
    pub(crate) fn new(
        plugin: Arc<str>,
        (allowance, access): (Arc<Allowance>, Arc<Access>),
        application: Option<Arc<dyn Application>>,
        keyvalue: Arc<dyn KeyValue>,
        budget: Budget,
    ) -> Self {
        State {
            budget,
            usage: Usage::new(&allowance.limits),
            fault: None,
            wasi: None,
            allowance,
            access,
            application,
            keyvalue,
            script: None,
            rows: 0,
            plugin,
            is_frozen: false,
            host_calls: 0,
            log_lines: 0,
        }
    }

    /// Makes this the state of a new call of the same instance: what the instance holds stays, what calls before have spent
    /// does not count.
    pub(crate) fn begin_again(&mut self, new: State) {
        let State { usage, wasi, .. } = std::mem::replace(self, new);
        self.usage = usage;
        self.usage.refused = None;
        self.wasi = wasi;
        if let Some(wasi) = &mut self.wasi {
            wasi.http.begin_again();
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.allowance.limits
    }

    /// Ends the call by this limit.
    pub(crate) fn exceed<T>(&mut self, fault: FaultKind) -> Result<T> {
        let text = fault.to_string();
        self.fault = Some(fault);
        bail!(text)
    }

    /// Counts one call of the host.
    pub(crate) fn count_host_call(&mut self) -> Result<()> {
        self.host_calls += 1;
        let host_calls_max = self.limits().host_calls_max;
        match self.host_calls > host_calls_max {
            true => self.exceed(FaultKind::HostCalls { host_calls_max }),
            false => Ok(()),
        }
    }

    /// Waits for the host, within what is left of the call's time for that.
    pub(crate) async fn in_time<T>(&mut self, answer: impl Future<Output = T>) -> Result<T> {
        match self.budget.clone().in_host(answer).await {
            Ok(answer) => Ok(answer),
            Err(fault) => self.exceed(fault),
        }
    }

    /// Writes a line of the plugin to the log; past the budget, lines are dropped.
    pub(crate) fn log(&mut self, level: &str, message: &str, fields: &Map) {
        self.log_lines += 1;
        if self.log_lines > self.limits().log_lines_max {
            if self.log_lines == self.limits().log_lines_max + 1 {
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
