//! One call of `add` inside the process, to be counted.

use wharf::protocol::Revision;
use wharf::{InProcess, Result, Server, tool};

/// Add two numbers.
#[tool]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
const LEGACY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}"#;

/// A server, and the message of a call in one of its eras, `modern` or `legacy`.
pub async fn server(era: &str) -> Result<(InProcess, &'static str)> {
    let server = Server::new("counts").tool(add).in_process().await?;
    Ok(match era {
        "legacy" => (server.open(Revision::V2025_11_25).await?, LEGACY),
        _ => (server, MODERN),
    })
}

/// One call. The answer's length is compared, which costs nothing; [`check`] looks at it.
pub async fn call(server: &InProcess, message: &'static str, length: usize) {
    let answer = server.send(message.as_bytes()).await.unwrap_or_default();
    assert_eq!(answer.len(), length);
}

/// One call whose answer is looked at; gives its length.
pub async fn check(server: &InProcess, message: &'static str) -> usize {
    let answer = server.send(message.as_bytes()).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.contains(r#""content":[{"type":"text","text":"3"}]"#), "{text}");
    answer.len()
}
