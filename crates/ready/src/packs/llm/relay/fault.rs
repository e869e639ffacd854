//! [`Fault`]: why a provider gave no answer.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde_json::Value;

use super::without;
use crate::Secret;

/// The most that is shown of what a provider says is wrong, in characters.
const MAX_WORDS: usize = 300;

/// Why a provider gave no answer. What of it comes from the provider is short and escaped, and
/// has no key in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// It answered with a status, and words.
    Status {
        status: u16,
        /// When it wants to be asked again.
        after: Option<Duration>,
        words: String,
    },
    /// It said in the middle of its answer that it cannot go on.
    Said(String),
    /// No connection, or none that is safe.
    Unreachable(String),
    /// The answer ended too early.
    BrokenOff,
    /// The answer is no answer; says what it is.
    Garbage(String),
    /// The answer is larger than so many bytes.
    TooLarge(usize),
    /// A piece of the answer is longer than so many bytes.
    TooLong(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status {
                status,
                after,
                words,
            } => {
                write!(f, "status {status}: ")?;
                f.write_str(match status {
                    401 => "the key is missing or not accepted",
                    403 => "the key does not allow this",
                    404 => "there is no such model or address",
                    408 | 504 => "the provider took too long",
                    413 => "the request is too large",
                    429 => "too many requests",
                    503 | 529 => "the provider is overloaded",
                    300..=399 => "it redirects, and a key is for one address only",
                    500..=599 => "the provider failed",
                    _ => "the provider refused",
                })?;
                if let Some(after) = after {
                    write!(f, ", ask again in {} s", after.as_secs_f64().ceil())?;
                }
                match words.as_str() {
                    "" => Ok(()),
                    words => write!(f, " ({words})"),
                }
            }
            Self::Said(words) => write!(f, "it stopped in the middle of its answer ({words})"),
            Self::Unreachable(why) => write!(f, "it cannot be reached ({why})"),
            Self::BrokenOff => f.write_str("its answer broke off in the middle"),
            Self::Garbage(what) => write!(f, "its answer cannot be read ({what})"),
            Self::TooLarge(most) => write!(f, "its answer is larger than {most} bytes"),
            Self::TooLong(most) => {
                write!(f, "a piece of its answer is longer than {most} bytes")
            }
        }
    }
}

/// What the body of an error says is wrong. OpenAI and others have an object with a message at
/// `error`, some a text, some an array around it.
pub(in super::super) fn words(body: &Value, key: Option<&Secret>) -> String {
    let body = match body {
        Value::Array(all) => all.first().unwrap_or(&Value::Null),
        other => other,
    };
    let error = body.get("error").unwrap_or(body);
    let said = error["message"].as_str().or(error.as_str());
    shown(said.unwrap_or_default(), key)
}

/// Words of a provider, short and escaped.
pub(in super::super) fn shown(text: &str, key: Option<&Secret>) -> String {
    let text = without(text, key);
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == MAX_WORDS {
            out.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            // Writing to a string does not fail.
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// What turns text around or hides in it.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_in_few_words() {
        let key = Secret::new("s3cret");
        for (body, expected) in [
            (
                json!({"error": {"message": "bad key s3cret\n\u{1b}[2J"}}),
                "bad key …\\n\\u{1b}[2J",
            ),
            (json!({"error": "model not found"}), "model not found"),
            (json!([{"error": {"message": "first"}}]), "first"),
            (
                json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
                "Overloaded",
            ),
            (json!({"message": "plain"}), "plain"),
            (
                json!({"error": {"message": "turned \u{202e}around"}}),
                "turned \\u{202e}around",
            ),
            (json!(null), ""),
            (json!([]), ""),
        ] {
            assert_eq!(words(&body, Some(&key)), expected, "{body}");
        }
        let long = json!({"error": "a".repeat(1000)});
        assert_eq!(words(&long, None).chars().count(), MAX_WORDS + 1);
    }
}
