//! The queue between what a call sends and the stream that carries it.
//!
//! An outbox costs nothing until its first message. It is bounded: a sender waits while a
//! reader has too much unread. A resumable outbox keeps what was read, as far as its limits
//! allow, so that a reader that was cut off can go on where it stopped.
//!
//! A held outbox shows its reader nothing before it is in a log that outlives the process.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// One message with its place in the stream, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) message: Bytes,
}

/// Bounds of an outbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Unread messages before a sender waits.
    pub(crate) unread: usize,
    /// Bytes of unread messages before a sender waits.
    pub(crate) unread_bytes: usize,
    /// Read messages that are kept; `0` makes the outbox not resumable.
    pub(crate) kept: usize,
    /// Bytes of read messages that are kept.
    pub(crate) kept_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Messages `first..first + entries.len()`; those before `cursor` were read.
    entries: VecDeque<Bytes>,
    first: u64,
    bytes: usize,
    cursor: u64,
    /// Counts readers: only the newest one reads.
    reader: u64,
    attached: bool,
    closed: bool,
    /// The present connection, or the next one, is to end at once; the stream goes on.
    released: bool,
    /// Messages before the answer are dropped.
    deaf: bool,
    /// The last message is the answer itself.
    answered: bool,
    wakers: Vec<Waker>,
    reader_waker: Option<Waker>,
    /// Messages from this place on are not in the log yet, which no reader may overtake.
    unlogged: u64,
    log_waker: Option<Waker>,
}

/// What the log of a held outbox finds.
#[derive(Debug)]
pub(crate) struct Unlogged {
    pub(crate) entry: Entry,
    /// It is the answer itself.
    pub(crate) is_answer: bool,
    /// Messages up to this one that the reader has not read.
    pub(crate) unread: usize,
}

/// What a reader finds.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    Entry(Entry),
    /// Nothing more will come.
    End,
}

/// The outbox no longer takes messages.
#[derive(Debug, PartialEq)]
pub(crate) struct Closed;

impl Outbox {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        let state = State {
            first: 1,
            cursor: 1,
            attached: true,
            unlogged: u64::MAX,
            ..State::default()
        };
        Arc::new(Self {
            bounds,
            state: Mutex::new(state),
        })
    }

    /// An outbox with messages of before a restart, the first of which has this place.
    pub(crate) fn replay(bounds: Bounds, first: u64, entries: VecDeque<Bytes>) -> Arc<Self> {
        let outbox = Self::new(bounds);
        {
            let mut state = outbox.lock();
            state.first = first;
            state.cursor = first;
            state.bytes = entries.iter().map(Bytes::len).sum();
            state.entries = entries;
        }
        outbox
    }

    // --- the log of a held outbox --------------------------------------------------------------

    /// Shows no reader anything that has not been logged, from the place `seq` on.
    pub(crate) fn hold(&self, seq: u64) {
        self.lock().unlogged = seq;
    }

    /// The place of the first message that is there.
    pub(crate) fn first(&self) -> u64 {
        self.lock().first
    }

    /// The next message to log; `None` at the end.
    pub(crate) fn poll_unlogged(&self, cx: &mut Context<'_>) -> Poll<Option<Unlogged>> {
        let mut state = self.lock();
        let seq = state.unlogged;
        if let Some(message) = state.entries.get((seq - state.first) as usize) {
            return Poll::Ready(Some(Unlogged {
                entry: Entry {
                    seq,
                    message: message.clone(),
                },
                is_answer: state.answered && seq + 1 == state.end(),
                unread: if state.attached {
                    (seq + 1).saturating_sub(state.cursor) as usize
                } else {
                    0
                },
            }));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.log_waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Notes that the message at this place is in the log.
    pub(crate) fn logged(&self, seq: u64) {
        let mut state = self.lock();
        state.unlogged = seq + 1;
        self.trim(&mut state);
        state.wake_all();
    }

    /// Drops what is not in the log, and closes: it cannot be logged.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        while state.end() > state.unlogged.max(state.first) {
            if let Some(message) = state.entries.pop_back() {
                state.bytes -= message.len();
            }
        }
        state.closed = true;
        state.wake_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message; waits while a reader is there that has too much unread.
    ///
    /// Cancel safe: a message whose send was dropped while it waited was not sent.
    pub(crate) async fn send(&self, message: Bytes) -> Result<(), Closed> {
        // Where nobody reads nothing waits: who sends much must let others have their turn.
        tokio::task::consume_budget().await;
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.closed || state.deaf {
                return Poll::Ready(Err(Closed));
            }
            if state.attached && self.is_full(&state)
                || state.end().saturating_sub(state.unlogged) >= self.bounds.unread as u64
            {
                register(&mut state.wakers, cx.waker());
                return Poll::Pending;
            }
            self.push(&mut state, message.clone());
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Whether a reader has as much unread as it may have.
    fn is_full(&self, state: &State) -> bool {
        // Nothing is added up as long as all that is there would fit.
        state.unread() >= self.bounds.unread
            || state.bytes >= self.bounds.unread_bytes
                && state.unread_bytes() >= self.bounds.unread_bytes
    }

    /// Appends the last message without waiting, and closes.
    pub(crate) fn finish(&self, last: Option<Bytes>) {
        let mut state = self.lock();
        if let (Some(message), false) = (last, state.closed) {
            self.push(&mut state, message);
            state.answered = true;
        }
        state.closed = true;
        state.wake_all();
    }

    fn push(&self, state: &mut State, message: Bytes) {
        state.bytes += message.len();
        state.entries.push_back(message);
        self.trim(state);
        if let Some(waker) = state.log_waker.take() {
            waker.wake();
        } else if let Some(waker) = state.reader_waker.take() {
            waker.wake();
        }
    }

    /// Drops what need not be kept: read messages beyond the bounds, and, while nobody reads,
    /// the oldest unread ones.
    fn trim(&self, state: &mut State) {
        loop {
            let read = state.cursor.saturating_sub(state.first) as usize;
            let logged = state.unlogged.saturating_sub(state.first);
            let droppable = if state.attached {
                read
            } else {
                state
                    .entries
                    .len()
                    .min(usize::try_from(logged).unwrap_or(usize::MAX))
            };
            let too_many = droppable > self.bounds.kept;
            let too_big = droppable > 0 && state.bytes > self.bounds.kept_bytes;
            if !(too_many || too_big) || (read == 0 && state.attached) {
                return;
            }
            let Some(oldest) = state.entries.pop_front() else {
                return;
            };
            state.bytes -= oldest.len();
            state.first += 1;
            state.cursor = state.cursor.max(state.first);
        }
    }

    /// Appends a message without waiting, for a sender that is bounded by itself.
    pub(crate) fn append(&self, message: Bytes) {
        let mut state = self.lock();
        if !state.closed {
            self.push(&mut state, message);
        }
    }

    /// Drops every message but the answer from now on: the client cannot read a stream.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.deaf = true;
        state.first = 1;
        state.cursor = 1;
        state.entries.clear();
        state.bytes = 0;
        state.wake_all();
    }

    pub(crate) fn has_unread(&self) -> bool {
        self.lock().unread() > 0
    }

    /// Whether any message was ever sent.
    pub(crate) fn is_used(&self) -> bool {
        let state = self.lock();
        state.first > 1 || !state.entries.is_empty()
    }

    /// Whether it is open, and somebody reads it.
    pub(crate) fn is_read(&self) -> bool {
        let state = self.lock();
        state.attached && state.reader > 0 && !state.closed
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Closed, and everything was read.
    pub(crate) fn is_drained(&self) -> bool {
        let state = self.lock();
        state.closed && state.unread() == 0
    }

    /// Takes over reading, after message `after`; `None` where it stands. A reader of before
    /// finds the end. Fails if a message after `after` is no longer kept, or never was.
    pub(crate) fn attach(self: &Arc<Self>, after: Option<u64>) -> Option<Reader> {
        let mut state = self.lock();
        if let Some(after) = after {
            let end = state.end().min(state.unlogged);
            let next = after.checked_add(1)?;
            if next < state.first || next > end {
                return None;
            }
            state.cursor = next;
        }
        state.reader += 1;
        state.attached = true;
        if let Some(waker) = state.reader_waker.take() {
            waker.wake();
        }
        let number = state.reader;
        if std::mem::take(&mut state.released) {
            state.reader += 1;
            state.attached = false;
        }
        Some(Reader {
            outbox: Arc::clone(self),
            number,
        })
    }

    /// Stands in for the reader that a request will attach once it knows that a stream is due.
    /// Dropped without one, as when the connection is lost first, nobody is waited for any more.
    pub(crate) fn expect_reader(&self) -> ExpectedReader<'_> {
        ExpectedReader(self)
    }

    /// Ends the connection of the present reader, or of the first one to come, without closing
    /// the outbox: the client comes back for the rest.
    pub(crate) fn release_connection(&self) {
        let mut state = self.lock();
        if state.reader == 0 {
            state.released = true;
        }
        state.reader += u64::from(state.reader > 0);
        state.attached = false;
        state.wake_all();
    }

    /// The answer, if it is all that was ever sent.
    pub(crate) fn take_only_answer(&self) -> Option<Bytes> {
        let mut state = self.lock();
        let only = state.answered && state.first == 1 && state.entries.len() == 1;
        if !only || state.released || state.reader > 0 {
            return None;
        }
        state.cursor = 2;
        state.entries.front().cloned()
    }

    /// Ready once a message is there or the outbox is closed.
    pub(crate) fn poll_used(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.closed || state.released || state.unread() > 0 {
            return Poll::Ready(());
        }
        state.reader_waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl State {
    /// The place of the next message to come.
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    fn unread(&self) -> usize {
        (self.end() - self.cursor) as usize
    }

    fn unread_bytes(&self) -> usize {
        let read = (self.cursor - self.first) as usize;
        self.entries.range(read..).map(Bytes::len).sum()
    }

    /// Whether there is a message that the reader may have.
    fn is_readable(&self) -> bool {
        self.end().min(self.unlogged) > self.cursor
    }

    fn wake_all(&mut self) {
        let other = self
            .reader_waker
            .take()
            .into_iter()
            .chain(self.log_waker.take());
        for waker in self.wakers.drain(..).chain(other) {
            waker.wake();
        }
    }
}

fn register(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|known| known.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

/// See [`Outbox::expect_reader`].
#[derive(Debug)]
pub(crate) struct ExpectedReader<'a>(&'a Outbox);

impl Drop for ExpectedReader<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if state.reader == 0 {
            state.attached = false;
            state.wake_all();
        }
    }
}

/// The one reader of an outbox. Dropping it leaves the outbox open for another.
#[derive(Debug)]
pub(crate) struct Reader {
    outbox: Arc<Outbox>,
    number: u64,
}

impl Reader {
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let mut state = self.outbox.lock();
        if state.reader != self.number {
            return Poll::Ready(Next::End);
        }
        if state.is_readable() {
            let (seq, index) = (state.cursor, (state.cursor - state.first) as usize);
            let message = state.entries[index].clone();
            state.cursor += 1;
            self.outbox.trim(&mut state);
            for waker in state.wakers.drain(..) {
                waker.wake();
            }
            return Poll::Ready(Next::Entry(Entry { seq, message }));
        }
        if state.closed && state.unread() == 0 {
            return Poll::Ready(Next::End);
        }
        match &mut state.reader_waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.outbox.lock();
        if state.reader == self.number {
            state.attached = false;
            // A stream that cannot be resumed has no use for further messages.
            state.closed |= self.outbox.bounds.kept == 0;
            state.wake_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: Bounds = Bounds {
        unread: 2,
        unread_bytes: 1000,
        kept: 3,
        kept_bytes: 1000,
    };
    const PLAIN: Bounds = Bounds {
        unread: 2,
        unread_bytes: 1000,
        kept: 0,
        kept_bytes: 0,
    };

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    async fn next(reader: &mut Reader) -> Option<u64> {
        match poll_fn(|cx| reader.poll_next(cx)).await {
            Next::Entry(entry) => Some(entry.seq),
            Next::End => None,
        }
    }

    #[tokio::test]
    async fn a_reader_gets_everything_in_order_and_then_the_end() {
        let outbox = Outbox::new(PLAIN);
        let mut reader = outbox.attach(None).unwrap();
        outbox.send(bytes("a")).await.unwrap();
        outbox.finish(Some(bytes("b")));
        assert_eq!(next(&mut reader).await, Some(1));
        assert_eq!(next(&mut reader).await, Some(2));
        assert_eq!(next(&mut reader).await, None);
        assert_eq!(outbox.send(bytes("c")).await, Err(Closed));
    }

    #[tokio::test]
    async fn a_sender_waits_for_a_slow_reader() {
        let outbox = Outbox::new(PLAIN);
        let mut reader = outbox.attach(None).unwrap();
        outbox.send(bytes("a")).await.unwrap();
        outbox.send(bytes("b")).await.unwrap();
        let sender = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.send(bytes("c")).await }
        });
        tokio::task::yield_now().await;
        assert!(!sender.is_finished());
        assert_eq!(next(&mut reader).await, Some(1));
        assert_eq!(sender.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_sender_without_a_reader_lets_others_have_their_turn() {
        let outbox = Outbox::new(KEPT);
        drop(outbox.attach(None));
        let sender = tokio::spawn(async move {
            loop {
                outbox.send(bytes("a")).await.unwrap();
            }
        });
        tokio::task::yield_now().await;
        assert!(!sender.is_finished());
        sender.abort();
    }

    #[tokio::test]
    async fn a_sender_waits_for_a_reader_of_few_long_messages() {
        let bounds = Bounds {
            unread: 100,
            unread_bytes: 10,
            ..KEPT
        };
        let outbox = Outbox::new(bounds);
        let mut reader = outbox.attach(None).unwrap();
        // One message may be longer than all may be together.
        outbox
            .send(bytes("a message longer than ten"))
            .await
            .unwrap();
        let sender = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move {
                outbox.send(bytes("12345")).await?;
                outbox.send(bytes("67890")).await?;
                outbox.send(bytes("x")).await
            }
        });
        tokio::task::yield_now().await;
        assert!(!outbox.lock().entries.contains(&bytes("12345")));
        assert_eq!(next(&mut reader).await, Some(1));
        tokio::task::yield_now().await;
        // What was read and is kept does not count.
        assert_eq!(outbox.lock().unread_bytes(), 10);
        assert!(!sender.is_finished());
        assert_eq!(next(&mut reader).await, Some(2));
        assert_eq!(sender.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_reader_that_was_cut_off_misses_nothing_and_gets_nothing_twice() {
        let outbox = Outbox::new(KEPT);
        let mut reader = outbox.attach(None).unwrap();
        outbox.send(bytes("a")).await.unwrap();
        assert_eq!(next(&mut reader).await, Some(1));
        drop(reader);
        outbox.send(bytes("b")).await.unwrap();
        outbox.send(bytes("c")).await.unwrap();
        let mut reader = outbox.attach(Some(1)).unwrap();
        assert_eq!(next(&mut reader).await, Some(2));
        assert_eq!(next(&mut reader).await, Some(3));
    }

    #[tokio::test]
    async fn what_is_no_longer_kept_cannot_be_resumed() {
        let outbox = Outbox::new(KEPT);
        drop(outbox.attach(None));
        for _ in 0..5 {
            outbox.send(bytes("x")).await.unwrap();
        }
        assert!(outbox.attach(Some(1)).is_none());
        assert!(outbox.attach(Some(9)).is_none());
        assert!(outbox.attach(Some(u64::MAX)).is_none());
        assert_eq!(next(&mut outbox.attach(Some(2)).unwrap()).await, Some(3));
    }

    #[tokio::test]
    async fn a_new_reader_ends_the_old_one() {
        let outbox = Outbox::new(KEPT);
        let mut old = outbox.attach(None).unwrap();
        let mut new = outbox.attach(None).unwrap();
        outbox.send(bytes("a")).await.unwrap();
        assert_eq!(next(&mut old).await, None);
        drop(old);
        assert_eq!(next(&mut new).await, Some(1));
    }

    #[tokio::test]
    async fn a_reader_that_never_comes_holds_up_no_sender() {
        let outbox = Outbox::new(KEPT);
        let expected = outbox.expect_reader();
        for _ in 0..2 {
            outbox.send(bytes("a")).await.unwrap();
        }
        let sender = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.send(bytes("b")).await }
        });
        tokio::task::yield_now().await;
        assert!(!sender.is_finished());
        drop(expected);
        assert_eq!(sender.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_stream_that_cannot_be_resumed_closes_with_its_reader() {
        let outbox = Outbox::new(PLAIN);
        drop(outbox.attach(None));
        assert_eq!(outbox.send(bytes("a")).await, Err(Closed));
    }
}
