//! How do several servers share one listener?
//!
//! `cargo run -p wharf-examples --bin several [ADDRESS]`, by default `127.0.0.1:8000`

use axum::Router;
use wharf::{Server, tool};

/// Add two numbers.
#[tool(read_only)]
fn add(a: i64, b: i64) -> i64 {
    a + b
}

/// Join two words.
#[tool(read_only)]
fn join(a: String, b: String) -> String {
    a + &b
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    // Each has its own tools, sessions and limits; they know nothing of each other.
    let numbers = Server::new("Numbers").tool(add).into_service().await?;
    let words = Server::new("Words").tool(join).into_service().await?;
    let app = Router::new()
        .nest_service("/numbers", numbers)
        .nest_service("/words", words);

    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let listener = tokio::net::TcpListener::bind(address).await?;
    #[allow(clippy::print_stderr, reason = "a program says where it is")]
    {
        eprintln!("http://{}/numbers and /words", listener.local_addr()?);
    }
    axum::serve(listener, app).await?;
    Ok(())
}
