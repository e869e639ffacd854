//! [`Duplex`]: requests and answers over one connection that carries messages in both directions.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::{oneshot, watch};
use wharf_protocol::envelope::MessageKind;

use super::Outgoing;
use crate::error::{Error, Result};
use crate::message::{Answer, response_id, scan};
use crate::peer::{Peer, Respond, Then, cancelled};

/// Where messages go out. Each transport has its own.
pub(crate) trait Output: Send + Sync + 'static {
    /// Takes a message, if there is room; `false` if there is none at the moment. `alone` says
    /// that no other request is on its way: what is written now is not held back for company.
    fn push(&self, message: &[u8], alone: bool) -> bool;

    /// Waits until there may be room.
    fn room(&self) -> BoxFuture<'_, ()>;

    /// Ends the connection, in the order that the transport has.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A connection with messages in both directions. Answers find their requests by id, in any order.
pub(crate) struct Duplex {
    peer: Arc<Peer>,
    output: Box<dyn Output>,
    waiting: Mutex<Waiting>,
    over: watch::Sender<bool>,
    /// Messages that came so far.
    heard: AtomicU64,
    /// Somebody is asking whether the server is still there.
    pub(crate) doubted: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    requests: HashMap<i64, oneshot::Sender<Result<Answer>>>,
    /// Why there will be no more answers.
    ended: Option<Error>,
    /// The first of what came and was no message.
    rubbish: Option<Error>,
}

/// Bytes that are no message are dropped; so many of them in a row are no server.
const MOST_RUBBISH: u32 = 1000;

/// What reading a connection remembers from message to message.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    rubbish: u32,
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex").finish_non_exhaustive()
    }
}

impl Duplex {
    pub(crate) fn new(peer: Arc<Peer>, output: impl Output) -> Arc<Self> {
        Arc::new(Self {
            peer,
            output: Box::new(output),
            waiting: Mutex::default(),
            over: watch::Sender::new(false),
            heard: AtomicU64::new(0),
            doubted: AtomicBool::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn request(self: &Arc<Self>, outgoing: Outgoing<'_>) -> Result<Answer> {
        let (sender, receiver) = oneshot::channel();
        let alone = {
            let mut waiting = self.lock();
            if let Some(error) = &waiting.ended {
                return Err(error.clone());
            }
            waiting.requests.insert(outgoing.id, sender);
            waiting.requests.len() == 1
        };
        let mut unanswered = Unanswered {
            duplex: self,
            id: outgoing.id,
            sent: false,
        };
        self.push(&outgoing.body, alone).await;
        // An `initialize` is the one request that may not be cancelled.
        unanswered.sent = outgoing.request.method != "initialize";
        let answer = receiver.await;
        // Whoever answered took it out of the table, or the connection has ended.
        unanswered.sent = false;
        answer.unwrap_or_else(|_| Err(Error::closed("the connection has ended")))
    }

    pub(crate) async fn send(&self, message: Vec<u8>) -> Result<()> {
        if let Some(error) = self.ended() {
            return Err(error);
        }
        self.push(&message, false).await;
        Ok(())
    }

    async fn push(&self, message: &[u8], alone: bool) {
        while !self.output.push(message, alone) {
            self.output.room().await;
            if self.ended().is_some() {
                return;
            }
        }
    }

    /// Takes in one message; an error ends the connection.
    pub(crate) fn take(self: &Arc<Self>, reading: &mut Reading, message: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(message)
            .map_err(|_| Error::protocol("the server sent bytes that are no UTF-8"));
        let scanned = text.and_then(|text| Ok((text, scan(text)?)));
        let (text, (kind, parts)) = match scanned {
            Ok(scanned) => scanned,
            Err(error) => {
                if let Some(id) = self.meant(message) {
                    self.answer(id, Err(error));
                    return Ok(());
                }
                reading.rubbish += 1;
                tracing::warn!(%error, "ignored");
                return if reading.rubbish > MOST_RUBBISH {
                    Err(error)
                } else {
                    self.rubbish(&error);
                    Ok(())
                };
            }
        };
        reading.rubbish = 0;
        self.heard.fetch_add(1, Ordering::Relaxed);
        if kind != MessageKind::Response {
            if let Then::Ended(id) = self.peer.take(kind, text, &parts, self) {
                let ended = Error::closed("the server has ended the subscription");
                self.answer(id, Err(ended));
            }
            return Ok(());
        }
        let answer = Answer::of(text.to_owned(), &parts);
        match response_id(text, &parts) {
            Some(id) => self.answer(id, answer),
            None => self.answer_to_nobody(answer),
        }
        Ok(())
    }

    fn answer(&self, id: i64, answer: Result<Answer>) {
        let request = self.lock().requests.remove(&id);
        match request {
            // The one who asked may be gone.
            Some(request) => drop(request.send(answer)),
            None => tracing::debug!(id, "an answer that nobody waits for"),
        }
    }

    /// The request that an answer is meant for which cannot be read: nested too deep, cut off, with
    /// a member twice. It fails now, instead of waiting for nothing.
    fn meant(&self, message: &[u8]) -> Option<i64> {
        const ID: &[u8] = b"\"id\":";
        let has = |member: &str| memchr::memmem::find(message, member.as_bytes()).is_some();
        // A line of a log may have an `id` too.
        if !has("\"jsonrpc\"") || !(has("\"result\"") || has("\"error\"")) {
            return None;
        }
        let waiting = self.lock();
        memchr::memmem::find_iter(message, ID).find_map(|at| {
            let rest = message[at + ID.len()..].trim_ascii_start();
            let end = rest.iter().position(|byte| !byte.is_ascii_digit());
            let digits = std::str::from_utf8(&rest[..end.unwrap_or(rest.len())]).ok()?;
            let id = digits.parse().ok()?;
            waiting.requests.contains_key(&id).then_some(id)
        })
    }

    /// An error without an id can only mean a request that the server could not read; where just
    /// one is on its way, it is that one.
    fn answer_to_nobody(&self, answer: Result<Answer>) {
        let Err(error) = answer else { return };
        let only = {
            let waiting = self.lock();
            let mut ids = waiting.requests.keys().copied();
            ids.next().filter(|_| ids.next().is_none())
        };
        tracing::warn!(%error, "the server answered with an error to no request in particular");
        if let Some(id) = only {
            self.answer(id, Err(error));
        }
    }

    /// Nothing more will come.
    pub(crate) fn end(&self, error: &Error) {
        let requests = {
            let mut waiting = self.lock();
            if waiting.ended.is_none() {
                waiting.ended = Some(explained(error, waiting.rubbish.as_ref()));
            }
            std::mem::take(&mut waiting.requests)
        };
        let error = self.ended().unwrap_or_else(|| error.clone());
        for (_, request) in requests {
            let _ = request.send(Err(error.clone()));
        }
        self.over.send_replace(true);
        self.peer.end();
    }

    /// A message did not reach the server: its request fails, and nothing else.
    pub(crate) fn not_sent(&self, message: &[u8], error: Error) {
        let text = std::str::from_utf8(message).unwrap_or_default();
        let id = scan(text)
            .ok()
            .and_then(|(_, parts)| response_id(text, &parts));
        match id {
            Some(id) => self.answer(id, Err(error)),
            None => tracing::warn!(%error, "a message could not be sent"),
        }
    }

    /// Remembers what came and was no message: it may be why there is no answer.
    fn rubbish(&self, error: &Error) {
        self.lock().rubbish.get_or_insert_with(|| error.clone());
    }

    /// An error, with what is known about its cause.
    pub(crate) fn explain(&self, error: Error) -> Error {
        explained(&error, self.lock().rubbish.as_ref())
    }

    /// How many messages have come so far.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether a request waits that was sent before this one, other than a subscription.
    pub(crate) fn waits_longer_than(&self, id: i64) -> bool {
        let older: Vec<i64> = {
            let waiting = self.lock();
            let ids = waiting.requests.keys().copied();
            ids.filter(|waiting| *waiting < id).collect()
        };
        older.into_iter().any(|id| !self.peer.is_subscription(id))
    }

    /// Waits until there will be no more answers.
    pub(crate) async fn over(&self) {
        // The sender is as old as what waits.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Why there will be no more answers, once that is so.
    pub(crate) fn ended(&self) -> Option<Error> {
        self.lock().ended.clone()
    }

    pub(crate) async fn close(&self) {
        // A server may see its open requests through before it ends.
        let open: Vec<i64> = self.lock().requests.keys().copied().collect();
        for id in open {
            self.output.push(&cancelled(id), true);
        }
        self.end(&Error::closed("the client was closed"));
        self.output.close().await;
    }
}

fn explained(error: &Error, rubbish: Option<&Error>) -> Error {
    match rubbish {
        Some(rubbish) => error.followed_by(rubbish),
        None => error.clone(),
    }
}

impl Respond for Duplex {
    fn respond(self: Arc<Self>, message: Vec<u8>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            if let Err(error) = self.send(message).await {
                tracing::debug!(%error, "an answer could not be sent");
            }
        })
    }
}

/// A request on its way. Dropped, it is taken out of the table, and the server is told.
struct Unanswered<'a> {
    duplex: &'a Arc<Duplex>,
    id: i64,
    sent: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let known = self.duplex.lock().requests.remove(&self.id).is_some();
        if known && self.sent {
            // Where there is no room, a server that does not read would not read this either.
            self.duplex.output.push(&cancelled(self.id), true);
        }
    }
}
