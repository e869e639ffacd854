//! Every limit, with its default, its unit and what happens when it is hit.

use std::time::Duration;

/// The limits of a server. All are on by default; none can be switched off, only raised.
///
/// ```
/// use std::time::Duration;
/// use wharf_server::Limits;
///
/// let limits = Limits { call_timeout: Duration::from_secs(30), ..Limits::default() };
/// assert_eq!(limits.message_bytes, 4 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest message from a client, in bytes: an HTTP body, a WebSocket message or a line of
    /// stdio. Default 4 MiB. Beyond it: HTTP 413, which waits a second for the client to end if it
    /// sends no more than as much again; WebSocket is closed with 1009; on stdio error `-32600`,
    /// and the line is skipped.
    pub message_bytes: usize,
    /// Messages in one batch of a session of 2025-03-26, the only revision that has batches.
    /// Default 100. Beyond it: `-32600`, and nothing of the batch is taken in.
    pub batch_messages: usize,
    /// How long one call may run, unless the tool has its own time-out. Default 5 minutes;
    /// time spent waiting for the client's answer to an ask does not count. Beyond it: the
    /// handler is dropped and the call fails.
    pub call_timeout: Duration,
    /// How long an ask waits for the client's answer. Default 10 minutes. Beyond it: the ask
    /// fails in the handler.
    pub ask_timeout: Duration,
    /// How often one call may come back with another round of asks. Default 32. Beyond it: the
    /// call fails.
    pub rounds: u32,
    /// How long a `requestState` can be presented. Default 10 minutes. Beyond it: `-32602`.
    pub state_lifetime: Duration,
    /// The longest `requestState`, in bytes as sent. Default 64 KiB. Beyond it: the call that
    /// would need it fails.
    pub state_bytes: usize,
    /// Steps of [`Context::once`](crate::Context::once) remembered at the same time, over all
    /// calls. Default 100,000. Beyond it: the step fails before it runs.
    pub once_steps: usize,
    /// Calls in flight per session or connection. Default 256. Beyond it: HTTP 429; over HTTP+SSE
    /// and WebSocket error `-32603`; on stdio reading waits until one ends.
    pub calls_per_session: usize,
    /// Unread messages that one stream holds before its sender waits. Default 256.
    pub stream_messages: usize,
    /// Bytes of unread messages that one HTTP stream holds before its sender waits. Default 1 MiB;
    /// one message may be longer.
    pub stream_bytes: usize,
    /// Events of one resumable stream that are kept for a client that was cut off. Default 256.
    /// Beyond it the oldest are dropped; resuming from one of them is answered with 404.
    pub replay_events: usize,
    /// Bytes of events of one resumable stream that are kept. Default 1 MiB. Beyond it as with
    /// `replay_events`.
    pub replay_bytes: usize,
    /// Streams that one session keeps for resumption. Default 32. Beyond it the oldest finished
    /// one is forgotten; if none is finished: HTTP 429.
    pub streams_per_session: usize,
    /// What a client that lost a stream is told to wait before it comes back. Default 1 s.
    pub retry: Duration,
    /// How long a legacy call may be silent before its answer becomes an event stream, which
    /// survives a cut connection. Default 1 s.
    pub stream_after: Duration,
    /// How often an idle event stream carries a comment, and an idle WebSocket connection a ping,
    /// so that proxies keep it open. Default 15 s.
    pub keep_alive: Duration,
    /// Sessions at the same time. Default 131,072. Beyond it: HTTP 429.
    pub sessions: usize,
    /// Sessions of one principal at the same time, where callers are authenticated. Default
    /// 1,024. Beyond it: HTTP 429.
    pub sessions_per_principal: usize,
    /// How long a session lives without a request, a running call or a stream that is read.
    /// Default 1 hour. Then: 404. A stream that its client left does not keep it.
    pub session_idle: Duration,
    /// How long a session lives that was opened and never used. Default 1 minute. Then: 404. An
    /// HTTP+SSE stream or WebSocket connection is closed that has carried no message for as long.
    pub session_unused: Duration,
    /// `subscriptions/listen` streams, legacy GET streams, HTTP+SSE streams and WebSocket
    /// connections at the same time. Default 16,384. Beyond it: HTTP 429.
    pub listens: usize,
    /// The same for one principal, or for one session. Default 64. Beyond it: HTTP 429.
    pub listens_per_principal: usize,
    /// Resources that one session or one listen is subscribed to. Default 1,024. Beyond it:
    /// `-32602`.
    pub subscriptions: usize,
    /// Open connections. Default 16,384. Beyond it new ones wait in the operating system.
    pub connections: usize,
    /// How long a client may take to agree on TLS. Default 10 s. Then the connection is closed.
    pub handshake_timeout: Duration,
    /// How long a client may take to send the head of a request. Default 10 s. Then the
    /// connection is closed.
    pub header_timeout: Duration,
    /// How long a client may take to send a body, or over WebSocket a message that it has begun.
    /// Default 30 s. Then: HTTP 408; WebSocket is closed with 1008.
    pub body_timeout: Duration,
    /// How long a client may leave bytes unread that are written to it. Default 30 s. Then the
    /// connection is closed; a resumable stream can be resumed.
    pub write_timeout: Duration,
    /// How long a connection may be open without a request, or over WebSocket without any frame,
    /// which answers to pings are. Default 2 minutes. Then it is closed.
    pub idle_timeout: Duration,
    /// The head of a request, in bytes. Default 32 KiB. Beyond it: HTTP 431.
    pub header_bytes: usize,
    /// Headers of a request. Default 100. Beyond it: HTTP 431.
    pub headers: usize,
    /// How long calls in flight may go on once the server was told to stop. Default 10 s. Then
    /// they are dropped.
    pub shutdown: Duration,
    /// Items on one page of a list. Default 250.
    pub page_items: usize,
    /// Tasks that run at the same time in this process. Default 4,096. Beyond it: HTTP 429. In
    /// memory, a running task takes about 3 KiB, besides what its request is longer than 300 bytes
    /// (twice) and what its handler holds.
    pub tasks_running: usize,
    /// Tasks that are kept for one principal, or for one session where nobody is authenticated,
    /// running or finished. Default 1,024. Beyond it: HTTP 429 until one expires. In memory, a
    /// finished task takes about 700 bytes, and its result.
    pub tasks_per_owner: usize,
    /// How long one task may run, unless the tool has its own time-out. Default 1 hour; time spent
    /// waiting for the client's answer to an ask does not count. Beyond it: the handler is dropped
    /// and the task fails.
    pub task_timeout: Duration,
    /// How long a task is kept from its beginning, unless its client asks for another time.
    /// Default 6 hours. Then: it is unknown, and its handler is dropped if it still runs.
    pub task_ttl: Duration,
    /// The longest time that a client may ask for. Default 24 hours. Beyond it: this.
    pub task_ttl_max: Duration,
    /// How long clients are told to wait between two looks at a task. Default 1 s.
    pub task_poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 4 * 1024 * 1024,
            batch_messages: 100,
            call_timeout: Duration::from_secs(300),
            ask_timeout: Duration::from_secs(600),
            rounds: 32,
            state_lifetime: Duration::from_secs(600),
            state_bytes: 64 * 1024,
            once_steps: 100_000,
            calls_per_session: 256,
            stream_messages: 256,
            stream_bytes: 1024 * 1024,
            replay_events: 256,
            replay_bytes: 1024 * 1024,
            streams_per_session: 32,
            retry: Duration::from_secs(1),
            stream_after: Duration::from_secs(1),
            keep_alive: Duration::from_secs(15),
            sessions: 131_072,
            sessions_per_principal: 1_024,
            session_idle: Duration::from_secs(3600),
            session_unused: Duration::from_secs(60),
            listens: 16_384,
            listens_per_principal: 64,
            subscriptions: 1_024,
            connections: 16_384,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            header_bytes: 32 * 1024,
            headers: 100,
            shutdown: Duration::from_secs(10),
            page_items: 250,
            tasks_running: 4_096,
            tasks_per_owner: 1_024,
            task_timeout: Duration::from_secs(3600),
            task_ttl: Duration::from_secs(6 * 3600),
            task_ttl_max: Duration::from_secs(24 * 3600),
            task_poll: Duration::from_secs(1),
        }
    }
}
