//! Parameters of requests, borrowed from the message.
//!
//! The members that the protocol itself reads on every request are found while the message is
//! [scanned](crate::envelope::Parts); whatever else a method has is read from the raw text by the
//! method.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::raw::RawJson;

/// `_meta` of a request, and what the protocol itself puts there
/// (spec 2026-07-28, `basic`, "`_meta`").
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestMeta<'a> {
    /// All of it.
    pub raw: Option<RawJson<'a>>,
    /// Opts in to progress; a string or an integer, echoed as sent.
    pub progress_token: Option<RawJson<'a>>,
    /// The revision of this request; required since 2026-07-28.
    pub protocol_version: Option<RawJson<'a>>,
    /// Who the client says it is.
    pub client_info: Option<RawJson<'a>>,
    /// What the client can do; required since 2026-07-28.
    pub client_capabilities: Option<RawJson<'a>>,
    /// The least severe level the client wants to see.
    pub log_level: Option<RawJson<'a>>,
}

/// Parameters of `logging/setLevel`.
#[derive(Clone, Debug, Deserialize)]
pub struct SetLevelParams<'a> {
    /// The level's name.
    #[serde(borrow)]
    pub level: Cow<'a, str>,
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
