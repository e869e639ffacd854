//! What only sessions have: the stream on which a server speaks without being asked, streams that
//! are taken up again, and an end (spec 2025-11-25, basic/transports, "Session Management",
//! "Resumability and Redelivery").

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use hyper::body::Incoming;
use wharf_protocol::headers;

use super::events::Events;
use super::{Content, EVENT_STREAM, Http, body, content_type, refused};
use crate::error::{Error, Result};

impl Http {
    /// Opens the stream on which the server speaks without being asked, and keeps it open.
    /// [`listening`](Self::listening) waits for it.
    pub(crate) fn open_stream(self: &Arc<Self>) {
        let http = Arc::downgrade(self);
        let task = tokio::spawn(async move {
            let mut attempt = 0;
            let mut last: Option<String> = None;
            let mut wait = Duration::ZERO;
            loop {
                tokio::time::sleep(wait).await;
                let Some(http) = http.upgrade() else { return };
                let body = http.get(last.as_deref()).await;
                http.listening.send_replace(true);
                let body = match body {
                    Ok(body) => body,
                    Err(error)
                        if error.is_unreachable()
                            || error.is_closed() && !error.is_session_gone() =>
                    {
                        attempt += 1;
                        wait = Duration::from_millis(500) * 2_u32.saturating_pow(attempt).min(60);
                        continue;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the server has no stream of its own");
                        return;
                    }
                };
                let mut events = Events::new(body, &http.config);
                let weak = Arc::downgrade(&http);
                drop(http);
                loop {
                    let next = events.next().await;
                    let Some(http) = weak.upgrade() else { return };
                    match next {
                        Ok(Some(message)) => {
                            attempt = 0;
                            let _ = http.take(None, &message);
                        }
                        Ok(None) => break,
                        Err(error) => {
                            tracing::debug!(%error, "the server's stream ended");
                            break;
                        }
                    }
                }
                attempt += 1;
                last = events.last_event_id().or(last);
                wait = events.wait(attempt);
            }
        });
        self.session().stream = Some(task.abort_handle());
    }

    /// Takes up a stream after the event that was seen last.
    pub(super) async fn resume(&self, last_event_id: &str) -> Result<Incoming> {
        self.get(Some(last_event_id)).await
    }

    /// The server's stream of events, from its beginning or after an event.
    pub(crate) async fn events(&self, last_event_id: Option<&str>) -> Result<Events> {
        Ok(Events::new(self.get(last_event_id).await?, &self.config))
    }

    async fn get(&self, last_event_id: Option<&str>) -> Result<Incoming> {
        let mut own = self.base().bare();
        own.insert(ACCEPT, EVENT_STREAM);
        if let Some(id) = last_event_id {
            let id = HeaderValue::from_str(id)
                .map_err(|_| Error::protocol("the server's event id cannot stand in a header"))?;
            own.insert(HeaderName::from_static(headers::LAST_EVENT_ID), id);
        }
        let response = self.send(&Method::GET, own, Bytes::new()).await?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND && self.has_session() {
            return Err(self.lose_session());
        }
        if status.is_success() && content_type(&response) == Content::Events {
            return Ok(response.into_body());
        }
        let text = body::beginning(response.into_body()).await;
        Err(refused(status, &text))
    }

    /// Nobody will use it any more. A session is ended in the background.
    pub(crate) fn abandon(&self) {
        let has_session = {
            let mut session = self.session();
            session.gone = true;
            session.id.is_some()
        };
        self.over.send_replace(true);
        if let (true, Some(http), Ok(runtime)) = (
            has_session,
            self.myself.upgrade(),
            tokio::runtime::Handle::try_current(),
        ) {
            runtime.spawn(async move { http.close().await });
        }
    }

    /// Ends the session, if there is one.
    pub(crate) async fn close(&self) {
        let (id, stream) = {
            let mut session = self.session();
            session.gone = true;
            self.over.send_replace(true);
            (session.id.clone(), session.stream.take())
        };
        if let Some(stream) = stream {
            stream.abort();
        }
        self.peer.end();
        if id.is_none() {
            return;
        }
        let end = self.send(&Method::DELETE, self.base().bare(), Bytes::new());
        // A server may have no such thing, and need not be waited for.
        match tokio::time::timeout(Duration::from_secs(2), end).await {
            Ok(Ok(_)) => self.session().id = None,
            Ok(Err(error)) => tracing::debug!(%error, "the session was not ended"),
            Err(_) => tracing::debug!("the server did not say that the session has ended"),
        }
    }
}
