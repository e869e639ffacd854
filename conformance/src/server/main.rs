//! The server that the official conformance suite drives, at every revision at once.
//!
//! The names, texts and schemas are the suite's: each scenario's description says what it wants.

mod asks;
mod content;
mod lists;
mod skills;
mod tasks;

use wharf::{Result, Server};

#[tokio::main]
async fn main() -> Result<()> {
    let port: u16 = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err(wharf::Error::new("usage: conformance-server --port N")),
    };
    let server = Server::new("wharf-conformance").version(env!("CARGO_PKG_VERSION"));
    let server = tasks::add(asks::add(content::add(server)));
    skills::add(lists::add(server))
        .serve_http(&format!("127.0.0.1:{port}"))
        .await
}
