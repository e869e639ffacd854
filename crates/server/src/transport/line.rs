//! A connection that carries one message a line in both directions: stdio, and anything like it.
//!
//! Input is read in large chunks; requests that are ready at once are answered into one output
//! buffer, which is written when the input is drained. Calls that wait run as tasks. Broken input
//! is answered, and reading goes on.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use wharf_protocol::envelope::IdBuf;
use wharf_protocol::envelope::is_batch;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::lines::LineSplitter;

use super::batch::Batch;
use super::{Started, notified, start};
use crate::call::{Frame, Incoming, Outlet, Parsed, Reply, Via};
use crate::calls::Calls;
use crate::core::Core;
use crate::era::legacy;
use crate::hub::Notice;
use crate::session::Session;

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
    let (messages, inbox) = mpsc::channel(core.limits.stream_messages);
    let hung_up = watch::Sender::new(false);
    let mut connection = Connection {
        outlet: Outlet::Line {
            messages,
            hung_up: hung_up.subscribe(),
        },
        splitter: LineSplitter::new(core.limits.message_bytes),
        core,
        session: None,
        calls: Arc::default(),
        tasks: JoinSet::new(),
        inbox,
        output: Vec::with_capacity(CHUNK),
    };
    let result = connection.run(reader, &mut writer, &hung_up).await;
    connection.tasks.shutdown().await;
    if let Some(session) = &connection.session {
        session.end();
    }
    result?;
    writer.flush().await
}

struct Connection {
    core: Arc<Core>,
    outlet: Outlet,
    splitter: LineSplitter,
    session: Option<Arc<Session>>,
    calls: Arc<Calls>,
    tasks: JoinSet<Done>,
    inbox: mpsc::Receiver<Bytes>,
    output: Vec<u8>,
}

/// What a task has brought about.
enum Done {
    Call(IdBuf, Reply),
    /// The answers of a batch, unless all of it was cancelled.
    Batch(Option<Vec<u8>>),
}

impl Connection {
    async fn run<R, W>(
        &mut self,
        mut reader: R,
        writer: &mut W,
        hung_up: &watch::Sender<bool>,
    ) -> io::Result<()>
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
            while !unread.is_empty() && self.has_room() {
                let used = self.take_line(&chunk[unread.clone()]).await;
                unread.start += used;
            }
            if ended && unread.is_empty() && self.tasks.is_empty() && self.output.is_empty() {
                self.take_inbox();
                if self.output.is_empty() {
                    return Ok(());
                }
            }
            let may_read = !ended && unread.is_empty() && self.has_room();
            let may_send = self.output.len() < HIGH_WATER;
            let listener = self
                .session
                .as_ref()
                .and_then(|session| session.known_listener());
            tokio::select! {
                biased;
                read = reader.read(&mut chunk), if may_read => {
                    let count = read?;
                    unread = 0..count;
                    if count == 0 {
                        ended = true;
                        if let Some(rest) = self.splitter.finish() {
                            let rest = rest.to_vec();
                            self.take(rest).await;
                        }
                        hang_up(&core, self.session.as_deref(), hung_up, deadline.as_mut());
                    }
                }
                count = writer.write(&self.output[written..]), if !self.output.is_empty() => {
                    written += count?;
                    if written == self.output.len() {
                        self.output.clear();
                        written = 0;
                        writer.flush().await?;
                    }
                }
                Some(done) = self.tasks.join_next(), if may_send => self.finish(done),
                Some(message) = self.inbox.recv(), if may_send => self.push(&message),
                Some(notices) = async {
                    match listener {
                        Some(listener) => listener.take().await,
                        None => std::future::pending().await,
                    }
                }, if may_send => self.notify(notices),
                () = &mut stopped, if !stopping => {
                    stopping = true;
                    if ended {
                        // Told to end after the input had ended: the client waits for nothing more.
                        tracing::debug!(calls = self.tasks.len(), "calls dropped: told to end");
                        return Ok(());
                    }
                    ended = true;
                    hang_up(&core, self.session.as_deref(), hung_up, deadline.as_mut());
                }
                () = &mut deadline, if ended => {
                    tracing::warn!(calls = self.tasks.len(), "calls dropped: the time to end is over");
                    return Ok(());
                }
            }
        }
    }

    /// Whether another request may be taken in.
    fn has_room(&self) -> bool {
        self.tasks.len() < self.core.limits.calls_per_session && self.output.len() < HIGH_WATER
    }

    /// Takes in the next line of `input`, and gives how many bytes that used up.
    async fn take_line(&mut self, input: &[u8]) -> usize {
        let mut rest = input;
        let line = self.splitter.next_line(&mut rest);
        let line = match line {
            None => None,
            Some(Ok(line)) => Some(line.to_vec()),
            Some(Err(too_long)) => {
                let message = format!("{too_long}: send smaller messages or raise `message_bytes`");
                self.refuse(None, &ErrorObject::new(ErrorCode::INVALID_REQUEST, message));
                None
            }
        };
        let used = input.len() - rest.len();
        if let Some(line) = line {
            self.take(line).await;
        }
        used
    }

    async fn take(&mut self, line: Vec<u8>) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        if is_batch(&line)
            && let Some(session) = self.session.clone().filter(|it| legacy::takes_batches(it))
        {
            return self.batch(&line, session).await;
        }
        match Frame::parse(line) {
            Ok(Parsed::Request(frame)) => self.call(frame).await,
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
                self.refuse(error.id().map(IdBuf::as_json), &object);
            }
        }
    }

    async fn call(&mut self, frame: Arc<Frame>) {
        let mut id = None;
        if !self.tasks.is_empty() {
            let known = frame.id_buf();
            if self.calls.contains(&known) {
                // An answer with this id would be taken for the other request's.
                let shown = crate::handler::text::shown(known.as_json());
                let message = format!("a request with id {shown} is still running");
                return self.refuse(None, &ErrorObject::new(ErrorCode::INVALID_REQUEST, message));
            }
            id = Some(known);
        }
        let id = id.unwrap_or_else(|| frame.id_buf());
        let incoming = Incoming {
            frame,
            via: Via::Line(self.session.clone()),
            principal: None,
            outlet: self.outlet.clone(),
        };
        match start(&self.core, incoming).await {
            Started::Ready(reply) => self.reply(reply),
            Started::Waiting(call) => {
                let task_id = id.clone();
                let abort = self
                    .tasks
                    .spawn(async move { Done::Call(task_id, call.await) });
                self.calls.insert(id, abort);
            }
        }
    }

    async fn batch(&mut self, line: &[u8], session: Arc<Session>) {
        let incoming = |frame| Incoming {
            frame,
            via: Via::Line(Some(Arc::clone(&session))),
            principal: None,
            outlet: self.outlet.clone(),
        };
        match Batch::take(&self.core, &session, &self.calls, line, incoming).await {
            Ok(batch) if !batch.waits() => self.push_batch(batch.into_array()),
            Ok(mut batch) => {
                let calls = Arc::clone(&self.calls);
                self.tasks.spawn(async move {
                    while batch.next(&calls).await {}
                    Done::Batch(batch.into_array())
                });
            }
            Err(error) => {
                let object = ErrorObject::new(error.code(), error.to_string());
                self.refuse(None, &object);
            }
        }
    }

    fn push_batch(&mut self, answers: Option<Vec<u8>>) {
        self.take_inbox();
        if let Some(answers) = answers {
            self.push(&answers);
        }
    }

    fn finish(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Batch(answers)) => self.push_batch(answers),
            Ok(Done::Call(id, reply)) => {
                self.calls.remove(&id);
                self.reply(reply);
            }
            // Cancelled: there is no answer. Handlers' panics are caught further in.
            Err(error) => tracing::debug!(%error, "a call ended without an answer"),
        }
    }

    fn reply(&mut self, reply: Reply) {
        if let Some(session) = reply.opened {
            legacy::listener(&self.core, &session);
            self.session = Some(session);
        }
        // What the call sent before its answer comes before it.
        self.take_inbox();
        self.push(&reply.message);
    }

    fn take_inbox(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            self.push(&message);
        }
    }

    fn refuse(&mut self, id: Option<&str>, error: &ErrorObject) {
        self.push(&Reply::error(id, error, 400).message);
    }

    fn notify(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            self.push(&notice.message(None));
        }
    }

    fn push(&mut self, message: &[u8]) {
        self.output.extend_from_slice(message);
        self.output.push(b'\n');
    }
}

/// The client sends no more: what waits for it ends, what works for it may finish.
fn hang_up(
    core: &Core,
    session: Option<&Session>,
    hung_up: &watch::Sender<bool>,
    deadline: std::pin::Pin<&mut tokio::time::Sleep>,
) {
    hung_up.send_replace(true);
    if let Some(session) = session {
        session.close_asks();
    }
    deadline.reset(tokio::time::Instant::now() + core.limits.shutdown);
}

#[cfg(test)]
mod tests;
