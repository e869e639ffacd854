//! HTTP/1.1 by hand over one TCP connection.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wharf::Server;

use super::soon;

/// A server that runs until it is told to stop.
pub struct Served {
    pub addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<wharf::Result<()>>,
}

pub async fn serve(server: Server) -> Served {
    serve_at(server, "127.0.0.1:0").await
}

pub async fn serve_at(server: Server, address: &str) -> Served {
    let server = server.bind(address).await.unwrap();
    let addr = server.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.serve_until(async {
        let _ = stopped.await;
    }));
    Served {
        addr,
        stop: Some(stop),
        task,
    }
}

impl Served {
    /// A server of another process.
    pub fn elsewhere(addr: SocketAddr) -> Self {
        Self {
            addr,
            stop: None,
            task: tokio::spawn(async { Ok(()) }),
        }
    }

    pub async fn wire(&self) -> Wire {
        Wire::open(self.addr).await
    }

    /// One request on a connection of its own, answered in full.
    pub async fn ask(&self, post: &Post) -> Answer {
        let mut wire = self.wire().await;
        wire.send(&post.bytes(self.addr)).await;
        wire.answer().await
    }

    /// Bytes on a connection of their own; the status, if they are answered at all.
    pub async fn ask_raw(&self, bytes: &[u8]) -> Option<u16> {
        let mut wire = self.wire().await;
        wire.send(bytes).await;
        wire.try_answer().await.map(|answer| answer.status)
    }

    /// One request on a connection of its own, answered with a stream.
    pub async fn stream(&self, post: &Post) -> Stream {
        let mut wire = self.wire().await;
        wire.send(&post.bytes(self.addr)).await;
        wire.stream().await
    }

    /// Tells the server to stop, without waiting for it.
    pub fn tell_to_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for `serve_until` to return.
    pub async fn stopped(self) {
        soon(self.task).await.unwrap().unwrap();
    }

    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

/// A request to be written.
#[derive(Clone)]
pub struct Post {
    pub method: &'static str,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Post {
    /// A POST with the two headers that every client sends.
    pub fn new(body: impl AsRef<[u8]>) -> Self {
        Self {
            method: "POST",
            target: "/mcp".into(),
            headers: Vec::new(),
            body: body.as_ref().to_vec(),
        }
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
    }

    pub fn bare(method: &'static str) -> Self {
        Self {
            method,
            target: "/mcp".into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header, even if there is one of this name.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Puts a header in the place of one of this name.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self = self.without(name);
        self.header(name, value)
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    pub fn bearer(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.set("authorization", format!("Bearer {token}")),
            None => self.without("authorization"),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The head alone, with the blank line that ends it.
    pub fn head(&self, addr: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        if !self.has("host") {
            head += &format!("host: {addr}\r\n");
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.has("content-length") && !self.has("transfer-encoding") {
            head += &format!("content-length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        head.into_bytes()
    }

    pub fn bytes(&self, addr: SocketAddr) -> Vec<u8> {
        let mut bytes = self.head(addr);
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "header {name} comes twice");
        value
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }

    /// The body as one JSON text, which it must say it is.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// All messages, of a JSON body or of a stream.
    pub fn messages(&self) -> Vec<Value> {
        if !self.is_stream() {
            return vec![self.json()];
        }
        let mut events = Events::default();
        events.take(&self.body);
        events
            .ready
            .into_iter()
            .filter_map(|event| event.json())
            .collect()
    }

    /// The last message: the response.
    #[track_caller]
    pub fn message(&self) -> Value {
        let mut messages = self.messages();
        messages
            .pop()
            .unwrap_or_else(|| panic!("no message: {self:?}"))
    }

    #[track_caller]
    pub fn result(&self) -> Value {
        let message = self.message();
        assert!(message.get("result").is_some(), "{message}");
        message["result"].clone()
    }

    /// Status and code of a refusal.
    #[track_caller]
    pub fn error(&self) -> (u16, i64) {
        let message = self.message();
        let code = message["error"]["code"].as_i64();
        (
            self.status,
            code.unwrap_or_else(|| panic!("no error: {} {message}", self.status)),
        )
    }
}

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// Its type; none is `message`.
    pub name: Option<String>,
    pub id: Option<String>,
    pub retry: Option<u64>,
    pub data: String,
}

impl Event {
    /// The message, unless the event is an empty one.
    pub fn json(&self) -> Option<Value> {
        if self.data.is_empty() {
            return None;
        }
        Some(serde_json::from_str(&self.data).unwrap())
    }
}

/// Reads Server-Sent Events.
#[derive(Debug, Default)]
struct Events {
    rest: Vec<u8>,
    ready: VecDeque<Event>,
    comments: usize,
}

impl Events {
    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.rest.drain(..end + 2).collect();
            let block = String::from_utf8(block).unwrap();
            let mut event = Event::default();
            let mut is_event = false;
            for line in block.lines().filter(|line| !line.is_empty()) {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                is_event |= !field.is_empty();
                match field {
                    "" => self.comments += 1,
                    "id" => event.id = Some(value.into()),
                    "retry" => event.retry = Some(value.parse().unwrap()),
                    "data" if event.data.is_empty() => event.data = value.into(),
                    "data" => event.data = format!("{}\n{value}", event.data),
                    "event" => {
                        assert!(matches!(value, "message" | "endpoint"), "{value}");
                        event.name = Some(value.into());
                    }
                    other => panic!("field {other} in an event"),
                }
            }
            if is_event {
                self.ready.push_back(event);
            }
        }
    }
}

/// A connection.
pub struct Wire {
    pub stream: TcpStream,
    pub addr: SocketAddr,
    pub read: Vec<u8>,
}

enum Length {
    Known(usize),
    Chunked,
    ToTheEnd,
}

impl Wire {
    pub async fn open(addr: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(addr)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            addr,
            read: Vec::new(),
        }
    }

    /// The same to a server that may not be there.
    pub async fn try_open(addr: SocketAddr) -> Option<Self> {
        let stream = soon(TcpStream::connect(addr)).await.ok()?;
        Some(Self {
            stream,
            addr,
            read: Vec::new(),
        })
    }

    /// Writes all bytes; a server that has closed the connection already is no failure here.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = soon(self.stream.write_all(bytes)).await;
    }

    /// Writes bytes one by one until the server closes the connection, or all are written;
    /// `true` if they are.
    pub async fn send_slowly(&mut self, bytes: &[u8], pause: Duration) -> bool {
        for byte in bytes {
            if self.stream.write_all(&[*byte]).await.is_err() {
                return false;
            }
            tokio::time::sleep(pause).await;
        }
        true
    }

    /// Sends a request and reads its whole answer.
    pub async fn ask(&mut self, post: &Post) -> Answer {
        self.send(&post.bytes(self.addr)).await;
        self.answer().await
    }

    pub async fn more(&mut self) -> io::Result<usize> {
        soon(self.stream.read_buf(&mut self.read)).await
    }

    pub async fn head(&mut self) -> Option<(u16, Vec<(String, String)>)> {
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                let head = String::from_utf8(head).unwrap();
                let mut lines = head.lines();
                let status = lines.next().unwrap().split(' ').nth(1).unwrap();
                let headers = lines
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                    .collect();
                let status = status.parse().unwrap();
                if status != 100 {
                    return Some((status, headers));
                }
                continue;
            }
            if self.more().await.ok()? == 0 {
                return None;
            }
        }
    }

    fn length(status: u16, headers: &[(String, String)]) -> Length {
        let header = |name| headers.iter().find(|(known, _)| known == name);
        if matches!(status, 204 | 304) {
            return Length::Known(0);
        }
        match (header("transfer-encoding"), header("content-length")) {
            (Some(_), _) => Length::Chunked,
            (None, Some((_, length))) => Length::Known(length.parse().unwrap()),
            (None, None) => Length::ToTheEnd,
        }
    }

    /// Reads a whole response; `None` if the server closes the connection instead.
    pub async fn try_answer(&mut self) -> Option<Answer> {
        // As a whole: a stream that never ends is never silent either.
        soon(self.whole_answer()).await
    }

    async fn whole_answer(&mut self) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        self.body(status, headers).await
    }

    async fn body(&mut self, status: u16, headers: Vec<(String, String)>) -> Option<Answer> {
        let mut body = Vec::new();
        match Self::length(status, &headers) {
            Length::Known(length) => {
                while self.read.len() < length {
                    if self.more().await.ok()? == 0 {
                        return None;
                    }
                }
                body = self.read.drain(..length).collect();
            }
            Length::Chunked => {
                while let Some(chunk) = self.chunk().await? {
                    body.extend_from_slice(&chunk);
                }
            }
            Length::ToTheEnd => {
                while self.more().await.ok()? > 0 {}
                body.append(&mut self.read);
            }
        }
        Some(Answer {
            status,
            headers,
            body,
        })
    }

    #[track_caller]
    pub fn answer(&mut self) -> impl Future<Output = Answer> {
        let caller = std::panic::Location::caller();
        async move {
            match self.try_answer().await {
                Some(answer) => answer,
                None => panic!("an answer is expected at {caller}, but the connection was closed"),
            }
        }
    }

    /// The next chunk; `None` inside at the last one, and outside if the connection is cut.
    async fn chunk(&mut self) -> Option<Option<Vec<u8>>> {
        let end = loop {
            match self.read.windows(2).position(|two| two == b"\r\n") {
                Some(end) => break end,
                None if self.more().await.ok()? == 0 => return None,
                None => {}
            }
        };
        let size = std::str::from_utf8(&self.read[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        let whole = end + 2 + size + 2;
        while self.read.len() < whole {
            if self.more().await.ok()? == 0 {
                return None;
            }
        }
        let chunk: Vec<u8> = self.read.drain(..whole).skip(end + 2).take(size).collect();
        Some((size > 0).then_some(chunk))
    }

    /// A response, whichever form it has: a stream is not read.
    pub async fn reply(mut self) -> Result<Stream, Answer> {
        let (status, headers) = self.head().await.expect("a response");
        let head = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if head.is_stream() {
            return Ok(self.into_stream(head));
        }
        let answer = soon(self.body(status, head.headers)).await;
        Err(answer.expect("a whole response"))
    }

    fn into_stream(self, head: Answer) -> Stream {
        Stream {
            head,
            wire: self,
            events: Events::default(),
            cut: false,
        }
    }

    /// Goes on reading a response that is a stream.
    pub async fn stream(mut self) -> Stream {
        let (status, headers) = self.head().await.expect("a response");
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if !answer.is_stream() {
            while self.read.is_empty() && self.more().await.unwrap_or(0) > 0 {}
            answer.body = self.read.clone();
            panic!(
                "no stream: {answer:?} {}",
                String::from_utf8_lossy(&answer.body)
            );
        }
        self.into_stream(answer)
    }

    /// Waits until the server has closed the connection; gives what it still sent.
    pub async fn closed(&mut self) -> Vec<u8> {
        while let Ok(1..) = self.more().await {}
        std::mem::take(&mut self.read)
    }
}

/// A response that is a stream of events.
pub struct Stream {
    pub head: Answer,
    pub wire: Wire,
    events: Events,
    cut: bool,
}

impl Stream {
    /// The next event; `None` at the end of the stream.
    pub async fn event(&mut self) -> Option<Event> {
        soon(self.next_event()).await
    }

    async fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.ready.pop_front() {
                return Some(event);
            }
            match self.wire.chunk().await {
                Some(Some(chunk)) => self.events.take(&chunk),
                Some(None) => return None,
                None => {
                    self.cut = true;
                    return None;
                }
            }
        }
    }

    /// The next message; `None` at the end.
    pub async fn message(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.event().await?.json() {
                return Some(message);
            }
        }
    }

    #[track_caller]
    pub fn expect(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            match self.message().await {
                Some(message) => message,
                None => panic!("a message is expected at {caller}, but the stream ended"),
            }
        }
    }

    /// All further events, to the end.
    pub async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            events.push(event);
        }
        events
    }

    /// Whether the end was no proper end of a response but of the connection.
    pub fn was_cut(&self) -> bool {
        self.cut
    }

    pub fn comments(&self) -> usize {
        self.events.comments
    }
}
