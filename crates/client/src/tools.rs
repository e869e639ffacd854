//! What is known of a server's tools: what their calls need, and what their results are.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use http::{HeaderName, HeaderValue};
use serde_json::Value;
use wharf_protocol::headers::{ParamHeader, param_headers};
use wharf_protocol::tools::{CallToolResult, TaskSupport, Tool};
use wharf_server::{SchemaLimits, SchemaValidator};

use crate::client::Shared;
use crate::error::{Error, Result, escape};
use crate::lists::Pages;
use crate::message::Answer;
use crate::notification::Notification;

/// The tools that were seen in lists. At most as many as a list may have items.
#[derive(Default)]
pub(crate) struct Tools(RwLock<HashMap<String, Arc<Known>>>);

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}

/// What is known of one tool.
pub(crate) struct Known {
    headers: Vec<ParamHeader>,
    task: Option<TaskSupport>,
    output: Option<Output>,
}

/// The schema of a tool's structured results; compiled when there is one to check.
struct Output {
    schema: Value,
    compiled: OnceLock<Result<SchemaValidator, String>>,
}

impl Tools {
    /// Takes in a tool's definition.
    ///
    /// # Errors
    /// One that breaks the rules of mirrored headers: such a tool is left out of lists.
    pub(crate) fn learn(&self, tool: &Tool) -> Result<(), String> {
        let headers = param_headers(&tool.input_schema).map_err(|error| error.to_string())?;
        let known = Known {
            headers,
            task: tool.execution.and_then(|it| it.task_support),
            output: tool.output_schema.clone().map(|schema| Output {
                schema,
                compiled: OnceLock::new(),
            }),
        };
        let mut tools = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tools.insert(tool.name.clone(), Arc::new(known));
        Ok(())
    }

    fn get(&self, name: &str) -> Option<Arc<Known>> {
        let tools = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tools.get(name).cloned()
    }

    /// What a tool's calls need; `None` where nothing is known of it, or they need nothing.
    pub(crate) fn wants(&self, name: &str) -> Option<Arc<Known>> {
        self.get(name)
            .filter(|known| known.task.is_some() || !known.headers.is_empty())
    }

    /// Forgets what a notification says is no longer so.
    pub(crate) fn heed(&self, notification: &Notification) {
        if matches!(
            notification,
            Notification::ToolsChanged | Notification::Reconnected
        ) {
            let mut tools = self.0.write().unwrap_or_else(PoisonError::into_inner);
            tools.clear();
        }
    }
}

impl Known {
    pub(crate) fn headers(&self) -> &[ParamHeader] {
        &self.headers
    }

    /// The headers that mirror arguments.
    pub(crate) fn mirror(&self, arguments: &Value) -> Result<Vec<(HeaderName, HeaderValue)>> {
        let mut headers = Vec::new();
        for header in &self.headers {
            let value = header.header_value(arguments).map_err(|mismatch| {
                Error::usage(format!("argument `{}`: {mismatch}", header.path.join(".")))
            })?;
            if let Some(value) = value {
                let pair = HeaderName::try_from(&header.header)
                    .ok()
                    .zip(HeaderValue::try_from(value).ok());
                headers.extend(pair);
            }
        }
        Ok(headers)
    }

    pub(crate) fn task_support(&self) -> Option<TaskSupport> {
        self.task
    }
}

impl Shared {
    /// Reads the list of tools, up to one of them.
    pub(crate) async fn learn_tools(self: &Arc<Self>, until: Option<&str>) -> Result<()> {
        self.common.cache.forget("tools/list");
        let mut tools = Pages::<Tool>::new(self, "tools/list", "tools");
        while let Some(tool) = tools.next().await {
            if until == Some(&*tool?.name) {
                break;
            }
        }
        Ok(())
    }

    /// Checks a structured result against the schema that the tool declares
    /// (spec 2026-07-28, server/tools, "Output Schema").
    pub(crate) async fn check_output(self: &Arc<Self>, name: &str, answer: &Answer) -> Result<()> {
        // Most results have nothing to check, and are not read twice to find that out.
        if !answer.result().get().contains("\"structuredContent\"") {
            if let Some(known) = self.common.tools.get(name)
                && known.output.is_some()
            {
                let result: CallToolResult = answer.read()?;
                if result.is_error != Some(true) {
                    return Err(Error::output(format!(
                        "`{}` declares a schema for its results, and gave none that is structured",
                        escape(name)
                    )));
                }
            }
            return Ok(());
        }
        let known = match self.common.tools.get(name) {
            Some(known) => Some(known),
            None => {
                self.learn_tools(Some(name)).await?;
                self.common.tools.get(name)
            }
        };
        let Some(output) = known.as_ref().and_then(|known| known.output.as_ref()) else {
            return Ok(());
        };
        let result: CallToolResult = answer.read()?;
        let Some(structured) = result.structured_content else {
            return Ok(());
        };
        if result.is_error == Some(true) {
            return Ok(());
        }
        let compiled = output.compiled.get_or_init(|| {
            SchemaValidator::compile(&output.schema, &SchemaLimits::default())
                .map_err(|error| error.to_string())
        });
        let fits = match compiled {
            Ok(validator) => validator.check_raw((&*structured).into()),
            Err(error) => Err(format!("its schema cannot be used: {error}")),
        };
        fits.map_err(|why| {
            Error::output(format!(
                "the result of `{}` does not fit the schema that it declares: {why}",
                escape(name)
            ))
        })
    }
}
