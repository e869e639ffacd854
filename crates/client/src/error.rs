//! [`Error`]: why a request did not bring its result.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wharf_protocol::error::ErrorObject;

/// What a client's methods give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Why a request did not bring its result, in words that say what to do about it.
///
/// What a server wrote stands in the words with its control characters escaped; secrets that the
/// client was given do not.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: Kind,
    words: String,
    source: Option<Source>,
    /// The HTTP status that it came with.
    status: Option<u16>,
}

#[derive(Clone, Debug)]
enum Kind {
    Rpc(ErrorObject),
    Unreachable,
    Closed,
    TimedOut,
    Authorization,
    Status,
    SessionGone,
    Protocol,
    TooLarge,
    Unsupported,
    Usage,
    Output,
    TaskFailed,
    #[cfg(feature = "skills")]
    #[cfg(feature = "skills")]
    Unverified,
}

impl Error {
    fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                words: words.into(),
                source: None,
                status: None,
            }),
        }
    }

    pub(crate) fn with_source(
        self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let inner = Inner {
            kind: self.inner.kind.clone(),
            words: self.inner.words.clone(),
            source: Some(Arc::from(source.into())),
            status: self.inner.status,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The same, with what was being done put in front.
    pub(crate) fn while_doing(&self, what: impl fmt::Display) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind: self.inner.kind.clone(),
                words: format!("{what}: {}", self.inner.words),
                source: self.inner.source.clone(),
                status: self.inner.status,
            }),
        }
    }

    /// The same, with what may be the cause put behind.
    pub(crate) fn followed_by(&self, why: impl fmt::Display) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind: self.inner.kind.clone(),
                words: format!("{}; {why}", self.inner.words),
                source: self.inner.source.clone(),
                status: self.inner.status,
            }),
        }
    }

    pub(crate) fn rpc(error: ErrorObject) -> Self {
        let words = format!("{} ({})", escape(&error.message), error.code);
        Self::new(Kind::Rpc(error), words)
    }

    pub(crate) fn unreachable(words: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, words)
    }

    pub(crate) fn closed(words: impl Into<String>) -> Self {
        Self::new(Kind::Closed, words)
    }

    pub(crate) fn timed_out(what: impl fmt::Display, after: Duration) -> Self {
        Self::new(Kind::TimedOut, format!("{what} within {after:?}"))
    }

    pub(crate) fn authorization(words: impl Into<String>) -> Self {
        Self::new(Kind::Authorization, words)
    }

    /// What came of getting credentials.
    pub(crate) fn auth(error: wharf_auth::Error) -> Self {
        let kind = if error.is_unreachable() {
            Kind::Unreachable
        } else {
            Kind::Authorization
        };
        Self::new(kind, error.to_string()).with_source(error)
    }

    pub(crate) fn status(status: u16, words: impl Into<String>) -> Self {
        Self::new(Kind::Status, words).with_status(status)
    }

    /// The same, with the HTTP status that it came with.
    pub(crate) fn with_status(&self, status: u16) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind: self.inner.kind.clone(),
                words: self.inner.words.clone(),
                source: self.inner.source.clone(),
                status: Some(status),
            }),
        }
    }

    pub(crate) fn session_gone() -> Self {
        Self::new(Kind::SessionGone, "the server has ended the session")
    }

    pub(crate) fn protocol(words: impl Into<String>) -> Self {
        Self::new(Kind::Protocol, words)
    }

    pub(crate) fn too_large(what: &str, limit: usize) -> Self {
        Self::new(
            Kind::TooLarge,
            format!("{what} is larger than the limit of {limit} bytes"),
        )
    }

    pub(crate) fn unsupported(words: impl Into<String>) -> Self {
        Self::new(Kind::Unsupported, words)
    }

    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self::new(Kind::Usage, words)
    }

    pub(crate) fn output(words: impl Into<String>) -> Self {
        Self::new(Kind::Output, words)
    }

    pub(crate) fn task_failed(words: impl Into<String>) -> Self {
        Self::new(Kind::TaskFailed, words)
    }

    #[cfg(feature = "skills")]
    pub(crate) fn unverified(words: impl Into<String>) -> Self {
        Self::new(Kind::Unverified, words)
    }

    /// The JSON-RPC error that the server answered with, if that is what happened.
    pub fn as_rpc(&self) -> Option<&ErrorObject> {
        match &self.inner.kind {
            Kind::Rpc(error) => Some(error),
            _ => None,
        }
    }

    /// The code of the server's JSON-RPC error.
    pub(crate) fn code(&self) -> Option<i32> {
        self.as_rpc().map(|error| error.code)
    }

    /// Whether there is no server to talk to: no connection, no such program, no answer that is
    /// MCP.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.inner.kind, Kind::Unreachable)
    }

    /// Whether the connection ended before the answer came.
    pub fn is_closed(&self) -> bool {
        matches!(self.inner.kind, Kind::Closed | Kind::SessionGone)
    }

    /// Whether the answer did not come in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.inner.kind, Kind::TimedOut)
    }

    /// Whether the server wants to know who is calling, and what it was told does not satisfy it.
    pub fn is_authorization_required(&self) -> bool {
        matches!(self.inner.kind, Kind::Authorization)
    }

    /// Whether the server answered something that the protocol does not allow.
    pub fn is_protocol(&self) -> bool {
        matches!(
            self.inner.kind,
            Kind::Protocol | Kind::TooLarge | Kind::Status
        )
    }

    /// Whether the server does not have what was asked for: a method, a revision, a capability.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.inner.kind, Kind::Unsupported)
    }

    /// Whether the structured result of a tool does not fit the schema that the tool declares.
    pub fn is_output_invalid(&self) -> bool {
        matches!(self.inner.kind, Kind::Output)
    }

    /// Whether the task ended without a result: failed, cancelled, or gone.
    pub fn is_task_failed(&self) -> bool {
        matches!(self.inner.kind, Kind::TaskFailed)
    }

    /// Whether what the server gave is not what it had promised: a file of a skill with another
    /// digest or size, or one that its skill does not have.
    #[cfg(feature = "skills")]
    pub fn is_unverified(&self) -> bool {
        matches!(self.inner.kind, Kind::Unverified)
    }

    /// Whether what was to be sent is wrong already here: arguments that are no JSON, an address
    /// that is none.
    pub fn is_usage(&self) -> bool {
        matches!(self.inner.kind, Kind::Usage)
    }

    /// The HTTP status that the server answered with, where it was not a success.
    pub fn http_status(&self) -> Option<u16> {
        self.inner.status
    }

    pub(crate) fn is_session_gone(&self) -> bool {
        matches!(self.inner.kind, Kind::SessionGone)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.words)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("words", &self.inner.words)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

/// What a server wrote, fit to be shown: cut at 300 characters, control characters escaped.
pub(crate) fn escape(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut out = String::new();
    for (count, char) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        match char {
            ' ' => out.push(' '),
            _ if char.is_control() || is_invisible(char) => out.extend(char.escape_unicode()),
            _ => out.push(char),
        }
    }
    out
}

/// Characters that change how a text looks without being seen: marks of direction, of width zero,
/// and the tags of Unicode's plane 14.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_wrote_is_escaped_and_cut() {
        let error = Error::rpc(ErrorObject::new(-1, "a\u{1b}]0;x\u{202e}b"));
        assert_eq!(error.to_string(), "a\\u{1b}]0;x\\u{202e}b (-1)");
        let long = Error::rpc(ErrorObject::new(-1, "x".repeat(10_000)));
        assert!(long.to_string().len() < 400);
    }
}
