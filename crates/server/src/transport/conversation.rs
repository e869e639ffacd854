//! Messages in both directions between the server and one client, however they are framed: what
//! stdio, HTTP+SSE and WebSocket have in common.
//!
//! A conversation does no I/O. Its transport hands it the client's messages, waits for what comes
//! up meanwhile, and writes out what is pushed.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use wharf_protocol::envelope::{EnvelopeError, IdBuf, is_batch};
use wharf_protocol::error::{ErrorCode, ErrorObject};

use super::batch::Batch;
use super::{Started, begin, notified};
use crate::call::{Frame, Incoming, Outlet, Parsed, Reply, Via};
use crate::calls::Calls;
use crate::core::Core;
use crate::era::legacy;
use crate::hub::Notice;
use crate::observe::Transport;
use crate::principal::Principal;
use crate::rate::Gate;
use crate::session::Session;

/// Takes the server's messages, one at a time, and frames them for the wire.
pub(crate) trait Output {
    fn push(&mut self, message: &[u8]);
}

/// What a client sent at once.
#[derive(Debug)]
pub(crate) enum Inbound {
    Message(Parsed),
    /// An array, which only some sessions may send.
    Batch(Vec<u8>),
}

impl Inbound {
    /// Finds out what bytes are.
    pub(crate) fn read(bytes: impl Into<Vec<u8>>) -> Result<Self, EnvelopeError> {
        let bytes = bytes.into();
        if is_batch(&bytes) {
            return Ok(Self::Batch(bytes));
        }
        Frame::parse(bytes).map(Self::Message)
    }
}

pub(crate) struct Conversation {
    core: Arc<Core>,
    principal: Option<Arc<Principal>>,
    outlet: Outlet,
    hung_up: watch::Sender<bool>,
    session: Option<Arc<Session>>,
    calls: Arc<Calls>,
    tasks: JoinSet<Done>,
    inbox: mpsc::Receiver<Bytes>,
    /// Counts requests, where there is a limit.
    gate: Option<Gate>,
    transport: Transport,
}

/// What a task has brought about.
pub(crate) enum Done {
    Call(IdBuf, Reply),
    /// The answers of a batch, unless all of it was cancelled.
    Batch(Option<Vec<u8>>),
}

/// Something to say that no message of the client has to come for.
pub(crate) enum Event {
    /// A call that had to wait has ended.
    Done(Result<Done, JoinError>),
    /// A running call says something.
    Message(Bytes),
    /// What the session listens to has changed.
    Notices(Vec<Notice>),
}

impl Conversation {
    pub(crate) fn new(
        core: Arc<Core>,
        principal: Option<Arc<Principal>>,
        transport: Transport,
    ) -> Self {
        let (messages, inbox) = mpsc::channel(core.limits.stream_messages);
        let hung_up = watch::Sender::new(false);
        Self {
            outlet: Outlet::Line {
                messages,
                hung_up: hung_up.subscribe(),
                transport,
            },
            hung_up,
            core,
            principal,
            session: None,
            calls: Arc::default(),
            tasks: JoinSet::new(),
            inbox,
            gate: None,
            transport,
        }
    }

    /// Counts the requests for which no request of HTTP was counted.
    pub(crate) fn gated(mut self, gate: Option<Gate>) -> Self {
        self.gate = gate;
        self
    }

    /// Whether the session's revision knows batches.
    pub(crate) fn takes_batches(&self) -> bool {
        let session = self.session.as_deref();
        session.is_some_and(legacy::takes_batches)
    }

    /// How many calls run.
    pub(crate) fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Takes in a message of the client. What can be answered at once is.
    ///
    /// A request beyond [`Limits::calls_per_session`](crate::Limits::calls_per_session) is
    /// refused: a transport that would rather let its client wait looks at
    /// [`running`](Self::running) first.
    pub(crate) fn take(
        &mut self,
        cx: &mut Context<'_>,
        message: Result<Inbound, EnvelopeError>,
        output: &mut impl Output,
    ) {
        let parsed = match message {
            Ok(Inbound::Message(parsed)) => Ok(parsed),
            Ok(Inbound::Batch(bytes)) => {
                let session = self.session.clone();
                match session.filter(|session| legacy::takes_batches(session)) {
                    Some(session) => return self.batch(cx, &bytes, &session, output),
                    // No array is a message.
                    None => Frame::parse(bytes),
                }
            }
            Err(error) => Err(error),
        };
        match parsed {
            Ok(Parsed::Request(frame)) => self.call(cx, frame, output),
            Ok(Parsed::Notification(frame)) => notified(&frame, &self.calls),
            Ok(Parsed::Answer { id, answer }) => {
                let session = self.session.as_deref();
                let known = session
                    .zip(id)
                    .is_some_and(|(session, id)| session.answer(&id, answer));
                if !known {
                    tracing::debug!("an answer to nothing that was asked");
                }
            }
            Err(error) => {
                let object = ErrorObject::new(error.code(), error.to_string());
                refuse(output, error.id().map(IdBuf::as_json), &object);
            }
        }
    }

    fn call(&mut self, cx: &mut Context<'_>, frame: Arc<Frame>, output: &mut impl Output) {
        // Over HTTP+SSE each came with a request of its own.
        if let Some(gate) = &self.gate
            && self.transport != Transport::Sse
            && let Err(early) = gate.pass(&self.core)
        {
            return refuse(output, Some(frame.id()), &early.error());
        }
        let mut id = None;
        if !self.tasks.is_empty() {
            let known = frame.id_buf();
            if self.calls.contains(&known) {
                // An answer with this id would be taken for the other request's.
                let shown = crate::handler::text::shown(known.as_json());
                let message = format!("a request with id {shown} is still running");
                let error = ErrorObject::new(ErrorCode::INVALID_REQUEST, message);
                return refuse(output, None, &error);
            }
            if self.tasks.len() >= self.core.limits.calls_per_session {
                let message = "too many calls run in this session: wait for one to end";
                let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, message);
                return refuse(output, Some(known.as_json()), &error);
            }
            id = Some(known);
        }
        let id = id.unwrap_or_else(|| frame.id_buf());
        let incoming = Incoming {
            frame,
            via: Via::Line(self.session.clone()),
            principal: self.principal.clone(),
            outlet: self.outlet.clone(),
        };
        match begin(cx, &self.core, incoming) {
            Started::Ready(reply) => self.reply(reply, output),
            Started::Waiting(call) => {
                let task_id = id.clone();
                let done = async move { Done::Call(task_id, call.await) };
                let abort = self.tasks.spawn(done);
                self.calls.insert(id, abort);
            }
        }
    }

    fn batch(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        session: &Arc<Session>,
        output: &mut impl Output,
    ) {
        let incoming = |frame| Incoming {
            frame,
            via: Via::Line(Some(Arc::clone(session))),
            principal: self.principal.clone(),
            outlet: self.outlet.clone(),
        };
        match {
            let gate = self.gate.as_ref();
            Batch::take(cx, &self.core, session, &self.calls, gate, bytes, incoming)
        } {
            Ok(batch) if !batch.waits() => self.answer_batch(batch.into_array(), output),
            Ok(mut batch) => {
                let calls = Arc::clone(&self.calls);
                self.tasks.spawn(async move {
                    while batch.next(&calls).await {}
                    Done::Batch(batch.into_array())
                });
            }
            Err(error) => {
                let object = ErrorObject::new(error.code(), error.to_string());
                refuse(output, None, &object);
            }
        }
    }

    fn answer_batch(&mut self, answers: Option<Vec<u8>>, output: &mut impl Output) {
        self.take_inbox(output);
        if let Some(answers) = answers {
            output.push(&answers);
        }
    }

    /// Waits for the next event. Cancel safe: nothing is lost if the future is dropped.
    pub(crate) async fn event(&mut self) -> Event {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(Some(done)) = self.tasks.poll_join_next(cx) {
            return Poll::Ready(Event::Done(done));
        }
        // The outlet keeps the queue open.
        if let Poll::Ready(Some(message)) = self.inbox.poll_recv(cx) {
            return Poll::Ready(Event::Message(message));
        }
        let session = self.session.as_ref();
        if let Some(listener) = session.and_then(|session| session.known_listener())
            && let Poll::Ready(Some(notices)) = listener.poll_take(cx)
        {
            return Poll::Ready(Event::Notices(notices));
        }
        Poll::Pending
    }

    /// Writes out what an event means for the client.
    pub(crate) fn settle(&mut self, event: Event, output: &mut impl Output) {
        match event {
            Event::Done(Ok(Done::Batch(answers))) => self.answer_batch(answers, output),
            Event::Done(Ok(Done::Call(id, reply))) => {
                self.calls.remove(&id);
                self.reply(reply, output);
            }
            // Cancelled: there is no answer. Handlers' panics are caught further in.
            Event::Done(Err(error)) => {
                tracing::debug!(%error, "a call ended without an answer");
            }
            Event::Message(message) => output.push(&message),
            Event::Notices(notices) => {
                for notice in notices {
                    output.push(&notice.message(None));
                }
            }
        }
    }

    fn reply(&mut self, reply: Reply, output: &mut impl Output) {
        if let Some(session) = reply.opened {
            legacy::listener(&self.core, &session);
            self.session = Some(session);
        }
        // What the call sent before its answer comes before it.
        self.take_inbox(output);
        output.push(&reply.message);
    }

    /// Writes out what calls have said so far.
    pub(crate) fn take_inbox(&mut self, output: &mut impl Output) {
        while let Ok(message) = self.inbox.try_recv() {
            output.push(&message);
        }
    }

    /// The client sends no more: what waits for it ends, what works for it may finish.
    pub(crate) fn hang_up(&self) {
        self.hung_up.send_replace(true);
        if let Some(session) = &self.session {
            session.close_asks();
        }
    }

    /// Drops the calls that still run, and waits until they are gone.
    pub(crate) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // The tasks end with their set.
        if let Some(session) = &self.session {
            session.end();
        }
    }
}

/// Answers what is no request that can be served.
pub(crate) fn refuse(output: &mut impl Output, id: Option<&str>, error: &ErrorObject) {
    output.push(&Reply::error(id, error, 400).message);
}
