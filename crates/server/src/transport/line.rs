//! A connection that carries one message a line in both directions: stdio, and anything like it.
//!
//! Input is read in large chunks; requests that are ready at once are answered into one output
//! buffer, which is written when the input is drained. Calls that wait run as tasks. Broken input
//! is answered, and reading goes on.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::lines::LineSplitter;

use super::conversation::{Conversation, Inbound, Output, refuse};
use crate::core::Core;
use crate::observe::Transport;

/// Read at once at most, in bytes.
const CHUNK: usize = 64 * 1024;
/// Unwritten output beyond which nothing more is read or taken, in bytes.
const HIGH_WATER: usize = 1024 * 1024;

/// Serves one connection until its input ends or the server stops.
pub(crate) async fn serve<R, W>(core: Arc<Core>, reader: R, mut writer: W) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut connection = Connection {
        talk: Conversation::new(Arc::clone(&core), None, Transport::Stdio),
        splitter: LineSplitter::new(core.limits.message_bytes),
        output: Lines(Vec::with_capacity(CHUNK)),
        core,
    };
    let result = connection.run(reader, &mut writer).await;
    connection.talk.end().await;
    result?;
    writer.flush().await
}

/// Output that is not written yet.
struct Lines(Vec<u8>);

impl Output for Lines {
    fn push(&mut self, message: &[u8]) {
        self.0.extend_from_slice(message);
        self.0.push(b'\n');
    }
}

struct Connection {
    core: Arc<Core>,
    talk: Conversation,
    splitter: LineSplitter,
    output: Lines,
}

impl Connection {
    async fn run<R, W>(&mut self, mut reader: R, writer: &mut W) -> io::Result<()>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let core = Arc::clone(&self.core);
        let mut chunk = vec![0; CHUNK];
        let mut unread = 0..0;
        let mut ended = false;
        let mut stopping = false;
        let mut written = 0;
        let deadline = tokio::time::sleep(core.limits.shutdown);
        tokio::pin!(deadline);
        let stopped = core.stopped();
        tokio::pin!(stopped);
        loop {
            poll_fn(|cx| {
                while !unread.is_empty() && self.has_room() {
                    unread.start += self.take_line(cx, &chunk[unread.clone()]);
                }
                Poll::Ready(())
            })
            .await;
            let idle = self.talk.running() == 0 && self.output.0.is_empty();
            if ended && unread.is_empty() && idle {
                self.talk.take_inbox(&mut self.output);
                if self.output.0.is_empty() {
                    return Ok(());
                }
            }
            let may_read = !ended && unread.is_empty() && self.has_room();
            let may_send = self.output.0.len() < HIGH_WATER;
            tokio::select! {
                biased;
                read = reader.read(&mut chunk), if may_read => {
                    let count = read?;
                    unread = 0..count;
                    if count == 0 {
                        ended = true;
                        poll_fn(|cx| {
                            self.take_rest(cx);
                            Poll::Ready(())
                        })
                        .await;
                        self.hang_up(deadline.as_mut());
                    }
                }
                count = writer.write(&self.output.0[written..]), if !self.output.0.is_empty() => {
                    written += count?;
                    if written == self.output.0.len() {
                        self.output.0.clear();
                        written = 0;
                        writer.flush().await?;
                    }
                }
                event = self.talk.event(), if may_send => self.talk.settle(event, &mut self.output),
                () = &mut stopped, if !stopping => {
                    stopping = true;
                    if ended {
                        // Told to end after the input had ended: the client waits for nothing more.
                        tracing::debug!(calls = self.talk.running(), "calls dropped: told to end");
                        return Ok(());
                    }
                    ended = true;
                    self.hang_up(deadline.as_mut());
                }
                () = &mut deadline, if ended => {
                    let calls = self.talk.running();
                    tracing::warn!(calls, "calls dropped: the time to end is over");
                    return Ok(());
                }
            }
        }
    }

    /// Whether another request may be taken in.
    fn has_room(&self) -> bool {
        self.talk.running() < self.core.limits.calls_per_session && self.output.0.len() < HIGH_WATER
    }

    /// Takes in the next line of `input`, and gives how many bytes that used up.
    fn take_line(&mut self, cx: &mut Context<'_>, input: &[u8]) -> usize {
        let mut rest = input;
        let line = match self.splitter.next_line(&mut rest) {
            None => None,
            Some(Ok(line)) => Some(line.to_vec()),
            Some(Err(too_long)) => {
                let message = format!("{too_long}: send smaller messages or raise `message_bytes`");
                let error = ErrorObject::new(ErrorCode::INVALID_REQUEST, message);
                refuse(&mut self.output, None, &error);
                None
            }
        };
        let used = input.len() - rest.len();
        if let Some(line) = line {
            self.take(cx, line);
        }
        used
    }

    /// Takes in a last line without an end.
    fn take_rest(&mut self, cx: &mut Context<'_>) {
        if let Some(rest) = self.splitter.finish() {
            let rest = rest.to_vec();
            self.take(cx, rest);
        }
    }

    fn take(&mut self, cx: &mut Context<'_>, line: Vec<u8>) {
        if !line.iter().all(u8::is_ascii_whitespace) {
            self.talk.take(cx, Inbound::read(line), &mut self.output);
        }
    }

    fn hang_up(&self, deadline: std::pin::Pin<&mut tokio::time::Sleep>) {
        self.talk.hang_up();
        deadline.reset(tokio::time::Instant::now() + self.core.limits.shutdown);
    }
}

#[cfg(test)]
mod tests;
