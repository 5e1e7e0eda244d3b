//! Tests of the wire contract: exact bytes, refusals, and properties that hold for any input.
//!
//! The files in `wit/golden` come from here; every SDK, in any language, is tested against them.

#![allow(clippy::unwrap_used, reason = "these are tests; clippy does not see that of their helpers")]

mod cases;
mod golden;
mod properties;
mod refused;
mod rows;
mod tagged;
mod types;
