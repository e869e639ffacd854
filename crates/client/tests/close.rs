//! What a server is told when a client is closed.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wharf_client::{Client, Result, Target};
use wharf_protocol::Revision;

/// A server may see its open requests through before it ends, so a closed client tells it that
/// nobody waits for them: without that, a child with an open subscription had to be killed.
#[tokio::test]
async fn open_requests_are_cancelled() -> Result<()> {
    let (ours, theirs) = duplex(64 * 1024);
    let (reader, mut writer) = split(theirs);
    let (called, arrived) = oneshot::channel();
    let server = tokio::spawn(async move {
        let mut called = Some(called);
        let mut lines = BufReader::new(reader).lines();
        let mut seen = Vec::new();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value = serde_json::from_str(&line).unwrap_or_default();
            if message["method"] == "initialize" {
                let result = json!({
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "slow", "version": "1"},
                });
                let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
                let _ = writer.write_all(format!("{answer}\n").as_bytes()).await;
            }
            if message["method"] == "tools/call" {
                called.take().map(|called| called.send(()));
            }
            seen.push(message);
        }
        seen
    });
    let (reader, writer) = split(ours);
    let client = Client::builder()
        .revision(Revision::LATEST_LEGACY)
        .open(Target::streams(reader, writer))
        .await?;
    let call = tokio::spawn(client.call("wait", json!({})).into_future());
    let arrived = timeout(Duration::from_secs(10), arrived).await;
    assert!(arrived.is_ok_and(|it| it.is_ok()));
    client.close().await;
    let ended = timeout(Duration::from_secs(10), call).await;
    assert!(
        ended.is_ok_and(|joined| joined.is_ok_and(|result| result.is_err_and(|it| it.is_closed())))
    );
    let seen = timeout(Duration::from_secs(10), server).await;
    let seen = seen
        .ok()
        .and_then(std::result::Result::ok)
        .unwrap_or_default();
    let id = |method: &str| seen.iter().find(|it| it["method"] == method);
    let called = id("tools/call").map(|it| &it["id"]);
    let cancelled = id("notifications/cancelled").map(|it| &it["params"]["requestId"]);
    assert!(called.is_some(), "{seen:?}");
    assert_eq!(called, cancelled, "{seen:?}");
    Ok(())
}
