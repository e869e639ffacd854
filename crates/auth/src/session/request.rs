//! What goes on a request, and what its answer teaches.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode, Uri};
use url::Url;

use super::Session;
use crate::origin::Origin;
use crate::token::Tokens;
use crate::{Answer, Error, Outgoing, dpop};

impl Session {
    /// Headers for a request to the MCP server; none for any other.
    pub(crate) async fn headers(
        self: &Arc<Self>,
        request: Outgoing<'_>,
    ) -> Result<HeaderMap, Error> {
        if !self.is_ours_to_ask(request.url) {
            return Ok(HeaderMap::new());
        }
        let current = self.current.load_full();
        let tokens = match current {
            Some(tokens) if !tokens.is_stale() => Some(tokens),
            _ => self.ready().await?,
        };
        match tokens {
            Some(tokens) => self.headers_with(&tokens, request),
            None => Ok(HeaderMap::new()),
        }
    }

    fn headers_with(&self, tokens: &Tokens, request: Outgoing<'_>) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, tokens.header()?);
        if let Some(key) = &tokens.key {
            let url = address(request.url)?;
            let nonces = &self.nonces.resource;
            let nonce = nonces
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let method = request.method.as_str();
            let proof = key.proof(method, &url, Some(&tokens.access), nonce.as_deref())?;
            headers.insert("dpop", proof);
        }
        Ok(headers)
    }

    /// Credentials belong to the origin of the server that the user named.
    pub(super) fn is_ours_to_ask(&self, url: &Uri) -> bool {
        self.origin.is_some() && Origin::of(url) == self.origin
    }

    /// Takes note of an answer.
    pub(crate) fn observed(&self, answer: Answer<'_>) {
        if !self.is_ours_to_ask(answer.request.url) {
            return;
        }
        self.learn_nonce(answer.headers);
        let was_sent = answer.sent.contains_key(AUTHORIZATION);
        if was_sent && answer.status != StatusCode::UNAUTHORIZED {
            self.accepted.store(true, Ordering::Release);
        }
    }

    /// Keeps the nonce of an answer; says whether it is a new one.
    pub(super) fn learn_nonce(&self, headers: &HeaderMap) -> bool {
        let Some(nonce) = dpop::nonce_of(headers) else {
            return false;
        };
        let nonces = &self.nonces.resource;
        let mut kept = nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = kept.as_deref() != Some(nonce);
        if is_new {
            *kept = Some(nonce.to_owned());
        }
        is_new
    }
}

/// The address of a request, as proofs name it.
fn address(uri: &Uri) -> Result<Url, Error> {
    let text = uri.to_string();
    let text = match text.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => text,
    };
    Url::parse(&text).map_err(|_| Error::misconfigured("a request has an absolute address"))
}
