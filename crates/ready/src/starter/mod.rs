//! The starter server: one small example of everything that a server can offer.
//!
//! It reads no files, opens no connections and keeps nothing, so that it can be served to anyone.

mod calculate;
mod icons;
mod prompts;
mod resources;
mod tools;

use wharf::protocol::content::Icon;
use wharf::{Items, Server};

const INSTRUCTIONS: &str = "A server to try things with. `add` and `calculate` do arithmetic, \
    `echo` repeats, `countdown` shows progress, `greet_me` asks for a name first. Read \
    `wharf://about` for more.";

/// The starter server: a few tools, resources and prompts that show every part of the protocol.
///
/// ```
/// # async fn example() -> wharf::Result<()> {
/// let server = wharf_ready::starter().in_process().await?;
/// let sum = server.call("add", serde_json::json!({ "a": 1, "b": 2 })).await;
/// # Ok(())
/// # }
/// ```
pub fn starter() -> Server {
    described().items(Starter)
}

/// The starter server with nothing in it yet.
pub(crate) fn described() -> Server {
    Server::new("wharf-starter")
        .version(env!("CARGO_PKG_VERSION"))
        .title("Wharf starter")
        .description("A small example of everything that an MCP server can offer.")
        .website_url(env!("CARGO_PKG_REPOSITORY"))
        .icon(Icon {
            src: icons::ANCHOR.into(),
            mime_type: Some("image/svg+xml".into()),
            sizes: Some(vec!["any".into()]),
            theme: None,
        })
        .instructions(INSTRUCTIONS)
}

/// What the starter server offers, to add to a server of your own with
/// [`Server::items`](wharf::Server::items).
pub fn items() -> Items {
    Items::new()
        .tool(tools::echo)
        .tool(tools::add)
        .tool(calculate::calculate)
        .tool(tools::countdown)
        .tool(tools::greet_me)
        .resource(resources::about)
        .resource(resources::logo)
        .resource(resources::greeting)
        .prompt(prompts::review)
        .prompt(prompts::explain)
}

struct Starter;

impl wharf::Group for Starter {
    fn items(self: std::sync::Arc<Self>) -> Items {
        items()
    }
}

#[cfg(test)]
mod tests;
