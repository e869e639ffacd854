//! HTTP: Streamable HTTP, one endpoint for every revision since 2025-03-26 all at once; beside it
//! the HTTP+SSE of 2024-11-05, and WebSocket.
//!
//! At the endpoint, a request with the version header of a modern revision is served by itself; one that opens a
//! session with `initialize`, or names one, is served within it. Answers are plain JSON unless a
//! stream is needed.

mod answer;
mod batch;
mod guard;
mod listen;
mod read;
mod route;
mod scrape;
pub(crate) mod serve;
mod sse;
mod stream;
mod tls;
mod tokens;
mod version;
mod watch;
#[cfg(feature = "websocket")]
mod websocket;

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::http::header::{self, HeaderValue};
use ::http::request::Parts;
use ::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use wharf_protocol::envelope::is_batch;
use wharf_protocol::headers;

pub use self::guard::Unauthorized;
pub use self::scrape::{MetricsOptions, MetricsServer};
pub use self::serve::HttpServer;
pub use self::stream::Body;
pub use self::tls::Tls;
pub use self::tokens::Tokens;
pub use crate::rate::RateLimit;

use self::answer::{failure, json, with_header};
use self::guard::Guard;
use self::read::Accepts;
use self::route::{Place, Routes};
use self::version::Version;
use self::watch::Active;
use crate::call::{Frame, Parsed, Reply};
use crate::core::Core;
use crate::era::legacy;
use crate::error::Result;
use crate::observe::Refused;
use crate::principal::Principal;
use crate::rate::{Gate, Key, Rates, TooEarly};
use crate::session::Session;
use crate::transport::conversation::Inbound;
use wharf_protocol::error::ErrorCode;

/// Decides who is calling; see [`HttpOptions::authenticate`].
pub type Authenticate =
    Arc<dyn Fn(&Parts) -> Result<Option<Arc<Principal>>, Unauthorized> + Send + Sync>;

/// How a server is reached over HTTP.
#[derive(Clone)]
pub struct HttpOptions {
    /// The path of the Streamable HTTP endpoint, where the server listens by itself. Default
    /// `/mcp`. A mounted service has its endpoint at every path that is none of the others.
    pub path: String,
    /// The path at which clients of 2024-11-05 open their event stream (spec 2024-11-05,
    /// `basic/transports`, "HTTP with SSE"), or `None` to serve none. Default `/sse`. They may
    /// post there too.
    pub sse: Option<String>,
    /// The path to which those clients are told to post. Default `/messages`; the same as `sse`
    /// makes one path of both.
    pub messages: String,
    /// The path that takes WebSocket connections, with the sub-protocol `mcp` and a message a
    /// text frame, or `None` to take none. Default `/ws`. Without the feature `websocket` there
    /// are none.
    pub websocket: Option<String>,
    /// Names under which the server may be called besides loopback ones: `mcp.example.com`, or
    /// with a port `mcp.example.com:8443`. A request for another host is refused with 421, which
    /// is what keeps a web page from reaching a local server through a name of its own.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call the server besides loopback ones and its own:
    /// `https://app.example.com`. Others are refused with 403.
    pub allowed_origins: Vec<String>,
    /// Whether the server may listen on addresses that others can reach although nobody
    /// authenticates callers. Default no: such a start is refused.
    pub allow_public: bool,
    /// Who is calling. Default: the [`Principal`] in the request's extensions, if any. For fixed
    /// tokens see [`Tokens`].
    pub authenticate: Option<Authenticate>,
    /// The certificate of our own listener, which then speaks HTTPS only. Default `None`. A mounted
    /// service leaves it to its host.
    pub tls: Option<Tls>,
    /// How many requests callers may send. Default `None`: as many as they like.
    pub rate: Option<RateLimit>,
}

/// The address that a request comes from. An application that mounts the service puts it into the
/// request's extensions, for [`HttpOptions::rate`]; our own listener knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            path: "/mcp".into(),
            sse: Some("/sse".into()),
            messages: "/messages".into(),
            websocket: Some("/ws".into()),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            allow_public: false,
            authenticate: None,
            tls: None,
            rate: None,
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("path", &self.path)
            .field("sse", &self.sse)
            .field("messages", &self.messages)
            .field("websocket", &self.websocket)
            .field("allowed_hosts", &self.allowed_hosts)
            .field("allowed_origins", &self.allowed_origins)
            .field("allow_public", &self.allow_public)
            .field("tls", &self.tls)
            .field("rate", &self.rate)
            .finish_non_exhaustive()
    }
}

/// The server as a tower service, for axum, hyper and every other host of one.
///
/// It answers under whatever path it is mounted at: a path that ends with
/// [`HttpOptions::sse`], [`HttpOptions::messages`] or [`HttpOptions::websocket`] is that
/// transport, every other one is the Streamable HTTP endpoint. Time-outs of connections are the
/// host's matter; all other limits are the service's own. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) core: Arc<Core>,
    guard: Guard,
    routes: Routes,
    channels: sse::Channels,
    authenticate: Option<Authenticate>,
    rates: Option<Arc<Rates>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// For our own listener. `any_ip`: others may connect, and call us by any address.
    pub(crate) fn listening(core: Arc<Core>, options: &HttpOptions, any_ip: bool) -> Result<Self> {
        let routes = Routes::listening(options)?;
        Ok(Self::new(core, options, routes, any_ip))
    }

    /// For whoever mounts it.
    pub(crate) fn mounted(core: Arc<Core>, options: &HttpOptions) -> Result<Self> {
        let routes = Routes::mounted(options)?;
        Ok(Self::new(core, options, routes, false))
    }

    fn new(core: Arc<Core>, options: &HttpOptions, routes: Routes, any_ip: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                core,
                guard: Guard::new(options, any_ip),
                routes,
                channels: sse::Channels::default(),
                authenticate: options.authenticate.clone(),
                rates: options.rate.map(|limit| Arc::new(Rates::new(limit))),
            }),
        }
    }

    /// Tells open streams and waiting calls that the server stops: streams end, calls may finish.
    pub fn stop(&self) {
        self.shared.core.stop();
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.answer(request, None).await
    }

    /// The same; `active` is the request on a connection of our own listener.
    async fn answer<B>(&self, request: Request<B>, active: Option<&Active>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let core = &self.shared.core;
        let peer = match active {
            Some(active) => active.peer(),
            None => request.extensions().get().map(|&Peer(peer)| peer),
        };
        let response = self.admit(request, active, peer).await;
        if !core.observers.is_empty() {
            note(core, &response, peer);
        }
        response
    }

    async fn admit<B>(
        &self,
        request: Request<B>,
        active: Option<&Active>,
        peer: Option<IpAddr>,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        #[cfg(not(feature = "websocket"))]
        let _ = active;
        let (parts, body) = request.into_parts();
        let permit = match self.shared.guard.check(&parts) {
            Ok(permit) => permit,
            Err(denied) => return denied.into_response(),
        };
        let core = &self.shared.core;
        // Who mounts us has no task of ours that sweeps, so requests do.
        if self.shared.routes.is_mounted() && core.sessions.is_sweep_due(&core.limits) {
            Box::pin(core.sweep_sessions()).await;
        }
        let Some(place) = self.shared.routes.find(parts.uri.path()) else {
            return permit.finish(self.nothing_here());
        };
        if parts.method == Method::OPTIONS {
            return permit.preflight(&parts);
        }
        let principal = self.principal(&parts);
        let mut gate = None;
        if let Some(rates) = &self.shared.rates {
            let caller = principal.as_ref().ok().and_then(Option::as_ref);
            let known = gate.insert(Gate {
                rates: Arc::clone(rates),
                key: Key::of(caller, peer),
            });
            if let Err(early) = known.rates.take(&known.key) {
                return permit.finish(too_early(early));
            }
        }
        let response = match principal {
            Ok(principal) => match place {
                Place::Endpoint => self.endpoint(parts, body, principal, gate).await,
                // Boxed: what is called most decides how large the future of a request is.
                Place::Events | Place::Messages => {
                    Box::pin(self.events(place, parts, body, principal, gate)).await
                }
                #[cfg(feature = "websocket")]
                Place::WebSocket => websocket::open(&self.shared, parts, principal, gate, active),
            },
            Err(unauthorized) => unauthorized.into_response(),
        };
        permit.finish(response)
    }

    fn principal(&self, parts: &Parts) -> Result<Option<Arc<Principal>>, Unauthorized> {
        match &self.shared.authenticate {
            Some(authenticate) => authenticate(parts),
            None => Ok(parts.extensions.get::<Arc<Principal>>().cloned()),
        }
    }

    fn nothing_here(&self) -> Response<Body> {
        let known = self.shared.routes.known();
        let message = format!("there is nothing here: this server is at {known}");
        failure(StatusCode::NOT_FOUND, ErrorCode::INVALID_REQUEST, &message)
    }

    /// HTTP+SSE.
    async fn events<B>(
        &self,
        place: Place,
        parts: Parts,
        body: B,
        principal: Option<Arc<Principal>>,
        gate: Option<Gate>,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match parts.method {
            Method::GET if place == Place::Events => {
                sse::open(&self.shared, &parts, principal, gate)
            }
            Method::POST => {
                if let Err(response) = read::check_content(&parts.headers) {
                    return *response;
                }
                let limits = &self.shared.core.limits;
                let bytes = match read::bytes(limits, &parts.headers, body).await {
                    Ok(bytes) => bytes,
                    Err(response) => return *response,
                };
                match Inbound::read(bytes) {
                    Ok(message) => {
                        sse::post(&self.shared, &parts, principal.as_deref(), message).await
                    }
                    Err(error) => answer::refused(&error),
                }
            }
            _ if place == Place::Events => not_allowed(
                "open a stream with GET; POST as its first event says",
                "GET, POST, OPTIONS",
            ),
            _ => not_allowed("use POST", "POST, OPTIONS"),
        }
    }

    async fn endpoint<B>(
        &self,
        parts: Parts,
        body: B,
        principal: Option<Arc<Principal>>,
        gate: Option<Gate>,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if self.shared.core.durable.is_some()
            && let Err(response) = self.recall(&parts, principal.as_ref()).await
        {
            return *response;
        }
        match parts.method {
            Method::POST => self.post(parts, body, principal, gate).await,
            Method::GET => match self.named_session(&parts, principal.as_deref()) {
                Ok(session) => listen::open(&self.shared, &parts, &session).await,
                Err(response) => *response,
            },
            Method::DELETE => match self.named_session(&parts, principal.as_deref()) {
                Ok(session) => match self.shared.core.end_session(&session).await {
                    Ok(()) => answer::empty(StatusCode::NO_CONTENT),
                    Err(refusal) => answer::refusal(&refusal),
                },
                Err(response) => *response,
            },
            _ => not_allowed_at_endpoint(),
        }
    }

    /// The session of a GET or DELETE, which only sessions have.
    fn named_session(
        &self,
        parts: &Parts,
        principal: Option<&Principal>,
    ) -> Result<Arc<Session>, Box<Response<Body>>> {
        match version::of(&parts.headers)? {
            Version::Modern => Err(Box::new(not_allowed_at_endpoint())),
            Version::Unknown => Err(Box::new(version::unsupported(&parts.headers))),
            version => self.session(parts, version, principal),
        }
    }

    /// The session that a request names, in the revision that the request says it speaks.
    fn session(
        &self,
        parts: &Parts,
        version: Version,
        principal: Option<&Principal>,
    ) -> Result<Arc<Session>, Box<Response<Body>>> {
        let mut values = parts.headers.get_all(headers::SESSION_ID).iter();
        let (value, more) = (values.next(), values.next().is_some());
        let Some(value) = value.filter(|_| !more) else {
            if let Some(session) = self.session_of_query(parts, principal) {
                version.check(session.revision)?;
                return Ok(session);
            }
            let message = "header Mcp-Session-Id is required, once: `initialize` gives it";
            let status = StatusCode::BAD_REQUEST;
            return Err(Box::new(failure(
                status,
                ErrorCode::INVALID_REQUEST,
                message,
            )));
        };
        let session = value.to_str().ok().and_then(|id| {
            self.shared
                .core
                .sessions
                .get(id, principal)
                .filter(|session| !session.is_ended())
        });
        let session = session.ok_or_else(|| {
            let message = "no such session: send `initialize` to open one";
            Box::new(failure(
                StatusCode::NOT_FOUND,
                ErrorCode::INVALID_REQUEST,
                message,
            ))
        })?;
        version.check(session.revision)?;
        Ok(session)
    }

    /// The session of a POST, if it names one. A modern request belongs to none: it says all
    /// that it needs by itself.
    fn session_of_post(
        &self,
        parts: &Parts,
        version: Version,
        principal: Option<&Principal>,
    ) -> Result<Option<Arc<Session>>, Box<Response<Body>>> {
        let named = parts.headers.contains_key(headers::SESSION_ID)
            || self.session_of_query(parts, principal).is_some();
        if version.is_modern() || !named {
            return Ok(None);
        }
        self.session(parts, version, principal).map(Some)
    }

    /// The session that the query names, of a client that an interpreter took. Every other
    /// session, a foreign one and an unknown one are alike: as if there were no query.
    fn session_of_query(
        &self,
        parts: &Parts,
        principal: Option<&Principal>,
    ) -> Option<Arc<Session>> {
        let core = &self.shared.core;
        let id = core.interpreter.as_ref().and(query_id(parts))?;
        let session = core.sessions.get(id, principal)?;
        (session.client.interpretation.is_some() && !session.is_ended()).then_some(session)
    }

    /// Takes up the session that a request names, if it was opened before the process was started.
    async fn recall(
        &self,
        parts: &Parts,
        principal: Option<&Arc<Principal>>,
    ) -> Result<(), Box<Response<Body>>> {
        let header = parts.headers.get(headers::SESSION_ID);
        let id = match header {
            Some(id) => id.to_str().ok(),
            None if self.shared.core.interpreter.is_some() => query_id(parts),
            None => None,
        };
        let Some(id) = id else {
            return Ok(());
        };
        let recalled = Box::pin(self.shared.core.recall_session(id, principal)).await;
        recalled.map_err(|refusal| Box::new(answer::refusal(&refusal)))
    }

    async fn post<B>(
        &self,
        parts: Parts,
        body: B,
        principal: Option<Arc<Principal>>,
        gate: Option<Gate>,
    ) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let accepts = match read::check_headers(&parts.headers) {
            Ok(accepts) => accepts,
            Err(response) => return *response,
        };
        let limits = &self.shared.core.limits;
        let bytes = match read::bytes(limits, &parts.headers, body).await {
            Ok(bytes) => bytes,
            Err(response) => return *response,
        };
        if is_batch(&bytes) {
            return self
                .post_batch(&parts, bytes, principal.as_deref(), accepts, gate)
                .await;
        }
        let parsed = match Frame::parse(bytes) {
            Ok(parsed) => parsed,
            Err(error) => return answer::refused(&error),
        };
        let version = match version::of(&parts.headers) {
            Ok(version) => version,
            Err(response) => return *response,
        };
        let session = match self.session_of_post(&parts, version, principal.as_deref()) {
            Ok(session) => session,
            Err(response) => return *response,
        };
        let (shared, modern) = (&self.shared, version.is_modern());
        match (parsed, session) {
            (Parsed::Request(frame), Some(session)) => {
                answer::legacy(shared, frame, session, accepts).await
            }
            // What says in its body that it stands by itself is judged as that.
            (Parsed::Request(frame), None) if modern || frame.is_modern() => {
                answer::modern(shared, frame, parts.headers, principal, accepts).await
            }
            (Parsed::Request(frame), None) => answer::unopened(shared, frame, principal).await,
            (Parsed::Notification(frame), Some(session)) => {
                super::notified(&frame, session.calls());
                answer::empty(StatusCode::ACCEPTED)
            }
            (Parsed::Notification(_), None) if version == Version::Unknown => {
                version::unsupported(&parts.headers)
            }
            // 2026-07-28 has no notification from the client over HTTP; others may be sent.
            (Parsed::Notification(_), None) if modern => answer::empty(StatusCode::ACCEPTED),
            (Parsed::Answer { id, answer }, Some(session)) => {
                let known = id.is_some_and(|id| session.answer(&id, answer));
                if known {
                    answer::empty(StatusCode::ACCEPTED)
                } else {
                    let message = "an answer to nothing that was asked in this session";
                    failure(StatusCode::BAD_REQUEST, ErrorCode::INVALID_REQUEST, message)
                }
            }
            (Parsed::Notification(_) | Parsed::Answer { .. }, None) => {
                let message = "header Mcp-Session-Id is required: `initialize` gives it";
                failure(StatusCode::BAD_REQUEST, ErrorCode::INVALID_REQUEST, message)
            }
        }
    }

    /// A body that is an array: a batch, of a session that may send one.
    async fn post_batch(
        &self,
        parts: &Parts,
        bytes: Bytes,
        principal: Option<&Principal>,
        accepts: Accepts,
        gate: Option<Gate>,
    ) -> Response<Body> {
        let session = version::of(&parts.headers)
            .and_then(|version| self.session_of_post(parts, version, principal));
        match session {
            Err(response) => *response,
            Ok(Some(session)) if legacy::takes_batches(&session) => {
                batch::answer(&self.shared, &bytes, session, accepts, gate).await
            }
            Ok(_) => match Frame::parse(bytes) {
                Err(error) => answer::refused(&error),
                // No array is a message.
                Ok(_) => not_allowed_at_endpoint(),
            },
        }
    }
}

/// The session id in the query of a request whose headers name none.
fn query_id(parts: &Parts) -> Option<&str> {
    if parts.headers.contains_key(headers::SESSION_ID) {
        return None;
    }
    let mut ids = parts
        .uri
        .query()?
        .split('&')
        .filter_map(|pair| pair.strip_prefix("sessionId="));
    // Which of two is meant nobody knows.
    ids.next().filter(|_| ids.next().is_none())
}

/// A request that is one too many.
fn too_early(early: TooEarly) -> Response<Body> {
    let mut response = json(Reply::error(None, &early.error(), 429));
    let seconds = HeaderValue::from(early.seconds());
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

/// Tells observers of a refusal, which its status shows.
fn note(core: &Core, response: &Response<Body>, peer: Option<IpAddr>) {
    let Some(mut why) = Refused::of_status(response.status().as_u16()) else {
        return;
    };
    if response.headers().contains_key(header::RETRY_AFTER) {
        why = Refused::Rate;
    }
    core.observers.refused(why, peer);
}

fn not_allowed_at_endpoint() -> Response<Body> {
    let message = "use POST; GET and DELETE only with the Mcp-Session-Id of a session";
    not_allowed(message, "POST, GET, DELETE, OPTIONS")
}

fn not_allowed(message: &str, allowed: &'static str) -> Response<Body> {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let response = failure(status, ErrorCode::INVALID_REQUEST, message);
    with_header(response, header::ALLOW, allowed)
}

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}
