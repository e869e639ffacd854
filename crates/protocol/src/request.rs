//! Parameters of requests, borrowed from the message.
//!
//! The members that the protocol itself reads on every request are found while the message is
//! scanned; whatever else a method has is read from the raw text by the method.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::envelope::unescaped;
use crate::meta;
use crate::raw::{NotJson, RawJson, Scanner};

/// The `params` of a request, and those of their members that many methods share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<'a> {
    raw: Option<RawJson<'a>>,
    /// `name` of a tool or prompt.
    pub name: Option<RawJson<'a>>,
    /// `uri` of a resource.
    pub uri: Option<RawJson<'a>>,
    /// `arguments` of a tool or prompt.
    pub arguments: Option<RawJson<'a>>,
    /// `cursor` of a list.
    pub cursor: Option<RawJson<'a>>,
    /// `inputResponses`: answers to what an earlier round asked for.
    pub input_responses: Option<RawJson<'a>>,
    /// `requestState`: the sealed journal of the earlier rounds.
    pub request_state: Option<RawJson<'a>>,
    /// `_meta`.
    pub meta: RequestMeta<'a>,
    repeated: Option<&'static str>,
}

/// `_meta` of a request, and what the protocol itself puts there
/// (spec 2026-07-28, `basic`, "`_meta`").
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestMeta<'a> {
    /// All of it.
    pub raw: Option<RawJson<'a>>,
    /// Opts in to progress; a string or an integer, echoed as sent.
    pub progress_token: Option<RawJson<'a>>,
    /// The revision of this request; required since 2026-07-28.
    pub protocol_version: Option<RawJson<'a>>,
    /// Who the client says it is.
    pub client_info: Option<RawJson<'a>>,
    /// What the client can do; required since 2026-07-28.
    pub client_capabilities: Option<RawJson<'a>>,
    /// The least severe level the client wants to see.
    pub log_level: Option<RawJson<'a>>,
}

/// Puts a value into its place, and notes if there was one before.
fn put<'a>(
    slot: &mut Option<RawJson<'a>>,
    value: RawJson<'a>,
    name: &'static str,
    repeated: &mut Option<&'static str>,
) {
    if slot.replace(value).is_some() {
        *repeated = Some(name);
    }
}

impl<'a> Params<'a> {
    pub(crate) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, NotJson> {
        let mut params = Self::default();
        if scanner.next_token() != b'{' {
            params.raw = Some(scanner.value()?);
            return Ok(params);
        }
        let start = *scanner;
        let Self {
            name,
            uri,
            arguments,
            cursor,
            input_responses,
            request_state,
            meta,
            repeated,
            ..
        } = &mut params;
        scanner.object(|scanner, key| {
            let (slot, known) = match &*unescaped(key) {
                "name" => (&mut *name, "name"),
                "uri" => (&mut *uri, "uri"),
                "arguments" => (&mut *arguments, "arguments"),
                "cursor" => (&mut *cursor, "cursor"),
                "inputResponses" => (&mut *input_responses, "inputResponses"),
                "requestState" => (&mut *request_state, "requestState"),
                "_meta" => {
                    let again = meta.raw.is_some();
                    *meta = RequestMeta::scan(scanner, repeated)?;
                    if again {
                        *repeated = Some("_meta");
                    }
                    return Ok(());
                }
                _ => return scanner.value().map(drop),
            };
            put(slot, scanner.value()?, known, repeated);
            Ok(())
        })?;
        params.raw = Some(start.until(scanner));
        Ok(params)
    }

    /// The whole object; absent parameters are an empty one.
    pub fn raw(&self) -> RawJson<'a> {
        self.raw.unwrap_or(RawJson::EMPTY_OBJECT)
    }

    /// A member that was there twice.
    pub(crate) fn repeated(&self) -> Option<&'static str> {
        self.repeated
    }
}

impl<'a> RequestMeta<'a> {
    fn scan(
        scanner: &mut Scanner<'a>,
        repeated: &mut Option<&'static str>,
    ) -> Result<Self, NotJson> {
        let mut found = Self::default();
        if scanner.next_token() != b'{' {
            found.raw = Some(scanner.value()?);
            return Ok(found);
        }
        let start = *scanner;
        let Self {
            progress_token,
            protocol_version,
            client_info,
            client_capabilities,
            log_level,
            ..
        } = &mut found;
        scanner.object(|scanner, key| {
            let (slot, known) = match &*unescaped(key) {
                meta::PROGRESS_TOKEN => (&mut *progress_token, meta::PROGRESS_TOKEN),
                meta::PROTOCOL_VERSION => (&mut *protocol_version, meta::PROTOCOL_VERSION),
                meta::CLIENT_INFO => (&mut *client_info, meta::CLIENT_INFO),
                meta::CLIENT_CAPABILITIES => (&mut *client_capabilities, meta::CLIENT_CAPABILITIES),
                meta::LOG_LEVEL => (&mut *log_level, meta::LOG_LEVEL),
                _ => return scanner.value().map(drop),
            };
            put(slot, scanner.value()?, known, repeated);
            Ok(())
        })?;
        found.raw = Some(start.until(scanner));
        Ok(found)
    }
}

/// Parameters of `logging/setLevel`.
#[derive(Clone, Debug, Deserialize)]
pub struct SetLevelParams<'a> {
    /// The level's name.
    #[serde(borrow)]
    pub level: Cow<'a, str>,
}

/// Parameters of `notifications/cancelled`.
#[derive(Clone, Debug, Deserialize)]
pub struct CancelledParams<'a> {
    /// The request that is no longer wanted, raw.
    #[serde(borrow, rename = "requestId")]
    pub request_id: &'a RawValue,
    /// Why, for the log.
    #[serde(borrow)]
    pub reason: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use crate::envelope::Message;

    #[test]
    fn what_the_protocol_reads_is_found_wherever_it_stands() {
        let text = r#"{"params":{"x":[{"name":"no"}],"_meta":{"a":{"progressToken":0},"progressToken":"t",
            "io.modelcontextprotocol\/protocolVersion":"v"},"arguments":{"name":1},"n\u0061me":"yes"},
            "jsonrpc":"2.0","method":"tools/call","id":1}"#;
        let Ok(Message::Request { params, .. }) = Message::parse(text.as_bytes()) else {
            panic!()
        };
        assert_eq!(
            params.name.and_then(|name| name.as_str()).as_deref(),
            Some("yes")
        );
        assert_eq!(params.arguments.map(|it| it.get()), Some(r#"{"name":1}"#));
        assert_eq!(params.meta.progress_token.map(|it| it.get()), Some("\"t\""));
        assert_eq!(
            params.meta.protocol_version.map(|it| it.get()),
            Some("\"v\"")
        );
        assert!(params.uri.is_none() && params.raw().get().starts_with("{\"x\""));
        assert!(params.raw().get().ends_with("\"yes\"}"));
    }

    #[test]
    fn repeated_members_are_refused() {
        for params in [
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","n\u0061me":"b"}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":{"progressToken":1,"progressToken":2}}"#,
        ] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
            let error = Message::parse(text.as_bytes()).expect_err(params);
            assert!(
                error.to_string().contains("repeated") && error.code() == -32600,
                "{error}"
            );
            assert!(error.id().is_some());
        }
    }
}
