//! Who may reach the endpoint at all: the names it is called by, and the pages that call it.
//!
//! A web page that a person visits can send requests to servers on that person's machine, and
//! make a name of its own point there (DNS rebinding). So every request must be addressed to a
//! name that we know, and one that comes from a page must come from a page that we trust.

use std::net::IpAddr;

use ::http::header::{self, HeaderName, HeaderValue};
use ::http::request::Parts;
use ::http::uri::Authority;
use ::http::{Response, StatusCode, Version};
use wharf_protocol::error::ErrorCode;

use super::HttpOptions;
use super::answer::{empty, failure};
use super::stream::Body;

/// The answer to a caller who did not say, or not prove, who they are.
#[derive(Clone, Debug)]
pub struct Unauthorized {
    /// The `WWW-Authenticate` header: how to authenticate.
    pub challenge: String,
}

impl Unauthorized {
    /// Asks for a bearer token.
    pub fn bearer() -> Self {
        Self {
            challenge: "Bearer".into(),
        }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let message = "who is calling? authenticate as header WWW-Authenticate says";
        let mut response = failure(
            StatusCode::UNAUTHORIZED,
            ErrorCode::INVALID_REQUEST,
            message,
        );
        if let Ok(challenge) = HeaderValue::from_str(&self.challenge) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

#[derive(Debug)]
pub(super) struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// Whether any IP address is a good name: nobody can make an address point elsewhere.
    any_ip: bool,
}

/// Why a request goes no further.
#[derive(Debug, PartialEq)]
pub(super) enum Denied {
    Host,
    Origin,
    Malformed(&'static str),
}

impl Denied {
    pub(super) fn into_response(self) -> Response<Body> {
        let (status, message) = match self {
            Self::Host => (
                StatusCode::MISDIRECTED_REQUEST,
                "this server does not answer to that Host: list it in `allowed_hosts` \
                 (`--allow-host`)",
            ),
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "pages of that Origin may not call this server: list it in `allowed_origins` \
                 (`--allow-origin`)",
            ),
            Self::Malformed(message) => (StatusCode::BAD_REQUEST, message),
        };
        failure(status, ErrorCode::INVALID_REQUEST, message)
    }
}

/// A request that may go on.
#[derive(Debug)]
pub(super) struct Permit {
    /// The page's origin, which may read the response.
    origin: Option<HeaderValue>,
}

impl Guard {
    pub(super) fn new(options: &HttpOptions, any_ip: bool) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self {
            hosts: lower(&options.allowed_hosts),
            origins: lower(&options.allowed_origins),
            any_ip,
        }
    }

    pub(super) fn check(&self, parts: &Parts) -> Result<Permit, Denied> {
        let host = self.check_host(parts)?;
        let mut origins = parts.headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => {
                // No Origin, but a browser that says the page is foreign.
                let site = parts.headers.get("sec-fetch-site");
                if site.is_some_and(|site| site == "cross-site") {
                    return Err(Denied::Origin);
                }
                Ok(Permit { origin: None })
            }
            (Some(origin), None) if self.knows_origin(origin, host) => Ok(Permit {
                origin: Some(origin.clone()),
            }),
            _ => Err(Denied::Origin),
        }
    }

    /// The host and port that the request is addressed to, if it is us.
    fn check_host<'p>(&self, parts: &'p Parts) -> Result<&'p str, Denied> {
        let mut hosts = parts.headers.get_all(header::HOST).iter();
        let (host, more) = (hosts.next(), hosts.next().is_some());
        if more {
            return Err(Denied::Malformed("header Host is repeated"));
        }
        let host = match host {
            None => None,
            Some(host) => Some(host.to_str().map_err(|_| Denied::Host)?),
        };
        // HTTP/2's `:authority`, or a request line with a whole URL.
        let target = parts.uri.authority().map(Authority::as_str);
        let name = match (host, target) {
            (Some(host), Some(target)) if !host.eq_ignore_ascii_case(target) => {
                return Err(Denied::Malformed(
                    "header Host and the request's target differ",
                ));
            }
            (Some(host), _) => host,
            (None, Some(target)) => target,
            (None, None) if parts.version < Version::HTTP_11 => return Err(Denied::Host),
            (None, None) => return Err(Denied::Malformed("header Host is required")),
        };
        if self.knows_host(name) {
            Ok(name)
        } else {
            Err(Denied::Host)
        }
    }

    fn knows_host(&self, name: &str) -> bool {
        // The common case first.
        let Some((host, port)) = split_port(name) else {
            return false;
        };
        if host.eq_ignore_ascii_case("localhost") {
            return true;
        }
        if let Some(address) = ip(host)
            && (self.any_ip || address.is_loopback())
        {
            return true;
        }
        self.hosts.iter().any(|known| match split_port(known) {
            Some((known, None)) => known.eq_ignore_ascii_case(host),
            Some((known, known_port)) => known.eq_ignore_ascii_case(host) && known_port == port,
            None => false,
        })
    }

    fn knows_origin(&self, origin: &HeaderValue, host: &str) -> bool {
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        if self
            .origins
            .iter()
            .any(|known| known.eq_ignore_ascii_case(origin))
        {
            return true;
        }
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        let Some(authority) = authority else {
            return false;
        };
        if authority.eq_ignore_ascii_case(host) {
            return true;
        }
        split_port(authority).is_some_and(|(name, _)| {
            name.eq_ignore_ascii_case("localhost") || ip(name).is_some_and(|ip| ip.is_loopback())
        })
    }
}

/// Splits `host:port`. Nothing but a plain name or address and a number passes: no user, no path,
/// no blanks.
fn split_port(name: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match name.strip_prefix('[') {
        Some(rest) => {
            let (_, after) = rest.split_once(']')?;
            let host = &name[..name.len() - after.len()];
            (
                host,
                if after.is_empty() {
                    None
                } else {
                    Some(after.strip_prefix(':')?)
                },
            )
        }
        None => match name.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (name, None),
        },
    };
    let port = match port {
        None => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().ok()?)
        }
        Some(_) => return None,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let bracketed = host.starts_with('[');
    (bracketed || (!host.is_empty() && host.bytes().all(plain))).then_some((host, port))
}

fn ip(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => host.parse().ok().map(IpAddr::V4),
    }
}

const ALLOWED_METHODS: &str = "POST, GET, DELETE, OPTIONS";
const EXPOSED_HEADERS: &str = "mcp-session-id, mcp-protocol-version, www-authenticate";

impl Permit {
    /// Lets the page read the response, if there is a page.
    pub(super) fn finish(self, mut response: Response<Body>) -> Response<Body> {
        if let Some(origin) = self.origin {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::VARY, HeaderValue::from_static("origin"));
            let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        response
    }

    /// The answer to a browser that asks before it sends.
    pub(super) fn preflight(self, parts: &Parts) -> Response<Body> {
        let asked = parts
            .headers
            .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
            .cloned();
        let mut response = empty(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: HeaderValue| headers.insert(name, value);
        set(header::ALLOW, HeaderValue::from_static(ALLOWED_METHODS));
        if self.origin.is_some() {
            let methods = HeaderValue::from_static(ALLOWED_METHODS);
            set(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            set(
                header::ACCESS_CONTROL_MAX_AGE,
                HeaderValue::from_static("600"),
            );
            if let Some(asked) = asked {
                set(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
            }
        }
        self.finish(response)
    }
}

#[cfg(test)]
mod tests {
    use ::http::Request;

    use super::*;

    fn check(guard: &Guard, headers: &[(&'static str, &str)]) -> Result<(), Denied> {
        let mut request = Request::builder().uri("/mcp");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        guard.check(&parts).map(drop)
    }

    fn local() -> Guard {
        Guard::new(&HttpOptions::default(), false)
    }

    #[test]
    fn only_loopback_names_are_known_by_default() {
        for host in [
            "localhost",
            "LocalHost:8000",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]",
            "[::1]:80",
        ] {
            assert_eq!(check(&local(), &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.com",
            "localhost.evil.com",
            "evil.com:8000",
            "127.0.0.1.nip.io",
            "localhost.",
            "localhost:80:80",
            "localhost@evil.com",
            "evil.com@localhost",
            "localhost:8000/x",
            "[::1].evil.com",
            "[::1]evil.com",
            "[fe80::1]",
            "10.0.0.1",
            "0x7f000001",
            "2130706433",
            "127.1",
            "",
            " localhost",
        ] {
            assert_eq!(
                check(&local(), &[("host", host)]),
                Err(Denied::Host),
                "{host}"
            );
        }
    }

    #[test]
    fn one_host_and_only_one() {
        let two = [("host", "localhost"), ("host", "evil.com")];
        assert!(matches!(check(&local(), &two), Err(Denied::Malformed(_))));
        assert!(matches!(check(&local(), &[]), Err(Denied::Malformed(_))));
    }

    #[test]
    fn a_target_with_a_host_must_agree() {
        let request = Request::builder()
            .uri("http://evil.com/mcp")
            .header("host", "localhost");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert!(matches!(local().check(&parts), Err(Denied::Malformed(_))));
        let request = Request::builder()
            .uri("http://evil.com/mcp")
            .version(Version::HTTP_2);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(local().check(&parts).map(drop), Err(Denied::Host));
    }

    #[test]
    fn pages_must_be_ours() {
        let from = |origin| check(&local(), &[("host", "localhost:8000"), ("origin", origin)]);
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1:6274",
            "https://[::1]:1",
        ] {
            assert_eq!(from(origin), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "http://evil.com",
            "https://localhost.evil.com",
            "http://127.0.0.1.nip.io",
            "file://localhost",
            "http://localhost:3000/",
            "http://user@localhost",
            "localhost",
        ] {
            assert_eq!(from(origin), Err(Denied::Origin), "{origin}");
        }
        let cross = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert_eq!(check(&local(), &cross), Err(Denied::Origin));
    }

    #[test]
    fn more_names_can_be_allowed() {
        let options = HttpOptions {
            allowed_hosts: vec!["MCP.example.com".into(), "other.example.com:8443".into()],
            allowed_origins: vec!["https://app.example.com".into()],
            ..HttpOptions::default()
        };
        let guard = Guard::new(&options, false);
        assert_eq!(check(&guard, &[("host", "mcp.example.com:9")]), Ok(()));
        assert_eq!(check(&guard, &[("host", "other.example.com:8443")]), Ok(()));
        assert_eq!(
            check(&guard, &[("host", "other.example.com")]),
            Err(Denied::Host)
        );
        let host = ("host", "mcp.example.com");
        assert_eq!(
            check(&guard, &[host, ("origin", "https://app.example.com")]),
            Ok(())
        );
        assert_eq!(
            check(&guard, &[host, ("origin", "https://mcp.example.com")]),
            Ok(())
        );
        let other = ("origin", "https://app.example.com.evil.com");
        assert_eq!(check(&guard, &[host, other]), Err(Denied::Origin));
    }

    #[test]
    fn any_address_is_a_name_where_others_may_connect() {
        let guard = Guard::new(&HttpOptions::default(), true);
        assert_eq!(check(&guard, &[("host", "10.0.0.1:80")]), Ok(()));
        assert_eq!(check(&guard, &[("host", "evil.com")]), Err(Denied::Host));
    }
}
