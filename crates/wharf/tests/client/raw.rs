//! What is passed on as it is: JSON of a server that the client does not need to understand.

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use wharf::Client;

/// Order, numbers, names that are there twice, and keywords that nobody knows.
const SCHEMA: &str = r#"{"type":"object", "$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"z":{"const":1.0},"a":{"maximum":12345678901234567890123,"x-b":"\u00e9\/"}},"$defs":{"b":{},"a":{}},"examples":[1e2,1e2]}"#;

/// A server over lines that lists one tool, and tells what it is called with.
async fn server() -> (Client, mpsc::Receiver<String>) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (called, calls) = mpsc::channel(1);
    tokio::spawn(async move {
        let (reader, mut writer) = tokio::io::split(theirs);
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            let Some(id) = message.get("id") else {
                continue;
            };
            let result = match message["method"].as_str().expect("a method") {
                "server/discover" => {
                    r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}"#.to_owned()
                }
                "tools/list" => {
                    format!(r#"{{"tools":[{{"name":"echo","inputSchema":{SCHEMA}}}]}}"#)
                }
                _ => {
                    called.send(line.clone()).await.expect("a listener");
                    r#"{"content":[]}"#.to_owned()
                }
            };
            let answer = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
            writer.write_all(answer.as_bytes()).await.expect("a client");
        }
    });
    let (reader, writer) = tokio::io::split(ours);
    (Client::over(reader, writer).await.expect("a client"), calls)
}

#[tokio::test]
async fn a_schema_comes_through_byte_for_byte() {
    #[derive(Serialize)]
    struct Arguments<'a> {
        schema: &'a RawValue,
    }
    let (client, mut calls) = server().await;
    let tools = client.tools().all().await.expect("a list");
    assert_eq!(
        tools[0].raw().get(),
        format!(r#"{{"name":"echo","inputSchema":{SCHEMA}}}"#)
    );
    let schema: &RawValue = serde_json::from_str(SCHEMA).expect("JSON");
    client
        .call("echo", Arguments { schema })
        .await
        .expect("a result");
    let line = calls.recv().await.expect("a call");
    assert!(
        line.contains(&format!(r#""arguments":{{"schema":{SCHEMA}}}"#)),
        "{line}"
    );
}
