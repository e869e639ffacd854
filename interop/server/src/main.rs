//! The server of `interop/README.md`, as a user of the crate writes one.

mod asks;
mod expression;
mod live;
mod media;
mod offered;
mod plain;

use wharf::{Result, Server};

#[tokio::main]
async fn main() -> Result<()> {
    // Standard output belongs to the protocol.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    Server::new("Wharf interop")
        .version(env!("CARGO_PKG_VERSION"))
        .tool(plain::echo)
        .tool(plain::add)
        .tool(plain::calculate)
        .tool(plain::fail)
        .tool(media::picture)
        .tool(media::sound)
        .tool(media::embedded)
        .tool(media::link)
        .tool(live::countdown)
        .tool(live::add_tool)
        .tool(live::touch)
        .tool(asks::greet_me)
        .tool(asks::two_questions)
        .tool(asks::survey)
        .tool(asks::ask_model)
        .tool(asks::where_am_i)
        .resource(offered::about)
        .resource(offered::logo)
        .resource(offered::greeting)
        .prompt(offered::review)
        .prompt(offered::explain)
        .run()
        .await
}
