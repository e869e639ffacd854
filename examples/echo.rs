//! What is the smallest server?
//!
//! `cargo run -p wharf-examples --bin echo`, or with `-- --http` over HTTP.

use wharf::{Server, tool};

/// Say the same again.
#[tool]
fn echo(message: String) -> String {
    message
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    Server::new("Echo").tool(echo).run().await
}
