//! A WebSocket client by hand (RFC 6455).

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::http::{Answer, Post, Served, Wire};
use super::soon;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
/// The last frame of a message.
pub const FIN: u8 = 0x80;

/// The key of RFC 6455's own example, whose answer is known.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The request that opens a connection.
pub fn handshake() -> Post {
    let mut get = Post::bare("GET")
        .header("upgrade", "websocket")
        .header("connection", "Upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", KEY)
        .header("sec-websocket-protocol", "mcp");
    get.target = "/ws".into();
    get
}

/// A frame as a client sends it.
pub fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match payload.len() {
        short @ ..126 => frame.push(0x80 | short as u8),
        long @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(long as u16).to_be_bytes());
        }
        longer => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(longer as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    frame.extend_from_slice(&mask);
    let masked = payload.iter().zip(mask.iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame of the server.
#[derive(Debug, PartialEq)]
pub struct Frame {
    pub head: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The code of a close frame.
    #[track_caller]
    pub fn code(&self) -> u16 {
        assert_eq!(self.head, FIN | CLOSE, "{self:?}");
        u16::from_be_bytes([self.payload[0], self.payload[1]])
    }
}

pub struct Socket {
    pub wire: Wire,
    /// Whatever came while something else was waited for.
    pub before: Vec<Value>,
    /// Whether pings are answered.
    pub answers_pings: bool,
    pub pings: usize,
    next: i64,
}

impl Socket {
    pub async fn open(served: &Served) -> Self {
        Self::open_as(served, &handshake()).await.unwrap()
    }

    /// Sends a handshake; the answer, if it is not taken.
    pub async fn open_as(served: &Served, handshake: &Post) -> Result<Self, Answer> {
        let mut wire = served.wire().await;
        wire.send(&handshake.bytes(served.addr)).await;
        let (status, headers) = wire.head().await.expect("a response");
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if status != 101 {
            let length = answer.header("content-length").unwrap_or("0");
            answer.body = vec![0; length.parse().unwrap()];
            let buffered = wire.read.len().min(answer.body.len());
            answer.body[..buffered].copy_from_slice(&wire.read[..buffered]);
            soon(wire.stream.read_exact(&mut answer.body[buffered..]))
                .await
                .unwrap();
            return Err(answer);
        }
        assert_eq!(answer.header("sec-websocket-accept"), Some(ACCEPT));
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        let offers = handshake
            .headers
            .iter()
            .any(|(name, _)| name == "sec-websocket-protocol");
        let protocol = answer.header("sec-websocket-protocol");
        assert_eq!(protocol, offers.then_some("mcp"));
        assert_eq!(answer.header("sec-websocket-extensions"), None);
        Ok(Self {
            wire,
            before: Vec::new(),
            answers_pings: true,
            pings: 0,
            next: 1,
        })
    }

    /// Opens a session of the handshake revisions.
    pub async fn initialize(&mut self, revision: &str, capabilities: Value) -> Value {
        let message = super::legacy::initialize(revision, capabilities);
        self.send(&message).await;
        let opened = self.answer(&json!(0)).await;
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.send(&ready).await;
        opened["result"].clone()
    }

    pub async fn send_frame(&mut self, head: u8, payload: &[u8]) {
        self.wire.send(&frame(head, payload)).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.send_frame(FIN | TEXT, text.as_bytes()).await;
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    /// The next frame; `None` if the connection was closed without one.
    pub async fn frame(&mut self) -> Option<Frame> {
        soon(self.next_frame()).await
    }

    async fn next_frame(&mut self) -> Option<Frame> {
        self.fill(2).await?;
        let (head, length) = (self.wire.read[0], self.wire.read[1]);
        assert_eq!(length & 0x80, 0, "a server does not mask");
        let (start, length) = match length {
            126 => {
                self.fill(4).await?;
                let bytes = [self.wire.read[2], self.wire.read[3]];
                (4, usize::from(u16::from_be_bytes(bytes)))
            }
            127 => {
                self.fill(10).await?;
                let bytes = self.wire.read[2..10].try_into().unwrap();
                (10, u64::from_be_bytes(bytes) as usize)
            }
            short => (2, usize::from(short)),
        };
        self.fill(start + length).await?;
        let payload = self.wire.read.drain(..start + length).skip(start).collect();
        Some(Frame { head, payload })
    }

    async fn fill(&mut self, length: usize) -> Option<()> {
        while self.wire.read.len() < length {
            if self.wire.more().await.ok()? == 0 {
                return None;
            }
        }
        Some(())
    }

    /// The next message; the close frame, if there is none.
    pub async fn message(&mut self) -> Result<Value, Option<Frame>> {
        loop {
            match self.frame().await {
                Some(frame) if frame.head == FIN | TEXT => {
                    let message = serde_json::from_slice(&frame.payload);
                    return Ok(message.unwrap_or_else(|error| panic!("{error}: {frame:?}")));
                }
                Some(frame) if frame.head == FIN | PING => {
                    self.pings += 1;
                    if self.answers_pings {
                        self.send_frame(FIN | PONG, &frame.payload).await;
                    }
                }
                Some(frame) if frame.head == FIN | PONG => {}
                other => return Err(other),
            }
        }
    }

    #[track_caller]
    pub fn expect(&mut self) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        async move {
            let message = self.message().await;
            message.unwrap_or_else(|frame| {
                panic!("a message is expected at {caller}, but {frame:?} came")
            })
        }
    }

    /// The code with which the server closes; messages before it are put aside. The connection
    /// ends then, once the close frame is answered.
    pub async fn closed(&mut self) -> Option<u16> {
        let close = loop {
            match self.message().await {
                Ok(message) => self.before.push(message),
                Err(close) => break close?,
            }
        };
        self.send_frame(FIN | CLOSE, &close.payload[..2]).await;
        assert_eq!(self.frame().await, None);
        Some(close.code())
    }

    /// The response with this id; what comes before it is put aside.
    pub async fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.expect().await;
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
