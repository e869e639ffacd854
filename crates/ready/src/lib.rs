//! Ready-made servers: what `wharf serve` serves without a line of code.
//!
//! - [`starter`] is a small example of everything.
//! - [`Dialect`] lets it speak with clients of an early description of MCP.
//! - A [`Pack`] serves what somebody has: each module of [`packs`] has its `Options`, as they stand in
//!   `wharf.toml`, and `open`, which makes the pack of them.
//! - [`config`] reads `wharf.toml` and arguments, and keeps what is served as they say.

pub mod config;
pub mod packs;

mod dialect;
mod error;
mod pack;
mod secret;
mod starter;

pub use dialect::Dialect;
pub use error::{Error, Result};
pub use pack::{Pack, Running, Surroundings};
pub use secret::Secret;
pub(crate) use starter::described as described_starter;
pub use starter::{items as starter_items, starter};
