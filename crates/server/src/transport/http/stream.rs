//! Bodies of responses: nothing, one JSON text, or Server-Sent Events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use wharf_protocol::sse::write_event;

use super::sse;
use super::watch::Active;
use crate::core::{Core, Listening};
use crate::hub::Listener;
use crate::outbox::{Next, Outbox, Reader};
use crate::transport::Call;

/// The body of a response.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    /// The request counts as being answered until the body is sent.
    _active: Option<Active>,
}

#[derive(Debug)]
enum Kind {
    Full(Option<Bytes>),
    Events(Box<Events>),
    /// A session of HTTP+SSE.
    Channel(Box<sse::Stream>),
}

impl Body {
    pub(super) fn empty() -> Self {
        Kind::Full(None).into()
    }

    pub(super) fn full(bytes: Bytes) -> Self {
        Kind::Full(Some(bytes).filter(|bytes| !bytes.is_empty())).into()
    }

    pub(super) fn channel(stream: sse::Stream) -> Self {
        Kind::Channel(Box::new(stream)).into()
    }

    pub(super) fn holding(mut self, active: Active) -> Self {
        self._active = Some(active);
        self
    }
}

impl From<Kind> for Body {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            _active: None,
        }
    }
}

impl From<Events> for Body {
    fn from(events: Events) -> Self {
        Kind::Events(Box::new(events)).into()
    }
}

/// An empty body, which layers around the service may answer with.
impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match &mut self.kind {
            Kind::Full(bytes) => Poll::Ready(bytes.take()),
            Kind::Events(events) => events.poll_event(cx),
            Kind::Channel(stream) => stream.poll_event(cx),
        };
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.kind, Kind::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Kind::Events(_) | Kind::Channel(_) => SizeHint::default(),
        }
    }
}

/// A stream of events: what an outbox holds, and whatever fills it meanwhile.
pub(super) struct Events {
    reader: Option<Reader>,
    outbox: Arc<Outbox>,
    /// The stream's number in its session, which makes its events resumable.
    number: Option<u64>,
    /// Sent before everything else.
    prime: Option<Bytes>,
    call: Option<Call>,
    notices: Option<Arc<Listener>>,
    keep_alive: Pin<Box<Sleep>>,
    period: Duration,
    retry: Duration,
    /// A place among the open streams, held for as long as this one.
    _place: Option<Listening>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Events {
    /// The events of an outbox, from where it stands.
    pub(super) fn of(core: &Core, outbox: &Arc<Outbox>) -> Self {
        Self::new(core, outbox, outbox.attach(None))
    }

    /// The events after the one with this place in the stream; `None` if they are not kept.
    pub(super) fn resume(
        core: &Core,
        outbox: &Arc<Outbox>,
        number: u64,
        after: u64,
    ) -> Option<Self> {
        let reader = outbox.attach(Some(after))?;
        Some(Self {
            number: Some(number),
            ..Self::new(core, outbox, Some(reader))
        })
    }

    fn new(core: &Core, outbox: &Arc<Outbox>, reader: Option<Reader>) -> Self {
        let period = core.limits.keep_alive;
        Self {
            reader,
            outbox: Arc::clone(outbox),
            number: None,
            prime: None,
            call: None,
            notices: None,
            keep_alive: Box::pin(tokio::time::sleep(period)),
            period,
            retry: core.limits.retry,
            _place: None,
        }
    }

    /// Gives every event an id; `prime` starts with an empty event, so that a client can come
    /// back even if it is cut off before the first message (since 2025-11-25).
    pub(super) fn numbered(mut self, number: u64, prime: bool) -> Self {
        self.number = Some(number);
        if prime {
            let id = event_id(number, 0);
            let retry = Some(self.retry.as_millis() as u64);
            let mut event = Vec::with_capacity(64);
            write_event(&mut event, None, Some(&id), retry, b"");
            self.prime = Some(event.into());
        }
        self
    }

    /// Goes on with a call that fills the outbox; it is dropped with the stream.
    pub(super) fn with_call(mut self, call: Call) -> Self {
        self.call = Some(call);
        self
    }

    /// Fills the outbox with what a listener hears.
    pub(super) fn with_notices(mut self, listener: Arc<Listener>) -> Self {
        self.notices = Some(listener);
        self
    }

    pub(super) fn holding(mut self, place: Listening) -> Self {
        self._place = Some(place);
        self
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(prime) = self.prime.take() {
            return Poll::Ready(Some(prime));
        }
        loop {
            match self.reader.as_mut().map(|reader| reader.poll_next(cx)) {
                None | Some(Poll::Ready(Next::End)) => return Poll::Ready(None),
                Some(Poll::Ready(Next::Entry(entry))) => {
                    self.keep_alive.as_mut().reset(Instant::now() + self.period);
                    return Poll::Ready(Some(self.event(entry.seq, &entry.message)));
                }
                Some(Poll::Pending) => {}
            }
            if !self.poll_source(cx) {
                break;
            }
        }
        if self.keep_alive.as_mut().poll(cx).is_ready() {
            self.keep_alive.as_mut().reset(Instant::now() + self.period);
            // Reset timers register with the task when they are polled.
            let _ = self.keep_alive.as_mut().poll(cx);
            return Poll::Ready(Some(Bytes::from_static(b":\n\n")));
        }
        Poll::Pending
    }

    /// Lets the sources fill the outbox; `true` if there may be something to read now.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(call) = &mut self.call {
            let done = call.as_mut().poll(cx);
            if let Poll::Ready(reply) = done {
                self.call = None;
                self.outbox.finish(Some(reply.message.into()));
                return true;
            }
            return self.outbox.has_unread();
        }
        if let Some(listener) = &self.notices {
            match listener.poll_take(cx) {
                Poll::Pending => return false,
                Poll::Ready(Some(notices)) => {
                    for notice in notices {
                        self.outbox.append(notice.message(None).into());
                    }
                }
                Poll::Ready(None) => {
                    self.notices = None;
                    self.outbox.finish(None);
                }
            }
            return true;
        }
        false
    }

    fn event(&self, seq: u64, message: &[u8]) -> Bytes {
        let id = self.number.map(|number| event_id(number, seq));
        let mut event = Vec::with_capacity(message.len() + 64);
        write_event(&mut event, Some("message"), id.as_deref(), None, message);
        event.into()
    }
}

fn event_id(number: u64, seq: u64) -> String {
    format!("{number}-{seq}")
}

/// Reads an id exactly as we write it: the stream's number and the event's place in it.
pub(super) fn read_event_id(id: &str) -> Option<(u64, u64)> {
    let (number, seq) = id.split_once('-')?;
    let ids = (number.parse().ok()?, seq.parse().ok()?);
    (event_id(ids.0, ids.1) == id).then_some(ids)
}
