//! What a call remembers between its rounds, sealed into the client's hands
//! (spec 2026-07-28, basic/patterns/mrtr).
//!
//! The client gets the journal as `requestState` and brings it back with its answers, so it must
//! neither read nor change it, nor present it as another user, for another request or too late.
//! Presenting it twice in time is possible: what must not happen twice is guarded elsewhere, by
//! the identity of the exchange.

mod digest;
mod seal;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

pub(crate) use digest::arguments_digest;
pub(crate) use seal::fresh_secret;
pub use seal::{KeyRing, WeakSecret};

/// What one exchange, a call with all its rounds, has come to know.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    /// The identity of the exchange, the same in all rounds and all replays: random.
    pub(crate) id: [u8; 16],
    /// How many times the client has been asked.
    pub(crate) rounds: u32,
    /// The client's answers by the key of the ask.
    pub(crate) answers: BTreeMap<String, Box<RawValue>>,
    /// The results of finished steps by name.
    pub(crate) steps: BTreeMap<String, Box<RawValue>>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Answers are what a person typed: keys only.
        f.debug_struct("Journal")
            .field("rounds", &self.rounds)
            .field("answers", &self.answers.keys())
            .field("steps", &self.steps.keys())
            .finish_non_exhaustive()
    }
}

/// The one request that a sealed journal is valid for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    /// Who calls, as a text that is different for different callers; `None` without
    /// authentication.
    pub(crate) principal: Option<&'a str>,
    /// The JSON-RPC method.
    pub(crate) method: &'a str,
    /// The name of the tool or prompt, or the URI of the resource.
    pub(crate) target: &'a str,
    /// The [`arguments_digest`] of the call.
    pub(crate) arguments_digest: [u8; 32],
}

/// A state is not valid for the request that brought it. Deliberately says nothing more: whoever
/// forges states shall not learn what was wrong with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("requestState is not valid for this request")
    }
}

impl std::error::Error for Refused {}

/// A journal would be longer than a state may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalTooLarge {
    /// How long the state would be, in bytes.
    pub(crate) bytes: usize,
    /// How long it may be.
    pub(crate) limit: usize,
}

impl fmt::Display for JournalTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, limit } = self;
        write!(
            f,
            "the answers and steps of this call take {bytes} bytes of state, more than {limit}"
        )
    }
}

impl std::error::Error for JournalTooLarge {}
