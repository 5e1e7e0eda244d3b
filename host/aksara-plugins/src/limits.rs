//! How much one call may use, counted over the whole store.

use aksara_wire::DecodeLimits;
use serde::{Deserialize, Serialize};
use wasmtime::{ResourceLimiter, Result};

use crate::engine::MEMORY_BYTES_MAX;
use crate::error::FaultKind;
use crate::shape::{CORE_INSTANCES_MAX, TABLES_MAX};

/// Elements that one table can have.
const TABLE_ELEMENTS_MAX: u64 = 20_000;

/// What a limit can be at most: the engine gives no more, or no time is measured that long.
const MOST: [(&str, u64); 10] = [
    ("memory_bytes_max", MEMORY_BYTES_MAX as u64),
    ("table_elements_max", TABLES_MAX as u64 * TABLE_ELEMENTS_MAX),
    ("instances_max", CORE_INSTANCES_MAX as u64),
    ("deadline_ms", DAY_MS),
    ("deadline_after_commit_ms", DAY_MS),
    ("wait_ms", DAY_MS),
    ("own_wait_ms", DAY_MS),
    ("own_wait_after_commit_ms", DAY_MS),
    ("bytes_max", MEMORY_BYTES_MAX as u64),
    ("file_bytes_max", 1 << 30),
];

const DAY_MS: u64 = 86_400_000;

/// The limits of a plugin. Each call, and `describe` at load, has them anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Linear memory of all its instances together; 32 MiB, at most 256 MiB.
    pub memory_bytes_max: usize,
    /// Elements of all its tables together; 20,000.
    pub table_elements_max: usize,
    /// Core instances; 64, since a Python plugin has 38.
    pub instances_max: usize,
    /// Processor time that it may compute for, in milliseconds; 100. A busy machine takes nothing of it.
    pub deadline_ms: u64,
    /// The same for `after_commit` and `after_rollback`, where no transaction waits for it; 2,000.
    pub deadline_after_commit_ms: u64,
    /// Time that it may wait for the host, in milliseconds: for the database, a service, or a core; 5,000.
    pub wait_ms: u64,
    /// Time that it may wait for what it has chosen to wait for, in milliseconds: HTTP, a cache, or a clock; 100.
    pub own_wait_ms: u64,
    /// The same for `after_commit` and `after_rollback`, where no transaction waits for it; 2,000.
    pub own_wait_after_commit_ms: u64,
    /// Calls of the host; 256.
    pub host_calls_max: u32,
    /// Rows that it may read; 1,000.
    pub rows_max: u64,
    /// Length of an event, of a reply, and of each request and answer; 4 MiB.
    pub bytes_max: usize,
    /// Lines of log; further ones are dropped. 64.
    pub log_lines_max: u32,
    /// Size of the file; 96 MiB.
    pub file_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory_bytes_max: 32 << 20,
            table_elements_max: 20_000,
            instances_max: 64,
            deadline_ms: 100,
            deadline_after_commit_ms: 2_000,
            wait_ms: 5_000,
            own_wait_ms: 100,
            own_wait_after_commit_ms: 2_000,
            host_calls_max: 256,
            rows_max: 1_000,
            bytes_max: 4 << 20,
            log_lines_max: 64,
            file_bytes_max: 96 << 20,
        }
    }
}

impl Limits {
    /// These limits, with those of the table in their place.
    ///
    /// # Errors
    /// What is wrong with the table, in words.
    pub(crate) fn with(&self, table: toml::Table) -> Result<Limits, String> {
        let mut limits = toml::Table::try_from(self).map_err(|error| error.to_string())?;
        limits.extend(table);
        limits.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }

    /// Checks a limit that an operator gives.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn check(name: &str, value: &toml::Value) -> Result<(), String> {
        Limits::default().with(toml::Table::from_iter([(name.to_owned(), value.clone())]))?;
        let most = MOST.iter().find(|(limit, _)| *limit == name);
        match (most, value.as_integer()) {
            (Some((_, most)), Some(value)) if u64::try_from(value).is_ok_and(|value| value > *most) => {
                Err(format!("`{name}` can be {most} at most, and is {value}"))
            }
            _ => Ok(()),
        }
    }

    /// Returns how long it may compute for a signal.
    pub(crate) fn deadline(&self, signal: &str) -> Deadline {
        match signal {
            "after_commit" | "after_rollback" => {
                Deadline { name: "deadline_after_commit_ms", ms: self.deadline_after_commit_ms }
            }
            _ => Deadline { name: "deadline_ms", ms: self.deadline_ms },
        }
    }

    /// Returns how long it may wait for the host.
    pub(crate) fn wait(&self) -> Deadline {
        Deadline { name: "wait_ms", ms: self.wait_ms }
    }

    /// Returns how long it may wait for HTTP, a cache or a clock, for a signal.
    pub(crate) fn own_wait(&self, signal: &str) -> Deadline {
        match signal {
            "after_commit" | "after_rollback" => {
                Deadline { name: "own_wait_after_commit_ms", ms: self.own_wait_after_commit_ms }
            }
            _ => Deadline { name: "own_wait_ms", ms: self.own_wait_ms },
        }
    }

    /// What may be decoded of the plugin's bytes.
    pub(crate) fn decode(&self) -> DecodeLimits {
        DecodeLimits { bytes_max: self.bytes_max, ..DecodeLimits::default() }
    }
}

/// How long a call may compute, or wait for the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The limit that says so.
    pub name: &'static str,
    /// In milliseconds.
    pub ms: u64,
}

/// Adds up what all instances of one store use. wasmtime's own limiter counts each memory by itself.
pub(crate) struct Usage {
    pub(crate) memory_bytes: usize,
    table_elements: usize,
    memory_bytes_max: usize,
    table_elements_max: usize,
    instances_max: usize,
    /// The limit that was hit last: a guest that is refused memory traps a little later, for no visible reason.
    pub(crate) refused: Option<FaultKind>,
    /// What was last allowed, to be taken back when it fails all the same.
    memory_allowed: usize,
    table_allowed: usize,
}

impl Usage {
    pub(crate) fn new(limits: &Limits) -> Self {
        Usage {
            memory_bytes: 0,
            table_elements: 0,
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            instances_max: limits.instances_max,
            refused: None,
            memory_allowed: 0,
            table_allowed: 0,
        }
    }
}

impl ResourceLimiter for Usage {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let total = self.memory_bytes.saturating_add(desired.saturating_sub(current));
        if total > self.memory_bytes_max {
            self.refused = Some(FaultKind::Memory { memory_bytes_max: self.memory_bytes_max });
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.memory_allowed = total - self.memory_bytes;
        self.memory_bytes = total;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.memory_allowed);
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let total = self.table_elements.saturating_add(desired.saturating_sub(current));
        if total > self.table_elements_max {
            self.refused = Some(FaultKind::Table { table_elements_max: self.table_elements_max });
            return Ok(false);
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.table_allowed = total - self.table_elements;
        self.table_elements = total;
        Ok(true)
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> Result<()> {
        self.table_elements -= std::mem::take(&mut self.table_allowed);
        Ok(())
    }

    fn instances(&self) -> usize {
        self.instances_max
    }
}
