//! [`Interaction`]: how a person is asked to sign in.

use std::fmt;
use std::sync::Arc;

use crate::{Error, Pending};

mod browser;
pub use browser::{Browser, Notice};

mod unattended;
pub use unattended::Unattended;

/// How a person is asked to sign in.
///
/// [`Browser`] opens the page; [`Nobody`] says that nobody is there; [`Unattended`] is for servers
/// that ask nobody.
pub trait Interaction: Send + Sync + 'static {
    /// Brings the person to [`SignIn::page`]. The answer comes to [`SignIn::redirect`], where
    /// somebody listens, or is given back by this method. It may take as long as it needs; when
    /// the answer comes otherwise, it is dropped.
    ///
    /// # Errors
    ///
    /// The page cannot be shown, or the person does not want to: [`Error::refused_by_user`].
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn) -> Pending<'a, Result<Shown, Error>>;

    /// Shows a code to be typed into a page on another device.
    ///
    /// # Errors
    ///
    /// The code cannot be shown. By default it never can.
    fn show_code<'a>(&'a self, code: &'a DeviceCode) -> Pending<'a, Result<(), Error>> {
        let _ = code;
        let error =
            Error::authorization_required("a person must sign in, and no code can be shown");
        Box::pin(std::future::ready(Err(error)))
    }

    /// Whether anybody can be asked at all. If not, nothing is begun that needs a person.
    fn is_anybody_there(&self) -> bool {
        true
    }

    /// Whether [`sign_in`](Self::sign_in) can work here. If not, a code is shown, where the server
    /// gives one.
    fn has_browser(&self) -> bool {
        true
    }
}

impl<T: Interaction + ?Sized> Interaction for Arc<T> {
    fn sign_in<'a>(&'a self, sign_in: &'a SignIn) -> Pending<'a, Result<Shown, Error>> {
        (**self).sign_in(sign_in)
    }

    fn show_code<'a>(&'a self, code: &'a DeviceCode) -> Pending<'a, Result<(), Error>> {
        (**self).show_code(code)
    }

    fn is_anybody_there(&self) -> bool {
        (**self).is_anybody_there()
    }

    fn has_browser(&self) -> bool {
        (**self).has_browser()
    }
}

/// What became of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It is open somewhere. The answer will come to [`SignIn::redirect`].
    Open,
    /// The address that the server sent the browser to in the end: it holds the answer.
    Answered(String),
}

/// A page where a person signs in.
#[derive(Clone)]
pub struct SignIn {
    pub(crate) page: String,
    pub(crate) redirect: String,
    pub(crate) issuer: String,
    pub(crate) server: String,
    pub(crate) scopes: Vec<String>,
}

impl SignIn {
    /// The address to open: `https`, or `http` on this machine, without white space. Whoever sees
    /// it can sign in in place of the person, but not get at the token.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Where the answer comes to.
    pub fn redirect(&self) -> &str {
        &self.redirect
    }

    /// Who asks the person to sign in.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The MCP server that it is for.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What will be asked for.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("issuer", &self.issuer)
            .field("server", &self.server)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// A code that a person types into a page on another device (RFC 8628).
#[derive(Clone)]
pub struct DeviceCode {
    pub(crate) page: String,
    pub(crate) complete: Option<String>,
    pub(crate) code: String,
    pub(crate) seconds: u64,
    pub(crate) issuer: String,
}

impl DeviceCode {
    /// The page to open.
    pub fn page(&self) -> &str {
        &self.page
    }

    /// The page with the code already in it, if the server has one.
    pub fn complete_page(&self) -> Option<&str> {
        self.complete.as_deref()
    }

    /// The code to type. Only printable characters.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// How long it counts, in seconds.
    pub fn expires_in(&self) -> u64 {
        self.seconds
    }

    /// Who asks the person to sign in.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode")
            .field("page", &self.page)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Nobody is there to sign in: needing that is an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Interaction for Nobody {
    fn sign_in<'a>(&'a self, _: &'a SignIn) -> Pending<'a, Result<Shown, Error>> {
        let error = Error::authorization_required("a person must sign in, and nobody is there");
        Box::pin(std::future::ready(Err(error)))
    }

    fn is_anybody_there(&self) -> bool {
        false
    }
}
