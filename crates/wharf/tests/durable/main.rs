//! What outlives the process: servers that are killed without warning, and started again.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

#[path = "../wire/mod.rs"]
mod wire;

mod failing;
mod once;
mod process;
mod sessions;
mod streams;
mod tasks;
