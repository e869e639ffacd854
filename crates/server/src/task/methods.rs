//! What clients say about tasks, in both forms.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::meta::EmptyResult;
use wharf_protocol::method::Method;
use wharf_protocol::raw::RawJson;
use wharf_protocol::revision::Revision;
use wharf_protocol::subscriptions::SubscriptionFilter;
use wharf_protocol::tasks::{EXTENSION, ListTasksResult, RELATED_TASK, TaskState, TaskStatus};
use wharf_protocol::tools::CallToolResult;
use wharf_state::Scope;

use super::record::{Outcome, Record};
use super::run::{self, Run};
use super::short;
use super::store::{Changed, TASKS, change, find};
use crate::ask::{Ask, More};
use crate::call::{Incoming, Reply};
use crate::context::Caller;
use crate::core::Core;
use crate::durable::down;
use crate::era::{Admitted, Refusal, modern};
use crate::hub::Listener;
use crate::session::{Answer, Session};

/// Whether a client's capabilities name the extension.
pub(super) fn declares_tasks(capabilities: RawJson<'_>) -> bool {
    #[derive(Deserialize)]
    struct Declared<'a> {
        #[serde(borrow, default)]
        extensions: HashMap<Cow<'a, str>, &'a RawValue>,
    }
    serde_json::from_str::<Declared<'_>>(capabilities.get())
        .is_ok_and(|declared| declared.extensions.contains_key(EXTENSION))
}

/// The client did not declare the extension that it needs for what it asks.
pub(crate) fn extension_missing() -> Refusal {
    let message = "the client did not declare the extension `io.modelcontextprotocol/tasks`";
    modern::extension_missing(EXTENSION, message)
}

/// There is no such task; or it is somebody else's, which is the same.
fn unknown() -> Refusal {
    let message = "no such task: its id is wrong, it has expired, or it is another caller's";
    ErrorObject::new(ErrorCode::INVALID_PARAMS, message).into()
}

/// Whose a caller's tasks are: those of its principal, or else of its session. Without either
/// only the id protects a task, which is why it cannot be guessed.
pub(crate) fn owner(core: &Core, caller: &Caller) -> String {
    match (caller.principal(), caller) {
        (Some(principal), _) => principal.binding(),
        // Who started the process is the one who talks to it.
        (None, _) if core.is_private() => "local".to_owned(),
        (None, Caller::Session(session)) => format!("session:{}", session.header()),
        (None, _) => String::new(),
    }
}

/// Answers a method of tasks.
pub(crate) async fn respond(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
    method: Method,
) -> Result<Reply, Refusal> {
    let revision = admitted.revision;
    if !core.offers_tasks() {
        let status = if revision.is_modern() { 404 } else { 200 };
        let message = format!("`{}`: this server has no tasks", method.as_str());
        return Err(Refusal::new(status, ErrorCode::METHOD_NOT_FOUND, message));
    }
    let owner = owner(core, &admitted.caller);
    let frame = &incoming.frame;
    if revision.is_modern() {
        let declared = frame.meta().client_capabilities;
        if !declared.is_some_and(declares_tasks) {
            return Err(extension_missing());
        }
    }
    let scope = Scope::Of(&owner);
    if method == Method::TasksList {
        return list(core, incoming, revision, scope).await;
    }
    let id = frame
        .task_id()
        .map_err(|error| Refusal { error, status: 400 })?;
    let result = core.frame(revision, None);
    match (method, &admitted.caller) {
        (Method::TasksGet, _) => {
            let mut record = known(core, scope, &id).await?;
            if record.status == TaskStatus::Working
                && let Some(progress) = core.tasks.run(&id).and_then(|run| run.progress())
            {
                record.message = Some(progress);
            }
            Ok(Reply::result(
                frame.id(),
                &record.state(&id, revision),
                &result,
            ))
        }
        (Method::TasksCancel, _) => {
            let cancelled = cancel(core, scope, &id, revision).await?;
            if revision.is_modern() {
                return Ok(Reply::result(frame.id(), &EmptyResult::default(), &result));
            }
            Ok(Reply::result(frame.id(), &cancelled, &result))
        }
        (Method::TasksUpdate, _) => {
            update(core, incoming, scope, &id).await?;
            Ok(Reply::result(frame.id(), &EmptyResult::default(), &result))
        }
        (Method::TasksResult, Caller::Session(session)) => {
            let record = wait(core, incoming, session, scope, &id).await?;
            finished(core, incoming, revision, &id, record)
        }
        _ => Err(Refusal::malformed("this cannot be asked here")),
    }
}

pub(super) async fn known(core: &Core, scope: Scope<'_>, id: &str) -> Result<Record, Refusal> {
    find(core, scope, id)
        .await
        .map_err(down)?
        .ok_or_else(unknown)
}

async fn list(
    core: &Core,
    incoming: &Incoming,
    revision: Revision,
    scope: Scope<'_>,
) -> Result<Reply, Refusal> {
    let cursor = incoming.frame.cursor()?;
    let after = match cursor.as_deref() {
        None => 0,
        Some(cursor) => u64::from_str_radix(cursor, 16).map_err(|_| {
            ErrorObject::new(
                ErrorCode::INVALID_PARAMS,
                "`params.cursor` is none that this server gave: start again without one",
            )
        })?,
    };
    let size = core.limits.page_items;
    let found = core.store.list(TASKS, scope, after, size + 1).await;
    let mut found = found.map_err(down)?;
    let more = found.len() > size;
    found.truncate(size);
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|(_, stored)| format!("{:x}", stored.seq));
    let tasks = found.iter().filter_map(|(id, stored)| {
        let record = Record::read(&stored.value);
        let record = record
            .inspect_err(|error| tracing::error!(task = short(id), %error, "a task cannot be read"))
            .ok()?;
        Some(record.state(id, revision).task)
    });
    let result = ListTasksResult {
        tasks: tasks.collect(),
        next_cursor,
        meta: None,
    };
    let frame = core.frame(revision, None);
    Ok(Reply::result(incoming.frame.id(), &result, &frame))
}

/// Cancels a task, and gives it as it is then. One that is at its end stays as it is, which is an
/// error in 2025-11-25.
async fn cancel(
    core: &Core,
    scope: Scope<'_>,
    id: &str,
    revision: Revision,
) -> Result<TaskState, Refusal> {
    let cancelled = change(core, scope, id, |record| {
        if !record.turn(TaskStatus::Cancelled) {
            return None;
        }
        record.message = Some("cancelled by the client".into());
        Some(record.state(id, revision))
    });
    match cancelled.await.map_err(down)? {
        Changed::Done(state) => Ok(state),
        Changed::Left(record) => {
            let state = record.state(id, revision);
            if revision.is_modern() {
                return Ok(state);
            }
            let status = state.task.status.as_str();
            let message = format!("the task is {status} and cannot be cancelled");
            Err(ErrorObject::new(ErrorCode::INVALID_PARAMS, message).into())
        }
        Changed::Unknown => Err(unknown()),
    }
}

/// Takes in answers to what a task waits for.
async fn update(
    core: &Core,
    incoming: &Incoming,
    scope: Scope<'_>,
    id: &str,
) -> Result<(), Refusal> {
    let answers = modern::read_responses(incoming.frame.retry()?.responses)?;
    known(core, scope, id).await?;
    for (key, raw) in answers {
        run::answer(core, scope, id, &key, Ok(raw))
            .await
            .map_err(down)?;
    }
    Ok(())
}

/// Waits for the end of a task, and meanwhile lends it the way to the client: what the task asks
/// goes to the client as a request (spec 2025-11-25, basic/utilities/tasks, "Input Required
/// Status").
async fn wait(
    core: &Arc<Core>,
    incoming: &Incoming,
    session: &Arc<Session>,
    scope: Scope<'_>,
    id: &str,
) -> Result<Record, Refusal> {
    let mut lent = None;
    let mut asked: HashMap<String, _> = HashMap::new();
    let mut answers = FuturesUnordered::new();
    loop {
        let run = core.tasks.run(id);
        let mut changes = run.as_ref().map(|run| run.watch());
        let record = known(core, scope, id).await?;
        if record.status.is_terminal() {
            return Ok(record);
        }
        if let Some(run) = &run {
            lent.get_or_insert_with(|| run.lend(incoming.outlet.clone()));
            let open = run.open_asks();
            asked.retain(|key, _| open.iter().any(|(name, _)| name == key));
            for (key, ask) in open {
                if asked.contains_key(&key) {
                    continue;
                }
                let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
                asked.insert(key.clone(), stop);
                answers.push(ask_live(
                    incoming,
                    session,
                    Arc::clone(run),
                    key,
                    ask,
                    stopped,
                ));
            }
        }
        tokio::select! {
            // Dropped with `asked`: the question is no longer wanted.
            Some((key, answer)) = answers.next(), if !answers.is_empty() => {
                if let Some(answer) = answer {
                    run::answer(core, scope, id, &key, answer)
                        .await
                        .map_err(down)?;
                }
            }
            () = changed(&mut changes) => {}
            // Without a run here another process may have the task.
            () = tokio::time::sleep(Duration::from_secs(1)), if run.is_none() => {}
        }
    }
}

async fn changed(changes: &mut Option<tokio::sync::watch::Receiver<()>>) {
    match changes {
        Some(changes) => {
            let _ = changes.changed().await;
        }
        None => std::future::pending().await,
    }
}

async fn ask_live(
    incoming: &Incoming,
    session: &Arc<Session>,
    run: Arc<Run>,
    key: String,
    ask: Ask,
    stopped: tokio::sync::oneshot::Receiver<()>,
) -> (String, Option<Answer>) {
    let related = json!({ RELATED_TASK: { "taskId": run.id() } });
    let mut sent = match crate::ask::live::send(
        &incoming.outlet,
        session,
        session.revision,
        &ask,
        More::meta(Some(related)),
    )
    .await
    {
        Ok(sent) => sent,
        Err(_) => return (key, None),
    };
    tokio::select! {
        answer = sent.answer() => (key, answer),
        _ = stopped => (key, None),
    }
}

/// What the call would have been answered with.
fn finished(
    core: &Core,
    incoming: &Incoming,
    revision: Revision,
    id: &str,
    record: Record,
) -> Result<Reply, Refusal> {
    let internal = |message: &str| ErrorObject::new(ErrorCode::INTERNAL_ERROR, message);
    match record.outcome {
        Some(Outcome::Result(raw, _)) => {
            let mut result: CallToolResult = serde_json::from_str(raw.get()).map_err(|error| {
                tracing::error!(task = short(id), %error, "a result cannot be read");
                internal("internal error")
            })?;
            let related = Value::from_iter([("taskId", id)]);
            result
                .meta
                .get_or_insert_default()
                .insert(RELATED_TASK.into(), related);
            let frame = core.frame(revision, None);
            Ok(Reply::result(incoming.frame.id(), &result, &frame))
        }
        Some(Outcome::Error(error)) => Err(error.into()),
        None => Err(internal("the task was cancelled").into()),
    }
}

/// Who wants to hear of tasks must have declared that it knows what they are.
pub(crate) fn check_listen(
    incoming: &Incoming,
    filter: &SubscriptionFilter,
) -> Result<(), Refusal> {
    let declared = || incoming.frame.meta().client_capabilities;
    if filter.task_ids.is_empty() || declared().is_some_and(declares_tasks) {
        Ok(())
    } else {
        Err(extension_missing())
    }
}

/// Lets a stream of notices hear of tasks: those of the caller's that it names. Gives the ids that
/// it will hear of.
pub(crate) async fn listen(
    core: &Core,
    listener: &Arc<Listener>,
    owner: &str,
    ids: Vec<String>,
) -> Result<Vec<String>, Refusal> {
    let mut heard = Vec::new();
    for id in ids {
        if let Some(run) = core.tasks.run(&id) {
            run.listen(listener);
        }
        let found = find(core, Scope::Of(owner), &id).await;
        let Some(record) = found.map_err(down)? else {
            continue;
        };
        if record.status.is_terminal() {
            // There is no change to wait for.
            listener.tell_task(&Arc::new(record.state(&id, Revision::LATEST)));
        }
        heard.push(id);
    }
    Ok(heard)
}
