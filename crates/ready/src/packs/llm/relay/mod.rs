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
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
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

/// How many connections are open at once; there are as many as requests to the provider, which the
/// options bound, and those of other programs, which end when they say nothing.
const MAX_CONNECTIONS: usize = 2000;

/// How long a connection may take to say what it wants.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

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
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            // Too many open files: others are closed meanwhile.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
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
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn say(relay: &Relay, number: &str) -> String {
        let mut stream = TcpStream::connect(relay.address).await.expect("connected");
        let request = format!(
            "POST /chat HTTP/1.1\r\nhost: {}\r\n{number}content-length: 0\r\nconnection: close\r\n\r\n",
            relay.address
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        answer
    }

    #[tokio::test]
    async fn row_10_the_relay_serves_nobody_but_us_and_each_ticket_once() {
        let provider = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let provider = provider.expect("a port");
        let base = format!("http://{}/", provider.local_addr().expect("an address"));
        let base = Url::parse(&base).expect("an address");
        let upstream = Upstream::new(base, Some(Secret::new("k3y")), 0, 1 << 20);
        let relay = Relay::start(upstream.expect("a provider")).await;
        let relay = relay.expect("a relay");
        let deadline = Instant::now() + Duration::from_secs(20);
        let ticket = relay.ticket(deadline).expect("a ticket");
        let foreign = "a".repeat(ticket.number().len());
        for number in ["", &foreign] {
            let header = match number {
                "" => String::new(),
                number => format!("{EXCHANGE}: {number}\r\n"),
            };
            let answer = say(&relay, &header).await;
            assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
        }
        let header = format!("{EXCHANGE}: {}\r\n", ticket.number());
        let answers = async {
            let first = say(&relay, &header).await;
            (first, say(&relay, &header).await)
        };
        let provided = async {
            let (mut stream, _) = provider.accept().await.expect("a request");
            let mut heard = [0; 4096];
            let read = stream.read(&mut heard).await.expect("a request");
            let heard = String::from_utf8_lossy(&heard[..read]).into_owned();
            let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).await.expect("sent");
            heard
        };
        let ((first, second), heard) = tokio::join!(answers, provided);
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
        assert!(heard.contains("Bearer k3y"), "{heard}");
        assert!(second.starts_with("HTTP/1.1 404"), "{second}");
    }
}
