//! HTTP+SSE, the HTTP of 2024-11-05.

use wharf::Limits;
use wharf::http::HttpOptions;

use crate::wire::tools::{Watch, adder, greet, steps, wait};
use crate::wire::{MS, Sse, all_capabilities, json, serve, sse, text, until};

#[tokio::test]
async fn a_session() {
    let served = serve(adder()).await;
    let mut client = Sse::open(&served).await;
    assert_eq!(client.stream.head.status, 200);
    let id = client
        .endpoint
        .strip_prefix("/messages?sessionId=")
        .unwrap();
    assert_eq!(id.len(), 32);
    let opened = client.initialize("2024-11-05", json!({})).await;
    assert_eq!(opened["protocolVersion"], "2024-11-05");
    let sum = client.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&sum["result"]), "3");
    // The revision decides what is said, not the transport: there is nothing structured yet.
    assert_eq!(sum["result"].get("structuredContent"), None);
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
}
