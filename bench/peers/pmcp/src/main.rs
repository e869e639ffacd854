//! pmcp as its examples show it: handlers behind its trait, its own HTTP and stdio transports,
//! both eras accepted, answers as plain JSON.

use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use pmcp::{
    RequestHandlerExtra, Server, ToolHandler,
    server::{
        ToolOutput,
        streamable_http_server::{StreamableHttpServer, StreamableHttpServerConfig},
    },
    types::{
        CallToolResult, Content, ProtocolVersion, ToolInfo,
        capabilities::ServerCapabilities,
        protocol::{LATEST_PROTOCOL_VERSION, PROTOCOL_VERSION_2026_07_28},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

#[derive(Deserialize)]
struct AddArgs {
    a: i64,
    b: i64,
}

struct Add;
struct Big(String);
struct Filler(String);

#[async_trait]
impl ToolHandler for Add {
    async fn handle(&self, args: Value, _extra: RequestHandlerExtra) -> pmcp::Result<Value> {
        let AddArgs { a, b } = serde_json::from_value(args)
            .map_err(|error| pmcp::Error::validation(error.to_string()))?;
        // It writes a value as text.
        Ok((a + b).into())
    }

    fn metadata(&self) -> Option<ToolInfo> {
        let schema = json!({
            "type": "object",
            "properties": {"a": {"type": "integer", "format": "int64"}, "b": {"type": "integer", "format": "int64"}},
            "required": ["a", "b"],
        });
        Some(ToolInfo::new(
            "add",
            Some("Add two numbers.".into()),
            schema,
        ))
    }
}

#[async_trait]
impl ToolHandler for Big {
    async fn handle(&self, _args: Value, _extra: RequestHandlerExtra) -> pmcp::Result<Value> {
        Ok(self.0.clone().into())
    }

    async fn handle_output(
        &self,
        _args: Value,
        _extra: RequestHandlerExtra,
    ) -> pmcp::Result<ToolOutput> {
        Ok(ToolOutput::Result(CallToolResult::new(vec![
            Content::text(self.0.clone()),
        ])))
    }

    fn metadata(&self) -> Option<ToolInfo> {
        Some(ToolInfo::new(
            "big",
            Some("One mebibyte of text.".into()),
            json!({"type": "object", "properties": {}}),
        ))
    }
}

#[async_trait]
impl ToolHandler for Filler {
    async fn handle(&self, _args: Value, _extra: RequestHandlerExtra) -> pmcp::Result<Value> {
        Ok("nothing".into())
    }

    fn metadata(&self) -> Option<ToolInfo> {
        let schema = json!({
            "type": "object",
            "properties": {"name": {"type": "string"}, "limit": {"type": "integer", "format": "int64"}},
            "required": ["name", "limit"],
        });
        let about = "Look up a record by its name and return at most the given number of matches.";
        Some(ToolInfo::new(self.0.clone(), Some(about.into()), schema))
    }
}

fn server(tools: usize) -> pmcp::Result<Server> {
    let big = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n".repeat(1 << 14);
    let mut builder = Server::builder()
        .name("peer-pmcp")
        .version("0.1.0")
        .capabilities(ServerCapabilities::tools_only())
        .with_supported_protocol_versions([
            ProtocolVersion(LATEST_PROTOCOL_VERSION.to_string()),
            ProtocolVersion(PROTOCOL_VERSION_2026_07_28.to_string()),
        ])
        .tool("add", Add)
        .tool("big", Big(big));
    for n in 2..tools {
        let name = format!("filler_{n:04}");
        builder = builder.tool(name.clone(), Filler(name));
    }
    builder.build()
}

async fn http(
    addr: SocketAddr,
    server: Server,
    sessions: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let config = if sessions {
        StreamableHttpServerConfig {
            enable_json_response: true,
            ..StreamableHttpServerConfig::default()
        }
    } else {
        StreamableHttpServerConfig::stateless()
    };
    let http = StreamableHttpServer::with_config(addr, Arc::new(Mutex::new(server)), config);
    let (_, running) = http.start().await?;
    running.await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut addr, mut tools, mut sessions) = (None, 2, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--http" => addr = Some(args.next().ok_or("--http ADDR")?.parse()?),
            "--tools" => tools = args.next().ok_or("--tools N")?.parse()?,
            "--sessions" => sessions = true,
            "--stdio" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = server(tools)?;
        match addr {
            Some(addr) => http(addr, server, sessions).await?,
            None => server.run_stdio().await?,
        }
        Ok(())
    })
}
