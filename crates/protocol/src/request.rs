//! Parameters of requests, borrowed from the message.
//!
//! These are what a server reads, so they hold on to the bytes instead of copying them; the
//! types that are written live beside their feature.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// `_meta` of a request: what the protocol itself puts there. Repeated keys are refused.
///
/// Specification: 2026-07-28 `basic` ("`_meta`").
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RequestMeta<'a> {
    /// Opts in to progress; a string or an integer, echoed as sent.
    #[serde(borrow, rename = "progressToken")]
    pub progress_token: Option<&'a RawValue>,
    /// The revision of this request; required since 2026-07-28.
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    pub protocol_version: Option<Cow<'a, str>>,
    /// Who the client says it is.
    #[serde(borrow, rename = "io.modelcontextprotocol/clientInfo")]
    pub client_info: Option<&'a RawValue>,
    /// What the client can do; required since 2026-07-28.
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub client_capabilities: Option<&'a RawValue>,
    /// The least severe level the client wants to see.
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel")]
    pub log_level: Option<Cow<'a, str>>,
}

/// Parameters of which only `_meta` matters.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct MetaParams<'a> {
    /// `_meta`, raw.
    #[serde(borrow, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
}

/// Parameters of every list request.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ListParams<'a> {
    /// Where the page before ended; opaque to the client.
    #[serde(borrow)]
    pub cursor: Option<Cow<'a, str>>,
    /// `_meta`, raw.
    #[serde(borrow, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
}

/// Parameters of `tools/call`.
#[derive(Clone, Debug, Deserialize)]
pub struct CallToolParams<'a> {
    /// The tool's name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The arguments, raw.
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
    /// `_meta`, raw.
    #[serde(borrow, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
    /// Answers to the asks of an earlier round, raw.
    #[serde(borrow, rename = "inputResponses")]
    pub input_responses: Option<&'a RawValue>,
    /// The sealed journal of the earlier rounds.
    #[serde(borrow, rename = "requestState")]
    pub request_state: Option<Cow<'a, str>>,
}

/// Parameters of `resources/read`, `resources/subscribe` and `resources/unsubscribe`.
#[derive(Clone, Debug, Deserialize)]
pub struct ResourceParams<'a> {
    /// The resource.
    #[serde(borrow)]
    pub uri: Cow<'a, str>,
    /// `_meta`, raw.
    #[serde(borrow, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
    /// Answers to the asks of an earlier round, raw.
    #[serde(borrow, rename = "inputResponses")]
    pub input_responses: Option<&'a RawValue>,
    /// The sealed journal of the earlier rounds.
    #[serde(borrow, rename = "requestState")]
    pub request_state: Option<Cow<'a, str>>,
}

/// Parameters of `prompts/get`.
#[derive(Clone, Debug, Deserialize)]
pub struct GetPromptParams<'a> {
    /// The prompt's name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The arguments, raw: an object of strings.
    #[serde(borrow)]
    pub arguments: Option<&'a RawValue>,
    /// `_meta`, raw.
    #[serde(borrow, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
    /// Answers to the asks of an earlier round, raw.
    #[serde(borrow, rename = "inputResponses")]
    pub input_responses: Option<&'a RawValue>,
    /// The sealed journal of the earlier rounds.
    #[serde(borrow, rename = "requestState")]
    pub request_state: Option<Cow<'a, str>>,
}

/// Parameters of `logging/setLevel`.
#[derive(Clone, Debug, Deserialize)]
pub struct SetLevelParams<'a> {
    /// The level's name.
    #[serde(borrow)]
    pub level: Cow<'a, str>,
    /// `_meta`, raw.
    #[serde(borrow, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
}

/// Parameters of `notifications/cancelled`.
#[derive(Clone, Debug, Deserialize)]
pub struct CancelledParams<'a> {
    /// The request that is no longer wanted, raw.
    #[serde(borrow, rename = "requestId")]
    pub request_id: &'a RawValue,
    /// Why, for the log.
    #[serde(borrow)]
    pub reason: Option<Cow<'a, str>>,
}
