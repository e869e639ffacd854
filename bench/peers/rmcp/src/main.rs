//! rmcp at its fastest: the router of tools is built once and shared, its service runs straight on
//! hyper, answers are plain JSON where it has a mode for that.

use std::{io, net::SocketAddr, sync::Arc};

use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt,
    handler::server::{
        router::tool::{ToolRoute, ToolRouter},
        tool::ToolCallContext,
        wrapper::Parameters,
    },
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock,
        ListToolsResult, PaginatedRequestParams, ProtocolVersion, ResultType, ServerCapabilities,
        ServerConfig, Tool,
    },
    schemars::{self, JsonSchema},
    service::RequestContext,
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::Deserialize;

#[derive(Deserialize, JsonSchema)]
struct Add {
    a: i64,
    b: i64,
}

#[derive(Clone)]
struct Peer(Arc<Shared>);

struct Shared {
    router: ToolRouter<Peer>,
    big: String,
}

#[tool_router]
impl Peer {
    /// Add two numbers.
    #[tool]
    async fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> String {
        (a + b).to_string()
    }

    /// One mebibyte of text.
    #[tool]
    async fn big(&self) -> String {
        self.0.big.clone()
    }

    fn new(tools: usize) -> Self {
        let mut router = Self::tool_router();
        for n in 2..tools {
            let schema = serde_json::json!({
                "type": "object",
                "properties": {"name": {"type": "string"}, "limit": {"type": "integer", "format": "int64"}},
                "required": ["name", "limit"],
            });
            let tool = Tool::new(
                format!("filler_{n:04}"),
                "Look up a record by its name and return at most the given number of matches.",
                schema.as_object().cloned().unwrap_or_default(),
            );
            router.add_route(ToolRoute::new_dyn(tool, |_| {
                Box::pin(async {
                    Ok(CallToolResult::success(vec![ContentBlock::text("nothing")]).into())
                })
            }));
        }
        let big =
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_\n".repeat(1 << 14);
        Self(Arc::new(Shared { router, big }))
    }
}

impl ServerHandler for Peer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0
            .router
            .call(ToolCallContext::new(self, request, context))
            .await
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let hints = context
            .protocol_version()
            .is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
        Ok(ListToolsResult {
            result_type: Some(ResultType::COMPLETE),
            tools: self.0.router.list_all(),
            ttl_ms: hints.then_some(0),
            cache_scope: hints.then_some(CacheScope::Public),
            ..ListToolsResult::default()
        })
    }
}

async fn http(addr: SocketAddr, peer: Peer, sessions: bool) -> io::Result<()> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(sessions)
        .with_json_response(!sessions)
        .with_sse_keep_alive(None);
    let service = StreamableHttpService::new(
        move || Ok(peer.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let listener = tokio::net::TcpListener::bind(addr).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn stdio(peer: Peer, pipes: bool) -> Result<(), Box<dyn std::error::Error>> {
    if pipes {
        peer.serve(rmcp::transport::io::stdio_pipes())
            .await?
            .waiting()
            .await?;
    } else {
        peer.serve(rmcp::transport::io::stdio())
            .await?
            .waiting()
            .await?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (mut addr, mut tools, mut sessions, mut pipes) = (None, 2, false, false);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--http" => addr = Some(args.next().ok_or("--http ADDR")?.parse()?),
            "--tools" => tools = args.next().ok_or("--tools N")?.parse()?,
            "--sessions" => sessions = true,
            "--pipes" => pipes = true,
            "--stdio" => {}
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let peer = Peer::new(tools);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match addr {
        Some(addr) => runtime.block_on(http(addr, peer, sessions))?,
        None => runtime.block_on(stdio(peer, pipes))?,
    }
    Ok(())
}
