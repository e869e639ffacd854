//! What is said once the server listens.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::json;
use wharf::http::HttpServer;

use crate::failure::Failure;
use crate::log::Format;
use crate::terminal::{DIM, STRONG, say, styled};

/// How it is said.
pub(super) struct Announce {
    pub(super) format: Format,
    pub(super) json: bool,
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
pub(super) fn announce(server: &HttpServer, at: &Announce) -> Result<(), Failure> {
    let found = server
        .local_addr()
        .and_then(|local| Ok((local, Addresses::of(server, local)?)));
    let (local, addresses) = found.map_err(|error| Failure::new(error.to_string()))?;
    let Addresses { url, sse, ws } = &addresses;
    match at.format {
        Format::Text => welcome(&addresses, local),
        Format::Json => tracing::info!(url, sse, ws, "listening"),
    }
    if at.json {
        let line = json!({"url": url, "sse": sse, "ws": ws, "pid": std::process::id()});
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::new(format!("cannot write to standard output: {error}")))?;
    }
    Ok(())
}

fn welcome(addresses: &Addresses, local: SocketAddr) {
    let Addresses { url, sse, ws } = addresses;
    say(styled(STRONG, format_args!("Listening on {url}")));
    if local.ip().is_unspecified() {
        say(format_args!(
            "  on all addresses of this machine ({local}), and nobody checks who is calling"
        ));
    }
    let hint = |name: &str, hint: &str| {
        say(format_args!(
            "  {} {hint}",
            styled(DIM, format_args!("{name:<13}"))
        ));
    };
    for (name, address) in [("HTTP+SSE", sse), ("WebSocket", ws)] {
        if let Some(address) = address {
            hint(name, address);
        }
    }
    let config = json!({"mcpServers": {"wharf": {"type": "http", "url": url}}});
    let claude = format!("claude mcp add --transport http wharf {url}");
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
