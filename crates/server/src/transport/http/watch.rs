//! Clients that are too slow.
//!
//! A connection notes what it waits for: no request, the head of one, or that its client takes
//! what was written. One task per connection looks at the notes now and then, and adds up for how
//! many looks nothing has changed. So a request pays for none of this, not even for a look at the
//! clock.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::Limits;

/// The notes on one connection.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The head of a request is coming in.
    in_head: AtomicBool,
    /// Bytes wait to be taken by the client.
    blocked: AtomicBool,
    /// Requests that are being answered.
    active: AtomicU32,
    /// What comes in need not be the beginning of a request: HTTP/2 has frames of its own, and
    /// its own limits on heads.
    framed: AtomicBool,
    /// The address at the other end.
    peer: Option<IpAddr>,
    /// Counts requests begun, and writes that came through: what changed since the last look.
    changes: AtomicU32,
    next: Next,
}

/// What a connection goes on with when it is no longer HTTP.
#[derive(Default)]
struct Next(Mutex<Option<Protocol>>);

pub(super) type Protocol = Pin<Box<dyn Future<Output = ()> + Send>>;

impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
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

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Waiting {
    Nothing,
    Request,
    Head,
    Writing,
}

impl Notes {
    pub(super) fn new(peer: IpAddr) -> Arc<Self> {
        Arc::new(Self {
            peer: Some(peer),
            ..Self::default()
        })
    }

    /// A request's head is complete. Dropping the guard ends the request.
    pub(super) fn request(self: &Arc<Self>, version: Version) -> Active {
        if version == Version::HTTP_2 {
            self.framed.store(true, Ordering::Relaxed);
        }
        self.in_head.store(false, Ordering::Relaxed);
        self.active.fetch_add(1, Ordering::Relaxed);
        self.changed();
        Active(Arc::clone(self))
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes came in.
    fn read(&self) {
        if self.active.load(Ordering::Relaxed) == 0
            && !self.in_head.load(Ordering::Relaxed)
            && !self.framed.load(Ordering::Relaxed)
        {
            self.in_head.store(true, Ordering::Relaxed);
            self.changed();
        }
    }

    /// What the connection goes on with, now that it is no longer HTTP.
    pub(super) fn take_next(&self) -> Option<Protocol> {
        let mut next = self.next.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.take()
    }

    fn waiting(&self) -> Waiting {
        if self.blocked.load(Ordering::Relaxed) {
            Waiting::Writing
        } else if self.active.load(Ordering::Relaxed) > 0 {
            Waiting::Nothing
        } else if self.in_head.load(Ordering::Relaxed) {
            Waiting::Head
        } else {
            Waiting::Request
        }
    }

    /// Ready when the client has used up its time; says what for.
    pub(super) async fn expired(&self, limits: &Limits) -> Expired {
        let shortest = limits
            .header_timeout
            .min(limits.write_timeout)
            .min(limits.idle_timeout);
        let pause = (shortest / 4).max(Duration::from_millis(5));
        let mut last = (Waiting::Request, 0);
        let mut waited = Duration::ZERO;
        loop {
            tokio::time::sleep(pause).await;
            let now = (self.waiting(), self.changes.load(Ordering::Relaxed));
            if now != last {
                last = now;
                waited = Duration::ZERO;
                continue;
            }
            waited += pause;
            let (limit, why) = match now.0 {
                Waiting::Nothing => continue,
                Waiting::Request => (limits.idle_timeout, Expired::Idle),
                Waiting::Head => (limits.header_timeout, Expired::Head),
                Waiting::Writing => (limits.write_timeout, Expired::Blocked),
            };
            if waited >= limit {
                return why;
            }
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Active(Arc<Notes>);

impl Active {
    /// The address at the other end of the connection.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.0.peer
    }

    /// Says what the connection goes on with once this request is answered.
    #[cfg(feature = "websocket")]
    pub(super) fn go_on_with(&self, protocol: Protocol) {
        let mut next = self.0.next.0.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(protocol);
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
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
        let blocked = poll.is_pending();
        if self.notes.blocked.load(Ordering::Relaxed) != blocked {
            self.notes.blocked.store(blocked, Ordering::Relaxed);
            self.notes.changed();
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
        // TLS takes bytes in before the client takes them out: then it is this that waits.
        let poll = Pin::new(&mut self.io).poll_flush(cx);
        self.wrote(&poll);
        poll
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
