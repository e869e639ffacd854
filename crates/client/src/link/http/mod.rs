//! Streamable HTTP: a POST for each message (spec 2026-07-28, basic/transports/streamable-http;
//! sessions and their streams: spec 2025-11-25, basic/transports).

mod body;
pub(crate) mod connector;
pub(crate) mod events;
mod session;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, Response, StatusCode, Uri,
};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use wharf_auth::{MAX_ATTEMPTS, Next};
use wharf_protocol::Revision;
use wharf_protocol::envelope::MessageKind;
use wharf_protocol::error::ErrorCode;
use wharf_protocol::headers::{self, encode_value};

pub(crate) use connector::HttpClient;

use self::events::Events;
use super::Outgoing;
use crate::builder::Config;
use crate::error::{Error, Result, escape};
use crate::message::{Answer, Request, response_id, scan};
use crate::peer::{Peer, Respond, cancelled};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("wharf/", env!("CARGO_PKG_VERSION")));

/// A server that is posted to.
pub(crate) struct Http {
    client: HttpClient,
    uri: Uri,
    config: Arc<Config>,
    peer: Arc<Peer>,
    /// What every POST carries.
    base: RwLock<Base>,
    session: Mutex<Session>,
    over: watch::Sender<bool>,
    /// The server has answered whether the session has a stream of its own.
    listening: watch::Sender<bool>,
    myself: std::sync::Weak<Self>,
}

#[derive(Default)]
struct Session {
    id: Option<HeaderValue>,
    /// The stream on which the server speaks without being asked.
    stream: Option<AbortHandle>,
    gone: bool,
}

/// What every POST carries: made once, and copied.
struct Base {
    headers: HeaderMap,
    modern: bool,
}

impl Base {
    fn new(config: &Config, revision: Option<Revision>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, AGENT);
        headers.extend(config.headers.clone());
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert(ACCEPT, BOTH);
        // The header came with 2025-06-18; a server of before must not be sent it.
        if let Some(revision) = revision.filter(|it| *it >= Revision::V2025_06_18) {
            let name = HeaderName::from_static(headers::PROTOCOL_VERSION);
            headers.insert(name, HeaderValue::from_static(revision.as_str()));
        }
        Self {
            headers,
            modern: revision.is_some_and(Revision::is_modern),
        }
    }

    /// What a request without a body carries.
    fn bare(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        headers.remove(CONTENT_TYPE);
        headers
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

impl Http {
    pub(crate) fn new(
        client: HttpClient,
        uri: Uri,
        config: Arc<Config>,
        peer: Arc<Peer>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|myself| Self {
            client,
            uri,
            base: RwLock::new(Base::new(&config, None)),
            config,
            peer,
            session: Mutex::default(),
            over: watch::Sender::new(false),
            listening: watch::Sender::new(false),
            myself: myself.clone(),
        })
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the revision on all further requests.
    pub(crate) fn speak(&self, revision: Option<Revision>) {
        let base = Base::new(&self.config, revision);
        *self.base.write().unwrap_or_else(PoisonError::into_inner) = base;
    }

    /// Waits until the session has ended.
    pub(crate) async fn over(&self) {
        // The sender is as old as what waits.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Waits until the server can say something in the session without being asked, or has refused
    /// to.
    pub(crate) async fn listening(&self) {
        let _ = self.listening.subscribe().wait_for(|it| *it).await;
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::clone(&self.peer)
    }

    /// The same server at another of its addresses, with the same connections and credentials.
    pub(crate) fn beside(&self, uri: Uri) -> Arc<Self> {
        Self::new(
            self.client.clone(),
            uri,
            Arc::clone(&self.config),
            Arc::clone(&self.peer),
        )
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.session().gone
    }

    /// Posts a request and reads until its answer.
    pub(crate) async fn request(&self, outgoing: Outgoing<'_>) -> Result<Answer> {
        let mut open = Unanswered {
            http: self,
            id: outgoing.id,
            // Closing the stream is what cancels a request of 2026-07-28.
            tell: false,
        };
        open.tell = !self.is_modern() && outgoing.request.method != "initialize";
        let answer = self.exchange(outgoing).await;
        open.tell = false;
        answer
    }

    fn base(&self) -> RwLockReadGuard<'_, Base> {
        self.base.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_modern(&self) -> bool {
        self.base().modern
    }

    async fn exchange(&self, outgoing: Outgoing<'_>) -> Result<Answer> {
        let Outgoing { id, request, body } = outgoing;
        let response = self.post(request, body.into()).await?;
        if request.method == "initialize" {
            let id = response.headers().get(headers::SESSION_ID);
            self.session().id = id.cloned();
        }
        let kind = content_type(&response);
        match (response.status(), kind) {
            (_, Content::Json) => {
                let status = response.status();
                let text =
                    body::text(response.into_body(), self.config.limits.message_bytes).await?;
                self.answer(id, status, text)
            }
            (status, Content::Events) if status.is_success() => {
                self.read_events(id, response.into_body()).await
            }
            (status, _) => {
                let text = body::beginning(response.into_body()).await;
                Err(refused(status, &text))
            }
        }
    }

    /// The answer in a body that is JSON.
    fn answer(&self, id: i64, status: StatusCode, text: String) -> Result<Answer> {
        let scanned = scan(&text);
        let (kind, parts) = match scanned {
            Ok(scanned) => scanned,
            Err(_) if !status.is_success() => return Err(refused(status, &text)),
            Err(error) => return Err(error),
        };
        if kind != MessageKind::Response {
            return Err(Error::protocol(
                "the server answered with what is no answer",
            ));
        }
        match response_id(&text, &parts) {
            // Errors of before the server knew the id have none.
            Some(other) if other != id => {
                return Err(Error::protocol(
                    "the server answered another request than this one",
                ));
            }
            None if parts.error.is_empty() => {
                return Err(Error::protocol(
                    "the server answered with another kind of id",
                ));
            }
            _ => {}
        }
        let answer = Answer::of(text, &parts);
        // What a session of before was answered with 404 is the session's end, whatever else the
        // body says; in 2026-07-28 it is an unknown method.
        match answer {
            Err(error) if status == StatusCode::NOT_FOUND && self.has_session() => {
                tracing::debug!(%error, "the session is gone");
                Err(self.lose_session())
            }
            Err(error) if !status.is_success() => Err(error.with_status(status.as_u16())),
            answer => answer,
        }
    }

    fn has_session(&self) -> bool {
        self.session().id.is_some()
    }

    fn lose_session(&self) -> Error {
        let mut session = self.session();
        session.gone = true;
        if let Some(stream) = session.stream.take() {
            stream.abort();
        }
        self.over.send_replace(true);
        Error::session_gone()
    }

    /// Reads a stream of events until the answer stands in it. In a session, a stream that breaks
    /// off is taken up again.
    async fn read_events(&self, id: i64, body: Incoming) -> Result<Answer> {
        let mut events = Events::new(body, &self.config);
        let mut silent = 0;
        loop {
            let broken = loop {
                match events.next().await {
                    Ok(Some(message)) => {
                        silent = 0;
                        if let Some(answer) = self.take(Some(id), &message)? {
                            return answer;
                        }
                    }
                    Ok(None) => {
                        break Error::closed("the server has closed the stream before its answer");
                    }
                    Err(error) if error.is_closed() => break error,
                    Err(error) => return Err(error),
                }
            };
            let resumable = self.has_session() || !self.is_modern();
            let Some(last) = events.last_event_id().filter(|_| resumable) else {
                return Err(broken);
            };
            silent += 1;
            if silent > self.config.limits.reconnects {
                return Err(broken);
            }
            tokio::time::sleep(events.wait(silent)).await;
            tracing::debug!("taking up a stream that broke off");
            match self.resume(&last).await {
                Ok(body) => events.go_on(body),
                Err(error) if error.is_unreachable() && silent < self.config.limits.reconnects => {}
                Err(error) => return Err(error.while_doing(broken)),
            }
        }
    }

    /// Takes in one message of a stream; `Some` is the answer that is waited for.
    fn take(&self, id: Option<i64>, message: &str) -> Result<Option<Result<Answer>>> {
        let (kind, parts) = match scan(message) {
            Ok(scanned) => scanned,
            Err(error) => {
                tracing::warn!(%error, "ignored");
                return Ok(None);
            }
        };
        if kind == MessageKind::Response {
            let for_us = match response_id(message, &parts) {
                Some(answered) => Some(answered) == id,
                None => !parts.error.is_empty() && id.is_some(),
            };
            return Ok(for_us.then(|| Answer::of(message.into(), &parts)));
        }
        if let Some(myself) = self.myself.upgrade() {
            self.peer.take(kind, message, &parts, &myself);
        }
        Ok(None)
    }

    pub(crate) async fn notify(&self, request: &Request, body: Vec<u8>) -> Result<()> {
        let response = self.post(request, body.into()).await?;
        let status = response.status();
        let text = body::beginning(response.into_body()).await;
        if status.is_success() {
            Ok(())
        } else {
            Err(refused(status, &text))
        }
    }

    /// Posts a message. The response is a success, or one whose body says what is wrong.
    async fn post(&self, request: &Request, body: Bytes) -> Result<Response<Incoming>> {
        let (mut own, modern) = {
            let base = self.base();
            (base.headers.clone(), base.modern)
        };
        if modern {
            own.insert(
                HeaderName::from_static(headers::METHOD),
                ascii(&request.method)?,
            );
            if let Some(name) = &request.name {
                let name = encode_value(name);
                own.insert(HeaderName::from_static(headers::NAME), ascii(&name)?);
            }
            own.extend(request.headers.iter().cloned());
        }
        let mut waited = 0;
        loop {
            let response = self.send(&Method::POST, own.clone(), body.clone()).await?;
            match response.status() {
                StatusCode::NOT_FOUND
                    if self.has_session() && content_type(&response) != Content::Json =>
                {
                    return Err(self.lose_session());
                }
                // The server says that it has not worked on it.
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
                    if waited < self.config.limits.retries =>
                {
                    let Some(wait) = retry_after(response.headers()) else {
                        return Ok(response);
                    };
                    waited += 1;
                    tokio::time::sleep(wait).await;
                }
                status if status.is_redirection() => {
                    let to = response.headers().get(http::header::LOCATION);
                    let to = to.and_then(|it| it.to_str().ok()).unwrap_or("nowhere");
                    return Err(Error::status(
                        status.as_u16(),
                        format!(
                            "the server redirects to {}; connect to that address if you trust it",
                            escape(to)
                        ),
                    ));
                }
                _ => return Ok(response),
            }
        }
    }

    /// Sends a request, with credentials if there are any; sends it again with better ones where
    /// the server wants that.
    async fn send(
        &self,
        method: &Method,
        own: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>> {
        for _ in 0..MAX_ATTEMPTS {
            let mut request = HttpRequest::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = self.uri.clone();
            *request.headers_mut() = own.clone();
            let all = request.headers_mut();
            if let Some(id) = &self.session().id {
                all.insert(HeaderName::from_static(headers::SESSION_ID), id.clone());
            }
            let mut credentials = HeaderMap::new();
            if let Some(authorize) = &self.config.authorize {
                let outgoing = wharf_auth::Outgoing {
                    method,
                    url: &self.uri,
                };
                credentials = authorize.headers(outgoing).await.map_err(Error::auth)?;
                all.extend(credentials.clone());
            }
            let sent = self.client.request(request);
            let response = sent
                .await
                .map_err(|error| connector::failure(&self.uri, error))?;
            let Some(authorize) = &self.config.authorize else {
                return accepted(response);
            };
            let request = wharf_auth::Outgoing {
                method,
                url: &self.uri,
            };
            let (status, headers) = (response.status(), response.headers());
            authorize.observed(wharf_auth::Answer {
                request,
                sent: &credentials,
                status,
                headers,
            });
            if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Ok(response);
            }
            let refusal = wharf_auth::Refusal {
                request,
                sent: &credentials,
                status,
                headers,
            };
            let _busy = self.peer.common.busy();
            match authorize.refused(refusal).await.map_err(Error::auth)? {
                Next::Again => {}
                Next::Stop => return accepted(response),
            }
        }
        Err(Error::authorization(
            "the server refuses every credential that it was shown; log out and in again",
        ))
    }
}

/// A response, unless it wants to know who is calling.
fn accepted(response: Response<Incoming>) -> Result<Response<Incoming>> {
    match response.status() {
        StatusCode::UNAUTHORIZED => {
            let scheme = response.headers().get(WWW_AUTHENTICATE);
            let scheme = scheme
                .and_then(|it| it.to_str().ok())
                .unwrap_or("no scheme");
            Err(Error::authorization(format!(
                "the server wants to know who is calling ({})",
                escape(scheme)
            )))
        }
        StatusCode::FORBIDDEN if content_type(&response) != Content::Json => Err(
            Error::authorization("the server does not allow this to who is calling (403)"),
        ),
        _ => Ok(response),
    }
}

/// A status that is no answer.
fn refused(status: StatusCode, body: &str) -> Error {
    let body = body.trim();
    let shown = if body.is_empty() {
        String::new()
    } else {
        format!(": {}", escape(body))
    };
    if status.is_success() {
        Error::protocol(format!("the server answers, but not with MCP{shown}"))
    } else {
        Error::status(
            status.as_u16(),
            format!("the server answered with HTTP {status}{shown}"),
        )
    }
}

/// How long the server wants a client to wait; not followed beyond a minute.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    (seconds <= 60).then(|| Duration::from_secs(seconds))
}

fn ascii(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| Error::usage("a method's name is ASCII"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Json,
    Events,
    Other,
}

fn content_type(response: &Response<Incoming>) -> Content {
    let value = response.headers().get(CONTENT_TYPE);
    let value = value.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        Content::Json
    } else if kind.eq_ignore_ascii_case("text/event-stream") {
        Content::Events
    } else {
        Content::Other
    }
}

impl Respond for Http {
    fn respond(self: Arc<Self>, message: Vec<u8>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let request = Request::new("");
            if let Err(error) = self.notify(&request, message).await {
                tracing::warn!(%error, "an answer could not be sent");
            }
        })
    }
}

/// A request on its way in a session: a lost connection does not cancel it there, so the server
/// is told.
struct Unanswered<'a> {
    http: &'a Http,
    id: i64,
    tell: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.tell {
            return;
        }
        let (Some(http), Ok(runtime)) = (
            self.http.myself.upgrade(),
            tokio::runtime::Handle::try_current(),
        ) else {
            return;
        };
        let message = cancelled(self.id);
        runtime.spawn(async move {
            let request = Request::new("notifications/cancelled");
            let told = http.notify(&request, message);
            let _ = tokio::time::timeout(Duration::from_secs(5), told).await;
        });
    }
}

/// Whether an error is one that only servers of 2026-07-28 and later give.
pub(crate) fn is_modern_error(code: i32) -> bool {
    matches!(
        code,
        ErrorCode::HEADER_MISMATCH
            | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
    )
}
