//! A provider of models that speaks as OpenAI does, over real HTTP; the test writes its answers.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A provider.
pub struct Provider {
    /// Its address.
    pub url: String,
    asked: Receiver<Asked>,
}

/// A request, whose answer is still to be written.
pub struct Asked {
    pub head: String,
    pub body: Value,
    stream: TcpStream,
}

impl Provider {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                std::thread::spawn(move || read(stream).map(|asked| sender.send(asked)));
            }
        });
        Self { url, asked }
    }

    /// The next request.
    pub fn asked(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("a request")
    }
}

fn read(mut stream: TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 16 << 10];
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .to_ascii_lowercase()
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        if bytes.len() - end - 4 >= length {
            let body = serde_json::from_slice(&bytes[end + 4..]).expect("JSON");
            return Some(Asked { head, body, stream });
        }
    }
}

impl Asked {
    /// Begins a stream, which ends with the connection.
    pub fn begin(&mut self) {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        self.stream.write_all(head.as_bytes()).expect("sent");
    }

    /// A piece of text.
    pub fn says(&mut self, text: &str) {
        self.delta(&json!({ "content": text }));
    }

    pub fn delta(&mut self, delta: &Value) {
        let event = json!({"model": "gpt-test", "choices": [{"delta": delta}]});
        write!(self.stream, "data: {event}\n\n").expect("sent");
    }

    /// Ends the stream in order.
    pub fn ends(mut self, reason: &str) {
        let event = json!({"choices": [{"delta": {}, "finish_reason": reason}]});
        write!(self.stream, "data: {event}\n\ndata: [DONE]\n\n").expect("sent");
    }

    /// All at once.
    pub fn answers(mut self, text: &str) {
        self.begin();
        self.says(text);
        self.ends("stop");
    }

    /// Wants a tool called.
    pub fn calls(mut self, name: &str, arguments: &Value) {
        self.begin();
        let function = json!({"name": name, "arguments": arguments.to_string()});
        self.delta(&json!({"tool_calls": [{"index": 0, "id": "c1", "function": function}]}));
        self.ends("tool_calls");
    }

    pub fn refuses(mut self, status: &str, words: &str) {
        let body = json!({"error": {"message": words}}).to_string();
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(text.as_bytes()).expect("sent");
    }

    /// Waits until the other side is gone.
    pub fn closed(&mut self) {
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out");
        let mut buffer = [0; 64];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return,
                Err(error) => panic!("it stays open: {error}"),
            }
        }
    }
}
