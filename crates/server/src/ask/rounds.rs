//! Asks as results that the client comes back from (spec 2026-07-28, `basic/patterns/mrtr`).

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;
use serde_json::value::RawValue;
use wharf_protocol::input::InputRequest;

use super::journal::Journal;
use crate::session::random_id;

/// The rounds of one call: what the journal knows, and what this run asks for.
///
/// Costs nothing until the handler asks or takes a step.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    state: Mutex<Option<Box<State>>>,
}

#[derive(Debug, Default)]
struct State {
    journal: Journal,
    open: IndexMap<String, InputRequest>,
    unnamed: BTreeMap<&'static str, u32>,
    running_steps: usize,
    invalid: Option<String>,
    /// The call has become a task, which remembers from now on.
    handed_over: bool,
}

/// Why a handler was dropped.
#[derive(Debug)]
pub(crate) enum Suspension {
    /// It waits for these answers; the journal is what to seal.
    Asks(IndexMap<String, InputRequest>, Box<Journal>),
    /// An answer that it waits for is malformed.
    Invalid(String),
}

/// The journal of an exchange that begins.
pub(crate) fn fresh_journal() -> Journal {
    Journal {
        id: random_id().to_be_bytes(),
        ..Journal::default()
    }
}

impl Rounds {
    /// Starts with answers that came before they were asked for.
    pub(crate) fn answered(answers: BTreeMap<String, Box<RawValue>>) -> Self {
        Self::resume(fresh_journal(), answers)
    }

    /// Goes on from a journal and the answers to what was asked last.
    pub(crate) fn resume(mut journal: Journal, answers: BTreeMap<String, Box<RawValue>>) -> Self {
        for (key, answer) in answers {
            // What was answered stays answered: a replay must not tell another story.
            journal.answers.entry(key).or_insert(answer);
        }
        let state = State {
            journal,
            ..State::default()
        };
        Self {
            state: Mutex::new(Some(Box::new(state))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<State>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(self.lock().get_or_insert_with(|| {
            Box::new(State {
                journal: fresh_journal(),
                ..State::default()
            })
        }))
    }

    /// The answer of this key, or else the question is open and the handler goes no further.
    pub(crate) fn answer_or_open(
        &self,
        key: Option<String>,
        kind: &'static str,
        request: InputRequest,
    ) -> Option<Box<RawValue>> {
        self.with(|state| {
            let key = key.unwrap_or_else(|| {
                let count = state.unnamed.entry(kind).or_default();
                *count += 1;
                format!("{kind}-{count}")
            });
            if let Some(answer) = state.journal.answers.get(&key) {
                return Some(answer.clone());
            }
            state.open.insert(key, request);
            None
        })
    }

    /// Notes that an answer is malformed: the call fails instead of going on.
    pub(crate) fn refuse(&self, why: String) {
        self.with(|state| state.invalid = Some(why));
    }

    /// What a step of this name gave in an earlier round.
    pub(crate) fn finished_step(&self, name: &str) -> Option<Box<RawValue>> {
        self.lock().as_ref()?.journal.steps.get(name).cloned()
    }

    /// Runs a step; the handler is not dropped for its open asks before the step is done.
    pub(crate) async fn run_step<F: Future>(&self, step: F) -> F::Output {
        struct Running<'a>(&'a Rounds);
        impl Drop for Running<'_> {
            fn drop(&mut self) {
                self.0.with(|state| state.running_steps -= 1);
            }
        }
        self.with(|state| state.running_steps += 1);
        let _running = Running(self);
        step.await
    }

    /// Remembers what a step gave; gives it back if the call has become a task meanwhile.
    pub(crate) fn finish_step(&self, name: &str, result: Box<RawValue>) -> Option<Box<RawValue>> {
        self.with(|state| {
            if state.handed_over {
                return Some(result);
            }
            state.journal.steps.insert(name.into(), result);
            None
        })
    }

    /// Whether the handler waits for an answer.
    pub(crate) fn is_asking(&self) -> bool {
        let state = self.lock();
        state.as_ref().is_some_and(|state| !state.open.is_empty())
    }

    /// Gives everything that is remembered to a task, and how many asks had no name.
    pub(crate) fn hand_over(&self) -> (Journal, BTreeMap<&'static str, u32>) {
        self.with(|state| {
            state.handed_over = true;
            (
                std::mem::take(&mut state.journal),
                std::mem::take(&mut state.unnamed),
            )
        })
    }

    /// The identity of the exchange, the same in all its rounds.
    pub(crate) fn exchange(&self) -> [u8; 16] {
        self.with(|state| state.journal.id)
    }

    /// Whether the handler has gone as far as it can without an answer.
    pub(crate) fn is_suspended(&self) -> bool {
        self.lock().as_ref().is_some_and(|state| {
            state.invalid.is_some() || (!state.open.is_empty() && state.running_steps == 0)
        })
    }

    pub(crate) fn suspend(&self) -> Suspension {
        self.with(|state| match state.invalid.take() {
            Some(why) => Suspension::Invalid(why),
            None => {
                let journal = Box::new(std::mem::take(&mut state.journal));
                Suspension::Asks(std::mem::take(&mut state.open), journal)
            }
        })
    }
}
