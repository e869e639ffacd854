//! The tasks of one session, by id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use wharf::Limits;
use wharf::interpret::{Members, Refused};
use wharf::protocol::error::ErrorObject;
use wharf::protocol::tasks::TaskStatus;

use super::counts::{Counts, Place};
use crate::dialect::read::invalid;

/// Tasks that may be kept in all sessions together, for each that may run.
const KEPT_FOR_EACH: usize = 16;

/// The tasks of one session.
#[derive(Debug)]
pub(crate) struct Tasks {
    counts: Arc<Counts>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    tasks: HashMap<String, Task>,
    /// How many there ever were.
    number: u64,
    /// The session is over.
    ended: bool,
}

#[derive(Debug)]
struct Task {
    number: u64,
    status: watch::Sender<TaskStatus>,
    end: Option<End>,
    created: Timestamp,
    updated: Timestamp,
    expires: Instant,
    ttl: Duration,
    poll: Duration,
    abort: Option<AbortHandle>,
    _kept: Place,
}

/// How a task ended by itself.
#[derive(Clone, Debug)]
pub(super) enum End {
    Result(Members),
    Error(ErrorObject),
}

impl End {
    pub(super) fn of(outcome: Result<Members, Refused>) -> Self {
        match outcome {
            Ok(result) => Self::Result(result),
            Err(refused) => Self::Error(refused.error),
        }
    }

    /// A tool's error is a result, and still a failure (spec 2025-11-25,
    /// `basic/utilities/tasks`).
    fn status(&self) -> TaskStatus {
        match self {
            Self::Result(result) if result.read("isError").ok().flatten() == Some(true) => {
                TaskStatus::Failed
            }
            Self::Result(_) => TaskStatus::Completed,
            Self::Error(_) => TaskStatus::Failed,
        }
    }
}

/// A task as it is shown: the members of the specification.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct View {
    task_id: String,
    pub(super) status: TaskStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<String>,
    created_at: String,
    last_updated_at: String,
    /// Milliseconds.
    ttl: u64,
    /// Milliseconds.
    poll_interval: u64,
    #[serde(skip)]
    number: u64,
}

impl View {
    pub(super) fn members(&self) -> Members {
        let raw = serde_json::to_string(self).unwrap_or_default();
        serde_json::from_str(&raw).unwrap_or_default()
    }
}

impl Task {
    fn view(&self, id: &str) -> View {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let status_message = match &self.end {
            Some(End::Error(error)) => Some(error.message.clone()),
            _ => None,
        };
        View {
            task_id: id.to_owned(),
            status: *self.status.borrow(),
            status_message,
            created_at: self.created.to_string(),
            last_updated_at: self.updated.to_string(),
            ttl: millis(self.ttl),
            poll_interval: millis(self.poll),
            number: self.number,
        }
    }

    fn is_running(&self) -> bool {
        !self.status.borrow().is_terminal()
    }

    fn set_status(&mut self, status: TaskStatus) {
        self.updated = now();
        self.status.send_replace(status);
    }

    fn stop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }
}

/// The time, as exact as the server's own tasks have it.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

impl Tasks {
    pub(crate) fn new(counts: &Arc<Counts>) -> Self {
        Self {
            counts: Arc::clone(counts),
            table: Mutex::default(),
        }
    }

    /// The table, without what is no longer kept.
    fn lock(&self) -> MutexGuard<'_, Table> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        table.tasks.retain(|_, task| {
            let stays = task.expires > now;
            if !stays {
                task.stop();
            }
            stays
        });
        table
    }

    /// Takes an id for a task, and a place among those that run.
    pub(super) fn claim(&self, id: &str, limits: &Limits) -> Result<Place, Refused> {
        let mut table = self.lock();
        if table.ended {
            return Err(invalid("the session has ended"));
        }
        if table.tasks.contains_key(id) {
            return Err(invalid("`params.taskId` is in use in this session"));
        }
        let most = limits.tasks_running;
        let kept = self.counts.kept.take(most.saturating_mul(KEPT_FOR_EACH));
        let (true, Some(kept)) = (table.tasks.len() < limits.tasks_per_owner, kept) else {
            let message = "too many tasks are kept: wait for one to expire";
            return Err(Refused::too_many(message));
        };
        let running = self.counts.running.take(most);
        let running =
            running.ok_or_else(|| Refused::too_many("too many tasks run: try again later"))?;
        table.number += 1;
        let now = now();
        let task = Task {
            number: table.number,
            status: watch::Sender::new(TaskStatus::Working),
            end: None,
            created: now,
            updated: now,
            expires: Instant::now() + limits.task_ttl,
            ttl: limits.task_ttl,
            poll: limits.task_poll,
            abort: None,
            _kept: kept,
        };
        table.tasks.insert(id.to_owned(), task);
        Ok(running)
    }

    /// Forgets a task that never began.
    pub(super) fn forget(&self, id: &str) {
        self.lock().tasks.remove(id);
    }

    /// Says how a running task can be stopped. One that was not to run any more stops now.
    pub(super) fn set_abort(&self, id: &str, abort: AbortHandle) {
        match self.lock().tasks.get_mut(id) {
            Some(task) if task.is_running() => task.abort = Some(abort),
            // It ended meanwhile by itself, and has nothing left but to say so.
            Some(task) if task.end.is_some() => {}
            _ => abort.abort(),
        }
    }

    /// Notes how a task ended; `None` if it was over already.
    pub(super) fn finish(&self, id: &str, end: End) -> Option<View> {
        let mut table = self.lock();
        let task = table.tasks.get_mut(id)?;
        if !task.is_running() {
            return None;
        }
        task.abort = None;
        let status = end.status();
        task.end = Some(end);
        task.set_status(status);
        Some(task.view(id))
    }

    /// Cancels a task: its handler is dropped. `None` if there is none, an error if it is over.
    pub(super) fn cancel(&self, id: &str) -> Option<Result<View, Refused>> {
        let mut table = self.lock();
        let task = table.tasks.get_mut(id)?;
        if !task.is_running() {
            return Some(Err(invalid("the task has ended already")));
        }
        task.stop();
        task.set_status(TaskStatus::Cancelled);
        Some(Ok(task.view(id)))
    }

    pub(super) fn view(&self, id: &str) -> Option<View> {
        self.look(id).map(|(view, _)| view)
    }

    /// A task, and how it ended.
    pub(super) fn look(&self, id: &str) -> Option<(View, Option<End>)> {
        let table = self.lock();
        let task = table.tasks.get(id)?;
        Some((task.view(id), task.end.clone()))
    }

    /// What tells when a task ends.
    pub(super) fn watch(&self, id: &str) -> Option<watch::Receiver<TaskStatus>> {
        let table = self.lock();
        Some(table.tasks.get(id)?.status.subscribe())
    }

    /// All tasks, the oldest first.
    pub(super) fn all(&self) -> Vec<View> {
        let table = self.lock();
        let views = table.tasks.iter().map(|(id, task)| task.view(id));
        let mut all: Vec<View> = views.collect();
        all.sort_unstable_by_key(|view| view.number);
        all
    }

    pub(crate) fn are_running(&self) -> bool {
        self.lock().tasks.values().any(Task::is_running)
    }

    /// Drops everything: the session is over.
    pub(crate) fn end(&self) {
        let mut table = self.lock();
        table.ended = true;
        for (_, mut task) in table.tasks.drain() {
            task.stop();
        }
    }
}
