//! One request on its way through the server: what comes in, where messages of it may go, and
//! what comes out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};
use wharf_protocol::envelope::{EnvelopeError, Id, IdBuf, Message};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::method::Method;
use wharf_protocol::projection::{ProjectMembers, ResultFrame, write_result};

use crate::handler::text::{shown, shown_up_to};
use crate::outbox::{Closed, Outbox};
use crate::principal::Principal;
use crate::session::{Answer, Session};

/// A request or notification: the message's bytes, and where its parts are.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) bytes: Bytes,
    id: Range<usize>,
    params: Range<usize>,
    pub(crate) method: Result<Method, Box<str>>,
}

/// What a message turned out to be.
#[derive(Debug)]
pub(crate) enum Parsed {
    Request(Frame),
    Notification(Frame),
    Answer { id: Option<IdBuf>, answer: Answer },
}

impl Frame {
    /// Finds the parts of a message. Nothing is copied.
    pub(crate) fn parse(bytes: Bytes) -> Result<Parsed, EnvelopeError> {
        let start = bytes.as_ptr() as usize;
        let range = |text: &str| {
            let offset = text.as_ptr() as usize - start;
            offset..offset + text.len()
        };
        let method_of = |name: &str| Method::parse(name).ok_or_else(|| name.into());
        let (is_request, id, method, params) = match Message::parse(&bytes)? {
            Message::Request { id, method, params } => {
                (true, range(id.as_json()), method_of(&method), params)
            }
            Message::Notification { method, params } => (false, 0..0, method_of(&method), params),
            Message::Response { id, outcome } => {
                let id = id.map(|id| id.to_owned());
                let answer = match outcome {
                    Ok(result) => Ok(result.to_owned()),
                    Err(error) => Err(serde_json::from_str(error.get()).unwrap_or_else(|_| {
                        ErrorObject::new(
                            ErrorCode::INTERNAL_ERROR,
                            "the client's error is malformed",
                        )
                    })),
                };
                return Ok(Parsed::Answer { id, answer });
            }
        };
        let params = params.map_or(0..0, |params| range(params.get()));
        let frame = Frame {
            id,
            params,
            method,
            bytes,
        };
        Ok(if is_request {
            Parsed::Request(frame)
        } else {
            Parsed::Notification(frame)
        })
    }

    fn text(&self, range: &Range<usize>) -> &str {
        // The envelope's parser read it as text already.
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }

    /// The request's id as JSON text.
    pub(crate) fn id(&self) -> &str {
        self.text(&self.id)
    }

    pub(crate) fn id_buf(&self) -> IdBuf {
        Id::from_json(self.id()).map_or_else(|| IdBuf::number(0), |id| id.to_owned())
    }

    /// The method's name as sent.
    pub(crate) fn method_name(&self) -> &str {
        match &self.method {
            Ok(method) => method.as_str(),
            Err(name) => name,
        }
    }

    /// The parameters as JSON text; absent ones are an empty object.
    pub(crate) fn raw_params(&self) -> &str {
        if self.params.is_empty() {
            "{}"
        } else {
            self.text(&self.params)
        }
    }

    /// Reads the parameters, or says which member does not fit.
    pub(crate) fn params<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ErrorObject> {
        read_object(self.raw_params()).map_err(|why| {
            ErrorObject::new(
                ErrorCode::INVALID_PARAMS,
                format!("{}: {why}", shown(self.method_name())),
            )
        })
    }

    /// Where a part of the parameters stands in the bytes.
    pub(crate) fn range_of(&self, raw: &RawValue) -> Range<usize> {
        let offset = raw.get().as_ptr() as usize - self.bytes.as_ptr() as usize;
        offset..offset + raw.get().len()
    }
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
    pub(crate) frame: Frame,
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
    },
}

impl Outlet {
    /// Sends one message; waits while the reader is behind. Cancel safe.
    pub(crate) async fn send(&self, message: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Stream(outbox) => outbox.send(message.into()).await,
            Self::Line { messages, .. } => messages.send(message.into()).await.map_err(|_| Closed),
        }
    }

    /// Ready once the client of a connection has stopped sending. A stream of a call's own ends
    /// by being dropped.
    pub(crate) async fn hung_up(&self) {
        match self {
            Self::Stream(_) => std::future::pending().await,
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
        }
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
