//! Connecting: which transport and which era a server speaks.
//!
//! A server of 2026-07-28 answers `server/discover`; whatever else comes back, or nothing, means
//! the handshake of the revisions before (spec 2026-07-28, basic/versioning, "Backward
//! Compatibility").

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use wharf_protocol::content::Implementation;
use wharf_protocol::error::ErrorCode;
use wharf_protocol::projection::at;
use wharf_protocol::{Revision, ServerCapabilities, meta};

use crate::client::Shared;
use crate::error::{Error, Result, escape};
use crate::link::http::{HttpClient, is_modern_error};
use crate::link::lines::Streams;
use crate::link::{Http, Link, Outgoing, lines, sse};
use crate::message::{Answer, Members, Request};
use crate::peer::Peer;
use crate::target::{Kind, Once};

/// How long a connection waits for the server's own stream to open.
const STREAM: Duration = Duration::from_secs(1);

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Standard streams of a child process, or other streams of lines.
    Stdio,
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE, the transport of 2024-11-05.
    Sse,
    /// WebSocket.
    WebSocket,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stdio => "stdio",
            Self::Http => "Streamable HTTP",
            Self::Sse => "HTTP+SSE",
            Self::WebSocket => "WebSocket",
        })
    }
}

/// What a server says about itself. Nothing of it is verified.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// Its name and version, where it gives them.
    pub implementation: Option<Implementation>,
    /// What it offers.
    pub capabilities: ServerCapabilities,
    /// How a model should use it.
    pub instructions: Option<String>,
    /// The revision that is spoken.
    pub revision: Revision,
    /// How it is reached.
    pub transport: Transport,
}

/// What was found out about a server; holds for as long as the client, over reconnects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    transport: Transport,
    modern: bool,
}

/// A connection that is ready for requests.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) link: Link,
    pub(crate) peer: Arc<Peer>,
    pub(crate) info: ServerInfo,
    /// What stands in `_meta` of every request; nothing in the revisions of sessions.
    pub(crate) about: Members,
}

impl Connection {
    pub(crate) fn revision(&self) -> Revision {
        self.info.revision
    }

    pub(crate) fn is_modern(&self) -> bool {
        self.info.revision.is_modern()
    }

    /// Sends a request that has nothing special about it.
    pub(crate) async fn request(&self, request: &Request) -> Result<Answer> {
        let (id, none) = (self.peer.next_id(), Members::default());
        let outgoing = Outgoing::new(id, request, &self.about, &none, false);
        self.link.request(outgoing).await
    }

    /// The method that asks whether the server is there: 2026-07-28 has no `ping`.
    pub(crate) fn ping(&self) -> &'static str {
        if self.is_modern() {
            "server/discover"
        } else {
            "ping"
        }
    }

    pub(crate) fn found(&self) -> Found {
        Found {
            transport: self.info.transport,
            modern: self.is_modern(),
        }
    }
}

/// Opens a connection.
pub(crate) async fn connect(shared: &Shared, found: Option<Found>) -> Result<Connection> {
    match &shared.target.0 {
        Kind::Http(uri) => {
            let http = HttpClient::new(uri, shared.config.timeouts.connect)?;
            let peer = shared.peer();
            let http = Http::new(http, uri.clone(), Arc::clone(&shared.config), peer);
            over_http(shared, &http, found).await
        }
        #[cfg(feature = "websocket")]
        Kind::WebSocket(uri) => {
            let peer = shared.peer();
            let duplex =
                crate::link::websocket::open(uri, &shared.config, Arc::clone(&peer)).await?;
            let link = Link::Duplex(duplex);
            over_messages(shared, link, peer, Transport::WebSocket, found).await
        }
        #[cfg(not(feature = "websocket"))]
        Kind::WebSocket(_) => Err(Error::unsupported(
            "this program is built without the feature `websocket`",
        )),
        Kind::Command(command) => {
            let open = || {
                let (child, input, output) = command.spawn()?;
                let peer = shared.peer();
                let limit = shared.config.limits.message_bytes;
                let duplex = lines::open(output, input, child, Arc::clone(&peer), limit);
                Ok::<_, Error>((Link::Duplex(duplex), peer))
            };
            let (link, peer) = open()?;
            let connected =
                over_messages(shared, link.clone(), peer, Transport::Stdio, found).await;
            match connected {
                // Some servers of before end when the first message is not `initialize`.
                Err(error) if error.is_closed() && found.is_none() && shared.may_be_legacy() => {
                    tracing::debug!(%error, "the child ended over the probe; started again");
                    link.close().await;
                    let (link, peer) = open()?;
                    let legacy = Found {
                        transport: Transport::Stdio,
                        modern: false,
                    };
                    let connected =
                        over_messages(shared, link.clone(), peer, Transport::Stdio, Some(legacy));
                    closing(link, connected.await).await
                }
                connected => closing(link, connected).await,
            }
        }
        Kind::Once(once) => {
            let once = once.lock().unwrap_or_else(PoisonError::into_inner).take();
            let once = once.ok_or_else(|| Error::closed("the connection has ended"))?;
            let (reader, writer) = match once {
                Once::Streams(reader, writer) => (reader, writer),
                Once::Server(server) => serve(*server),
            };
            let peer = shared.peer();
            let limit = shared.config.limits.message_bytes;
            let duplex = lines::open(reader, writer, Arc::new(Streams), Arc::clone(&peer), limit);
            let link = Link::Duplex(duplex);
            over_messages(shared, link, peer, Transport::Stdio, found).await
        }
    }
}

/// A link to which nobody could connect is closed: nothing stays behind.
async fn closing(link: Link, connected: Result<Connection>) -> Result<Connection> {
    if connected.is_err() {
        link.close().await;
    }
    connected
}

type Ends = (
    Box<dyn tokio::io::AsyncRead + Send + Unpin>,
    Box<dyn tokio::io::AsyncWrite + Send + Unpin>,
);

/// Runs a server in a task, and gives the other ends of its streams.
fn serve(server: wharf_server::Server) -> Ends {
    const BUFFER: usize = 256 * 1024;
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let (reader, writer) = tokio::io::split(theirs);
    tokio::spawn(async move {
        if let Err(error) = server.serve_connection(reader, writer).await {
            tracing::warn!(%error, "the server in this process ended");
        }
    });
    let (reader, writer) = tokio::io::split(ours);
    (Box::new(reader), Box::new(writer))
}

/// What a server of 2026-07-28 says of itself, as any answer may have it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discovered {
    supported_versions: Vec<String>,
    #[serde(default)]
    capabilities: ServerCapabilities,
    instructions: Option<String>,
    server_info: Option<Implementation>,
    #[serde(rename = "_meta")]
    meta: Option<Value>,
}

impl Discovered {
    fn info(self, revision: Revision, transport: Transport) -> ServerInfo {
        let named = self.meta.and_then(|mut meta| {
            let info = meta.get_mut(meta::SERVER_INFO)?.take();
            serde_json::from_value(info).ok()
        });
        ServerInfo {
            implementation: named.or(self.server_info),
            capabilities: self.capabilities,
            instructions: self.instructions,
            revision,
            transport,
        }
    }
}

/// What came of the probe.
enum Probe {
    Modern(Box<Discovered>),
    /// The server speaks other revisions than the newest.
    Others(Vec<String>),
    Legacy(Error),
}

fn judge(answer: Result<Answer>) -> Result<Probe> {
    let error = match answer {
        Ok(answer) => {
            return match answer.read() {
                Ok(discovered) => Ok(Probe::Modern(Box::new(discovered))),
                Err(error) => Ok(Probe::Legacy(error)),
            };
        }
        Err(error) => error,
    };
    match error.as_rpc() {
        Some(rpc) if rpc.code == ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => {
            #[derive(Deserialize)]
            struct Supported {
                supported: Vec<String>,
            }
            let data = rpc.data.clone().unwrap_or_default();
            Ok(match serde_json::from_value(data) {
                Ok(Supported { supported }) => Probe::Others(supported),
                Err(_) => Probe::Legacy(error),
            })
        }
        Some(rpc) if is_modern_error(rpc.code) => Err(error),
        // Some other answer, whatever it says.
        Some(_) => Ok(Probe::Legacy(error)),
        None if error.is_protocol() => Ok(Probe::Legacy(error)),
        None => Err(error),
    }
}

/// The newest revision that both sides have.
fn mutual(names: &[String]) -> Option<Revision> {
    names.iter().filter_map(|name| Revision::parse(name)).max()
}

fn nothing_in_common(names: &[String]) -> Error {
    let names: Vec<_> = names.iter().map(|name| escape(name)).collect();
    Error::unsupported(format!(
        "the server speaks {} only, and this client none of them",
        names.join(", ")
    ))
}

async fn discover(shared: &Shared, link: &Link, peer: &Peer) -> Result<Answer> {
    let request = Request::new("server/discover");
    let about = shared.about(Revision::LATEST)?;
    let none = Members::default();
    link.request(Outgoing::new(
        peer.next_id(),
        &request,
        &about,
        &none,
        false,
    ))
    .await
}

fn modern(
    shared: &Shared,
    discovered: Discovered,
    link: Link,
    peer: Arc<Peer>,
    transport: Transport,
) -> Result<Connection> {
    peer.agree(Revision::LATEST);
    Ok(Connection {
        about: shared.about(Revision::LATEST)?,
        info: discovered.info(Revision::LATEST, transport),
        link,
        peer,
    })
}

/// A connection of messages: a child, streams, a WebSocket.
async fn over_messages(
    shared: &Shared,
    link: Link,
    peer: Arc<Peer>,
    transport: Transport,
    found: Option<Found>,
) -> Result<Connection> {
    let start = shared.config.timeouts.start;
    let talk = async {
        if !shared.may_be_modern() || found.is_some_and(|found| !found.modern) {
            return initialize(shared, link.clone(), Arc::clone(&peer), transport, None).await;
        }
        let probe = discover(shared, &link, &peer);
        tokio::pin!(probe);
        let patience = if shared.may_be_legacy() && found.is_none() {
            shared.config.timeouts.probe
        } else {
            start
        };
        let answer = match tokio::time::timeout(patience, &mut probe).await {
            Ok(answer) => answer,
            Err(_) if !shared.may_be_legacy() => {
                return Err(Error::timed_out("the server did not answer", patience));
            }
            Err(_) => {
                // A server of before may wait in silence for `initialize`; a new one may only be
                // slow to start. If it is both, it takes the handshake.
                tracing::debug!("no answer to the probe yet; trying the handshake beside it");
                let handshake =
                    initialize(shared, link.clone(), Arc::clone(&peer), transport, None);
                match handshake.await {
                    Err(error) if error.as_rpc().is_some() => probe.await.map_err(|_| error),
                    connected => return connected,
                }
            }
        };
        match judge(answer)? {
            Probe::Modern(discovered) => match mutual(&discovered.supported_versions) {
                Some(revision) if revision.is_modern() => modern(
                    shared,
                    *discovered,
                    link.clone(),
                    Arc::clone(&peer),
                    transport,
                ),
                Some(revision) if shared.may_be_legacy() => {
                    initialize(
                        shared,
                        link.clone(),
                        Arc::clone(&peer),
                        transport,
                        Some(revision),
                    )
                    .await
                }
                _ => Err(nothing_in_common(&discovered.supported_versions)),
            },
            Probe::Others(names) => match mutual(&names) {
                Some(revision) if !revision.is_modern() && shared.may_be_legacy() => {
                    initialize(
                        shared,
                        link.clone(),
                        Arc::clone(&peer),
                        transport,
                        Some(revision),
                    )
                    .await
                }
                Some(revision) if revision.is_modern() => {
                    let answer = discover(shared, &link, &peer).await?;
                    modern(
                        shared,
                        answer.read()?,
                        link.clone(),
                        Arc::clone(&peer),
                        transport,
                    )
                }
                _ => Err(nothing_in_common(&names)),
            },
            Probe::Legacy(_) if shared.may_be_legacy() => {
                initialize(shared, link.clone(), Arc::clone(&peer), transport, None).await
            }
            Probe::Legacy(error) => Err(error),
        }
    };
    let connected = tokio::time::timeout(start, talk).await;
    connected.unwrap_or_else(|_| {
        let error = Error::timed_out("the server did not answer", start);
        Err(match &link {
            Link::Duplex(duplex) => duplex.explain(error),
            Link::Http(_) => error,
        })
    })
}

/// Streamable HTTP, and HTTP+SSE behind it.
async fn over_http(shared: &Shared, http: &Arc<Http>, found: Option<Found>) -> Result<Connection> {
    let start = shared.config.timeouts.start;
    let wanted = shared
        .config
        .transport
        .or(found.map(|found| found.transport));
    if wanted == Some(Transport::Sse) {
        return over_sse(shared, http).await;
    }
    let link = Link::Http(Arc::clone(http));
    let peer = http.peer();
    let mut first = None;
    if shared.may_be_modern() && found.is_none_or(|found| found.modern) {
        http.speak(Some(Revision::LATEST));
        // Where a first try is refused for its version, the newest of those that are named is
        // the one to try again with, even if it is the same.
        for _ in 0..2 {
            let answer = quick(shared, discover(shared, &link, &peer)).await;
            first = match judge(answer) {
                Ok(Probe::Modern(discovered)) => match mutual(&discovered.supported_versions) {
                    Some(revision) if revision.is_modern() => {
                        return modern(shared, *discovered, link, peer, Transport::Http);
                    }
                    None => return Err(nothing_in_common(&discovered.supported_versions)),
                    Some(revision) => Some((Some(revision), None)),
                },
                Ok(Probe::Others(names)) => match mutual(&names) {
                    Some(revision) if revision.is_modern() => {
                        first = Some((None, Some(nothing_in_common(&names))));
                        continue;
                    }
                    Some(revision) => Some((Some(revision), None)),
                    None => return Err(nothing_in_common(&names)),
                },
                Ok(Probe::Legacy(error)) => Some((None, Some(error))),
                // A server of before may not answer what it does not know.
                Err(error) if error.is_timeout() => Some((None, Some(error))),
                Err(error) => return Err(error),
            };
            break;
        }
    }
    let (preferred, error) = first.unwrap_or((None, None));
    if !shared.may_be_legacy() {
        return Err(error.unwrap_or_else(|| {
            Error::unsupported("the server does not speak the revision that was demanded")
        }));
    }
    http.speak(None);
    let handshake = initialize(shared, link, Arc::clone(&peer), Transport::Http, preferred);
    let handshake = tokio::time::timeout(start, handshake)
        .await
        .unwrap_or_else(|_| Err(Error::timed_out("the server did not answer", start)));
    match handshake {
        Err(error)
            if matches!(error.http_status(), Some(400 | 404 | 405 | 406 | 415 | 501))
                && !error.as_rpc().is_some_and(|rpc| is_modern_error(rpc.code))
                && wanted.is_none() =>
        {
            // Neither kind of POST is taken there: perhaps it is a stream that is to be opened.
            match over_sse(shared, http).await {
                Ok(connection) => Ok(connection),
                Err(of_sse) if of_sse.is_authorization_required() => Err(of_sse),
                // It was somebody who speaks JSON-RPC, and who knows why not.
                Err(_) if error.as_rpc().is_some() => Err(error),
                Err(of_sse) => {
                    tracing::debug!(error = %of_sse, "no HTTP+SSE either");
                    Err(Error::unreachable(format!(
                        "there is no MCP server at {}: {error}",
                        http.uri()
                    ))
                    .with_source(error))
                }
            }
        }
        Err(error) if error.is_protocol() => {
            let words = format!("there is no MCP server at {}: {error}", http.uri());
            Err(Error::unreachable(words).with_source(error))
        }
        connected => connected,
    }
}

/// An answer that should come at once: a probe.
async fn quick(shared: &Shared, answer: impl Future<Output = Result<Answer>>) -> Result<Answer> {
    let patience: Duration = if shared.may_be_legacy() {
        shared.config.timeouts.connect
    } else {
        shared.config.timeouts.start
    };
    shared.patiently(patience, answer).await
}

async fn over_sse(shared: &Shared, http: &Arc<Http>) -> Result<Connection> {
    http.speak(None);
    let start = shared.config.timeouts.start;
    let opened = tokio::time::timeout(start, sse::open(http, shared.config.timeouts.connect));
    let opened = opened
        .await
        .map_err(|_| Error::timed_out("the server did not answer", start))?;
    let link = Link::Duplex(opened?);
    let handshake = initialize(shared, link.clone(), http.peer(), Transport::Sse, None);
    let connected = tokio::time::timeout(start, handshake)
        .await
        .unwrap_or_else(|_| Err(Error::timed_out("the server did not answer", start)));
    closing(link, connected).await
}

/// The handshake of the revisions up to 2025-11-25 (spec 2025-11-25, basic/lifecycle).
async fn initialize(
    shared: &Shared,
    link: Link,
    peer: Arc<Peer>,
    transport: Transport,
    preferred: Option<Revision>,
) -> Result<Connection> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Initialized {
        protocol_version: String,
        #[serde(default)]
        capabilities: ServerCapabilities,
        server_info: Option<Implementation>,
        instructions: Option<String>,
    }
    let mut revision = shared
        .config
        .revision
        .or(preferred)
        .filter(|revision| !revision.is_modern())
        .unwrap_or(Revision::LATEST_LEGACY);
    let mut tried = 0;
    let answer = loop {
        let request = Request::new("initialize")
            .with("protocolVersion", revision.as_str())?
            .with("capabilities", &at(&shared.capabilities(), revision))?
            .with("clientInfo", &at(&shared.config.info, revision))?;
        let none = Members::default();
        let outgoing = Outgoing::new(peer.next_id(), &request, &none, &none, false);
        let answer = link.request(outgoing).await;
        tried += 1;
        match answer {
            Ok(answer) => break answer,
            // Some servers refuse what they do not know instead of offering another.
            Err(error) if tried == 1 && shared.config.revision.is_none() => {
                let supported = error
                    .as_rpc()
                    .and_then(|rpc| rpc.data.as_ref()?.get("supported"));
                let names: Vec<String> = supported
                    .and_then(|it| serde_json::from_value(it.clone()).ok())
                    .unwrap_or_default();
                match mutual(&names) {
                    Some(other) if !other.is_modern() && other != revision => revision = other,
                    _ => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    };
    let initialized: Initialized = answer.read()?;
    let agreed = Revision::parse(&initialized.protocol_version).filter(|it| !it.is_modern());
    let agreed = agreed
        .ok_or_else(|| nothing_in_common(std::slice::from_ref(&initialized.protocol_version)))?;
    if let Some(wanted) = shared.config.revision.filter(|wanted| *wanted != agreed) {
        return Err(Error::unsupported(format!(
            "the server speaks {agreed} and not {wanted}, which was demanded"
        )));
    }
    peer.agree(agreed);
    if let Link::Http(http) = &link {
        http.speak(Some(agreed));
    }
    link.notify(&Request::new("notifications/initialized"))
        .await?;
    if let Link::Http(http) = &link {
        http.open_stream();
        // Servers ask on it in the middle of calls, and many keep nothing for a stream that is
        // not there yet. Those that show it only with its first message are not waited for long.
        if shared.common.asks.has_answers() {
            let _ = tokio::time::timeout(STREAM, http.listening()).await;
        }
    }
    let connection = Connection {
        link,
        peer,
        about: Members::default(),
        info: ServerInfo {
            implementation: initialized.server_info,
            capabilities: initialized.capabilities,
            instructions: initialized.instructions,
            revision: agreed,
            transport,
        },
    };
    if let (Some(level), true) = (
        shared.config.log_level,
        connection.info.capabilities.logging,
    ) {
        let request = Request::new("logging/setLevel").with("level", &level)?;
        if let Err(error) = connection.request(&request).await {
            tracing::warn!(%error, "the level of log messages was not set");
        }
    }
    Ok(connection)
}
