//! The harmless part of WASI: clocks, random numbers, and standard streams that end in the log. No files, no
//! sockets, no environment.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocks, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, random};
use wasmtime_wasi::random::{Deterministic, WasiRandom};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::http::Http;
use crate::reuse::Held;
use crate::state::State;

/// The interfaces that any plugin may import.
pub(crate) const HARMLESS: [&str; 16] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
];

/// Random bytes at once: the host makes them, and no deadline is looked at meanwhile.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// Streams, errors and things to wait for that one call may hold.
const RESOURCES_MAX: usize = 1_000;

/// What a call of a plugin that imports WASI has besides its state.
pub(crate) struct Wasi {
    context: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) http: Http,
    /// What it printed.
    pub(crate) output: Output,
}

impl Wasi {
    /// For a call, or (`is_frozen`) for a plugin that describes itself: whatever it asks then, it says the same each time.
    pub(crate) fn new(bytes_max: usize, http: Http, is_frozen: bool) -> Self {
        let output = Output { bytes: Arc::default(), bytes_max };
        let mut builder = WasiCtx::builder();
        builder.stdout(output.clone()).stderr(output.clone()).max_random_size(RANDOM_BYTES_MAX);
        if is_frozen {
            let random = || Deterministic::new((0..=u8::MAX).collect());
            builder.wall_clock(Frozen).monotonic_clock(Frozen).secure_random(random());
            builder.insecure_random(random()).insecure_random_seed(0);
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        Wasi { context: builder.build(), table, http, output }
    }
}

/// A clock that stands still.
struct Frozen;

impl HostWallClock for Frozen {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        // The first day of the year 2000.
        Duration::from_secs(946_684_800)
    }
}

impl HostMonotonicClock for Frozen {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        // The runtime of Go takes 0 for a clock that is broken.
        1
    }
}

impl Wasi {
    /// What the instance holds.
    pub(crate) fn held(&mut self) -> Held {
        Held { handles: self.table.iter_mut().count(), has_requested: self.http.has_requested() }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        match &mut self.wasi {
            Some(Wasi { context, table, .. }) => WasiCtxView { ctx: context, table },
            None => unreachable!("a plugin that imports WASI is given it"),
        }
    }
}

struct HasIo;

impl HasData for HasIo {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links the interfaces of [`HARMLESS`].
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    io::error::add_to_linker::<State, HasIo>(linker, |state| state.ctx().table)?;
    io::poll::add_to_linker::<State, HasIo>(linker, |state| state.ctx().table)?;
    io::streams::add_to_linker::<State, HasIo>(linker, |state| state.ctx().table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(linker, State::clocks)?;
    random::random::add_to_linker::<State, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)
}

/// Standard output and standard error of one call, kept until its end; what exceeds the limit is dropped.
#[derive(Clone)]
pub(crate) struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    bytes_max: usize,
}

impl Output {
    /// What was printed.
    pub(crate) fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.bytes_max.saturating_sub(kept.len()).min(bytes.len());
        kept.extend_from_slice(&bytes[..room]);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
