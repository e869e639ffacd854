//! A server of 2026-07-28 over HTTP whose answers are written here.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Answers requests, other than `server/discover`, with the results that the function gives; where
/// there is none, with a stream on which nothing comes.
pub(crate) async fn scripted<F>(answer: F) -> u16
where
    F: Fn(&Value) -> Option<Value> + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            tokio::spawn(async move { serve(stream, &*answer).await });
        }
    });
    port
}

async fn serve(mut stream: TcpStream, answer: &(impl Fn(&Value) -> Option<Value> + Sync)) {
    let mut request = Vec::new();
    let request: Value = loop {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&request);
        let body = text.split_once("\r\n\r\n");
        if let Some(Ok(request)) = body.map(|(_, body)| serde_json::from_str(body)) {
            break request;
        }
    };
    let result = if request["method"] == "server/discover" {
        Some(json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"],
            "capabilities": {"tools": {"listChanged": true}},
            "ttlMs": 0, "cacheScope": "private",
        }))
    } else {
        answer(&request)
    };
    let Some(result) = result else {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: hello\n\n";
        let _ = stream.write_all(head.as_bytes()).await;
        std::future::pending::<()>().await;
        return;
    };
    let body = json!({"jsonrpc": "2.0", "id": request["id"], "result": result}).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
}
