//! Asking the client for input from inside a handler, the same way in every revision.
//!
//! Where the client keeps a session open, an ask goes to it **live** and the handler waits. In
//! 2026-07-28 there is nobody to wait for: the handler is dropped, the client gets all open asks
//! together with the sealed [`journal`] of what happened so far, and its retry runs the handler
//! again, which finds its answers and finished steps in the journal (**rounds**).

pub(crate) mod elicit;
pub(crate) mod journal;
pub(crate) mod live;
pub(crate) mod once;
pub mod question;
mod remote;
mod request;
pub(crate) mod rounds;

use std::fmt;

use serde_json::json;
use serde_json::value::RawValue;
use wharf_protocol::capabilities::ClientCapabilities;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::revision::Revision;

pub use question::Question;
pub use request::Sample;
pub(crate) use request::{Ask, More, kind, needs};

use self::rounds::Rounds;

/// How the asks of a call reach the client.
#[derive(Debug)]
pub(crate) enum Asks {
    /// As requests on the call's stream; the answers come back through the session.
    Live,
    /// As results that the client comes back from.
    Rounds(Rounds),
    /// Not at all: this kind of request cannot ask.
    Unavailable,
}

/// Why an ask has no answer.
///
/// Returned with `?` from a handler it becomes the call's error. A person who refuses is not a
/// failure of the program: see [`is_refused`](Self::is_refused).
#[derive(Clone, Debug)]
pub struct AskError {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Declined,
    Cancelled,
    Missing(Capability),
    /// Clients of this revision cannot declare it.
    NotYet(Capability, Revision),
    Unavailable,
    Invalid(String),
    Client(ErrorObject),
    TimedOut,
    Closed,
    Schema(String),
}

/// What a client must be able to do to answer an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    ElicitationForm,
    ElicitationUrl,
    Sampling,
    SamplingTools,
    Roots,
}

impl Capability {
    fn is_in(self, capabilities: &ClientCapabilities) -> bool {
        let elicitation = capabilities.elicitation.as_ref();
        let sampling = capabilities.sampling.as_ref();
        match self {
            Self::ElicitationForm => elicitation.is_some_and(|elicitation| elicitation.form),
            Self::ElicitationUrl => elicitation.is_some_and(|elicitation| elicitation.url),
            Self::Sampling => sampling.is_some(),
            Self::SamplingTools => sampling.is_some_and(|sampling| sampling.tools),
            Self::Roots => capabilities.roots.is_some(),
        }
    }

    /// The first revision in which a client can declare it. What is declared in an older one is
    /// void: many clients declare the same in every revision.
    fn since(self) -> Revision {
        match self {
            Self::Sampling | Self::Roots => Revision::V2024_11_05,
            Self::ElicitationForm => Revision::V2025_06_18,
            Self::ElicitationUrl | Self::SamplingTools => Revision::V2025_11_25,
        }
    }

    /// Why a client of this revision, which declared these capabilities, cannot be asked.
    pub(crate) fn lack(
        self,
        revision: Revision,
        declared: &ClientCapabilities,
    ) -> Option<AskError> {
        if revision < self.since() {
            return Some(Kind::NotYet(self, revision).into());
        }
        (!self.is_in(declared)).then(|| Kind::Missing(self).into())
    }

    fn name(self) -> &'static str {
        match self {
            Self::ElicitationForm => "elicitation",
            Self::ElicitationUrl => "elicitation.url",
            Self::Sampling => "sampling",
            Self::SamplingTools => "sampling.tools",
            Self::Roots => "roots",
        }
    }

    /// The error of the modern revisions (spec 2026-07-28, `basic`, "`_meta`").
    pub(crate) fn missing(self) -> ErrorObject {
        let required = match self {
            Self::ElicitationForm => json!({"elicitation": {"form": {}}}),
            Self::ElicitationUrl => json!({"elicitation": {"url": {}}}),
            Self::Sampling => json!({"sampling": {}}),
            Self::SamplingTools => json!({"sampling": {"tools": {}}}),
            Self::Roots => json!({"roots": {}}),
        };
        let message = AskError::from(Kind::Missing(self)).to_string();
        ErrorObject::new(ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY, message)
            .with_data(json!({ "requiredCapabilities": required }))
    }
}

impl From<Kind> for AskError {
    fn from(kind: Kind) -> Self {
        Self { kind }
    }
}

impl AskError {
    pub(crate) fn unavailable() -> Self {
        Kind::Unavailable.into()
    }

    pub(crate) fn invalid(why: impl fmt::Display) -> Self {
        Kind::Invalid(why.to_string()).into()
    }

    pub(crate) fn client(error: ErrorObject) -> Self {
        Kind::Client(error).into()
    }

    pub(crate) fn timed_out() -> Self {
        Kind::TimedOut.into()
    }

    pub(crate) fn closed() -> Self {
        Kind::Closed.into()
    }

    pub(crate) fn schema(why: impl fmt::Display) -> Self {
        Kind::Schema(why.to_string()).into()
    }

    pub(crate) fn declined() -> Self {
        Kind::Declined.into()
    }

    pub(crate) fn cancelled() -> Self {
        Kind::Cancelled.into()
    }

    /// The person said no, or put the question away without an answer.
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Declined | Kind::Cancelled)
    }

    /// The person said no.
    pub fn is_declined(&self) -> bool {
        matches!(self.kind, Kind::Declined)
    }

    /// The person put the question away.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, Kind::Cancelled)
    }

    /// The client did not declare that it can answer this, or its revision does not have it;
    /// nothing was sent.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self.kind,
            Kind::Missing(_) | Kind::NotYet(..) | Kind::Unavailable
        )
    }

    /// The client's answer does not fit the question.
    pub fn is_invalid(&self) -> bool {
        matches!(self.kind, Kind::Invalid(_))
    }

    /// No answer came in time, see [`Limits::ask_timeout`](crate::Limits::ask_timeout).
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::TimedOut)
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Declined => f.write_str("the user declined to answer"),
            Kind::Cancelled => f.write_str("the user cancelled the question"),
            Kind::Missing(capability) => write!(
                f,
                "the client cannot do this: it did not declare the capability `{}`",
                capability.name()
            ),
            Kind::NotYet(capability, revision) => write!(
                f,
                "the client cannot do this: `{}` came after revision {revision}",
                capability.name()
            ),
            Kind::Unavailable => {
                f.write_str("the client cannot be asked here: only tools/call, resources/read and prompts/get can ask")
            }
            Kind::Invalid(why) => write!(f, "the client's answer does not fit: {why}"),
            Kind::Client(error) => write!(f, "the client answered with an error: {error}"),
            Kind::TimedOut => f.write_str("the client did not answer in time"),
            Kind::Closed => f.write_str("the client is gone"),
            Kind::Schema(why) => write!(f, "this cannot be asked for: {why}"),
        }
    }
}

impl std::error::Error for AskError {}

/// Reads an answer, or says what is wrong with it.
pub(crate) fn read_answer<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Result<T, AskError> {
    serde_json::from_str(raw.get()).map_err(|why| {
        let why = why.to_string();
        AskError::invalid(crate::handler::text::shown_up_to(&why, 400))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_revision_does_not_have_yet_cannot_be_declared_in_it() {
        let declared = serde_json::from_value(json!({
            "elicitation": {"form": {}, "url": {}},
            "sampling": {"tools": {}},
            "roots": {},
        }))
        .unwrap();
        let asked = |capability: Capability| -> Vec<&str> {
            let revisions = Revision::ALL.iter();
            revisions
                .filter(|revision| capability.lack(**revision, &declared).is_none())
                .map(|revision| revision.as_str())
                .collect()
        };
        let all: Vec<_> = Revision::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(asked(Capability::Sampling), all);
        assert_eq!(asked(Capability::Roots), all);
        assert_eq!(asked(Capability::ElicitationForm), all[2..]);
        assert_eq!(asked(Capability::ElicitationUrl), all[3..]);
        assert_eq!(asked(Capability::SamplingTools), all[3..]);
    }

    #[test]
    fn what_was_not_declared_is_lacking_in_every_revision() {
        let declared = ClientCapabilities::default();
        for revision in Revision::ALL {
            let error = Capability::Roots.lack(revision, &declared);
            assert!(error.is_some_and(|error| error.is_unsupported()));
        }
    }
}
