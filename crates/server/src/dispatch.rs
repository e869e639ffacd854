//! One match on the method.

pub(crate) mod hooked;
mod own;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::{Map, Value};
use wharf_protocol::completion::CompleteParams;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::lifecycle::DiscoverResult;
use wharf_protocol::meta::{self, EmptyResult};
use wharf_protocol::method::Method;
use wharf_protocol::projection::{ProjectMembers, ResultType, at};
use wharf_protocol::resources::{ListResourcesResult, ReadResourceResult};
use wharf_protocol::revision::Revision;
use wharf_protocol::sampling::{CreateMessageParams, CreateMessageResult};
use wharf_protocol::subscriptions::SubscriptionFilter;
use wharf_protocol::tools::CallToolResult;

use crate::ask::Asks;
use crate::ask::rounds::{Rounds, Suspension};
use crate::call::{Ended, Frame, Incoming, Reply, Via, notification};
use crate::catalog::ListKind;
use crate::context::{Caller, Context};
use crate::core::{Core, Listening};
use crate::era::modern::Subject;
use crate::era::{self, Admitted, Refusal, legacy, modern};
use crate::error::Error;
use crate::handler::{BoxFuture, CallError};
use crate::hub::{Listener, Lists};
use crate::interpret;
use crate::observe::Watch;
use crate::task::{self, Called};

/// Answers one request; nothing is done before it is polled. Dropping the future is how the request
/// is cancelled.
///
/// Which way it goes is decided before there is a future, so that each of them holds one way only.
#[inline]
pub(crate) fn respond(core: &Arc<Core>, incoming: Incoming) -> BoxFuture<'static, Reply> {
    match interpret::of(&incoming) {
        Some(interpretation) => {
            let interpretation = Arc::clone(interpretation);
            Box::pin(interpret::answer(
                Arc::clone(core),
                incoming,
                interpretation,
            ))
        }
        None => plainly(core, incoming),
    }
}

/// The same as the specification has it: also for what an interpretation asks.
#[inline]
pub(crate) fn plainly(core: &Arc<Core>, incoming: Incoming) -> BoxFuture<'static, Reply> {
    if core.observers.is_empty() {
        Box::pin(unwatched(Arc::clone(core), incoming))
    } else {
        Box::pin(watched(Arc::clone(core), incoming))
    }
}

async fn unwatched(core: Arc<Core>, incoming: Incoming) -> Reply {
    let begun = tracing::enabled!(tracing::Level::DEBUG).then(Instant::now);
    if let Some(hooks) = &core.hooks
        && let Some(layers) = &hooks.requests
    {
        let incoming = Arc::new(incoming);
        let answer = Box::pin(hooked::answer(&core, &incoming, layers)).await;
        return conclude(&incoming, begun, answer);
    }
    let answer = answer(&core, &incoming).await;
    conclude(&incoming, begun, answer)
}

async fn watched(core: Arc<Core>, incoming: Incoming) -> Reply {
    let begun = tracing::enabled!(tracing::Level::DEBUG).then(Instant::now);
    let incoming = Arc::new(incoming);
    let watch = Watch::new(&core, &incoming);
    let layers = core
        .hooks
        .as_ref()
        .and_then(|hooks| hooks.requests.as_ref());
    let answer = match layers {
        Some(layers) => Box::pin(hooked::answer(&core, &incoming, layers)).await,
        None => answer(&core, &incoming).await,
    };
    watch.answered(&answer);
    conclude(&incoming, begun, answer)
}

#[inline]
fn conclude(incoming: &Incoming, begun: Option<Instant>, answer: Result<Reply, Refusal>) -> Reply {
    if let Some(begun) = begun {
        log(&incoming.frame, begun, answer.as_ref().err());
    }
    match answer {
        Ok(reply) => reply,
        Err(Refusal { error, status }) => {
            // In a session HTTP carries messages, and this is one: status 400 would make the
            // client take the error for the transport's. 2026-07-28 asks for it.
            let of_message = error.code == ErrorCode::INVALID_PARAMS
                && matches!(incoming.via, Via::LegacyHttp(_));
            let status = if of_message { 200 } else { status };
            Reply::error(Some(incoming.frame.id()), &error, status)
        }
    }
}

/// One line for each request, for who wants it. Never with arguments or results.
fn log(frame: &Frame, begun: Instant, refusal: Option<&Refusal>) {
    tracing::debug!(
        id = frame.id(),
        method = &*frame.method_name(),
        subject = frame.name().or_else(|_| frame.uri()).ok().as_deref(),
        error = refusal.map(|refusal| refusal.error.code),
        elapsed = ?begun.elapsed(),
        "answered"
    );
}

pub(crate) async fn answer(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let id = frame.id();
    if let Some(hooks) = &core.hooks {
        let handled = match frame.method {
            Some(Method::ToolsCall) => match &hooks.handlers.call_tool {
                Some(handler) => {
                    Some(Box::pin(hooked::call_tool(core, hooks, handler, incoming)).await)
                }
                None => None,
            },
            Some(Method::PromptsGet) => {
                Some(Box::pin(hooked::get_prompt(core, hooks, incoming)).await)
            }
            _ => Box::pin(hooked::handle(core, &hooks.handlers, incoming)).await,
        };
        if let Some(reply) = handled {
            return reply;
        }
    }
    match frame.method {
        Some(Method::ToolsCall) => call_tool(core, incoming).await,
        // Boxed: what is called most decides how large the future of a call is.
        Some(Method::ResourcesRead) => Box::pin(read_resource(core, incoming)).await,
        Some(Method::PromptsGet) => Box::pin(get_prompt(core, incoming)).await,
        Some(Method::ToolsList) => list(core, incoming, ListKind::Tools),
        Some(Method::ResourcesList) if core.catalog.peek().has_listings() => {
            Box::pin(list_resources(core, incoming)).await
        }
        Some(Method::ResourcesList) => list(core, incoming, ListKind::Resources),
        Some(Method::ResourcesTemplatesList) => list(core, incoming, ListKind::ResourceTemplates),
        Some(Method::PromptsList) => list(core, incoming, ListKind::Prompts),
        Some(Method::Initialize) if !speaks_modern(incoming) => {
            if core.interpreter.is_some()
                && let Some(answer) = Box::pin(interpret::open(core, incoming)).await
            {
                return answer;
            }
            legacy::open(core, incoming, None).await
        }
        Some(Method::CreateMessage) => Box::pin(create_message(core, incoming)).await,
        None => Box::pin(own::respond(core, incoming)).await,
        // A sign of life may be asked for before anything else.
        Some(Method::Ping)
            if matches!(incoming.via, Via::Line(None)) && !speaks_modern(incoming) =>
        {
            Ok(Reply::result(
                id,
                &EmptyResult::default(),
                &core.frame(Revision::LATEST_LEGACY, None),
            ))
        }
        _ => {
            // Requests about a task name it in a header too (tasks extension, "Routing Headers").
            let task = match frame.method {
                Some(Method::TasksGet | Method::TasksUpdate | Method::TasksCancel) => {
                    frame.task_id().ok()
                }
                _ => None,
            };
            let admitted = era::admit(incoming, task.as_deref())?;
            malformed(frame.check_params())?;
            Box::pin(other(core, incoming, admitted)).await
        }
    }
}

/// What is called rarely.
async fn other(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let id = frame.id();
    let revision = admitted.revision;
    let done = |()| Reply::result(id, &EmptyResult::default(), &core.frame(revision, None));
    match (&frame.method, &admitted.caller) {
        (Some(Method::Discover), _) => {
            let result = DiscoverResult {
                supported_versions: modern::SUPPORTED.to_vec(),
                capabilities: core.capabilities(revision),
                instructions: core.instructions.clone(),
                meta: None,
            };
            let cache = Some(core.caching.lists);
            Ok(Reply::result(id, &result, &core.frame(revision, cache)))
        }
        (Some(Method::SubscriptionsListen), _) => listen(core, incoming, admitted).await,
        (
            Some(
                method @ (Method::TasksGet
                | Method::TasksResult
                | Method::TasksList
                | Method::TasksUpdate
                | Method::TasksCancel),
            ),
            _,
        ) => task::methods::respond(core, incoming, admitted, *method).await,
        (Some(Method::Complete), _) => complete(core, incoming, admitted).await,
        (Some(Method::Ping), _) => Ok(done(())),
        (Some(Method::SetLevel), Caller::Session(session)) => {
            legacy::set_level(session, incoming)?;
            core.remember(session).await.map(done)
        }
        (Some(Method::ResourcesSubscribe), Caller::Session(session)) => {
            legacy::subscribe(core, session, incoming)?;
            core.remember(session).await.map(done)
        }
        (Some(Method::ResourcesUnsubscribe), Caller::Session(session)) => {
            legacy::unsubscribe(session, incoming)?;
            core.remember(session).await.map(done)
        }
        // `initialize` in a session, and methods that only a server sends.
        _ => Err(Refusal::new(
            400,
            ErrorCode::INVALID_REQUEST,
            format!("`{}` cannot be sent here", frame.method_name()),
        )),
    }
}

/// Parameters that do not have the method's shape: HTTP 400.
fn malformed<T>(params: Result<T, ErrorObject>) -> Result<T, Refusal> {
    params.map_err(|error| Refusal { error, status: 400 })
}

/// Whether a request on a connection that carries both eras says that it is a modern one.
fn speaks_modern(incoming: &Incoming) -> bool {
    let modern_http = matches!(incoming.via, Via::ModernHttp(_));
    modern_http || incoming.frame.meta().protocol_version.is_some()
}

fn list(core: &Core, incoming: &Incoming, kind: ListKind) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let revision = era::admit(incoming, None)?.revision;
    let cursor = malformed(frame.cursor())?;
    let catalog = core.catalog.peek();
    let page = catalog
        .page(kind, revision, cursor.as_deref())
        .map_err(ErrorObject::from)?;
    Ok(Reply::raw(frame.id(), &page))
}

/// `resources/list`, where a part of it is made page by page.
async fn list_resources(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let admitted = era::admit(incoming, None)?;
    let revision = admitted.revision;
    let cursor = malformed(incoming.frame.cursor())?;
    let ctx = admitted.context(core, incoming, Asks::Unavailable);
    let catalog = core.catalog.load();
    let listing = catalog.list_resources(&ctx, cursor.as_deref());
    let outcome = drive(&ctx, listing, core.limits.call_timeout).await;
    let cache = Some(core.caching.lists);
    let subject = Subject::of(Method::ResourcesList);
    finish::<ListResourcesResult>(core, incoming, &ctx, revision, subject, cache, outcome)
}

/// `sampling/createMessage` from a client, to the model of the server: not in the specification,
/// so every revision has it where there is a model.
async fn create_message(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let Some(model) = core.catalog.peek().model().cloned() else {
        // Says that clients do not send this, or what else is wrong.
        era::admit(incoming, None)?;
        return Err(Refusal::new(404, ErrorCode::METHOD_NOT_FOUND, "unknown"));
    };
    let admitted = era::admit_own(incoming, Method::CreateMessage.as_str(), None)?;
    let revision = admitted.revision;
    let params: CreateMessageParams = malformed(frame.params())?;
    let ctx = admitted.context(core, incoming, Asks::Unavailable);
    let answering = model.create_message(&ctx, params);
    let outcome = drive(&ctx, answering, core.call_time(incoming)).await;
    let subject = Subject::of(Method::CreateMessage);
    finish::<CreateMessageResult>(core, incoming, &ctx, revision, subject, None, outcome)
}

async fn call_tool(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let name = malformed(frame.name())?;
    let admitted = era::admit(incoming, Some(&name))?;
    let tool = match core.catalog.peek().tool(&name) {
        Some(tool) => Arc::clone(tool),
        None => {
            let error = core.catalog.load().unknown_tool(&name);
            return Err(era::error_object(&error, admitted.revision).into());
        }
    };
    if let Via::ModernHttp(headers) = &incoming.via {
        modern::check_parameters(headers, tool.param_headers(), frame.arguments())?;
    }
    let subject = Subject {
        method: Method::ToolsCall.as_str(),
        target: &name,
        arguments: frame.arguments(),
    };
    let may_be_task = tool.task().is_some() || frame.wishes_task() || core.task_after.is_some();
    let admitted = if may_be_task {
        // Boxed: calls that cannot become tasks do not pay for it.
        match Box::pin(task::call(core, incoming, admitted, &tool, subject)).await? {
            Called::Replied(reply) => return Ok(reply),
            Called::Ordinary(admitted) => admitted,
        }
    } else {
        admitted
    };
    let revision = admitted.revision;
    let (ctx, _) = asking_context(core, incoming, admitted, subject)?;
    let time = tool.timeout().unwrap_or_else(|| core.call_time(incoming));
    let outcome = match &core.hooks {
        None => drive(&ctx, tool.call(&ctx, frame.arguments()), time).await,
        Some(_) => Box::pin(drive(&ctx, hooked::run_tool(core, &ctx, &tool), time)).await,
    };
    finish_tool(core, incoming, &ctx, revision, subject, time, outcome)
}

/// The reply of a call of a tool.
#[inline]
fn finish_tool(
    core: &Core,
    incoming: &Incoming,
    ctx: &Context,
    revision: Revision,
    subject: Subject<'_>,
    time: Duration,
    outcome: Driven<Result<CallToolResult, CallError>>,
) -> Result<Reply, Refusal> {
    match tool_end(ctx, time, outcome)? {
        ToolEnd::Done(result) => Ok(tool_reply(core, incoming, revision, &result)),
        ToolEnd::Suspended(suspension) => suspended(core, incoming, revision, subject, suspension),
    }
}

/// The reply with a tool's result.
#[inline]
pub(crate) fn tool_reply(
    core: &Core,
    incoming: &Incoming,
    revision: Revision,
    result: &CallToolResult,
) -> Reply {
    let frame = core.frame(revision, None);
    let reply = Reply::result::<CallToolResult>(incoming.frame.id(), result, &frame);
    match result.is_error {
        Some(true) => reply.ended(Ended::ToolError),
        _ => reply,
    }
}

/// What a tool's handler came to.
pub(crate) enum ToolEnd {
    Done(CallToolResult),
    Suspended(Suspension),
}

/// The result of a tool, whose failures are results too, but for a few.
#[inline]
pub(crate) fn tool_end(
    ctx: &Context,
    time: Duration,
    outcome: Driven<Result<CallToolResult, CallError>>,
) -> Result<ToolEnd, Refusal> {
    let failed = |message: String| CallError::Handler(Error::new(message)).into_result();
    let result = match outcome {
        Driven::Done(Ok(result)) => result,
        Driven::Done(Err(error)) => {
            if let (CallError::Handler(_), Some(capability), true) =
                (&error, ctx.missing(), ctx.exchange().revision.is_modern())
            {
                return Err(Refusal {
                    error: capability.missing(),
                    status: 400,
                });
            }
            error.into_result()?
        }
        Driven::Suspended(suspension) => return Ok(ToolEnd::Suspended(suspension)),
        Driven::TimedOut => failed(format!(
            "the tool did not finish within {time:?} and was stopped"
        ))?,
        Driven::Panicked(reference) => {
            failed(format!("internal error (reference {reference:016x})"))?
        }
    };
    Ok(ToolEnd::Done(result))
}

async fn read_resource(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let uri = malformed(incoming.frame.uri())?;
    let admitted = era::admit(incoming, Some(&uri))?;
    let revision = admitted.revision;
    let subject = Subject {
        method: Method::ResourcesRead.as_str(),
        target: &uri,
        arguments: None,
    };
    let (ctx, again) = asking_context(core, incoming, admitted, subject)?;
    let outcome = drive(&ctx, ctx.read_resource(&uri), core.limits.call_timeout).await;
    // What came of an ask is nobody else's, and not even the same caller's next time.
    let cache = (!again).then_some(core.caching.resources);
    finish::<ReadResourceResult>(core, incoming, &ctx, revision, subject, cache, outcome)
}

async fn get_prompt(core: &Arc<Core>, incoming: &Incoming) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let name = malformed(frame.name())?;
    let admitted = era::admit(incoming, Some(&name))?;
    let revision = admitted.revision;
    let prompt = match core.catalog.peek().prompt(&name) {
        Some(prompt) => Arc::clone(prompt),
        None => {
            let error = core.catalog.load().unknown_prompt(&name);
            return Err(era::error_object(&error, revision).into());
        }
    };
    let subject = Subject {
        method: Method::PromptsGet.as_str(),
        target: &name,
        arguments: frame.arguments(),
    };
    let (ctx, _) = asking_context(core, incoming, admitted, subject)?;
    let outcome = drive(
        &ctx,
        prompt.get(&ctx, frame.arguments()),
        core.limits.call_timeout,
    )
    .await;
    finish(core, incoming, &ctx, revision, subject, None, outcome)
}

async fn complete(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
) -> Result<Reply, Refusal> {
    let params: CompleteParams = malformed(incoming.frame.params())?;
    let revision = admitted.revision;
    let ctx = admitted.context(core, incoming, Asks::Unavailable);
    let catalog = core.catalog.load();
    let outcome = drive(
        &ctx,
        catalog.complete(&ctx, params),
        core.limits.call_timeout,
    )
    .await;
    let subject = Subject::of(Method::Complete);
    finish(core, incoming, &ctx, revision, subject, None, outcome)
}

/// The context of a call that may ask, and whether the call is a retry.
pub(crate) fn asking_context(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
    subject: Subject<'_>,
) -> Result<(Context, bool), Refusal> {
    if !admitted.revision.is_modern() {
        return Ok((admitted.context(core, incoming, Asks::Live), false));
    }
    let retry = malformed(incoming.frame.retry())?;
    let again = retry.state.is_some() || retry.responses.is_some();
    let rounds = modern::resume(core, incoming.principal.as_deref(), subject, &retry)?;
    Ok((
        admitted.context(core, incoming, Asks::Rounds(rounds)),
        again,
    ))
}

/// The reply of a call whose failure is a JSON-RPC error.
fn finish<T: ProjectMembers>(
    core: &Core,
    incoming: &Incoming,
    ctx: &Context,
    revision: Revision,
    subject: Subject<'_>,
    cache: Option<wharf_protocol::projection::CacheHint>,
    outcome: Driven<Result<T, Error>>,
) -> Result<Reply, Refusal> {
    let internal = |message| Refusal::from(ErrorObject::new(ErrorCode::INTERNAL_ERROR, message));
    match outcome {
        Driven::Done(Ok(result)) => Ok(Reply::result(
            incoming.frame.id(),
            &result,
            &core.frame(revision, cache),
        )),
        Driven::Done(Err(error)) => match ctx.missing() {
            Some(capability) if revision.is_modern() => Err(Refusal {
                error: capability.missing(),
                status: 400,
            }),
            _ => Err(era::error_object(&error, revision).into()),
        },
        Driven::Suspended(suspension) => suspended(core, incoming, revision, subject, suspension),
        Driven::TimedOut => Err(internal("it did not finish in time and was stopped".into())),
        Driven::Panicked(reference) => Err(internal(format!(
            "internal error (reference {reference:016x})"
        ))),
    }
}

pub(crate) fn suspended(
    core: &Core,
    incoming: &Incoming,
    revision: Revision,
    subject: Subject<'_>,
    suspension: Suspension,
) -> Result<Reply, Refusal> {
    let principal = incoming.principal.as_deref();
    let result = modern::suspend(core, principal, subject, suspension)?;
    let frame = core
        .frame(revision, None)
        .result_type(ResultType::InputRequired);
    let reply = Reply::result(incoming.frame.id(), &result, &frame);
    Ok(reply.ended(Ended::InputRequired))
}

/// How a handler ended.
pub(crate) enum Driven<T> {
    Done(T),
    /// It can go no further without an answer that another round must bring.
    Suspended(Suspension),
    TimedOut,
    /// The details are in the log, under this reference.
    Panicked(u64),
}

impl<T> Driven<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Driven<U> {
        match self {
            Self::Done(value) => Driven::Done(f(value)),
            Self::Suspended(suspension) => Driven::Suspended(suspension),
            Self::TimedOut => Driven::TimedOut,
            Self::Panicked(reference) => Driven::Panicked(reference),
        }
    }
}

/// Runs a handler within its time, and drops it where it waits for another round.
pub(crate) async fn drive<T>(
    ctx: &Context,
    handler: impl Future<Output = T>,
    time: Duration,
) -> Driven<T> {
    let mut handler = pin!(AssertUnwindSafe(handler).catch_unwind());
    let mut timer = None;
    let mut is_task = ctx.exchange().task().is_some();
    std::future::poll_fn(|cx| {
        match handler.as_mut().poll(cx) {
            Poll::Ready(Ok(value)) => return Poll::Ready(Driven::Done(value)),
            Poll::Ready(Err(panic)) => return Poll::Ready(Driven::Panicked(report(&*panic))),
            Poll::Pending => {}
        }
        if let Asks::Rounds(rounds) = &ctx.exchange().asks
            && rounds.is_suspended()
        {
            return Poll::Ready(Driven::Suspended(Rounds::suspend(rounds)));
        }
        // Most handlers never come to here, and need no timer.
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        while timer.as_mut().poll(cx).is_ready() {
            if ctx.exchange().task().is_some() && !std::mem::replace(&mut is_task, true) {
                // It has become a task meanwhile, and has a task's time.
                let time = ctx.exchange().core.limits.task_timeout;
                timer.as_mut().reset(tokio::time::Instant::now() + time);
                continue;
            }
            if ctx.exchange().waiting.load(Ordering::Relaxed) == 0 {
                return Poll::Ready(Driven::TimedOut);
            }
            // The client is thinking; the ask has a time of its own.
            timer.as_mut().reset(tokio::time::Instant::now() + time);
        }
        Poll::Pending
    })
    .await
}

fn report(panic: &(dyn std::any::Any + Send)) -> u64 {
    let reference = crate::session::random_id() as u64;
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("not a message");
    // What a handler says when it fails may be what a client sent.
    tracing::error!(
        reference = format_args!("{reference:016x}"),
        panic = %crate::handler::text::shown_up_to(message, 1000),
        "a handler panicked"
    );
    reference
}

/// A stream of notices that stays open until one side ends it
/// (spec 2026-07-28, `basic/patterns/subscriptions`).
async fn listen(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    struct Params {
        notifications: SubscriptionFilter,
    }
    let frame = &incoming.frame;
    let id = frame.id();
    let Params {
        notifications: mut filter,
    } = malformed(frame.params())?;
    let limit = core.limits.subscriptions;
    if filter
        .resource_subscriptions
        .len()
        .max(filter.task_ids.len())
        > limit
    {
        return Err(Refusal::malformed(format!(
            "more than {limit} subscriptions"
        )));
    }
    task::methods::check_listen(incoming, &filter)?;
    let Some(_place) = Listening::take(core, incoming.principal.clone()) else {
        let message = "too many open streams: close one, or try again later";
        return Err(Refusal::new(429, ErrorCode::INTERNAL_ERROR, message));
    };
    let offered = core.capabilities(Revision::LATEST);
    filter.tools_list_changed &= offered.tools.is_some();
    filter.prompts_list_changed &= offered.prompts.is_some();
    filter.resources_list_changed &= offered.resources.is_some();
    if offered.resources.is_none() {
        filter.resource_subscriptions.clear();
    }
    let tasks = std::mem::take(&mut filter.task_ids);
    let tasks = (task::methods::owner(core, &admitted.caller), tasks);
    hooked::agree(core, incoming, admitted, &mut filter).await;
    let lists = Lists {
        tools: filter.tools_list_changed,
        resources: filter.resources_list_changed,
        prompts: filter.prompts_list_changed,
    };
    let uris = filter
        .resource_subscriptions
        .iter()
        .map(|uri| uri.as_str().into());
    let listener = Listener::new(lists, uris);
    core.hub.add(&listener);
    filter.task_ids = task::methods::listen(core, &listener, &tasks.0, tasks.1).await?;

    let subscription: Value = serde_json::from_str(id).unwrap_or_default();
    let mut about = Map::new();
    about.insert(meta::SUBSCRIPTION_ID.into(), subscription);
    let acknowledged = serde_json::json!({
        "_meta": about,
        "notifications": at(&filter, Revision::LATEST),
    });
    let gone = |_| Refusal::new(200, ErrorCode::INTERNAL_ERROR, "the client is gone");
    let first = notification(Method::SubscriptionsAcknowledged, &acknowledged);
    incoming.outlet.send(first).await.map_err(gone)?;
    loop {
        let notices = tokio::select! {
            notices = listener.take() => notices,
            () = incoming.outlet.hung_up() => None,
        };
        let Some(notices) = notices else { break };
        for notice in notices {
            incoming
                .outlet
                .send(notice.message(Some(id)))
                .await
                .map_err(gone)?;
        }
    }
    let result = EmptyResult { meta: Some(about) };
    Ok(Reply::result(
        id,
        &result,
        &core.frame(Revision::LATEST, None),
    ))
}
