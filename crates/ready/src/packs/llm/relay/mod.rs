//! The way to a provider, which keeps what comes back within bounds.
//!
//! `genai` knows the forms of many providers. But it reads errors and lines without an end, logs
//! what a provider answers, and opens its connections itself. So it gets an address on this
//! machine instead of the provider's, and a word of chance instead of the key: requests come here,
//! and are sent on with the key, tried again where that helps, and cut off where they must be.
//! Only requests that carry the number of an open [`Exchange`] are taken, each once.

mod body;
mod exchange;
mod fault;
mod forward;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use url::Url;

use crate::{Running, Secret};

pub(super) use exchange::Ticket;
pub(super) use fault::{Fault, shown, words};
pub(super) use forward::{Upstream, client};

use exchange::Exchanges;

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The header with the number of an exchange.
pub(super) const EXCHANGE: &str = "wharf-exchange";

/// A place on this machine that stands for a provider. Gone when dropped.
#[derive(Debug)]
pub(super) struct Relay {
    address: SocketAddr,
    open: Arc<Exchanges>,
    /// What is sent to the relay where the provider gets the key.
    token: String,
    base: Url,
    _running: Running,
}

impl Relay {
    /// Begins to listen, on the runtime that is current.
    pub(super) async fn start(upstream: Upstream) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let open = Arc::new(Exchanges::default());
        let token = exchange::chance()?;
        let base = upstream.base().clone();
        let shared = Arc::new(Shared {
            upstream,
            open: Arc::clone(&open),
            token: token.clone(),
        });
        Ok(Self {
            address,
            open,
            token,
            base,
            _running: Running::spawn(listen(listener, shared)),
        })
    }

    /// The address that stands for the provider's.
    pub(super) fn base(&self) -> String {
        let query = self.base.query().map(|query| format!("?{query}"));
        format!(
            "http://{}{}{}",
            self.address,
            self.base.path(),
            query.unwrap_or_default()
        )
    }

    /// What stands for the key.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Lets one request through, until the ticket is dropped.
    pub(super) fn ticket(&self, deadline: Instant) -> std::io::Result<Ticket> {
        Exchanges::open(&self.open, deadline)
    }
}

struct Shared {
    upstream: Upstream,
    open: Arc<Exchanges>,
    token: String,
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    // Ends with the listener.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            // Too many open files: others are closed meanwhile.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(respond(request, &shared).await) }
    });
    // A connection that breaks is one whose answer nobody waits for.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(request: Request<Incoming>, shared: &Shared) -> Response<Body> {
    let number = request.headers().get(EXCHANGE);
    let Some(exchange) = number.and_then(|number| shared.open.take(number.as_bytes())) else {
        return empty(404);
    };
    let sent = tokio::select! {
        biased;
        () = exchange.dropped() => return empty(404),
        sent = shared.upstream.send(request, &shared.token, exchange.deadline) => sent,
    };
    match sent {
        Ok(answer) => {
            let mut response = Response::builder().status(answer.status());
            if let Some(kind) = answer.headers().get(hyper::header::CONTENT_TYPE) {
                response = response.header(hyper::header::CONTENT_TYPE, kind);
            }
            let body = body::bounded(answer, exchange, shared.upstream.max_bytes());
            response.body(body).unwrap_or_else(|_| empty(502))
        }
        Err(fault) => {
            exchange.fail(fault);
            empty(502)
        }
    }
}

fn empty(status: u16) -> Response<Body> {
    let body = Empty::new().map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status.try_into().unwrap_or(hyper::StatusCode::BAD_GATEWAY);
    response
}

/// What a provider sends back for the key, which nobody else may see.
fn without(text: &str, key: Option<&Secret>) -> String {
    match key.map(Secret::expose) {
        Some(key) if !key.is_empty() => text.replace(key, "…"),
        _ => text.to_owned(),
    }
}
