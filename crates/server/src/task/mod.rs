//! Calls that go on after they were answered: tasks (spec 2025-11-25, basic/utilities/tasks;
//! since 2026-07-28 the extension `io.modelcontextprotocol/tasks`).
//!
//! What is true of a task is in the store, as a [`Record`](record::Record); every change of it is a
//! compare-and-swap. A [`Run`] is the handler at work on it in this process. Where the store
//! outlives the process, a task that was not at its end runs again from its journal at the next
//! start: finished steps are not repeated.
//!
//! The two forms on the wire meet in `methods`; everything below knows only tasks.

mod create;
pub(crate) mod methods;
pub(crate) mod record;
mod resume;
pub(crate) mod run;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use create::{Called, call};
pub(crate) use resume::resume;
pub(crate) use run::Run;

/// As much of an id as belongs into a log: enough to find the lines of one task, too little to
/// look at it.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// How a tool may be called as a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskPolicy {
    /// Never otherwise.
    pub(crate) required: bool,
    /// It begins as an ordinary call, and becomes a task when it lasts longer.
    pub(crate) after: Option<Duration>,
    /// It must not run again after the process died in the middle of it.
    pub(crate) run_once: bool,
}

/// The tasks that run in this process, by id.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: Mutex<HashMap<Box<str>, Arc<Run>>>,
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Run>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of this task, if it runs here.
    pub(crate) fn run(&self, id: &str) -> Option<Arc<Run>> {
        self.lock().get(id).cloned()
    }

    /// How many run.
    pub(crate) fn running(&self) -> usize {
        self.lock().len()
    }

    /// Takes a run in; `false` if there are too many.
    fn insert(&self, run: &Arc<Run>, limit: usize) -> bool {
        let mut running = self.lock();
        if running.len() >= limit {
            return false;
        }
        running.insert(run.id().into(), Arc::clone(run));
        true
    }

    /// Forgets a run that is at its end.
    fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    /// Drops all runs: the process ends. What the store keeps of them stays as it is.
    pub(crate) fn stop(&self) {
        let all = std::mem::take(&mut *self.lock());
        all.into_values().for_each(|run| run.abort());
    }
}
