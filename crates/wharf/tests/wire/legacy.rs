//! Sessions of the handshake revisions over HTTP.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::http::{Answer, Post, Served, Stream};

pub const VERSION: &str = "2025-11-25";

pub fn initialize(revision: &str, capabilities: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": revision,
        "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

/// A client with a session.
pub struct Legacy<'s> {
    pub served: &'s Served,
    pub session: String,
    pub revision: String,
    pub token: Option<&'static str>,
    next: AtomicI64,
}

impl<'s> Legacy<'s> {
    pub async fn open(served: &'s Served) -> Self {
        Self::open_as(served, VERSION, json!({}), None).await
    }

    pub async fn open_as(
        served: &'s Served,
        revision: &str,
        capabilities: Value,
        token: Option<&'static str>,
    ) -> Self {
        let body = initialize(revision, capabilities).to_string();
        let answer = served.ask(&Post::new(body).bearer(token)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.result()["protocolVersion"], revision);
        let session = answer.header("mcp-session-id").expect("a session");
        let client = Self {
            served,
            session: session.to_owned(),
            revision: revision.to_owned(),
            token,
            next: AtomicI64::new(1000),
        };
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(client.send(ready).await.status, 202);
        client
    }

    /// The same client, come back to another server.
    pub fn at<'n>(&self, served: &'n Served) -> Legacy<'n> {
        self.as_caller(served, self.token)
    }

    /// Somebody else who knows the session's id.
    pub fn as_caller<'n>(&self, served: &'n Served, token: Option<&'static str>) -> Legacy<'n> {
        Legacy {
            served,
            session: self.session.clone(),
            revision: self.revision.clone(),
            token,
            next: AtomicI64::new(self.next.load(Ordering::Relaxed) + 1000),
        }
    }

    pub fn with_headers(&self, post: Post) -> Post {
        post.header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", &self.revision)
            .bearer(self.token)
    }

    /// Any message of this session's client.
    pub fn post(&self, message: Value) -> Post {
        self.with_headers(Post::new(message.to_string()))
    }

    pub fn request(&self, method: &str, params: Value) -> Post {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.post(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    pub fn tool(&self, id: impl Into<Value>, tool: &str, arguments: Value) -> Post {
        self.post(
            json!({"jsonrpc": "2.0", "id": id.into(), "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}}}),
        )
    }

    pub async fn send(&self, message: Value) -> Answer {
        self.served.ask(&self.post(message)).await
    }

    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        self.served.ask(&self.request(method, params)).await
    }

    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({"name": tool, "arguments": arguments});
        self.ask("tools/call", params).await
    }

    pub async fn answer(&self, ask: &Value, result: Value) -> Answer {
        self.send(json!({"jsonrpc": "2.0", "id": ask["id"], "result": result}))
            .await
    }

    pub fn get(&self, last_event: Option<&str>) -> Post {
        let get = self.with_headers(Post::bare("GET").header("accept", "text/event-stream"));
        match last_event {
            Some(id) => get.header("last-event-id", id),
            None => get,
        }
    }

    pub async fn listen(&self) -> Stream {
        self.served.stream(&self.get(None)).await
    }

    pub async fn resume(&self, last_event: &str) -> Stream {
        self.served.stream(&self.get(Some(last_event))).await
    }

    pub async fn delete(&self) -> Answer {
        let delete = self.with_headers(Post::bare("DELETE"));
        self.served.ask(&delete).await
    }
}
