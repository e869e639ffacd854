//! `wharf serve`: a ready-made server over HTTP or standard input and output.

mod announce;
mod operate;
mod reload;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf::Server;
use wharf::http::HttpOptions;
use wharf_ready::config::{Config, Given, Problems, Site, Watch, form};

use self::announce::{Announce, announce, serving};
use self::operate::Operation;
use self::reload::{Kept, keep};

use crate::failure::{Exit, Failure};
use crate::log::{self, Format};
use crate::runtime::{self, Load};
use crate::show::problems::say_problems;
use crate::signal::StopSignal;
use crate::terminal::{DIM, say, styled};

/// Serve MCP over HTTP, or over standard input and output
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// What to serve, as KIND:WHAT?key=value&…, such as files:~/notes; without any, the starter
    #[arg(value_name = "PACK")]
    packs: Vec<String>,

    /// A file that says what to serve and how; changes of it are taken while the server runs
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Leave out every tool that does not say that it only reads
    #[arg(long, help_heading = "Tools")]
    read_only: bool,

    /// Serve only these tools, by name; * stands for any characters
    #[arg(
        long,
        value_name = "PATTERN",
        value_delimiter = ',',
        help_heading = "Tools"
    )]
    allow: Vec<String>,

    /// Do not serve these tools; wins over --allow
    #[arg(
        long,
        value_name = "PATTERN",
        value_delimiter = ',',
        help_heading = "Tools"
    )]
    deny: Vec<String>,

    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "HOST:PORT", value_parser = form::address)]
    addr: Option<String>,

    /// Serve standard input and output instead of HTTP
    #[arg(long, conflicts_with_all = ["addr", "path", "allow_host", "allow_origin", "allow_public", "json", "no_sse", "no_ws"])]
    stdio: bool,

    /// The path of the endpoint [default: /mcp]
    #[arg(long, value_name = "PATH", value_parser = form::path)]
    path: Option<String>,

    /// Do not serve clients of 2024-11-05, which open an event stream at /sse
    #[arg(long)]
    no_sse: bool,

    /// Do not take WebSocket connections at /ws
    #[arg(long)]
    no_ws: bool,

    /// Another name that the server is called by, such as mcp.example.com
    #[arg(long, value_name = "HOST", value_parser = form::host)]
    allow_host: Vec<String>,

    /// Web pages that may call the server, such as https://app.example.com
    #[arg(long, value_name = "ORIGIN", value_parser = form::origin)]
    allow_origin: Vec<String>,

    /// Listen even where others can reach the server, although nobody checks who is calling
    #[arg(long)]
    allow_public: bool,

    #[command(flatten)]
    operate: operate::Args,

    /// Where to keep what outlives the process, such as sqlite:/var/lib/wharf.db [default: memory:]
    #[arg(long, value_name = "URL")]
    state: Option<String>,

    /// Print {"url":…,"sse":…,"ws":…,"pid":…} on standard output once it listens, for scripts
    #[arg(long)]
    json: bool,

    /// How log lines are written, always to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: Format,
}

const EXAMPLES: &str = "\
Without PACK and FILE it serves a small example of everything that a server can offer, in all revisions of the protocol at once.

Packs:
  files:DIR                 a directory of files; ?write=true lets clients change them
  notes:, notes:FILE        notes in SQLite
  prompts:DIR               a directory of prompts in Markdown
  skills:DIR                a directory of skills
  llm:, llm:PROVIDER/MODEL  a model that clients may ask; llm: simulates one
  starter:                  the small example
  Options go behind a ?, as in wharf.toml: files:docs?prefix=docs&write=true

Environment:
  RUST_LOG  what is logged: error, warn, info (default), debug, trace, or by module
  NO_COLOR  no colours

Examples:
  wharf serve
  wharf serve files:~/notes notes: llm:
  wharf serve 'files:docs?write=true' --deny delete
  wharf serve -c wharf.toml
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

impl Args {
    fn given(&self) -> Given {
        Given {
            file: self.config.clone(),
            packs: self.packs.clone(),
            read_only: self.read_only,
            allow: self.allow.clone(),
            deny: self.deny.clone(),
        }
    }

    /// How the server is reached: what the arguments say, and then the file.
    fn http(&self, config: &Config) -> HttpOptions {
        let (http, defaults) = (&config.settings.http, HttpOptions::default());
        let (sse, ws) = (http.sse.unwrap_or(true), http.ws.unwrap_or(true));
        let path = self.path.clone().or_else(|| http.path.clone());
        HttpOptions {
            path: path.unwrap_or(defaults.path),
            sse: defaults.sse.filter(|_| sse && !self.no_sse),
            websocket: defaults.websocket.filter(|_| ws && !self.no_ws),
            allowed_hosts: [&http.allow_host[..], &self.allow_host].concat(),
            allowed_origins: [&http.allow_origin[..], &self.allow_origin].concat(),
            allow_public: http.allow_public || self.allow_public,
            ..HttpOptions::default()
        }
    }

    fn address(&self, config: &Config) -> String {
        let address = self.addr.as_ref().or(config.settings.http.addr.as_ref());
        address.map_or_else(|| "127.0.0.1:8000".to_owned(), Clone::clone)
    }
}

/// A server with everything in it, and what keeps it as the configuration says.
struct Loaded {
    server: Server,
    site: Site,
    config: Config,
    operation: Arc<Operation>,
    watch: Option<Watch>,
}

/// The server, with the state that was asked for. Never with another one instead.
async fn load(args: &Args) -> Result<Loaded, Failure> {
    let given = args.given();
    // Before it is read, so that no change is missed.
    let watch = given.file.as_ref().map(Watch::new);
    let config = Config::load(&given).map_err(|problems| show(&problems))?;
    let (state, what) = match (&args.state, &config.settings.state) {
        (Some(state), _) => (state.as_str(), "--state"),
        (None, Some(state)) => (state.as_str(), "state"),
        (None, None) => ("memory:", "state"),
    };
    let store = wharf::store::open(state).await;
    let store = store.map_err(|error| Failure::new(format!("{what}: {error}")))?;
    let base = args.config.as_deref().and_then(Path::parent);
    let base = base.unwrap_or(Path::new(""));
    let operation = Operation::open(&args.operate, &config.settings, base).await?;
    let server = operation.watch(config.server().store(store));
    let server = server.interpreter(wharf_ready::Dialect::default());
    let site = Site::open(config.clone(), server.catalog()).await;
    let site = site.map_err(|problems| show(&problems))?;
    Ok(Loaded {
        server,
        site,
        config,
        operation: Arc::new(operation),
        watch,
    })
}

/// Shows what is wrong with the configuration.
fn show(problems: &Problems) -> Failure {
    say_problems(problems);
    Failure::silent(Exit::Usage)
}

async fn stdio(args: Args) -> Result<(), Failure> {
    let Loaded {
        server,
        site,
        watch,
        operation,
        ..
    } = load(&args).await?;
    let kept = keep(site, watch, &operation, &args)?;
    operation.start();
    if std::io::stdin().is_terminal() {
        say("Waiting for JSON-RPC on standard input; usually a client starts this command.");
    }
    tracing::debug!("serving standard input and output");
    let served = server.serve_stdio().await;
    drop(kept);
    served.map_err(|error| {
        Failure::new(format!(
            "the server on standard input and output ended: {error}"
        ))
    })
}

async fn http(args: Args) -> Result<(), Failure> {
    let at = Announce {
        format: args.log_format,
        json: args.json,
    };
    let Loaded {
        server,
        site,
        config,
        watch,
        operation,
    } = load(&args).await?;
    let address = args.address(&config);
    let options = args.http(&config);
    // A name is taken for an address of others: they get a limit, and tokens are asked for anyway.
    let ip = address
        .rsplit_once(':')
        .map(|(host, _)| host.trim_matches(['[', ']']));
    let ip = ip.and_then(|host| host.parse::<std::net::IpAddr>().ok());
    let is_public = ip.is_none_or(|ip| !ip.is_loopback()) && !address.starts_with("localhost:");
    let options = operation.http(&config.settings, is_public, options);
    let server = server.http(options);
    let bound = server.bind(&address).await;
    let server = bound.map_err(|error| not_bound(&address, &error))?;
    let mut signal = StopSignal::new()
        .map_err(|error| Failure::new(format!("cannot wait for signals: {error}")))?;
    serving(&site, args.config.as_deref(), &at);
    announce(&server, &at, &operation)?;
    operation.start();
    let kept: Kept = keep(site, watch, &operation, &args)?;
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
    drop(kept);
    served.map_err(|error| Failure::new(error.to_string()))
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
