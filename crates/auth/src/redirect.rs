//! [`Redirect`]: where the browser brings the answer of a sign-in.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::Error;
use crate::net::Place;

mod page;
pub(crate) use page::Page;

/// How many connections are open at once: a browser opens a few.
const CONNECTIONS: usize = 16;
/// How long a head of a request may take.
const HEAD: Duration = Duration::from_secs(10);
/// How long the browser waits for the end of the sign-in.
const VERDICT: Duration = Duration::from_secs(40);
/// How long the last page may take to be sent.
const FAREWELL: Duration = Duration::from_secs(1);

/// The address that answers go to, as a person may fix it.
#[derive(Debug, Clone)]
pub(crate) struct RedirectTo {
    host: String,
    pub(crate) port: u16,
    path: String,
}

impl Default for RedirectTo {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: 0,
            path: "/callback".to_owned(),
        }
    }
}

impl RedirectTo {
    /// An `http` address of `127.0.0.1` or `localhost`; without a port, or with port 0: any.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refused = || {
            Error::misconfigured(
                "a redirect address is of the form http://127.0.0.1:PORT/PATH or http://localhost:PORT/PATH",
            )
        };
        let place = Place::parse(text).map_err(|_| refused())?;
        let url = place.url();
        let host = url.host_str().unwrap_or_default();
        let is_plain = url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "http" || !matches!(host, "127.0.0.1" | "localhost") || !is_plain {
            return Err(refused());
        }
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(0),
            path: url.path().to_owned(),
        })
    }

    fn uri(&self) -> String {
        format!("http://{}:{}{}", self.host, self.port, self.path)
    }
}

/// Where the browser brings the answer: a listener on this machine, for one answer.
pub(crate) struct Redirect {
    uri: String,
    answers: mpsc::Receiver<(Params, oneshot::Sender<Page>)>,
    // Ends the listener with it.
    _listener: JoinSet<()>,
}

/// What an answer says: the parameters of its address, each at most once.
pub(crate) type Params = HashMap<String, String>;

struct Door {
    to: RedirectTo,
    state: String,
    answers: mpsc::Sender<(Params, oneshot::Sender<Page>)>,
}

impl Redirect {
    /// Listens on 127.0.0.1, for the answer that has a `state`.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub(crate) async fn listen(mut to: RedirectTo, state: &str) -> Result<Self, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, to.port));
        let taken = |e: std::io::Error| {
            Error::misconfigured(format_args!(
                "port {} of this machine cannot be used",
                to.port
            ))
            .with_source(e)
        };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        to.port = listener.local_addr().map_err(taken)?.port();
        let (sender, answers) = mpsc::channel(1);
        let uri = to.uri();
        let door = Arc::new(Door {
            to,
            state: state.to_owned(),
            answers: sender,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, door));
        Ok(Self {
            uri,
            answers,
            _listener: tasks,
        })
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits for the answer.
    pub(crate) async fn answer(&mut self) -> Option<(Params, Browsing)> {
        let (params, page) = self.answers.recv().await?;
        Some((params, Browsing(Some(page))))
    }
}

/// A browser that waits to be told what came of it.
pub(crate) struct Browsing(Option<oneshot::Sender<Page>>);

impl Browsing {
    /// Shows how it ended, and gives the browser a moment to take it.
    pub(crate) async fn show(mut self, page: Page) {
        if let Some(waiting) = self.0.take()
            && waiting.send(page).is_ok()
        {
            tokio::time::sleep(FAREWELL.min(Duration::from_millis(200))).await;
        }
    }
}

/// The parameters of a query; `None` if one that counts comes twice.
pub(crate) fn params(query: &str) -> Option<Params> {
    let mut params = Params::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let counts = matches!(
            &*name,
            "code" | "state" | "iss" | "error" | "error_description" | "error_uri"
        );
        if counts
            && params
                .insert(name.into_owned(), value.into_owned())
                .is_some()
        {
            return None;
        }
    }
    Some(params)
}

async fn serve(listener: TcpListener, door: Arc<Door>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        if !peer.ip().is_loopback() {
            continue;
        }
        let door = door.clone();
        connections.spawn(async move {
            let _place = place;
            let service = service_fn(|request| {
                let door = door.clone();
                async move { Ok::<_, Infallible>(door.answer(request).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .keep_alive(false)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection to the redirect address ended early");
            }
        });
    }
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        // A page elsewhere may know the port, but not make a browser send this host to it.
        if !self.is_our_host(
            request
                .headers()
                .get_all(HOST)
                .iter()
                .collect::<Vec<_>>()
                .as_slice(),
        ) {
            return respond(StatusCode::MISDIRECTED_REQUEST, &Page::NotHere);
        }
        if request.uri().path() != self.to.path {
            return respond(StatusCode::NOT_FOUND, &Page::NotHere);
        }
        if request.method() != Method::GET {
            return respond(StatusCode::METHOD_NOT_ALLOWED, &Page::NotHere);
        }
        let Some(params) = params(request.uri().query().unwrap_or_default()) else {
            return respond(StatusCode::BAD_REQUEST, &Page::NotHere);
        };
        // Whoever does not know the state was not sent by the page that we opened.
        if params.get("state") != Some(&self.state) {
            return respond(StatusCode::BAD_REQUEST, &Page::NotOurs);
        }
        let (sender, verdict) = oneshot::channel();
        if self.answers.try_send((params, sender)).is_err() {
            return respond(StatusCode::GONE, &Page::Over);
        }
        let page = match tokio::time::timeout(VERDICT, verdict).await {
            Ok(Ok(page)) => page,
            _ => Page::Unknown,
        };
        respond(StatusCode::OK, &page)
    }

    fn is_our_host(&self, hosts: &[&HeaderValue]) -> bool {
        let [host] = hosts else { return false };
        let ours = [&self.to.host, "127.0.0.1", "localhost"];
        ours.into_iter().any(|name| {
            host.as_bytes()
                .eq_ignore_ascii_case(format!("{name}:{}", self.to.port).as_bytes())
        })
    }
}

fn respond(status: StatusCode, page: &Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(page.html().into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONNECTION, "close"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
