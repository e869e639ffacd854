//! [`Http`]: requests that are bounded in where they go, how much they read, how long they take.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::resolver::{OutOfReach, Resolver};
use super::{Place, Reach};
use crate::Error;
use crate::text::shown;

/// The most that is read of an answer.
const LARGEST: usize = 1024 * 1024;
/// The longest that a request takes, answer and all.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest that a connection takes.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request: shorter than servers keep theirs, because
/// what is sent while they close it is lost.
const IDLE: Duration = Duration::from_secs(2);
/// How many redirects are followed, each to a place that is checked like the first.
const REDIRECTS: usize = 5;

/// Requests that are bounded in where they go, how much they read, how long they take.
///
/// Nothing is made before the first request.
pub(crate) struct Http {
    server: Place,
    more: Reach,
    resolver: Resolver,
    client: OnceCell<reqwest::Client>,
    longest: Duration,
}

/// An answer, read to its end.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) from: Place,
}

impl Received {
    /// Where it redirects to.
    pub(crate) fn location(&self) -> Option<String> {
        let next = self.headers.get(LOCATION)?.to_str().ok()?;
        self.status.is_redirection().then(|| next.to_owned())
    }

    /// The body as JSON of a type.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // The error of serde quotes what it read, which may be a token.
            Error::unsupported(format_args!(
                "{} answered what is not the expected JSON (line {}, column {})",
                shown(self.from.as_str()),
                error.line(),
                error.column()
            ))
        })
    }
}

impl Http {
    /// For the authorization of one MCP server.
    pub(crate) fn new(server: Place) -> Self {
        Self {
            server,
            more: Reach::public(),
            resolver: Resolver::default(),
            client: OnceCell::new(),
            longest: LONGEST,
        }
    }

    /// Also to these networks.
    pub(crate) fn also(&mut self, more: Reach) {
        self.more = self.more.and(more);
    }

    /// Reads a place, over redirects.
    pub(crate) async fn get(&self, place: &Place, headers: HeaderMap) -> Result<Received, Error> {
        let mut place = place.clone();
        for _ in 0..=REDIRECTS {
            let received = self.get_once(&place, headers.clone()).await?;
            match received.location() {
                Some(next) => place = place.join(&next)?,
                None => return Ok(received),
            }
        }
        Err(Error::unsupported(format_args!(
            "{} redirects more than {REDIRECTS} times",
            shown(place.as_str())
        )))
    }

    /// Reads a place, not over redirects.
    pub(crate) async fn get_once(
        &self,
        place: &Place,
        headers: HeaderMap,
    ) -> Result<Received, Error> {
        let request = self.client().await?.get(place.url().clone());
        let request = request.header(ACCEPT, "application/json").headers(headers);
        self.send(place, request).await
    }

    /// Posts a form. An answer that redirects is not followed.
    pub(crate) async fn post_form(
        &self,
        place: &Place,
        form: &[(&str, &str)],
        headers: HeaderMap,
    ) -> Result<Received, Error> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.post(place, body.into(), kind, headers).await
    }

    /// Posts JSON. An answer that redirects is not followed.
    pub(crate) async fn post_json(
        &self,
        place: &Place,
        json: &serde_json::Value,
    ) -> Result<Received, Error> {
        let kind = HeaderValue::from_static("application/json");
        self.post(place, json.to_string().into(), kind, HeaderMap::new())
            .await
    }

    async fn post(
        &self,
        place: &Place,
        body: Bytes,
        kind: HeaderValue,
        headers: HeaderMap,
    ) -> Result<Received, Error> {
        let request = self.client().await?.post(place.url().clone());
        let request = request
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, kind)
            .headers(headers)
            .body(body);
        self.send(place, request).await
    }

    async fn send(
        &self,
        place: &Place,
        request: reqwest::RequestBuilder,
    ) -> Result<Received, Error> {
        self.check(place).await?;
        let sent = async {
            let mut answer = request.send().await.map_err(|e| failed(place, e))?;
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(|e| failed(place, e))? {
                if body.len() + chunk.len() > LARGEST {
                    return Err(Error::unsupported(format_args!(
                        "{} answered more than {LARGEST} bytes",
                        shown(place.as_str())
                    )));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Received {
                status: answer.status(),
                headers: answer.headers().clone(),
                body: body.into(),
                from: place.clone(),
            })
        };
        let late = || {
            Error::timed_out(format_args!(
                "{} did not answer in time",
                shown(place.as_str())
            ))
        };
        tokio::time::timeout(self.longest, sent)
            .await
            .map_err(|_| late())?
    }

    /// Literal addresses never come to the resolver.
    async fn check(&self, place: &Place) -> Result<(), Error> {
        let reach = self.reach().await;
        match place.literal() {
            Some(ip) if !reach.allows(ip) => Err(out_of_reach(OutOfReach(shown(place.as_str())))),
            _ => Ok(()),
        }
    }

    /// What may be dialled. Decided once, by where the MCP server is when it is first needed, so
    /// that a name cannot widen it later.
    async fn reach(&self) -> Reach {
        if let Some(reach) = self.resolver.reach.get() {
            return *reach;
        }
        let found = match (self.server.literal(), self.server.url().host_str()) {
            (Some(ip), _) => Reach::around(ip),
            (None, Some(name)) => around_name(name).await,
            (None, None) => Reach::public(),
        };
        *self.resolver.reach.get_or_init(|| found.and(self.more))
    }

    async fn client(&self) -> Result<&reqwest::Client, Error> {
        self.reach().await;
        self.client
            .get_or_try_init(|| async { build(self.resolver.clone()) })
            .await
    }
}

/// A name counts as private when all that it leads to is. It never counts as this machine: for
/// that there is `localhost`.
async fn around_name(name: &str) -> Reach {
    let Ok(found) = tokio::net::lookup_host((name, 0)).await else {
        return Reach::public();
    };
    let found: Vec<IpAddr> = found.map(|a| a.ip()).collect();
    let private = Reach::public().private();
    let all_private = !found.is_empty() && found.iter().all(|ip| Reach::around(*ip) == private);
    if all_private {
        private
    } else {
        Reach::public()
    }
}

fn build(resolver: Resolver) -> Result<reqwest::Client, Error> {
    use rustls_platform_verifier::BuilderVerifierExt;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::misconfigured("TLS cannot be set up").with_source(e))
    };
    let config = match builder()?.with_platform_verifier() {
        Ok(config) => config.with_no_client_auth(),
        // A machine without certificates can still reach itself.
        Err(error) => {
            tracing::debug!(%error, "the system has no root certificates: no https server can be verified");
            builder()?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT)
        .timeout(LONGEST)
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("wharf/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(resolver)
        .build()
        .map_err(|e| Error::misconfigured("the HTTP client cannot be made").with_source(e))
}

fn failed(place: &Place, error: reqwest::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(inner) = cause {
        if let Some(OutOfReach(what)) = inner.downcast_ref() {
            return out_of_reach(OutOfReach(what.clone()));
        }
        cause = inner.source();
    }
    let origin = shown(&place.origin());
    if error.is_timeout() {
        return Error::timed_out(format_args!("{origin} did not answer in time"));
    }
    Error::unreachable(format_args!("{origin} cannot be reached")).with_source(error.without_url())
}

fn out_of_reach(what: OutOfReach) -> Error {
    Error::untrusted(what)
        .with_next_step("if that server is yours, name the MCP server by an address of the same network, or allow the network")
}

#[cfg(test)]
mod tests;
