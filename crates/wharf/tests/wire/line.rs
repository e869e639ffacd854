//! A client of a connection that carries a message a line.

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream, ReadHalf,
    WriteHalf,
};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use wharf::Server;

use super::soon;

pub struct Line {
    reader: BufReader<Box<dyn AsyncRead + Unpin + Send>>,
    writer: Option<Box<dyn AsyncWrite + Unpin + Send>>,
    task: JoinHandle<wharf::Result<()>>,
    /// Whatever came while something else was waited for.
    pub before: Vec<Value>,
    next: i64,
}

impl Line {
    /// Over a pair of Unix sockets.
    pub fn unix(server: Server) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (reader, writer) = theirs.into_split();
        let task = tokio::spawn(server.serve_connection(reader, writer));
        let (reader, writer) = ours.into_split();
        Self::over(reader, writer, task)
    }

    /// Over pipes in memory of a given size.
    pub fn duplex(server: Server, size: usize) -> Self {
        let (ours, theirs) = tokio::io::duplex(size);
        let (reader, writer): (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>) =
            tokio::io::split(theirs);
        let task = tokio::spawn(server.serve_connection(reader, writer));
        let (reader, writer) = tokio::io::split(ours);
        Self::over(reader, writer, task)
    }

    /// Over the standard input and output of a process; its end without an error is that of the
    /// connection.
    pub fn child(command: &mut tokio::process::Command) -> Self {
        use std::process::Stdio;
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let (reader, writer) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let task = tokio::spawn(async move {
            let status = child.wait().await?;
            match status.success() {
                true => Ok(()),
                false => Err(wharf::Error::new(format!(
                    "the process ended with {status}"
                ))),
            }
        });
        Self::over(reader, writer, task)
    }

    fn over(
        reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
        task: JoinHandle<wharf::Result<()>>,
    ) -> Self {
        Self {
            reader: BufReader::new(Box::new(reader)),
            writer: Some(Box::new(writer)),
            task,
            before: Vec::new(),
            next: 1,
        }
    }

    /// Opens a session of the handshake revisions.
    pub async fn initialize(&mut self, revision: &str, capabilities: Value) -> Value {
        self.send(&super::legacy::initialize(revision, capabilities))
            .await;
        let message = self.answer(&json!(0)).await;
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.send(&ready).await;
        message["result"].clone()
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let writer = self.writer.as_mut().unwrap();
        soon(writer.write_all(bytes)).await.unwrap();
        soon(writer.flush()).await.unwrap();
    }

    pub async fn send_line(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes()).await;
    }

    pub async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    /// The next message; `None` at the end.
    pub async fn message(&mut self) -> Option<Value> {
        let mut line = String::new();
        soon(self.reader.read_line(&mut line)).await.unwrap();
        if line.is_empty() {
            return None;
        }
        assert!(line.ends_with('\n'), "half a line: {line}");
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    pub async fn expect(&mut self) -> Value {
        self.message().await.expect("a message")
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

    pub fn next_id(&mut self) -> Value {
        self.next += 1;
        json!(self.next)
    }

    /// Sends a request and waits for its response.
    pub async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id();
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        self.answer(&id).await
    }

    /// The same in 2026-07-28.
    pub async fn ask_modern(&mut self, method: &str, mut params: Value, able: Value) -> Value {
        params["_meta"] = super::meta(able);
        self.ask(method, params).await
    }

    /// Stops sending; reading goes on.
    pub async fn hang_up(&mut self) {
        let mut writer = self.writer.take().unwrap();
        writer.shutdown().await.unwrap();
    }

    /// Waits for the server to have ended by itself, without an error.
    pub async fn ended(self) {
        soon(self.task).await.unwrap().unwrap();
    }
}
