//! The HTTP client below: connections that are kept, TLS where the address wants it.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::error::{Error, Result};

/// After so long without a sign of life the system looks whether the other end is still there;
/// and so long may what is sent go without being taken, where the system knows how to see that.
const SILENCE: Duration = Duration::from_secs(60);

/// Connections over TLS or not.
#[derive(Clone)]
pub(crate) enum HttpClient {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl HttpClient {
    /// A client for one address. The system's certificates are read only where they are needed:
    /// that takes longer than a call.
    pub(crate) fn new(uri: &Uri, connect: Duration) -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        tcp.set_keepalive(Some(SILENCE));
        // A request that was given up goes on for as long as the server does not read it.
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(SILENCE));
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60));
        if uri.scheme_str() != Some("https") {
            return Ok(Self::Plain(builder.build(tcp)));
        }
        tcp.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|error| {
                Error::unreachable(format!("the system's certificates cannot be read: {error}"))
            })?
            .https_only()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        Ok(Self::Tls(builder.build(connector)))
    }

    pub(crate) async fn request(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, ClientError> {
        match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        }
    }
}

/// Why a request got no response, in words.
pub(super) fn failure(uri: &Uri, error: ClientError) -> Error {
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let mut cause = error.source();
    let mut reason = error.to_string();
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    if error.is_connect() {
        Error::unreachable(format!("no connection to {host}: {reason}")).with_source(error)
    } else {
        Error::closed(format!("the connection to {host} broke: {reason}")).with_source(error)
    }
}

/// A connection that can be read and written.
#[cfg(feature = "websocket")]
pub(crate) trait Stream:
    tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send
{
}

#[cfg(feature = "websocket")]
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Stream for T {}

/// One connection to a `ws:` or `wss:` address, not kept.
#[cfg(feature = "websocket")]
pub(crate) async fn stream(uri: &Uri, connect: Duration) -> Result<Box<dyn Stream>> {
    use hyper_util::rt::TokioIo;
    use tower_service::Service as _;

    let mut parts = uri.clone().into_parts();
    let secure = uri.scheme_str() == Some("wss");
    parts.scheme = Some(if secure {
        http::uri::Scheme::HTTPS
    } else {
        http::uri::Scheme::HTTP
    });
    let address =
        Uri::from_parts(parts).map_err(|error| Error::usage(format!("{uri}: {error}")))?;
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect));
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        let host = uri.authority().map_or("", |authority| authority.as_str());
        Error::unreachable(format!("no connection to {host}: {error}"))
    };
    if !secure {
        let stream = tcp.call(address).await;
        let stream = stream.map_err(|error| failed(error.into()))?;
        return Ok(Box::new(stream.into_inner()));
    }
    tcp.enforce_http(false);
    let mut tls = HttpsConnectorBuilder::new()
        .try_with_platform_verifier()
        .map_err(|error| failed(error.into()))?
        .https_only()
        .enable_http1()
        .wrap_connector(tcp);
    let stream = tls.call(address).await.map_err(failed)?;
    Ok(Box::new(TokioIo::new(stream)))
}
