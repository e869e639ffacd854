//! The events of resumable streams in a durable store.
//!
//! Each stream has two logs: one with a single event that says whose call it carries, and one with
//! what was sent. A task per stream moves messages from the outbox into the log, and only then the
//! stream's reader gets them. So a client never has an event that the server could forget.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use wharf_protocol::envelope::{Id, IdBuf};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_state::{Scope, State, StateError};

use super::owner;
use crate::call::Reply;
use crate::core::Core;
use crate::outbox::{Bounds, Outbox};
use crate::session::Session;

/// The first byte of an event says what follows.
const MESSAGE: u8 = 0;
/// The last message of a call: its answer.
const ANSWER: u8 = 1;
/// No message: the call ended without an answer, because its client cancelled it.
const END: u8 = 2;

const INTERRUPTED: &str = "the server was restarted while this call ran, and its answer is lost: \
                           what it did may have taken effect";

/// What a stream is there for.
#[derive(Serialize, Deserialize)]
struct Head {
    /// The ids of the requests that it answers; none if it carries notices.
    calls: Vec<Box<RawValue>>,
}

/// What the names of all logs of a session begin with.
pub(super) fn logs_of(session: &Session) -> String {
    format!("streams/{}/", session.header())
}

fn logs_of_stream(session: &Session, number: u64) -> String {
    format!("{}{number}/", logs_of(session))
}

/// The writer of one stream's log.
struct Log {
    store: Arc<dyn State>,
    session: Arc<Session>,
    owner: String,
    head: String,
    events: String,
    bounds: Bounds,
    time: Duration,
    /// The sizes of the newest events, as many as are kept.
    sizes: VecDeque<usize>,
    bytes: usize,
}

/// The session has ended, and nothing of it is to be kept.
struct Ended;

impl Core {
    /// Begins the log of a stream, whose outbox nobody reads yet. `calls` are the requests that it
    /// answers; none if it carries notices.
    ///
    /// # Errors
    ///
    /// The store fails: the stream cannot be resumed, and its outbox is closed.
    pub(crate) async fn log_stream(
        &self,
        session: &Arc<Session>,
        number: u64,
        outbox: &Arc<Outbox>,
        bounds: Bounds,
        calls: &[IdBuf],
    ) -> Result<(), StateError> {
        let Some(log) = self.log(session, number, bounds) else {
            return Ok(());
        };
        outbox.hold(outbox.first());
        let head = Head {
            calls: calls
                .iter()
                .filter_map(|id| RawValue::from_string(id.as_json().into()).ok())
                .collect(),
        };
        let head = Bytes::from(serde_json::to_vec(&head).unwrap_or_default());
        let (begun, begins) = oneshot::channel();
        let outbox = Arc::clone(outbox);
        let is_call = !calls.is_empty();
        // A task, because senders wait for the log even if the connection is lost in between.
        tokio::spawn(async move {
            let expires = Some(SystemTime::now() + log.time);
            let put = log.store.append(&log.head, &log.owner, 1, head, 1, expires);
            let put = put.await;
            let failed = put.is_err();
            let _ = begun.send(put);
            if failed {
                outbox.abandon();
            } else {
                log.run(&outbox, is_call).await;
            }
        });
        let gone = || StateError::unavailable("the log of a stream was not begun");
        begins.await.map_err(|_| gone())?
    }

    /// Forgets a stream that is no longer kept.
    pub(crate) fn forget_stream(&self, session: &Session, number: u64) {
        if let Some(durable) = &self.durable {
            let store = Arc::clone(&durable.store);
            let logs = logs_of_stream(session, number);
            tokio::spawn(async move {
                if let Err(error) = store.forget(&logs).await {
                    tracing::debug!(%error, "the log of a stream stays until it expires");
                }
            });
        }
    }

    /// The events after `after` of a stream of before the last start, and, if it carried notices,
    /// what is to come; `None` if there is no such stream, or not all of them are kept.
    pub(crate) async fn replay(
        &self,
        session: &Arc<Session>,
        number: u64,
        after: u64,
        bounds: Bounds,
    ) -> Result<Option<Arc<Outbox>>, StateError> {
        if !session.is_of_before(number) {
            return Ok(None);
        }
        let Some(mut log) = self.log(session, number, bounds) else {
            return Ok(None);
        };
        let scope = Scope::Of(&log.owner);
        let head = log.store.events(&log.head, scope, 0, 1).await?;
        let Some((_, head)) = head.into_iter().next() else {
            return Ok(None);
        };
        let unreadable = |error| {
            StateError::unavailable("the head of a stream cannot be read").with_source(error)
        };
        let head: Head = serde_json::from_slice(&head).map_err(unreadable)?;
        log.end_interrupted(&head.calls).await?;
        let all = log.store.events(&log.events, scope, 0, usize::MAX).await?;
        let oldest = all.first().map_or(1, |(seq, _)| *seq);
        let newest = all.last().map_or(0, |(seq, _)| *seq);
        let Some(next) = after.checked_add(1) else {
            return Ok(None);
        };
        if next < oldest || after > newest {
            return Ok(None);
        }
        for (_, event) in &all {
            log.note(event.len(), 0);
        }
        let rest = all.into_iter().filter(|(seq, _)| *seq > after);
        let messages = rest.filter(|(_, event)| event.first() != Some(&END));
        let messages = messages.map(|(_, event)| event.slice(1.min(event.len())..));
        let outbox = Outbox::replay(bounds, next, messages.collect());
        if head.calls.is_empty() && session.adopt_notice_stream(number, &outbox) {
            outbox.hold(newest + 1);
            let filled = Arc::clone(&outbox);
            tokio::spawn(async move { log.run(&filled, false).await });
        } else {
            outbox.finish(None);
        }
        Ok(Some(outbox))
    }

    fn log(&self, session: &Arc<Session>, number: u64, bounds: Bounds) -> Option<Log> {
        let durable = self.durable.as_ref()?;
        let logs = logs_of_stream(session, number);
        Some(Log {
            store: Arc::clone(&durable.store),
            session: Arc::clone(session),
            owner: owner(session.principal.as_deref()),
            head: format!("{logs}head"),
            events: format!("{logs}events"),
            bounds,
            time: self.limits.session_idle * 2,
            sizes: VecDeque::new(),
            bytes: 0,
        })
    }
}

impl Log {
    /// Moves messages into the log until the outbox is closed.
    async fn run(mut self, outbox: &Outbox, is_call: bool) {
        let (mut next, mut answered) = (1, false);
        while let Some(unlogged) = poll_fn(|cx| outbox.poll_unlogged(cx)).await {
            let seq = unlogged.entry.seq;
            answered = unlogged.is_answer;
            let kind = if answered { ANSWER } else { MESSAGE };
            let event = event(kind, &unlogged.entry.message);
            let keep = self.note(event.len(), unlogged.unread);
            match self.write(seq, event, keep).await {
                Ok(true) => outbox.logged(seq),
                Ok(false) => return outbox.abandon(),
                Err(Ended) => return,
            }
            next = seq + 1;
        }
        // Who cancelled a call must not hear of it as of one that was interrupted.
        if is_call && !answered && !self.session.is_ended() {
            let keep = self.note(1, 0);
            let _ = self.write(next, event(END, &[]), keep).await;
        }
    }

    /// Counts an event, and says how many of the newest are to be kept: as many as in memory, and
    /// all that the reader has not read.
    fn note(&mut self, size: usize, unread: usize) -> usize {
        self.sizes.push_back(size);
        self.bytes += size;
        while self.sizes.len() > 1
            && self.sizes.len() > unread
            && (self.sizes.len() > self.bounds.kept || self.bytes > self.bounds.kept_bytes)
        {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
        }
        self.sizes.len()
    }

    /// Writes an event, however long it takes: while the store fails, the stream's reader waits.
    /// `false` if it can never be written.
    async fn write(&self, seq: u64, event: Bytes, keep: usize) -> Result<bool, Ended> {
        let mut pause = Duration::from_millis(50);
        loop {
            if self.session.is_ended() {
                return Err(Ended);
            }
            let expires = Some(SystemTime::now() + self.time);
            let (log, owner, event) = (&self.events, &self.owner, event.clone());
            match self
                .store
                .append(log, owner, seq, event, keep, expires)
                .await
            {
                Ok(()) => return Ok(true),
                Err(error) if error.is_refused() => {
                    tracing::error!(%error, "an event cannot be logged");
                    return Ok(false);
                }
                Err(error) => tracing::warn!(%error, "an event waits for the store"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Gives calls that were interrupted by the end of the process their answers.
    async fn end_interrupted(&self, calls: &[Box<RawValue>]) -> Result<(), StateError> {
        let scope = Scope::Of(&self.owner);
        let all = self
            .store
            .events(&self.events, scope, 0, usize::MAX)
            .await?;
        let (mut seq, mut kept) = (all.last().map_or(0, |(seq, _)| *seq), all.len());
        if all
            .last()
            .is_some_and(|(_, event)| event.first() != Some(&MESSAGE))
        {
            return Ok(());
        }
        let answered: Vec<IdBuf> = all
            .iter()
            .filter_map(|(_, event)| answered(event))
            .collect();
        let open: Vec<_> = calls
            .iter()
            .filter(|call| {
                Id::from_json(call.get()).is_none_or(|id| !answered.contains(&id.to_owned()))
            })
            .collect();
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, INTERRUPTED);
        for (place, call) in open.iter().enumerate() {
            let kind = if place + 1 == open.len() {
                ANSWER
            } else {
                MESSAGE
            };
            let event = event(kind, &Reply::error(Some(call.get()), &error, 200).message);
            (seq, kept) = (seq + 1, kept + 1);
            let expires = Some(SystemTime::now() + self.time);
            let (log, owner) = (&self.events, &self.owner);
            match self
                .store
                .append(log, owner, seq, event, kept, expires)
                .await
            {
                // Another connection came back at the same time, and was quicker with this one.
                Err(error) if error.is_refused() => {}
                done => done?,
            }
        }
        Ok(())
    }
}

/// The request that an event answers, if it is an answer.
fn answered(event: &[u8]) -> Option<IdBuf> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        method: Option<IgnoredAny>,
    }
    let message: Message<'_> = serde_json::from_slice(event.get(1..)?).ok()?;
    if message.method.is_some() {
        return None;
    }
    Id::from_json(message.id?.get()).map(|id| id.to_owned())
}

fn event(kind: u8, message: &[u8]) -> Bytes {
    let mut event = Vec::with_capacity(message.len() + 1);
    event.push(kind);
    event.extend_from_slice(message);
    event.into()
}
