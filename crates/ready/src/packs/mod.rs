//! The packs: what somebody has, as a part of a server.

pub mod files;
pub mod llm;
pub mod notes;
pub mod prompts;
pub mod skills;
pub mod starter;

mod reload;
