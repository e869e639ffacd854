//! Tasks in the store: found, changed, ended.

use std::time::Duration;

use wharf_state::{Entry, Expected, Put, Scope, StateError, Table};

use super::record::{Outcome, Record};
use super::short;
use crate::core::Core;

pub(super) const TASKS: Table = Table("tasks");

/// What became of a change.
pub(super) enum Changed<T> {
    /// It was made.
    Done(T),
    /// It was not wanted any more: the record says why.
    Left(Box<Record>),
    /// There is no such task, for this scope.
    Unknown,
}

/// A record that this program cannot read, or not write.
fn unreadable(id: &str, error: &serde_json::Error) -> StateError {
    StateError::refused(format_args!("the record of task {}: {error}", short(id)))
}

/// The task, if it is this scope's.
pub(super) async fn find(
    core: &Core,
    scope: Scope<'_>,
    id: &str,
) -> Result<Option<Record>, StateError> {
    match core.store.get(TASKS, scope, id).await? {
        Some(stored) => Record::read(&stored.value)
            .map(Some)
            .map_err(|error| unreadable(id, &error)),
        None => Ok(None),
    }
}

/// Changes a task: `change` may be asked several times, and says `None` where nothing is to be
/// done. Who listens to the task hears of it.
pub(super) async fn change<T>(
    core: &Core,
    scope: Scope<'_>,
    id: &str,
    mut change: impl FnMut(&mut Record) -> Option<T>,
) -> Result<Changed<T>, StateError> {
    loop {
        let Some(stored) = core.store.get(TASKS, scope, id).await? else {
            return Ok(Changed::Unknown);
        };
        let mut record = Record::read(&stored.value).map_err(|error| unreadable(id, &error))?;
        let before = record.status;
        let Some(done) = change(&mut record) else {
            return Ok(Changed::Left(Box::new(record)));
        };
        let value = record.write().map_err(|error| unreadable(id, &error))?;
        let entry = Entry::new(&stored.owner, value).expires(record.expires());
        let expected = Expected::Version(stored.version);
        if let Put::Done(_) = core.store.put(TASKS, id, expected, entry).await? {
            let run = core.tasks.run(id);
            if record.status.is_terminal() {
                core.tasks.remove(id);
                tracing::info!(
                    task = short(id),
                    status = record.status.as_str(),
                    "task ended"
                );
            }
            if let Some(run) = run {
                run.changed(&record, record.status != before);
            }
            return Ok(Changed::Done(done));
        }
    }
}

/// Writes down how a task ended; tries again for as long as the store does not work.
pub(super) async fn end(core: &Core, id: &str, mut outcome: Outcome) {
    let mut pause = Duration::from_millis(100);
    let mut shortened = false;
    loop {
        let ended = change(core, Scope::All, id, |record| {
            record.end(outcome.clone()).then_some(())
        });
        let Err(error) = ended.await else { return };
        tracing::error!(task = short(id), %error, "the end of a task is not kept yet");
        if error.is_refused() && shortened {
            // It never will be.
            core.tasks.remove(id);
            return;
        }
        if !error.is_unavailable() && !shortened {
            shortened = true;
            outcome = Outcome::internal("the result was too large for the server's store");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}
