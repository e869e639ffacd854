//! A stream of Server-Sent Events, read as messages.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use wharf_protocol::sse::{Decoder, Event};

use crate::builder::Config;
use crate::error::{Error, Result};

/// A stream of messages. What breaks off can go on with another body.
pub(crate) struct Events {
    body: Incoming,
    chunk: Bytes,
    decoder: Decoder,
    limit: usize,
    last_event_id: Option<String>,
    retry: Option<Duration>,
}

/// How long the first reconnect waits where the server does not say.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest that a reconnect waits, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Events {
    pub(crate) fn new(body: Incoming, config: &Config) -> Self {
        let limit = config.limits.message_bytes;
        Self {
            body,
            chunk: Bytes::new(),
            decoder: Decoder::new(limit),
            limit,
            last_event_id: None,
            retry: None,
        }
    }

    /// Goes on with another body.
    pub(crate) fn go_on(&mut self, body: Incoming) {
        self.body = body;
        self.chunk = Bytes::new();
        self.decoder = Decoder::new(self.limit);
    }

    /// What to send as `Last-Event-ID`.
    pub(crate) fn last_event_id(&self) -> Option<String> {
        self.last_event_id.clone()
    }

    /// How long to wait before the `attempt`th reconnect, counted from 1.
    pub(crate) fn wait(&self, attempt: u32) -> Duration {
        match self.retry {
            Some(retry) => retry,
            None => FIRST_WAIT * 2_u32.saturating_pow(attempt.saturating_sub(1)),
        }
        .min(LONGEST_WAIT)
    }

    /// The next message; `None` at the end of the stream. Events of other types than `message`
    /// and without data are passed over.
    pub(crate) async fn next(&mut self) -> Result<Option<String>> {
        loop {
            let Some(event) = self.next_event().await? else {
                return Ok(None);
            };
            if event.event == "message" && !event.data.is_empty() {
                let text = String::from_utf8(event.data);
                return text
                    .map(Some)
                    .map_err(|_| Error::protocol("the server sent bytes that are no UTF-8"));
            }
        }
    }

    /// The next event of any type.
    pub(crate) async fn next_event(&mut self) -> Result<Option<Event>> {
        loop {
            let mut rest = &self.chunk[..];
            let event = self.decoder.next_event(&mut rest);
            let used = self.chunk.len() - rest.len();
            let _ = self.chunk.split_to(used);
            if let Some(id) = self.decoder.last_event_id() {
                self.last_event_id = Some(id.to_owned());
            }
            if let Some(retry) = self.decoder.retry_ms() {
                self.retry = Some(Duration::from_millis(retry));
            }
            match event {
                Some(Ok(event)) => return Ok(Some(event)),
                Some(Err(_)) => {
                    return Err(Error::too_large("a message of the server", self.limit));
                }
                None => {}
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => self.chunk = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    return Err(
                        Error::closed(format!("the stream broke off: {error}")).with_source(error)
                    );
                }
            }
        }
    }
}
