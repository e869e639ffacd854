//! What the macros call. Not part of the public interface: it changes without notice.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use wharf_protocol::content::Icon;
use wharf_protocol::prompts::{GetPromptResult, PromptArgument};
use wharf_protocol::resources::ReadResourceResult;
use wharf_protocol::tools::CallToolResult;

use crate::context::Context;
use crate::handler::output::{IntoPromptResult, IntoResourceContents, IntoToolResult};
use crate::handler::text::FromText;
use crate::handler::{BoxFuture, CallError, PromptHandler, ReadRequest, ResourceHandler, ToolHandler, extract};
use crate::{Error, Prompt, Resource, State, Tool};

/// What a tool's handler returns.
pub type ToolFuture<'a> = BoxFuture<'a, Result<CallToolResult, CallError>>;
/// What a resource's handler returns.
pub type ResourceFuture<'a> = BoxFuture<'a, Result<ReadResourceResult, Error>>;
/// What a prompt's handler returns.
pub type PromptFuture<'a> = BoxFuture<'a, Result<GetPromptResult, Error>>;

/// A tool that reads its arguments as `A` and returns `R`.
pub fn tool<A: JsonSchema, R: IntoToolResult>(name: impl Into<String>, handler: Box<dyn ToolHandler>) -> Tool {
    Tool::typed::<A, R>(name, handler)
}

/// Reads a tool's arguments.
///
/// # Errors
/// Which argument does not fit, and why.
pub fn arguments<A: DeserializeOwned>(arguments: &RawValue) -> Result<A, CallError> {
    extract::tool_arguments(arguments)
}

/// Makes a tool's result.
///
/// # Errors
/// The tool's own.
pub fn tool_result<R: IntoToolResult>(value: R) -> Result<CallToolResult, CallError> {
    Ok(value.into_tool_result()?)
}

/// A resource, or a template where the URI has variables.
pub fn resource(uri: impl Into<String>, name: impl Into<String>, handler: Box<dyn ResourceHandler>) -> Resource {
    Resource::from_handler(uri, handler).name(name)
}

/// Makes a resource's contents.
///
/// # Errors
/// The resource's own.
pub fn contents<R: IntoResourceContents>(value: R, request: &ReadRequest<'_>) -> Result<ReadResourceResult, Error> {
    value.into_resource_contents(request.uri, request.mime_type)
}

/// A prompt without arguments yet.
pub fn prompt(name: impl Into<String>, handler: Box<dyn PromptHandler>) -> Prompt {
    Prompt::from_handler(wharf_protocol::prompts::Prompt::new(name), handler)
}

/// The definition of a prompt's argument that is read as `T`.
pub fn prompt_argument<T: FromText>(name: &str, description: Option<&str>) -> PromptArgument {
    PromptArgument {
        name: name.to_owned(),
        title: None,
        description: description.map(str::to_owned),
        required: Some(T::required()),
    }
}

/// Makes a prompt's messages.
///
/// # Errors
/// The prompt's own.
pub fn messages<R: IntoPromptResult>(value: R) -> Result<GetPromptResult, Error> {
    value.into_prompt_result()
}

/// All values of `T`, where there is a fixed list of them.
pub fn choices<T: FromText>() -> Vec<String> {
    T::choices()
}

/// The schema of `T` as it is written.
pub fn schema_of<T: JsonSchema>() -> Value {
    crate::catalog::schema::output_schema_of::<T>().unwrap_or(Value::Bool(true))
}

/// The state of this type.
///
/// # Errors
/// When the server was not given one.
pub fn state<T: Send + Sync + 'static>(ctx: &Context) -> Result<State<T>, Error> {
    State::from_context(ctx)
}

/// An icon at a URI.
pub fn icon(src: impl Into<String>) -> Icon {
    Icon { src: src.into(), ..Icon::default() }
}
