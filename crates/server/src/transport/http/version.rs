//! The header `MCP-Protocol-Version`, as each revision has it.
//!
//! | revision | the header |
//! |---|---|
//! | up to 2025-03-26 | is not defined; what names a revision of a handshake is ignored in their sessions |
//! | 2025-06-18, 2025-11-25 | names the session's revision; absent, the session says it |
//! | 2026-07-28 | is required, and the same as in the body |
//!
//! What names no revision that we know is refused with 400 everywhere, as the revisions that have
//! the header ask for.

use ::http::{HeaderMap, Response, StatusCode};
use wharf_protocol::error::ErrorCode;
use wharf_protocol::headers;
use wharf_protocol::revision::Revision;

use super::answer::{failure, json};
use super::stream::Body;
use crate::call::Reply;
use crate::era::modern;

/// What a request says of the revision it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Nothing.
    Absent,
    /// A revision of a handshake.
    Legacy(Revision),
    /// A revision whose requests stand by themselves.
    Modern,
    /// None that we know.
    Unknown,
}

/// Reads the header. Repeated it is refused: whoever reads the other one would take the request
/// for one of another era.
pub(super) fn of(headers: &HeaderMap) -> Result<Version, Box<Response<Body>>> {
    let mut values = headers.get_all(headers::PROTOCOL_VERSION).iter();
    let Some(value) = values.next() else {
        return Ok(Version::Absent);
    };
    if values.next().is_some() {
        let message = "header MCP-Protocol-Version is repeated";
        let status = StatusCode::BAD_REQUEST;
        return Err(Box::new(failure(
            status,
            ErrorCode::HEADER_MISMATCH,
            message,
        )));
    }
    let named = value.to_str().ok().map(str::trim);
    Ok(match named.and_then(Revision::parse) {
        Some(revision) if revision.is_modern() => Version::Modern,
        Some(revision) => Version::Legacy(revision),
        None => Version::Unknown,
    })
}

impl Version {
    /// Whether the request is served by itself, which includes the answer to a revision that we
    /// do not know.
    pub(super) fn is_modern(self) -> bool {
        matches!(self, Self::Modern | Self::Unknown)
    }

    /// Checks that the request speaks the revision of its session.
    pub(super) fn check(self, session: Revision) -> Result<(), Box<Response<Body>>> {
        match self {
            Self::Legacy(named) if named != session && session >= Revision::V2025_06_18 => {
                let message = format!(
                    "header MCP-Protocol-Version says {named}, but this session speaks {session}"
                );
                let status = StatusCode::BAD_REQUEST;
                Err(Box::new(failure(
                    status,
                    ErrorCode::INVALID_REQUEST,
                    &message,
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The answer to a request without a body that names a revision that we do not know.
pub(super) fn unsupported(headers: &HeaderMap) -> Response<Body> {
    let named = headers.get(headers::PROTOCOL_VERSION);
    let named = named.and_then(|value| value.to_str().ok());
    let refusal = modern::unsupported(named.unwrap_or_default());
    json(Reply::error(None, &refusal.error, refusal.status))
}
