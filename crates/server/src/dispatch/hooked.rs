//! Requests on a server with layers, or with handlers of whole methods.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::method::Method;
use wharf_protocol::subscriptions::SubscriptionFilter;
use wharf_protocol::tools::CallToolResult;

use super::{asking_context, drive, finish, finish_tool, malformed, report};
use crate::ask::Asks;
use crate::call::{Incoming, Reply, Via};
use crate::catalog::tool::ToolEntry;
use crate::context::Context;
use crate::core::Core;
use crate::era::modern::Subject;
use crate::era::{self, Admitted, Refusal, legacy};
use crate::handler::CallError;
use crate::hooks::Hooks;
use crate::low_level::sealed::Handled;
use crate::low_level::{self, CallTool, GetPrompt, Handler, Handlers, UriParams};
use crate::middleware::{Next, PromptCall, PromptTarget, RequestCall, ToolCall, ToolTarget};

/// Answers a request through the layers around all requests.
pub(super) async fn answer(
    core: &Arc<Core>,
    incoming: &Arc<Incoming>,
    layers: &Next<RequestCall>,
) -> Result<Reply, Refusal> {
    let call = RequestCall::new(Arc::clone(core), Arc::clone(incoming));
    let answer = AssertUnwindSafe(async { layers.run(call).await });
    match answer.catch_unwind().await {
        Ok(Ok(answer)) => answer.outcome,
        Ok(Err(error)) => Err(error.to_object().into()),
        Err(panic) => {
            let reference = report(&*panic);
            let message = format!("internal error (reference {reference:016x})");
            Err(ErrorObject::new(ErrorCode::INTERNAL_ERROR, message).into())
        }
    }
}

/// `tools/call`, where a handler answers all of them.
pub(super) async fn call_tool(
    core: &Arc<Core>,
    hooks: &Hooks,
    handler: &Handler<CallTool>,
    incoming: &Incoming,
) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let name = malformed(frame.name())?;
    let admitted = era::admit(incoming, Some(&name))?;
    let revision = admitted.revision;
    let params = malformed((CallTool::parts().read)(frame))?;
    let subject = Subject {
        method: Method::ToolsCall.as_str(),
        target: &name,
        arguments: frame.arguments(),
    };
    let (ctx, _) = asking_context(core, incoming, admitted, subject)?;
    let target = ToolTarget::Handler(params, Arc::clone(handler));
    let call = ToolCall::new(ctx.clone(), target);
    let time = core.limits.call_timeout;
    let outcome = drive(&ctx, through_layers(hooks, call), time).await;
    finish_tool(core, incoming, &ctx, revision, subject, time, outcome)
}

/// Runs a tool of the catalog, through the layers around tools if there are any.
pub(crate) async fn run_tool(
    core: &Core,
    ctx: &Context,
    tool: &Arc<ToolEntry>,
) -> Result<CallToolResult, CallError> {
    match &core.hooks {
        None => tool.call(ctx, ctx.exchange().frame.arguments()).await,
        Some(hooks) => {
            let target = ToolTarget::Entry(Arc::clone(tool));
            through_layers(hooks, ToolCall::new(ctx.clone(), target)).await
        }
    }
}

async fn through_layers(hooks: &Hooks, call: ToolCall) -> Result<CallToolResult, CallError> {
    use crate::middleware::sealed::Handled;
    let result = match &hooks.tools {
        Some(layers) => layers.run(call).await,
        None => call.handle().await,
    };
    result.map_err(CallError::Handler)
}

/// `prompts/get`
pub(super) async fn get_prompt(
    core: &Arc<Core>,
    hooks: &Hooks,
    incoming: &Incoming,
) -> Result<Reply, Refusal> {
    use crate::middleware::sealed::Handled as _;
    let frame = &incoming.frame;
    let name = malformed(frame.name())?;
    let admitted = era::admit(incoming, Some(&name))?;
    let revision = admitted.revision;
    let target = match &hooks.handlers.get_prompt {
        Some(handler) => {
            PromptTarget::Handler((GetPrompt::parts().read)(frame)?, Arc::clone(handler))
        }
        None => match core.catalog.peek().prompt(&name) {
            Some(prompt) => PromptTarget::Entry(Arc::clone(prompt)),
            None => {
                let error = core.catalog.load().unknown_prompt(&name);
                return Err(era::error_object(&error, revision).into());
            }
        },
    };
    let subject = Subject {
        method: Method::PromptsGet.as_str(),
        target: &name,
        arguments: frame.arguments(),
    };
    let (ctx, _) = asking_context(core, incoming, admitted, subject)?;
    let call = PromptCall::new(ctx.clone(), target);
    let running = async {
        match &hooks.prompts {
            Some(layers) => layers.run(call).await,
            None => call.handle().await,
        }
    };
    let outcome = drive(&ctx, running, core.limits.call_timeout).await;
    finish(core, incoming, &ctx, revision, subject, None, outcome)
}

/// Answers a request whose whole method has a handler; `None` if there is none. The methods whose
/// calls pass through layers are not among these.
pub(super) async fn handle(
    core: &Arc<Core>,
    handlers: &Handlers,
    incoming: &Incoming,
) -> Option<Result<Reply, Refusal>> {
    Some(match incoming.frame.method? {
        Method::ToolsList => {
            run::<low_level::ListTools>(core, incoming, handlers.list_tools.as_ref()?).await
        }
        Method::ResourcesList => {
            run::<low_level::ListResources>(core, incoming, handlers.list_resources.as_ref()?).await
        }
        Method::ResourcesTemplatesList => {
            run::<low_level::ListResourceTemplates>(
                core,
                incoming,
                handlers.list_resource_templates.as_ref()?,
            )
            .await
        }
        Method::PromptsList => {
            run::<low_level::ListPrompts>(core, incoming, handlers.list_prompts.as_ref()?).await
        }
        Method::Complete => {
            run::<low_level::Complete>(core, incoming, handlers.complete.as_ref()?).await
        }
        Method::SetLevel => {
            let reply =
                run::<low_level::SetLevel>(core, incoming, handlers.set_level.as_ref()?).await;
            in_session(incoming, reply, |session| {
                legacy::set_level(session, incoming)
            })
        }
        Method::ResourcesSubscribe => {
            let reply =
                run::<low_level::Subscribe>(core, incoming, handlers.subscribe.as_ref()?).await;
            in_session(incoming, reply, |session| {
                legacy::subscribe(core, session, incoming)
            })
        }
        Method::ResourcesUnsubscribe => {
            let reply =
                run::<low_level::Unsubscribe>(core, incoming, handlers.unsubscribe.as_ref()?).await;
            in_session(incoming, reply, |session| {
                legacy::unsubscribe(session, incoming)
            })
        }
        _ => return None,
    })
}

/// Does what the protocol asks of a session, once a handler has agreed.
fn in_session(
    incoming: &Incoming,
    reply: Result<Reply, Refusal>,
    then: impl FnOnce(&crate::session::Session) -> Result<(), Refusal>,
) -> Result<Reply, Refusal> {
    let reply = reply?;
    if let Via::LegacyHttp(session) | Via::Line(Some(session)) = &incoming.via {
        then(session)?;
    }
    Ok(reply)
}

async fn run<M: low_level::Method>(
    core: &Arc<Core>,
    incoming: &Incoming,
    handler: &Handler<M>,
) -> Result<Reply, Refusal> {
    let frame = &incoming.frame;
    let admitted = era::admit(incoming, None)?;
    let parts = M::parts();
    let params = malformed((parts.read)(frame))?;
    let revision = admitted.revision;
    let ctx = admitted.context(core, incoming, Asks::Unavailable);
    let handling = async { handler(params, ctx.clone()).await.map(parts.write) };
    let outcome = drive(&ctx, handling, core.limits.call_timeout).await;
    let subject = Subject {
        method: "",
        target: "",
        arguments: None,
    };
    let cache = (parts.cache)(&core.caching);
    finish(core, incoming, &ctx, revision, subject, cache, outcome)
}

/// Leaves only those subscriptions that the handler agrees to.
pub(super) async fn agree(
    core: &Arc<Core>,
    incoming: &Incoming,
    admitted: Admitted,
    filter: &mut SubscriptionFilter,
) {
    let handler = core.handlers().and_then(|all| all.subscribe.as_ref());
    let Some(handler) = handler else { return };
    let ctx = admitted.context(core, incoming, Asks::Unavailable);
    let mut agreed = Vec::new();
    for uri in std::mem::take(&mut filter.resource_subscriptions) {
        let handling = async { handler(UriParams { uri: uri.clone() }, ctx.clone()).await };
        let outcome = drive(&ctx, handling, core.limits.call_timeout).await;
        if matches!(outcome, super::Driven::Done(Ok(()))) {
            agreed.push(uri);
        }
    }
    filter.resource_subscriptions = agreed;
}
