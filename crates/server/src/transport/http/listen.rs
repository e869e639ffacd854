//! The GET stream of a session: notices, and the rest of a stream that was cut off.

use std::sync::Arc;

use ::http::request::Parts;
use ::http::{Response, StatusCode};
use wharf_protocol::error::ErrorCode;
use wharf_protocol::headers;
use wharf_protocol::revision::Revision;

use super::Shared;
use super::answer::{event_stream, failure, logged, refusal, resumable};
use super::read::accepts;
use super::stream::{Body, Events, read_event_id};
use crate::core::Listening;
use crate::durable;
use crate::era::legacy;
use crate::outbox::Outbox;
use crate::session::Session;

/// Opens the stream of notices, or goes on with the stream of `Last-Event-ID`.
pub(super) async fn open(shared: &Shared, parts: &Parts, session: &Arc<Session>) -> Response<Body> {
    let core = &shared.core;
    if !accepts(&parts.headers).events {
        let message = "header Accept must list text/event-stream";
        return failure(
            StatusCode::NOT_ACCEPTABLE,
            ErrorCode::INVALID_REQUEST,
            message,
        );
    }
    let Some(place) = Listening::take(core, session.principal.clone()) else {
        let message = "too many open streams: close one, or try again later";
        return failure(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::INTERNAL_ERROR,
            message,
        );
    };
    let primes = session.revision >= Revision::V2025_11_25;
    let (number, events) = match parts.headers.get(headers::LAST_EVENT_ID) {
        None => {
            let outbox = Outbox::new(resumable(core));
            let Some(added) = session.add_stream(&outbox, core.limits.streams_per_session) else {
                let message = "too many open streams in this session: close one";
                let status = StatusCode::TOO_MANY_REQUESTS;
                return failure(status, ErrorCode::INTERNAL_ERROR, message);
            };
            let number = added.number;
            session.set_notice_stream(number);
            if let Err(response) = logged(core, session, added, &outbox, Vec::new()).await {
                return *response;
            }
            (number, Events::of(core, &outbox).numbered(number, primes))
        }
        Some(id) => {
            let place = id.to_str().ok().and_then(read_event_id);
            let outbox = place.and_then(|(number, _)| session.stream(number));
            let outbox = match (outbox, place) {
                (None, Some((number, seq))) => {
                    let replay = core.replay(session, number, seq, resumable(core));
                    match Box::pin(replay).await {
                        Ok(replay) => replay,
                        Err(error) => return refusal(&durable::down(error)),
                    }
                }
                (outbox, _) => outbox,
            };
            let found = place.zip(outbox).and_then(|((number, seq), outbox)| {
                Some((number, Events::resume(core, &outbox, number, seq)?))
            });
            let Some(found) = found else {
                let message = "Last-Event-ID names no event that this session still keeps";
                return failure(StatusCode::NOT_FOUND, ErrorCode::INVALID_REQUEST, message);
            };
            found
        }
    };
    let events = if session.is_notice_stream(number) {
        events.with_notices(Arc::clone(legacy::listener(core, session)))
    } else {
        events
    };
    event_stream(events.holding(place).into())
}
