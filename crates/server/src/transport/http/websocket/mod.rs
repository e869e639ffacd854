//! WebSocket (RFC 6455): a connection that carries a message a text frame in both directions.
//!
//! The specification has no such transport; this is the one that SDKs agree on: the sub-protocol
//! `mcp`, and both eras as over stdio. Here is the handshake, in [`socket`] what comes after it.

mod counted;
mod socket;

use ::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ::http::request::Parts;
use ::http::{Method, Response, StatusCode, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use std::sync::Arc;
use wharf_protocol::error::ErrorCode;

use super::answer::{empty, failure, with_header};
use super::stream::Body;
use super::watch::Active;
use super::{Shared, not_allowed};
use crate::core::Listening;
use crate::principal::Principal;
use crate::rate::Gate;

/// The sub-protocol.
const MCP: &str = "mcp";
/// What RFC 6455, section 1.3, appends to a client's key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Takes a connection over. `active` is the request on a connection of our own listener, which
/// then goes on with it; other hosts leave that to a task.
pub(super) fn open(
    shared: &Shared,
    mut parts: Parts,
    principal: Option<Arc<Principal>>,
    gate: Option<Gate>,
    active: Option<&Active>,
) -> Response<Body> {
    let (accept, protocol) = match check(&parts) {
        Ok(checked) => checked,
        Err(response) => return *response,
    };
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        let message = "this connection cannot become a WebSocket: its host does not hand it over";
        let status = StatusCode::NOT_IMPLEMENTED;
        return failure(status, ErrorCode::INTERNAL_ERROR, message);
    };
    let core = &shared.core;
    let Some(place) = Listening::take(core, principal.clone()) else {
        let message = "too many open streams: close one, or try again later";
        let status = StatusCode::TOO_MANY_REQUESTS;
        return failure(status, ErrorCode::INTERNAL_ERROR, message);
    };
    let core = Arc::clone(core);
    let serving = async move {
        match upgrade.await {
            Ok(upgraded) => socket::serve(core, principal, gate, TokioIo::new(upgraded)).await,
            Err(error) => tracing::debug!(%error, "no WebSocket came of a connection"),
        }
        drop(place);
    };
    match active {
        Some(active) => active.go_on_with(Box::pin(serving)),
        None => drop(tokio::spawn(serving)),
    }
    let mut response = with_header(
        empty(StatusCode::SWITCHING_PROTOCOLS),
        header::UPGRADE,
        "websocket",
    );
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    response
}

type Checked = (HeaderValue, Option<HeaderValue>);

/// Checks the client's side of the handshake (RFC 6455, section 4.2); gives the answer to its
/// key, and the sub-protocol.
fn check(parts: &Parts) -> Result<Checked, Box<Response<Body>>> {
    let refuse = |status, message: &str| Box::new(failure(status, INVALID, message));
    let headers = &parts.headers;
    if parts.method != Method::GET {
        return Err(Box::new(not_allowed("use GET", "GET, OPTIONS")));
    }
    if parts.version != Version::HTTP_11 {
        let message = "WebSocket connections are taken over HTTP/1.1 only";
        let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
        return Err(refuse(status, message));
    }
    if !names(headers, &header::UPGRADE, "websocket")
        || !names(headers, &header::CONNECTION, "upgrade")
    {
        let message = "this path takes WebSocket connections: send a WebSocket handshake";
        let response = failure(StatusCode::UPGRADE_REQUIRED, INVALID, message);
        let response = with_header(response, header::UPGRADE, "websocket");
        return Err(Box::new(with_header(
            response,
            header::CONNECTION,
            "upgrade",
        )));
    }
    if only(headers, &header::SEC_WEBSOCKET_VERSION) != Some("13") {
        let message = "header Sec-WebSocket-Version must be 13";
        let response = failure(StatusCode::UPGRADE_REQUIRED, INVALID, message);
        let response = with_header(response, header::UPGRADE, "websocket");
        let version = header::SEC_WEBSOCKET_VERSION;
        return Err(Box::new(with_header(response, version, "13")));
    }
    let key = only(headers, &header::SEC_WEBSOCKET_KEY)
        .filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
    let Some(accept) = key.and_then(|key| HeaderValue::try_from(accept(key)).ok()) else {
        let message = "header Sec-WebSocket-Key must be 16 bytes in base64, once";
        return Err(refuse(StatusCode::BAD_REQUEST, message));
    };
    // Who offers nothing, as tools do that know nothing of MCP, gets what there is.
    let offers = headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL);
    if offers && !offered(headers).any(|protocol| protocol == MCP) {
        let message = "header Sec-WebSocket-Protocol must offer mcp";
        return Err(refuse(StatusCode::BAD_REQUEST, message));
    }
    Ok((accept, offers.then(|| HeaderValue::from_static(MCP))))
}

const INVALID: i32 = ErrorCode::INVALID_REQUEST;

/// The sub-protocols that the client offers; names are compared exactly.
fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    list(headers, &header::SEC_WEBSOCKET_PROTOCOL)
}

/// Whether a header that is a list has this item, in any case.
fn names(headers: &HeaderMap, name: &HeaderName, item: &str) -> bool {
    list(headers, name).any(|known| known.eq_ignore_ascii_case(item))
}

fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).into_iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(str::trim))
}

/// The value of a header that comes once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// What shows the client that we know WebSocket (RFC 6455, section 4.2.2).
fn accept(key: &str) -> String {
    let hash = digest(
        &SHA1_FOR_LEGACY_USE_ONLY,
        (key.to_owned() + GUID).as_bytes(),
    );
    STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_rfc() {
        let answer = accept("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
