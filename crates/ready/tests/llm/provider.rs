//! A provider over real HTTP whose answers the test writes by hand, piece by piece.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A provider.
pub struct Provider {
    /// Its address, without a path.
    pub url: String,
    asked: mpsc::UnboundedReceiver<Asked>,
}

/// A request, whose answer is still to be written.
#[derive(Debug)]
pub struct Asked {
    /// The first line and the headers, in lower case but for the first line.
    pub head: String,
    /// The JSON that was sent.
    pub body: Value,
    stream: TcpStream,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (sender, asked) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let sender = sender.clone();
                tokio::spawn(async move {
                    if let Some(asked) = read(stream).await {
                        let _ = sender.send(asked);
                    }
                });
            }
        });
        Self { url, asked }
    }

    /// The next request.
    pub async fn asked(&mut self) -> Asked {
        let asked = tokio::time::timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("a request in time").expect("a request")
    }

    /// Whether nothing was asked since.
    pub fn is_quiet(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }
}

async fn read(mut stream: TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 16 << 10];
        let count = stream.read(&mut buffer).await.ok()?;
        bytes.extend_from_slice(buffer.get(..count).filter(|read| !read.is_empty())?);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        let body = &bytes[end + 4..];
        if body.len() >= length {
            let body = serde_json::from_slice(&body[..length]).expect("JSON");
            return Some(Asked { head, body, stream });
        }
    }
}

impl Asked {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Writes bytes as they are; whether the other side still takes them.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Answers at once.
    pub async fn answer(mut self, head: &str, body: &str) {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        self.write(text).await;
    }

    /// Answers with JSON.
    pub async fn json(self, status: &str, body: Value) {
        self.answer(
            &format!("{status}\r\ncontent-type: application/json"),
            &body.to_string(),
        )
        .await;
    }

    /// Begins an answer that ends with the connection.
    pub async fn begin(&mut self, kind: &str) {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n");
        assert!(self.write(head).await);
    }

    /// An event of a stream.
    pub async fn event(&mut self, data: impl std::fmt::Display) {
        assert!(self.write(format!("data: {data}\n\n")).await);
    }

    /// A piece of text in OpenAI's form.
    pub async fn says(&mut self, text: &str) {
        let delta = serde_json::json!({"model": "gpt-test-1", "choices": [{"index": 0, "delta": {"content": text}}]});
        self.event(delta).await;
    }

    /// The end in OpenAI's form.
    pub async fn ends(mut self, reason: &str) {
        let end =
            serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
        self.event(end).await;
        self.event("[DONE]").await;
    }

    /// Waits until the other side closes the connection.
    pub async fn closed(&mut self) {
        let mut buffer = [0; 64];
        let read = async {
            while self
                .stream
                .read(&mut buffer)
                .await
                .is_ok_and(|count| count > 0)
            {}
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("closed in time");
    }
}
