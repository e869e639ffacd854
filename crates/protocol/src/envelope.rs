//! The JSON-RPC envelope, read in one pass and borrowed from the message's bytes.
//!
//! Nothing below the envelope is looked at: `params`, `result` and `error` stay raw text until
//! the method, or the request that waits for the answer, says what type they have.
//! Specification: `basic` ("Messages") of every revision.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

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

/// One JSON-RPC message, borrowed from its bytes.
#[derive(Clone, Debug)]
pub enum Message<'a> {
    /// Asks for an answer.
    Request {
        /// The id that the answer must carry.
        id: Id<'a>,
        /// The method, exactly as sent.
        method: Cow<'a, str>,
        /// The parameters, not yet looked at.
        params: Option<&'a RawValue>,
    },
    /// Asks for none.
    Notification {
        /// The method, exactly as sent.
        method: Cow<'a, str>,
        /// The parameters, not yet looked at.
        params: Option<&'a RawValue>,
    },
    /// Answers a request that this side sent.
    Response {
        /// The id of that request; absent only on an error about an unreadable message.
        id: Option<Id<'a>>,
        /// The `result`, or the `error` object.
        outcome: Result<&'a RawValue, &'a RawValue>,
    },
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

impl<'a> Message<'a> {
    /// Reads one message.
    ///
    /// Refused are: anything but one JSON object, a repeated envelope member (which parser
    /// wins would depend on the reader), an `id` that is neither string nor integer, members
    /// of a request and of a response together. Member names are compared exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        // All of it, with the members that nobody reads.
        let text = std::str::from_utf8(bytes).map_err(|error| EnvelopeError {
            kind: Kind::NotJson,
            reason: error.to_string(),
            id: None,
        })?;
        let fields: Fields<'a> = serde_json::from_str(text).map_err(|error| EnvelopeError {
            // A value of the wrong kind is noticed before what comes after it is read.
            kind: if error.is_data() && serde_json::from_str::<IgnoredAny>(text).is_ok() {
                Kind::NotAMessage
            } else {
                Kind::NotJson
            },
            // It may repeat a text of the message, which may be long.
            reason: error.to_string().chars().take(200).collect(),
            id: None,
        })?;
        if fields.batch {
            return Err(EnvelopeError {
                kind: Kind::Batch,
                reason: "a batch is not accepted here: send one message at a time".into(),
                id: None,
            });
        }
        fields.into_message()
    }
}

#[derive(Default)]
struct Fields<'a> {
    batch: bool,
    version_is_2: bool,
    id: Option<&'a RawValue>,
    method: Option<Cow<'a, str>>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    repeated: Option<&'static str>,
}

impl<'a> Fields<'a> {
    fn into_message(self) -> Result<Message<'a>, EnvelopeError> {
        let id = self.id.and_then(|raw| Id::from_json(raw.get()));
        let invalid = |reason: String| Err(EnvelopeError::invalid(reason, id));
        if let Some(name) = self.repeated {
            // Which of the two ids is meant is just what cannot be known.
            let id = if name == "id" { None } else { id };
            return Err(EnvelopeError::invalid(
                format!("member `{name}` is repeated"),
                id,
            ));
        }
        if !self.version_is_2 {
            return invalid("member `jsonrpc` must be \"2.0\"".into());
        }
        let null_id = self.id.is_some_and(|raw| raw.get() == "null");
        let bad_id = self.id.is_some() && id.is_none();
        match (self.method, self.result, self.error) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                invalid("a message has either `method` or `result` or `error`".into())
            }
            (Some(_), None, None) if bad_id => {
                invalid("`id` must be a string or an integer".into())
            }
            (Some(method), None, None) => Ok(match id {
                Some(id) => Message::Request {
                    id,
                    method,
                    params: self.params,
                },
                None => Message::Notification {
                    method,
                    params: self.params,
                },
            }),
            (None, Some(_), Some(_)) => invalid("a response has either `result` or `error`".into()),
            (None, Some(result), None) => match id {
                Some(id) => Ok(Message::Response {
                    id: Some(id),
                    outcome: Ok(result),
                }),
                None => invalid("a response needs the `id` of its request".into()),
            },
            (None, None, Some(error)) if id.is_some() || self.id.is_none() || null_id => {
                Ok(Message::Response {
                    id,
                    outcome: Err(error),
                })
            }
            (None, None, Some(_)) => invalid("`id` must be a string or an integer".into()),
            (None, None, None) => invalid("a message needs `method`, `result` or `error`".into()),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Envelope;

        impl<'de> Visitor<'de> for Envelope {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC message: one JSON object")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Fields {
                    batch: true,
                    ..Fields::default()
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                let mut seen_version = false;
                while let Some(Key(key)) = map.next_key()? {
                    // What a slot held before is not kept: a repeated member ends in an error.
                    let (name, again) = match &*key {
                        "jsonrpc" => {
                            let again = std::mem::replace(&mut seen_version, true);
                            let raw: &RawValue = map.next_value()?;
                            fields.version_is_2 = raw.get() == "\"2.0\"";
                            ("jsonrpc", again)
                        }
                        "id" => ("id", fields.id.replace(map.next_value()?).is_some()),
                        "method" => {
                            let Text(method) = map.next_value()?;
                            ("method", fields.method.replace(method).is_some())
                        }
                        "params" => ("params", fields.params.replace(map.next_value()?).is_some()),
                        "result" => ("result", fields.result.replace(map.next_value()?).is_some()),
                        "error" => ("error", fields.error.replace(map.next_value()?).is_some()),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    if again {
                        fields.repeated = Some(name);
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_any(Envelope)
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> EnvelopeError {
        Message::parse(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn a_request_is_borrowed_whole() {
        let text = br#" {"params":{"a":[1,2]},"method":"tools/list","id":7,"jsonrpc":"2.0"} "#;
        let Ok(Message::Request { id, method, params }) = Message::parse(text) else {
            panic!("no request")
        };
        assert_eq!(id.as_json(), "7");
        assert!(matches!(method, Cow::Borrowed("tools/list")));
        assert_eq!(params.map(RawValue::get), Some(r#"{"a":[1,2]}"#));
    }

    #[test]
    fn kinds_are_told_apart() {
        let kind = |text: &str| match Message::parse(text.as_bytes()) {
            Ok(Message::Request { .. }) => "request",
            Ok(Message::Notification { .. }) => "notification",
            Ok(Message::Response { outcome: Ok(_), .. }) => "result",
            Ok(Message::Response {
                outcome: Err(_), ..
            }) => "error",
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
        assert!(Message::parse(b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}").is_err());
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
