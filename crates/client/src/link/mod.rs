//! The transports: each brings a request to a server and its answer back.

mod duplex;
pub(crate) mod http;
pub(crate) mod lines;
mod queue;
pub(crate) mod sse;
#[cfg(feature = "websocket")]
pub(crate) mod websocket;

use std::sync::Arc;

pub(crate) use duplex::Duplex;
pub(crate) use http::Http;

use crate::error::{Error, Result};
use crate::message::{Answer, Members, Request};

/// A connection to a server.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// Messages in both directions: stdio, WebSocket, HTTP+SSE, anything that carries lines.
    Duplex(Arc<Duplex>),
    /// A POST for each message.
    Http(Arc<Http>),
}

/// A request with all that only its connection knows.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) id: i64,
    pub(crate) request: &'a Request,
    pub(crate) body: Vec<u8>,
}

impl<'a> Outgoing<'a> {
    pub(crate) fn new(
        id: i64,
        request: &'a Request,
        about: &Members,
        rounds: &Members,
        progress: bool,
    ) -> Self {
        Self {
            id,
            request,
            body: request.write(Some(id), about, rounds, progress),
        }
    }
}

impl Link {
    /// Sends a request and waits for its answer. Dropping the future cancels the request.
    pub(crate) async fn request(&self, outgoing: Outgoing<'_>) -> Result<Answer> {
        match self {
            Self::Duplex(duplex) => duplex.request(outgoing).await,
            Self::Http(http) => http.request(outgoing).await,
        }
    }

    /// Sends a notification.
    pub(crate) async fn notify(&self, request: &Request) -> Result<()> {
        let body = request.write(None, &Members::default(), &Members::default(), false);
        match self {
            Self::Duplex(duplex) => duplex.send(body).await,
            Self::Http(http) => http.notify(request, body).await,
        }
    }

    /// Whether requests can still be sent.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Duplex(duplex) => duplex.ended().is_none(),
            Self::Http(http) => http.is_open(),
        }
    }

    /// How many messages have come so far, where they come unasked.
    pub(crate) fn heard(&self) -> u64 {
        match self {
            Self::Duplex(duplex) => duplex.heard(),
            Self::Http(_) => 0,
        }
    }

    /// Waits until the connection has ended, where it can without being used.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Duplex(duplex) => duplex.over().await,
            Self::Http(http) => http.over().await,
        }
    }

    /// Waits until what the server says in a session without being asked can arrive.
    pub(crate) async fn listening(&self) {
        match self {
            Self::Duplex(_) => {}
            Self::Http(http) => http.listening().await,
        }
    }

    /// Nobody will use the connection any more; who still waits on it is told.
    pub(crate) fn abandon(&self) {
        match self {
            Self::Duplex(duplex) => duplex.end(&Error::closed("the client was dropped")),
            Self::Http(http) => http.abandon(),
        }
    }

    /// Ends the connection in the order that its transport has, and waits until it is done.
    pub(crate) async fn close(&self) {
        match self {
            Self::Duplex(duplex) => duplex.close().await,
            Self::Http(http) => http.close().await,
        }
    }
}
