//! Requests that bring everything along: 2026-07-28 and later.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use serde_json::json;
use serde_json::value::RawValue;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::headers;
use wharf_protocol::input::InputRequiredResult;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::raw::RawJson;
use wharf_protocol::request::RequestMeta;
use wharf_protocol::revision::Revision;

use super::Refusal;
use crate::ask::journal::Binding;
use crate::ask::rounds::{Rounds, Suspension};
use crate::call::{Incoming, Retry};
use crate::context::Caller;
use crate::core::Core;
use crate::principal::Principal;

/// The revisions that are served without a session.
pub(crate) const SUPPORTED: &[Revision] = &[Revision::V2026_07_28];

/// Checks what a modern request over HTTP must say of itself, in its headers and in its body.
pub(crate) fn admit_http(
    headers: &HeaderMap,
    incoming: &Incoming,
    meta: &RequestMeta<'_>,
) -> Result<(Revision, Caller), Refusal> {
    let header = single(headers, headers::PROTOCOL_VERSION)?.unwrap_or_default();
    match meta.protocol_version {
        // Most often it is a plain string that is what it should be.
        Some(body) if is_text(body, header) => {}
        Some(_) => {
            return Err(mismatch(
                "header MCP-Protocol-Version and \
                 `_meta[\"io.modelcontextprotocol/protocolVersion\"]` differ",
            ));
        }
        None if Revision::parse(header).is_none() => return Err(unsupported(header)),
        None => {}
    }
    admit(incoming, meta)
}

/// Whether the body says that it is of another revision than this one of a session.
pub(crate) fn is_other(meta: &RequestMeta<'_>, revision: Revision) -> bool {
    meta.protocol_version
        .is_some_and(|body| !is_text(body, revision.as_str()))
}

/// Whether a JSON string is this text, in whatever spelling.
fn is_text(raw: RawJson<'_>, text: &str) -> bool {
    raw.as_str().is_some_and(|raw| raw == text)
}

/// Checks what a modern request must say of itself.
pub(crate) fn admit(
    incoming: &Incoming,
    meta: &RequestMeta<'_>,
) -> Result<(Revision, Caller), Refusal> {
    let version = meta.protocol_version.and_then(RawJson::as_str);
    let version = version.ok_or_else(|| missing("protocolVersion"))?;
    let revision = SUPPORTED
        .iter()
        .copied()
        .find(|revision| revision.as_str() == version)
        .ok_or_else(|| unsupported(&version))?;
    if !meta.client_capabilities.is_some_and(RawJson::is_object) {
        return Err(missing("clientCapabilities"));
    }
    let level = match meta.log_level {
        None => None,
        Some(name) => Some(name.as_str().and_then(|name| LoggingLevel::parse(&name)).ok_or_else(
            || {
                Refusal::malformed(
                    "`_meta[\"io.modelcontextprotocol/logLevel\"]` is not a log level: use debug, \
                     info, notice, warning, error, critical, alert or emergency",
                )
            },
        )?),
    };
    let principal = incoming.principal.clone();
    Ok((revision, Caller::modern(principal, level)))
}

fn missing(name: &str) -> Refusal {
    Refusal::malformed(format!(
        "`params._meta[\"io.modelcontextprotocol/{name}\"]` is required in every request"
    ))
}

/// The client asks for a revision that is not served this way.
pub(crate) fn unsupported(version: &str) -> Refusal {
    let supported: Vec<_> = SUPPORTED.iter().map(|revision| revision.as_str()).collect();
    let legacy: Vec<_> = Revision::ALL
        .iter()
        .filter(|revision| !revision.is_modern())
        .map(|r| r.as_str())
        .collect();
    let shown = crate::handler::text::shown(version);
    let message = format!(
        "unsupported protocol version {shown}: per request {}; with `initialize` {}",
        supported.join(", "),
        legacy.join(", ")
    );
    let error = ErrorObject::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, message)
        .with_data(json!({ "supported": supported, "requested": version }));
    Refusal { error, status: 400 }
}

fn mismatch(message: impl Into<String>) -> Refusal {
    Refusal::new(400, ErrorCode::HEADER_MISMATCH, message)
}

/// The one value of a header; repeated ones are as bad as none.
fn single<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(mismatch(format!("header {name} is repeated")));
    }
    let value = value.to_str().map_err(|_| {
        mismatch(format!(
            "header {name} has characters that are not printable ASCII"
        ))
    })?;
    Ok(Some(value.trim_matches([' ', '\t'])))
}

/// The standard headers against the body.
pub(crate) fn check_headers(
    headers: &HeaderMap,
    method: &str,
    mirrored: Option<&str>,
) -> Result<(), Refusal> {
    match single(headers, headers::METHOD)? {
        None => return Err(mismatch("header Mcp-Method is required")),
        Some(value) if value != method => {
            return Err(mismatch("header Mcp-Method and the body's `method` differ"));
        }
        Some(_) => {}
    }
    let Some(expected) = mirrored else {
        return Ok(());
    };
    let Some(value) = single(headers, headers::NAME)? else {
        return Err(mismatch(format!(
            "header Mcp-Name is required for {method}"
        )));
    };
    let value = headers::decode_value(value)
        .map_err(|why| mismatch(format!("header Mcp-Name cannot be decoded: {why}")))?;
    if value != expected {
        return Err(mismatch(
            "header Mcp-Name and the body's name or URI differ",
        ));
    }
    Ok(())
}

/// The headers that mirror a tool's arguments against the arguments.
pub(crate) fn check_parameters(
    headers: &HeaderMap,
    expected: &[headers::ParamHeader],
    arguments: Option<RawJson<'_>>,
) -> Result<(), Refusal> {
    if expected.is_empty() {
        return Ok(());
    }
    let arguments: serde_json::Value = arguments
        .map_or(Ok(serde_json::Value::Null), RawJson::read)
        .map_err(|why| Refusal::malformed(format!("`params.arguments`: {why}")))?;
    for parameter in expected {
        let mut values = headers.get_all(&parameter.header).iter();
        let header = values.next();
        if values.next().is_some() {
            return Err(mismatch(format!("header {} is repeated", parameter.header)));
        }
        let header = match header.map(|value| value.to_str()) {
            None => None,
            Some(Ok(value)) => Some(value.trim_matches([' ', '\t'])),
            Some(Err(_)) => {
                return Err(mismatch(format!(
                    "header {} has characters that are not printable ASCII",
                    parameter.header
                )));
            }
        };
        headers::matches(header, parameter.value_in(&arguments), parameter.kind)
            .map_err(|why| mismatch(format!("header {}: {why}", parameter.header)))?;
    }
    Ok(())
}

/// A request of a session whose body says that it is of another revision.
pub(crate) fn of_a_session() -> Refusal {
    mismatch(
        "`_meta[\"io.modelcontextprotocol/protocolVersion\"]` names another revision than this \
         session's: send the request without its Mcp-Session-Id and with its \
         MCP-Protocol-Version header",
    )
}

/// A request over HTTP that has neither a session nor the marks of a modern one.
pub(crate) fn unopened(method: &str) -> Refusal {
    Refusal::new(
        400,
        ErrorCode::INVALID_REQUEST,
        format!(
            "{}: no session: send `initialize` first and then its Mcp-Session-Id with every \
             request, or use 2026-07-28 with its headers and `_meta`",
            method
        ),
    )
}

/// What a call is, for the seal on its journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) arguments: Option<RawJson<'a>>,
}

impl Subject<'_> {
    /// Of a method that cannot ask, so that nothing is sealed.
    pub(crate) fn of(method: wharf_protocol::method::Method) -> Self {
        Self {
            method: method.as_str(),
            target: "",
            arguments: None,
        }
    }

    fn with_binding<T>(
        &self,
        principal: Option<&Principal>,
        f: impl FnOnce(&Binding<'_>) -> T,
    ) -> T {
        let principal: Option<Cow<'_, str>> = principal.map(|p| p.binding().into());
        f(&Binding {
            principal: principal.as_deref(),
            method: self.method,
            target: self.target,
            arguments_digest: crate::ask::journal::arguments_digest(
                self.arguments.unwrap_or(RawJson::EMPTY_OBJECT).get(),
            ),
        })
    }
}

/// Reads `params.inputResponses`: a result for each key.
pub(crate) fn read_responses(
    responses: Option<RawJson<'_>>,
) -> Result<BTreeMap<String, Box<RawValue>>, Refusal> {
    let malformed = || Refusal::malformed("`params.inputResponses` must be an object of results");
    let responses = responses.ok_or_else(malformed)?;
    let answers: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(responses.get()).map_err(|_| malformed())?;
    if let Some((key, _)) = answers.iter().find(|(_, raw)| !raw.get().starts_with('{')) {
        let key = crate::handler::text::shown(key);
        let why = format!("`params.inputResponses[{key}]` must be a result object");
        return Err(Refusal::malformed(why));
    }
    Ok(answers)
}

/// The client did not declare an extension that it needs for what it asks.
pub(crate) fn extension_missing(id: &str, message: impl Into<String>) -> Refusal {
    let needed = json!({ "requiredCapabilities": { "extensions": { id: {} } } });
    let code = ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY;
    Refusal {
        error: ErrorObject::new(code, message).with_data(needed),
        status: 400,
    }
}

/// Opens the state that a retry brings along, and takes in its answers.
pub(crate) fn resume(
    core: &Core,
    principal: Option<&Principal>,
    subject: Subject<'_>,
    retry: &Retry<'_>,
) -> Result<Rounds, Refusal> {
    let Retry { state, responses } = retry;
    let answers: BTreeMap<String, Box<RawValue>> = match responses {
        None => BTreeMap::new(),
        given => read_responses(*given)?,
    };
    let journal = match state {
        None if responses.is_none() => return Ok(Rounds::default()),
        None => return Ok(Rounds::answered(answers)),
        Some(state) => subject.with_binding(principal, |binding| {
            core.keys
                .open(state, binding, now(), core.limits.state_bytes)
        }),
    };
    let journal = journal.map_err(|refused| Refusal::malformed(refused.to_string()))?;
    if journal.rounds > core.limits.rounds {
        return Err(Refusal::malformed("the call came back too often"));
    }
    Ok(Rounds::resume(journal, answers))
}

/// Turns a suspended handler into the result that asks for more.
pub(crate) fn suspend(
    core: &Core,
    principal: Option<&Principal>,
    subject: Subject<'_>,
    suspension: Suspension,
) -> Result<InputRequiredResult, Refusal> {
    let (input_requests, mut journal) = match suspension {
        Suspension::Asks(requests, journal) => (requests, journal),
        Suspension::Invalid(why) => return Err(Refusal::malformed(why)),
    };
    journal.rounds += 1;
    let expires = now() + core.limits.state_lifetime.as_secs();
    let sealed = subject.with_binding(principal, |binding| {
        core.keys
            .seal(&journal, binding, expires, core.limits.state_bytes)
    });
    let request_state = sealed.map_err(|why| {
        tracing::error!(method = subject.method, "a journal cannot be sealed: {why}");
        let message = "this call remembers more between its rounds than the server allows";
        Refusal::from(ErrorObject::new(ErrorCode::INTERNAL_ERROR, message))
    })?;
    Ok(InputRequiredResult {
        input_requests,
        request_state: Some(request_state),
        meta: None,
    })
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
