//! Asks that the client works on as tasks of its own (spec 2025-11-25, basic/utilities/tasks,
//! "Task-Augmented Sampling Request").

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use wharf_protocol::envelope::IdBuf;
use wharf_protocol::method::Method;
use wharf_protocol::revision::Revision;
use wharf_protocol::tasks::{TaskParams, TaskStatus};

use super::live::{self, send_as};
use super::{Ask, More};
use crate::call::{Outlet, request};
use crate::session::{Answer, Session, random_id};

/// How often to look at a task whose client does not say.
const POLL: Duration = Duration::from_secs(1);
/// The shortest and the longest time between two looks, whatever the client says.
const POLLS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(30));

/// Whether the client can work on this as a task.
pub(super) fn is_possible(session: &Session, revision: Revision, ask: &Ask) -> bool {
    let declared = match ask {
        Ask::Elicit(_) => "/requests/elicitation/create",
        Ask::Sample(_) => "/requests/sampling/createMessage",
        Ask::Roots => return false,
    };
    revision == Revision::V2025_11_25 && declares(session, declared)
}

fn declares(session: &Session, what: &str) -> bool {
    let tasks = session.client.capabilities.tasks.as_ref();
    tasks.is_some_and(|tasks| tasks.pointer(what).is_some_and(|it| it.is_object()))
}

/// What is of interest in a client's task.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    #[serde(default)]
    task_id: String,
    status: TaskStatus,
    poll_interval: Option<u64>,
}

/// Asks for a task, looks at it until it is done, and fetches the answer; `None` if the session
/// ended first. Dropped before that, it cancels the task.
pub(super) async fn ask(
    outlet: &Outlet,
    session: &Arc<Session>,
    revision: Revision,
    ask: &Ask,
    keep: Duration,
) -> Option<Answer> {
    #[derive(Deserialize)]
    struct Created {
        task: Seen,
    }
    let more = More {
        meta: None,
        task: Some(TaskParams {
            ttl: Some(keep.as_millis() as f64),
        }),
    };
    let sent = live::send(outlet, session, revision, ask, more).await;
    let answer = sent.ok()?.answer().await?;
    let Ok(raw) = &answer else {
        return Some(answer);
    };
    let Ok(Created { task: mut seen }) = serde_json::from_str(raw.get()) else {
        // It answered at once.
        return Some(answer);
    };
    let mut task = Remote {
        id: std::mem::take(&mut seen.task_id),
        outlet,
        session,
        over: false,
    };
    while !seen.status.is_terminal() {
        let pause = seen.poll_interval.map_or(POLL, Duration::from_millis);
        tokio::time::sleep(pause.clamp(POLLS.0, POLLS.1)).await;
        match task.request(Method::TasksGet).await? {
            Ok(raw) => match serde_json::from_str(raw.get()) {
                Ok(now) => seen = now,
                Err(error) => {
                    tracing::debug!(%error, "a client's task cannot be read");
                    break;
                }
            },
            Err(error) => {
                task.over = true;
                return Some(Err(error));
            }
        }
    }
    let answer = task.request(Method::TasksResult).await;
    task.over = true;
    answer
}

/// A task that the client has.
struct Remote<'a> {
    id: String,
    outlet: &'a Outlet,
    session: &'a Arc<Session>,
    /// There is nothing left to cancel.
    over: bool,
}

impl Remote<'_> {
    async fn request(
        &self,
        method: Method,
    ) -> Option<Result<Box<RawValue>, wharf_protocol::error::ErrorObject>> {
        let params = json!({ "taskId": self.id });
        let sent = send_as(self.outlet, self.session, |id| request(id, method, &params)).await;
        sent.ok()?.answer().await
    }
}

impl Drop for Remote<'_> {
    fn drop(&mut self) {
        if !self.over && declares(self.session, "/cancel") {
            // Nobody waits for the answer.
            let id = IdBuf::string(&format!("{:032x}", random_id()));
            let params = json!({ "taskId": self.id });
            self.outlet
                .send_now(request(&id, Method::TasksCancel, &params));
        }
    }
}
