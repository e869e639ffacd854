//! Clients over a socket: HTTP/1.1 and Server-Sent Events, and nothing that we wrote.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a server listens: `127.0.0.1:8000`.
pub fn address(url: &str) -> SocketAddr {
    let host = url.trim_start_matches("http://").split('/').next();
    host.and_then(|host| host.parse().ok()).expect("an address")
}

/// A response whose body has not been read.
pub struct Response {
    pub status: u16,
    head: Vec<(String, String)>,
    body: Body,
}

struct Body {
    stream: BufReader<TcpStream>,
    /// What is left of a body whose length is known.
    left: Option<usize>,
    /// Bytes of the present chunk that were not read yet.
    chunk: Vec<u8>,
}

/// Sends a request with a connection of its own.
pub fn send(
    to: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Response {
    let mut stream = TcpStream::connect(to).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        let length = body.len();
        head.push_str(&format!(
            "Content-Type: application/json\r\nContent-Length: {length}\r\n"
        ));
    }
    write!(stream, "{head}\r\n{}", body.unwrap_or_default()).expect("sent");
    Response::read(stream)
}

impl Response {
    fn read(stream: TcpStream) -> Self {
        let mut stream = BufReader::new(stream);
        let mut line = || {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a line");
            line.trim_end().to_owned()
        };
        let status = line();
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut head = Vec::new();
        loop {
            let line = line();
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            head.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Self {
            status: status.expect("a status"),
            head,
            body: Body {
                stream,
                left: None,
                chunk: Vec::new(),
            },
        };
        if response.header("transfer-encoding") != Some("chunked") {
            let length = response.header("content-length").unwrap_or("0");
            response.body.left = Some(length.parse().expect("a length"));
        }
        response
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }

    pub fn text(mut self) -> String {
        let mut text = Vec::new();
        while let Some(mut bytes) = self.body.more() {
            text.append(&mut bytes);
        }
        String::from_utf8(text).expect("UTF-8")
    }

    pub fn json(self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
    }

    pub fn events(self) -> Events {
        assert!(self.is_stream(), "{:?}", self.head);
        Events {
            body: self.body,
            buffer: Vec::new(),
        }
    }
}

impl Body {
    /// The next bytes, as they come; `None` at the end.
    fn more(&mut self) -> Option<Vec<u8>> {
        if let Some(left) = self.left.take().filter(|left| *left > 0) {
            let mut bytes = vec![0; left];
            self.stream.read_exact(&mut bytes).expect("the body");
            return Some(bytes);
        }
        if self.left.is_some() || !self.chunk.is_empty() {
            return None;
        }
        let mut size = String::new();
        if self.stream.read_line(&mut size).expect("a chunk") == 0 {
            return None;
        }
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let mut bytes = vec![0; size + 2];
        self.stream.read_exact(&mut bytes).ok()?;
        bytes.truncate(size);
        (size > 0).then_some(bytes)
    }
}

/// An event of a stream.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub data: String,
}

/// A stream of events.
pub struct Events {
    body: Body,
    buffer: Vec<u8>,
}

impl Iterator for Events {
    type Item = Event;

    /// The next event that says something.
    fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).expect("UTF-8");
                let field = |name: &str| {
                    let lines = block.lines().filter_map(|line| line.strip_prefix(name));
                    let values: Vec<&str> = lines.map(|value| value.trim_start()).collect();
                    values.join("\n")
                };
                let (name, data) = (field("event:"), field("data:"));
                if !data.is_empty() {
                    return Some(Event { name, data });
                }
            }
            let mut bytes = self.body.more()?;
            self.buffer.append(&mut bytes);
        }
    }
}

impl Events {
    /// The next message.
    pub fn message(&mut self) -> Value {
        let event = self.next().expect("an event");
        assert_eq!(event.name, "message");
        serde_json::from_str(&event.data).expect("JSON")
    }

    /// The next message with this method; the others are passed over.
    pub fn notice(&mut self, method: &str) -> Value {
        loop {
            let message = self.message();
            if message["method"] == method {
                return message;
            }
        }
    }
}

/// A session.
pub struct Session {
    pub to: SocketAddr,
    pub id: String,
    /// What `initialize` answered.
    pub opened: Value,
    /// Headers of every request, besides the session's id.
    headers: Vec<(String, String)>,
    next: Cell<u64>,
}

impl Session {
    /// As the description has it: no version, no `initialized` notification, and headers only
    /// where they cannot be left out.
    pub fn described(url: &str) -> Self {
        let params = json!({
            "clientInfo": { "name": "by hand", "version": "1.0" },
            "capabilities": { "sampling": {}, "notifications": true },
        });
        Self::open(url, &[], params)
    }

    /// As the specification has it.
    pub fn official(url: &str) -> Self {
        let headers = [
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2025-11-25"),
        ];
        let session = Self::open(url, &headers, official_params());
        session.tell("notifications/initialized", json!({}));
        session
    }

    pub fn open(url: &str, headers: &[(&str, &str)], params: Value) -> Self {
        let to = address(url);
        let request = message(0, "initialize", params).to_string();
        let response = send(to, "POST", "/mcp", headers, Some(&request));
        assert_eq!(response.status, 200);
        let id = response.header("mcp-session-id").expect("an id").to_owned();
        let mut opened = response.json();
        assert_eq!(
            (&opened["jsonrpc"], &opened["id"]),
            (&json!("2.0"), &json!(0))
        );
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            to,
            id,
            opened: opened["result"].take(),
            headers: headers.iter().map(owned).collect(),
            next: Cell::new(1),
        }
    }

    pub fn headers(&self) -> Vec<(&str, &str)> {
        let own = self.headers.iter();
        let own = own.map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain([("Mcp-Session-Id", self.id.as_str())]).collect()
    }

    /// Posts a request; its id and the response.
    pub fn post(&self, method: &str, params: Value) -> (u64, Response) {
        let id = self.next.replace(self.next.get() + 1);
        let request = message(id, method, params).to_string();
        let response = send(self.to, "POST", "/mcp", &self.headers(), Some(&request));
        (id, response)
    }

    pub fn tell(&self, method: &str, params: Value) {
        let notice = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        let notice = notice.to_string();
        let response = send(self.to, "POST", "/mcp", &self.headers(), Some(&notice));
        assert_eq!(response.status, 202);
    }

    /// Asks, and gives what was said before the answer, and the answer.
    pub fn listen(&self, method: &str, params: Value) -> (Vec<Value>, Value) {
        let (id, response) = self.post(method, params);
        if !response.is_stream() {
            let answer = response.json();
            assert_eq!(answer["id"], id, "{answer}");
            return (Vec::new(), answer);
        }
        let (mut events, mut said) = (response.events(), Vec::new());
        loop {
            let message = events.message();
            if message["id"] == id && message.get("method").is_none() {
                return (said, message);
            }
            said.push(message);
        }
    }

    /// Asks, and gives the result.
    pub fn ask(&self, method: &str, params: Value) -> Value {
        let (_, mut answer) = self.listen(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Asks, and gives the code of the error.
    pub fn refused(&self, method: &str, params: Value) -> i64 {
        let (_, answer) = self.listen(method, params);
        let code = answer["error"]["code"].as_i64();
        code.unwrap_or_else(|| panic!("{method}: no error: {answer}"))
    }

    /// The stream of the session, named by the header.
    pub fn stream(&self) -> Events {
        let mut headers = self.headers();
        headers.push(("Accept", "text/event-stream"));
        let response = send(self.to, "GET", "/mcp", &headers, None);
        assert_eq!(response.status, 200);
        response.events()
    }

    /// The stream of the session, named by the query, as a browser's `EventSource` has to.
    pub fn stream_by_query(&self) -> Events {
        let response = by_query(self.to, &self.id);
        assert_eq!(response.status, 200);
        response.events()
    }
}

/// Asks for the stream of a session by the query alone.
pub fn by_query(to: SocketAddr, id: &str) -> Response {
    let accept = [("Accept", "text/event-stream")];
    send(to, "GET", &format!("/mcp?sessionId={id}"), &accept, None)
}

pub fn official_params() -> Value {
    json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "official", "version": "1" },
    })
}

pub fn message(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}
