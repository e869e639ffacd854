//! Calls that become tasks.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use wharf::protocol::error::ErrorCode;
use wharf::{Context, Error, Result, Server, tool};

pub(crate) fn add(server: Server) -> Server {
    server
        .tool(greet)
        .tool(slow_compute)
        .tool(failing_job)
        .tool(protocol_error_job)
        .tool(confirm_delete)
        .tool(multi_input)
        .tool(test_tool_with_task)
}

/// Greets, and is no task.
#[tool]
fn greet(name: String) -> String {
    format!("Hello, {name}!")
}

/// Takes as long as it is told to.
#[tool(task)]
async fn slow_compute(seconds: u64, label: Option<String>) -> String {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    format!("{} after {seconds} s", label.unwrap_or_default())
}

/// Fails after a second.
#[tool(task = "required")]
async fn failing_job() -> Result<String> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Err(Error::new("the job failed"))
}

/// Fails with a JSON-RPC error.
#[tool(task)]
async fn protocol_error_job() -> Result<String> {
    Err(Error::protocol(ErrorCode::INTERNAL_ERROR, "the job broke"))
}

#[derive(Deserialize, JsonSchema)]
struct Confirm {
    /// Whether to go on
    confirm: Option<bool>,
}

/// Asks before it deletes.
#[tool(task)]
async fn confirm_delete(ctx: &Context, filename: String) -> Result<String> {
    let answer: Confirm = ctx.elicit(format!("Delete {filename}?")).await?;
    Ok(match answer.confirm {
        Some(true) => format!("deleted {filename}"),
        _ => format!("kept {filename}"),
    })
}

#[derive(Deserialize, JsonSchema)]
struct Person {
    /// A name
    name: Option<String>,
}

/// Asks two questions at once.
#[tool(task)]
async fn multi_input(ctx: &Context) -> Result<String> {
    let (first, second) = tokio::try_join!(
        async { ctx.elicit::<Person>("Who is first?").key("first").await },
        async { ctx.elicit::<Person>("Who is second?").key("second").await },
    )?;
    let name = |person: Person| person.name.unwrap_or_default();
    Ok(format!("{} and {}", name(first), name(second)))
}

/// Asks first, and becomes a task then.
#[tool(task = "required", task_after = "1ms")]
async fn test_tool_with_task(ctx: &Context) -> Result<String> {
    let person: Person = ctx.elicit("What is your name?").key("user_name").await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(format!("Hello, {}!", person.name.unwrap_or_default()))
}
