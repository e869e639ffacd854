//! What the tests over sockets and pipes share: clients that can send any bytes, and handlers to
//! call.
//!
//! Nothing here uses the server's own code to read or write messages, so a mistake there cannot
//! hide itself.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test binary uses its own part; a helper that fails must fail the test"
)]

pub mod h2;
pub mod http;
pub mod legacy;
pub mod line;
pub mod modern;
pub mod peer;
pub mod socket;
pub mod sse;
pub mod tools;

use std::future::Future;
use std::time::Duration;

pub use http::{Answer, Event, Post, Served, Stream, Wire, serve, serve_at};
pub use legacy::Legacy;
pub use line::Line;
pub use modern::{Modern, meta};
pub use peer::{Kind, Peer};
pub use serde_json::{Value, json};
pub use socket::Socket;
pub use sse::Sse;

/// Waits for something that must happen; how fast is no matter of these tests.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("it happens within half a minute")
}

/// Waits until something is so.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    soon(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub const MS: Duration = Duration::from_millis(1);

/// All client capabilities of the revisions before 2026-07-28 and of that one.
pub fn all_capabilities() -> Value {
    json!({
        "elicitation": {"form": {}, "url": {}},
        "sampling": {"tools": {}},
        "roots": {"listChanged": true},
    })
}

/// The text of a tool result's first block.
pub fn text(result: &Value) -> &str {
    result["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no text in {result}"))
}
