//! [`Upstream`]: the provider, and how requests get there.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue,
    RETRY_AFTER, TRANSFER_ENCODING,
};
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use tokio::time::Instant;
use url::Url;

use super::EXCHANGE;
use super::fault::{Fault, shown, words};
use crate::{Error, Result, Secret};

/// The most that is read of an error, in bytes.
const MAX_ERROR: usize = 64 << 10;
/// The longest that a connection takes.
const CONNECT: Duration = Duration::from_secs(15);
/// How long to wait before the first retry where the provider says nothing; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);

/// A provider, and how requests get there.
pub(in super::super) struct Upstream {
    client: reqwest::Client,
    base: Url,
    key: Option<Secret>,
    retries: u32,
    max_bytes: usize,
}

impl Upstream {
    pub(in super::super) fn new(
        base: Url,
        key: Option<Secret>,
        retries: u32,
        max_bytes: usize,
    ) -> Result<Self> {
        if let Some(key) = &key
            && (HeaderValue::from_str(key.expose()).is_err())
        {
            return Err(Error::invalid(
                "`key` has characters that no key has, such as a line end",
            ));
        }
        Ok(Self {
            client: client(reqwest::Client::builder())?,
            base,
            key,
            retries,
            max_bytes,
        })
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Sends a request on, and gives the answer when it begins. Tries again while the provider is
    /// too busy.
    pub(super) async fn send(
        &self,
        request: Request<Incoming>,
        token: &str,
        deadline: Instant,
    ) -> Result<reqwest::Response, Fault> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Fault::BrokenOff)?;
        let body = body.to_bytes();
        let mut url = self.base.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let headers = self.headers(&head.headers, token);
        let mut tried = 0;
        loop {
            let answer = self.once(&url, &headers, &body).await?;
            let status = answer.status();
            if status.is_success() {
                return expected(answer);
            }
            let after = retry_after(answer.headers(), Timestamp::now());
            let pause = after.unwrap_or(PAUSE * 2_u32.saturating_pow(tried));
            if tried < self.retries && is_busy(status) && Instant::now() + pause < deadline {
                tried += 1;
                tracing::debug!(
                    status = status.as_u16(),
                    ?pause,
                    "asking the provider again"
                );
                tokio::time::sleep(pause).await;
                continue;
            }
            return Err(Fault::Status {
                status: status.as_u16(),
                after,
                words: self.words(answer).await,
            });
        }
    }

    async fn once(
        &self,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<reqwest::Response, Fault> {
        let request = self.client.post(url.clone()).headers(headers.clone());
        let sent = request.body(body.clone()).send().await;
        sent.map_err(|error| {
            let mut cause = error.source();
            while let Some(inner) = cause.and_then(|cause| cause.source()) {
                cause = Some(inner);
            }
            let why = match cause {
                Some(cause) => cause.to_string(),
                None => "the request could not be sent".to_owned(),
            };
            Fault::Unreachable(shown(&why, self.key.as_ref()))
        })
    }

    /// The headers for the provider: with the key where the token stands.
    fn headers(&self, sent: &HeaderMap, token: &str) -> HeaderMap {
        let key = self.key.as_ref().map(Secret::expose);
        let mut headers = HeaderMap::new();
        let mut told = false;
        for (name, value) in sent {
            let own = [
                HOST,
                CONNECTION,
                CONTENT_LENGTH,
                TRANSFER_ENCODING,
                ACCEPT_ENCODING,
            ];
            if own.contains(name) || name == EXCHANGE {
                continue;
            }
            let text = value.to_str().unwrap_or_default();
            if !text.contains(token) {
                headers.insert(name.clone(), value.clone());
            } else if let Some(value) = key.and_then(|key| secret(&text.replace(token, key))) {
                told = true;
                headers.insert(name.clone(), value);
            }
        }
        if let (false, Some(value)) = (told, key.and_then(|key| secret(&format!("Bearer {key}")))) {
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    /// What the body of an error says.
    async fn words(&self, mut answer: reqwest::Response) -> String {
        let mut bytes = Vec::new();
        // An error that breaks off says as much as it says.
        while let Ok(Some(chunk)) = answer.chunk().await {
            if bytes.len() + chunk.len() > MAX_ERROR {
                break;
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        words(&body, self.key.as_ref())
    }
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Statuses after which the same request may be answered.
fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504 | 529)
}

/// An answer that may be one of a model.
fn expected(answer: reqwest::Response) -> Result<reqwest::Response, Fault> {
    let kind = answer.headers().get(hyper::header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("text/html") {
        return Err(Fault::Garbage(
            "a page of HTML; is the address right?".into(),
        ));
    }
    Ok(answer)
}

/// When the provider wants to be asked again: milliseconds, seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str, scale: f64| {
        let number: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(number * scale).ok()
    };
    if let Some(after) = text("retry-after-ms").and_then(|text| number(text, 0.001)) {
        return Some(after);
    }
    let after = text(RETRY_AFTER.as_str())?;
    number(after, 1.0).or_else(|| {
        let date = DateTimeParser::new().parse_timestamp(after).ok()?;
        Some(date.duration_since(now).try_into().unwrap_or_default())
    })
}

/// A client that goes where it is told, and nowhere else.
pub(in super::super) fn client(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    let broken = |error: &dyn std::fmt::Display| {
        Error::unavailable(format!("the HTTP client cannot be made: {error}"))
    };
    builder
        .tls_backend_preconfigured(tls().map_err(|error| broken(&error))?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        // What is counted is what was sent.
        .no_gzip()
        // A connection for each answer: dropped, the provider knows that nobody listens.
        .http1_only()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(20))
        .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| broken(&error))
}

fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
    };
    Ok(match builder()?.with_platform_verifier() {
        Ok(config) => config.with_no_client_auth(),
        // A machine without certificates can still reach itself.
        Err(_) => builder()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_ask_again() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
        for (name, value, expected) in [
            ("retry-after", "3", Some(3000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after-ms", "20", Some(20)),
            ("retry-after", "Thu, 01 Jan 2026 00:00:07 GMT", Some(7000)),
            ("retry-after", "Wed, 31 Dec 2025 00:00:00 GMT", Some(0)),
            ("retry-after", "-1", None),
            ("retry-after", "1e300", None),
            ("retry-after", "soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let after = retry_after(&headers, now);
            assert_eq!(
                after,
                expected.map(Duration::from_millis),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn the_key_takes_the_place_of_the_token() {
        let base = Url::parse("http://127.0.0.1:1/").expect("an address");
        let with = |key: Option<&str>| {
            Upstream::new(base.clone(), key.map(Secret::new), 0, 0).expect("a provider")
        };
        let mut sent = HeaderMap::new();
        sent.insert("x-api-key", HeaderValue::from_static("t0ken"));
        sent.insert("host", HeaderValue::from_static("127.0.0.1:2"));
        let headers = with(Some("k3y")).headers(&sent, "t0ken");
        assert_eq!(headers["x-api-key"], "k3y");
        assert!(!format!("{headers:?}").contains("k3y"), "{headers:?}");
        assert_eq!(headers.len(), 1);
        assert!(with(None).headers(&sent, "t0ken").is_empty());
        let bare = with(Some("k3y")).headers(&HeaderMap::new(), "t0ken");
        assert_eq!(bare["authorization"], "Bearer k3y");
        let wrong = Upstream::new(base, Some(Secret::new("a\nb")), 0, 0);
        assert!(wrong.err().is_some_and(|error| error.is_invalid()));
    }
}
