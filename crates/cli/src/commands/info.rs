//! `wharf info`: what a server says about itself.

use serde_json::{Value, json};
use wharf_client::ServerInfo;
use wharf_protocol::{ServerCapabilities, projection::at};

use crate::escape;
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::terminal::{DIM, STRONG, styled};

/// Show what a server says about itself, and how it is spoken to
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  wharf info http://127.0.0.1:8000/mcp
  wharf info 'npx -y @modelcontextprotocol/server-everything'
  wharf info github                                (as a host has it: wharf hosts)
  wharf info http://127.0.0.1:8000/mcp --revision 2025-06-18 --json";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let info = session
                .client
                .info()
                .await
                .map_err(|error| session.failure(&error))?;
            if session.out.json {
                session.out.document(&document(&info))
            } else {
                session.out.words(&screen(&info))
            }
        },
    )
}

fn document(info: &ServerInfo) -> Value {
    let server = info
        .implementation
        .as_ref()
        .map(|implementation| json!(at(implementation, info.revision)));
    json!({
        "revision": info.revision.as_str(),
        "transport": info.transport.to_string(),
        "server": server,
        "capabilities": at(&info.capabilities, info.revision),
        "instructions": info.instructions,
    })
}

fn screen(info: &ServerInfo) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!(
            "{} {}\n",
            styled(DIM, format!("{name:<13}")),
            escape::line(value)
        ));
    };
    if let Some(server) = &info.implementation {
        let name = format!("{} {}", server.name, server.version);
        match server
            .title
            .as_deref()
            .filter(|title| *title != server.name)
        {
            Some(title) => line("server", &format!("{title} ({name})")),
            None => line("server", &name),
        }
        if let Some(description) = &server.description {
            line("", description);
        }
        if let Some(website) = &server.website_url {
            line("website", website);
        }
    }
    line("revision", info.revision.as_str());
    line("transport", &info.transport.to_string());
    line("offers", &offers(&info.capabilities).join(", "));
    let extensions: Vec<&str> = info
        .capabilities
        .extensions
        .keys()
        .map(String::as_str)
        .collect();
    if !extensions.is_empty() {
        line("extensions", &extensions.join(", "));
    }
    if let Some(instructions) = &info.instructions {
        text.push_str(&format!(
            "\n{}\n{}\n",
            styled(STRONG, "For models:"),
            escape::text(instructions.trim())
        ));
    }
    text
}

/// What a server offers, in words.
fn offers(capabilities: &ServerCapabilities) -> Vec<String> {
    let with = |name: &str, more: &[(&str, bool)]| {
        let more: Vec<&str> = more
            .iter()
            .filter(|(_, is)| *is)
            .map(|(name, _)| *name)
            .collect();
        if more.is_empty() {
            name.to_owned()
        } else {
            format!("{name} ({})", more.join(", "))
        }
    };
    let mut offers = Vec::new();
    offers.extend(
        capabilities
            .tools
            .map(|it| with("tools", &[("tells changes", it.list_changed)])),
    );
    offers.extend(capabilities.resources.map(|it| {
        with(
            "resources",
            &[
                ("tells changes", it.list_changed),
                ("subscriptions", it.subscribe),
            ],
        )
    }));
    offers.extend(
        capabilities
            .prompts
            .map(|it| with("prompts", &[("tells changes", it.list_changed)])),
    );
    let tasks = capabilities.tasks.is_some()
        || capabilities
            .extensions
            .contains_key(wharf_protocol::tasks::EXTENSION);
    for (name, is) in [
        ("completion", capabilities.completions),
        ("logging", capabilities.logging),
        ("tasks", tasks),
        (
            "a model",
            capabilities.experimental.contains_key("sampling"),
        ),
    ] {
        if is {
            offers.push(name.to_owned());
        }
    }
    if offers.is_empty() {
        offers.push("nothing".into());
    }
    offers
}
