//! The methods about tasks. What is no task of the dialect's may be one of the server's own, which
//! a client gets that calls a tool with the official `task`.

use std::sync::Arc;

use serde_json::json;
use wharf::interpret::{Members, Plain, Refused};
use wharf::protocol::error::ErrorCode;
use wharf::protocol::tasks::{RELATED_TASK, TaskStatus};

use super::table::{End, Tasks};
use super::unknown;
use crate::dialect::read::{invalid, object, required_text};

/// What a session is told when the status of one of its tasks changes.
pub(super) const STATUS: &str = "notifications/tasks/status";

/// Pages of the server's own tasks that are looked at.
const PAGES: usize = 16;

const STATUSES: [TaskStatus; 5] = [
    TaskStatus::Working,
    TaskStatus::InputRequired,
    TaskStatus::Completed,
    TaskStatus::Failed,
    TaskStatus::Cancelled,
];

/// All tasks of the session, or those with a status.
pub(crate) async fn list(
    tasks: &Arc<Tasks>,
    server: &Plain,
    mut params: Members,
) -> Result<Members, Refused> {
    let wanted = status(&params)?;
    let fits = |status: Option<&str>| wanted.is_none_or(|wanted| status == Some(wanted.as_str()));
    let views = tasks.all().into_iter();
    let mut listed: Vec<Members> = views
        .filter(|view| fits(Some(view.status.as_str())))
        .map(|view| view.members())
        .collect();
    for name in ["filter", "cursor", "limit"] {
        params.take(name);
    }
    for _ in 0..PAGES {
        let mut page = match server.call("tasks/list", &params).await {
            Ok(page) => page,
            // The server has no tasks of its own.
            Err(refused) if refused.error.code == ErrorCode::METHOD_NOT_FOUND => break,
            Err(refused) => return Err(refused),
        };
        let own: Option<Vec<Members>> = page.read("tasks").ok().flatten();
        let own = own.unwrap_or_default().into_iter();
        listed.extend(own.filter(|task| {
            let status: Option<String> = task.read("status").ok().flatten();
            fits(status.as_deref())
        }));
        match page.take("nextCursor") {
            Some(cursor) => params.set("cursor", cursor),
            None => break,
        }
    }
    Ok(Members::new().with("tasks", listed))
}

/// The status that a list is to be of.
fn status(params: &Members) -> Result<Option<TaskStatus>, Refused> {
    let filter = object(params, "filter")?;
    if filter.raw("status").is_none() {
        return Ok(None);
    }
    let wanted: Option<String> = filter.read("status").ok().flatten();
    let known = |status: &TaskStatus| wanted.as_deref() == Some(status.as_str());
    let found = STATUSES.into_iter().find(known);
    found.map(Some).ok_or_else(|| {
        let names = STATUSES.map(TaskStatus::as_str).join(", ");
        invalid(format!("`params.filter.status` must be one of {names}"))
    })
}

/// A task, with its result or error once it ended.
pub(crate) async fn get(
    tasks: &Arc<Tasks>,
    server: &Plain,
    params: &Members,
) -> Result<Members, Refused> {
    let id = required_text(params, "taskId")?;
    let Some((view, end)) = tasks.look(&id) else {
        return elsewhere(server, "tasks/get", params).await;
    };
    let task = view.members();
    Ok(match end {
        Some(End::Result(result)) => task.with("result", result),
        Some(End::Error(error)) => task.with("error", error),
        None => task,
    })
}

pub(crate) async fn cancel(
    tasks: &Arc<Tasks>,
    server: &Plain,
    params: &Members,
) -> Result<Members, Refused> {
    let id = required_text(params, "taskId")?;
    let task = match tasks.cancel(&id) {
        Some(cancelled) => {
            let view = cancelled?;
            server.notify(STATUS, &view).await;
            view.members()
        }
        None => elsewhere(server, "tasks/cancel", params).await?,
    };
    Ok(task.with("cancelled", true))
}

/// What the call would have answered; waits for the end of the task.
pub(crate) async fn result(
    tasks: &Arc<Tasks>,
    server: &Plain,
    params: &Members,
) -> Result<Members, Refused> {
    let id = required_text(params, "taskId")?;
    let Some(mut status) = tasks.watch(&id) else {
        return elsewhere(server, "tasks/result", params).await;
    };
    // Nobody is left to tell of a task that is forgotten.
    let _ = status.wait_for(|status| status.is_terminal()).await;
    match tasks.look(&id) {
        Some((_, Some(End::Result(mut result)))) => {
            let mut meta = object(&result, "_meta")?;
            meta.set(RELATED_TASK, json!({ "taskId": id }));
            result.set("_meta", meta);
            Ok(result)
        }
        Some((_, Some(End::Error(error)))) => Err(error.into()),
        Some((_, None)) => Err(invalid("the task was cancelled and has no result")),
        None => Err(unknown()),
    }
}

/// Asks about a task of the server's own.
async fn elsewhere(server: &Plain, method: &str, params: &Members) -> Result<Members, Refused> {
    let answer = server.call(method, params).await;
    answer.map_err(|refused| match refused.error.code {
        ErrorCode::METHOD_NOT_FOUND | ErrorCode::INVALID_PARAMS => unknown(),
        _ => refused,
    })
}
