//! `wharf serve`: a ready-made server over HTTP or standard input and output.

use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::json;
use wharf::Server;
use wharf::http::{HttpOptions, HttpServer};

use crate::failure::Failure;
use crate::log::{self, Format};
use crate::runtime::{self, Load};
use crate::signal::StopSignal;
use crate::terminal::{DIM, STRONG, say, styled};

/// Serve MCP over HTTP, or over standard input and output
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000", value_parser = address)]
    addr: String,

    /// Serve standard input and output instead of HTTP
    #[arg(long, conflicts_with_all = ["addr", "path", "allow_host", "allow_origin", "allow_public", "json", "no_sse", "no_ws"])]
    stdio: bool,

    /// The path of the endpoint
    #[arg(long, value_name = "PATH", default_value = "/mcp", value_parser = path)]
    path: String,

    /// Do not serve clients of 2024-11-05, which open an event stream at /sse
    #[arg(long)]
    no_sse: bool,

    /// Do not take WebSocket connections at /ws
    #[arg(long)]
    no_ws: bool,

    /// Another name that the server is called by, such as mcp.example.com
    #[arg(long, value_name = "HOST", value_parser = host)]
    allow_host: Vec<String>,

    /// Web pages that may call the server, such as https://app.example.com
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,

    /// Listen even where others can reach the server, although nobody checks who is calling
    #[arg(long)]
    allow_public: bool,

    /// Where to keep what outlives the process, such as sqlite:/var/lib/wharf.db
    #[arg(long, value_name = "URL", default_value = "memory:")]
    state: String,

    /// Print {"url":…,"sse":…,"ws":…,"pid":…} on standard output once it listens, for scripts
    #[arg(long)]
    json: bool,

    /// How log lines are written, always to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: Format,
}

const EXAMPLES: &str = "\
Serves a small example of everything that a server can offer, in all revisions of the protocol at once.

Environment:
  RUST_LOG  what is logged: error, warn, info (default), debug, trace, or by module
  NO_COLOR  no colours

Examples:
  wharf serve
  wharf serve --addr 127.0.0.1:0 --json
  wharf serve --stdio
  wharf serve --state sqlite:wharf.db
  claude mcp add --transport http wharf http://127.0.0.1:8000/mcp
  claude mcp add wharf -- wharf serve --stdio

State:
  memory:      sessions and tasks end with the process
  sqlite:PATH  tasks, sessions over HTTP, and streams that were cut off, go on after a restart; one process at a time

Stops on Ctrl-C and SIGTERM, once the calls under way have ended (10 seconds at most).

Exit codes:
  0  stopped as told
  1  wrong usage, a state that cannot be had, or an internal error
  4  the address is taken, or cannot be had";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    log::start(args.log_format)?;
    if args.stdio {
        runtime::run(Load::OneConnection, stdio(args))
    } else {
        runtime::run(Load::ManyConnections, http(args))
    }
}

/// The server, with the state that was asked for. Never with another one instead.
async fn server(state: &str) -> Result<Server, Failure> {
    let store = wharf::store::open(state).await;
    let store = store.map_err(|error| Failure::new(format!("--state: {error}")))?;
    Ok(wharf_ready::starter()
        .store(store)
        .interpreter(wharf_ready::Dialect::default()))
}

async fn stdio(args: Args) -> Result<(), Failure> {
    let server = server(&args.state).await?;
    if std::io::stdin().is_terminal() {
        say("Waiting for JSON-RPC on standard input; usually a client starts this command.");
    }
    tracing::debug!("serving standard input and output");
    let served = server.serve_stdio().await;
    served.map_err(|error| {
        Failure::new(format!(
            "the server on standard input and output ended: {error}"
        ))
    })
}

/// What is said once the server listens.
struct Announce {
    format: Format,
    json: bool,
}

async fn http(args: Args) -> Result<(), Failure> {
    let at = Announce {
        format: args.log_format,
        json: args.json,
    };
    let defaults = HttpOptions::default();
    let options = HttpOptions {
        path: args.path,
        sse: defaults.sse.filter(|_| !args.no_sse),
        websocket: defaults.websocket.filter(|_| !args.no_ws),
        allowed_hosts: args.allow_host,
        allowed_origins: args.allow_origin,
        allow_public: args.allow_public,
        ..HttpOptions::default()
    };
    let bound = server(&args.state)
        .await?
        .http(options)
        .bind(&args.addr)
        .await;
    let server = bound.map_err(|error| not_bound(&args.addr, &error))?;
    let mut signal = StopSignal::new()
        .map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
    announce(&server, &at)?;
    let stop = async move {
        signal.wait().await;
        const STOPPING: &str = "stopping, once the calls under way have ended (again: at once)";
        match at.format {
            Format::Text => say(styled(DIM, STOPPING)),
            Format::Json => tracing::info!("{STOPPING}"),
        }
        tokio::spawn(async move {
            signal.wait().await;
            std::process::exit(0);
        });
    };
    let served = server.serve_until(stop).await;
    served.map_err(|error| Failure::new(error.to_string()))
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
fn announce(server: &HttpServer, at: &Announce) -> Result<(), Failure> {
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

fn not_bound(address: &str, error: &wharf::Error) -> Failure {
    use std::io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let Some(io) = error
        .source()
        .and_then(|source| source.downcast_ref::<std::io::Error>())
    else {
        return Failure::new(error.to_string());
    };
    let (why, next) = match io.kind() {
        AddrInUse => (
            "the address is in use",
            "stop what listens there, or take a free port with `--addr 127.0.0.1:0`",
        ),
        AddrNotAvailable => (
            "this machine does not have that address",
            "listen on 127.0.0.1",
        ),
        PermissionDenied => (
            "that is not permitted",
            "take a port above 1023, such as `--addr 127.0.0.1:8000`",
        ),
        _ => {
            let next = "give an address of this machine, such as `--addr 127.0.0.1:8000`";
            return Failure::unreachable(error.to_string()).next(next);
        }
    };
    Failure::unreachable(format!("cannot listen on {address}: {why}")).next(next)
}

fn address(text: &str) -> Result<String, String> {
    let port = text
        .rsplit_once(':')
        .map(|(host, port)| (host, port.parse::<u16>()));
    match port {
        Some((host, Ok(_))) if !host.is_empty() => Ok(text.to_owned()),
        _ => Err("an address has a host and a port, such as 127.0.0.1:8000".into()),
    }
}

fn path(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>' | '\\');
    if text.starts_with('/') && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a path begins with / and has no spaces, ? or #, such as /mcp".into())
    }
}

fn host(text: &str) -> Result<String, String> {
    let fits =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if !text.is_empty() && text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("a host is a name, with a port or without, such as mcp.example.com".into())
    }
}

fn origin(text: &str) -> Result<String, String> {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match host {
        Some(name) if self::host(name).is_ok() => Ok(text.to_owned()),
        _ => Err(
            "an origin has a scheme and a host and no path, such as https://app.example.com".into(),
        ),
    }
}
