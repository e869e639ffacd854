//! HTTP by hand, in the clear and over TLS.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::support::{Answer, Http, initialize};

/// Longer than anything takes on a busy machine, and than an idle stream is silent.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

/// Sends bytes as they are and reads the whole answer.
pub(super) fn raw(port: u16, bytes: &[u8]) -> Answer {
    let mut stream = connect(port);
    stream.write_all(bytes).expect("sent");
    Answer::read(stream)
}

/// A request of any method, with headers of its own; the connection ends with the answer.
pub(super) fn send(port: u16, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut head = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    raw(port, head.as_bytes())
}

/// The lines of a response that goes on.
pub(super) struct Lines(BufReader<TcpStream>);

impl Lines {
    /// Opens an event stream; gives its head too.
    pub(super) fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> (String, Self) {
        let mut stream = connect(port);
        let mut head =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        write!(stream, "{head}\r\n").expect("sent");
        Self::of(stream)
    }

    /// Reads on in a response that was asked for.
    pub(super) fn of(stream: TcpStream) -> (String, Self) {
        let mut lines = Self(BufReader::new(stream));
        let mut head = String::new();
        loop {
            let line = lines.line();
            if line.is_empty() {
                return (head.to_ascii_lowercase(), lines);
            }
            head.push_str(&line);
            head.push('\n');
        }
    }

    pub(super) fn line(&mut self) -> String {
        let mut line = String::new();
        let count = self.0.read_line(&mut line).expect("a line");
        assert_ne!(count, 0, "the stream ended");
        line.trim_end_matches(['\r', '\n']).to_owned()
    }

    /// The next line that begins with this, without it.
    pub(super) fn next(&mut self, start: &str) -> String {
        loop {
            if let Some(rest) = self.line().strip_prefix(start) {
                return rest.trim_start().to_owned();
            }
        }
    }

    /// The next message of an event stream.
    pub(super) fn message(&mut self) -> Value {
        loop {
            let data = self.next("data:");
            if !data.is_empty() {
                return serde_json::from_str(&data).unwrap_or_else(|_| panic!("not JSON: {data}"));
            }
        }
    }
}

/// Posts a message over TLS to a server whose certificate this authority has signed.
pub(super) fn post_secure(
    port: u16,
    authority: &[u8],
    headers: &[(&str, &str)],
    message: &Value,
) -> String {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority).expect("PEM");
    roots.add(authority).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(connection, connect(port));
    let body = message.to_string();
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/json\r\naccept: application/json, text/event-stream\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(stream, "{head}\r\n{body}").expect("sent over TLS");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The headers of a request in a session.
pub(super) fn within(session: &str) -> [(&'static str, &str); 2] {
    [
        ("mcp-session-id", session),
        ("mcp-protocol-version", "2025-11-25"),
    ]
}

/// Opens a session and says that the client is ready.
pub(super) fn open(server: &Http) -> String {
    let opened = server.ask(&[], &initialize());
    let session = opened.header("mcp-session-id").expect("a session");
    let ready = serde_json::json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(server.ask(&within(&session), &ready).status, 202);
    session
}
