//! How does a server change what it offers while clients are connected?
//!
//! `cargo run -p wharf-examples --bin runtime_catalog`

use wharf::{Context, Error, NoArguments, Result, Server, Tool, tool};

/// Teach the server a new answer, as a tool of its own.
#[tool]
fn teach(ctx: &Context, name: String, answer: String) -> Result<String> {
    let taught = Tool::new(&name)
        .description("Something that was taught.")
        .handler(move |_: NoArguments, _: Context| {
            let answer = answer.clone();
            async move { answer }
        });
    // All clients are told that the list of tools changed.
    ctx.catalog().update(|edit| edit.add_tool(taught))?;
    Ok(format!("`{name}` can be called now"))
}

/// Forget an answer.
#[tool]
fn forget(ctx: &Context, name: String) -> Result<()> {
    if name == "teach" || name == "forget" {
        return Err(Error::new("this tool stays"));
    }
    let mut known = false;
    ctx.catalog()
        .update(|edit| known = edit.remove_tool(&name))?;
    if known {
        Ok(())
    } else {
        Err(Error::new("there is no such tool"))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    Server::new("Runtime catalog")
        .tool(teach)
        .tool(forget)
        .run()
        .await
}
