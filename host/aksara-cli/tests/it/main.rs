//! The program as its users run it: on plugins built from source, judged by exit code and output.

#![allow(clippy::unwrap_used, reason = "these are tests; clippy does not see that of their helpers")]

mod allow;
mod build;
mod call;
mod inspect;
mod kit;
mod signals;
