//! How a connection begins: `initialize` up to 2025-11-25, `server/discover` since 2026-07-28.

use serde::Deserialize;

use crate::{
    capabilities::{ClientCapabilities, ServerCapabilities},
    content::Implementation,
    meta::Meta,
    revision::Revision,
};

/// What a client says in `initialize`, up to 2025-11-25.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// The newest revision the client speaks: any string, because it may be newer than we are.
    pub protocol_version: String,
    /// What the client offers.
    pub capabilities: ClientCapabilities,
    /// What the client says it is.
    pub client_info: Implementation,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// The answer to `initialize`, up to 2025-11-25.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResult {
    /// The revision that is spoken from here on.
    pub protocol_version: Revision,
    /// What the server offers.
    pub capabilities: ServerCapabilities,
    /// What the server says it is.
    pub server_info: Implementation,
    /// How to use the server, for the model.
    pub instructions: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// The answer to `server/discover`, since 2026-07-28.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverResult {
    /// The revisions the server speaks. Names we do not know are skipped when it is read.
    #[serde(deserialize_with = "crate::lenient::known_revisions")]
    pub supported_versions: Vec<Revision>,
    /// What the server offers.
    pub capabilities: ServerCapabilities,
    /// How to use the server, for the model.
    pub instructions: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
