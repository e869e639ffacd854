//! What one call costs inside the process, as counts that do not depend on the machine's mood.
//!
//! `counts allocations` counts heap allocations. `counts run ERA N` answers N calls and does
//! nothing else: run under callgrind with two different N, the difference is the instructions.

use std::io::Write;

use wharf::protocol::Revision;
use wharf::{InProcess, Result, Server, tool};

/// Add two numbers.
#[tool]
async fn add(a: i64, b: i64) -> i64 {
    a + b
}

const MODERN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
const LEGACY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","arguments":{"a":1,"b":2}}}"#;

async fn server(era: &str) -> Result<(InProcess, &'static str)> {
    let server = Server::new("counts").tool(add).in_process().await?;
    Ok(match era {
        "legacy" => (server.open(Revision::V2025_11_25).await?, LEGACY),
        _ => (server, MODERN),
    })
}

async fn call(server: &InProcess, message: &'static str) {
    let answer = server.send(message.as_bytes()).await.unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains(r#""content":[{"type":"text","text":"3"}]"#), "{answer}");
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["allocations"] => {
            for era in ["modern", "legacy"] {
                let (server, message) = runtime.block_on(server(era))?;
                runtime.block_on(call(&server, message));
                let counted = allocation_counter::measure(|| runtime.block_on(call(&server, message)));
                // The lossy copy of the check borrows, and allocates nothing.
                writeln!(std::io::stdout(), "{era} {}", counted.count_total)?;
            }
        }
        ["run", era, count] => {
            let (server, message) = runtime.block_on(server(era))?;
            let count: u32 = count.parse()?;
            runtime.block_on(async {
                for _ in 0..count {
                    call(&server, message).await;
                }
            });
        }
        _ => return Err(wharf::Error::new("usage: counts allocations | counts run modern|legacy N")),
    }
    Ok(())
}
