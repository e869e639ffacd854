//! A client of HTTP+SSE, the HTTP of 2024-11-05.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http::{Answer, Post, Served, Stream, Wire};

/// A client with its stream.
pub struct Sse {
    pub addr: SocketAddr,
    pub stream: Stream,
    /// Where the stream says to post.
    pub endpoint: String,
    pub token: Option<&'static str>,
    /// Whatever came while something else was waited for.
    pub before: Vec<Value>,
    next: i64,
}

/// The request that opens a stream.
pub fn get() -> Post {
    let mut get = Post::bare("GET").header("accept", "text/event-stream");
    get.target = "/sse".into();
    get
}

/// A message to post, as a client of this transport writes it.
pub fn post(endpoint: &str, body: &str) -> Post {
    let mut post = Post::bare("POST").header("content-type", "application/json");
    post.target = endpoint.into();
    post.body = body.into();
    post
}

impl Sse {
    pub async fn open(served: &Served) -> Self {
        Self::open_as(served, None).await
    }

    pub async fn open_as(served: &Served, token: Option<&'static str>) -> Self {
        let mut stream = served.stream(&get().bearer(token)).await;
        let first = stream.event().await.expect("a first event");
        assert_eq!(first.name.as_deref(), Some("endpoint"), "{first:?}");
        Self {
            addr: served.addr,
            stream,
            endpoint: first.data,
            token,
            before: Vec::new(),
            next: 1,
        }
    }

    /// Opens a session on the stream.
    pub async fn initialize(&mut self, revision: &str, capabilities: Value) -> Value {
        let body = super::legacy::initialize(revision, capabilities);
        self.send(&body).await;
        let opened = self.answer(&json!(0)).await;
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.send(&ready).await;
        opened["result"].clone()
    }

    pub fn post(&self, body: &str) -> Post {
        post(&self.endpoint, body).bearer(self.token)
    }

    /// Posts bytes that need not be a message.
    pub async fn send_raw(&self, body: &str) -> Answer {
        Wire::open(self.addr).await.ask(&self.post(body)).await
    }

    /// Posts a message, which must be taken in.
    pub async fn send(&self, message: &Value) {
        let answer = self.send_raw(&message.to_string()).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        assert_eq!(answer.body, b"");
    }

    /// The response with this id; what comes before it is put aside.
    pub async fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.stream.expect().await;
            if message.get("method").is_none() && message["id"] == *id {
                return message;
            }
            self.before.push(message);
        }
    }

    /// Sends a request and waits for its response.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = json!(self.next);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        self.answer(&id).await
    }

    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments}))
            .await
    }
}
