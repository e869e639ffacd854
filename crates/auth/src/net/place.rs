//! [`Place`]: an address of a server that may be asked.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::Error;
use crate::origin::is_loopback_host;
use crate::text::shown;

/// The address of a server or a page: `https`, or `http` on this machine; with a host, without a
/// name and a password in it.
///
/// What an address leads to is checked when it is dialled, see `Resolver`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Place(Url);

/// No address is longer.
const LONGEST: usize = 4096;

impl Place {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// It is no address, not of HTTP, not `https` off this machine, or has a password in it.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Err(Error::untrusted(format_args!(
                "the address {:?} is refused: {why}",
                shown(text)
            )))
        };
        if text.len() > LONGEST {
            return refuse("it is too long");
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refuse("it has spaces or control characters");
        }
        let Ok(url) = Url::parse(text) else {
            return refuse("it is not an absolute URL");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it has a user name or a password");
        }
        match url.scheme() {
            "https" if url.host().is_some() => Ok(Self(url)),
            "http" if url.host_str().is_some_and(is_loopback_host) => Ok(Self(url)),
            "http" => refuse("it is not https, and not on this machine"),
            _ => refuse("it is not https"),
        }
    }

    /// Another address, checked the same way.
    pub(crate) fn join(&self, other: &str) -> Result<Self, Error> {
        match self.0.join(other) {
            Ok(url) => Self::parse(url.as_str()),
            Err(_) => Self::parse(other),
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host, if it is a literal address or a name of this machine.
    pub(crate) fn literal(&self) -> Option<std::net::IpAddr> {
        match self.0.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(name) if is_loopback_host(name) => {
                Some(std::net::Ipv4Addr::LOCALHOST.into())
            }
            Host::Domain(_) => None,
        }
    }

    /// Scheme, host and port, as an issuer without a path is written.
    pub(crate) fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// A path at this origin.
    pub(crate) fn at_origin(&self, path: &str) -> Self {
        let mut url = self.0.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(path);
        Self(url)
    }

    /// With more parameters in its query.
    pub(crate) fn with_query(&self, pairs: &[(&str, &str)]) -> Self {
        let mut url = self.0.clone();
        url.set_fragment(None);
        url.query_pairs_mut().extend_pairs(pairs);
        Self(url)
    }
}

/// Whether two addresses are of one origin.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

impl TryFrom<String> for Place {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.0.into()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_09_command_injection_only_http_addresses_are_places() {
        for bad in [
            "file:///etc/passwd",
            "a:$(calc)",
            "javascript:alert(1)",
            "data:text/html,x",
            "--flag",
            "-o",
            "",
            "http://evil.example/authorize",
            "http://localhost.evil.com/",
            "http://127.0.0.1.nip.io/",
            "https://user:pass@good.example/",
            "https://user@good.example/",
            "https://",
            "https://good.example/a b",
            "https://good.example/\u{7}",
            "ms-settings:",
            "vscode://x",
            "//good.example/x",
        ] {
            let error = Place::parse(bad).expect_err(bad);
            assert!(error.is_untrusted(), "{bad}");
        }
        for good in [
            "https://good.example/authorize?x=1",
            "http://127.0.0.1:8080/authorize",
            "http://[::1]:8080/",
            "http://localhost/authorize",
        ] {
            Place::parse(good).expect(good);
        }
    }

    #[test]
    fn row_15_ssrf_odd_spellings_of_addresses_are_seen_through() {
        for loopback in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
        ] {
            let ip = Place::parse(loopback).unwrap().literal().unwrap();
            assert!(ip.is_loopback(), "{loopback}");
        }
        assert!(
            Place::parse("https://good.example/")
                .unwrap()
                .literal()
                .is_none()
        );
    }
}
