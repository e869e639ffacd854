//! Steps that no replay repeats.
//!
//! The journal of a call travels with the client, who can present an old one twice. What must
//! happen once all the same is claimed here first, under the identity of the exchange, which
//! every journal of it carries sealed.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;
use wharf_state::{Entry, Expected, Put, Scope, State, StateError, Table};

use crate::error::{Error, Result};

/// A record is empty while its step runs, and then holds the result as JSON. None has an owner: who
/// can name the exchange holds its sealed journal.
const STEPS: Table = Table("once");

/// The steps of one exchange, as far as its journals can still be presented.
pub(crate) struct OnceSteps<'a> {
    store: &'a dyn State,
    exchange: u128,
    expires: SystemTime,
}

/// Who may run a step.
#[derive(Debug)]
pub(crate) enum Claim {
    /// You, now; the version of the claim.
    Yours(u64),
    /// It ran; this came out.
    Done(Box<RawValue>),
    /// Another replay is at it, or was dropped in the middle of it.
    Begun,
    /// No room to remember another step.
    Full,
}

impl<'a> OnceSteps<'a> {
    /// The steps of this exchange, which are remembered for `lifetime` from now.
    pub(crate) fn new(store: &'a dyn State, exchange: [u8; 16], lifetime: Duration) -> Self {
        Self {
            store,
            exchange: u128::from_be_bytes(exchange),
            expires: SystemTime::now() + lifetime,
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{:032x} {name}", self.exchange)
    }

    fn entry(&self, value: String) -> Entry<'static> {
        Entry::new("", value).expires(self.expires)
    }

    /// Claims a step, of which there may be `limit` over all exchanges.
    ///
    /// Who stops waiting may have claimed it: then it stays begun, and is not done twice.
    pub(crate) async fn claim(&self, name: &str, limit: usize) -> Result<Claim> {
        let key = self.key(name);
        if let Some(step) = self
            .store
            .get(STEPS, Scope::All, &key)
            .await
            .map_err(down)?
        {
            return read(&step.value);
        }
        if self.store.count(STEPS, Scope::All).await.map_err(down)? >= limit {
            return Ok(Claim::Full);
        }
        let entry = self.entry(String::new());
        match self.store.put(STEPS, &key, Expected::Absent, entry).await {
            Ok(Put::Done(version)) => Ok(Claim::Yours(version)),
            Ok(Put::Conflict(Some(step))) => read(&step.value),
            Ok(Put::Conflict(None)) => Ok(Claim::Begun),
            Err(error) if error.is_full() => Ok(Claim::Full),
            Err(error) => Err(down(error)),
        }
    }

    /// Remembers what a claimed step gave.
    pub(crate) async fn finish(
        &self,
        name: &str,
        claimed: u64,
        result: Box<RawValue>,
    ) -> Result<()> {
        let entry = self.entry(String::from(Box::<str>::from(result)));
        let (key, claimed) = (self.key(name), Expected::Version(claimed));
        let kept = self.store.put(STEPS, &key, claimed, entry).await;
        match kept.map_err(down)? {
            Put::Done(_) => Ok(()),
            // The claim was for longer than a call can take.
            Put::Conflict(_) => Err(Error::new(format!("step `{name}` took too long"))),
        }
    }

    /// Gives a claim back: the step failed and had no effect.
    pub(crate) async fn release(&self, name: &str) {
        let key = self.key(name);
        if let Err(error) = self.store.delete(STEPS, Scope::All, &key).await {
            // It stays claimed, and is not tried again.
            tracing::warn!(%error, "the claim of a step that failed cannot be given back");
        }
    }
}

fn read(kept: &[u8]) -> Result<Claim> {
    if kept.is_empty() {
        return Ok(Claim::Begun);
    }
    Ok(Claim::Done(serde_json::from_slice(kept)?))
}

/// What the handler is told. What the store said is for the operator.
fn down(error: StateError) -> Error {
    tracing::error!(%error, "a step cannot be claimed");
    Error::new("what was done cannot be remembered now: try again later")
}

#[cfg(test)]
mod tests {
    use wharf_state::Memory;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_step_is_claimed_once_per_exchange() {
        let store = Memory::new();
        let steps = |exchange| OnceSteps::new(&store, [exchange; 16], LONG);
        let Claim::Yours(claimed) = steps(1).claim("pay", 9).await.unwrap() else {
            panic!()
        };
        let again = steps(1).claim("pay", 9).await.unwrap();
        assert!(matches!(again, Claim::Begun));
        let other = steps(2).claim("pay", 9).await.unwrap();
        assert!(matches!(other, Claim::Yours(_)));
        let result = RawValue::from_string("7".into()).unwrap();
        steps(1).finish("pay", claimed, result).await.unwrap();
        let Claim::Done(result) = steps(1).claim("pay", 9).await.unwrap() else {
            panic!()
        };
        assert_eq!(result.get(), "7");
    }

    #[tokio::test]
    async fn steps_are_bounded_and_forgotten_in_time() {
        let store = Memory::new();
        let short = OnceSteps::new(&store, [1; 16], Duration::ZERO);
        let long = OnceSteps::new(&store, [1; 16], LONG);
        let claim = short.claim("a", 1).await.unwrap();
        assert!(matches!(claim, Claim::Yours(_)));
        let claim = long.claim("b", 1).await.unwrap();
        assert!(matches!(claim, Claim::Yours(_)));
        assert!(matches!(long.claim("c", 1).await.unwrap(), Claim::Full));
        long.release("b").await;
        let claim = long.claim("c", 1).await.unwrap();
        assert!(matches!(claim, Claim::Yours(_)));
    }
}
