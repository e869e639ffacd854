//! Sessions opened by `initialize`: up to 2025-11-25.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use wharf_protocol::capabilities::ClientCapabilities;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::lifecycle::InitializeResult;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::request::SetLevelParams;
use wharf_protocol::revision::Revision;

use super::Refusal;
use crate::call::{Frame, Incoming, Reply, Via};
use crate::core::Core;
use crate::hub::{Listener, Lists};
use crate::interpret::Interpretation;
use crate::low_level::Handlers;
use crate::session::{Client, Session};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params<'a> {
    protocol_version: String,
    #[serde(borrow)]
    capabilities: &'a RawValue,
    #[serde(borrow)]
    client_info: &'a RawValue,
}

/// Opens a session, and keeps it where there is a durable store.
#[inline]
pub(crate) async fn open(
    core: &Core,
    incoming: &Incoming,
    interpretation: Option<Arc<dyn Interpretation>>,
) -> Result<Reply, Refusal> {
    let reply = initialize(core, incoming, interpretation)?;
    if core.durable.is_some() {
        Box::pin(keep(core, incoming, &reply)).await?;
    }
    Ok(reply)
}

/// Opens a session in the revision that the client asks for, or in our newest legacy one.
fn initialize(
    core: &Core,
    incoming: &Incoming,
    interpretation: Option<Arc<dyn Interpretation>>,
) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    if matches!(incoming.via, Via::Line(Some(_)) | Via::LegacyHttp(_)) {
        let message = "the session is open already: `initialize` comes once";
        return Err(Refusal::new(400, ErrorCode::INVALID_REQUEST, message));
    }
    let params: Params<'_> = frame
        .params()
        .map_err(|error| Refusal { error, status: 400 })?;
    let capabilities: ClientCapabilities = serde_json::from_str(params.capabilities.get())
        .map_err(|why| {
            let why = why.to_string();
            let why = crate::handler::text::shown_up_to(&why, 400);
            Refusal::malformed(format!("`params.capabilities`: {why}"))
        })?;
    if !params.client_info.get().starts_with('{') {
        return Err(Refusal::malformed("`params.clientInfo` must be an object"));
    }
    let revision = Revision::parse(&params.protocol_version)
        .filter(|revision| !revision.is_modern())
        .unwrap_or(Revision::LATEST_LEGACY);
    let client = Client {
        info: Some(params.client_info.to_owned()),
        capabilities,
        interpretation,
    };
    let session = Session::new(revision, incoming.principal.clone(), client);
    if matches!(incoming.via, Via::UnopenedHttp) && !core.sessions.insert(&session, &core.limits) {
        let message = "too many sessions: end one with DELETE, or try again later";
        return Err(Refusal::new(429, ErrorCode::INTERNAL_ERROR, message));
    }
    let result = InitializeResult {
        protocol_version: revision,
        capabilities: core.capabilities(revision),
        server_info: core.info.clone(),
        instructions: core.instructions.clone(),
        meta: None,
    };
    let mut reply = Reply::result(frame.id(), &result, &core.frame(revision, None));
    reply.opened = Some(session);
    Ok(reply)
}

/// Puts the session that a request opened into the durable store, before its client hears of it.
async fn keep(core: &Core, incoming: &Incoming, reply: &Reply) -> Result<(), Refusal> {
    let (Some(session), Via::UnopenedHttp) = (&reply.opened, &incoming.via) else {
        return Ok(());
    };
    if core.sessions.is_sweep_due(&core.limits) {
        core.sweep_sessions().await;
    }
    let params: Params<'_> = incoming.frame.params()?;
    let kept = core.keep_session(session, params.capabilities).await;
    kept.inspect_err(|_| core.sessions.remove(session))
}

/// Whether the client may send several messages in one: 2025-03-26 has batches, and no other.
pub(crate) fn takes_batches(session: &Session) -> bool {
    session.revision == Revision::V2025_03_26
}

/// A request on a connection that nobody opened.
pub(crate) fn unopened(method: &str) -> Refusal {
    Refusal::malformed(format!(
        "{}: send `initialize` first, or carry \
         `params._meta[\"io.modelcontextprotocol/protocolVersion\"]` in every request",
        method
    ))
}

pub(crate) fn set_level(session: &Session, incoming: &Incoming) -> Result<(), Refusal> {
    session.set_level(level_of(&incoming.frame)?);
    Ok(())
}

/// The level that `logging/setLevel` chooses.
pub(crate) fn level_of(frame: &Frame) -> Result<LoggingLevel, ErrorObject> {
    let params: SetLevelParams<'_> = frame.params()?;
    LoggingLevel::parse(&params.level).ok_or_else(|| {
        ErrorObject::new(
            ErrorCode::INVALID_PARAMS,
            "`params.level` must be debug, info, notice, warning, error, critical, alert or \
             emergency",
        )
    })
}

/// The listener of a session, which hears of every list from the first time it is needed.
pub(crate) fn listener<'s>(core: &Core, session: &'s Session) -> &'s Arc<Listener> {
    session.listener(|| {
        let listener = Listener::new(Lists::ALL, []);
        core.hub.add(&listener);
        listener
    })
}

pub(crate) fn subscribe(
    core: &Core,
    session: &Session,
    incoming: &Incoming,
) -> Result<(), Refusal> {
    let uri = incoming.frame.uri()?;
    // Whoever has a catalog of their own has agreed already.
    let foreign = core.handlers().is_some_and(Handlers::know_resources);
    if !foreign && !core.catalog.load().has_resource(&uri) {
        let error = crate::Error::not_found(&*uri);
        return Err(super::error_object(&error, session.revision).into());
    }
    if !listener(core, session).subscribe(&uri, core.limits.subscriptions) {
        let message = format!("more than {} subscriptions", core.limits.subscriptions);
        return Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, message).into());
    }
    Ok(())
}

pub(crate) fn unsubscribe(session: &Session, incoming: &Incoming) -> Result<(), Refusal> {
    let uri = incoming.frame.uri()?;
    if let Some(listener) = session.known_listener() {
        listener.unsubscribe(&uri);
    }
    Ok(())
}
