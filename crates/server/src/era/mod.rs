//! The only place that knows both eras: who may call, in which revision, and what an answer and
//! an error look like there.

pub(crate) mod legacy;
pub(crate) mod modern;

use std::sync::Arc;

use wharf_protocol::envelope::Id;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::method::{Kind, Method, Sender};
use wharf_protocol::revision::Revision;

use crate::ask::Asks;
use crate::call::{Incoming, Via};
use crate::context::{Caller, Context, Exchange};
use crate::core::Core;
use crate::error::Error;

/// A request that is refused: the error, and the HTTP status that goes with it.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: ErrorObject,
    pub(crate) status: u16,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: i32, message: impl Into<String>) -> Self {
        Self {
            error: ErrorObject::new(code, message),
            status,
        }
    }

    /// The request cannot be read: HTTP 400 in either era.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(400, ErrorCode::INVALID_PARAMS, message)
    }
}

impl From<ErrorObject> for Refusal {
    /// An error about a request that was understood: HTTP 200.
    fn from(error: ErrorObject) -> Self {
        Self { error, status: 200 }
    }
}

/// A request that may go on: in which revision, and for whom.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) revision: Revision,
    pub(crate) caller: Caller,
}

/// Decides the era of a request and checks what that era asks of every request.
///
/// `mirrored` is what the `Mcp-Name` header must repeat: the name or URI in the parameters.
pub(crate) fn admit(incoming: &Incoming, mirrored: Option<&str>) -> Result<Admitted, Refusal> {
    let frame = &incoming.frame;
    let Admitted { revision, caller } = admit_own(incoming, &frame.method_name(), mirrored)?;
    let known = |method: &Method| {
        let from_client = method.kind() == Kind::Request && method.sender() != Sender::Server;
        from_client && method.is_in(revision)
    };
    if !frame.method.as_ref().is_some_and(known) {
        let status = if revision.is_modern() { 404 } else { 200 };
        let message = format!(
            "unknown method `{}` in revision {revision}",
            frame.method_name()
        );
        return Err(Refusal::new(status, ErrorCode::METHOD_NOT_FOUND, message));
    }
    Ok(Admitted { revision, caller })
}

/// The same for a method of our own, which every revision has.
#[inline]
pub(crate) fn admit_own(
    incoming: &Incoming,
    method: &str,
    mirrored: Option<&str>,
) -> Result<Admitted, Refusal> {
    let frame = &incoming.frame;
    let meta = frame.meta();
    if meta
        .raw
        .is_some_and(|raw| !raw.is_object() && !raw.is_null())
    {
        return Err(Refusal::malformed("`params._meta` must be an object"));
    }
    if let Some(token) = meta.progress_token
        && Id::from_json(token.get()).is_none()
    {
        return Err(Refusal::malformed(
            "`params._meta.progressToken` must be a string or an integer",
        ));
    }
    let (revision, caller) = match &incoming.via {
        Via::ModernHttp(headers) => {
            let admitted = modern::admit_http(headers, incoming, &meta)?;
            modern::check_headers(headers, method, mirrored)?;
            admitted
        }
        Via::LegacyHttp(session) if modern::is_other(&meta, session.revision) => {
            return Err(modern::of_a_session());
        }
        Via::LegacyHttp(session) => (session.revision, Caller::Session(Arc::clone(session))),
        Via::UnopenedHttp => return Err(modern::unopened(method)),
        Via::Line(_) if meta.protocol_version.is_some() => modern::admit(incoming, &meta)?,
        Via::Line(Some(session)) => (session.revision, Caller::Session(Arc::clone(session))),
        Via::Line(None) => return Err(legacy::unopened(method)),
    };
    Ok(Admitted { revision, caller })
}

impl Admitted {
    /// The context of a call, with the way its asks go.
    pub(crate) fn context(self, core: &Arc<Core>, incoming: &Incoming, asks: Asks) -> Context {
        Exchange::new(
            Arc::clone(core),
            self.revision,
            self.caller,
            Arc::clone(&incoming.frame),
            Some(incoming.outlet.clone()),
            asks,
        )
        .into()
    }
}

/// The JSON-RPC error of a failed read or prompt.
pub(crate) fn error_object(error: &Error, revision: Revision) -> ErrorObject {
    let mut object = error.to_object();
    if error.is_not_found() && revision.is_modern() {
        object.code = ErrorCode::INVALID_PARAMS;
    }
    object
}
