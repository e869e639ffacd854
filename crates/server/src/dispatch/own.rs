//! Requests whose methods an extension brought along.

use std::sync::Arc;

use serde_json::{Map, Value};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::raw::RawJson;

use super::{asking_context, drive, finish, malformed};
use crate::call::{Incoming, Reply};
use crate::context::{Caller, Context};
use crate::core::Core;
use crate::era::modern::Subject;
use crate::era::{self, Refusal, modern};

/// Answers a request whose method is not the specification's.
pub(super) async fn respond(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let name = frame.raw_method();
    let Some(own) = core.extensions.method(&name, &core.catalog.peek()) else {
        // Says that the method is unknown, or what else is wrong.
        era::admit(incoming, None)?;
        return Err(Refusal::new(404, ErrorCode::METHOD_NOT_FOUND, "unknown"));
    };
    let mirrored = malformed(own.method.mirrored(frame))?;
    let admitted = era::admit_own(incoming, &name, mirrored.as_deref())?;
    let revision = admitted.revision;
    // All parameters count for the seal on what the client carries between rounds.
    let params = malformed(bound_params(frame))?;
    let subject = Subject {
        method: &name,
        target: mirrored.as_deref().unwrap_or_default(),
        arguments: Some(RawJson::assume_valid(&params)),
    };
    let (ctx, _) = asking_context(core, incoming, admitted, subject)?;
    if let Some(id) = &own.required
        && !ctx.has_client_extension(id)
    {
        return Err(not_declared(id, &name, &ctx));
    }
    let running = malformed(own.method.run(frame, ctx.clone()))?;
    let outcome = drive(&ctx, running, core.limits.call_timeout)
        .await
        .map(|result| result.map(|result| result.cached(own.method.hint(&core.caching))));
    finish(core, incoming, &ctx, revision, subject, None, outcome)
}

/// The parameters without what differs between the rounds of one call.
fn bound_params(frame: &crate::call::Frame) -> Result<String, ErrorObject> {
    let mut params: Map<String, Value> = frame.params()?;
    for member in ["_meta", "inputResponses", "requestState"] {
        params.shift_remove(member);
    }
    Ok(Value::from(params).to_string())
}

fn not_declared(id: &str, method: &str, ctx: &Context) -> Refusal {
    let message = format!(
        "`{method}` is for clients that declare the extension `{id}` in their capabilities"
    );
    if matches!(ctx.exchange().caller, Caller::Session(_)) {
        return Refusal::new(200, ErrorCode::METHOD_NOT_FOUND, message);
    }
    modern::extension_missing(id, message)
}
