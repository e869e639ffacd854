//! HTTP+SSE, the HTTP of 2024-11-05 (spec 2024-11-05, `basic/transports`): GET opens a stream,
//! whose first event says where to post; every message of the client is a POST, answered with 202
//! at once; every message of the server is an event of the stream.
//!
//! The session is its stream: the conversation lives in the body of the response, is polled by
//! the connection that carries it, and ends with it. So a client that does not read its stream
//! gets no further message taken in either.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::request::Parts;
use ::http::{Response, StatusCode};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use wharf_protocol::error::ErrorCode;
use wharf_protocol::sse::write_event;

use super::Shared;
use super::answer::{self, event_stream, failure};
use super::read::accepts;
use super::stream::Body;
use crate::call::Frame;
use crate::core::{Core, Listening};
use crate::observe::Transport;
use crate::principal::Principal;
use crate::rate::Gate;
use crate::session::{parse_id, random_id};
use crate::transport::conversation::{Conversation, Inbound, Output};

/// Messages of one client that wait to be taken in.
const QUEUE: usize = 16;
/// Bytes of events beyond which no more are put together.
const CHUNK: usize = 64 * 1024;

/// The open streams, by the id that their clients post to.
#[derive(Debug, Default)]
pub(super) struct Channels {
    open: Mutex<HashMap<u128, Channel>>,
}

/// The way into the conversation of a stream.
#[derive(Clone, Debug)]
struct Channel {
    messages: mpsc::Sender<Inbound>,
    principal: Option<Arc<Principal>>,
    /// Whether the session has opened in a revision that knows batches.
    takes_batches: Arc<AtomicBool>,
}

impl Channels {
    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Channel>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to the stream of this id, if it is this principal's. A foreign one and an unknown
    /// one are alike.
    fn find(&self, id: &str, principal: Option<&Principal>) -> Option<Channel> {
        let open = self.lock();
        let channel = open.get(&parse_id(id)?)?;
        (channel.principal.as_deref() == principal).then(|| channel.clone())
    }
}

/// The name of a stream; it is forgotten with this.
struct Name {
    id: u128,
    shared: Arc<Shared>,
}

impl Drop for Name {
    fn drop(&mut self) {
        self.shared.channels.lock().remove(&self.id);
    }
}

/// Opens a stream.
pub(super) fn open(
    shared: &Arc<Shared>,
    parts: &Parts,
    principal: Option<Arc<Principal>>,
    gate: Option<Gate>,
) -> Response<Body> {
    let core = &shared.core;
    if !accepts(&parts.headers).events {
        let message = "header Accept must list text/event-stream";
        let status = StatusCode::NOT_ACCEPTABLE;
        return failure(status, ErrorCode::INVALID_REQUEST, message);
    }
    let Some(place) = Listening::take(core, principal.clone()) else {
        let message = "too many open streams: close one, or try again later";
        let status = StatusCode::TOO_MANY_REQUESTS;
        return failure(status, ErrorCode::INTERNAL_ERROR, message);
    };
    let (messages, incoming) = mpsc::channel(QUEUE);
    let channel = Channel {
        messages,
        principal: principal.clone(),
        takes_batches: Arc::default(),
    };
    let takes_batches = Arc::clone(&channel.takes_batches);
    let id = random_id();
    shared.channels.lock().insert(id, channel);
    let mut first = Events::default();
    let endpoint = format!("{}?sessionId={id:032x}", shared.routes.messages());
    write_event(
        &mut first.0,
        Some("endpoint"),
        None,
        None,
        endpoint.as_bytes(),
    );
    let stopped = Arc::clone(core);
    let first_pause = core.limits.keep_alive.min(core.limits.session_unused);
    event_stream(Body::channel(Stream {
        talk: Conversation::new(Arc::clone(core), principal, Transport::Sse).gated(gate),
        takes_batches,
        incoming,
        output: first,
        used: false,
        ending: false,
        opened: Instant::now(),
        timer: Box::pin(tokio::time::sleep(first_pause)),
        stopped: Box::pin(async move { stopped.stopped().await }),
        core: Arc::clone(core),
        _place: place,
        _name: Name {
            id,
            shared: Arc::clone(shared),
        },
    }))
}

/// Hands a message to the stream that the query names.
pub(super) async fn post(
    shared: &Shared,
    parts: &Parts,
    principal: Option<&Principal>,
    message: Inbound,
) -> Response<Body> {
    let Some(id) = session_id(parts.uri.query().unwrap_or_default()) else {
        let message = "the query must have one `sessionId`: the first event of the stream, which \
                       GET opens, says where to post";
        let status = StatusCode::BAD_REQUEST;
        return failure(status, ErrorCode::INVALID_REQUEST, message);
    };
    let unknown = || {
        let message = "no such session: open a stream with GET";
        failure(StatusCode::NOT_FOUND, ErrorCode::INVALID_REQUEST, message)
    };
    let Some(channel) = shared.channels.find(id, principal) else {
        return unknown();
    };
    let message = match message {
        Inbound::Batch(bytes) if !channel.takes_batches.load(Ordering::Acquire) => {
            match Frame::parse(bytes) {
                Ok(parsed) => Inbound::Message(parsed),
                Err(error) => return answer::refused(&error),
            }
        }
        message => message,
    };
    // There is no room only while the client does not read what it is sent.
    let patience = shared.core.limits.write_timeout;
    match tokio::time::timeout(patience, channel.messages.send(message)).await {
        Ok(Ok(())) => answer::empty(StatusCode::ACCEPTED),
        Ok(Err(_ended)) => unknown(),
        Err(_) => {
            let message = "too many messages wait: read the stream";
            let status = StatusCode::TOO_MANY_REQUESTS;
            failure(status, ErrorCode::INTERNAL_ERROR, message)
        }
    }
}

/// The one value of `sessionId`.
fn session_id(query: &str) -> Option<&str> {
    let mut ids = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("sessionId="));
    let id = ids.next()?;
    ids.next().is_none().then_some(id)
}

/// Events that are not sent yet.
#[derive(Default)]
struct Events(Vec<u8>);

impl Output for Events {
    fn push(&mut self, message: &[u8]) {
        write_event(&mut self.0, Some("message"), None, None, message);
    }
}

/// The body of the response to GET, and with it the session.
pub(super) struct Stream {
    talk: Conversation,
    takes_batches: Arc<AtomicBool>,
    incoming: mpsc::Receiver<Inbound>,
    output: Events,
    /// A message has come in.
    used: bool,
    /// The server stops: what runs may finish.
    ending: bool,
    opened: Instant,
    /// When there is something to do without an event: a comment, or the end.
    timer: Pin<Box<Sleep>>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
    core: Arc<Core>,
    _place: Listening,
    _name: Name,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl Stream {
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.ending
            && self.has_room()
            && let Poll::Ready(Some(message)) = self.incoming.poll_recv(cx)
        {
            self.used = true;
            self.talk.take(cx, Ok(message), &mut self.output);
        }
        while self.has_room()
            && let Poll::Ready(event) = self.talk.poll_event(cx)
        {
            self.talk.settle(event, &mut self.output);
        }
        // Before the client hears that it has a session, and sends more.
        if self.talk.takes_batches() {
            self.takes_batches.store(true, Ordering::Release);
        }
        if !self.ending && self.stopped.as_mut().poll(cx).is_ready() {
            self.ending = true;
            self.incoming.close();
            self.talk.hang_up();
            self.set_timer(self.core.limits.shutdown);
        }
        if !self.output.0.is_empty() {
            if !self.ending {
                self.set_timer(self.pause());
            }
            return Poll::Ready(Some(std::mem::take(&mut self.output.0).into()));
        }
        if self.ending && self.talk.running() == 0 {
            return Poll::Ready(None);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.ending {
            let calls = self.talk.running();
            tracing::warn!(calls, "calls dropped: the time to end is over");
            return Poll::Ready(None);
        }
        if !self.used && self.opened.elapsed() >= self.core.limits.session_unused {
            tracing::debug!("a stream that nobody uses is closed");
            return Poll::Ready(None);
        }
        self.set_timer(self.pause());
        Poll::Ready(Some(Bytes::from_static(b":\n\n")))
    }

    fn has_room(&self) -> bool {
        self.output.0.len() < CHUNK
    }

    /// The time until a comment is due, or until the stream must have been used.
    fn pause(&self) -> Duration {
        let limits = &self.core.limits;
        if self.used {
            return limits.keep_alive;
        }
        let left = limits.session_unused.saturating_sub(self.opened.elapsed());
        limits.keep_alive.min(left)
    }

    fn set_timer(&mut self, after: Duration) {
        self.timer.as_mut().reset(Instant::now() + after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_one_session() {
        assert_eq!(session_id("sessionId=abc"), Some("abc"));
        assert_eq!(session_id("x=1&sessionId=abc&y"), Some("abc"));
        for query in [
            "",
            "sessionId",
            "sessionid=abc",
            "xsessionId=abc",
            "sessionId=a&sessionId=b",
        ] {
            assert_eq!(session_id(query), None, "{query}");
        }
    }
}
