//! [`Bearer`]: a token that somebody else got.

use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Uri};
use zeroize::Zeroizing;

use crate::origin::Origin;
use crate::{Authorize, Error, Next, Outgoing, Pending, Refusal, Secret};

/// A token that somebody else got, for one server.
///
/// It is sent to the origin (scheme, host, port) that it was given for, and nowhere else. `Debug`
/// does not show it.
#[derive(Clone)]
pub struct Bearer {
    origin: Origin,
    header: HeaderValue,
}

impl Bearer {
    /// A token for the server at an address.
    ///
    /// # Errors
    ///
    /// The address is not an absolute one of HTTP(S) or WebSocket, or it is neither `https` nor on
    /// this machine, so that anybody on the way could read the token; the token is empty or has
    /// characters that a header cannot have.
    pub fn new(server: &str, token: impl Into<Secret>) -> Result<Self, Error> {
        let bearer = Self::over_plain_http(server, token)?;
        if bearer.origin.is_confidential() {
            Ok(bearer)
        } else {
            Err(Error::misconfigured(
                "a token would be sent in the clear: the server's address is neither https nor on this machine",
            )
            .with_next_step("use the server's https address"))
        }
    }

    /// As [`new`](Self::new), also for an `http` address elsewhere: everybody on the way can read
    /// the token and use it.
    ///
    /// # Errors
    ///
    /// As those of [`new`](Self::new), without the one about `http`.
    pub fn over_plain_http(server: &str, token: impl Into<Secret>) -> Result<Self, Error> {
        let origin = server
            .parse::<Uri>()
            .ok()
            .and_then(|uri| Origin::of(&uri))
            .ok_or_else(|| {
                Error::misconfigured(format_args!(
                    "{:?} is not an absolute http or https address",
                    server
                ))
            })?;
        let token = token.into();
        if token.expose().trim().is_empty() {
            return Err(Error::misconfigured("the token is empty"));
        }
        let text = Zeroizing::new(format!("Bearer {}", token.expose()));
        let mut header = HeaderValue::from_str(&text)
            .map_err(|_| Error::misconfigured("the token has characters that no token has"))?;
        header.set_sensitive(true);
        Ok(Self { origin, header })
    }
}

impl Authorize for Bearer {
    fn headers<'a>(&'a self, request: Outgoing<'a>) -> Pending<'a, Result<HeaderMap, Error>> {
        let mut headers = HeaderMap::new();
        if Origin::of(request.url).as_ref() == Some(&self.origin) {
            headers.insert(AUTHORIZATION, self.header.clone());
        }
        Box::pin(std::future::ready(Ok(headers)))
    }

    fn refused<'a>(&'a self, _: Refusal<'a>) -> Pending<'a, Result<Next, Error>> {
        Box::pin(std::future::ready(Ok(Next::Stop)))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;

    async fn sent_to(bearer: &Bearer, url: &str) -> HeaderMap {
        let url = url.parse().unwrap();
        let request = Outgoing {
            method: &Method::POST,
            url: &url,
        };
        bearer.headers(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_token_goes_to_its_origin_only() {
        let bearer = Bearer::new("https://mcp.example:8443/mcp", "t").unwrap();
        let headers = sent_to(&bearer, "https://mcp.example:8443/other").await;
        assert_eq!(headers[AUTHORIZATION], "Bearer t");
        for elsewhere in [
            "https://mcp.example/mcp",
            "http://mcp.example:8443/mcp",
            "https://mcp.example.evil:8443/mcp",
            "/mcp",
        ] {
            assert!(sent_to(&bearer, elsewhere).await.is_empty(), "{elsewhere}");
        }
    }

    #[tokio::test]
    async fn a_refusal_stands() {
        let bearer = Bearer::new("http://127.0.0.1:1/mcp", "t").unwrap();
        let url = "http://127.0.0.1:1/mcp".parse().unwrap();
        let empty = HeaderMap::new();
        let refusal = Refusal {
            request: Outgoing {
                method: &Method::POST,
                url: &url,
            },
            sent: &empty,
            status: StatusCode::UNAUTHORIZED,
            headers: &empty,
        };
        assert_eq!(bearer.refused(refusal).await.unwrap(), Next::Stop);
    }

    #[test]
    fn what_cannot_be_right_is_refused() {
        assert!(
            Bearer::new("http://mcp.example/mcp", "t")
                .unwrap_err()
                .is_misconfigured()
        );
        assert!(Bearer::over_plain_http("http://mcp.example/mcp", "t").is_ok());
        assert!(Bearer::new("mcp.example", "t").is_err());
        assert!(Bearer::new("file:///etc/passwd", "t").is_err());
        assert!(Bearer::new("https://mcp.example", " ").is_err());
        let error = Bearer::new("https://mcp.example", "secret\r\nX: y").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[tokio::test]
    async fn no_secret_is_shown() {
        let bearer = Bearer::new("https://mcp.example", "hunter2").unwrap();
        let headers = sent_to(&bearer, "https://mcp.example").await;
        assert!(!format!("{bearer:?} {headers:?}").contains("hunter2"));
    }
}
