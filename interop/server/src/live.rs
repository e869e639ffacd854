//! Tools that say something before their answer, or change what there is.

use std::time::Duration;

use wharf::{Context, NoArguments, Result, Tool, tool};

/// Count down, slowly.
#[tool]
pub(crate) async fn countdown(
    ctx: &Context,
    /// How many steps
    from: u32,
    /// How long to wait before each of them, in milliseconds
    interval_ms: u64,
) -> &'static str {
    for step in 1..=from {
        tokio::time::sleep(Duration::from_millis(interval_ms)).await;
        ctx.progress(step.into(), f64::from(from)).await;
        ctx.info(format!("{} to go", from - step)).await;
    }
    "liftoff"
}

/// Add a tool.
#[tool]
pub(crate) fn add_tool(
    ctx: &Context,
    /// Its name
    name: String,
) -> Result<String> {
    let done = format!("added {name}");
    let tool = Tool::new(name)
        .description("A tool that was not there from the start")
        .handler(|_: NoArguments, _: Context| async { "here I am" });
    ctx.catalog().update(|edit| edit.add_tool(tool))?;
    Ok(done)
}

/// Say that a resource changed.
#[tool]
pub(crate) fn touch(
    ctx: &Context,
    /// The resource
    uri: String,
) -> &'static str {
    ctx.notify_resource_updated(&uri);
    "touched"
}
