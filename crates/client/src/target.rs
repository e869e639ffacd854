//! [`Target`]: what a client connects to.

use std::fmt;
use std::sync::{Arc, Mutex};

use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite};
use wharf_server::Server;

use crate::child::Command;
use crate::error::{Error, Result, escape};

/// What a client connects to. Made from an address, or from a [`Command`].
#[derive(Clone)]
pub struct Target(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    /// `http:` and `https:`.
    Http(Uri),
    /// `ws:` and `wss:`.
    WebSocket(Uri),
    Command(Command),
    /// Streams, or a server: there is but one connection to it.
    Once(Arc<Mutex<Option<Once>>>),
}

pub(crate) enum Once {
    Streams(
        Box<dyn AsyncRead + Send + Unpin>,
        Box<dyn AsyncWrite + Send + Unpin>,
    ),
    Server(Box<Server>),
}

impl Target {
    /// The address of a server: `http:`, `https:`, `ws:` or `wss:`.
    ///
    /// # Errors
    /// Anything else, and addresses with a user or a password in them: those end up in logs.
    pub fn url(address: &str) -> Result<Self> {
        let wrong = |why: &str| Error::usage(format!("{}: {why}", escape(address)));
        let url = url::Url::parse(address.trim()).map_err(|error| wrong(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::usage(
                "an address with a user or a password in it; give them as a header instead",
            ));
        }
        let mut url = url;
        url.set_fragment(None);
        let uri: Uri = url
            .as_str()
            .parse()
            .map_err(|_| wrong("not an address that HTTP can take"))?;
        match url.scheme() {
            "http" | "https" => Ok(Self(Kind::Http(uri))),
            "ws" | "wss" => Ok(Self(Kind::WebSocket(uri))),
            other => Err(wrong(&format!(
                "`{other}:` is not how servers are reached; use http, https, ws or wss"
            ))),
        }
    }

    /// Streams that carry a message a line. They cannot be opened again.
    pub fn streams<R, W>(reader: R, writer: W) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self::once(Once::Streams(Box::new(reader), Box::new(writer)))
    }

    /// A server in this process. There is but one connection to it.
    pub fn server(server: Server) -> Self {
        Self::once(Once::Server(Box::new(server)))
    }

    /// Whether there can be another connection after the first one.
    pub(crate) fn opens_again(&self) -> bool {
        !matches!(self.0, Kind::Once(_))
    }

    fn once(once: Once) -> Self {
        Self(Kind::Once(Arc::new(Mutex::new(Some(once)))))
    }
}

impl From<Command> for Target {
    fn from(command: Command) -> Self {
        Self(Kind::Command(command))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Http(uri) | Kind::WebSocket(uri) => write!(f, "Target({uri})"),
            Kind::Command(command) => f.debug_tuple("Target").field(command).finish(),
            Kind::Once(_) => f.write_str("Target(streams)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, fits) in [
            ("http://127.0.0.1:8000/mcp", true),
            ("https://example.com/mcp?a=b#c", true),
            ("ws://[::1]:1/ws", true),
            ("ftp://example.com", false),
            ("file:///etc/passwd", false),
            ("http://user:secret@example.com/", false),
            ("example.com", false),
            ("", false),
        ] {
            let target = Target::url(address);
            assert_eq!(target.is_ok(), fits, "{address}: {target:?}");
            if let Err(error) = target {
                assert!(!error.to_string().contains("secret"), "{error}");
            }
        }
    }
}
