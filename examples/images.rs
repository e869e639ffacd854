//! How does a tool return a picture?
//!
//! `cargo run -p wharf-examples --bin images`

use wharf::{Image, Server, tool};

const SQUARE: &[u8] = include_bytes!("square.png");

/// A red square, with a word about it.
#[tool(read_only)]
fn square() -> (&'static str, Image) {
    ("16 by 16 pixels:", Image::png(SQUARE))
}

#[tokio::main]
async fn main() -> wharf::Result<()> {
    Server::new("Images").tool(square).run().await
}
