//! turbomcp as its examples show it: the tools come from its macro. The filler tools are listed by
//! a thin wrapper, since its macro takes only tools that are written out.

use std::{collections::HashMap, sync::Arc};

use serde_json::json;
use turbomcp::{
    CallToolContext, Implementation, LegacySessionAdapter, ListToolsContext, McpServerCore,
    ServerBuilder, SessionStore, WithTools,
    http::{HttpConfig, ServeHttp},
    neutral,
    prelude::*,
};

#[derive(Clone)]
struct Tools {
    big: Arc<str>,
}

#[server(name = "peer-turbomcp", version = "0.1.0")]
impl Tools {
    /// Add two numbers.
    #[tool]
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    /// One mebibyte of text.
    #[tool]
    async fn big(&self) -> String {
        self.big.to_string()
    }
}

#[derive(Clone)]
struct Peer {
    tools: Tools,
    filler: Arc<Vec<neutral::Tool>>,
    by_name: Arc<HashMap<String, usize>>,
}

impl Peer {
    fn new(tools: usize) -> Self {
        let filler: Vec<_> = (2..tools)
            .map(|n| {
                let mut tool = neutral::Tool::new(
                    format!("filler_{n:04}"),
                    json!({
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "limit": {"type": "integer", "format": "int64"}},
                        "required": ["name", "limit"],
                    }),
                );
                tool.description =
                    Some("Look up a record by its name and return at most the given number of matches.".into());
                tool
            })
            .collect();
        let by_name = filler
            .iter()
            .enumerate()
            .map(|(place, tool)| (tool.name.clone(), place))
            .collect();
        let big =
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n".repeat(1 << 14);
        Self {
            tools: Tools { big: big.into() },
            filler: Arc::new(filler),
            by_name: Arc::new(by_name),
        }
    }
}

impl McpServerCore for Peer {
    fn server_info(&self) -> Implementation {
        self.tools.server_info()
    }
}

impl WithTools for Peer {
    async fn lookup_tool(
        &self,
        ctx: &ListToolsContext,
        name: String,
    ) -> McpResult<Option<neutral::Tool>> {
        match self.by_name.get(&name) {
            Some(place) => Ok(Some(self.filler[*place].clone())),
            None => self.tools.lookup_tool(ctx, name).await,
        }
    }

    async fn list_tools(
        &self,
        ctx: &ListToolsContext,
        params: neutral::ListParams,
    ) -> McpResult<neutral::ListToolsResult> {
        let mut list = self.tools.list_tools(ctx, params).await?;
        list.tools.extend(self.filler.iter().cloned());
        Ok(list)
    }

    async fn call_tool(
        &self,
        ctx: &CallToolContext,
        params: neutral::CallToolParams,
    ) -> McpResult<neutral::CallToolResult> {
        self.tools.call_tool(ctx, params).await
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut addr, mut tools) = (None, 2);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--http" => addr = Some(args.next().ok_or("--http ADDR")?.parse()?),
            "--tools" => tools = args.next().ok_or("--tools N")?.parse()?,
            "--sessions" | "--stdio" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    // Its default keeps 4096 sessions and drops older ones.
    let builder = ServerBuilder::new(Peer::new(tools))
        .with_tools()
        .with_session_backend(Arc::new(SessionStore::with_capacity(1 << 20)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match addr {
            Some(addr) => builder.run_http(addr, HttpConfig::new()).await?,
            None => turbomcp::serve_stdio(LegacySessionAdapter::new(builder.build())).await?,
        }
        Ok(())
    })
}
