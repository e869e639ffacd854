//! Clients that say the same things in other words.
//!
//! An [`Interpreter`] is asked about one request only: an `initialize` that names no
//! `protocolVersion`, which the specification does not allow. If it takes the client, the session
//! is open in the revision that it says, and its [`Interpretation`] stands in front of the server
//! for as long as the session lives: it gets each request as it was sent, asks the server in the
//! specification's words ([`Plain`]), and gives the answer. Requests of all other sessions pay one
//! branch and are answered as if there were no interpreter.
//!
//! A client that cannot send headers may name such a session in the query of the endpoint,
//! `?sessionId=`. There no other session is found.

mod members;
mod plain;

use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;
use wharf_protocol::error::ErrorObject;
use wharf_protocol::method::Method;

pub use self::members::Members;
pub use self::plain::{Plain, Refused};

use crate::call::{Incoming, Reply, Via};
use crate::core::Core;
use crate::era::{Refusal, legacy};
use crate::handler::BoxFuture;

/// Takes clients whose `initialize` names no `protocolVersion`; see [`Server::interpreter`].
///
/// [`Server::interpreter`]: crate::Server::interpreter
pub trait Interpreter: fmt::Debug + Send + Sync + 'static {
    /// Under this name a durable store remembers which sessions are the interpreter's. A session
    /// whose interpreter is not there after a restart is unknown.
    fn name(&self) -> &'static str;

    /// Gives the parameters of `initialize` as the specification has them, with a
    /// `protocolVersion`.
    ///
    /// # Errors
    /// What the client gets instead of a session.
    fn open(&self, params: Members) -> Result<Members, ErrorObject>;

    /// What stands in front of the server in one session: a new one, or one of before a restart.
    fn session(&self) -> Arc<dyn Interpretation>;
}

/// Stands in front of the server in one session.
pub trait Interpretation: fmt::Debug + Send + Sync + 'static {
    /// Adds to the result of `initialize`.
    fn welcome(&self, result: &mut Members);

    /// Answers a request. Dropping the future is how the request is cancelled.
    fn answer(
        self: Arc<Self>,
        request: Spoken,
        server: Plain,
    ) -> BoxFuture<'static, Result<Members, Refused>>;

    /// Whether work goes on that the session must not end for want of requests.
    fn is_busy(&self) -> bool {
        false
    }

    /// The session ends, and everything that belongs to it must too. Must not wait.
    fn end(&self) {}
}

/// A request as the client said it.
#[derive(Debug)]
pub struct Spoken {
    /// The method; empty if it was no text.
    pub method: String,
    /// The request's id, as JSON.
    pub id: Box<RawValue>,
    /// The parameters; none if there were none.
    pub params: Members,
}

/// The interpretation of the session that a request belongs to. A request that says itself which
/// revision it speaks needs none.
#[inline]
pub(crate) fn of(incoming: &Incoming) -> Option<&Arc<dyn Interpretation>> {
    let (Via::LegacyHttp(session) | Via::Line(Some(session))) = &incoming.via else {
        return None;
    };
    let interpretation = session.client.interpretation.as_ref()?;
    (!incoming.frame.is_modern()).then_some(interpretation)
}

/// Answers a request of a session that is interpreted.
pub(crate) async fn answer(
    core: Arc<Core>,
    incoming: Incoming,
    interpretation: Arc<dyn Interpretation>,
) -> Reply {
    let frame = &incoming.frame;
    let spoken = frame.params().map(|params| Spoken {
        method: frame.raw_method().into_owned(),
        id: raw_id(frame.id()),
        params,
    });
    let answer = match (spoken, Plain::new(core, &incoming)) {
        (Ok(spoken), Some(server)) => interpretation.answer(spoken, server).await,
        (Ok(_), None) => Err(Refused::internal()),
        (Err(error), _) => Err(error.into()),
    };
    match answer {
        Ok(result) => match serde_json::to_vec(&result) {
            Ok(result) => Reply::raw(frame.id(), &result),
            Err(error) => {
                tracing::error!(%error, "a result cannot be written");
                Refused::internal().reply(frame.id())
            }
        },
        Err(refused) => refused.reply(frame.id()),
    }
}

fn raw_id(id: &str) -> Box<RawValue> {
    RawValue::from_string(id.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Takes an `initialize` that names no revision, if there is an interpreter that does; `None` if
/// it is to be judged as any other.
pub(crate) async fn open(core: &Arc<Core>, incoming: &Incoming) -> Option<Result<Reply, Refusal>> {
    let interpreter = core.interpreter.as_ref()?;
    if !matches!(incoming.via, Via::UnopenedHttp | Via::Line(None)) {
        return None;
    }
    let params: Members = incoming.frame.params().ok()?;
    if params.has("protocolVersion") {
        return None;
    }
    Some(match interpreter.open(params) {
        Ok(params) => welcome(core, incoming, interpreter.session(), &params).await,
        Err(error) => Err(error.into()),
    })
}

/// Opens the session with parameters as the specification has them.
async fn welcome(
    core: &Arc<Core>,
    incoming: &Incoming,
    interpretation: Arc<dyn Interpretation>,
    params: &Members,
) -> Result<Reply, Refusal> {
    let id = incoming.frame.id();
    let incoming = Incoming {
        frame: plain::frame(id, Method::Initialize.as_str(), params)?,
        via: match &incoming.via {
            Via::UnopenedHttp => Via::UnopenedHttp,
            _ => Via::Line(None),
        },
        principal: incoming.principal.clone(),
        outlet: incoming.outlet.clone(),
    };
    let opened = legacy::open(core, &incoming, Some(Arc::clone(&interpretation))).await?;
    let mut result = plain::result(&opened)?;
    interpretation.welcome(&mut result);
    let result = serde_json::to_vec(&result).map_err(|_| Refused::internal())?;
    Ok(Reply {
        opened: opened.opened,
        ..Reply::raw(id, &result)
    })
}
