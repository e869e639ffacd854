//! From a call to a task: by the client's wish, by the tool's, or because it takes long.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::projection::ResultType;
use wharf_protocol::revision::Revision;
use wharf_protocol::tasks::{CreateTaskResult, Task, TaskParams};
use wharf_protocol::tools::CallToolResult;
use wharf_state::{Entry, Expected, Put, Scope};

use super::record::{Outcome, Record, Work};
use super::run::Run;
use super::short;
use super::store::{self, TASKS};
use super::{TaskPolicy, methods};
use crate::ask::Asks;
use crate::ask::journal::Journal;
use crate::ask::rounds::{Rounds, fresh_journal};
use crate::call::{Ended, Incoming, Reply};
use crate::catalog::tool::ToolEntry;
use crate::context::{Caller, Context};
use crate::core::Core;
use crate::dispatch::hooked::run_tool;
use crate::dispatch::{Driven, ToolEnd, drive, tool_end, tool_reply};
use crate::durable::down;
use crate::era::modern::Subject;
use crate::era::{Admitted, Refusal};
use crate::handler::CallError;

/// How the client of a call takes a task.
#[derive(Clone, Copy)]
enum Wish {
    /// It asked for one, and for how long to keep it (2025-11-25).
    Asked(TaskParams),
    /// It takes one if the server likes (tasks extension).
    Open,
    /// It did not say that it can.
    None,
}

/// What came of a call that may become a task.
pub(crate) enum Called {
    /// The answer.
    Replied(Reply),
    /// It is none: to be answered as any other.
    Ordinary(Admitted),
}

/// Makes a task of a call, if the tool and the client want one.
pub(crate) async fn call(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
    tool: &Arc<ToolEntry>,
    subject: Subject<'_>,
) -> Result<Called, Refusal> {
    let revision = admitted.revision;
    let wish = wish(incoming, &admitted)?;
    let Some(policy) = tool.task() else {
        // The server's own patience, for tools that do not say anything about tasks.
        return match (core.task_after, wish) {
            (_, Wish::Asked(_)) if core.offers_tasks() => {
                let name = crate::handler::text::shown(subject.target);
                let message = format!("tool `{name}` cannot be called as a task");
                Err(ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message).into())
            }
            (Some(after), Wish::Open) => {
                let policy = TaskPolicy::default();
                begin_as_call(core, incoming, admitted, tool, subject, &policy, after).await
            }
            _ => Ok(Called::Ordinary(admitted)),
        };
    };
    let ttl = match wish {
        Wish::None if !policy.required || revision < Revision::V2025_11_25 => {
            return Ok(Called::Ordinary(admitted));
        }
        Wish::None => return Err(required(revision, subject.target)),
        Wish::Open => match policy.after {
            Some(after) => {
                return begin_as_call(core, incoming, admitted, tool, subject, policy, after).await;
            }
            None => core.limits.task_ttl,
        },
        Wish::Asked(TaskParams { ttl: Some(ttl) }) if ttl.is_finite() && ttl > 0.0 => {
            Duration::from_millis(ttl as u64).min(core.limits.task_ttl_max)
        }
        Wish::Asked(_) => core.limits.task_ttl,
    };
    let owner = methods::owner(core, &admitted.caller);
    let ctx = admitted.context(core, incoming, Asks::Unavailable);
    let (run, task) = create(core, &ctx, &owner, ttl, fresh_journal()).await?;
    ctx.exchange().become_task(&run);
    start(core, &run, ctx, Arc::clone(tool), ttl);
    Ok(reply(core, incoming, revision, task))
}

/// What the client says of tasks.
fn wish(incoming: &Incoming, admitted: &Admitted) -> Result<Wish, Refusal> {
    match admitted.revision {
        Revision::V2025_11_25 => match incoming.frame.task()? {
            Some(params) => Ok(Wish::Asked(params)),
            None => Ok(Wish::None),
        },
        revision if revision.is_modern() => {
            let declared = incoming.frame.meta().client_capabilities;
            let declares = declared.is_some_and(|raw| methods::declares_tasks(raw));
            Ok(if declares { Wish::Open } else { Wish::None })
        }
        _ => Ok(Wish::None),
    }
}

/// The tool is only ever a task, and the client did not say that it can deal with one.
fn required(revision: Revision, tool: &str) -> Refusal {
    if revision.is_modern() {
        return methods::extension_missing();
    }
    let name = crate::handler::text::shown(tool);
    let message = format!("tool `{name}` must be called as a task: send `params.task`");
    ErrorObject::new(ErrorCode::METHOD_NOT_FOUND, message).into()
}

/// Writes the task into the store and takes it in; gives it as its client sees it now.
async fn create(
    core: &Core,
    ctx: &Context,
    owner: &str,
    ttl: Duration,
    journal: Journal,
) -> Result<(Arc<Run>, Task), Refusal> {
    let exchange = ctx.exchange();
    let many = |message| Refusal::new(429, ErrorCode::INTERNAL_ERROR, message);
    if !owner.is_empty() {
        let kept = core.store.count(TASKS, Scope::Of(owner)).await;
        if kept.map_err(down)? >= core.limits.tasks_per_owner {
            return Err(many(
                "too many tasks are kept for this caller: wait for one to expire",
            ));
        }
    }
    let request = exchange.frame.as_text();
    let session = match &exchange.caller {
        Caller::Session(session) => Some(session),
        _ => None,
    };
    let id = format!("{:032x}", crate::session::random_id());
    let run = Run::new(&id, exchange.revision, journal.clone(), session);
    let internal = |error: serde_json::Error| {
        tracing::error!(%error, "a task cannot be written");
        Refusal::from(ErrorObject::new(
            ErrorCode::INTERNAL_ERROR,
            "internal error",
        ))
    };
    let work =
        Work::new(request, exchange.revision, &exchange.caller, journal).map_err(internal)?;
    let record = Record::new(work, ttl, core.limits.task_poll);
    let value = record.write().map_err(internal)?;
    if !core.tasks.insert(&run, core.limits.tasks_running) {
        return Err(many("too many tasks run: try again later"));
    }
    let entry = Entry::new(owner, value).expires(record.expires());
    match core.store.put(TASKS, &id, Expected::Absent, entry).await {
        Ok(Put::Done(_)) => {
            tracing::info!(task = short(&id), "task created");
            Ok((run, record.state(&id, exchange.revision).task))
        }
        Ok(Put::Conflict(_)) => {
            core.tasks.remove(&id);
            // 128 random bits came twice.
            Err(many("try again"))
        }
        Err(error) => {
            core.tasks.remove(&id);
            Err(down(error))
        }
    }
}

/// Lets the handler run as a task.
pub(super) fn start(
    core: &Arc<Core>,
    run: &Arc<Run>,
    ctx: Context,
    tool: Arc<ToolEntry>,
    left: Duration,
) {
    let time = tool.timeout().unwrap_or(core.limits.task_timeout).min(left);
    let (core, ended) = (Arc::clone(core), Arc::clone(run));
    let handle = tokio::spawn(async move {
        let outcome = drive(&ctx, run_tool(&core, &ctx, &tool), time).await;
        // Boxed: while the handler runs, nothing of what comes after it takes memory.
        Box::pin(finish(&core, &ended, &ctx, time, outcome)).await;
    });
    run.set_abort(handle.abort_handle());
}

/// Writes down how the handler of a task ended.
async fn finish(
    core: &Core,
    run: &Run,
    ctx: &Context,
    time: Duration,
    outcome: Driven<Result<CallToolResult, CallError>>,
) {
    let result = match tool_end(ctx, time, outcome) {
        Ok(ToolEnd::Done(result)) => Outcome::of(&result),
        Ok(ToolEnd::Suspended(_)) => {
            Outcome::internal("the call waits for a round that cannot come")
        }
        Err(refusal) => Outcome::Error(refusal.error),
    };
    store::end(core, run.id(), result).await;
}

/// The answer that names the task.
fn reply(core: &Core, incoming: &Incoming, revision: Revision, task: Task) -> Called {
    let result = CreateTaskResult { task, meta: None };
    let frame = core.frame(revision, None).result_type(ResultType::Task);
    let reply = Reply::result(incoming.frame.id(), &result, &frame);
    Called::Replied(reply.ended(Ended::Task))
}

/// Begins as an ordinary call, whose asks go in rounds, and makes a task of it when it lasts.
async fn begin_as_call(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
    tool: &Arc<ToolEntry>,
    subject: Subject<'_>,
    policy: &TaskPolicy,
    after: Duration,
) -> Result<Called, Refusal> {
    let revision = admitted.revision;
    let owner = methods::owner(core, &admitted.caller);
    let (ctx, _) = crate::dispatch::asking_context(core, incoming, admitted, subject)?;
    let time = tool.timeout().unwrap_or(core.limits.call_timeout);
    let mut handler = Handler(tokio::spawn({
        let (core, ctx, tool) = (Arc::clone(core), ctx.clone(), Arc::clone(tool));
        async move { drive(&ctx, run_tool(&core, &ctx, &tool), time).await }
    }));
    let early = tokio::select! {
        biased;
        outcome = &mut handler => Some(outcome),
        () = tokio::time::sleep(after) => None,
    };
    let outcome = match early {
        Some(outcome) => outcome,
        None => match rounds(&ctx).filter(|rounds| !rounds.is_asking()) {
            Some(rounds) => {
                let ttl = core.limits.task_ttl;
                let journal = Journal {
                    id: rounds.exchange(),
                    ..Journal::default()
                };
                let (run, task) = create(core, &ctx, &owner, ttl, journal).await?;
                adopt(core, ctx, &run, handler, time).await?;
                return Ok(reply(core, incoming, revision, task));
            }
            // It asks while a step runs: the round comes first.
            None => (&mut handler).await,
        },
    };
    match tool_end(&ctx, time, outcome)? {
        ToolEnd::Suspended(suspension) => {
            crate::dispatch::suspended(core, incoming, revision, subject, suspension)
                .map(Called::Replied)
        }
        ToolEnd::Done(result) if policy.required => {
            let ttl = core.limits.task_ttl;
            let (run, _) = create(core, &ctx, &owner, ttl, fresh_journal()).await?;
            store::end(core, run.id(), Outcome::of(&result)).await;
            let ended = methods::known(core, Scope::Of(&owner), run.id()).await?;
            let task = ended.state(run.id(), revision).task;
            Ok(reply(core, incoming, revision, task))
        }
        ToolEnd::Done(result) => Ok(Called::Replied(tool_reply(
            core, incoming, revision, &result,
        ))),
    }
}

/// A handler that already runs goes on as a task.
async fn adopt(
    core: &Arc<Core>,
    ctx: Context,
    run: &Arc<Run>,
    mut handler: Handler,
    time: Duration,
) -> Result<(), Refusal> {
    ctx.exchange().become_task(run);
    let (journal, unnamed) = rounds(&ctx).map(Rounds::hand_over).unwrap_or_default();
    if let Err(error) = run.take_over(core, journal, unnamed).await {
        let refusal = down(error);
        let (core, run, outcome) = (
            Arc::clone(core),
            Arc::clone(run),
            Outcome::Error(refusal.error.clone()),
        );
        tokio::spawn(async move { store::end(&core, run.id(), outcome).await });
        return Err(refusal);
    }
    let (core, ended) = (Arc::clone(core), Arc::clone(run));
    let task = tokio::spawn(async move {
        let outcome = (&mut handler).await;
        finish(&core, &ended, &ctx, time, outcome).await;
    });
    run.set_abort(task.abort_handle());
    Ok(())
}

/// The rounds of a call that can have some.
fn rounds(ctx: &Context) -> Option<&Rounds> {
    match &ctx.exchange().asks {
        Asks::Rounds(rounds) => Some(rounds),
        _ => None,
    }
}

/// A handler that runs by itself. Dropping it drops the handler.
struct Handler(JoinHandle<Driven<Result<CallToolResult, CallError>>>);

impl Future for Handler {
    type Output = Driven<Result<CallToolResult, CallError>>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx).map(|outcome| {
            outcome.unwrap_or_else(|error| {
                // Panics of handlers are caught further in.
                tracing::error!(%error, "a handler ended without an outcome");
                Driven::TimedOut
            })
        })
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.0.abort();
    }
}
