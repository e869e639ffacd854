//! `_meta`: additional information that any message may carry (spec 2026-07-28, basic/index,
//! "General fields"), and the result that consists of nothing else.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The contents of a `_meta` member. The order of keys is kept.
pub type Meta = Map<String, Value>;

/// Key of a request's `_meta`: the token under which progress is reported.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// Key of a modern request's `_meta`: the revision it is written in. Required there.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// Key of a modern request's `_meta`: who the client says it is.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// Key of a modern request's `_meta`: the client's capabilities. Required there.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Key of a modern request's `_meta`: the least severe log message the client wants.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Key of a modern result's `_meta`: who the server says it is.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Key of the `_meta` of what arrives on a subscription: the id of the request that opened it.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A result that says "done" and carries no data: the answer to `ping`, `logging/setLevel`,
/// `resources/subscribe`, and to an ended `subscriptions/listen`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct EmptyResult {
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}
