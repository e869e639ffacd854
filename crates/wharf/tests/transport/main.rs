//! What clients of every kind see of a server, over real sockets and pipes.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

#[path = "../wire/mod.rs"]
mod wire;

mod asks;
mod batches;
mod cancel;
mod errors;
mod lists;
mod mount;
mod notices;
mod resume;
mod shutdown;
mod sse;
mod versions;
mod websocket;
