//! How does a server become a part of an axum application?
//!
//! `cargo run -p wharf-examples --bin axum [ADDRESS]`, by default `127.0.0.1:8000`

use axum::Router;
use axum::routing::get;
use wharf::{Server, tool};

/// Add two numbers.
#[tool(read_only)]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    let mcp = Server::new("Mounted").tool(add).into_service().await?;
    // With everything below it: `/tools/sse` for clients of 2024-11-05, `/tools/ws` for
    // WebSocket. `route_service("/tools", …)` would mount the endpoint alone.
    let app = Router::new()
        .route("/", get(|| async { "the endpoint is /tools" }))
        .nest_service("/tools", mcp.clone());

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    #[allow(clippy::print_stderr, reason = "a program says where it is")]
    {
        eprintln!("http://{}/tools", listener.local_addr()?);
    }
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            // Without a way to be told, it runs until it is killed.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            // Open streams would keep axum from ending.
            mcp.stop();
        })
        .await?;
    Ok(())
}
