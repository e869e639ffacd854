//! A client that writes and reads JSON by hand, and keeps account of what it sees.

use std::collections::BTreeSet;
use std::sync::Arc;

use wharf::protocol::Revision;
use wharf::protocol::method::Method;
use wharf_schemas::Spec;

use crate::wire::socket::Socket;
use crate::wire::sse::Sse;
use crate::wire::{Line, Post, Served, Stream, Value, json, legacy, modern, serve};
use crate::{answers, server};

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A process of its own.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE.
    Sse,
    WebSocket,
}

impl Transport {
    /// Every revision is spoken over all of them: how a message travels is not the revision's.
    pub const ALL: [Self; 4] = [Self::Stdio, Self::Http, Self::Sse, Self::WebSocket];

    /// Methods of a revision that have no use over this transport.
    pub fn lacks(self, method: Method, revision: Revision) -> bool {
        // There the end of a request's stream cancels it.
        self == Self::Http && revision.is_modern() && method == Method::Cancelled
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Record {
    pub seen: BTreeSet<Method>,
    pub messages: usize,
    pub faults: Vec<String>,
}

impl Record {
    fn saw(&mut self, method: &str) {
        let method = Method::parse(method).unwrap_or_else(|| panic!("`{method}` is no method"));
        self.seen.insert(method);
    }

    fn check(&mut self, spec: &Spec, message: &Value, answers: Option<&str>) {
        self.messages += 1;
        if let Some(method) = message["method"].as_str() {
            self.saw(method);
        }
        for fault in spec.message_faults(message, answers) {
            let about = answers.unwrap_or_default();
            self.faults
                .push(format!("{about}: {fault}\n        in {message}"));
        }
    }
}

enum Via {
    Channel(Box<Channel>),
    Http {
        served: Served,
        session: Option<String>,
        notices: Option<Box<Stream>>,
    },
}

/// Messages in both directions, and all that belongs together on one way.
enum Channel {
    Stdio(Line),
    Sse(Served, Sse),
    WebSocket(Served, Socket),
}

impl Channel {
    async fn send(&mut self, text: &str) {
        if let Some(refusal) = self.send_raw(text).await {
            panic!("{text} was refused: {refusal}");
        }
    }

    /// Sends what need not be a message; gives the answer of the transport itself, if it has one.
    async fn send_raw(&mut self, text: &str) -> Option<Value> {
        match self {
            Self::Stdio(line) => line.send_line(text).await,
            Self::WebSocket(_, socket) => socket.send_text(text).await,
            Self::Sse(_, sse) => {
                let answer = sse.send_raw(text).await;
                return (answer.status != 202).then(|| answer.json());
            }
        }
        None
    }

    async fn next(&mut self) -> Value {
        match self {
            Self::Stdio(line) => line.expect().await,
            Self::WebSocket(_, socket) => socket.expect().await,
            Self::Sse(_, sse) => sse.stream.expect().await,
        }
    }

    /// Ends the connection as a client does; gives what the server still says.
    async fn close(self) -> Vec<Value> {
        let mut rest = Vec::new();
        match self {
            Self::Stdio(mut line) => {
                line.hang_up().await;
                while let Some(message) = line.message().await {
                    rest.push(message);
                }
                line.ended().await;
            }
            Self::WebSocket(served, socket) => {
                drop(socket);
                stop(served).await;
            }
            Self::Sse(served, sse) => {
                drop(sse);
                stop(served).await;
            }
        }
        rest
    }
}

async fn stop(mut served: Served) {
    served.tell_to_stop();
    served.stopped().await;
}

pub struct Client {
    pub revision: Revision,
    pub transport: Transport,
    /// What the client says that it can do.
    pub capabilities: Value,
    /// Whether asks are answered.
    pub answers: bool,
    /// More members of `_meta` in every request.
    pub meta: Value,
    pub record: Record,
    spec: Arc<Spec>,
    via: Via,
    next: i64,
    /// Notifications and asks of the server since the last request was sent.
    pub heard: Vec<Value>,
}

impl Client {
    /// Starts a server, and opens a session where the revision has them.
    pub async fn open(revision: Revision, transport: Transport, spec: Arc<Spec>) -> Self {
        let via = match transport {
            Transport::Stdio => {
                let program = std::env::current_exe().unwrap();
                let mut command = tokio::process::Command::new(program);
                command.arg("--stdio").stderr(std::process::Stdio::null());
                Via::Channel(Box::new(Channel::Stdio(Line::child(&mut command))))
            }
            Transport::Sse => {
                let served = serve(server::server()).await;
                let sse = Sse::open(&served).await;
                Via::Channel(Box::new(Channel::Sse(served, sse)))
            }
            Transport::WebSocket => {
                let served = serve(server::server()).await;
                let socket = Socket::open(&served).await;
                Via::Channel(Box::new(Channel::WebSocket(served, socket)))
            }
            Transport::Http => Via::Http {
                served: serve(server::server()).await,
                session: None,
                notices: None,
            },
        };
        Self {
            revision,
            transport,
            capabilities: everything(revision),
            answers: true,
            meta: json!({}),
            record: Record::default(),
            spec,
            via,
            next: 0,
            heard: Vec::new(),
        }
    }

    pub fn has(&self, method: Method) -> bool {
        method.is_in(self.revision)
    }

    fn saw(&mut self, method: &str) {
        self.record.saw(method);
    }

    // --- requests --------------------------------------------------------------------------------

    /// Sends a request and gives its result.
    #[track_caller]
    pub fn ask(&mut self, method: &str, params: Value) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let response = self.request(method, params).await;
            let result = response.get("result");
            result
                .unwrap_or_else(|| panic!("no result at {caller}: {response}"))
                .clone()
        }
    }

    /// Sends a request and gives the code of its error.
    #[track_caller]
    pub fn refused(&mut self, method: &str, params: Value) -> impl Future<Output = i64> {
        let caller = std::panic::Location::caller();
        async move {
            let response = self.request(method, params).await;
            let code = response["error"]["code"].as_i64();
            code.unwrap_or_else(|| panic!("no error at {caller}: {response}"))
        }
    }

    pub async fn call(&mut self, tool: &str) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": {}}))
            .await
    }

    /// Sends a request, answers what it asks for, and gives the response.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        self.heard.clear();
        let mut sent = params.clone();
        loop {
            let response = self.one_request(method, sent).await;
            let result = &response["result"];
            if result["resultType"] != "input_required" {
                return response;
            }
            let asks = result["inputRequests"].as_object().unwrap().clone();
            let mut responses = json!({});
            for (key, ask) in &asks {
                self.saw(ask["method"].as_str().unwrap());
                responses[key] = answers::answer(ask);
                self.heard.push(ask.clone());
            }
            sent = params.clone();
            sent["inputResponses"] = responses;
            sent["requestState"] = result["requestState"].clone();
        }
    }

    async fn one_request(&mut self, method: &str, params: Value) -> Value {
        let message = self.message(method, params);
        if Method::parse(method).is_some_and(|method| self.has(method)) {
            self.saw(method);
        }
        let id = message["id"].clone();
        if let Via::Channel(channel) = &mut self.via {
            channel.send(&message.to_string()).await;
            loop {
                let message = self.next().await;
                if let Some(response) = self.take(message, &id, method).await {
                    return response;
                }
            }
        }
        let post = self.post(&message, method);
        match self.send(&post).await {
            Err(answer) => {
                let session = answer.header("mcp-session-id").map(str::to_owned);
                let response = self.take(answer.json(), &id, method).await.unwrap();
                if let (Via::Http { session: place, .. }, Some(session)) = (&mut self.via, session)
                {
                    *place = Some(session);
                }
                response
            }
            Ok(mut stream) => loop {
                let message = stream.expect().await;
                if let Some(response) = self.take(message, &id, method).await {
                    assert_eq!(stream.message().await, None, "after the response");
                    return response;
                }
            },
        }
    }

    /// A request as this client writes it.
    fn message(&mut self, method: &str, mut params: Value) -> Value {
        self.next += 1;
        let mut meta = self.meta.clone();
        if self.revision.is_modern() {
            for (key, value) in modern::meta(self.capabilities.clone()).as_object().unwrap() {
                meta[key] = value.clone();
            }
        }
        if meta != json!({}) {
            params["_meta"] = meta;
        }
        json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})
    }

    /// Sends a request without waiting for anything; gives its id, and over HTTP the stream.
    pub async fn start(&mut self, method: &str, params: Value) -> (Value, Option<Box<Stream>>) {
        let message = self.message(method, params);
        self.saw(method);
        let id = message["id"].clone();
        if let Via::Channel(channel) = &mut self.via {
            channel.send(&message.to_string()).await;
            return (id, None);
        }
        let post = self.post(&message, method);
        match self.send(&post).await {
            Ok(stream) => (id, Some(Box::new(stream))),
            Err(answer) => panic!("no stream: {answer:?}"),
        }
    }

    /// Sends bytes that are no good message; gives what comes back.
    pub async fn raw(&mut self, bytes: &str) -> Value {
        if let Via::Channel(channel) = &mut self.via {
            let message = match channel.send_raw(bytes).await {
                Some(refusal) => refusal,
                None => channel.next().await,
            };
            self.check(&message, None);
            return message;
        }
        let post = self.with_headers(Post::new(bytes), "tools/list");
        let answer = self.send(&post).await.err().expect("no stream").json();
        self.check(&answer, None);
        answer
    }

    /// Sends several messages at once; gives the responses.
    pub async fn batch(&mut self, messages: Value, methods: &[(i64, &str)]) -> Vec<Value> {
        let answers = if let Via::Channel(channel) = &mut self.via {
            channel.send(&messages.to_string()).await;
            channel.next().await
        } else {
            let post = self.with_headers(Post::new(messages.to_string()), "");
            self.send(&post).await.err().expect("no stream").json()
        };
        let answers = answers.as_array().expect("an array").clone();
        for answer in &answers {
            let method = methods.iter().find(|(id, _)| answer["id"] == *id);
            self.check(answer, method.map(|(_, method)| *method));
        }
        answers
    }

    pub async fn notify(&mut self, method: &str, params: Value) {
        self.saw(method);
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        if let Via::Channel(channel) = &mut self.via {
            return channel.send(&message.to_string()).await;
        }
        let post = self.post(&message, method);
        let answer = self.send(&post).await.err().expect("no stream");
        assert_eq!((answer.status, answer.body.len()), (202, 0), "{method}");
    }

    // --- what the server says --------------------------------------------------------------------

    async fn next(&mut self) -> Value {
        match &mut self.via {
            Via::Channel(channel) => channel.next().await,
            Via::Http { .. } => panic!("not over a channel"),
        }
    }

    /// Takes in a message; gives it back if it is the response that is waited for.
    async fn take(&mut self, message: Value, id: &Value, method: &str) -> Option<Value> {
        let is_response = message.get("method").is_none();
        assert!(
            !is_response || message["id"] == *id,
            "the response to another request: {message}"
        );
        self.check(&message, Some(method));
        if is_response {
            return Some(message);
        }
        self.heard.push(message.clone());
        if message.get("id").is_some() && self.answers {
            let result = answers::answer(&message);
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
            self.answer(&answer).await;
        }
        None
    }

    async fn answer(&mut self, answer: &Value) {
        if let Via::Channel(channel) = &mut self.via {
            return channel.send(&answer.to_string()).await;
        }
        let post = self.with_headers(Post::new(answer.to_string()), "");
        let taken = self.send(&post).await.err().expect("no stream");
        assert_eq!(taken.status, 202, "{taken:?}");
    }

    /// Takes a message from a stream that was opened before; over a channel from that.
    pub async fn hear(&mut self, stream: Option<&mut Stream>) -> Value {
        let message = match (stream, &mut self.via) {
            (Some(stream), _) => stream.expect().await,
            (None, Via::Channel(channel)) => channel.next().await,
            (None, Via::Http { notices, .. }) => {
                notices
                    .as_mut()
                    .expect("a stream of notices")
                    .expect()
                    .await
            }
        };
        self.check(&message, None);
        message
    }

    /// Waits for a notification; what comes before it is looked at too.
    pub async fn wait_for(&mut self, method: &str, mut stream: Option<&mut Stream>) -> Value {
        let heard = self
            .heard
            .iter()
            .position(|message| message["method"] == method);
        if let Some(place) = heard {
            return self.heard.remove(place);
        }
        loop {
            let message = self.hear(stream.as_deref_mut()).await;
            if message["method"] == method {
                return message;
            }
        }
    }

    /// Judges a message by the revision's schema.
    pub fn check(&mut self, message: &Value, answers: Option<&str>) {
        self.record.check(&self.spec, message, answers);
    }

    // --- over HTTP -------------------------------------------------------------------------------

    fn post(&self, message: &Value, method: &str) -> Post {
        let post = self.with_headers(Post::new(message.to_string()), method);
        let params = &message["params"];
        let name = match method {
            "tools/call" | "prompts/get" => params["name"].as_str(),
            "resources/read" => params["uri"].as_str(),
            "tasks/get" | "tasks/update" | "tasks/cancel" => params["taskId"].as_str(),
            _ => None,
        };
        match name.filter(|_| self.revision.is_modern()) {
            Some(name) => post.header("mcp-name", name),
            None => post,
        }
    }

    fn with_headers(&self, post: Post, method: &str) -> Post {
        let Via::Http { session, .. } = &self.via else {
            panic!("not over HTTP");
        };
        if self.revision.is_modern() {
            return modern::headers(post, method);
        }
        let post = match session {
            Some(session) => post.header("mcp-session-id", session),
            None => return post,
        };
        // Clients before 2025-06-18 know no such header.
        if self.revision >= Revision::V2025_06_18 {
            return post.header("mcp-protocol-version", self.revision.as_str());
        }
        post
    }

    async fn send(&mut self, post: &Post) -> Result<Stream, crate::wire::Answer> {
        let Via::Http { served, .. } = &self.via else {
            panic!("not over HTTP");
        };
        let mut wire = served.wire().await;
        wire.send(&post.bytes(served.addr)).await;
        wire.reply().await
    }

    /// Begins to listen for notices that belong to no request.
    pub async fn listen(&mut self) {
        if self.transport == Transport::Http {
            let get =
                self.with_headers(Post::bare("GET").header("accept", "text/event-stream"), "");
            let stream = self
                .send(&get)
                .await
                .unwrap_or_else(|answer| panic!("{answer:?}"));
            if let Via::Http { notices, .. } = &mut self.via {
                *notices = Some(Box::new(stream));
            }
        }
    }

    /// Ends the session and the server; gives what was seen.
    pub async fn close(mut self) -> Record {
        if self.transport == Transport::Http && !self.revision.is_modern() {
            let delete = self.with_headers(Post::bare("DELETE"), "");
            let answer = self.send(&delete).await.err().expect("no stream");
            assert_eq!(answer.status, 204);
        }
        let Self {
            spec,
            mut record,
            via,
            ..
        } = self;
        match via {
            Via::Channel(channel) => {
                // What is still open is answered at the end.
                for message in channel.close().await {
                    record.check(&spec, &message, Some("subscriptions/listen"));
                }
            }
            Via::Http { served, .. } => stop(served).await,
        }
        record
    }
}

/// All that clients of a revision can say that they can do; of later ones too, as many clients do.
fn everything(_: Revision) -> Value {
    json!({
        "elicitation": {"form": {}, "url": {}},
        "sampling": {"context": {}, "tools": {}},
        "roots": {"listChanged": true},
        "tasks": {"list": {}, "cancel": {}},
        "extensions": {"io.modelcontextprotocol/tasks": {}},
        "experimental": {},
    })
}

/// The body of `initialize`.
pub fn initialize(client: &Client) -> Value {
    let revision = client.revision.as_str();
    legacy::initialize(revision, client.capabilities.clone())["params"].clone()
}
