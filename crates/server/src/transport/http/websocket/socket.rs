//! A WebSocket connection after its handshake.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

use super::counted::Counted;
use crate::core::Core;
use crate::observe::Transport;
use crate::principal::Principal;
use crate::rate::Gate;
use crate::transport::conversation::{Conversation, Inbound, Output};

/// Read or written at once, in bytes, besides what a message needs.
const CHUNK: usize = 16 * 1024;
/// Unwritten output beyond which nothing more is read or taken, in bytes.
const HIGH_WATER: usize = 1024 * 1024;
/// How long a client may take to agree that the connection is over.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves one connection until either side closes it.
pub(super) async fn serve<IO>(
    core: Arc<Core>,
    principal: Option<Arc<Principal>>,
    gate: Option<Gate>,
    io: IO,
) where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let limit = core.limits.message_bytes;
    let config = WebSocketConfig::default()
        .read_buffer_size(CHUNK)
        .write_buffer_size(CHUNK)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let io = Counted::new(io);
    let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    // Its calls are dropped before the goodbye: nobody waits for them any more.
    let end = Socket::new(core, principal, gate, &mut socket).run().await;
    match end {
        End::Gone => {}
        End::Close(code, reason) => {
            tracing::debug!(%code, reason, "a WebSocket connection is closed");
            let goodbye = say_goodbye(&mut socket, code, reason, limit * 2);
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
    }
}

/// Says why the connection ends, and reads on until the client has heard it: closed while bytes
/// come in, a connection would take the close frame with it. No more than `limit` bytes, though.
async fn say_goodbye<IO>(
    socket: &mut WebSocketStream<Counted<IO>>,
    code: CloseCode,
    reason: &'static str,
    limit: usize,
) where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    // Whether what comes now can still be read as frames.
    let broken = matches!(
        code,
        CloseCode::Size | CloseCode::Invalid | CloseCode::Protocol
    ) || socket.get_ref().is_within_message();
    let reason = reason.into();
    if socket
        .close(Some(CloseFrame { code, reason }))
        .await
        .is_err()
    {
        return;
    }
    if !broken {
        while let Some(Ok(_)) = socket.next().await {}
        return;
    }
    let io = socket.get_mut();
    let _ = io.shutdown().await;
    let (mut bytes, mut read) = ([0; 4096], 0);
    while let Ok(count @ 1..) = io.read(&mut bytes).await {
        read += count;
        if read > limit {
            return;
        }
    }
}

/// How a connection ends.
#[derive(Debug)]
enum End {
    /// The client has closed it, or does not answer.
    Gone,
    /// We close it.
    Close(CloseCode, &'static str),
}

/// Messages that are not written yet.
#[derive(Default)]
struct Texts {
    queue: VecDeque<String>,
    bytes: usize,
}

impl Output for Texts {
    fn push(&mut self, message: &[u8]) {
        // Messages are JSON as we write it, which is UTF-8.
        self.bytes += message.len();
        self.queue
            .push_back(String::from_utf8_lossy(message).into_owned());
    }
}

struct Socket<'s, IO> {
    core: Arc<Core>,
    socket: &'s mut WebSocketStream<Counted<IO>>,
    talk: Conversation,
    output: Texts,
    /// The server stops: what runs may finish until then.
    ending: Option<Instant>,
    /// When the last frame came.
    heard: Instant,
    /// When the last sign of life was asked for.
    pinged: Instant,
    /// When the connection was opened, until its first message comes.
    unused: Option<Instant>,
    /// Since when a message has been coming in.
    partial: Option<Instant>,
    /// Since when the client has taken nothing of what waits for it, and what it had taken then.
    blocked: Option<(Instant, u64)>,
}

impl<'s, IO> Socket<'s, IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    fn new(
        core: Arc<Core>,
        principal: Option<Arc<Principal>>,
        gate: Option<Gate>,
        socket: &'s mut WebSocketStream<Counted<IO>>,
    ) -> Self {
        let now = Instant::now();
        Self {
            talk: Conversation::new(Arc::clone(&core), principal, Transport::WebSocket).gated(gate),
            core,
            socket,
            output: Texts::default(),
            ending: None,
            heard: now,
            pinged: now,
            unused: Some(now),
            partial: None,
            blocked: None,
        }
    }

    async fn run(mut self) -> End {
        let core = Arc::clone(&self.core);
        let stopped = core.stopped();
        tokio::pin!(stopped);
        let mut looks = self.looks();
        poll_fn(|cx| {
            if self.ending.is_none() && stopped.as_mut().poll(cx).is_ready() {
                self.ending = Some(Instant::now() + self.core.limits.shutdown);
                self.talk.hang_up();
            }
            loop {
                if let Poll::Ready(end) = self.poll(cx) {
                    return Poll::Ready(end);
                }
                ready!(looks.poll_tick(cx));
                if let Some(end) = self.look() {
                    return Poll::Ready(end);
                }
            }
        })
        .await
    }

    /// Moves everything that can be moved without waiting.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let mut moved = false;
            let had_room = self.output.bytes < HIGH_WATER;
            if had_room {
                if let Poll::Ready(frame) = self.socket.poll_next_unpin(cx) {
                    if let Err(end) = self.hear(cx, frame) {
                        return Poll::Ready(end);
                    }
                    moved = true;
                } else {
                    self.note_partial();
                }
                if let Poll::Ready(event) = self.talk.poll_event(cx) {
                    self.talk.settle(event, &mut self.output);
                    moved = true;
                }
            }
            // Written only when there is nothing more to add: many answers are one packet.
            if moved && self.output.bytes < HIGH_WATER {
                continue;
            }
            let Ok(written) = self.write(cx) else {
                return Poll::Ready(End::Gone);
            };
            let quiet = self.output.queue.is_empty() && self.talk.running() == 0;
            if self.ending.is_some() && quiet && written {
                let reason = "the server stops";
                return Poll::Ready(End::Close(CloseCode::Away, reason));
            }
            let has_room = self.output.bytes < HIGH_WATER;
            // With room again there may be more to hear, and nobody else would wake us for it.
            if !has_room || (had_room && !moved) {
                return Poll::Pending;
            }
        }
    }

    /// Takes in a frame.
    fn hear(
        &mut self,
        cx: &mut Context<'_>,
        frame: Option<Result<Message, Error>>,
    ) -> Result<(), End> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(Message::Text(text))) => {
                self.partial = None;
                self.unused = None;
                if self.ending.is_none() {
                    let message = Inbound::read(text.as_bytes());
                    self.talk.take(cx, message, &mut self.output);
                }
                Ok(())
            }
            // A close frame is answered by reading on; then there is nothing more to read.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => Ok(()),
            Some(Ok(Message::Binary(_))) => Err(End::Close(
                CloseCode::Unsupported,
                "messages are text frames",
            )),
            Some(Err(Error::Capacity(_))) => Err(End::Close(
                CloseCode::Size,
                "the message is larger than `message_bytes`",
            )),
            Some(Err(Error::Utf8(_))) => {
                Err(End::Close(CloseCode::Invalid, "the message is not UTF-8"))
            }
            Some(Err(Error::Protocol(why))) => {
                tracing::debug!(%why, "a client does not keep to the WebSocket protocol");
                Err(End::Close(CloseCode::Protocol, "a malformed frame"))
            }
            Some(Ok(Message::Frame(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    /// Writes what can be written; `true` if nothing is left.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Error> {
        let mut socket = Pin::new(&mut *self.socket);
        while !self.output.queue.is_empty() {
            match socket.as_mut().poll_ready(cx)? {
                Poll::Pending => break,
                Poll::Ready(()) => {}
            }
            if let Some(text) = self.output.queue.pop_front() {
                self.output.bytes -= text.len();
                socket.as_mut().start_send(Message::text(text))?;
            }
        }
        let written = socket.poll_flush(cx)?.is_ready() && self.output.queue.is_empty();
        let taken = self.socket.get_ref().written();
        match self.blocked {
            _ if written => self.blocked = None,
            Some((_, before)) if before == taken => {}
            _ => self.blocked = Some((Instant::now(), taken)),
        }
        Ok(written)
    }

    /// Notes whether a message has begun to come in and is not complete.
    fn note_partial(&mut self) {
        if self.socket.get_ref().is_within_message() {
            self.partial.get_or_insert_with(Instant::now);
        } else {
            self.partial = None;
        }
    }

    /// When to look whether anybody is too slow: often enough for the shortest limit.
    fn looks(&self) -> Interval {
        let limits = &self.core.limits;
        let all = [
            limits.keep_alive,
            limits.idle_timeout,
            limits.session_unused,
            limits.write_timeout,
            limits.body_timeout,
            limits.shutdown,
        ];
        let shortest = all.into_iter().min().unwrap_or_default();
        let pause = (shortest / 4).max(Duration::from_millis(5));
        let mut looks = tokio::time::interval_at(Instant::now() + pause, pause);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        looks
    }

    /// Looks at the clock: whether anybody is too slow, or has been silent for long.
    fn look(&mut self) -> Option<End> {
        let limits = &self.core.limits;
        let now = Instant::now();
        let over = |since: Instant, limit| now.duration_since(since) >= limit;
        if self.ending.is_some_and(|end| now >= end) {
            let calls = self.talk.running();
            tracing::warn!(calls, "calls dropped: the time to end is over");
            return Some(End::Close(CloseCode::Away, "the server stops"));
        }
        if let Some((since, _)) = self.blocked
            && over(since, limits.write_timeout)
        {
            tracing::debug!("a client does not read");
            return Some(End::Gone);
        }
        if self
            .partial
            .is_some_and(|since| over(since, limits.body_timeout))
        {
            let reason = "the message did not arrive in time";
            return Some(End::Close(CloseCode::Policy, reason));
        }
        if self
            .unused
            .is_some_and(|since| over(since, limits.session_unused))
        {
            return Some(End::Close(CloseCode::Policy, "no message came"));
        }
        if over(self.heard, limits.idle_timeout) {
            tracing::debug!("a client gives no sign of life");
            return Some(End::Gone);
        }
        let pause = limits.keep_alive.min(limits.idle_timeout / 2);
        if over(self.heard.max(self.pinged), pause) && self.blocked.is_none() {
            self.pinged = now;
            let ping = Message::Ping(Default::default());
            if Pin::new(&mut *self.socket).start_send(ping).is_err() {
                return Some(End::Gone);
            }
        }
        None
    }
}
