//! What servers, children and networks do to a client: every call ends in bounded time, with the
//! right result or a clear error; the client goes on where it can; nothing is left behind.
//!
//! What is random is the same for the same seed: `WHARF_SEED=n` runs one of them again,
//! `WHARF_SEEDS=n` runs so many.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod child;
mod endless;
mod killed;
mod leaks;
mod network;
mod proxy;
mod script;
mod support;
