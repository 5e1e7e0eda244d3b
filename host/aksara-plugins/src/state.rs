//! What one call has on the host's side: its budget, its log, whom it may ask.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;

use aksara_wire::{Map, Value};
use arc_swap::ArcSwap;
use wasmtime::{Result, bail};

use crate::access::Access;
use crate::allowance::Allowance;
use crate::application::Application;
use crate::budget::{Budget, Wait};
use crate::error::FaultKind;
use crate::keyvalue::KeyValue;
use crate::limits::{Limits, Usage};
use crate::revision::Standing;
use crate::script::Script;
use crate::text::{RECORD_BYTES_MAX, shown, within};
use crate::wasi::Wasi;

/// Lines of the log in the text of a trap, and the bytes of each.
const LAST_LINES: usize = 3;
const LAST_LINE_BYTES: usize = 256;

/// The data of a store.
pub(crate) struct State {
    pub(crate) usage: Usage,
    /// The limit that ended the call.
    pub(crate) fault: Option<FaultKind>,
    pub(crate) wasi: Option<Wasi>,
    pub(crate) budget: Budget,
    /// What the revision may do, which can become less while the call is under way.
    pub(crate) standing: Arc<ArcSwap<Standing>>,
    /// What it is allowed, as of its last request.
    pub(crate) allowance: Arc<Allowance>,
    /// What of the application's models it may see and change, as of its last request.
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
    /// Bytes of records that were decoded for the log.
    pub(crate) log_bytes: usize,
    /// What it logged first and last, for the text of a trap.
    pub(crate) last_lines: VecDeque<String>,
}

impl State {
    pub(crate) fn new(
        plugin: Arc<str>,
        standing: Arc<ArcSwap<Standing>>,
        application: Option<Arc<dyn Application>>,
        keyvalue: Arc<dyn KeyValue>,
        budget: Budget,
    ) -> Self {
        let now = standing.load_full();
        let (allowance, access) = (now.allowance.clone(), now.access.clone());
        State {
            budget,
            usage: Usage::new(&allowance.limits),
            standing,
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
            log_bytes: 0,
            last_lines: VecDeque::new(),
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

    /// Takes note of what was taken from the plugin meanwhile.
    fn look_again(&mut self) -> Result<()> {
        let now = self.standing.load();
        if let Some(error) = now.revoked.clone() {
            drop(now);
            return self.exceed(FaultKind::Revoked(error));
        }
        if !Arc::ptr_eq(&now.allowance, &self.allowance) {
            (self.allowance, self.access) = (now.allowance.clone(), now.access.clone());
        }
        Ok(())
    }

    /// Counts one call of the host, which nothing answers that may not be asked any more.
    pub(crate) fn count_host_call(&mut self) -> Result<()> {
        self.check_time()?;
        self.look_again()?;
        self.host_calls += 1;
        let host_calls_max = self.limits().host_calls_max;
        match self.host_calls > host_calls_max {
            true => self.exceed(FaultKind::HostCalls { host_calls_max }),
            false => Ok(()),
        }
    }

    /// Ends the call where it has computed for too long: between two calls of the host no epoch may have been looked at.
    pub(crate) fn check_time(&mut self) -> Result<()> {
        match self.budget.check() {
            Ok(()) => Ok(()),
            Err(fault) => self.exceed(fault),
        }
    }

    /// Waits for the host, or for what the plugin has chosen to wait for, within what is left of the call's time for that.
    pub(crate) async fn in_time<T>(&mut self, wait: Wait, answer: impl Future<Output = T>) -> Result<T> {
        match self.budget.clone().in_host(wait, answer).await {
            Ok(answer) => Ok(answer),
            Err(fault) => self.exceed(fault),
        }
    }

    /// Writes a line of the plugin to the log; past the budget, lines are dropped. What the plugin says is one line, whatever
    /// it holds.
    pub(crate) fn log(&mut self, level: &str, message: &str, fields: &Map) {
        self.log_lines += 1;
        if self.log_lines > self.limits().log_lines_max {
            if self.log_lines == self.limits().log_lines_max + 1 {
                tracing::warn!(target: "aksara::plugin", plugin = %self.plugin, "further lines are dropped");
            }
            return;
        }
        let plugin = &*self.plugin;
        let message = within(message, RECORD_BYTES_MAX);
        let mut fields = Fields(fields).to_string();
        if fields.len() > RECORD_BYTES_MAX {
            fields = within(&fields, RECORD_BYTES_MAX);
        }
        if self.last_lines.len() == LAST_LINES {
            // What went wrong is said first by some languages, and last by others.
            self.last_lines.remove(1);
        }
        self.last_lines.push_back(within(&message, LAST_LINE_BYTES));
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
                Value::Str(text) => write!(f, "{separator}{}={}", shown(key), shown(text))?,
                Value::Int(number) => write!(f, "{separator}{}={number}", shown(key))?,
                Value::Float(number) => write!(f, "{separator}{}={number}", shown(key))?,
                Value::Bool(flag) => write!(f, "{separator}{}={flag}", shown(key))?,
                other => write!(f, "{separator}{}={}", shown(key), shown(&format!("{other:?}")))?,
            }
        }
        Ok(())
    }
}
