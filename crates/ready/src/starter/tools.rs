//! The tools, but for the calculator.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wharf::{AskError, Context, Json, Result, tool};

use super::icons;

/// Repeat a message.
#[tool(title = "Echo", read_only, idempotent, closed_world, icon = icons::BUBBLE)]
pub(super) fn echo(
    /// What to repeat
    message: String,
) -> String {
    message
}

/// What `add` answers.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Sum {
    /// The sum of the two numbers
    pub(super) result: i64,
}

/// Add two whole numbers.
#[tool(title = "Add", read_only, idempotent, closed_world, icon = icons::PLUS)]
pub(super) fn add(
    /// The first number
    a: i64,
    /// The second number
    b: i64,
) -> Result<Json<Sum>, String> {
    match a.checked_add(b) {
        Some(result) => Ok(Json(Sum { result })),
        None => Err(format!(
            "{a} + {b} is outside of what 64 bits hold ({} to {}); `calculate` takes larger \
             numbers, rounded",
            i64::MIN,
            i64::MAX
        )),
    }
}

/// Count down to a liftoff, and tell about each step.
///
/// Sends progress and one log message for each number, then waits. Can be cancelled at any time.
#[tool(
    title = "Countdown",
    read_only,
    idempotent,
    closed_world,
    task,
    icon = icons::CLOCK,
    // The longest that can be asked for is 16 h 40 min.
    timeout = "17h"
)]
pub(super) async fn countdown(
    ctx: &Context,
    /// The number to count down from
    #[schemars(range(min = 1, max = 1000))]
    from: u32,
    /// How long to wait after each number, in milliseconds
    #[schemars(range(min = 0, max = 60_000))]
    interval_ms: u32,
) -> &'static str {
    let interval = Duration::from_millis(interval_ms.into());
    for step in 1..=from {
        let left = from - step + 1;
        ctx.info(format!("{left}…")).await;
        ctx.progress_message(step.into(), f64::from(from), format!("{left}…"))
            .await;
        tokio::time::sleep(interval).await;
    }
    "liftoff"
}

/// Who is greeted.
#[derive(Debug, Deserialize, JsonSchema)]
struct Person {
    /// How you want to be called
    #[schemars(length(min = 1, max = 100))]
    name: String,
}

/// Greet the user by name, after asking for it.
#[tool(title = "Greet me", read_only, closed_world, icon = icons::PERSON)]
pub(super) async fn greet_me(ctx: &Context) -> Result<String, AskError> {
    match ctx.elicit::<Person>("What is your name?").await {
        Ok(Person { name }) => Ok(format!("Hello, {name}!")),
        Err(refused) if refused.is_refused() => Ok("Hello, stranger!".into()),
        Err(error) => Err(error),
    }
}
