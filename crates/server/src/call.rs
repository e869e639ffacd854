//! One request on its way through the server: what comes in, where messages of it may go, and
//! what comes out.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use wharf_protocol::envelope::{EnvelopeError, IdBuf, MessageKind, Parts};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::method::Method;
use wharf_protocol::projection::{ProjectMembers, ResultFrame, write_result};
use wharf_protocol::raw::{RawJson, Span};
use wharf_protocol::request::RequestMeta;
use wharf_protocol::tasks::TaskParams;

use crate::handler::text::{shown, shown_up_to};
use crate::observe::Transport;
use crate::outbox::{Closed, Outbox};
use crate::principal::Principal;
use crate::session::{Answer, Session};

/// A request or notification: the message's text, and where its parts are.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    text: String,
    parts: Parts,
    /// A method of the specification, if it is one.
    pub(crate) method: Option<Method>,
}

/// What a message turned out to be.
#[derive(Debug)]
pub(crate) enum Parsed {
    Request(Arc<Frame>),
    Notification(Arc<Frame>),
    Answer { id: Option<IdBuf>, answer: Answer },
}

impl Frame {
    /// Finds the parts of a message, in one pass.
    pub(crate) fn parse(bytes: impl Into<Vec<u8>>) -> Result<Parsed, EnvelopeError> {
        let text = String::from_utf8(bytes.into())
            .map_err(|error| EnvelopeError::not_utf8(error.utf8_error()))?;
        let (kind, parts) = Parts::scan(&text)?;
        if kind == MessageKind::Response {
            let answer = match parts.result.of(&text) {
                Some(result) => Ok(result.to_raw_value()),
                None => Err(parts
                    .error
                    .of(&text)
                    .and_then(|error| error.read().ok())
                    .unwrap_or_else(|| {
                        let message = "the client's error is malformed";
                        ErrorObject::new(ErrorCode::INTERNAL_ERROR, message)
                    })),
            };
            return Ok(Parsed::Answer {
                id: parts.id(&text).map(|id| id.to_owned()),
                answer,
            });
        }
        let method = parts.method.of(&text).and_then(RawJson::as_str);
        let method = method.and_then(|method| Method::parse(&method));
        let frame = Arc::new(Self {
            text,
            parts,
            method,
        });
        Ok(match kind {
            MessageKind::Request => Parsed::Request(frame),
            _ => Parsed::Notification(frame),
        })
    }

    fn get(&self, part: Span) -> Option<RawJson<'_>> {
        part.of(&self.text)
    }

    /// The request's id as JSON text.
    pub(crate) fn id(&self) -> &str {
        self.get(self.parts.id).map_or("null", RawJson::get)
    }

    pub(crate) fn id_buf(&self) -> IdBuf {
        let id = self.parts.id(&self.text);
        id.map_or_else(|| IdBuf::number(0), |id| id.to_owned())
    }

    /// The method's name, as far as it can be shown.
    pub(crate) fn method_name(&self) -> Cow<'_, str> {
        match self.method {
            Some(method) => method.as_str().into(),
            None => {
                let name = self.get(self.parts.method).and_then(RawJson::as_str);
                crate::handler::text::shown(&name.unwrap_or_default())
                    .to_string()
                    .into()
            }
        }
    }

    /// The method's name as the client wrote it; empty where it is no text.
    pub(crate) fn raw_method(&self) -> Cow<'_, str> {
        let name = self.get(self.parts.method).and_then(RawJson::as_str);
        name.unwrap_or_default()
    }

    /// Reads the parameters, or says which member does not fit.
    pub(crate) fn params<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ErrorObject> {
        let params = self.get(self.parts.params).unwrap_or(RawJson::EMPTY_OBJECT);
        read_object(params.get()).map_err(|why| self.does_not_fit(why))
    }

    fn does_not_fit(&self, why: impl std::fmt::Display) -> ErrorObject {
        ErrorObject::new(
            ErrorCode::INVALID_PARAMS,
            format!("{}: {why}", self.method_name()),
        )
    }

    /// The parameters must be an object, if they are there.
    pub(crate) fn check_params(&self) -> Result<(), ErrorObject> {
        match self.get(self.parts.params) {
            Some(params) if !params.is_object() => {
                Err(self.does_not_fit("`params` must be an object"))
            }
            _ => Ok(()),
        }
    }

    fn text(&self, part: Span, name: &str) -> Result<Option<Cow<'_, str>>, ErrorObject> {
        match self.get(part).filter(|raw| !raw.is_null()) {
            None => Ok(None),
            Some(raw) => raw
                .as_str()
                .map(Some)
                .ok_or_else(|| self.does_not_fit(format_args!("`params.{name}` must be a string"))),
        }
    }

    fn required(&self, part: Span, name: &str) -> Result<Cow<'_, str>, ErrorObject> {
        self.check_params()?;
        self.text(part, name)?
            .ok_or_else(|| self.does_not_fit(format_args!("`params.{name}` is missing")))
    }

    /// The name of a tool or prompt.
    pub(crate) fn name(&self) -> Result<Cow<'_, str>, ErrorObject> {
        self.required(self.parts.name, "name")
    }

    /// The URI of a resource.
    pub(crate) fn uri(&self) -> Result<Cow<'_, str>, ErrorObject> {
        self.required(self.parts.uri, "uri")
    }

    /// The arguments of a tool or prompt.
    pub(crate) fn arguments(&self) -> Option<RawJson<'_>> {
        self.get(self.parts.arguments).filter(|raw| !raw.is_null())
    }

    /// The cursor of a list.
    pub(crate) fn cursor(&self) -> Result<Option<Cow<'_, str>>, ErrorObject> {
        self.check_params()?;
        self.text(self.parts.cursor, "cursor")
    }

    /// The id of the task that the request is about.
    pub(crate) fn task_id(&self) -> Result<Cow<'_, str>, ErrorObject> {
        self.required(self.parts.task_id, "taskId")
    }

    /// The wish that the call become a task.
    pub(crate) fn task(&self) -> Result<Option<TaskParams>, ErrorObject> {
        match self.get(self.parts.task).filter(|raw| !raw.is_null()) {
            None => Ok(None),
            Some(raw) if !raw.is_object() => {
                Err(self.does_not_fit("`params.task` must be an object"))
            }
            Some(raw) => raw
                .read()
                .map(Some)
                .map_err(|why| self.does_not_fit(format_args!("`params.task`: {why}"))),
        }
    }

    /// Whether the call wishes to become a task.
    pub(crate) fn wishes_task(&self) -> bool {
        !self.parts.task.is_empty()
    }

    /// The message as it was sent.
    pub(crate) fn as_text(&self) -> &str {
        &self.text
    }

    /// What a retry brings along: the sealed journal, and the answers to what was asked last.
    pub(crate) fn retry(&self) -> Result<Retry<'_>, ErrorObject> {
        let state = self.text(self.parts.request_state, "requestState")?;
        Ok(Retry {
            state,
            responses: self.get(self.parts.input_responses),
        })
    }

    /// Whether the message says of itself which revision it speaks, as only modern ones do.
    pub(crate) fn is_modern(&self) -> bool {
        self.get(self.parts.protocol_version).is_some()
    }

    /// `_meta` as the protocol reads it.
    pub(crate) fn meta(&self) -> RequestMeta<'_> {
        self.parts.meta(&self.text)
    }
}

/// What a retry brings along.
#[derive(Debug)]
pub(crate) struct Retry<'a> {
    pub(crate) state: Option<Cow<'a, str>>,
    pub(crate) responses: Option<RawJson<'a>>,
}

/// Reads an object into `T`; the error names the path of the member that does not fit.
pub(crate) fn read_object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    // A derived struct would also take an array.
    if !text.starts_with('{') {
        return Err("`params` must be an object".into());
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        // Read again, now slowly, to be able to say where.
        Err(error) => {
            let mut deserializer = serde_json::Deserializer::from_str(text);
            match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
                Err(located) if located.path().iter().next().is_some() => {
                    let path = located.path().to_string();
                    let (path, why) = (shown(&path), located.inner().to_string());
                    Err(format!("`params.{path}`: {}", shown_up_to(&why, 400)))
                }
                _ => Err(format!(
                    "`params`: {}",
                    shown_up_to(&error.to_string(), 400)
                )),
            }
        }
    }
}

/// How a request reached the server, which decides its era together with what it says itself.
#[derive(Debug)]
pub(crate) enum Via {
    /// Streamable HTTP with the version header of a modern revision; all its headers.
    ModernHttp(HeaderMap),
    /// Streamable HTTP within a session.
    LegacyHttp(Arc<Session>),
    /// Streamable HTTP with neither: `initialize`, or an error.
    UnopenedHttp,
    /// A connection that carries everything: stdio, or in process. The session, once opened.
    Line(Option<Arc<Session>>),
}

/// A request as a transport hands it over.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) frame: Arc<Frame>,
    pub(crate) via: Via,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) outlet: Outlet,
}

/// Where messages of a call may go.
#[derive(Clone, Debug)]
pub(crate) enum Outlet {
    /// A stream of the call's own, which comes to life with the first message.
    Stream(Arc<Outbox>),
    /// The connection's one writer, and whether the client has stopped sending.
    Line {
        messages: mpsc::Sender<Bytes>,
        hung_up: watch::Receiver<bool>,
        /// For who watches.
        transport: Transport,
    },
    /// Of work that goes on after its request was answered.
    Beside(Arc<Beside>),
}

/// Where messages of work go that is no longer a request.
#[derive(Debug)]
pub(crate) struct Beside {
    to: To,
    /// Whether the client knows of the work. Until then what it says waits.
    is_known: watch::Sender<bool>,
}

#[derive(Debug)]
enum To {
    /// To the stream that carries the session's notices, or nowhere while it has none.
    Session(Arc<Session>),
    /// To the connection.
    Line(Outlet),
}

impl Beside {
    /// From now on what the work says is sent.
    pub(crate) fn set_known(&self) {
        self.is_known.send_replace(true);
    }

    async fn send(&self, message: Vec<u8>) -> Result<(), Closed> {
        // The sender lives as long as `self`.
        let _ = self.is_known.subscribe().wait_for(|known| *known).await;
        match &self.to {
            To::Session(session) => match session.notice_stream() {
                Some(stream) => stream.send(message.into()).await,
                None => Err(Closed),
            },
            To::Line(line) => line.send(message).await,
        }
    }

    fn send_now(&self, message: Vec<u8>) {
        match &self.to {
            To::Session(session) => {
                if let Some(stream) = session.notice_stream() {
                    stream.append(message.into());
                }
            }
            To::Line(line) => line.send_now(message),
        }
    }
}

impl Outlet {
    /// For work that goes on after the request to which this outlet belongs.
    pub(crate) fn beside(&self, session: &Arc<Session>) -> Self {
        let to = match self {
            Self::Stream(_) => To::Session(Arc::clone(session)),
            Self::Line { .. } => To::Line(self.clone()),
            Self::Beside(beside) => return Self::Beside(Arc::clone(beside)),
        };
        let is_known = watch::Sender::new(false);
        Self::Beside(Arc::new(Beside { to, is_known }))
    }

    /// Which transport it is the one connection of, if it is one.
    pub(crate) fn line(&self) -> Option<Transport> {
        match self {
            Self::Line { transport, .. } => Some(*transport),
            Self::Beside(beside) => match &beside.to {
                To::Line(line) => line.line(),
                To::Session(_) => None,
            },
            Self::Stream(_) => None,
        }
    }

    /// Whether it belongs to work that goes on after its request.
    pub(crate) fn is_beside(&self) -> bool {
        matches!(self, Self::Beside(_))
    }

    /// Sends one message; waits while the reader is behind. Cancel safe.
    pub(crate) async fn send(&self, message: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Stream(outbox) => outbox.send(message.into()).await,
            Self::Line { messages, .. } => messages.send(message.into()).await.map_err(|_| Closed),
            // Boxed: a line stands behind it, which is an outlet too.
            Self::Beside(beside) => Box::pin(beside.send(message)).await,
        }
    }

    /// Sends one message if that needs no waiting, otherwise not at all.
    pub(crate) fn send_now(&self, message: Vec<u8>) {
        match self {
            // Not counted as unread: as many as there are open asks.
            Self::Stream(outbox) => outbox.append(message.into()),
            Self::Line { messages, .. } => {
                let _ = messages.try_send(message.into());
            }
            Self::Beside(beside) => beside.send_now(message),
        }
    }

    /// Whether both lead to the same place.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stream(one), Self::Stream(two)) => Arc::ptr_eq(one, two),
            (Self::Line { messages: one, .. }, Self::Line { messages: two, .. }) => {
                one.same_channel(two)
            }
            (Self::Beside(one), Self::Beside(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    /// Ready once the client of a connection has stopped sending. A stream of a call's own ends
    /// by being dropped.
    pub(crate) async fn hung_up(&self) {
        match self {
            Self::Stream(_) | Self::Beside(_) => std::future::pending().await,
            Self::Line { hung_up, .. } => {
                let _ = hung_up.clone().wait_for(|hung_up| *hung_up).await;
            }
        }
    }
}

/// The answer to a request, as it goes over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The whole JSON-RPC response.
    pub(crate) message: Vec<u8>,
    /// The HTTP status that goes with it.
    pub(crate) status: u16,
    /// The session that the request opened.
    pub(crate) opened: Option<Arc<Session>>,
    /// What the response says, for who watches.
    pub(crate) ended: Ended,
}

/// What a response says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ended {
    Result,
    /// The result of a tool that says it failed.
    ToolError,
    InputRequired,
    Task,
    Error(i32),
}

impl Reply {
    /// A response with a result.
    pub(crate) fn result<T: ProjectMembers + ?Sized>(
        id: &str,
        result: &T,
        frame: &ResultFrame<'_>,
    ) -> Self {
        let mut message = open(id);
        match write_result(&mut message, result, frame) {
            Ok(()) => Self::close(message),
            Err(error) => {
                tracing::error!(%error, "a result cannot be written");
                Self::error(
                    Some(id),
                    &ErrorObject::new(ErrorCode::INTERNAL_ERROR, "internal error"),
                    200,
                )
            }
        }
    }

    /// A response with a result that is written already.
    pub(crate) fn raw(id: &str, result: &[u8]) -> Self {
        let mut message = Vec::with_capacity(result.len() + id.len() + 48);
        message.extend_from_slice(OPEN);
        message.extend_from_slice(id.as_bytes());
        message.extend_from_slice(RESULT);
        message.extend_from_slice(result);
        Self::close(message)
    }

    fn close(mut message: Vec<u8>) -> Self {
        message.push(b'}');
        Self {
            message,
            status: 200,
            opened: None,
            ended: Ended::Result,
        }
    }

    /// A response with an error, and its HTTP status.
    pub(crate) fn error(id: Option<&str>, error: &ErrorObject, status: u16) -> Self {
        let mut message = Vec::with_capacity(128);
        message.extend_from_slice(br#"{"jsonrpc":"2.0","#);
        if let Some(id) = id {
            message.extend_from_slice(br#""id":"#);
            message.extend_from_slice(id.as_bytes());
            message.push(b',');
        }
        message.extend_from_slice(br#""error":"#);
        // Writing to memory fails only for maps with keys that are no strings; there are none.
        let _ = serde_json::to_writer(&mut message, error);
        message.push(b'}');
        Self {
            message,
            status,
            opened: None,
            ended: Ended::Error(error.code),
        }
    }

    /// The same, and what it says.
    pub(crate) fn ended(mut self, ended: Ended) -> Self {
        // A result that could not be written is an error already.
        if self.ended == Ended::Result {
            self.ended = ended;
        }
        self
    }
}

const OPEN: &[u8] = br#"{"jsonrpc":"2.0","id":"#;
const RESULT: &[u8] = br#","result":"#;

fn open(id: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(512);
    message.extend_from_slice(OPEN);
    message.extend_from_slice(id.as_bytes());
    message.extend_from_slice(RESULT);
    message
}

/// Writes a notification; `params` is what `write` puts there.
pub(crate) fn notification(method: Method, params: &impl serde::Serialize) -> Vec<u8> {
    let mut message = Vec::with_capacity(160);
    message.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#);
    message.extend_from_slice(method.as_str().as_bytes());
    message.extend_from_slice(br#"","params":"#);
    let _ = serde_json::to_writer(&mut message, params);
    message.push(b'}');
    message
}

/// Writes a request of the server's.
pub(crate) fn request(id: &IdBuf, method: Method, params: &impl serde::Serialize) -> Vec<u8> {
    let mut message = Vec::with_capacity(256);
    message.extend_from_slice(OPEN);
    message.extend_from_slice(id.as_json().as_bytes());
    message.extend_from_slice(br#","method":""#);
    message.extend_from_slice(method.as_str().as_bytes());
    message.extend_from_slice(br#"","params":"#);
    let _ = serde_json::to_writer(&mut message, params);
    message.push(b'}');
    message
}
