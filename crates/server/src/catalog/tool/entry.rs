//! A tool as the catalog keeps it.

use std::fmt;
use std::time::Duration;

use wharf_protocol::headers::ParamHeader;
use wharf_protocol::raw::RawJson;
use wharf_protocol::tools::{self as protocol, CallToolResult};

use crate::catalog::schema::Validator;
use crate::context::Context;
use crate::handler::{CallError, ToolHandler};
use crate::task::TaskPolicy;

/// A tool in the catalog: checked, compiled and ready to be called.
pub struct ToolEntry {
    pub(super) definition: protocol::Tool,
    pub(super) handler: Box<dyn ToolHandler>,
    /// Present where the arguments need more than being read into their type.
    pub(super) arguments: Option<Validator>,
    /// Present where the output schema was given by hand.
    pub(super) results: Option<Validator>,
    pub(super) headers: Vec<ParamHeader>,
    pub(super) timeout: Option<Duration>,
    pub(super) task: Option<Box<TaskPolicy>>,
}

impl ToolEntry {
    /// The definition as it is listed.
    pub fn definition(&self) -> &protocol::Tool {
        &self.definition
    }

    /// The arguments that clients mirror into headers (specification 2026-07-28,
    /// basic/transports/streamable-http, "Custom Headers from Tool Parameters").
    pub fn param_headers(&self) -> &[ParamHeader] {
        &self.headers
    }

    /// How long one call may run, if the tool says so.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// How it may be called as a task, if it may.
    pub(crate) fn task(&self) -> Option<&TaskPolicy> {
        self.task.as_deref()
    }

    /// Calls the tool: checks the arguments, runs the handler, checks the result.
    ///
    /// Cancel safe by being dropped, as far as the handler is.
    ///
    /// # Errors
    /// Arguments that do not fit, the handler's own error, or a result that does not fit.
    pub async fn call(
        &self,
        ctx: &Context,
        arguments: Option<RawJson<'_>>,
    ) -> Result<CallToolResult, CallError> {
        let arguments = arguments.unwrap_or(RawJson::EMPTY_OBJECT);
        if let Some(validator) = &self.arguments {
            if !arguments.is_object() {
                return Err(CallError::Arguments(
                    "invalid arguments: expected an object".to_owned(),
                ));
            }
            validator
                .check_raw(arguments)
                .map_err(|why| CallError::Arguments(format!("invalid arguments: {why}")))?;
        }
        let result = self.handler.call(ctx, arguments).await?;
        self.check_result(&result)?;
        Ok(result)
    }

    fn check_result(&self, result: &CallToolResult) -> Result<(), CallError> {
        let Some(validator) = &self.results else {
            return Ok(());
        };
        if result.is_error == Some(true) {
            return Ok(());
        }
        match &result.structured_content {
            Some(content) => validator.check_raw((&**content).into()),
            None => Err("there is no structured content".to_owned()),
        }
        .map_err(|why| {
            tracing::error!(tool = %self.definition.name, %why, "a tool's output does not fit its schema");
            CallError::Output(why)
        })
    }
}

impl fmt::Debug for ToolEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolEntry")
            .field("definition", &self.definition)
            .finish_non_exhaustive()
    }
}
