//! Our own listener, for servers that are not part of a larger application.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::stream::Body;
use super::watch::{Active, Expired, Notes, Watched};
use super::{HttpOptions, Service, Tls};
use crate::core::Core;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::observe::Refused;

/// A server that listens and is about to serve; see [`Server::bind`](crate::Server::bind).
pub struct HttpServer {
    listener: TcpListener,
    service: Service,
    options: HttpOptions,
}

/// Opens the listener; nothing is answered yet.
pub(crate) async fn bind(
    core: Arc<Core>,
    options: HttpOptions,
    address: &str,
) -> Result<HttpServer> {
    let bound = TcpListener::bind(address).await;
    let listener =
        bound.map_err(|error| Error::from(error).context(format!("cannot listen on {address}")))?;
    let local = listener.local_addr()?;
    let guarded = options.authenticate.is_some() || options.allow_public;
    if !local.ip().is_loopback() && !guarded {
        return Err(Error::new(format!(
            "refused to listen on {local}: others can reach it, and nobody checks who is calling; \
             listen on 127.0.0.1, authenticate callers, or set `allow_public` (`--allow-public`)"
        )));
    }
    let service = Service::listening(core, &options, !local.ip().is_loopback())?;
    Ok(HttpServer {
        listener,
        service,
        options,
    })
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

impl HttpServer {
    /// Where it listens; the port is known now even if it was given as 0.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// The address of the Streamable HTTP endpoint, for a client.
    pub fn url(&self) -> Result<String> {
        let address = self.local_addr()?;
        Ok(format!("http{}://{address}{}", self.s(), self.options.path))
    }

    /// The address of the event stream for clients of 2024-11-05, if there is one.
    pub fn sse_url(&self) -> Result<Option<String>> {
        let address = self.local_addr()?;
        let path = self.options.sse.as_ref();
        Ok(path.map(|path| format!("http{}://{address}{path}", self.s())))
    }

    /// The address for WebSocket connections, if there is one.
    pub fn websocket_url(&self) -> Result<Option<String>> {
        let address = self.local_addr()?;
        let path = self.options.websocket.as_ref();
        let path = path.filter(|_| cfg!(feature = "websocket"));
        Ok(path.map(|path| format!("ws{}://{address}{path}", self.s())))
    }

    /// What makes a scheme a secure one.
    fn s(&self) -> &'static str {
        if self.options.tls.is_some() { "s" } else { "" }
    }

    /// Serves until `stop` is ready. Then no new connection is taken, streams are told and end,
    /// calls may finish within [`Limits::shutdown`](crate::Limits::shutdown), and it returns.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        let service = self.service;
        let core = Arc::clone(&service.shared.core);
        let places = Arc::new(Semaphore::new(core.limits.connections));
        let mut connections = JoinSet::new();
        let tls = self.options.tls;
        let sweeper = tokio::spawn(sweep(Arc::clone(&core)));
        #[cfg(feature = "tls")]
        let watcher = tls.clone().map(|tls| tokio::spawn(tls.watch()));
        tokio::pin!(stop);
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = async {
                // The semaphore is never closed.
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tracing::debug!(%peer, "connected");
                    let (service, tls) = (service.clone(), tls.clone());
                    connections.spawn(async move {
                        let open = Open::new(&service.shared.core);
                        accepted_stream(service, tls, stream, peer.ip()).await;
                        drop((open, place));
                    });
                }
                // Out of file handles, most likely: waiting is better than spinning.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        core.stop();
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(core.limits.shutdown, all_ended)
            .await
            .is_err()
        {
            tracing::warn!(
                open = connections.len(),
                "connections cut: the time to end is over"
            );
        }
        connections.shutdown().await;
        sweeper.abort();
        #[cfg(feature = "tls")]
        if let Some(watcher) = watcher {
            watcher.abort();
        }
        core.shut_down().await;
        Ok(())
    }
}

/// Ends sessions whose time is over, for as long as the server runs.
async fn sweep(core: Arc<Core>) {
    let shortest = core.limits.session_unused.min(core.limits.session_idle);
    let period = (shortest / 4).clamp(Duration::from_millis(50), Duration::from_secs(30));
    loop {
        tokio::time::sleep(period).await;
        core.sweep_sessions().await;
    }
}

/// A connection that is counted; given back when dropped.
struct Open(Arc<Core>);

impl Open {
    fn new(core: &Arc<Core>) -> Self {
        // How many there may be is another's business.
        let _ = core.connections.take(None, usize::MAX, 0);
        Self(Arc::clone(core))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.give_back(None);
    }
}

async fn accepted_stream(service: Service, tls: Option<Tls>, stream: TcpStream, peer: IpAddr) {
    // An answer is one small packet: waiting to fill it up would only delay it.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(service, stream, peer).await,
        #[cfg(not(feature = "tls"))]
        Some(_) => {}
        #[cfg(feature = "tls")]
        Some(tls) => {
            let core = Arc::clone(&service.shared.core);
            let time = core.limits.handshake_timeout;
            let agreed = tokio::select! {
                agreed = tokio::time::timeout(time, tls.accept(stream)) => agreed,
                () = core.stopped() => return,
            };
            match agreed {
                // Boxed: plain connections are not larger for it.
                Ok(Ok(stream)) => Box::pin(serve(service, stream, peer)).await,
                failed => {
                    core.observers.refused(Refused::Handshake, Some(peer));
                    let why = failed.map(|failed| failed.err().map(|error| error.to_string()));
                    tracing::debug!(%peer, ?why, "no TLS came of a connection");
                }
            }
        }
    }
}

async fn serve<S>(service: Service, stream: S, peer: IpAddr)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let core = Arc::clone(&service.shared.core);
    let answer = move |request, active: Active| {
        let service = service.clone();
        async move {
            let response = service.answer(request, Some(&active)).await;
            response.map(|body| body.holding(active))
        }
    };
    let expired = connection(&core.limits, stream, peer, core.stopped(), answer).await;
    if matches!(expired, Some(Expired::Head | Expired::Blocked)) {
        core.observers.refused(Refused::TooSlow, Some(peer));
    }
}

/// Serves one connection to its end, or until `stopped` is ready and it is at rest; says why it was
/// closed, if it was for the client's slowness.
pub(super) async fn connection<S, A, F>(
    limits: &Limits,
    stream: S,
    peer: IpAddr,
    stopped: impl Future<Output = ()>,
    answer: A,
) -> Option<Expired>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>, Active) -> F,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let notes = Notes::new(peer);
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&notes)));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        // Our own watch is cheaper: see there.
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes.max(8192))
        .max_headers(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.header_bytes as u32)
        .max_concurrent_streams(limits.calls_per_session as u32)
        .keep_alive_interval(Some(limits.idle_timeout / 2))
        .keep_alive_timeout(limits.header_timeout);
    let answer = service_fn(|request: Request<Incoming>| {
        let active = notes.request(request.version());
        let response = answer(request, active);
        async move { Ok::<_, Infallible>(response.await) }
    });
    let connection = builder.serve_connection_with_upgrades(io, answer);
    tokio::pin!(connection);
    let expired = notes.expired(limits);
    tokio::pin!(expired);
    tokio::pin!(stopped);
    let mut stopping = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "a connection ended");
                }
                break;
            }
            why = &mut expired => {
                tracing::debug!(?why, "a connection is closed");
                if why == Expired::Idle {
                    // A client of HTTP/2 is told, so that it does not send a request just now.
                    connection.as_mut().graceful_shutdown();
                    let _ = tokio::time::timeout(limits.header_timeout, connection).await;
                }
                return Some(why);
            }
            () = &mut stopped, if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
    if let Some(protocol) = notes.take_next() {
        protocol.await;
    }
    None
}

/// Waits for the operating system's request to stop: Ctrl-C or, on Unix, SIGTERM.
pub(crate) async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
