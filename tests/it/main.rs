//! One binary for all integration tests. Each module tests one page of the contract; tests are named after its rules.

#![allow(clippy::unwrap_used, reason = "a test that meets no value has failed")]

mod access;
mod architecture;
mod demo;
mod http;
mod keyvalue;
mod loading;
mod memory;
mod orm;
mod outage;
mod packages;
mod plugins;
mod policy;
mod quarantine;
mod reload;
mod same_scripts;
mod scripts;
mod text;
mod values;
mod ways;
