//! From a request's bytes to a function's arguments, and from what it returns to content.
//!
//! The three object-safe traits here are what the [catalog](crate::catalog) stores. Closures, the
//! macros and hand-written handlers all end in one of them. Their futures are cancelled by being
//! dropped; a handler that must clean up does it in a guard's `Drop`.

pub mod extract;
pub mod output;

pub(crate) mod content;
pub mod text;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use wharf_protocol::prompts::GetPromptResult;
use wharf_protocol::raw::RawJson;
use wharf_protocol::resources::ReadResourceResult;
use wharf_protocol::tools::CallToolResult;

use self::extract::{PromptArguments, Variables};
use crate::context::Context;
use crate::error::Error;

/// A boxed future: what the handler traits return, so that the catalog can hold any of them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Does what a tool promises.
///
/// `arguments` is the JSON object as the client sent it (`{}` when it sent none), already checked
/// by the compiled schema where the tool has one.
pub trait ToolHandler: Send + Sync + 'static {
    /// Runs the tool once.
    fn call<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: RawJson<'a>,
    ) -> BoxFuture<'a, Result<CallToolResult, CallError>>;
}

/// Reads a resource, or any resource of a template.
pub trait ResourceHandler: Send + Sync + 'static {
    /// Reads the resource once.
    fn read<'a>(
        &'a self,
        ctx: &'a Context,
        request: ReadRequest<'a>,
    ) -> BoxFuture<'a, Result<ReadResourceResult, Error>>;
}

/// Makes a prompt's messages.
pub trait PromptHandler: Send + Sync + 'static {
    /// Makes the messages once. Required arguments are present.
    fn get<'a>(
        &'a self,
        ctx: &'a Context,
        arguments: PromptArguments,
    ) -> BoxFuture<'a, Result<GetPromptResult, Error>>;
}

/// Which resource to read.
#[derive(Debug)]
pub struct ReadRequest<'a> {
    /// The URI as the client sent it.
    pub uri: &'a str,
    /// The definition's media type, for contents that do not name their own.
    pub mime_type: Option<&'a str>,
    /// The values of the template's variables; empty for a direct resource.
    pub variables: Variables<'a>,
}

/// Why a tool call gave no result of its own.
#[derive(Debug)]
pub enum CallError {
    /// The arguments do not fit; says which field and why.
    Arguments(String),
    /// The handler returned an error.
    Handler(Error),
    /// The handler's structured result does not fit the tool's own output schema. The details are
    /// for the log: they may show what the tool did not mean to show.
    Output(String),
}

impl CallError {
    /// What the client gets: a tool result with `isError: true`, or, for [`Error::protocol`]
    /// alone, a JSON-RPC error (specification 2026-07-28, server/tools, "Error Handling").
    pub fn into_result(self) -> Result<CallToolResult, wharf_protocol::error::ErrorObject> {
        let text = match self {
            Self::Handler(error) if error.is_protocol() => return Err(error.to_object()),
            Self::Handler(error) => error.message().to_owned(),
            Self::Arguments(message) => message,
            Self::Output(_) => {
                "internal error: the tool's output did not fit its schema".to_owned()
            }
        };
        Ok(CallToolResult::error(text))
    }
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Handler(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(message) => f.write_str(message),
            Self::Handler(error) => error.fmt(f),
            Self::Output(message) => {
                write!(f, "the output does not fit the tool's schema: {message}")
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Context;

    /// A context that is connected to nothing.
    pub(crate) fn context() -> Context {
        Context::default()
    }

    /// Polls a future that is expected to be ready at once.
    pub(crate) fn now<F: std::future::Future>(future: F) -> F::Output {
        use std::task::{Context, Poll, Waker};
        let mut future = std::pin::pin!(future);
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the future was not ready at its first poll"),
        }
    }
}
