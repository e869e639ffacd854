//! What is said once the server listens.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use serde_json::json;
use wharf::http::HttpServer;
use wharf_ready::config::{FILE_NAME, Site};

use super::operate::Operation;
use crate::escape;
use crate::failure::Failure;
use crate::log::Format;
use crate::terminal::{DIM, STRONG, say, styled};

/// How it is said.
pub(super) struct Announce {
    pub(super) format: Format,
    pub(super) json: bool,
}

/// Says what is served.
pub(super) fn serving(site: &Site, file: Option<&Path>, at: &Announce) {
    let served = site.served();
    let packs = served.packs.join(", ");
    if at.format == Format::Json {
        let (tools, resources, prompts) = (served.tools, served.resources, served.prompts);
        tracing::info!(packs, tools, resources, prompts, "serving");
        return;
    }
    if site.config().is_starter() {
        say("Serving a small example of everything, with a simulated model");
        say(styled(
            DIM,
            "  your own: `wharf serve files:~/notes notes:`, or `wharf init`",
        ));
        if Path::new(FILE_NAME).is_file() {
            let hint = format!("  the {FILE_NAME} here is not used: `wharf serve -c {FILE_NAME}`");
            say(styled(DIM, hint));
        }
        return;
    }
    let from = match file {
        Some(file) => format!("Serving {}: ", file.display()),
        None => "Serving ".to_owned(),
    };
    let what = match packs.is_empty() {
        true => "nothing yet".to_owned(),
        false => packs,
    };
    say(escape::text(&format!("{from}{what}")));
    let count = |many: usize, one: &str| match many {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    let mut counts = vec![
        count(served.tools, "tool"),
        count(served.resources, "resource"),
        count(served.prompts, "prompt"),
    ];
    if served.model {
        counts.push("a model".to_owned());
    }
    say(styled(DIM, format_args!("  {}", counts.join(", "))));
}

/// Where clients reach the server from this machine.
struct Addresses {
    url: String,
    sse: Option<String>,
    ws: Option<String>,
}

impl Addresses {
    fn of(server: &HttpServer, local: SocketAddr) -> Result<Self, wharf::Error> {
        // An address that stands for all of them is none to connect to.
        let (bound, own) = (local.to_string(), reachable(local).to_string());
        let reach = |url: String| url.replacen(&bound, &own, 1);
        Ok(Self {
            url: reach(server.url()?),
            sse: server.sse_url()?.map(reach),
            ws: server.websocket_url()?.map(reach),
        })
    }
}

/// Says where the server listens, and how a client gets there.
pub(super) fn announce(
    server: &HttpServer,
    at: &Announce,
    operation: &Operation,
) -> Result<(), Failure> {
    let found = server
        .local_addr()
        .and_then(|local| Ok((local, Addresses::of(server, local)?)));
    let (local, addresses) = found.map_err(|error| Failure::new(error.to_string()))?;
    let Addresses { url, sse, ws } = &addresses;
    let metrics = operation.metrics_url();
    match at.format {
        Format::Text => {
            let knows_callers = operation.knows_callers();
            welcome(&addresses, local, metrics.as_deref(), knows_callers);
        }
        Format::Json => tracing::info!(url, sse, ws, metrics, "listening"),
    }
    if at.json {
        let pid = std::process::id();
        let line = json!({"url": url, "sse": sse, "ws": ws, "metrics": metrics, "pid": pid});
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::new(format!("cannot write to standard output: {error}")))?;
    }
    Ok(())
}

fn welcome(addresses: &Addresses, local: SocketAddr, metrics: Option<&str>, knows_callers: bool) {
    let Addresses { url, sse, ws } = addresses;
    say(styled(STRONG, format_args!("Listening on {url}")));
    if local.ip().is_unspecified() {
        let who = if knows_callers {
            "for callers with a token"
        } else {
            "and nobody checks who is calling"
        };
        say(format_args!(
            "  on all addresses of this machine ({local}), {who}"
        ));
    }
    let hint = |name: &str, hint: &str| {
        say(format_args!(
            "  {} {hint}",
            styled(DIM, format_args!("{name:<13}"))
        ));
    };
    let metrics = metrics.map(ToOwned::to_owned);
    for (name, address) in [("HTTP+SSE", sse), ("WebSocket", ws), ("metrics", &metrics)] {
        if let Some(address) = address {
            hint(name, address);
        }
    }
    let mut config = json!({"mcpServers": {"wharf": {"type": "http", "url": url}}});
    let mut claude = format!("claude mcp add --transport http wharf {url}");
    if knows_callers {
        config["mcpServers"]["wharf"]["headers"] = json!({"Authorization": "Bearer TOKEN"});
        claude.push_str(r#" --header "Authorization: Bearer TOKEN""#);
    }
    hint("Claude Code", &claude);
    hint("other clients", &config.to_string());
}

/// An address that a client on this machine can connect to.
fn reachable(local: SocketAddr) -> SocketAddr {
    let ip = match local.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, local.port())
}
