//! How is a server a part of a program that uses hyper, without a framework?
//!
//! `cargo run -p wharf-examples --bin hyper [ADDRESS]`, by default `127.0.0.1:8000`

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use wharf::{Server, tool};

/// Add two numbers.
#[tool(read_only)]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    let mcp = Server::new("Embedded").tool(add).into_service().await?;
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    #[allow(clippy::print_stderr, reason = "a program says where it is")]
    {
        eprintln!("http://{}/mcp", listener.local_addr()?);
    }
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(mcp.clone());
        tokio::spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            // With upgrades, or there are no WebSocket connections.
            let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
            // A connection that breaks is its client's matter.
            let _ = serving.await;
        });
    }
}
