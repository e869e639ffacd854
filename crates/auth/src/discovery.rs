//! Who gives tokens for an MCP server: from its address to its authorization server's endpoints.
//!
//! Spec 2026-07-28, `basic/authorization/authorization-server-discovery`; 2025-03-26,
//! `basic/authorization`, for servers without metadata.

mod resource;
pub(crate) use resource::{Resource, canonical, find as find_resource};

mod server;
pub(crate) use server::{Server, find as find_server, find_legacy};
