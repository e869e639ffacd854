//! Requests answered, in either era: as JSON, or as a stream where one is needed.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use ::http::header::{HeaderName, HeaderValue};
use ::http::{HeaderMap, Response, StatusCode, header};
use bytes::Bytes;
use wharf_protocol::envelope::{EnvelopeError, IdBuf};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::headers;
use wharf_protocol::revision::Revision;

use super::Shared;
use super::read::Accepts;
use super::stream::{Body, Events};
use crate::call::{Frame, Incoming, Outlet, Reply, Via};
use crate::core::Core;
use crate::durable;
use crate::era::Refusal;
use crate::outbox::{Bounds, Outbox};
use crate::principal::Principal;
use crate::session::{Added, Session};
use crate::transport::{Call, Started, start};

/// A complete JSON response.
pub(super) fn json(reply: Reply) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = json_bytes(status, reply.message.into());
    if let Some(session) = reply.opened
        && let Ok(id) = HeaderValue::from_str(&session.header())
    {
        response.headers_mut().insert(headers::SESSION_ID, id);
    }
    response
}

pub(super) fn json_bytes(status: StatusCode, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::full(bytes));
    *response.status_mut() = status;
    let value = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

/// A failure of the transport's own: a JSON-RPC error without an id.
pub(super) fn failure(status: StatusCode, code: i32, message: &str) -> Response<Body> {
    json(Reply::error(
        None,
        &ErrorObject::new(code, message),
        status.as_u16(),
    ))
}

/// A refusal of what has no message of its own to answer.
pub(super) fn refusal(refusal: &Refusal) -> Response<Body> {
    json(Reply::error(None, &refusal.error, refusal.status))
}

/// Bytes that are no message.
pub(super) fn refused(error: &EnvelopeError) -> Response<Body> {
    let object = ErrorObject::new(error.code(), error.to_string());
    json(Reply::error(error.id().map(IdBuf::as_json), &object, 400))
}

pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(super) fn with_header(
    mut response: Response<Body>,
    name: HeaderName,
    value: &'static str,
) -> Response<Body> {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

pub(super) fn event_stream(events: Body) -> Response<Body> {
    let mut response = Response::new(events);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    // Tells proxies to hand events on as they come.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// `initialize`, or something that cannot be served without a session.
pub(super) async fn unopened(
    shared: &Shared,
    frame: Arc<Frame>,
    principal: Option<Arc<Principal>>,
) -> Response<Body> {
    let outlet = Outlet::Stream(Outbox::new(plain(&shared.core)));
    let incoming = Incoming {
        frame,
        via: Via::UnopenedHttp,
        principal,
        outlet,
    };
    match start(&shared.core, incoming).await {
        Started::Ready(reply) => json(reply),
        Started::Waiting(call) => json(call.await),
    }
}

/// A request of 2026-07-28: served by itself, and dropped with its connection, which is how a
/// client cancels it (spec 2026-07-28, `basic/transports/streamable-http`, "Cancellation").
pub(super) async fn modern(
    shared: &Shared,
    frame: Arc<Frame>,
    headers: HeaderMap,
    principal: Option<Arc<Principal>>,
    accepts: Accepts,
) -> Response<Body> {
    let core = &shared.core;
    let outbox = Outbox::new(plain(core));
    let outlet = Outlet::Stream(Arc::clone(&outbox));
    let incoming = Incoming {
        frame,
        via: Via::ModernHttp(headers),
        principal,
        outlet,
    };
    let mut call = match start(core, incoming).await {
        Started::Ready(reply) => return answered(core, &outbox, reply, accepts),
        Started::Waiting(call) => call,
    };
    if !accepts.events {
        outbox.discard();
        return json(call.await);
    }
    // Whichever comes first: the answer, or a message that makes it a stream.
    let done = poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(reply) => Poll::Ready(Some(reply)),
        Poll::Pending => outbox.poll_used(cx).map(|()| None),
    });
    match done.await {
        Some(reply) => answered(core, &outbox, reply, accepts),
        None => event_stream(Events::of(core, &outbox).with_call(call).into()),
    }
}

/// A finished call: as JSON, or, after messages that the client can read, as a stream.
fn answered(core: &Core, outbox: &Arc<Outbox>, reply: Reply, accepts: Accepts) -> Response<Body> {
    if accepts.json && !(accepts.events && outbox.is_used()) {
        return json(reply);
    }
    outbox.finish(Some(reply.message.into()));
    event_stream(Events::of(core, outbox).into())
}

/// A request within a session: it goes on when its connection is lost, and ends only when it is
/// cancelled in so many words.
pub(super) async fn legacy(
    shared: &Arc<Shared>,
    frame: Arc<Frame>,
    session: Arc<Session>,
    accepts: Accepts,
) -> Response<Body> {
    let core = &shared.core;
    if session.is_calling() {
        let (id, calls) = (frame.id_buf(), session.calls());
        if calls.contains(&id) {
            return json(duplicate(&id));
        }
        if calls.running() >= core.limits.calls_per_session {
            let message = "too many calls run in this session: wait for one to end";
            let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, message);
            return json(Reply::error(Some(id.as_json()), &error, 429));
        }
    }
    let outbox = Outbox::new(resumable(core));
    let incoming = Incoming {
        frame: Arc::clone(&frame),
        via: Via::LegacyHttp(Arc::clone(&session)),
        principal: session.principal.clone(),
        outlet: Outlet::Stream(Arc::clone(&outbox)),
    };
    let call = match start(core, incoming).await {
        Started::Ready(reply) if accepts.json && !(accepts.events && outbox.is_used()) => {
            return json(reply);
        }
        Started::Ready(reply) => {
            outbox.finish(Some(reply.message.into()));
            return Box::pin(stream_of(core, &session, &outbox, vec![frame.id_buf()])).await;
        }
        Started::Waiting(call) => call,
    };
    let (id, calls) = (frame.id_buf(), session.calls());
    let task = Task {
        call,
        outbox: Ending(Arc::clone(&outbox)),
    };
    let task = tokio::spawn(task.run(Arc::clone(&session), id.clone()));
    if !calls.insert(id.clone(), task.abort_handle()) {
        return json(duplicate(&id));
    }
    // It may have ended before it was registered.
    if outbox.is_closed() {
        calls.remove(&id);
    }
    if !accepts.events {
        outbox.discard();
    }
    let _reader = outbox.expect_reader();
    let used = poll_fn(|cx| outbox.poll_used(cx));
    let patience = if accepts.events {
        core.limits.stream_after
    } else {
        core.limits.call_timeout * 2
    };
    let _ = tokio::time::timeout(patience, used).await;
    if let Some(answer) = outbox.take_only_answer().filter(|_| accepts.json) {
        return json_bytes(StatusCode::OK, answer);
    }
    if outbox.is_drained() {
        // Cancelled: there is no answer to give.
        return empty(StatusCode::ACCEPTED);
    }
    // Boxed: most calls need no stream, and their future stays small.
    Box::pin(stream_of(core, &session, &outbox, vec![frame.id_buf()])).await
}

/// A call that goes on by itself. Its parts are dropped in this order: a call that is cancelled
/// may still take its open asks back, and then its stream ends.
struct Task {
    call: Call,
    outbox: Ending,
}

/// Ends the stream of a call that ends without an answer.
struct Ending(Arc<Outbox>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.finish(None);
    }
}

impl Task {
    async fn run(mut self, session: Arc<Session>, id: IdBuf) {
        let reply = (&mut self.call).await;
        // In this order: who registers the call sees by the closed outbox that it came too late.
        self.outbox.0.finish(Some(reply.message.into()));
        session.calls().remove(&id);
    }
}

fn duplicate(id: &IdBuf) -> Reply {
    let shown = crate::handler::text::shown(id.as_json());
    let message = format!("a request with id {shown} is still running in this session");
    let error = ErrorObject::new(ErrorCode::INVALID_REQUEST, message);
    Reply::error(Some(id.as_json()), &error, 400)
}

/// The stream that carries what is in an outbox; `calls` are the requests that it answers.
pub(super) async fn stream_of(
    core: &Arc<Core>,
    session: &Arc<Session>,
    outbox: &Arc<Outbox>,
    calls: Vec<IdBuf>,
) -> Response<Body> {
    // A stream beyond the limit is one that cannot be resumed.
    let added = session.add_stream(outbox, core.limits.streams_per_session);
    if let Some(added) = added
        && let Err(response) = logged(core, session, added, outbox, calls).await
    {
        return *response;
    }
    let events = Events::of(core, outbox);
    let events = match added {
        Some(added) => {
            let primes = session.revision >= Revision::V2025_11_25;
            events.numbered(added.number, primes)
        }
        None => events,
    };
    event_stream(events.into())
}

/// Begins the log of a stream, where there is a durable store. `calls` are the requests that the
/// stream answers.
pub(super) async fn logged(
    core: &Core,
    session: &Arc<Session>,
    added: Added,
    outbox: &Arc<Outbox>,
    calls: Vec<IdBuf>,
) -> Result<(), Box<Response<Body>>> {
    if core.durable.is_none() {
        return Ok(());
    }
    if let Some(number) = added.forgotten {
        core.forget_stream(session, number);
    }
    let begun = core.log_stream(session, added.number, outbox, resumable(core), &calls);
    Box::pin(begun).await.map_err(|error| {
        // Their answers have nowhere to go.
        for id in &calls {
            session.calls().cancel(id);
        }
        Box::new(refusal(&durable::down(error)))
    })
}

fn plain(core: &Core) -> Bounds {
    Bounds {
        unread: core.limits.stream_messages,
        unread_bytes: core.limits.stream_bytes,
        kept: 0,
        kept_bytes: 0,
    }
}

pub(super) fn resumable(core: &Core) -> Bounds {
    Bounds {
        unread: core.limits.stream_messages,
        unread_bytes: core.limits.stream_bytes,
        kept: core.limits.replay_events,
        kept_bytes: core.limits.replay_bytes,
    }
}
