//! [`MetricsServer`]: the numbers of a server, at an address of their own.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::{self, HeaderValue};
use ::http::{Method, Response, StatusCode};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wharf_protocol::error::ErrorCode;

use super::HttpOptions;
use super::answer::failure;
use super::guard::Guard;
use super::serve::connection;
use super::stream::Body;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::metrics::Metrics;

/// Connections at the same time: who reads numbers needs one.
const CONNECTIONS: usize = 16;

/// How the numbers of a server are reached.
#[derive(Clone, Debug)]
pub struct MetricsOptions {
    /// Where to listen. Default `127.0.0.1:9464`.
    pub address: String,
    /// The path. Default `/metrics`.
    pub path: String,
    /// Names besides loopback ones under which the address may be called, as in
    /// [`HttpOptions::allowed_hosts`].
    pub allowed_hosts: Vec<String>,
    /// Whether it may be an address that others can reach. Nobody authenticates them, and they see
    /// what the server's tools are called. Default no: such a start is refused.
    pub allow_public: bool,
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self {
            address: "127.0.0.1:9464".into(),
            path: "/metrics".into(),
            allowed_hosts: Vec::new(),
            allow_public: false,
        }
    }
}

/// Gives the numbers of [`Metrics`] to Prometheus, and to whoever asks in the same way. Like a
/// server it answers only to hosts and pages that it knows, and waits for nobody for long.
pub struct MetricsServer {
    listener: TcpListener,
    shared: Arc<Shared>,
}

struct Shared {
    metrics: Metrics,
    guard: Guard,
    path: String,
}

impl fmt::Debug for MetricsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsServer")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}

impl MetricsServer {
    /// Listens, without answering yet.
    ///
    /// # Errors
    /// An address that is taken, or one that others can reach; see
    /// [`MetricsOptions::allow_public`].
    pub async fn bind(metrics: &Metrics, options: MetricsOptions) -> Result<Self> {
        let address = &options.address;
        let bound = TcpListener::bind(address).await;
        let listener = bound.map_err(|error| {
            Error::from(error).context(format!("cannot listen for metrics on {address}"))
        })?;
        let local = listener.local_addr()?;
        let public = !local.ip().is_loopback();
        if public && !options.allow_public {
            return Err(Error::new(format!(
                "refused to show metrics on {local}: others can reach it, and nobody checks who is \
                 asking; listen on 127.0.0.1, or set `allow_public` of the metrics"
            )));
        }
        let hosts = HttpOptions {
            allowed_hosts: options.allowed_hosts,
            ..HttpOptions::default()
        };
        Ok(Self {
            listener,
            shared: Arc::new(Shared {
                metrics: metrics.clone(),
                guard: Guard::new(&hosts, public),
                path: options.path,
            }),
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// The address of the numbers.
    pub fn url(&self) -> Result<String> {
        Ok(format!("http://{}{}", self.local_addr()?, self.shared.path))
    }

    /// Answers until `stop` is ready.
    pub async fn serve_until(self, stop: impl Future<Output = ()>) -> Result<()> {
        let limits = Limits {
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            header_bytes: 8 * 1024,
            ..Limits::default()
        };
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        let stopping = watch::Sender::new(false);
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
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (shared, limits) = (Arc::clone(&self.shared), limits.clone());
            let mut stopped = stopping.subscribe();
            connections.spawn(async move {
                let stopped = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
                connection(
                    &limits,
                    stream,
                    peer.ip(),
                    stopped,
                    move |request, active| {
                        let response = shared.answer(&request.into_parts().0);
                        let response = response.map(|body| body.holding(active));
                        std::future::ready(response)
                    },
                )
                .await;
                drop(place);
            });
        }
        stopping.send_replace(true);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), all_ended).await;
        connections.shutdown().await;
        Ok(())
    }
}

impl Shared {
    fn answer(&self, parts: &::http::request::Parts) -> Response<Body> {
        let permit = match self.guard.check(parts) {
            Ok(permit) => permit,
            Err(denied) => return denied.into_response(),
        };
        if parts.uri.path() != self.path {
            let message = format!("there is nothing here: the metrics are at {}", self.path);
            let status = StatusCode::NOT_FOUND;
            return permit.finish(failure(status, ErrorCode::INVALID_REQUEST, &message));
        }
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return permit.finish(super::not_allowed("use GET", "GET, HEAD"));
        }
        let text = Bytes::from(self.metrics.render());
        let mut response = Response::new(Body::full(text));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        permit.finish(response)
    }
}
