//! One client for both eras over every transport, for what must be the same everywhere.

use serde_json::{Value, json};
use wharf::Server;

use super::http::{Answer, Post, Served, Wire, serve};
use super::line::Line;
use super::{Socket, Sse, legacy, modern};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    LegacyLine,
    ModernLine,
    LegacyHttp,
    ModernHttp,
    LegacySse,
    ModernSse,
    LegacySocket,
    ModernSocket,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::LegacyLine,
        Self::ModernLine,
        Self::LegacyHttp,
        Self::ModernHttp,
        Self::LegacySse,
        Self::ModernSse,
        Self::LegacySocket,
        Self::ModernSocket,
    ];

    pub fn is_modern(self) -> bool {
        matches!(
            self,
            Self::ModernLine | Self::ModernHttp | Self::ModernSse | Self::ModernSocket
        )
    }

    /// Over Streamable HTTP.
    pub fn is_http(self) -> bool {
        matches!(self, Self::LegacyHttp | Self::ModernHttp)
    }
}

enum Via {
    Line(Box<Line>),
    Http(Box<Http>),
    Sse(Served, Box<Sse>),
    Socket(Served, Box<Socket>),
}

struct Http {
    served: Served,
    wire: Wire,
    session: Option<String>,
}

pub struct Peer {
    pub kind: Kind,
    capabilities: Value,
    via: Via,
    next: i64,
    /// Messages that came before the last response.
    pub before: Vec<Value>,
}

/// A response, with its status over HTTP.
#[derive(Debug)]
pub struct Reply {
    pub status: Option<u16>,
    pub message: Value,
}

impl Reply {
    #[track_caller]
    pub fn result(&self) -> &Value {
        assert!(self.message.get("result").is_some(), "{self:?}");
        &self.message["result"]
    }

    #[track_caller]
    pub fn code(&self) -> i64 {
        self.message["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {self:?}"))
    }
}

impl Peer {
    pub async fn open(kind: Kind, server: Server) -> Self {
        Self::open_as(kind, server, super::all_capabilities()).await
    }

    pub async fn open_as(kind: Kind, server: Server, capabilities: Value) -> Self {
        let via = if matches!(kind, Kind::LegacySse | Kind::ModernSse) {
            let served = serve(server).await;
            let mut sse = Sse::open(&served).await;
            if !kind.is_modern() {
                sse.initialize(legacy::VERSION, capabilities.clone()).await;
            }
            Via::Sse(served, Box::new(sse))
        } else if matches!(kind, Kind::LegacySocket | Kind::ModernSocket) {
            let served = serve(server).await;
            let mut socket = Socket::open(&served).await;
            if !kind.is_modern() {
                let able = capabilities.clone();
                socket.initialize(legacy::VERSION, able).await;
            }
            Via::Socket(served, Box::new(socket))
        } else if kind.is_http() {
            let served = serve(server).await;
            let mut wire = served.wire().await;
            let mut session = None;
            if !kind.is_modern() {
                let body = legacy::initialize(legacy::VERSION, capabilities.clone());
                let answer = wire.ask(&Post::new(body.to_string())).await;
                session = answer.header("mcp-session-id").map(str::to_owned);
                assert!(session.is_some());
            }
            Via::Http(Box::new(Http {
                served,
                wire,
                session,
            }))
        } else {
            let mut line = Line::unix(server);
            if !kind.is_modern() {
                line.initialize(legacy::VERSION, capabilities.clone()).await;
            }
            Via::Line(Box::new(line))
        };
        Self {
            kind,
            capabilities,
            via,
            next: 100,
            before: Vec::new(),
        }
    }

    /// A request as this kind of client writes it.
    pub fn request_body(&mut self, method: &str, mut params: Value) -> Value {
        self.next += 1;
        if self.kind.is_modern() && params.is_object() {
            let mut meta = modern::meta(self.capabilities.clone());
            if let Some(more) = params["_meta"].as_object() {
                for (key, value) in more {
                    meta[key] = value.clone();
                }
            }
            params["_meta"] = meta;
        }
        json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})
    }

    pub async fn request(&mut self, method: &str, params: Value) -> Reply {
        let name = params["name"].as_str().or(params["uri"].as_str());
        let name = name.or(params["taskId"].as_str());
        let name = name.map(str::to_owned);
        let body = self.request_body(method, params);
        let id = body["id"].clone();
        self.exchange(&body.to_string(), method, name.as_deref(), Some(&id))
            .await
    }

    pub async fn call(&mut self, tool: &str, arguments: Value) -> Reply {
        let params = json!({"name": tool, "arguments": arguments});
        self.request("tools/call", params).await
    }

    /// Sends bytes that need not be a message; the answer may have no id.
    pub async fn raw(&mut self, body: &str) -> Reply {
        self.exchange(body, "tools/call", Some("add"), None).await
    }

    /// The same, as a message whose headers say what it is.
    pub async fn raw_as(&mut self, body: &str, method: &str, name: Option<&str>) -> Reply {
        self.exchange(body, method, name, None).await
    }

    async fn exchange(
        &mut self,
        body: &str,
        method: &str,
        name: Option<&str>,
        id: Option<&Value>,
    ) -> Reply {
        self.before.clear();
        match &mut self.via {
            Via::Line(line) => {
                line.send_line(body).await;
                let message = match id {
                    Some(id) => line.answer(id).await,
                    None => line.expect().await,
                };
                self.before.append(&mut line.before);
                Reply {
                    status: None,
                    message,
                }
            }
            Via::Sse(_, sse) => {
                let answer = sse.send_raw(body).await;
                if answer.status != 202 {
                    return Reply {
                        status: Some(answer.status),
                        message: answer.json(),
                    };
                }
                let message = match id {
                    Some(id) => sse.answer(id).await,
                    None => sse.stream.expect().await,
                };
                self.before.append(&mut sse.before);
                Reply {
                    status: None,
                    message,
                }
            }
            Via::Socket(_, socket) => {
                socket.send_text(body).await;
                let message = match id {
                    Some(id) => socket.answer(id).await,
                    None => socket.expect().await,
                };
                self.before.append(&mut socket.before);
                Reply {
                    status: None,
                    message,
                }
            }
            Via::Http(http) => {
                let post = http.post(body, method, name);
                let answer = http.ask(&post).await;
                let mut messages = answer.messages();
                let message = messages.pop().expect("a response");
                self.before = messages;
                Reply {
                    status: Some(answer.status),
                    message,
                }
            }
        }
    }

    /// Calls a tool that asks; `answer` gives the result for each ask (`method` and `params`).
    /// Gives the response, and what was asked in each round.
    pub async fn converse(
        &mut self,
        tool: &str,
        arguments: Value,
        mut answer: impl FnMut(&Value) -> Value,
    ) -> (Reply, Vec<Vec<Value>>) {
        let mut rounds: Vec<Vec<Value>> = Vec::new();
        let params = json!({"name": tool, "arguments": arguments});
        if self.kind.is_modern() {
            let mut retry = params.clone();
            loop {
                let reply = self.request("tools/call", retry.clone()).await;
                if reply.message["result"]["resultType"] != "input_required" {
                    return (reply, rounds);
                }
                let result = reply.result();
                let asks = result["inputRequests"].as_object().unwrap();
                rounds.push(asks.values().cloned().collect());
                retry["inputResponses"] = asks
                    .iter()
                    .map(|(key, ask)| (key.clone(), answer(ask)))
                    .collect();
                retry["requestState"] = result["requestState"].clone();
            }
        }
        let body = self.request_body("tools/call", params);
        let id = body["id"].clone();
        match &mut self.via {
            // Connections that carry everything.
            Via::Line(_) | Via::Sse(..) | Via::Socket(..) => {
                self.say(&body).await;
                loop {
                    let message = self.hear().await;
                    if message.get("method").is_none() && message["id"] == id {
                        let reply = Reply {
                            status: None,
                            message,
                        };
                        return (reply, rounds);
                    }
                    if message.get("id").is_some() {
                        let result = answer(&message);
                        rounds.push(vec![message.clone()]);
                        let answer =
                            json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
                        self.say(&answer).await;
                    }
                }
            }
            Via::Http(http) => {
                let post = http.post(&body.to_string(), "tools/call", Some(tool));
                let mut stream = http.served.stream(&post).await;
                loop {
                    let message = stream.expect().await;
                    if message.get("method").is_none() && message["id"] == id {
                        let reply = Reply {
                            status: Some(200),
                            message,
                        };
                        return (reply, rounds);
                    }
                    if message.get("id").is_some() {
                        let result = answer(&message);
                        rounds.push(vec![message.clone()]);
                        let answer =
                            json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
                        let post = http.post(&answer.to_string(), "", None);
                        assert_eq!(http.ask(&post).await.status, 202);
                    }
                }
            }
        }
    }

    /// Sends a message on a connection that carries everything.
    async fn say(&mut self, message: &Value) {
        match &mut self.via {
            Via::Line(line) => line.send(message).await,
            Via::Sse(_, sse) => sse.send(message).await,
            Via::Socket(_, socket) => socket.send(message).await,
            Via::Http(_) => panic!("over HTTP there are requests and answers"),
        }
    }

    async fn hear(&mut self) -> Value {
        match &mut self.via {
            Via::Line(line) => line.expect().await,
            Via::Sse(_, sse) => sse.stream.expect().await,
            Via::Socket(_, socket) => socket.expect().await,
            Via::Http(_) => panic!("over HTTP there are requests and answers"),
        }
    }

    /// Whether the server still answers.
    pub async fn still_answers(&mut self) {
        let reply = self.call("add", json!({"a": 1, "b": 2})).await;
        assert_eq!(super::text(reply.result()), "3", "{reply:?}");
        assert!(matches!(reply.status, None | Some(200)));
    }

    pub fn http(&mut self) -> &Served {
        match &self.via {
            Via::Http(http) => &http.served,
            _ => panic!("not over HTTP"),
        }
    }

    pub fn line(&mut self) -> &mut Line {
        match &mut self.via {
            Via::Line(line) => line,
            _ => panic!("not over a line"),
        }
    }
}

impl Http {
    fn post(&self, body: &str, method: &str, name: Option<&str>) -> Post {
        let post = Post::new(body);
        match &self.session {
            Some(session) => post
                .header("mcp-session-id", session)
                .header("mcp-protocol-version", legacy::VERSION),
            None => {
                let post = modern::headers(post, method);
                match name {
                    Some(name) => post.header("mcp-name", name),
                    None => post,
                }
            }
        }
    }

    /// On the same connection as before, as long as the server keeps it.
    async fn ask(&mut self, post: &Post) -> Answer {
        let answer = self.wire.ask(post).await;
        if answer.header("connection") == Some("close") {
            self.wire = self.served.wire().await;
        }
        answer
    }
}
