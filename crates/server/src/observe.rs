//! Who watches a server's requests: the audit log, metrics, or an application's own code.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ring::digest::{SHA256, digest};
use serde::Deserialize;
use wharf_protocol::method::{Kind, Method};
use wharf_protocol::raw::RawJson;
use wharf_protocol::revision::Revision;

use crate::call::{Ended, Incoming, Reply, Via};
use crate::core::Core;
use crate::era::Refusal;
use crate::principal::Principal;
use crate::session::Session;

/// Is told of every request once it was answered; see [`Server::observe`](crate::Server::observe).
///
/// Unlike a layer it cannot change anything, sees requests that were dropped too, and is told how
/// they came and what became of them. Its methods run on the task that answers: they must not
/// block. A server without an observer pays one branch for each request.
pub trait Observer: Send + Sync + 'static {
    /// A request was answered, or dropped before it was. Called once for each request that came
    /// to a method, known or not.
    fn answered(&self, request: &Answered<'_>);

    /// HTTP turned a request or a connection away, or answered with a status that says so.
    fn refused(&self, why: Refused, peer: Option<IpAddr>) {
        let _ = (why, peer);
    }

    /// The server starts; what it counts by itself can be read from now on.
    fn started(&self, counts: Counts) {
        let _ = counts;
    }

    /// The server has stopped: what was put aside should be written. May block for a moment.
    fn stopped(&self) {}
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// With a result.
    Result,
    /// With a result of a tool that says it failed (`isError`).
    ToolError,
    /// The client was asked something; it comes back with the answer.
    InputRequired,
    /// The call goes on as a task.
    Task,
    /// With a JSON-RPC error of this code.
    Error(i32),
    /// Without an answer: cancelled, or its client is gone.
    Dropped,
}

impl Outcome {
    /// A word for logs and labels; the code of an error is not in it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Result => "ok",
            Self::ToolError => "tool_error",
            Self::InputRequired => "input_required",
            Self::Task => "task",
            Self::Error(_) => "error",
            Self::Dropped => "dropped",
        }
    }
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Streamable HTTP.
    Http,
    /// The HTTP+SSE of 2024-11-05.
    Sse,
    /// WebSocket.
    WebSocket,
    /// Standard input and output, or another connection that carries a message a line.
    Stdio,
    /// A call in the same process.
    InProcess,
}

impl Transport {
    /// A word for logs and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
            Self::Stdio => "stdio",
            Self::InProcess => "in_process",
        }
    }
}

/// Why HTTP turned something away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It was meant for another `Host`: 421.
    Host,
    /// It came from a foreign page: 403.
    Origin,
    /// The caller did not say, or not prove, who they are: 401.
    Unauthorized,
    /// The caller, or all callers together, sent too many in too short a time: 429.
    Rate,
    /// Too many sessions, streams or calls at the same time: 429.
    TooMany,
    /// The body or the head is too large: 413.
    TooLarge,
    /// It came too slowly, or its answer was read too slowly: 408, or the connection was closed.
    TooSlow,
    /// No TLS came of the connection.
    Handshake,
}

impl Refused {
    pub(crate) const ALL: [Self; 8] = [
        Self::Host,
        Self::Origin,
        Self::Unauthorized,
        Self::Rate,
        Self::TooMany,
        Self::TooLarge,
        Self::TooSlow,
        Self::Handshake,
    ];

    /// A word for logs and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Unauthorized => "unauthorized",
            Self::Rate => "rate",
            Self::TooMany => "too_many",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::Handshake => "handshake",
        }
    }

    /// What a status of ours says.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            401 => Self::Unauthorized,
            403 => Self::Origin,
            408 => Self::TooSlow,
            413 => Self::TooLarge,
            421 => Self::Host,
            429 => Self::TooMany,
            _ => return None,
        })
    }
}

/// A request that has ended. Arguments and results are not to be had from it.
pub struct Answered<'a> {
    core: &'a Core,
    incoming: &'a Incoming,
    session: Option<&'a Session>,
    outcome: Outcome,
    elapsed: Duration,
}

impl Answered<'_> {
    /// The method, if it is a request of the specification.
    pub fn method(&self) -> Option<Method> {
        let method = self.incoming.frame.method;
        method.filter(|method| method.kind() == Kind::Request)
    }

    /// The method's name, with whatever cannot be shown escaped, and cut where it is long.
    pub fn method_name(&self) -> Cow<'_, str> {
        self.incoming.frame.method_name()
    }

    /// The name of the tool or prompt or the URI of the resource, exactly as the client wrote it:
    /// of any length, with any characters, and in a URI perhaps with what is nobody's business.
    pub fn target(&self) -> Option<Cow<'_, str>> {
        let frame = &self.incoming.frame;
        match self.method()? {
            Method::ToolsCall | Method::PromptsGet => frame.name().ok(),
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                frame.uri().ok()
            }
            _ => None,
        }
    }

    /// The name of the tool that was called, if the catalog has it.
    pub fn tool(&self) -> Option<Cow<'_, str>> {
        let name = self.target();
        let name = name.filter(|_| self.method() == Some(Method::ToolsCall));
        name.filter(|name| self.core.catalog.peek().tool(name).is_some())
    }

    /// The authenticated caller, where the server knows callers.
    pub fn principal(&self) -> Option<&Principal> {
        self.incoming.principal.as_deref()
    }

    /// Which session it belongs to: the same text for all requests of one, from which its id
    /// cannot be had.
    pub fn session(&self) -> Option<String> {
        use fmt::Write as _;
        let hash = digest(&SHA256, self.session?.header().as_bytes());
        let mut text = String::with_capacity(16);
        for byte in &hash.as_ref()[..8] {
            let _ = write!(text, "{byte:02x}");
        }
        Some(text)
    }

    /// What the client calls itself; any text.
    pub fn client(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Info<'a> {
            #[serde(borrow)]
            name: Cow<'a, str>,
        }
        let read = |text: &str| {
            let info: Info<'_> = serde_json::from_str(text).ok()?;
            Some(info.name.into_owned())
        };
        if let Some(info) = self.incoming.frame.meta().client_info {
            return read(info.get());
        }
        read(self.session?.client.info.as_deref()?.get())
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// How long it took, from the whole message to the whole answer.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The revision that it was sent in, if that could be told.
    pub fn revision(&self) -> Option<Revision> {
        let said = self.incoming.frame.meta().protocol_version;
        let said = said.and_then(RawJson::as_str);
        let said = said.and_then(|said| Revision::parse(&said));
        said.or_else(|| Some(self.session?.revision))
    }

    /// How it came.
    pub fn transport(&self) -> Transport {
        match self.incoming.outlet.line() {
            Some(transport) => transport,
            None if matches!(self.incoming.via, Via::Line(_)) => Transport::InProcess,
            None => Transport::Http,
        }
    }
}

impl fmt::Debug for Answered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered")
            .field("method", &self.method_name())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// What a server counts by itself, as long as it lives.
#[derive(Clone)]
pub struct Counts(Weak<Core>);

impl Counts {
    fn read(&self, of: impl FnOnce(&Core) -> usize) -> usize {
        self.0.upgrade().map_or(0, |core| of(&core))
    }

    /// Open sessions.
    pub fn sessions(&self) -> usize {
        self.read(|core| core.sessions.len())
    }

    /// Open streams of notices, HTTP+SSE streams and WebSocket connections.
    pub fn streams(&self) -> usize {
        self.read(|core| core.listens.taken())
    }

    /// Tasks that run in this process.
    pub fn tasks(&self) -> usize {
        self.read(|core| core.tasks.running())
    }

    /// Open connections of the server's own listener.
    pub fn connections(&self) -> usize {
        self.read(|core| core.connections.taken())
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").finish_non_exhaustive()
    }
}

/// All observers of a server.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        self.0.push(observer);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn started(&self, core: &Arc<Core>) {
        for observer in &self.0 {
            observer.started(Counts(Arc::downgrade(core)));
        }
    }

    pub(crate) fn refused(&self, why: Refused, peer: Option<IpAddr>) {
        for observer in &self.0 {
            observer.refused(why, peer);
        }
    }

    pub(crate) fn stopped(&self) {
        for observer in &self.0 {
            observer.stopped();
        }
    }
}

/// Watches one request. Dropped before it is told of an answer, it says that there was none.
pub(crate) struct Watch<'a> {
    core: &'a Core,
    incoming: &'a Incoming,
    begun: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(core: &'a Core, incoming: &'a Incoming) -> Self {
        Self {
            core,
            incoming,
            begun: Some(Instant::now()),
        }
    }

    pub(crate) fn answered(mut self, answer: &Result<Reply, Refusal>) {
        match answer {
            Ok(reply) => {
                let outcome = match reply.ended {
                    Ended::Result => Outcome::Result,
                    Ended::ToolError => Outcome::ToolError,
                    Ended::InputRequired => Outcome::InputRequired,
                    Ended::Task => Outcome::Task,
                    Ended::Error(code) => Outcome::Error(code),
                };
                self.tell(outcome, reply.opened.as_deref());
            }
            Err(refusal) => self.tell(Outcome::Error(refusal.error.code), None),
        }
    }

    fn tell(&mut self, outcome: Outcome, opened: Option<&Session>) {
        let Some(begun) = self.begun.take() else {
            return;
        };
        let session = match &self.incoming.via {
            Via::LegacyHttp(session) | Via::Line(Some(session)) => Some(&**session),
            _ => opened,
        };
        let request = Answered {
            core: self.core,
            incoming: self.incoming,
            session,
            outcome,
            elapsed: begun.elapsed(),
        };
        for observer in &self.core.observers.0 {
            observer.answered(&request);
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.tell(Outcome::Dropped, None);
    }
}
