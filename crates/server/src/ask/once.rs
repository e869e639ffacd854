//! Steps that no replay repeats.
//!
//! The journal of a call travels with the client, who can present an old one twice. What must
//! happen once all the same is claimed here first, under the identity of the exchange, which
//! every journal of it carries sealed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

type Key = ([u8; 16], Box<str>);

/// The steps of all exchanges whose journals can still be presented.
#[derive(Debug, Default)]
pub(crate) struct OnceSteps {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    steps: HashMap<Key, Step>,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Step {
    until: Instant,
    /// `None` while it runs.
    result: Option<Box<RawValue>>,
}

/// Who may run a step.
#[derive(Debug)]
pub(crate) enum Claim {
    /// You, now.
    Yours,
    /// It ran; this came out.
    Done(Box<RawValue>),
    /// Another replay is at it, or was dropped in the middle of it.
    Begun,
    /// No room to remember another step.
    Full,
}

impl OnceSteps {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims a step, which is remembered for `lifetime`.
    pub(crate) fn claim(
        &self,
        exchange: [u8; 16],
        name: &str,
        lifetime: Duration,
        limit: usize,
    ) -> Claim {
        let now = Instant::now();
        let mut state = self.lock();
        let key = (exchange, Box::from(name));
        if let Some(step) = state.steps.get(&key) {
            return step.result.clone().map_or(Claim::Begun, Claim::Done);
        }
        let due = state
            .swept
            .is_none_or(|swept| now.duration_since(swept) > lifetime);
        if due || state.steps.len() >= limit {
            state.steps.retain(|_, step| step.until > now);
            state.swept = Some(now);
        }
        if state.steps.len() >= limit {
            return Claim::Full;
        }
        state.steps.insert(
            key,
            Step {
                until: now + lifetime,
                result: None,
            },
        );
        Claim::Yours
    }

    /// Remembers what a claimed step gave.
    pub(crate) fn finish(&self, exchange: [u8; 16], name: &str, result: Box<RawValue>) {
        if let Some(step) = self.lock().steps.get_mut(&(exchange, Box::from(name))) {
            step.result = Some(result);
        }
    }

    /// Gives a claim back: the step failed and had no effect.
    pub(crate) fn release(&self, exchange: [u8; 16], name: &str) {
        self.lock().steps.remove(&(exchange, Box::from(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_step_is_claimed_once_per_exchange() {
        let steps = OnceSteps::default();
        assert!(matches!(steps.claim([1; 16], "pay", LONG, 9), Claim::Yours));
        assert!(matches!(steps.claim([1; 16], "pay", LONG, 9), Claim::Begun));
        assert!(matches!(steps.claim([2; 16], "pay", LONG, 9), Claim::Yours));
        steps.finish([1; 16], "pay", RawValue::from_string("7".into()).unwrap());
        let Claim::Done(result) = steps.claim([1; 16], "pay", LONG, 9) else {
            panic!()
        };
        assert_eq!(result.get(), "7");
    }

    #[test]
    fn steps_are_bounded_and_forgotten_in_time() {
        let steps = OnceSteps::default();
        assert!(matches!(
            steps.claim([1; 16], "a", Duration::ZERO, 1),
            Claim::Yours
        ));
        assert!(matches!(steps.claim([1; 16], "b", LONG, 1), Claim::Yours));
        assert!(matches!(steps.claim([1; 16], "c", LONG, 1), Claim::Full));
        steps.release([1; 16], "b");
        assert!(matches!(steps.claim([1; 16], "c", LONG, 1), Claim::Yours));
    }
}
