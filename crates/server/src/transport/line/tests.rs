//! What a client on the other end of a connection sees.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex,
    split,
};
use tokio::task::JoinHandle;

use super::*;
use crate::{Context, Limits, NoArguments, Server, Tool};

struct Client {
    core: Arc<Core>,
    serving: JoinHandle<io::Result<()>>,
    writer: WriteHalf<DuplexStream>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
}

impl Client {
    /// A client in 2025-11-25 that can be asked, connected to a server with two tools: `ask`
    /// waits for an answer, `wait` for nothing.
    async fn connect(limits: Limits) -> Self {
        let ask = |_: NoArguments, ctx: Context| async move {
            ctx.roots()
                .await
                .map(|_| "answered")
                .map_err(|e| e.to_string())
        };
        let wait = |_: NoArguments, _: Context| async { std::future::pending::<()>().await };
        let server = Server::new("test")
            .limits(limits)
            .tool(Tool::new("ask").handler(ask))
            .tool(Tool::new("wait").handler(wait));
        let (core, _) = server.start().await.unwrap();
        let (near, far) = duplex(4096);
        let (reader, writer) = split(far);
        let serving = tokio::spawn(serve(Arc::clone(&core), reader, writer));
        let (reader, writer) = split(near);
        let mut client = Self {
            core,
            serving,
            writer,
            lines: BufReader::new(reader).lines(),
        };
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {"roots": {}},
            "clientInfo": {"name": "test", "version": "1"},
        });
        client
            .send(json!({"id": 0, "method": "initialize", "params": params}))
            .await;
        assert_eq!(client.next().await["id"], 0);
        client
    }

    async fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let line = format!("{message}\n");
        self.writer.write_all(line.as_bytes()).await.unwrap();
    }

    async fn call(&mut self, id: u32, tool: &str) {
        let params = json!({ "name": tool });
        self.send(json!({"id": id, "method": "tools/call", "params": params}))
            .await;
    }

    async fn next(&mut self) -> Value {
        // Longer than all limits of a server, where time is not real.
        let time = Duration::from_secs(3600);
        let line = tokio::time::timeout(time, self.lines.next_line()).await;
        let line = line.expect("a message in time").unwrap();
        serde_json::from_str(&line.expect("a message")).unwrap()
    }

    /// Calls `ask`, and gives the id of what it asks.
    async fn asked(&mut self) -> Value {
        self.call(1, "ask").await;
        let ask = self.next().await;
        assert_eq!(ask["method"], "roots/list");
        ask["id"].clone()
    }
}

#[tokio::test(start_paused = true)]
async fn an_answered_ask_is_not_taken_back() {
    let mut client = Client::connect(Limits::default()).await;
    let id = client.asked().await;
    client
        .send(json!({"id": id, "result": {"roots": []}}))
        .await;
    let answer = client.next().await;
    assert_eq!(answer["result"]["content"][0]["text"], "answered");
}

#[tokio::test(start_paused = true)]
async fn an_ask_whose_time_is_over_is_taken_back() {
    let mut client = Client::connect(Limits::default()).await;
    let id = client.asked().await;
    let cancelled = client.next().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
    assert_eq!(client.next().await["result"]["isError"], true);
}

#[tokio::test(start_paused = true)]
async fn the_ask_of_a_cancelled_call_is_taken_back() {
    let mut client = Client::connect(Limits::default()).await;
    let id = client.asked().await;
    let params = json!({"requestId": 1});
    client
        .send(json!({"method": "notifications/cancelled", "params": params}))
        .await;
    let cancelled = client.next().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_end_holds_an_ended_connection_for_the_time_to_shut_down() {
    let limits = Limits::default();
    let time = limits.shutdown;
    let mut client = Client::connect(limits).await;
    client.call(1, "wait").await;
    let began = tokio::time::Instant::now();
    client.writer.shutdown().await.unwrap();
    client.serving.await.unwrap().unwrap();
    assert!(began.elapsed() >= time, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn being_told_to_stop_after_the_input_ended_ends_it_at_once() {
    let mut client = Client::connect(Limits::default()).await;
    client.call(1, "wait").await;
    let began = tokio::time::Instant::now();
    client.writer.shutdown().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    client.core.stop();
    client.serving.await.unwrap().unwrap();
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "{:?}",
        began.elapsed()
    );
}
