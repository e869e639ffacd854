//! Against servers that do as a test says, mostly wrong.

#![allow(clippy::unwrap_used, reason = "a helper that fails must fail the test")]

mod attacks;
mod flows;
mod people;
mod secrets;
mod world;
