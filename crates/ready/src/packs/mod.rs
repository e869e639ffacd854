//! The packs: what somebody has, as a part of a server.

pub mod llm;
