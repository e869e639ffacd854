//! tower-mcp as its guide shows it: one router, its own HTTP and stdio transports. Both eras are
//! served by the same endpoint, answers are plain JSON.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tower_mcp::{
    BoxError, CallToolResult, HttpTransport, McpRouter, StdioTransport, ToolBuilder,
    extract::RawArgs,
};

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

fn router(tools: usize) -> McpRouter {
    let add = ToolBuilder::new("add")
        .description("Add two numbers.")
        .handler(|Add { a, b }: Add| async move { Ok(CallToolResult::text((a + b).to_string())) })
        .build();
    let text = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n".repeat(1 << 14);
    let big = ToolBuilder::new("big")
        .description("One mebibyte of text.")
        .no_params_handler(move || {
            let text = text.clone();
            async move { Ok(CallToolResult::text(text)) }
        })
        .build();
    let mut router = McpRouter::new()
        .server_info("peer-tower-mcp", "0.1.0")
        .tool(add)
        .tool(big);
    for n in 2..tools {
        let filler = ToolBuilder::new(format!("filler_{n:04}"))
            .description("Look up a record by its name and return at most the given number of matches.")
            .input_schema(json!({
                "type": "object",
                "properties": {"name": {"type": "string"}, "limit": {"type": "integer", "format": "int64"}},
                "required": ["name", "limit"],
            }))
            .extractor_handler((), |RawArgs(_): RawArgs| async move { Ok(CallToolResult::text("nothing")) })
            .build();
        router = router.tool(filler);
    }
    router
}

fn main() -> Result<(), BoxError> {
    let mut args = std::env::args().skip(1);
    let (mut addr, mut tools) = (None, 2);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--http" => addr = Some(args.next().ok_or("--http ADDR")?),
            "--tools" => tools = args.next().ok_or("--tools N")?.parse()?,
            "--sessions" | "--stdio" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match addr {
            Some(addr) => HttpTransport::new(router(tools)).serve(&addr).await?,
            None => StdioTransport::new(router(tools)).run().await?,
        }
        Ok(())
    })
}
