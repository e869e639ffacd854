//! Tasks: calls whose result comes later (spec 2025-11-25, basic/utilities/tasks; since
//! 2026-07-28 the extension `io.modelcontextprotocol/tasks`, SEP-2663).
//!
//! The two forms are not compatible on the wire; the model is one. In 2025-11-25 the client asks
//! for a task and fetches the result with `tasks/result`; in the extension the server decides, and
//! `tasks/get` brings the result along.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{error::ErrorObject, input::InputRequest, meta::Meta};

/// The identifier of the extension, since 2026-07-28.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The key of `_meta` that names the task which a message belongs to, in 2025-11-25.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It runs.
    Working,
    /// It waits for the client's answers.
    InputRequired,
    /// It ended with a result. In the extension also with one that has `isError`.
    Completed,
    /// It ended with a JSON-RPC error, or, in 2025-11-25, with a result that has `isError`.
    Failed,
    /// The client did not want it any more.
    Cancelled,
}

impl TaskStatus {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What is known of a task from outside.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Names the task; not guessable.
    pub task_id: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// The same in words.
    pub status_message: Option<String>,
    /// When it began: RFC 3339.
    pub created_at: String,
    /// When its status changed last: RFC 3339.
    pub last_updated_at: String,
    /// For how many milliseconds from its beginning it is kept; `None` is for ever.
    #[serde(alias = "ttl")]
    pub ttl_ms: Option<u64>,
    /// How many milliseconds to wait between two looks at it.
    #[serde(alias = "pollInterval")]
    pub poll_interval_ms: Option<u64>,
}

/// The answer to a call that became a task: in 2025-11-25 with the task as a member, in the
/// extension the task itself.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTaskResult {
    /// The task.
    pub task: Task,
    /// Additional information.
    pub meta: Option<Meta>,
}

/// What a task brings along with its status, in the extension.
#[derive(Debug, Clone)]
pub enum TaskDetail {
    /// Nothing: it runs, or was cancelled.
    None,
    /// What it waits for, by names that the answers repeat.
    Input(IndexMap<String, InputRequest>),
    /// What the call would have given, written for the revision it is shown in.
    Result(Box<RawValue>),
    /// The error that the call would have given.
    Error(ErrorObject),
}

/// The answer to `tasks/get`, and what `notifications/tasks` carries; without its detail also the
/// answer to `tasks/cancel` and what `notifications/tasks/status` carries in 2025-11-25.
#[derive(Debug, Clone)]
pub struct TaskState {
    /// The task.
    pub task: Task,
    /// What it brings along; shown in the extension only.
    pub detail: TaskDetail,
    /// Additional information.
    pub meta: Option<Meta>,
}

/// The answer to `tasks/list`, in 2025-11-25.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListTasksResult {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<String>,
    /// Additional information.
    #[serde(rename = "_meta")]
    pub meta: Option<Meta>,
}

/// `params.task` of a request that is to become a task, in 2025-11-25.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskParams {
    /// For how many milliseconds the task is to be kept; the receiver may decide otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<f64>,
}
