//! Messages on their way: a [`Request`] before it has an id, and an [`Answer`] before it has a type.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wharf_protocol::envelope::{MessageKind, Parts};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::raw::{RawJson, Span};

use crate::error::{Error, Result, escape};

/// Members of a JSON object, written one after the other, without the braces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members(Vec<u8>);

impl Members {
    /// Adds a member.
    pub(crate) fn put<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        let start = self.0.len();
        self.name(name);
        serde_json::to_writer(&mut self.0, value).map_err(|error| {
            self.0.truncate(start);
            Error::usage(format!("`{name}` cannot be written as JSON: {error}"))
        })
    }

    fn name(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
        // All names are ours, and none needs an escape.
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// Adds all members of another object.
    pub(crate) fn append(&mut self, other: &Self) {
        if !other.0.is_empty() {
            if !self.0.is_empty() {
                self.0.push(b',');
            }
            self.0.extend_from_slice(&other.0);
        }
    }

    /// The members of a value that is written as an object.
    pub(crate) fn of<T: Serialize>(value: &T) -> Result<Self> {
        let text = serde_json::to_string(value)
            .map_err(|error| Error::usage(format!("not writable as JSON: {error}")))?;
        match text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
        {
            Some(members) => Ok(Self(members.as_bytes().to_vec())),
            None => Err(Error::usage("parameters are a JSON object")),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A request or a notification before it has an id: what can be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Cow<'static, str>,
    /// The members of `params`, all but `_meta`.
    pub(crate) params: Members,
    /// What the caller puts into `_meta`.
    pub(crate) meta: Members,
    /// `params.name` or `params.uri`, to be mirrored into a header.
    pub(crate) name: Option<String>,
    /// Arguments to be mirrored into headers.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether it is sent as a task of 2025-11-25.
    pub(crate) is_task: bool,
}

impl Request {
    pub(crate) fn new(method: impl Into<Cow<'static, str>>) -> Self {
        Self {
            method: method.into(),
            params: Members(Vec::with_capacity(128)),
            meta: Members::default(),
            name: None,
            headers: Vec::new(),
            is_task: false,
        }
    }

    pub(crate) fn with<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Result<Self> {
        self.params.put(name, value)?;
        Ok(self)
    }

    /// The same, whose `params.name` or `params.uri` is mirrored into a header.
    pub(crate) fn named(mut self, member: &str, name: &str) -> Result<Self> {
        self.params.put(member, name)?;
        self.name = Some(name.to_owned());
        Ok(self)
    }

    /// The arguments of a call, read back from what is sent.
    pub(crate) fn arguments(&self) -> Option<Value> {
        let params = [b"{", self.params.as_bytes(), b"}"].concat();
        let mut params: Map<String, Value> = serde_json::from_slice(&params).ok()?;
        params.remove("arguments")
    }

    /// Whether it may be sent again although the server may have worked on it: it only reads.
    pub(crate) fn is_read(&self) -> bool {
        matches!(
            &*self.method,
            "server/discover"
                | "tools/list"
                | "resources/list"
                | "resources/templates/list"
                | "resources/read"
                | "prompts/list"
                | "prompts/get"
                | "skills/list"
                | "skills/get"
                | "completion/complete"
                | "ping"
                | "tasks/get"
                | "tasks/list"
                | "tasks/result"
        )
    }

    /// The message. `about` is what the connection puts into `_meta` of every request, `rounds`
    /// the answers to what an earlier round asked.
    pub(crate) fn write(
        &self,
        id: Option<i64>,
        about: &Members,
        rounds: &Members,
        progress: bool,
    ) -> Vec<u8> {
        let size = self.params.0.len() + about.0.len() + rounds.0.len() + self.meta.0.len();
        let mut out = Vec::with_capacity(size + self.method.len() + 128);
        out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
        let mut number = [0; 20];
        let number = id.map(|id| decimal(id, &mut number));
        if let Some(number) = number {
            out.extend_from_slice(br#""id":"#);
            out.extend_from_slice(number);
            out.push(b',');
        }
        out.extend_from_slice(br#""method":"#);
        write_string(&mut out, &self.method);
        let has_meta = progress || !about.is_empty() || !self.meta.is_empty();
        if !self.params.is_empty() || !rounds.is_empty() || has_meta {
            out.extend_from_slice(br#","params":{"#);
            let start = out.len();
            let separate = |out: &mut Vec<u8>| {
                if out.len() > start {
                    out.push(b',');
                }
            };
            out.extend_from_slice(&self.params.0);
            if !rounds.is_empty() {
                separate(&mut out);
                out.extend_from_slice(&rounds.0);
            }
            if has_meta {
                separate(&mut out);
                out.extend_from_slice(br#""_meta":{"#);
                let start = out.len();
                out.extend_from_slice(&about.0);
                if let (true, Some(number)) = (progress, number) {
                    if out.len() > start {
                        out.push(b',');
                    }
                    out.extend_from_slice(br#""progressToken":"#);
                    out.extend_from_slice(number);
                }
                if !self.meta.is_empty() {
                    if out.len() > start {
                        out.push(b',');
                    }
                    out.extend_from_slice(&self.meta.0);
                }
                out.push(b'}');
            }
            out.push(b'}');
        }
        out.push(b'}');
        out
    }
}

fn decimal(id: i64, space: &mut [u8; 20]) -> &[u8] {
    use std::io::Write as _;
    let mut rest = &mut space[..];
    // Twenty bytes hold every i64.
    let _ = write!(rest, "{id}");
    let left = rest.len();
    &space[..20 - left]
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    if text
        .bytes()
        .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // A string can always be written.
        let _ = serde_json::to_writer(out, text);
    }
}

/// An answer, still as text; the request that waits for it knows its type.
#[derive(Debug)]
pub(crate) struct Answer {
    text: String,
    result: Span,
    result_type: Span,
}

impl Answer {
    /// Of a message that was scanned: the result, or the error that stands in its place.
    pub(crate) fn of(text: String, parts: &Parts) -> Result<Self> {
        if parts.result.is_empty() {
            let error = parts.error.of(&text);
            return Err(Error::rpc(error_object(error)));
        }
        Ok(Self {
            result: parts.result,
            result_type: parts.result_type,
            text,
        })
    }

    /// The result as JSON text.
    pub(crate) fn result(&self) -> RawJson<'_> {
        self.result
            .of(&self.text)
            .unwrap_or(RawJson::assume_valid("null"))
    }

    /// `resultType`; none is what servers before 2026-07-28 write, and means complete.
    pub(crate) fn result_type(&self) -> Cow<'_, str> {
        self.result_type
            .of(&self.text)
            .and_then(RawJson::as_str)
            .unwrap_or(Cow::Borrowed("complete"))
    }

    /// The result as a type.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        self.result().read().map_err(|error| {
            Error::protocol(format!(
                "the server's result is not what the method gives: {}",
                escape(&error.to_string())
            ))
        })
    }
}

/// The error of an answer, also where it is not quite one: some servers write codes as text.
fn error_object(error: Option<RawJson<'_>>) -> ErrorObject {
    let read = error.and_then(|error| error.read::<ErrorObject>().ok());
    read.unwrap_or_else(|| {
        let shown = error.map_or("", RawJson::get);
        ErrorObject::new(
            ErrorCode::INTERNAL_ERROR,
            format!("the server answered with a malformed error: {shown}"),
        )
    })
}

/// The id of a response to us: our ids are integers.
pub(crate) fn response_id(text: &str, parts: &Parts) -> Option<i64> {
    parts.id(text)?.as_json().parse().ok()
}

/// Scans a message that came in.
pub(crate) fn scan(text: &str) -> Result<(MessageKind, Parts)> {
    Parts::scan(text).map_err(|error| {
        Error::protocol(format!(
            "the server sent what is no message: {error}: {}",
            escape(text)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(request: &Request, id: Option<i64>, about: &str, progress: bool) -> String {
        let about = Members(about.as_bytes().to_vec());
        let bytes = request.write(id, &about, &Members::default(), progress);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn messages_are_written_whole() {
        let ping = Request::new("ping");
        assert_eq!(
            written(&ping, Some(7), "", false),
            r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#
        );
        assert_eq!(
            written(&ping, Some(-7), r#""a":1"#, true),
            r#"{"jsonrpc":"2.0","id":-7,"method":"ping","params":{"_meta":{"a":1,"progressToken":-7}}}"#
        );
        let odd = Request::new("a\"b").with("x", &1).expect("JSON");
        assert_eq!(
            written(&odd, None, "", false),
            r#"{"jsonrpc":"2.0","method":"a\"b","params":{"x":1}}"#
        );
        assert_eq!(
            written(&Request::new("m"), Some(i64::MIN), "", false),
            r#"{"jsonrpc":"2.0","id":-9223372036854775808,"method":"m"}"#
        );
    }

    #[test]
    fn parameters_are_objects() {
        assert_eq!(
            Members::of(&serde_json::json!({"a": [1]}))
                .expect("an object")
                .as_bytes(),
            br#""a":[1]"#
        );
        assert!(Members::of(&[1]).is_err_and(|error| error.is_usage()));
    }

    #[test]
    fn answers() {
        let text =
            r#"{"jsonrpc":"2.0","id":3,"result":{"x":{"resultType":"no"},"resultType":"task"}}"#;
        let (_, parts) = scan(text).expect("a message");
        assert_eq!(response_id(text, &parts), Some(3));
        let answer = Answer::of(text.to_owned(), &parts).expect("a result");
        assert_eq!(answer.result_type(), "task");
        let text = r#"{"jsonrpc":"2.0","id":"3","error":{"code":"x"}}"#;
        let (_, parts) = scan(text).expect("a message");
        assert_eq!(response_id(text, &parts), None);
        let error = Answer::of(text.to_owned(), &parts).expect_err("an error");
        assert_eq!(error.code(), Some(ErrorCode::INTERNAL_ERROR));
    }
}
