//! What passes through the layers around every request.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use wharf_protocol::error::ErrorObject;

use super::{Call, sealed};
use crate::call::{Incoming, Reply};
use crate::core::Core;
use crate::dispatch;
use crate::era::Refusal;
use crate::error::Result;
use crate::handler::BoxFuture;
use crate::principal::Principal;

/// A request of any method, on its way to be answered. Nothing of it has been checked yet.
///
/// Layers around requests see those that are refused too: unknown methods, calls without a
/// session, headers that do not agree. They have no part in the time of a call. A stream of
/// notices (`subscriptions/listen`) is one request, which ends with the stream.
pub struct RequestCall {
    core: Arc<Core>,
    incoming: Arc<Incoming>,
}

impl RequestCall {
    pub(crate) fn new(core: Arc<Core>, incoming: Arc<Incoming>) -> Self {
        Self { core, incoming }
    }

    /// The JSON-RPC method, with whatever cannot be shown escaped, and cut where it is long.
    pub fn method(&self) -> Cow<'_, str> {
        self.incoming.frame.method_name()
    }

    /// The name of the tool or prompt or the URI of the resource, as the client wrote it.
    pub fn target(&self) -> Option<Cow<'_, str>> {
        let frame = &self.incoming.frame;
        frame.name().or_else(|_| frame.uri()).ok()
    }

    /// The authenticated caller, where the server knows callers.
    pub fn principal(&self) -> Option<&Principal> {
        self.incoming.principal.as_deref()
    }
}

impl Call for RequestCall {
    type Output = Answer;
}

impl sealed::Handled for RequestCall {
    fn handle(self) -> BoxFuture<'static, Result<Answer>> {
        Box::pin(async move {
            let outcome = dispatch::answer(&self.core, &self.incoming).await;
            Ok(Answer { outcome })
        })
    }
}

impl fmt::Debug for RequestCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestCall")
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

/// How a request was answered.
#[derive(Debug)]
pub struct Answer {
    pub(crate) outcome: Result<Reply, Refusal>,
}

impl Answer {
    /// The JSON-RPC error that the client gets; `None` for a result. A tool that failed is a
    /// result: see [`ToolCall`](super::ToolCall).
    pub fn error(&self) -> Option<&ErrorObject> {
        self.outcome.as_ref().err().map(|refusal| &refusal.error)
    }

    /// How many bytes the answer has; `None` for an error.
    pub fn bytes(&self) -> Option<usize> {
        self.outcome.as_ref().ok().map(|reply| reply.message.len())
    }
}
