//! Tests of the plugin host with hostile plugins, written as text: loading, limits, calls, inspection.
//!
//! The folder and reloading are tested from the outside, in `tests/it`.

#![allow(clippy::unwrap_used, reason = "these are tests; clippy does not see that of their helpers")]

mod calls;
mod fixture;
mod hostile;
mod inspect;
mod limits;
mod load;
mod models;
mod newer;
mod policy;
mod pool;
mod reuse;
mod wasi;
