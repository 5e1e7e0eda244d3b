//! What can go wrong with a plugin: when it is loaded, and when it is called.

use std::collections::BTreeMap;
use std::fmt;

use aksara_wire::{CONTRACT_VERSION, DecodeError};

use crate::limits::Deadline;

/// Why a plugin, or the folder of plugins, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The engine cannot be made on this machine.
    #[error("cannot make the WebAssembly engine: {0}")]
    Engine(String),

    /// The folder cannot be read or watched.
    #[error("cannot watch the plugins folder `{folder}`: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// What is wrong.
        reason: String,
    },

    /// The file is still open for writing.
    #[error("the file is still being written; it is loaded when it is closed")]
    Unfinished,

    /// The plugin listens to nothing, as an empty file does, or one of which a part is missing.
    #[error("it has no handlers; a plugin that hears nothing does not take the place of one that serves")]
    NoHandlers,

    /// The file cannot be read.
    #[error("cannot read the file: {0}")]
    Read(String),

    /// The file is larger than the limit.
    #[error("the file has {bytes} bytes, {bytes_max} are allowed; raise `file_bytes_max` or make it smaller")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },

    /// The file is no WebAssembly.
    #[error("the file is no WebAssembly component: {0}")]
    NoComponent(&'static str),

    /// It has more of something than what any SDK builds, so that it would take long to compile, or much memory.
    #[error(
        "the component has more than {allowed} {what}; build it with less, or make several plugins of it"
    )]
    TooMuch {
        /// What it has too much of.
        what: &'static str,
        /// How much of it is allowed.
        allowed: u64,
    },

    /// The component does not compile, or uses a feature that is not allowed.
    #[error("the component does not compile: {0}")]
    Compile(String),

    /// The component imports what no plugin gets.
    #[error("the component imports `{import}`, which is not granted to plugins; build it without")]
    Import {
        /// Name of the import.
        import: String,
    },

    /// The component imports what is only linked for those that were granted some of it.
    #[error(
        "the component imports `{import}`, and no `{grant}` is granted; ask for it in `describe`, and let the operator grant it"
    )]
    NotGranted {
        /// Name of the import.
        import: String,
        /// The kind of grant.
        grant: &'static str,
    },

    /// What the operator says about plugins cannot be read.
    #[error("`{path}` cannot be used: {reason}")]
    Policy {
        /// Its file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The production profile, and nobody has approved of the plugin.
    #[error("nobody has approved of it; `aksara allow` adds it to `{path}`")]
    NotApproved {
        /// Where that is said.
        path: String,
    },

    /// The policy names a plugin that has no file.
    #[error("its file is not in the folder{meant}; put it there, or take its table out of `plugins.toml`")]
    Missing {
        /// What may have been meant, as the end of a sentence.
        meant: String,
    },

    /// Another file was approved.
    #[error("its SHA-256 is {found}, and {approved} was approved; look at it, and `aksara allow` it")]
    Digest {
        /// That of the file.
        found: String,
        /// That in the policy.
        approved: String,
    },

    /// It asks for more than it is granted.
    #[error("it asks for {missing}, which is not granted; grant it in `plugins.toml`, or build it without")]
    Grants {
        /// What, in words.
        missing: String,
    },

    /// A handler cannot be kept from the fields that its plugin may not see.
    #[error("its handler `{handler}` cannot be kept to the fields that are granted: {reason}")]
    Fields {
        /// The handler.
        handler: String,
        /// Why.
        reason: String,
    },

    /// The plugin is a program, and there is nothing that runs it.
    #[error(
        "it is plain JavaScript, and the component that runs it cannot be used: {0}; `cargo xtask plugins` builds it, and \
         `AKSARA_JAVASCRIPT` names it"
    )]
    Runner(String),

    /// The program does not run.
    #[error("{0}")]
    Script(String),

    /// Two files have the name of one plugin.
    #[error(
        "there is another file of a plugin with its name, `{file}`, which is not used; remove one of them"
    )]
    Twin {
        /// The file that is not used.
        file: String,
    },

    /// The file looks like a plugin, and is not one.
    #[error("`{file}` is left out: {reason}")]
    LeftOut {
        /// Name of the file.
        file: String,
        /// Why, and what to do.
        reason: &'static str,
    },

    /// The file is no text.
    #[error("the file is no UTF-8 text")]
    NoText,

    /// The component lacks an export, or has it with another type.
    #[error("the component does not fit the contract: {0}")]
    Interface(String),

    /// `describe` failed.
    #[error("`describe` failed: {0}")]
    Describe(String),

    /// What `describe` returned makes no sense.
    #[error("`describe` returned nonsense: {0}")]
    Description(String),

    /// The plugin was built for another version of the contract.
    #[error(
        "the plugin is built for contract {plugin}, this host serves {CONTRACT_VERSION}; {}",
        who_acts(plugin)
    )]
    Contract {
        /// The plugin's version of the contract.
        plugin: String,
    },

    /// The name of a script's file, which is that of its plugin, cannot be one.
    #[error("a plugin cannot be called `{name}`; name its file with letters, digits, `-` and `_`")]
    FileName {
        /// The file's name, without its ending.
        name: String,
    },

    /// The plugin's own name is not that of its file.
    #[error(
        "the plugin is called `{plugin}`, and its file `{file}.wasm`; rename the file to `{plugin}.wasm`"
    )]
    Name {
        /// What `describe` says.
        plugin: String,
        /// What the file's name says.
        file: String,
    },
}

fn who_acts(plugin: &str) -> &'static str {
    let numbers =
        |version: &str| -> Vec<u64> { version.split('.').map_while(|part| part.parse().ok()).collect() };
    match numbers(plugin) > numbers(CONTRACT_VERSION) {
        true => "its operator has to update the host",
        false => "its author has to build it with a newer SDK",
    }
}

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The handler refused the operation.
    #[error("{message}")]
    Rejected {
        /// Its reason.
        message: String,
    },

    /// The handler found the instance invalid.
    #[error("the instance is not valid")]
    Invalid {
        /// Messages by field.
        fields: BTreeMap<String, Vec<String>>,
    },

    /// The plugin failed by its own fault.
    #[error(transparent)]
    Fault(Box<Fault>),
}

/// A plugin's own fault: what, in which handler, for which event.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Fault {
    /// ``plugin `slugify` 1.2.0 (revision 3fa9c1d2)``.
    pub plugin: String,
    /// Name of the handler inside the plugin.
    pub handler: String,
    /// Name of the signal.
    pub signal: String,
    /// Label of the model.
    pub sender: String,
    /// What happened.
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { plugin, handler, signal, sender, kind } = self;
        write!(f, "{plugin}: handler `{handler}` for {signal} of `{sender}` {kind}")
    }
}

/// What a plugin did wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// It trapped: a panic, an unreachable instruction, an access out of bounds.
    #[error("trapped: {0}")]
    Trap(String),
    /// It computed too long.
    #[error("ran longer than {} ms; raise `{}` or fix the plugin", .0.ms, .0.name)]
    Deadline(Deadline),
    /// It waited too long for what it has chosen to wait for: HTTP, a cache, a clock.
    #[error("waited longer than {} ms for HTTP, a cache or a clock; raise `{}` or fix the plugin", .0.ms, .0.name)]
    OwnTime(Deadline),
    /// It waited too long for the host: the database, a service.
    #[error("spent more than {} ms in host calls; raise `{}` or ask for less", .0.ms, .0.name)]
    HostTime(Deadline),
    /// It asked for too much memory.
    #[error("used more than {} of memory; raise `memory_bytes_max` or fix the plugin", size(*memory_bytes_max))]
    Memory {
        /// The limit.
        memory_bytes_max: usize,
    },
    /// It asked for too large a table.
    #[error(
        "used more than {table_elements_max} table elements; raise `table_elements_max` or fix the plugin"
    )]
    Table {
        /// The limit.
        table_elements_max: usize,
    },
    /// It called the host too often.
    #[error("made more than {host_calls_max} host calls; raise `host_calls_max` or ask for more at once")]
    HostCalls {
        /// The limit.
        host_calls_max: u32,
    },
    /// It read too many rows.
    #[error("read more than {rows_max} rows; raise `rows_max` or filter them")]
    Rows {
        /// The limit.
        rows_max: u64,
    },
    /// The event is too large for it.
    #[error(
        "was not called: the event has {bytes} bytes, {bytes_max} are allowed; raise `bytes_max` or narrow `reads`"
    )]
    Event {
        /// Length of the event.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// What it asked for is too large for it.
    #[error(
        "asked for an answer of {bytes} bytes, {bytes_max} are allowed; raise `bytes_max` or ask for less"
    )]
    Answer {
        /// Length of the answer.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// It returned bytes that are no reply.
    #[error("returned a bad reply: {0}")]
    BadReply(DecodeError),
    /// It reported a failure of its own: an exception.
    #[error("failed: {0}")]
    Error(String),
    /// No instance became free in time.
    #[error("was not called: too many plugin calls are under way")]
    Busy,
    /// What it was allowed was taken from it.
    #[error("was stopped: `plugins.toml` does not allow any more what it was loaded with: {0}")]
    Revoked(LoadError),
    /// It has failed too often in a row.
    #[error(
        "was not called: the plugin is quarantined; replace it, or touch its file to have it loaded again. What led to it: {reason}"
    )]
    Quarantined {
        /// The last of its faults.
        reason: String,
    },
}

fn size(bytes: usize) -> String {
    match bytes % (1 << 20) {
        0 => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes >> 10),
    }
}
