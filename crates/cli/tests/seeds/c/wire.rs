//! A client of 2024-11-05 that knows JSON and its two transports, and nothing that we wrote.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use wharf_schemas::Spec;

use crate::support::Process;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A way to a server and back.
pub trait Wire {
    fn send(&mut self, message: &Value);
    fn next(&mut self) -> Value;
}

/// A server started as a host starts it.
impl Wire for Process {
    fn send(&mut self, message: &Value) {
        Process::send(self, message);
    }

    fn next(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line:?}"))
    }
}

/// Lines over a socket.
pub struct Lines {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Lines {
    pub fn open(to: SocketAddr) -> Self {
        let writer = TcpStream::connect(to).expect("connected");
        writer.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let reader = BufReader::new(writer.try_clone().expect("the same socket"));
        Self { reader, writer }
    }
}

impl Wire for Lines {
    fn send(&mut self, message: &Value) {
        writeln!(self.writer, "{message}").expect("written");
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line:?}"))
    }
}

/// HTTP+SSE: a stream of events, and an address to post to.
pub struct Sse {
    to: SocketAddr,
    /// The path that the stream named.
    endpoint: String,
    events: Receiver<(String, String)>,
}

impl Sse {
    pub fn open(to: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(to).expect("connected");
        // HTTP/1.0, so that the body comes as it is, without chunks.
        write!(
            stream,
            "GET /sse HTTP/1.0\r\nHost: {to}\r\nAccept: text/event-stream\r\n\r\n"
        )
        .expect("sent");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        assert!(head[0].ends_with("200 OK"), "{head:?}");
        let is_stream = |line: &String| {
            line.to_ascii_lowercase()
                .starts_with("content-type: text/event-stream")
        };
        assert!(head.iter().any(is_stream), "{head:?}");
        let (tell, events) = channel();
        std::thread::spawn(move || {
            let (mut event, mut data) = (String::new(), Vec::new());
            for line in lines {
                if let Some(text) = line.strip_prefix("event:") {
                    event = text.trim().to_owned();
                } else if let Some(text) = line.strip_prefix("data:") {
                    data.push(text.trim_start().to_owned());
                } else if line.is_empty() && !data.is_empty() {
                    let whole = (std::mem::take(&mut event), data.join("\n"));
                    data.clear();
                    if tell.send(whole).is_err() {
                        return;
                    }
                }
            }
        });
        let (event, endpoint) = events.recv_timeout(PATIENCE).expect("where to post to");
        assert_eq!(event, "endpoint", "it is the first event");
        assert!(endpoint.starts_with('/'), "{endpoint}");
        Self {
            to,
            endpoint,
            events,
        }
    }
}

impl Wire for Sse {
    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let mut stream = TcpStream::connect(self.to).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        write!(
            stream,
            "POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.endpoint,
            self.to,
            body.len()
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }

    fn next(&mut self) -> Value {
        let (event, data) = self.events.recv_timeout(PATIENCE).expect("an event");
        assert_eq!(event, "message");
        serde_json::from_str(&data).unwrap_or_else(|_| panic!("no JSON: {data:?}"))
    }
}

/// A client. Every message of the server is held against the schema of 2024-11-05, where there is
/// one at hand: what it does not name must not be there.
pub struct Client<W> {
    wire: W,
    id: u64,
    spec: Option<Spec>,
    /// What was heard beside answers.
    pub heard: Vec<Value>,
    /// Answers what the server asks.
    pub answers: fn(&str) -> Value,
}

impl<W: Wire> Client<W> {
    /// Opens a session.
    pub fn open(wire: W, capabilities: Value) -> (Self, Value) {
        let spec = wharf_schemas::folder().map(|folder| Spec::read(&folder, "2024-11-05"));
        let mut this = Self {
            wire,
            id: 0,
            spec,
            heard: Vec::new(),
            answers: |method| panic!("asked {method}"),
        };
        let hello = this.ask(
            "initialize",
            json!({"protocolVersion": "2024-11-05", "capabilities": capabilities,
                "clientInfo": {"name": "by hand", "version": "1"}}),
        );
        this.tell("notifications/initialized", json!({}));
        (this, hello)
    }

    fn check(&self, definition: &str, value: &Value) {
        let Some(spec) = &self.spec else { return };
        let pointer = spec.find(&[definition]).expect(definition);
        let faults = spec.faults(&pointer, value);
        assert!(faults.is_empty(), "{definition}: {faults:#?}\n{value:#}");
    }

    pub fn tell(&mut self, method: &str, params: Value) {
        let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.wire.send(&message);
    }

    /// Sends a request and gives its id.
    pub fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.id += 1;
        let id = self.id;
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.wire.send(&message);
        id
    }

    /// The answer to a request.
    pub fn end(&mut self, id: u64) -> Value {
        loop {
            let message = self.wire.next();
            assert_eq!(message["jsonrpc"], "2.0", "{message}");
            if message.get("method").is_none() {
                assert_eq!(message["id"], id, "{message}");
                return message;
            }
            self.take(message);
        }
    }

    fn take(&mut self, message: Value) {
        let method = message["method"].as_str().expect("a method").to_owned();
        let definition = match method.as_str() {
            "notifications/message" => "LoggingMessageNotification",
            "notifications/progress" => "ProgressNotification",
            "notifications/resources/list_changed" => "ResourceListChangedNotification",
            "notifications/resources/updated" => "ResourceUpdatedNotification",
            "sampling/createMessage" => "CreateMessageRequest",
            "roots/list" => "ListRootsRequest",
            other => panic!("{other} is nothing of this revision's, or nothing that is expected"),
        };
        match message.get("id").cloned() {
            None => {
                let mut plain = message.clone();
                plain.as_object_mut().expect("an object").remove("jsonrpc");
                self.check(definition, &plain);
                self.heard.push(message);
            }
            Some(id) => {
                let mut plain = message.clone();
                let members = plain.as_object_mut().expect("an object");
                members.remove("jsonrpc");
                members.remove("id");
                self.check(definition, &plain);
                let answer = (self.answers)(&method);
                self.heard.push(message);
                self.wire
                    .send(&json!({"jsonrpc": "2.0", "id": id, "result": answer}));
            }
        }
    }

    /// The result of a request.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        let answer = self.end(id);
        let result = answer
            .get("result")
            .unwrap_or_else(|| panic!("{method}: {answer}"));
        let definition = match method {
            "initialize" => "InitializeResult",
            "tools/list" => "ListToolsResult",
            "tools/call" => "CallToolResult",
            "resources/list" => "ListResourcesResult",
            "resources/templates/list" => "ListResourceTemplatesResult",
            "resources/read" => "ReadResourceResult",
            "prompts/list" => "ListPromptsResult",
            "prompts/get" => "GetPromptResult",
            "completion/complete" => "CompleteResult",
            _ => {
                assert_eq!(*result, json!({}), "{method}");
                "EmptyResult"
            }
        };
        self.check(definition, result);
        result.clone()
    }

    /// The error that a request comes to: its code and its data.
    pub fn refused(&mut self, method: &str, params: Value) -> (i64, Value) {
        let id = self.begin(method, params);
        let answer = self.end(id);
        self.check("JSONRPCError", &answer);
        let code = answer["error"]["code"].as_i64().expect("a code");
        (code, answer["error"]["data"].clone())
    }

    pub fn tool(&mut self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": name, "arguments": arguments}))
    }

    /// The methods of what was heard since the last time, after a while for what is on its way.
    pub fn notices(&mut self) -> Vec<String> {
        self.ask("ping", json!({}));
        std::thread::sleep(Duration::from_millis(200));
        self.ask("ping", json!({}));
        let heard = std::mem::take(&mut self.heard);
        let method = |message: &Value| message["method"].as_str().map(str::to_owned);
        heard.iter().filter_map(method).collect()
    }

    /// All of a list, page by page; and how many pages there were.
    pub fn all(&mut self, method: &str, member: &str) -> (Vec<Value>, usize) {
        let (mut all, mut params, mut pages) = (Vec::new(), json!({}), 0);
        loop {
            let page = self.ask(method, params.clone());
            all.extend(page[member].as_array().expect("a list").clone());
            pages += 1;
            match page.get("nextCursor") {
                Some(cursor) => params["cursor"] = cursor.clone(),
                None => return (all, pages),
            }
        }
    }
}
