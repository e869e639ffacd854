//! Several messages in one array, which only a session of 2025-03-26 may send
//! (spec 2025-03-26, `basic`, "Batching", and `basic/transports`).
//!
//! Each member is taken in as if it had come alone, in the order of the array; one that is no
//! message is answered by itself. The answers go back together, in the order in which they are
//! there.

use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;
use tokio::task::JoinSet;
use wharf_protocol::envelope::{EnvelopeError, IdBuf, batch};
use wharf_protocol::error::{ErrorCode, ErrorObject};

use super::{Started, begin, notified};
use crate::call::{Frame, Incoming, Parsed, Reply};
use crate::calls::Calls;
use crate::core::Core;
use crate::rate::Gate;
use crate::session::Session;

/// A batch that was taken in: the answers so far, and the calls that still run.
///
/// Dropping it drops the calls.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    answers: Vec<Bytes>,
    waiting: JoinSet<(IdBuf, Reply)>,
    accepted: bool,
}

impl Batch {
    /// Takes in every member; `incoming` makes a request of a message, and `gate` counts them. Never waits: what is not
    /// ready at once runs on, and is registered in `calls`.
    ///
    /// # Errors
    /// The array as a whole is refused; nothing was taken in.
    pub(crate) fn take(
        cx: &mut Context<'_>,
        core: &Arc<Core>,
        session: &Session,
        calls: &Calls,
        gate: Option<&Gate>,
        bytes: &[u8],
        incoming: impl Fn(Arc<Frame>) -> Incoming,
    ) -> Result<Self, EnvelopeError> {
        let text = std::str::from_utf8(bytes).map_err(EnvelopeError::not_utf8)?;
        let mut taken = Self::default();
        for member in batch(text, core.limits.batch_messages)? {
            match Frame::parse(member) {
                Ok(Parsed::Request(frame)) => match gate.map_or(Ok(()), |gate| gate.pass(core)) {
                    Ok(()) => taken.call(cx, core, calls, incoming(frame)),
                    Err(early) => {
                        let reply = Reply::error(Some(frame.id()), &early.error(), 429);
                        taken.answers.push(reply.message.into());
                    }
                },
                Ok(Parsed::Notification(frame)) => {
                    notified(&frame, calls);
                    taken.accepted = true;
                }
                Ok(Parsed::Answer { id, answer }) => {
                    taken.accepted |= id.is_some_and(|id| session.answer(&id, answer));
                }
                Err(error) => {
                    let id = error.id().map(IdBuf::as_json);
                    taken.refuse(id, error.code(), error.to_string());
                }
            }
        }
        Ok(taken)
    }

    fn call(&mut self, cx: &mut Context<'_>, core: &Arc<Core>, calls: &Calls, incoming: Incoming) {
        let id = incoming.frame.id_buf();
        if calls.contains(&id) {
            return self.duplicate(&id);
        }
        if calls.running() >= core.limits.calls_per_session {
            let message = "too many calls run in this session: wait for one to end";
            return self.refuse(
                Some(id.as_json()),
                ErrorCode::INTERNAL_ERROR,
                message.into(),
            );
        }
        match begin(cx, core, incoming) {
            Started::Ready(reply) => self.answers.push(reply.message.into()),
            Started::Waiting(call) => {
                let task_id = id.clone();
                let abort = self.waiting.spawn(async move { (task_id, call.await) });
                if !calls.insert(id.clone(), abort) {
                    self.duplicate(&id);
                }
            }
        }
    }

    fn duplicate(&mut self, id: &IdBuf) {
        let shown = crate::handler::text::shown(id.as_json());
        let message = format!("a request with id {shown} is still running");
        // Without the id: an answer with it would be taken for the other request's.
        self.refuse(None, ErrorCode::INVALID_REQUEST, message);
    }

    fn refuse(&mut self, id: Option<&str>, code: i32, message: String) {
        let reply = Reply::error(id, &ErrorObject::new(code, message), 400);
        self.answers.push(reply.message.into());
    }

    /// Whether calls still run.
    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether there is, or will be, anything to answer.
    pub(crate) fn is_answered(&self) -> bool {
        !self.answers.is_empty() || self.waits()
    }

    /// Whether any notification, or answer to an open ask, was among the members.
    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted
    }

    /// Waits for one more answer; `false` once there is none to wait for. Cancel safe.
    pub(crate) async fn next(&mut self, calls: &Calls) -> bool {
        match self.waiting.join_next().await {
            Some(Ok((id, reply))) => {
                calls.remove(&id);
                self.answers.push(reply.message.into());
                true
            }
            // Cancelled: there is no answer. Handlers' panics are caught further in.
            Some(Err(error)) => {
                tracing::debug!(%error, "a call ended without an answer");
                true
            }
            None => false,
        }
    }

    /// Takes the answers that are there, one by one.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Bytes> {
        self.answers.drain(..)
    }

    /// All answers as one array; `None` if there are none.
    pub(crate) fn into_array(self) -> Option<Vec<u8>> {
        array(&self.answers)
    }
}

/// Answers as one array; `None` if there are none, because then nothing is sent.
pub(crate) fn array<T: AsRef<[u8]>>(answers: &[T]) -> Option<Vec<u8>> {
    let length: usize = answers.iter().map(|answer| answer.as_ref().len() + 1).sum();
    let mut array = Vec::with_capacity(length + 1);
    for answer in answers {
        array.push(if array.is_empty() { b'[' } else { b',' });
        array.extend_from_slice(answer.as_ref());
    }
    array.push(b']');
    (!answers.is_empty()).then_some(array)
}
