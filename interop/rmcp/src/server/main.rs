//! The server of `../../servers/offer.json`, with the crate rmcp.
//!
//! `--stdio`, or `--http HOST:PORT` with Streamable HTTP at /mcp.

mod handler;
mod offer;

use std::error::Error;

use handler::Handler;
use rmcp::ServiceExt;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let handler = Handler::new()?;
    let mut words = std::env::args().skip(1);
    let (mode, address) = (words.next(), words.next());
    if mode.as_deref() != Some("--http") {
        let service = handler.serve(rmcp::transport::stdio()).await?;
        service.waiting().await?;
        return Ok(());
    }
    let service = StreamableHttpService::new(
        move || Ok(handler.clone()),
        LocalSessionManager::default().into(),
        StreamableHttpServerConfig::default(),
    );
    let listener = tokio::net::TcpListener::bind(address.unwrap_or_default()).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await?;
    Ok(())
}
