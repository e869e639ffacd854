//! Asks as requests to the client, which answers through its session: up to 2025-11-25.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;
use wharf_protocol::envelope::IdBuf;
use wharf_protocol::method::Method;
use wharf_protocol::revision::Revision;

use super::{Ask, AskError, More, read_answer, remote, request};
use crate::call::{Outlet, notification};
use crate::context::Exchange;
use crate::outbox::Closed;
use crate::session::{Answer, OpenAsk, Session};

/// Sends an ask on the call's stream, and waits for the answer.
///
/// Whoever gives up waiting, because of the time or by being dropped, takes the ask back, so that
/// no person is left with a question that nobody wants answered.
pub(crate) async fn ask<T: DeserializeOwned>(
    exchange: &Exchange,
    session: &Arc<Session>,
    ask: &Ask,
    task: Option<Duration>,
) -> Result<T, AskError> {
    let outlet = exchange.outlet.as_ref().ok_or_else(AskError::unavailable)?;
    let revision = exchange.revision;
    let _waiting = Waiting::new(&exchange.waiting);
    let task = task.filter(|_| remote::is_possible(session, revision, ask));
    let answer = async {
        match task {
            Some(keep) => remote::ask(outlet, session, revision, ask, keep).await,
            None => {
                let sent = send(outlet, session, revision, ask, More::default()).await;
                sent.ok()?.answer().await
            }
        }
    };
    match tokio::time::timeout(exchange.core.limits.ask_timeout, answer).await {
        Ok(Some(Ok(raw))) => read_answer::<T>(&raw),
        Ok(Some(Err(error))) => Err(AskError::client(error)),
        Ok(None) => Err(AskError::closed()),
        Err(_) => Err(AskError::timed_out()),
    }
}

/// Sends an ask as a request to the client.
pub(crate) async fn send<'a>(
    outlet: &'a Outlet,
    session: &Arc<Session>,
    revision: Revision,
    ask: &Ask,
    more: More,
) -> Result<Sent<'a>, Closed> {
    send_as(outlet, session, |id| request::live(ask, id, revision, more)).await
}

/// Sends a request that `write` writes under the id it is given.
pub(crate) async fn send_as<'a>(
    outlet: &'a Outlet,
    session: &Arc<Session>,
    write: impl FnOnce(&IdBuf) -> Vec<u8>,
) -> Result<Sent<'a>, Closed> {
    let open = session.open_ask();
    outlet.send(write(&open.id)).await?;
    Ok(Sent {
        open,
        outlet,
        over: false,
    })
}

/// An ask that the client has. Dropping it takes it back.
pub(crate) struct Sent<'a> {
    open: OpenAsk,
    outlet: &'a Outlet,
    /// It was answered, or there is nobody left to answer it.
    over: bool,
}

impl Sent<'_> {
    /// The answer; `None` if the session ended first. Cancel safe.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let answer = self.open.answer().await;
        self.over = true;
        answer
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        if !self.over {
            let id: Option<&RawValue> = serde_json::from_str(self.open.id.as_json()).ok();
            let params = json!({ "requestId": id, "reason": "the answer is no longer needed" });
            self.outlet
                .send_now(notification(Method::Cancelled, &params));
        }
    }
}

/// Counts the asks that wait.
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    pub(crate) fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
