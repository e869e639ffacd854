//! WebSocket connections.

use crate::wire::socket::{CLOSE, FIN, PING, PONG, TEXT, handshake};
use crate::wire::tools::{Watch, adder, echo, greet, wait};
use wharf::Limits;

use crate::wire::{MS, Socket, all_capabilities, json, meta, serve, text, until};

#[tokio::test]
async fn a_session() {
    let served = serve(adder()).await;
    let mut client = Socket::open(&served).await;
    let opened = client.initialize("2025-11-25", json!({})).await;
    assert_eq!(opened["protocolVersion"], "2025-11-25");
    let sum = client.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(text(&sum["result"]), "3");
}
