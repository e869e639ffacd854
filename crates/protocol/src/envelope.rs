//! The JSON-RPC envelope, read in one pass.
//!
//! Nothing below the envelope is looked at: `params`, `result` and `error` stay raw text until
//! the method, or the request that waits for the answer, says what type they have.
//! Specification: `basic` ("Messages") of every revision.

mod batch;

pub use batch::{batch, is_batch};

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::meta;
use crate::raw::{NotJson, RawJson, Scanner, Span, Stop};
use crate::request::RequestMeta;

/// The longest request id that is accepted, in bytes of its JSON text.
///
/// Ids are kept for as long as their request runs, so they must not be a way to fill memory.
pub const MAX_ID_BYTES: usize = 1024;

/// A request id as it stands in the message: the JSON text of a string or an integer.
///
/// Integers of any size are kept as sent. `1` and `"1"` are different ids.
#[derive(Clone, Copy, Debug)]
pub struct Id<'a>(&'a str);

impl<'a> Id<'a> {
    /// Takes an id from its JSON text; `None` unless it is a string or an integer within
    /// [`MAX_ID_BYTES`].
    pub fn from_json(text: &'a str) -> Option<Self> {
        let valid = match text.as_bytes() {
            bytes if bytes.len() > MAX_ID_BYTES => false,
            [b'"', ..] => serde_json::from_str::<Cow<'_, str>>(text).is_ok(),
            [b'-', digits @ ..] | digits => {
                !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
            }
        };
        valid.then_some(Self(text))
    }

    /// The JSON text, exactly as sent: what the answer must echo.
    pub fn as_json(&self) -> &'a str {
        self.0
    }

    /// An owned id that compares by value: two spellings of one string are the same id.
    pub fn to_owned(&self) -> IdBuf {
        // Only a string with an escape has a second spelling.
        if self.0.contains('\\')
            && let Ok(text) = serde_json::from_str::<String>(self.0)
            && let Ok(canonical) = serde_json::to_string(&text)
        {
            return IdBuf(canonical.into());
        }
        IdBuf(self.0.into())
    }
}

/// An owned request id, comparable and hashable by value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdBuf(Box<str>);

impl IdBuf {
    /// An integer id.
    pub fn number(value: i64) -> Self {
        Self(value.to_string().into())
    }

    /// A string id.
    pub fn string(value: &str) -> Self {
        Self(serde_json::Value::from(value).to_string().into())
    }

    /// The id as JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The id, borrowed.
    pub fn as_id(&self) -> Id<'_> {
        Id(&self.0)
    }
}

impl fmt::Display for IdBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for IdBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for IdBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Id::from_json(raw.get())
            .map(|id| id.to_owned())
            .ok_or_else(|| serde::de::Error::custom("an id is a string or an integer"))
    }
}

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Asks for an answer.
    Request,
    /// Asks for none.
    Notification,
    /// Answers a request that this side sent, with a result or an error.
    Response,
}

/// One JSON-RPC message: where its parts stand in its text.
///
/// Besides the envelope these are the members of `params` and of `_meta` that the protocol itself
/// reads on many requests. They are places and not borrowed texts, so that whoever owns the text
/// can keep both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    version: Span,
    /// The request's id, or that of the request which is answered.
    pub id: Span,
    /// The method, as a JSON string.
    pub method: Span,
    /// The parameters.
    pub params: Span,
    /// The result of a response.
    pub result: Span,
    /// The error of a response.
    pub error: Span,
    /// `result.resultType`: what kind of result it is, since 2026-07-28.
    pub result_type: Span,
    /// `params.name` of a tool or prompt.
    pub name: Span,
    /// `params.uri` of a resource.
    pub uri: Span,
    /// `params.arguments` of a tool or prompt.
    pub arguments: Span,
    /// `params.cursor` of a list.
    pub cursor: Span,
    /// `params.inputResponses`: answers to what an earlier round asked for.
    pub input_responses: Span,
    /// `params.requestState`: the sealed journal of the earlier rounds.
    pub request_state: Span,
    /// `params.task`: the wish that the call become a task.
    pub task: Span,
    /// `params.taskId` of a request about a task.
    pub task_id: Span,
    /// `params._meta`.
    pub meta: Span,
    /// `progressToken` of `_meta`.
    pub progress_token: Span,
    /// The revision in `_meta`.
    pub protocol_version: Span,
    /// The client's name in `_meta`.
    pub client_info: Span,
    /// The client's capabilities in `_meta`.
    pub client_capabilities: Span,
    /// The log level in `_meta`.
    pub log_level: Span,
}

/// Why bytes are not a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeError {
    kind: Kind,
    reason: String,
    id: Option<IdBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    NotJson,
    NotAMessage,
    Batch,
}

impl EnvelopeError {
    fn invalid(reason: impl Into<String>, id: Option<Id<'_>>) -> Self {
        Self {
            kind: Kind::NotAMessage,
            reason: reason.into(),
            id: id.map(|id| id.to_owned()),
        }
    }

    /// Whether the bytes are not JSON at all (`-32700`); otherwise they are JSON but no valid
    /// message (`-32600`).
    pub fn is_parse_error(&self) -> bool {
        self.kind == Kind::NotJson
    }

    /// Whether the message is a JSON array: a batch, which only 2025-03-26 knows.
    pub fn is_batch(&self) -> bool {
        self.kind == Kind::Batch
    }

    /// The id of the refused message, where it has a valid one.
    pub fn id(&self) -> Option<&IdBuf> {
        self.id.as_ref()
    }

    /// The JSON-RPC error code: `-32700` or `-32600`.
    pub fn code(&self) -> i32 {
        match self.kind {
            Kind::NotJson => crate::error::ErrorCode::PARSE_ERROR,
            Kind::NotAMessage | Kind::Batch => crate::error::ErrorCode::INVALID_REQUEST,
        }
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for EnvelopeError {}

/// Puts a value into its place; a second value for the same place is an error of the message.
fn put(slot: &mut Span, value: Span, repeated: &mut Option<&'static str>, name: &'static str) {
    if !slot.is_empty() {
        *repeated = Some(name);
    }
    *slot = value;
}

impl Parts {
    /// Finds the parts of one message, in one pass over its text of less than 4 GiB.
    ///
    /// Refused are: anything but one JSON object, a repeated member of the envelope, of `params`
    /// or of `_meta` as far as the protocol reads them (which one wins would depend on the
    /// reader), an `id` that is neither string nor integer, members of a request and of a response
    /// together, more than [`MAX_DEPTH`](crate::raw::MAX_DEPTH) levels. Names are compared exactly.
    pub fn scan(text: &str) -> Result<(MessageKind, Self), EnvelopeError> {
        let mut scanner = Scanner::new(text);
        let first = scanner.next_token();
        if first != b'{' {
            if let Err(Stop) = scanner.value().and_then(|_| scanner.end()) {
                return Err(EnvelopeError::not_json(scanner.failure()));
            }
            let (kind, reason) = if first == b'[' {
                (
                    Kind::Batch,
                    "a batch is not accepted here: send one message at a time",
                )
            } else {
                (Kind::NotAMessage, "a message is one JSON object")
            };
            return Err(EnvelopeError {
                kind,
                reason: reason.into(),
                id: None,
            });
        }
        let mut parts = Self::default();
        let mut repeated = None;
        let scanned = scanner
            .object(|scanner, key| parts.member(scanner, &key.name(), &mut repeated))
            .and_then(|()| scanner.end());
        if let Err(Stop) = scanned {
            return Err(EnvelopeError::not_json(scanner.failure()));
        }
        let kind = parts.check(text, repeated)?;
        Ok((kind, parts))
    }

    fn member(
        &mut self,
        scanner: &mut Scanner<'_>,
        key: &[u8],
        repeated: &mut Option<&'static str>,
    ) -> Result<(), Stop> {
        let (slot, name) = match key {
            b"jsonrpc" => (&mut self.version, "jsonrpc"),
            b"id" => (&mut self.id, "id"),
            b"method" => (&mut self.method, "method"),
            b"error" => (&mut self.error, "error"),
            b"params" => {
                let params = self.scan_params(scanner, repeated)?;
                put(&mut self.params, params, repeated, "params");
                return Ok(());
            }
            b"result" => {
                let result = self.scan_result(scanner, repeated)?;
                put(&mut self.result, result, repeated, "result");
                return Ok(());
            }
            _ => return scanner.value().map(drop),
        };
        put(slot, scanner.value()?, repeated, name);
        Ok(())
    }

    fn scan_params(
        &mut self,
        scanner: &mut Scanner<'_>,
        repeated: &mut Option<&'static str>,
    ) -> Result<Span, Stop> {
        if scanner.next_token() != b'{' {
            return scanner.value();
        }
        let start = scanner.position();
        scanner.object(|scanner, key| {
            let (slot, name) = match &*key.name() {
                b"name" => (&mut self.name, "name"),
                b"arguments" => (&mut self.arguments, "arguments"),
                b"uri" => (&mut self.uri, "uri"),
                b"cursor" => (&mut self.cursor, "cursor"),
                b"inputResponses" => (&mut self.input_responses, "inputResponses"),
                b"requestState" => (&mut self.request_state, "requestState"),
                b"task" => (&mut self.task, "task"),
                b"taskId" => (&mut self.task_id, "taskId"),
                b"_meta" => {
                    let meta = self.scan_meta(scanner, repeated)?;
                    put(&mut self.meta, meta, repeated, "_meta");
                    return Ok(());
                }
                _ => return scanner.value().map(drop),
            };
            put(slot, scanner.value()?, repeated, name);
            Ok(())
        })?;
        Ok(scanner.since(start))
    }

    fn scan_result(
        &mut self,
        scanner: &mut Scanner<'_>,
        repeated: &mut Option<&'static str>,
    ) -> Result<Span, Stop> {
        if scanner.next_token() != b'{' {
            return scanner.value();
        }
        let start = scanner.position();
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            if &*key.name() == b"resultType" {
                put(&mut self.result_type, value, repeated, "resultType");
            }
            Ok(())
        })?;
        Ok(scanner.since(start))
    }

    fn scan_meta(
        &mut self,
        scanner: &mut Scanner<'_>,
        repeated: &mut Option<&'static str>,
    ) -> Result<Span, Stop> {
        const PROGRESS_TOKEN: &[u8] = meta::PROGRESS_TOKEN.as_bytes();
        const PROTOCOL_VERSION: &[u8] = meta::PROTOCOL_VERSION.as_bytes();
        const CLIENT_INFO: &[u8] = meta::CLIENT_INFO.as_bytes();
        const CLIENT_CAPABILITIES: &[u8] = meta::CLIENT_CAPABILITIES.as_bytes();
        const LOG_LEVEL: &[u8] = meta::LOG_LEVEL.as_bytes();
        if scanner.next_token() != b'{' {
            return scanner.value();
        }
        let start = scanner.position();
        scanner.object(|scanner, key| {
            let (slot, name) = match &*key.name() {
                PROGRESS_TOKEN => (&mut self.progress_token, meta::PROGRESS_TOKEN),
                PROTOCOL_VERSION => (&mut self.protocol_version, meta::PROTOCOL_VERSION),
                CLIENT_INFO => (&mut self.client_info, meta::CLIENT_INFO),
                CLIENT_CAPABILITIES => (&mut self.client_capabilities, meta::CLIENT_CAPABILITIES),
                LOG_LEVEL => (&mut self.log_level, meta::LOG_LEVEL),
                _ => return scanner.value().map(drop),
            };
            put(slot, scanner.value()?, repeated, name);
            Ok(())
        })?;
        Ok(scanner.since(start))
    }

    /// What kind of message the parts make up.
    fn check(
        &self,
        text: &str,
        repeated: Option<&'static str>,
    ) -> Result<MessageKind, EnvelopeError> {
        let sent_id = self.id.of(text);
        let id = sent_id.and_then(|raw| Id::from_json(raw.get()));
        let invalid = |reason: &str| Err(EnvelopeError::invalid(reason, id));
        if let Some(name) = repeated {
            // Which of the two ids is meant is just what cannot be known.
            let id = if name == "id" { None } else { id };
            return Err(EnvelopeError::invalid(
                format!("member `{name}` is repeated"),
                id,
            ));
        }
        if self
            .version
            .of(text)
            .is_none_or(|version| version.get() != "\"2.0\"")
        {
            return invalid("member `jsonrpc` must be \"2.0\"");
        }
        let bad_id = sent_id.is_some() && id.is_none();
        match (
            self.method.is_empty(),
            self.result.is_empty(),
            self.error.is_empty(),
        ) {
            (false, true, true) if bad_id => invalid("`id` must be a string or an integer"),
            (false, true, true) => {
                if !self.method.of(text).is_some_and(RawJson::is_string) {
                    return invalid("`method` must be a string");
                }
                Ok(if id.is_some() {
                    MessageKind::Request
                } else {
                    MessageKind::Notification
                })
            }
            (false, _, _) => invalid("a message has either `method` or `result` or `error`"),
            (true, false, false) => invalid("a response has either `result` or `error`"),
            (true, false, true) if id.is_none() => {
                invalid("a response needs the `id` of its request")
            }
            (true, true, false) if bad_id && !sent_id.is_some_and(RawJson::is_null) => {
                invalid("`id` must be a string or an integer")
            }
            (true, true, true) => invalid("a message needs `method`, `result` or `error`"),
            _ => Ok(MessageKind::Response),
        }
    }

    /// The id, in the text that was scanned.
    pub fn id<'a>(&self, text: &'a str) -> Option<Id<'a>> {
        Id::from_json(self.id.of(text)?.get())
    }

    /// `_meta` as the protocol reads it.
    pub fn meta<'a>(&self, text: &'a str) -> RequestMeta<'a> {
        RequestMeta {
            raw: self.meta.of(text),
            progress_token: self.progress_token.of(text),
            protocol_version: self.protocol_version.of(text),
            client_info: self.client_info.of(text),
            client_capabilities: self.client_capabilities.of(text),
            log_level: self.log_level.of(text),
        }
    }
}

impl EnvelopeError {
    #[cold]
    fn not_json(why: NotJson) -> Self {
        Self {
            kind: Kind::NotJson,
            reason: why.to_string(),
            id: None,
        }
    }

    /// The error of bytes that are no text.
    pub fn not_utf8(error: std::str::Utf8Error) -> Self {
        let reason = format!("the text is not UTF-8: {error}");
        Self {
            kind: Kind::NotJson,
            reason,
            id: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> EnvelopeError {
        Parts::scan(text).expect_err(text)
    }

    #[test]
    fn a_request_is_found_whole() {
        let text = r#" {"params":{"a":[1,2]},"method":"tools/list","id":7,"jsonrpc":"2.0"} "#;
        let (kind, parts) = Parts::scan(text).unwrap();
        assert_eq!(kind, MessageKind::Request);
        assert_eq!(parts.id(text).map(|id| id.as_json()), Some("7"));
        assert_eq!(
            parts.method.of(text).map(RawJson::get),
            Some("\"tools/list\"")
        );
        assert_eq!(
            parts.params.of(text).map(RawJson::get),
            Some(r#"{"a":[1,2]}"#)
        );
    }

    #[test]
    fn what_the_protocol_reads_is_found_wherever_it_stands() {
        let text = r#"{"params":{"x":[{"name":"no"}],"_meta":{"a":{"progressToken":0},"progressToken":"t",
            "io.modelcontextprotocol\/protocolVersion":"v"},"arguments":{"name":1},"n\u0061me":"yes"},
            "jsonrpc":"2.0","method":"tools/call","id":1}"#;
        let (_, parts) = Parts::scan(text).unwrap();
        let found = |span: Span| span.of(text).map(RawJson::get);
        assert_eq!(found(parts.name), Some("\"yes\""));
        assert_eq!(found(parts.arguments), Some(r#"{"name":1}"#));
        assert_eq!(found(parts.progress_token), Some("\"t\""));
        assert_eq!(found(parts.protocol_version), Some("\"v\""));
        assert_eq!(found(parts.uri), None);
        assert!(found(parts.params).is_some_and(|params| params.ends_with("\"yes\"}")));
    }

    #[test]
    fn repeated_members_of_what_the_protocol_reads_are_refused() {
        for params in [
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a","n\u0061me":"b"}"#,
            r#"{"_meta":{},"_meta":{}}"#,
            r#"{"_meta":{"progressToken":1,"progressToken":2}}"#,
        ] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
            let error = refused(&text);
            assert!(
                error.to_string().contains("repeated") && error.code() == -32600,
                "{error}"
            );
            assert!(error.id().is_some());
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let kind = |text: &str| match Parts::scan(text) {
            Ok((MessageKind::Request, _)) => "request",
            Ok((MessageKind::Notification, _)) => "notification",
            Ok((MessageKind::Response, parts)) if parts.error.is_empty() => "result",
            Ok((MessageKind::Response, _)) => "error",
            Err(_) => "refused",
        };
        for (text, expected) in [
            (r#"{"jsonrpc":"2.0","method":"m"}"#, "notification"),
            (r#"{"jsonrpc":"2.0","method":"m","id":"a"}"#, "request"),
            (r#"{"jsonrpc":"2.0","result":null,"id":1}"#, "result"),
            (r#"{"jsonrpc":"2.0","error":{},"id":1}"#, "error"),
            (r#"{"jsonrpc":"2.0","error":{},"id":null}"#, "error"),
            (r#"{"jsonrpc":"2.0","error":{}}"#, "error"),
            (r#"{"jsonrpc":"2.0","result":{}}"#, "refused"),
            (
                r#"{"jsonrpc":"2.0","result":{},"error":{},"id":1}"#,
                "refused",
            ),
            (
                r#"{"jsonrpc":"2.0","method":"m","result":{},"id":1}"#,
                "refused",
            ),
            (r#"{"jsonrpc":"2.0","id":1}"#, "refused"),
            (r#"{"jsonrpc":"2.0","method":"m","id":null}"#, "refused"),
            (r#"{"jsonrpc":"2.0","method":"m","id":1.5}"#, "refused"),
            (r#"{"jsonrpc":"2.0","method":"m","id":1e3}"#, "refused"),
            (r#"{"jsonrpc":"2.0","method":"m","id":[]}"#, "refused"),
            (r#"{"jsonrpc":"1.0","method":"m","id":1}"#, "refused"),
            (r#"{"method":"m","id":1}"#, "refused"),
            (r#"{"jsonrpc":"2.0","method":7,"id":1}"#, "refused"),
            (r#"{"jsonrpc":"2.0","Method":"m","id":1}"#, "refused"),
            (r#""text""#, "refused"),
            ("7", "refused"),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
    }

    #[test]
    fn repeated_members_are_refused_and_the_id_is_still_told() {
        let error = refused(r#"{"jsonrpc":"2.0","method":"a","method":"b","id":3}"#);
        assert_eq!(
            (error.code(), error.id()),
            (-32600, Some(&IdBuf::number(3)))
        );
        assert_eq!(error.to_string(), "member `method` is repeated");
        for text in [
            r#"{"jsonrpc":"2.0","method":"a","id":3,"id":4}"#,
            r#"{"jsonrpc":"2.0","method":"a","id":3,"\u0069d":4}"#,
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","method":"a","id":3}"#,
            r#"{"jsonrpc":"2.0","method":"a","id":3,"params":{},"params":{}}"#,
        ] {
            assert!(refused(text).to_string().contains("repeated"), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for text in [
            "",
            "{",
            "{]",
            "\u{feff}{}",
            "{'a':1}",
            r#"{"jsonrpc":"2.0"} x"#,
        ] {
            assert!(refused(text).is_parse_error(), "{text:?}");
        }
    }

    #[test]
    fn a_batch_is_told_apart() {
        let error = refused("[]");
        assert!(error.is_batch() && !error.is_parse_error());
    }

    #[test]
    fn ids_are_typed_and_compared_by_value() {
        let id = |text| Id::from_json(text).map(|id| id.to_owned());
        assert_ne!(id("1"), id("\"1\""));
        assert_eq!(id(r#""a\/""#), id(r#""a/""#));
        assert_eq!(
            id("9223372036854775808")
                .map(|id| id.to_string())
                .as_deref(),
            Some("9223372036854775808")
        );
        assert_eq!(id("-"), None);
        assert_eq!(id(&format!("\"{}\"", "x".repeat(MAX_ID_BYTES))), None);
    }
}
