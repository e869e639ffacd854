//! Lists that change while clients listen.

use wharf::{Context, NoArguments, Prompt, Result, Server, Tool, tool};

pub(crate) fn add(server: Server) -> Server {
    server
        .tool(test_trigger_tool_change)
        .tool(test_trigger_prompt_change)
}

/// Adds a tool, or takes it away again.
#[tool]
async fn test_trigger_tool_change(ctx: &Context) -> Result<&'static str> {
    ctx.catalog().update(|catalog| {
        if !catalog.remove_tool("test_dynamic_tool") {
            let tool = Tool::new("test_dynamic_tool").description("Comes and goes.");
            catalog.add_tool(tool.handler(|_: NoArguments, _: Context| async { "Here for now." }));
        }
    })?;
    Ok("The list of tools changed.")
}

/// Adds a prompt, or takes it away again.
#[tool]
async fn test_trigger_prompt_change(ctx: &Context) -> Result<&'static str> {
    ctx.catalog().update(|catalog| {
        if !catalog.remove_prompt("test_dynamic_prompt") {
            let prompt = Prompt::new("test_dynamic_prompt").description("Comes and goes.");
            catalog
                .add_prompt(prompt.handler(|_: NoArguments, _: Context| async { "Here for now." }));
        }
    })?;
    Ok("The list of prompts changed.")
}
