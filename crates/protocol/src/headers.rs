//! Headers that mirror the body: how values are written in them, and which arguments of a tool
//! are to be mirrored.
//!
//! Intermediaries route on these headers and servers act on the body, so a server refuses a
//! request whose headers and body disagree (spec 2026-07-28, basic/transports/streamable-http,
//! "Request Metadata"). Header *names* are compared without regard to case; those here are
//! lowercase, as HTTP/2 wants them. Header *values* are case-sensitive.

mod mirror;
mod param;
mod value;

pub use mirror::{Mismatch, matches};
pub use param::{ParamHeader, ParamKind, XMcpHeaderError, XMcpHeaderReason, param_headers};
pub use value::{HeaderValueError, decode_value, encode_value, is_tchar_token};

/// The revision that a request speaks, since 2025-06-18.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The JSON-RPC method of the body, since 2026-07-28. Never encoded.
pub const METHOD: &str = "mcp-method";
/// `params.name` or `params.uri` of the body, since 2026-07-28; written by [`encode_value`].
pub const NAME: &str = "mcp-name";
/// What the name of every mirrored argument begins with, since 2026-07-28; see [`ParamHeader`].
pub const PARAM_PREFIX: &str = "mcp-param-";
/// The session of the revisions 2025-03-26 to 2025-11-25.
pub const SESSION_ID: &str = "mcp-session-id";
/// The last Server-Sent Event that a reconnecting client has seen, 2025-03-26 to 2025-11-25.
pub const LAST_EVENT_ID: &str = "last-event-id";
