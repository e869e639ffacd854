//! What passes through the layers around tools, resources and prompts.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use wharf_protocol::prompts::{GetPromptResult, Prompt};
use wharf_protocol::raw::RawJson;
use wharf_protocol::resources::ReadResourceResult;
use wharf_protocol::tools::{CallToolResult, Tool};

use super::{Call, sealed};
use crate::catalog::prompt::PromptEntry;
use crate::catalog::tool::ToolEntry;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::extract::PromptArguments;
use crate::handler::{BoxFuture, CallError};
use crate::low_level::{CallTool, CallToolParams, GetPrompt, GetPromptParams, Handler};

/// A call of a tool, on its way to the tool.
///
/// An `Err` of the rest of the way is the handler's; arguments that do not fit, and results that do
/// not, are results with `isError: true`. An `Err` of a layer becomes such a result too, unless it
/// is [`Error::protocol`].
pub struct ToolCall {
    ctx: Context,
    target: ToolTarget,
    arguments: Option<Box<RawValue>>,
}

pub(crate) enum ToolTarget {
    Entry(Arc<ToolEntry>),
    Handler(CallToolParams, Handler<CallTool>),
}

impl ToolCall {
    pub(crate) fn new(ctx: Context, target: ToolTarget) -> Self {
        Self {
            ctx,
            target,
            arguments: None,
        }
    }

    /// The tool's name.
    pub fn name(&self) -> &str {
        match &self.target {
            ToolTarget::Entry(tool) => &tool.definition().name,
            ToolTarget::Handler(params, _) => &params.name,
        }
    }

    /// The tool's definition, with its annotations; `None` where a handler of `tools/call` stands
    /// for all tools.
    pub fn definition(&self) -> Option<&Tool> {
        match &self.target {
            ToolTarget::Entry(tool) => Some(tool.definition()),
            ToolTarget::Handler(..) => None,
        }
    }

    /// Who calls, and what can be said to them.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// The arguments as JSON text: an object, as it was sent or as a layer has set it.
    pub fn arguments(&self) -> RawJson<'_> {
        arguments(self.arguments.as_deref(), &self.ctx)
    }

    /// Reads the arguments. They are not validated yet.
    ///
    /// # Errors
    /// The type does not fit.
    pub fn read_arguments<T: DeserializeOwned>(&self) -> Result<T> {
        self.arguments().read().map_err(Error::invalid_params)
    }

    /// Exchanges the arguments for others, which are validated as sent ones are.
    ///
    /// # Errors
    /// They cannot be written as JSON.
    pub fn set_arguments(&mut self, arguments: &(impl Serialize + ?Sized)) -> Result<()> {
        self.arguments = Some(to_raw_value(arguments)?);
        Ok(())
    }
}

fn arguments<'a>(changed: Option<&'a RawValue>, ctx: &'a Context) -> RawJson<'a> {
    let sent = || ctx.exchange().frame.arguments();
    let arguments = changed.map(RawJson::from).or_else(sent);
    arguments.unwrap_or(RawJson::EMPTY_OBJECT)
}

impl Call for ToolCall {
    type Output = CallToolResult;
}

impl sealed::Handled for ToolCall {
    fn handle(self) -> BoxFuture<'static, Result<CallToolResult>> {
        Box::pin(async move {
            let Self {
                ctx,
                target,
                arguments: changed,
            } = self;
            match target {
                ToolTarget::Entry(tool) => {
                    let arguments = arguments(changed.as_deref(), &ctx);
                    match tool.call(&ctx, Some(arguments)).await {
                        Ok(result) => Ok(result),
                        Err(CallError::Handler(error)) => Err(error),
                        Err(other) => Ok(other.into_result()?),
                    }
                }
                ToolTarget::Handler(mut params, handler) => {
                    if let Some(changed) = changed {
                        params.arguments = changed;
                    }
                    handler(params, ctx).await
                }
            }
        })
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the arguments: who logs a call does not mean to log secrets.
        f.debug_struct("ToolCall")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// A reading of a resource, on its way to it.
pub struct ReadCall {
    ctx: Context,
    uri: String,
}

impl ReadCall {
    pub(crate) fn new(ctx: Context, uri: String) -> Self {
        Self { ctx, uri }
    }

    /// What is read.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Reads another resource instead. Its contents name their own URI.
    pub fn set_uri(&mut self, uri: impl Into<String>) {
        self.uri = uri.into();
    }

    /// Who reads, and what can be said to them.
    pub fn context(&self) -> &Context {
        &self.ctx
    }
}

impl Call for ReadCall {
    type Output = ReadResourceResult;
}

impl sealed::Handled for ReadCall {
    fn handle(self) -> BoxFuture<'static, Result<ReadResourceResult>> {
        Box::pin(async move { self.ctx.read_directly(&self.uri).await })
    }
}

impl fmt::Debug for ReadCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadCall")
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

/// A filling in of a prompt, on its way to it.
pub struct PromptCall {
    ctx: Context,
    target: PromptTarget,
    arguments: Option<Box<RawValue>>,
}

pub(crate) enum PromptTarget {
    Entry(Arc<PromptEntry>),
    Handler(GetPromptParams, Handler<GetPrompt>),
}

impl PromptCall {
    pub(crate) fn new(ctx: Context, target: PromptTarget) -> Self {
        Self {
            ctx,
            target,
            arguments: None,
        }
    }

    /// The prompt's name.
    pub fn name(&self) -> &str {
        match &self.target {
            PromptTarget::Entry(prompt) => &prompt.definition().name,
            PromptTarget::Handler(params, _) => &params.name,
        }
    }

    /// The prompt's definition; `None` where a handler of `prompts/get` stands for all prompts.
    pub fn definition(&self) -> Option<&Prompt> {
        match &self.target {
            PromptTarget::Entry(prompt) => Some(prompt.definition()),
            PromptTarget::Handler(..) => None,
        }
    }

    /// Who asks, and what can be said to them.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// The arguments as JSON text: an object of strings, if the client keeps to the protocol.
    pub fn arguments(&self) -> RawJson<'_> {
        arguments(self.arguments.as_deref(), &self.ctx)
    }

    /// Exchanges the arguments for others: an object of strings.
    ///
    /// # Errors
    /// They cannot be written as JSON.
    pub fn set_arguments(&mut self, arguments: &(impl Serialize + ?Sized)) -> Result<()> {
        self.arguments = Some(to_raw_value(arguments)?);
        Ok(())
    }
}

impl Call for PromptCall {
    type Output = GetPromptResult;
}

impl sealed::Handled for PromptCall {
    fn handle(self) -> BoxFuture<'static, Result<GetPromptResult>> {
        Box::pin(async move {
            let Self {
                ctx,
                target,
                arguments: changed,
            } = self;
            match target {
                PromptTarget::Entry(prompt) => {
                    let arguments = arguments(changed.as_deref(), &ctx);
                    prompt.get(&ctx, Some(arguments)).await
                }
                PromptTarget::Handler(mut params, handler) => {
                    if let Some(changed) = changed.as_deref() {
                        params.arguments = PromptArguments::parse_raw(Some(changed.into()))?;
                    }
                    handler(params, ctx).await
                }
            }
        })
    }
}

impl fmt::Debug for PromptCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PromptCall")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}
