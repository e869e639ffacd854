//! `tools/call`, at once or as a task of the client's naming.

use std::sync::Arc;

use serde_json::value::RawValue;
use wharf::interpret::{Members, Plain, Refused};

use super::read::{invalid, text, text_of};
use super::tasks::{Tasks, Work};

const METHOD: &str = "tools/call";

/// Calls a tool by `toolName`, or by its official `name`.
pub(super) async fn call(
    tasks: &Arc<Tasks>,
    server: &Plain,
    mut params: Members,
) -> Result<Members, Refused> {
    let task = text(&params, "taskId")?;
    params.take("taskId");
    if let Some(name) = text(&params, "toolName")? {
        if text(&params, "name")?.is_some_and(|official| official != name) {
            return Err(invalid(
                "`params.toolName` and `params.name` are two names for one tool, and differ",
            ));
        }
        params.take("toolName");
        params.set("name", name);
    }
    if !params.has("name") {
        return Err(invalid("`params.toolName` is missing"));
    }
    let (method, finish) = (METHOD, with_result as fn(Members) -> Members);
    match task {
        None => server.call(method, &params).await.map(finish),
        Some(id) => {
            let work = Work {
                method,
                params,
                finish,
            };
            tasks.start(id, server, work).await
        }
    }
}

/// Adds `result`: the structured content if there is some, else the text, else what there is.
fn with_result(mut result: Members) -> Members {
    if let Some(data) = result.raw("structuredContent") {
        let data = data.to_owned();
        result.set("result", data);
    } else if let Some(content) = result.raw("content").map(RawValue::to_owned) {
        match text_of(&content) {
            Some(text) => result.set("result", text),
            None => result.set("result", content),
        }
    }
    result
}
