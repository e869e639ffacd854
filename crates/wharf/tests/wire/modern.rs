//! Requests of 2026-07-28 over HTTP.

use serde_json::{Map, Value, json};

use super::http::{Answer, Post, Served, Stream};

pub const VERSION: &str = "2026-07-28";

/// The `_meta` that every modern request carries.
pub fn meta(capabilities: Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    })
}

/// A client of 2026-07-28.
#[derive(Clone)]
pub struct Modern<'s> {
    pub served: &'s Served,
    pub capabilities: Value,
    pub token: Option<&'static str>,
    /// More members of `_meta`.
    pub more: Map<String, Value>,
}

impl<'s> Modern<'s> {
    pub fn new(served: &'s Served) -> Self {
        Self {
            served,
            capabilities: json!({}),
            token: None,
            more: Map::new(),
        }
    }

    pub fn able(mut self, capabilities: Value) -> Self {
        self.capabilities = capabilities;
        self
    }

    pub fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    pub fn meta(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.more.insert(key.into(), value.into());
        self
    }

    /// The body of a request.
    pub fn body(&self, id: impl Into<Value>, method: &str, mut params: Value) -> Value {
        let mut meta = meta(self.capabilities.clone());
        for (key, value) in &self.more {
            meta[key] = value.clone();
        }
        params["_meta"] = meta;
        json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
    }

    /// A request with the headers that belong to it.
    pub fn post(&self, id: impl Into<Value>, method: &str, params: Value) -> Post {
        let name = match method {
            "tools/call" | "prompts/get" => params["name"].as_str(),
            "resources/read" => params["uri"].as_str(),
            "tasks/get" | "tasks/update" | "tasks/cancel" => params["taskId"].as_str(),
            _ => None,
        }
        .map(str::to_owned);
        let post = headers(Post::new(self.body(id, method, params).to_string()), method);
        let post = match name {
            Some(name) => post.header("mcp-name", name),
            None => post,
        };
        post.bearer(self.token)
    }

    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        self.served.ask(&self.post(1, method, params)).await
    }

    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({"name": tool, "arguments": arguments});
        self.ask("tools/call", params).await
    }

    pub async fn stream(&self, method: &str, params: Value) -> Stream {
        self.served.stream(&self.post(1, method, params)).await
    }
}

/// The headers that every modern request has.
pub fn headers(post: Post, method: &str) -> Post {
    post.header("mcp-protocol-version", VERSION)
        .header("mcp-method", method)
}
