//! Tasks: calls whose result comes later (spec 2025-11-25, basic/utilities/tasks; in 2026-07-28
//! the extension `io.modelcontextprotocol/tasks`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use wharf_protocol::error::ErrorObject;
use wharf_protocol::input::InputRequest;
use wharf_protocol::tasks::{Task, TaskStatus};
use wharf_protocol::tools::CallToolResult;

use crate::call::{Call, rounds};
use crate::client::{Client, Shared};
use crate::connect::Connection;
use crate::error::{Error, Result, escape};
use crate::lists::Pages;
use crate::message::{Answer, Request, scan};

/// The shortest and the longest wait between two looks at a task.
const WAITS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(20)..=Duration::from_secs(30);

/// A call that is to become a task; see [`Client::call_task`].
#[derive(Debug)]
#[must_use = "a call is sent by `start`"]
pub struct TaskCall {
    call: Call<CallToolResult>,
    ttl: Option<Duration>,
}

/// What came of a call that was to become a task.
#[derive(Debug)]
pub enum Started {
    /// It is one.
    Task(TaskHandle),
    /// The server answered at once: in 2026-07-28 it is the server that decides.
    Done(Box<CallToolResult>),
}

impl TaskCall {
    pub(crate) fn new(call: Call<CallToolResult>) -> Self {
        Self { call, ttl: None }
    }

    /// For how long the server is asked to keep the task, in 2025-11-25.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sends the call, and comes back as soon as it is a task.
    ///
    /// # Errors
    /// What the server answers; [`is_unsupported`](Error::is_unsupported) in revisions without
    /// tasks.
    pub async fn start(self) -> Result<Started> {
        let Call {
            shared,
            request,
            options,
            ..
        } = self.call;
        let mut request = request?;
        let connection = shared.connection().await?;
        if !connection.is_modern() {
            if connection.info.capabilities.tasks.is_none() {
                return Err(Error::unsupported("the server has no tasks"));
            }
            let ttl = self
                .ttl
                .map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
            let wish = match ttl {
                Some(ttl) => serde_json::json!({ "ttl": ttl }),
                None => serde_json::json!({}),
            };
            request.params.put("task", &wish)?;
        }
        let (connection, answer, _) = rounds(&shared, &request, &options).await?;
        let task = if connection.is_modern() {
            if answer.result_type() != "task" {
                return Ok(Started::Done(Box::new(answer.read()?)));
            }
            answer.read()?
        } else {
            created(&answer)?
        };
        Ok(Started::Task(TaskHandle { shared, task }))
    }
}

/// A task of a server. Dropping it changes nothing: the task goes on, and
/// [`Client::task`] finds it again by its id.
#[derive(Clone)]
pub struct TaskHandle {
    shared: Arc<Shared>,
    task: Task,
}

impl std::fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TaskHandle").field(&self.task).finish()
    }
}

impl Client {
    /// A task that was started before, by its id.
    ///
    /// # Errors
    /// What the server answers: foreign and unknown tasks are answered alike.
    pub async fn task(&self, id: &str) -> Result<TaskHandle> {
        let shared = Arc::clone(self.shared());
        let task = get(&shared, id).await?.task;
        Ok(TaskHandle { shared, task })
    }

    /// The tasks of this client, in 2025-11-25; later revisions have no list.
    pub fn tasks(&self) -> Pages<Task> {
        Pages::new(self.shared(), "tasks/list", "tasks")
    }
}

impl TaskHandle {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.task.task_id
    }

    /// Where it stood when it was looked at last.
    pub fn last_seen(&self) -> &Task {
        &self.task
    }

    /// Looks at it.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn status(&mut self) -> Result<&Task> {
        self.task = get(&self.shared, &self.task.task_id).await?.task;
        Ok(&self.task)
    }

    /// Waits for its end, and answers what it asks on the way.
    ///
    /// There is no time limit but the task's own: put a `tokio::time::timeout` around it, which
    /// leaves the task as it is.
    ///
    /// # Errors
    /// The task's own error; [`is_task_failed`](Error::is_task_failed) where it was cancelled.
    pub async fn wait(&mut self) -> Result<CallToolResult> {
        let answer = finish_task(&self.shared, &mut self.task).await?;
        answer.read()
    }

    /// Asks the server to end it.
    ///
    /// # Errors
    /// What the server answers, as for a task that has ended already.
    pub async fn cancel(&mut self) -> Result<()> {
        let request = about("tasks/cancel", &self.task.task_id)?;
        self.shared.ask::<serde::de::IgnoredAny>(&request).await?;
        Ok(())
    }
}

fn about(method: &'static str, id: &str) -> Result<Request> {
    Request::new(method).named("taskId", id)
}

/// The task that an answer of 2025-11-25 says was made.
fn created(answer: &Answer) -> Result<Task> {
    #[derive(Deserialize)]
    struct Created {
        task: Task,
    }
    answer.read().map(|Created { task }| task)
}

/// What `tasks/get` gives: in 2025-11-25 the task, later with what it brings along.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    #[serde(flatten)]
    task: Task,
}

/// What a task brings along in 2026-07-28. Read apart from the rest: raw JSON cannot be read
/// through `flatten`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    #[serde(default)]
    input_requests: IndexMap<String, InputRequest>,
    result: Option<Box<RawValue>>,
    error: Option<ErrorObject>,
}

struct Seen {
    task: Task,
    detail: Detail,
    connection: Arc<Connection>,
}

async fn get(shared: &Shared, id: &str) -> Result<Seen> {
    let request = about("tasks/get", id)?;
    let none = crate::message::Members::default();
    let options = crate::call::Options::default();
    let (connection, answer) = shared.exchange(&request, &none, &options).await?;
    let State { task } = answer.read()?;
    let detail = if connection.is_modern() {
        answer.read()?
    } else {
        Detail::default()
    };
    Ok(Seen {
        task,
        detail,
        connection,
    })
}

/// A call that the server has made a task of, as if it were none: its end is waited for, and a
/// caller who no longer waits cancels it.
pub(crate) async fn finish(shared: &Arc<Shared>, answer: &Answer) -> Result<Answer> {
    finish_or_cancel(shared, answer.read()?).await
}

/// The same for a call that was sent as a task of 2025-11-25.
pub(crate) async fn finish_created(shared: &Arc<Shared>, answer: &Answer) -> Result<Answer> {
    finish_or_cancel(shared, created(answer)?).await
}

async fn finish_or_cancel(shared: &Arc<Shared>, mut task: Task) -> Result<Answer> {
    let mut unwanted = Unwanted {
        shared,
        id: Some(task.task_id.clone()),
    };
    let answer = finish_task(shared, &mut task).await;
    // It has ended, or cannot be reached.
    unwanted.id = None;
    answer
}

/// Cancels a task whose caller is gone.
struct Unwanted<'a> {
    shared: &'a Arc<Shared>,
    id: Option<String>,
}

impl Drop for Unwanted<'_> {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let shared = Arc::clone(self.shared);
        runtime.spawn(async move {
            if let Ok(request) = about("tasks/cancel", &id) {
                let told = shared.ask::<serde::de::IgnoredAny>(&request);
                let _ = tokio::time::timeout(Duration::from_secs(5), told).await;
            }
        });
    }
}

/// Waits for the end of a task.
async fn finish_task(shared: &Shared, task: &mut Task) -> Result<Answer> {
    let mut answered = HashSet::new();
    let mut wait = *WAITS.start();
    loop {
        if !shared.connection().await?.is_modern() {
            // The server answers when there is a result; what it asks before comes as requests
            // beside this one.
            return result(shared, task).await;
        }
        let Seen {
            task: seen,
            detail,
            connection,
        } = get(shared, &task.task_id).await?;
        *task = seen;
        match task.status {
            TaskStatus::Completed | TaskStatus::Failed => {
                return match (detail.result, detail.error) {
                    (Some(result), _) => as_answer(&result),
                    (None, Some(error)) => Err(Error::rpc(error)),
                    (None, None) => Err(failed(task)),
                };
            }
            TaskStatus::Cancelled => return Err(failed(task)),
            TaskStatus::InputRequired => {
                let mut asked = detail.input_requests;
                asked.retain(|key, _| !answered.contains(key));
                if !asked.is_empty() {
                    answered.extend(asked.keys().cloned());
                    let asks = &shared.common.asks;
                    let answers = asks.answers(asked, connection.revision()).await?;
                    let update =
                        about("tasks/update", &task.task_id)?.with("inputResponses", &answers)?;
                    shared.ask::<serde::de::IgnoredAny>(&update).await?;
                    wait = *WAITS.start();
                    continue;
                }
            }
            TaskStatus::Working => {}
        }
        let wanted = task.poll_interval_ms.map(Duration::from_millis);
        let pause = wanted.unwrap_or(wait).clamp(*WAITS.start(), *WAITS.end());
        tokio::time::sleep(pause).await;
        wait = (wait * 2).min(Duration::from_secs(1));
    }
}

/// The result of a task of 2025-11-25; the server answers when there is one.
async fn result(shared: &Shared, task: &Task) -> Result<Answer> {
    let request = about("tasks/result", &task.task_id)?;
    let none = crate::message::Members::default();
    let options = crate::call::Options {
        timeout: Some(Duration::from_secs(24 * 60 * 60)),
        ..Default::default()
    };
    let (_, answer) = shared.exchange(&request, &none, &options).await?;
    Ok(answer)
}

fn failed(task: &Task) -> Error {
    let why = task.status_message.as_deref().map(escape);
    let why = why.map_or(String::new(), |why| format!(": {why}"));
    Error::task_failed(format!("the task is {}{why}", task.status.as_str()))
}

/// A result that came inside another one.
fn as_answer(result: &RawValue) -> Result<Answer> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{}}}"#, result.get());
    let (_, parts) = scan(&text)?;
    Answer::of(text, &parts)
}
