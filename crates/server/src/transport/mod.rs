//! Bytes in, bytes out.

pub(crate) mod batch;
pub(crate) mod conversation;
pub mod http;
pub(crate) mod in_process;
pub(crate) mod line;
pub(crate) mod stdio;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use serde_json::value::RawValue;
use wharf_protocol::envelope::Id;
use wharf_protocol::method::Method;
use wharf_protocol::request::CancelledParams;

use crate::call::{Frame, Incoming, Reply};
use crate::calls::Calls;
use crate::core::Core;
use crate::dispatch::respond;

/// A request being answered.
pub(crate) type Call = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A request that was polled once, in place.
pub(crate) enum Started {
    /// The handler did not have to wait: no task, no queue, nothing else was needed.
    Ready(Reply),
    Waiting(Call),
}

/// Starts to answer a request on the task of its connection: polls it once.
pub(crate) fn begin(cx: &mut Context<'_>, core: &Arc<Core>, incoming: Incoming) -> Started {
    let mut call = respond(core, incoming);
    match call.as_mut().poll(cx) {
        Poll::Ready(reply) => Started::Ready(reply),
        Poll::Pending => Started::Waiting(call),
    }
}

/// The same in an async function; it is ready at once.
pub(crate) async fn start(core: &Arc<Core>, incoming: Incoming) -> Started {
    let mut call = respond(core, incoming);
    let first = std::future::poll_fn(|cx: &mut Context<'_>| {
        Poll::Ready(match call.as_mut().poll(cx) {
            Poll::Ready(reply) => Some(reply),
            Poll::Pending => None,
        })
    });
    match first.await {
        Some(reply) => Started::Ready(reply),
        None => Started::Waiting(call),
    }
}

/// Takes in a notification. What it does not know or cannot read it ignores, as the
/// specification asks.
pub(crate) fn notified(frame: &Frame, calls: &Calls) {
    match frame.method {
        Some(Method::Cancelled) => {
            let Ok(params) = frame.params::<CancelledParams<'_>>() else {
                return;
            };
            cancel(calls, params.request_id, params.reason.as_deref());
        }
        None if frame.raw_method() == CANCEL_REQUEST => {
            if let Ok(params) = frame.params::<CancelRequest<'_>>() {
                cancel(calls, params.id, None);
            }
        }
        Some(method) => tracing::debug!(method = method.as_str(), "notification"),
        None => tracing::debug!("unknown notification"),
    }
}

/// How clients cancel that know JSON-RPC from editors. It is not in the specification, so no
/// revision gives it another meaning.
const CANCEL_REQUEST: &str = "$/cancelRequest";

#[derive(serde::Deserialize)]
struct CancelRequest<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

fn cancel(calls: &Calls, id: &RawValue, reason: Option<&str>) {
    if let Some(id) = Id::from_json(id.get()).map(|id| id.to_owned()) {
        let found = calls.cancel(&id);
        let id = crate::handler::text::shown(id.as_json());
        tracing::debug!(%id, found, ?reason, "cancelled by the client");
    }
}
