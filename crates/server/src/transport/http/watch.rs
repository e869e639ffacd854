//! Clients that are too slow.
//!
//! A connection notes when it last began to wait for its client; one timer per connection, not
//! per request, looks at the notes now and then. So a request pays for none of this but a look at
//! the clock.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::Limits;

/// The notes on one connection. Times are milliseconds since it began, plus one; zero is "not".
#[derive(Debug)]
pub(super) struct Notes {
    began: Instant,
    /// Since when the head of a request is coming in.
    head: AtomicU64,
    /// Since when nothing has been asked.
    idle: AtomicU64,
    /// Since when bytes wait to be taken by the client.
    blocked: AtomicU64,
    /// Requests that are being answered.
    active: AtomicU32,
    /// What comes in need not be the beginning of a request: HTTP/2 has frames of its own, and
    /// its own limits on heads.
    framed: AtomicBool,
}

/// Why a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// The client sends a head too slowly.
    Head,
    /// The client reads too slowly.
    Blocked,
    /// The client asks for nothing.
    Idle,
}

impl Notes {
    pub(super) fn new() -> Arc<Self> {
        let notes = Self {
            began: Instant::now(),
            head: AtomicU64::new(0),
            idle: AtomicU64::new(1),
            blocked: AtomicU64::new(0),
            active: AtomicU32::new(0),
            framed: AtomicBool::new(false),
        };
        Arc::new(notes)
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    /// A request's head is complete. Dropping the guard ends the request.
    pub(super) fn request(self: &Arc<Self>, version: Version) -> Active {
        if version == Version::HTTP_2 {
            self.framed.store(true, Ordering::Relaxed);
        }
        self.head.store(0, Ordering::Relaxed);
        self.idle.store(0, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
        Active(Arc::clone(self))
    }

    /// Bytes came in.
    fn read(&self) {
        if self.active.load(Ordering::Relaxed) == 0
            && self.head.load(Ordering::Relaxed) == 0
            && !self.framed.load(Ordering::Relaxed)
        {
            self.head.store(self.now(), Ordering::Relaxed);
        }
    }

    /// How long the connection may go on being quiet, or why it must end.
    fn check(&self, limits: &Limits) -> Result<Duration, Expired> {
        let now = self.now();
        let mut next = Duration::from_secs(3600);
        let mut left = |since: u64, limit: Duration, why| -> Result<(), Expired> {
            if since == 0 {
                return Ok(());
            }
            let passed = Duration::from_millis(now.saturating_sub(since));
            let left = limit
                .checked_sub(passed)
                .filter(|left| !left.is_zero())
                .ok_or(why)?;
            next = next.min(left);
            Ok(())
        };
        left(
            self.blocked.load(Ordering::Relaxed),
            limits.write_timeout,
            Expired::Blocked,
        )?;
        if self.active.load(Ordering::Relaxed) == 0 {
            let head = self.head.load(Ordering::Relaxed);
            left(head, limits.header_timeout, Expired::Head)?;
            if head == 0 {
                left(
                    self.idle.load(Ordering::Relaxed),
                    limits.idle_timeout,
                    Expired::Idle,
                )?;
            }
        }
        // What starts while we sleep is seen in time if we sleep no longer than its limit.
        let shortest = limits
            .header_timeout
            .min(limits.write_timeout)
            .min(limits.idle_timeout);
        Ok(next.min(shortest / 2).max(Duration::from_millis(10)))
    }

    /// Ready when the client has used up its time; says what for.
    pub(super) async fn expired(&self, limits: &Limits) -> Expired {
        loop {
            match self.check(limits) {
                Ok(pause) => tokio::time::sleep(pause).await,
                Err(why) => return why,
            }
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Active(Arc<Notes>);

impl Drop for Active {
    fn drop(&mut self) {
        if self.0.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.idle.store(self.0.now(), Ordering::Relaxed);
        }
    }
}

/// A connection that takes notes.
#[derive(Debug)]
pub(super) struct Watched<T> {
    io: T,
    notes: Arc<Notes>,
}

impl<T> Watched<T> {
    pub(super) fn new(io: T, notes: Arc<Notes>) -> Self {
        Self { io, notes }
    }

    fn wrote<R>(&self, poll: &Poll<R>) {
        let blocked = &self.notes.blocked;
        match poll {
            Poll::Ready(_) if blocked.load(Ordering::Relaxed) != 0 => {
                blocked.store(0, Ordering::Relaxed);
            }
            Poll::Pending if blocked.load(Ordering::Relaxed) == 0 => {
                blocked.store(self.notes.now(), Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.io).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.notes.read();
        }
        Poll::Ready(result)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wrote(&poll);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.wrote(&poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
