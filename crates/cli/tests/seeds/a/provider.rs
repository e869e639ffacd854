//! A provider of a language model, in OpenAI's form, whose answers the test writes piece by piece.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct Provider {
    pub(super) url: String,
    asked: Receiver<Asked>,
}

/// A request, whose answer is still to be written.
pub(super) struct Asked {
    pub(super) head: String,
    pub(super) body: Value,
    stream: TcpStream,
}

impl Provider {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, asked) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Some(asked) = stream.ok().and_then(read) else {
                    continue;
                };
                if sender.send(asked).is_err() {
                    return;
                }
            }
        });
        Self {
            url: format!("http://{address}/v1/"),
            asked,
        }
    }

    pub(super) fn asked(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("a request")
    }
}

fn read(stream: TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|count| *count > 0)?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    Some(Asked { head, body, stream })
}

impl Asked {
    /// Begins the answer.
    pub(super) fn begin(&mut self) {
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        self.write(head);
    }

    fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("written");
    }

    pub(super) fn says(&mut self, text: &str) {
        let delta = json!({ "content": text });
        let piece = json!({ "model": "m-1", "choices": [{ "index": 0, "delta": delta }] });
        self.write(&format!("data: {piece}\n\n"));
    }

    pub(super) fn ends(mut self) {
        let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
        self.write(&format!("data: {end}\n\ndata: [DONE]\n\n"));
    }

    /// Whether whoever asked goes away; waits for it.
    pub(super) fn loses_its_client(mut self) -> bool {
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a time-out");
        // What is still to be read is nothing, and then the end.
        matches!(self.stream.read(&mut [0; 64]), Ok(0))
            || self.stream.take_error().is_ok_and(|error| error.is_some())
    }

    /// Answers that it cannot, and says why.
    pub(super) fn fails(mut self, status: &str, why: &str) {
        let body = json!({ "error": { "message": why } }).to_string();
        self.write(&format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        ));
    }
}
