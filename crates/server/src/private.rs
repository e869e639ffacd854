//! What the code that `#[tool]`, `#[resource]`, `#[prompt]` and `#[tools]` write is made of.
//!
//! Not for use by hand, and not covered by any promise of stability: the attributes and this module
//! change together.

use std::future::Future;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wharf_protocol::content::Icon;
use wharf_protocol::prompts::{GetPromptResult, PromptArgument};
use wharf_protocol::raw::RawJson;
use wharf_protocol::resources::ReadResourceResult;
use wharf_protocol::tools::CallToolResult;

pub use wharf_protocol::tools::ToolAnnotations;

pub use crate::catalog::prompt::{IntoPrompt, Prompt};
pub use crate::catalog::resource::{IntoResource, Resource};
pub use crate::catalog::tool::{IntoTool, Tool};
pub use crate::context::Context;
pub use crate::error::Result;
pub use crate::group::{Group, Items};
pub use crate::handler::extract::{PromptArguments, Variables};

/// The format of skills, for the client that reads them.
#[cfg(feature = "skills")]
pub use crate::skills::{Lines, cut_frontmatter, frontmatter_with_lines, read_frontmatter, sha256};

use crate::catalog::schema;
use crate::handler::extract::tool_arguments;
use crate::handler::output::{IntoPromptResult, IntoResourceContents, IntoToolResult};
use crate::handler::text::FromText;
use crate::handler::{
    BoxFuture, CallError, PromptHandler, ReadRequest, ResourceHandler, ToolHandler,
};

/// A function with `#[tool]`, with its arguments in a struct.
///
/// The bound on `Output` is where the tool is made, [`tool`], and nowhere else: so a return type
/// that does not fit is one error, at its place in the signature.
pub trait ToolBody: Send + Sync + 'static {
    /// The arguments.
    type Arguments: DeserializeOwned + JsonSchema + Send;
    /// What the function returns.
    type Output;

    /// Calls the function; fails when a `State` is missing.
    fn run(
        &self,
        ctx: &Context,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// A function with `#[resource]`.
pub trait ResourceBody: Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// Calls the function; fails when a variable does not fit or a `State` is missing.
    fn run(
        &self,
        ctx: &Context,
        variables: &Variables<'_>,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// A function with `#[prompt]`.
pub trait PromptBody: Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// Calls the function; fails when an argument does not fit or a `State` is missing.
    fn run(
        &self,
        ctx: &Context,
        arguments: &PromptArguments,
    ) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// The tool that calls `body`.
pub fn tool<R, B>(name: impl Into<String>, body: B) -> Tool
where
    R: IntoToolResult,
    B: ToolBody<Output = R>,
{
    Tool::typed::<B::Arguments, R>(name, Box::new(Body(body)))
}

/// The resource, or template, that calls `body`.
pub fn resource<R, B>(uri: &str, name: impl Into<String>, body: B) -> Resource
where
    R: IntoResourceContents,
    B: ResourceBody<Output = R>,
{
    Resource::from_handler(uri, Box::new(Body(body))).name(name)
}

/// The prompt that calls `body`.
pub fn prompt<R, B>(name: impl Into<String>, body: B) -> Prompt
where
    R: IntoPromptResult,
    B: PromptBody<Output = R>,
{
    Prompt::from_handler(
        wharf_protocol::prompts::Prompt::new(name),
        Box::new(Body(body)),
    )
}

/// The definition of an argument that is read as a `T`.
pub fn prompt_argument<T: FromText>(name: &str, description: Option<&str>) -> PromptArgument {
    PromptArgument {
        name: name.to_owned(),
        title: None,
        description: description.map(str::to_owned),
        required: Some(T::required()),
    }
}

/// All values of a type that has a fixed list of them.
pub fn choices<T: FromText>() -> Vec<String> {
    T::choices()
}

/// The schema of a tool's structured results.
pub fn output_schema_of<T: JsonSchema>() -> Value {
    schema::output_schema_of::<T>().unwrap_or(Value::Bool(true))
}

/// An icon of which only the place is known.
pub fn icon(src: impl Into<String>) -> Icon {
    Icon {
        src: src.into(),
        mime_type: None,
        sizes: None,
        theme: None,
    }
}

/// A body as a handler: one boxed future for each call.
struct Body<B>(B);

impl<B> ToolHandler for Body<B>
where
    B: ToolBody,
    B::Output: IntoToolResult,
{
    fn call<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: RawJson<'a>,
    ) -> BoxFuture<'a, Result<CallToolResult, CallError>> {
        match tool_arguments(arguments) {
            Ok(arguments) => {
                Box::pin(async move { Ok(self.0.run(ctx, arguments).await?.into_tool_result()?) })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl<B> ResourceHandler for Body<B>
where
    B: ResourceBody,
    B::Output: IntoResourceContents,
{
    fn read<'a>(
        &'a self,
        ctx: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult>> {
        Box::pin(async move {
            let output = self.0.run(ctx, &request.variables).await?;
            output.into_resource_contents(request.uri, request.mime_type)
        })
    }
}

impl<B> PromptHandler for Body<B>
where
    B: PromptBody,
    B::Output: IntoPromptResult,
{
    fn get<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: PromptArguments,
    ) -> BoxFuture<'a, Result<GetPromptResult>> {
        Box::pin(async move { self.0.run(ctx, &arguments).await?.into_prompt_result() })
    }
}
