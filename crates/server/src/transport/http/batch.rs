//! Batches over HTTP: answered as one array, or, where a call needs a stream, each answer as a
//! message of it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use ::http::{Response, StatusCode};
use tokio::sync::watch;
use wharf_protocol::error::ErrorCode;

use super::Shared;
use super::answer::{empty, failure, json_bytes, refused, resumable, stream_of};
use super::read::Accepts;
use super::stream::Body;
use crate::call::{Frame, Incoming, Outlet, Via};
use crate::outbox::Outbox;
use crate::rate::Gate;
use crate::session::Session;
use crate::transport::batch::Batch;

/// Answers a batch of a session that may send one.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    bytes: &[u8],
    session: Arc<Session>,
    accepts: Accepts,
    gate: Option<Gate>,
) -> Response<Body> {
    let core = &shared.core;
    let outbox = Outbox::new(resumable(core));
    // Which requests a stream answers is only asked for where that is to outlive the process.
    let calls = core.durable.as_ref().map(|_| Mutex::new(Vec::new()));
    let incoming = |frame: Arc<Frame>| {
        if let Some(calls) = &calls {
            let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(frame.id_buf());
        }
        Incoming {
            frame,
            via: Via::LegacyHttp(Arc::clone(&session)),
            principal: session.principal.clone(),
            outlet: Outlet::Stream(Arc::clone(&outbox)),
        }
    };
    let taken = poll_fn(|cx| {
        let calls = session.calls();
        let gate = gate.as_ref();
        let taken = Batch::take(cx, core, &session, calls, gate, bytes, incoming);
        Poll::Ready(taken)
    });
    let mut batch = match taken.await {
        Ok(batch) => batch,
        Err(error) => return refused(&error),
    };
    let calls = calls.map(|calls| calls.into_inner().unwrap_or_else(PoisonError::into_inner));
    let calls = calls.unwrap_or_default();
    if !batch.is_answered() {
        if batch.is_accepted() {
            return empty(StatusCode::ACCEPTED);
        }
        let message = "answers to nothing that was asked in this session";
        return failure(StatusCode::BAD_REQUEST, ErrorCode::INVALID_REQUEST, message);
    }
    if !batch.waits() {
        if accepts.json && !(accepts.events && outbox.is_used()) {
            return json_bytes(
                StatusCode::OK,
                batch.into_array().unwrap_or_default().into(),
            );
        }
        batch.drain().for_each(|answer| outbox.append(answer));
        outbox.finish(None);
        return stream_of(core, &session, &outbox, calls).await;
    }
    if !accepts.events {
        outbox.discard();
    }
    let streaming = watch::Sender::new(!accepts.json);
    // A task of its own: a lost connection ends no call of a session.
    tokio::spawn(gather(
        batch,
        Arc::clone(&session),
        Arc::clone(&outbox),
        streaming.subscribe(),
    ));
    let _reader = outbox.expect_reader();
    let used = poll_fn(|cx| outbox.poll_used(cx));
    let patience = if accepts.events {
        core.limits.stream_after
    } else {
        core.limits.call_timeout * 2
    };
    let _ = tokio::time::timeout(patience, used).await;
    if accepts.json {
        // From here on no array is made; one that was made before is there now.
        streaming.send_replace(true);
        if let Some(array) = outbox.take_only_answer() {
            return json_bytes(StatusCode::OK, array);
        }
    }
    if outbox.is_drained() {
        // All cancelled: there is no answer to give.
        return empty(StatusCode::ACCEPTED);
    }
    stream_of(core, &session, &outbox, calls).await
}

/// Waits for the answers of a batch and puts them into the outbox: as they come once it is a
/// stream, otherwise as one array.
async fn gather(
    mut batch: Batch,
    session: Arc<Session>,
    outbox: Arc<Outbox>,
    mut streaming: watch::Receiver<bool>,
) {
    let mut is_stream = *streaming.borrow();
    loop {
        if is_stream {
            batch.drain().for_each(|answer| outbox.append(answer));
        }
        tokio::select! {
            more = batch.next(session.calls()) => if !more { break },
            changed = streaming.wait_for(|is_stream| *is_stream), if !is_stream => {
                // Without its handler the connection is lost, and the form of no matter.
                is_stream = true;
                drop(changed);
            }
        }
    }
    // Held until the array is there: who decides for a stream meanwhile finds it.
    let decided = streaming.borrow();
    if *decided || is_stream || outbox.is_used() {
        batch.drain().for_each(|answer| outbox.append(answer));
        outbox.finish(None);
    } else {
        outbox.finish(batch.into_array().map(Into::into));
    }
}
