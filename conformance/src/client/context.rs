//! [`Context`]: what the suite gives to one scenario or another.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What the suite gives to one scenario or another; empty where it gives nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Context {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<String>,
    pub(crate) private_key_pem: Option<String>,
    pub(crate) idp_client_id: String,
    pub(crate) idp_id_token: String,
    pub(crate) idp_issuer: String,
    pub(crate) valid_jwt: String,
    #[serde(rename = "toolCalls")]
    pub(crate) tool_calls: Vec<ToolCall>,
}

#[derive(Deserialize)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    pub(crate) arguments: Map<String, Value>,
}

impl Context {
    pub(crate) fn from_env() -> serde_json::Result<Self> {
        let text = std::env::var("MCP_CONFORMANCE_CONTEXT");
        text.map_or_else(|_| Ok(Self::default()), |text| serde_json::from_str(&text))
    }
}
