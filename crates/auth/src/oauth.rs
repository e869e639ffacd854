//! [`OAuth`]: finds the authorization server, gets tokens and keeps them.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderMap;

use crate::net::Place;
use crate::redirect::RedirectTo;
use crate::session::Session;
use crate::settings::{Dpop, Settings};
use crate::{
    Answer, Authorize, Client, Error, Flow, Interaction, Next, Outgoing, Pending, Reach, Refusal,
    Store,
};

/// Finds the authorization server of an MCP server, gets tokens from it and keeps them.
///
/// It does nothing before the server refuses a request: then it reads what the server says
/// of itself, and has a person sign in, or asks for a token in another way ([`Flow`]). From then
/// on it puts the token on requests, refreshes it before it expires, asks for more scopes when
/// the server wants them, and goes to the new authorization server when the server moves to
/// another.
///
/// Spec 2026-07-28, `basic/authorization`; servers of 2025-03-26, which have no metadata, work too.
///
/// # Limits
///
/// Answers of authorization servers: 1 MiB, 30 s, 5 redirects. Addresses that such a server must
/// not send us to are refused, see [`Reach`].
///
/// ```
/// use wharf_auth::{Browser, Client, FileStore, Notice, OAuth};
///
/// # fn main() -> Result<(), wharf_auth::Error> {
/// # let folder = std::env::temp_dir().join(format!("wharf-auth-doc-{}", std::process::id()));
/// let oauth = OAuth::new("https://mcp.example.com/mcp")?
///     .store(FileStore::open(&folder)?)
///     .client(Client::new("my-client").with_issuer("https://login.example.com"))
///     .interaction(Browser::new().announce(|notice| {
///         if let Notice::Page(page) = notice {
///             eprintln!("Sign in at {}", page.page());
///         }
///     }));
/// # drop(oauth);
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok(())
/// # }
/// ```
pub struct OAuth {
    server: Place,
    settings: Settings,
    session: OnceLock<Arc<Session>>,
}

impl OAuth {
    /// For the MCP server at an address.
    ///
    /// # Errors
    ///
    /// The address is not absolute, has a password in it, or is neither `https` nor on this
    /// machine, so that anybody on the way could read the token.
    pub fn new(server: &str) -> Result<Self, Error> {
        let text = match server.split_once("://") {
            Some(("ws", rest)) => format!("http://{rest}"),
            Some(("wss", rest)) => format!("https://{rest}"),
            _ => server.to_owned(),
        };
        let server = Place::parse(&text).map_err(|error| {
            Error::misconfigured(error).with_next_step("use the server's https address")
        })?;
        Ok(Self {
            server,
            settings: Settings::default(),
            session: OnceLock::new(),
        })
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self.session = OnceLock::new();
        self
    }

    /// A client that somebody registered by hand. It goes before all others.
    #[must_use]
    pub fn client(self, client: Client) -> Self {
        self.set(|s| s.client = Some(client))
    }

    /// The address of this program's client metadata document, for servers that read such; others
    /// get a client that registers itself.
    ///
    /// # Errors
    ///
    /// The address is not `https`, or has no path.
    pub fn metadata_document(self, address: &str) -> Result<Self, Error> {
        let place = Place::parse(address).map_err(Error::misconfigured)?;
        if place.url().scheme() != "https" || place.url().path() == "/" || place.as_str() != address
        {
            return Err(Error::misconfigured(
                "the address of a client metadata document is https, has a path, and is written in its normal form",
            ));
        }
        Ok(self.set(|s| s.document = Some(place)))
    }

    /// The name that a client which registers itself goes by, as people see it when they sign in;
    /// "Wharf" if none is set.
    #[must_use]
    pub fn client_name(self, name: impl Into<String>) -> Self {
        self.set(|s| s.name = name.into())
    }

    /// A page about the program, for clients that register themselves.
    ///
    /// # Errors
    ///
    /// The address is not `https`.
    pub fn client_page(self, address: &str) -> Result<Self, Error> {
        let place = Place::parse(address).map_err(Error::misconfigured)?;
        Ok(self.set(|s| s.home = Some(place)))
    }

    /// The scopes to ask for, in place of those that the server recommends; what it requires for
    /// an operation is added.
    #[must_use]
    pub fn scopes<S: AsRef<str>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(|s| s.as_ref().to_owned()).collect();
        self.set(|s| s.scopes = Some(scopes.into()))
    }

    /// The way to a token; a person who signs in, if none is set.
    #[must_use]
    pub fn flow(self, flow: Flow) -> Self {
        self.set(|s| s.flow = flow)
    }

    /// How a person is asked to sign in; in a browser, if nothing is set.
    #[must_use]
    pub fn interaction(self, interaction: impl Interaction) -> Self {
        self.set(|s| s.interaction = Arc::new(interaction))
    }

    /// Where tokens are kept; in memory, if nothing is set.
    #[must_use]
    pub fn store(self, store: impl Store) -> Self {
        self.set(|s| s.store = Arc::new(store))
    }

    /// Where the browser brings the answer: `http://127.0.0.1:PORT/PATH`, also with `localhost`.
    /// For clients that were registered with this very address. Without a port, any free one.
    ///
    /// # Errors
    ///
    /// The address is of another form.
    pub fn redirect(self, address: &str) -> Result<Self, Error> {
        let to = RedirectTo::parse(address)?;
        Ok(self.set(|s| s.redirect = Some(to)))
    }

    /// Whether tokens are bound to a key.
    #[must_use]
    pub fn dpop(self, dpop: Dpop) -> Self {
        self.set(|s| s.dpop = dpop)
    }

    /// Networks that authorization servers may be in, on top of the public ones and the one that
    /// the MCP server was named in.
    #[must_use]
    pub fn reach(self, reach: Reach) -> Self {
        self.set(|s| s.reach = reach)
    }

    /// How long one waits for a person; 5 minutes, if nothing is set.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        self.set(|s| s.patience = patience)
    }

    /// Signs in now, whether or not there is a token already, without waiting for a refusal.
    ///
    /// Some servers say only in a refusal where their metadata is, and which scopes they want: a
    /// request first knows more.
    ///
    /// # Errors
    ///
    /// As those of [`Authorize::refused`].
    pub async fn sign_in(&self) -> Result<(), Error> {
        self.session().sign_in().await
    }

    /// Revokes the tokens at their server and forgets them, with the client that registered
    /// itself for them. `false`: there were none, or the server revokes none.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or refuses; the tokens are forgotten here all the same.
    pub async fn sign_out(&self) -> Result<bool, Error> {
        self.session().sign_out().await
    }

    /// What there is, without asking any server; `None` if nobody is signed in.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub async fn status(&self) -> Result<Option<Status>, Error> {
        self.session().status().await
    }

    fn session(&self) -> &Arc<Session> {
        self.session
            .get_or_init(|| Arc::new(Session::new(self.server.clone(), self.settings.clone())))
    }
}

/// What there is of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Who gave them.
    pub issuer: String,
    /// The client they were given to.
    pub client: String,
    /// What they may be used for, as far as the server said.
    pub scopes: Vec<String>,
    /// For how many seconds the token still counts; `None` if the server did not say.
    pub expires_in: Option<u64>,
    /// There is a refresh token.
    pub is_renewable: bool,
    /// The token is bound to a key.
    pub is_bound: bool,
}

impl Authorize for OAuth {
    fn headers<'a>(&'a self, request: Outgoing<'a>) -> Pending<'a, Result<HeaderMap, Error>> {
        Box::pin(self.session().headers(request))
    }

    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> Pending<'a, Result<Next, Error>> {
        Box::pin(self.session().refused(refusal))
    }

    fn observed(&self, answer: Answer<'_>) {
        self.session().observed(answer);
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("server", &self.server)
            .field("client", &self.settings.client)
            .field("flow", &self.settings.flow)
            .finish_non_exhaustive()
    }
}
