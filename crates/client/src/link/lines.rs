//! A message a line, in both directions: the standard streams of a child, sockets, pipes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use wharf_protocol::lines::LineSplitter;

use super::Duplex;
use super::duplex::{Output, Reading};
use crate::error::{Error, Result};
use crate::peer::Peer;

/// Read at once at most, in bytes.
const CHUNK: usize = 64 * 1024;
/// Unwritten output beyond which senders wait, in bytes.
const HIGH_WATER: usize = 1024 * 1024;
/// How long the rest of our output may take once the connection is being closed.
const SOON: Duration = Duration::from_millis(500);

/// What ends with the connection, such as a child process.
pub(crate) trait Keeper: Send + Sync + 'static {
    /// Why the input ended, in words.
    fn why_ended(&self) -> BoxFuture<'_, Error>;

    /// Waits until nothing more can come, even if somebody else holds the input open.
    fn gone(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Called after our output was closed.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A connection that is nothing but its two streams.
#[derive(Debug)]
pub(crate) struct Streams;

impl Keeper for Streams {
    fn why_ended(&self) -> BoxFuture<'_, Error> {
        Box::pin(async { Error::closed("the server has closed the connection") })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Starts reading and writing.
pub(crate) fn open<R, W>(
    reader: R,
    writer: W,
    keeper: Arc<dyn Keeper>,
    peer: Arc<Peer>,
    limit: usize,
) -> Arc<Duplex>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let lines = Arc::new(Lines {
        state: Mutex::new(State {
            writer: Some(Box::new(writer)),
            buffer: Vec::new(),
            written: 0,
            pump: None,
        }),
        room: Notify::new(),
        keeper,
        phase: watch::Sender::new(Phase::Open),
        closed: watch::Sender::new(false),
    });
    let duplex = Duplex::new(peer, Handle(Arc::clone(&lines)));
    tokio::spawn(write(Arc::clone(&lines), Arc::downgrade(&duplex)));
    tokio::spawn(read(reader, limit, Arc::downgrade(&duplex), lines));
    duplex
}

async fn read<R: AsyncRead + Unpin>(
    mut reader: R,
    limit: usize,
    duplex: Weak<Duplex>,
    lines: Arc<Lines>,
) {
    let keeper = &*lines.keeper;
    let result = tokio::select! {
        result = read_lines(&mut reader, limit, &duplex, keeper) => result,
        () = lines.reaches(Phase::Dropped) => {
            // There is nobody left to close it. What it still says is taken off its hands.
            tokio::select! {
                () = keeper.close() => {}
                () = drain(&mut reader) => keeper.close().await,
            }
            return;
        }
    };
    let error = match result {
        Ok(()) => keeper.why_ended().await,
        Err(error) => error,
    };
    if let Some(duplex) = duplex.upgrade() {
        duplex.end(&error);
    }
}

async fn drain<R: AsyncRead + Unpin>(reader: &mut R) {
    let mut chunk = [0; 4096];
    while let Ok(1..) = reader.read(&mut chunk).await {}
}

/// Reads until the end of the input; what is not MCP ends it too, if there is too much of it.
async fn read_lines<R: AsyncRead + Unpin>(
    reader: &mut R,
    limit: usize,
    duplex: &Weak<Duplex>,
    keeper: &dyn Keeper,
) -> Result<()> {
    let mut gone = keeper.gone();
    let mut splitter = LineSplitter::new(limit);
    let mut chunk = vec![0; CHUNK];
    let mut reading = Reading::default();
    loop {
        let read = tokio::select! {
            // What it has written before it went comes first.
            biased;
            read = reader.read(&mut chunk) => read,
            () = &mut gone => return Ok(()),
        };
        let count = match read {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) => {
                return Err(
                    Error::closed(format!("the connection broke: {error}")).with_source(error)
                );
            }
        };
        let Some(duplex) = duplex.upgrade() else {
            return Ok(());
        };
        let mut rest = &chunk[..count];
        while let Some(line) = splitter.next_line(&mut rest) {
            match line {
                Ok(line) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(line) => duplex.take(&mut reading, line)?,
                Err(_) => return Err(Error::too_large("a message of the server", limit)),
            }
        }
    }
}

/// Output that waits to be written.
struct Lines {
    state: Mutex<State>,
    room: Notify,
    keeper: Arc<dyn Keeper>,
    phase: watch::Sender<Phase>,
    /// Our output is closed.
    closed: watch::Sender<bool>,
}

/// Who is still interested in the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Somebody closes it, and waits for that.
    Closing,
    /// Nobody.
    Dropped,
}

struct State {
    writer: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    buffer: Vec<u8>,
    written: usize,
    /// Wakes the task that writes what cannot be written at once.
    pump: Option<Waker>,
}

struct Handle(Arc<Lines>);

impl Output for Handle {
    fn push(&self, message: &[u8], alone: bool) -> bool {
        let mut state = self.0.lock();
        if state.writer.is_none() {
            // Nobody will take it: the request finds that the connection has ended.
            return true;
        }
        if state.buffer.len() - state.written > HIGH_WATER {
            return false;
        }
        push_line(&mut state.buffer, message);
        let pump = state.pump.clone();
        if alone {
            // Nobody to share a write with: it is written from here, without the detour over the
            // pump, which is woken when the rest can be.
            let mut cx = Context::from_waker(pump.as_ref().unwrap_or(Waker::noop()));
            match state.poll_write(&mut cx) {
                Poll::Ready(Ok(())) => return true,
                Poll::Pending if pump.is_some() => return true,
                // The pump finds the error again.
                Poll::Ready(Err(_)) | Poll::Pending => {}
            }
        }
        drop(state);
        if let Some(pump) = pump {
            pump.wake();
        }
        true
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let notified = self.0.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.0.lock().has_room() {
                return;
            }
            notified.await;
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.0.advance(Phase::Closing);
            let _ = self.0.closed.subscribe().wait_for(|closed| *closed).await;
            self.0.keeper.close().await;
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.advance(Phase::Dropped);
    }
}

/// A message on one line: outside of strings, which cannot hold one, a line end is a space.
fn push_line(buffer: &mut Vec<u8>, message: &[u8]) {
    let start = buffer.len();
    buffer.extend_from_slice(message);
    if memchr::memchr2(b'\n', b'\r', message).is_some() {
        for byte in &mut buffer[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    buffer.push(b'\n');
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, phase: Phase) {
        self.phase.send_modify(|it| *it = phase.max(*it));
    }

    async fn reaches(&self, phase: Phase) {
        // The sender is as old as what waits.
        let _ = self.phase.subscribe().wait_for(|it| *it >= phase).await;
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.buffer.len() - self.written <= HIGH_WATER || self.writer.is_none()
    }

    /// Writes as much as can be written now.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writer) = &mut self.writer else {
            return Poll::Ready(Ok(()));
        };
        while self.written < self.buffer.len() {
            match Pin::new(&mut *writer).poll_write(cx, &self.buffer[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    // What was written is forgotten, so that the buffer does not grow for ever.
                    if self.written > CHUNK {
                        self.buffer.drain(..self.written);
                        self.written = 0;
                    }
                    return Poll::Pending;
                }
            }
        }
        self.buffer.clear();
        self.buffer.shrink_to(CHUNK);
        self.written = 0;
        Pin::new(writer).poll_flush(cx)
    }
}

/// Writes what senders leave, until the connection is closed.
async fn write(lines: Arc<Lines>, duplex: Weak<Duplex>) {
    let pump = poll_fn(|cx| {
        let mut state = lines.lock();
        if !state
            .pump
            .as_ref()
            .is_some_and(|pump| pump.will_wake(cx.waker()))
        {
            state.pump = Some(cx.waker().clone());
        }
        let written = state.poll_write(cx);
        if state.has_room() {
            lines.room.notify_waiters();
        }
        match written {
            Poll::Ready(Ok(())) if *lines.phase.borrow() > Phase::Open => Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    });
    let result = tokio::select! {
        biased;
        result = pump => result,
        // What cannot be written soon is not wanted any more.
        () = async { lines.reaches(Phase::Closing).await; sleep(SOON).await } => Ok(()),
    };
    let writer = lines.lock().writer.take();
    lines.room.notify_waiters();
    if let Some(mut writer) = writer {
        let _ = timeout(SOON, poll_fn(|cx| Pin::new(&mut writer).poll_shutdown(cx))).await;
    }
    lines.closed.send_replace(true);
    if let Err(error) = result {
        // The reader knows more about why, if it is to be known at all.
        let why = timeout(SOON, lines.keeper.why_ended()).await;
        let why = why.unwrap_or_else(|_| {
            Error::closed(format!(
                "the server does not take messages any more: {error}"
            ))
        });
        if let Some(duplex) = duplex.upgrade() {
            duplex.end(&why);
        }
    }
}
