//! What stands around and beside the catalog: layers, handlers of whole methods, extensions.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

#[path = "../wire/mod.rs"]
mod wire;

mod apps;
mod extensions;
mod low_level;
mod middleware;
#[cfg(feature = "skills")]
mod skills;
