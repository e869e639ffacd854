//! The packs: what somebody has, as a part of a server.

pub mod notes;
pub mod prompts;
pub mod skills;

mod reload;
