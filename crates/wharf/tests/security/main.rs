//! The attacks that software of this kind has fallen to, one group of tests for each.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

#[path = "../wire/mod.rs"]
mod wire;

mod browsers;
mod callers;
mod channels;
mod floods;
mod headers;
mod json;
mod logs;
mod observed;
#[cfg(feature = "tls")]
mod secure;
mod sessions;
mod size;
mod slow;
mod state;
mod work;
