//! JSON-RPC error codes and the error object.
//!
//! Specification: 2026-07-28 `basic` ("Error Codes"), and the earlier revisions' schemas.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The error codes, by the names that the specification gives them.
#[derive(Clone, Copy, Debug)]
pub enum ErrorCode {}

impl ErrorCode {
    /// The bytes are not JSON.
    pub const PARSE_ERROR: i32 = -32700;
    /// The JSON is not a valid message.
    pub const INVALID_REQUEST: i32 = -32600;
    /// The method does not exist in the negotiated revision.
    pub const METHOD_NOT_FOUND: i32 = -32601;
    /// The parameters do not fit the method.
    pub const INVALID_PARAMS: i32 = -32602;
    /// The server failed.
    pub const INTERNAL_ERROR: i32 = -32603;
    /// Unknown resource, up to 2025-11-25; later revisions use [`INVALID_PARAMS`](Self::INVALID_PARAMS).
    pub const RESOURCE_NOT_FOUND: i32 = -32002;
    /// A URL must be visited first; 2025-11-25 only.
    pub const URL_ELICITATION_REQUIRED: i32 = -32042;
    /// HTTP headers and body disagree; since 2026-07-28.
    pub const HEADER_MISMATCH: i32 = -32020;
    /// The client did not declare a capability that the request needs; since 2026-07-28.
    pub const MISSING_REQUIRED_CLIENT_CAPABILITY: i32 = -32021;
    /// The server does not speak the requested revision; since 2026-07-28.
    pub const UNSUPPORTED_PROTOCOL_VERSION: i32 = -32022;
}

/// The `error` member of a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// One of [`ErrorCode`], or an application's own outside -32768 to -32000.
    pub code: i32,
    /// One sentence: what was wrong, and where.
    pub message: String,
    /// Anything a program may want to know about the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl ErrorObject {
    /// An error without data.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// The same error with `data`.
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ErrorObject {}
