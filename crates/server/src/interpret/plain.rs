//! [`Plain`]: the server, spoken to in the specification's words.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wharf_protocol::error::{ErrorCode, ErrorObject};

use super::Members;
use crate::call::{Frame, Incoming, Outlet, Parsed, Reply, Via};
use crate::core::Core;
use crate::dispatch;
use crate::era::Refusal;
use crate::limits::Limits;
use crate::outbox::{Bounds, Outbox};
use crate::session::Session;

/// A request that fails: the error, and the HTTP status that goes with it.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The error.
    pub error: ErrorObject,
    status: u16,
}

impl Refused {
    /// There are too many: HTTP 429.
    pub fn too_many(message: impl Into<String>) -> Self {
        Self {
            error: ErrorObject::new(ErrorCode::INTERNAL_ERROR, message),
            status: 429,
        }
    }

    pub(super) fn internal() -> Self {
        ErrorObject::new(ErrorCode::INTERNAL_ERROR, "internal error").into()
    }

    pub(super) fn reply(&self, id: &str) -> Reply {
        Reply::error(Some(id), &self.error, self.status)
    }
}

impl From<ErrorObject> for Refused {
    /// An error about a request that was understood.
    fn from(error: ErrorObject) -> Self {
        Self { error, status: 200 }
    }
}

impl From<Refused> for Refusal {
    fn from(Refused { error, status }: Refused) -> Self {
        Self { error, status }
    }
}

/// The server, as a session reaches it that speaks the specification's words. Cheap to clone.
#[derive(Clone)]
pub struct Plain {
    core: Arc<Core>,
    session: Arc<Session>,
    is_http: bool,
    id: Arc<str>,
    /// Where the request's own messages go.
    own: Outlet,
    /// Where messages go.
    outlet: Outlet,
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}

impl Plain {
    /// For what is to be asked on behalf of a request; `None` if that has no session.
    pub(super) fn new(core: Arc<Core>, incoming: &Incoming) -> Option<Self> {
        let (session, is_http) = match &incoming.via {
            Via::LegacyHttp(session) => (session, true),
            Via::Line(Some(session)) => (session, false),
            _ => return None,
        };
        Some(Self {
            core,
            session: Arc::clone(session),
            is_http,
            id: incoming.frame.id().into(),
            own: incoming.outlet.clone(),
            outlet: incoming.outlet.clone(),
        })
    }

    /// The limits of the server.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// The same for work that goes on after the request is answered: what it says goes to the
    /// stream of the session, nowhere while that has none, and it has the time of a task. It waits
    /// with what it says until the client is [told](Self::set_known) of it.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            outlet: self.outlet.beside(&self.session),
            ..self.clone()
        }
    }

    /// Says that the client knows of work [beside](Self::beside) its requests.
    pub fn set_known(&self) {
        if let Outlet::Beside(beside) = &self.outlet {
            beside.set_known();
        }
    }

    /// The same for what the client is to hear nothing of, and cannot be asked about.
    #[must_use]
    pub fn silent(&self) -> Self {
        let bounds = Bounds {
            unread: 1,
            unread_bytes: 1,
            kept: 0,
            kept_bytes: 0,
        };
        let nowhere = Outbox::new(bounds);
        nowhere.discard();
        Self {
            outlet: Outlet::Stream(nowhere),
            ..self.clone()
        }
    }

    /// Asks the server, and gives its result. Dropping the future cancels what was asked.
    ///
    /// # Errors
    /// What any client of the session would get.
    pub async fn call(&self, method: &str, params: &Members) -> Result<Members, Refused> {
        let session = Arc::clone(&self.session);
        let incoming = Incoming {
            frame: frame(&self.id, method, params)?,
            via: if self.is_http {
                Via::LegacyHttp(session)
            } else {
                Via::Line(Some(session))
            },
            principal: self.session.principal.clone(),
            outlet: self.outlet.clone(),
        };
        result(&dispatch::plainly(&self.core, incoming).await)
    }

    /// Tells the client something on the stream of its session. Of what is said while there is no
    /// stream as much is kept for it as [`Limits::stream_messages`]. Waits while a reader is
    /// behind; cancel safe.
    pub async fn notify(&self, method: &str, params: &impl Serialize) {
        #[derive(Serialize)]
        struct Notification<'a, T> {
            jsonrpc: &'static str,
            method: &'a str,
            params: &'a T,
        }
        let jsonrpc = "2.0";
        let message = serde_json::to_vec(&Notification {
            jsonrpc,
            method,
            params,
        });
        match message {
            Ok(message) if self.is_http => {
                let most = self.core.limits.stream_messages;
                self.session.say(message.into(), most).await;
            }
            // A client that is gone needs no message.
            Ok(message) => drop(self.own.send(message).await),
            Err(error) => tracing::error!(%error, "a notification cannot be written"),
        }
    }
}

/// A request as the specification writes it.
pub(super) fn frame(id: &str, method: &str, params: &Members) -> Result<Arc<Frame>, Refused> {
    let internal = |_| Refused::internal();
    let method = serde_json::to_string(method).map_err(internal)?;
    let params = serde_json::to_string(params).map_err(internal)?;
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#);
    match Frame::parse(text) {
        Ok(Parsed::Request(frame)) => Ok(frame),
        Ok(_) => Err(Refused::internal()),
        Err(error) => Err(ErrorObject::new(error.code(), error.to_string()).into()),
    }
}

/// Reads the result out of an answer.
pub(super) fn result(reply: &Reply) -> Result<Members, Refused> {
    #[derive(Deserialize)]
    struct Answer {
        result: Option<Members>,
        error: Option<ErrorObject>,
    }
    match serde_json::from_slice(&reply.message) {
        Ok(Answer {
            result: Some(result),
            ..
        }) => Ok(result),
        Ok(Answer {
            error: Some(error), ..
        }) => Err(Refused {
            error,
            status: reply.status,
        }),
        _ => Err(Refused::internal()),
    }
}
