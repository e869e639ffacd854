//! [`Authorize`]: what puts credentials on requests and is told of refusals.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, Uri};

use crate::Error;

/// A future of an [`Authorize`], boxed so that the trait can be an object.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How often one request is sent at most: once plain, and again for a token, a nonce and more
/// scopes.
pub const MAX_ATTEMPTS: usize = 5;

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its absolute address.
    pub url: &'a Uri,
}

/// A request that was answered with 401 or 403.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The request.
    pub request: Outgoing<'a>,
    /// What [`Authorize::headers`] gave for it.
    pub sent: &'a HeaderMap,
    /// The status of the answer.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: &'a HeaderMap,
}

/// Any answer to a request.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The request.
    pub request: Outgoing<'a>,
    /// What [`Authorize::headers`] gave for it.
    pub sent: &'a HeaderMap,
    /// The status of the answer.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: &'a HeaderMap,
}

/// What to do with a request that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Next {
    /// Ask for headers anew and send it again.
    Again,
    /// The refusal stands: there is nothing better to send.
    Stop,
}

/// What puts credentials on requests and is told of refusals.
///
/// A client uses it around every HTTP request, whatever the method:
///
/// 1. [`headers`](Self::headers), and the request is sent with them;
/// 2. [`observed`](Self::observed) with the answer;
/// 3. if the answer is 401 or 403: [`refused`](Self::refused), and from the beginning as long as
///    that says [`Next::Again`], at most [`MAX_ATTEMPTS`] times for one request.
///
/// Redirects are the client's: it must not send these headers to where an answer redirects to,
/// but ask for headers for that address.
///
/// # Cancel safety
///
/// Both futures may be dropped at any time. A token that was already asked for is then still
/// received and kept; a sign-in that waits for a person ends.
pub trait Authorize: Send + Sync + 'static {
    /// Headers for the next request; none if there are no credentials for it, or not yet.
    ///
    /// Quick when a token is at hand. A token about to expire is refreshed first, once for all
    /// who wait.
    ///
    /// # Errors
    ///
    /// There should be credentials and cannot be; the message says why and what to do.
    fn headers<'a>(&'a self, request: Outgoing<'a>) -> Pending<'a, Result<HeaderMap, Error>>;

    /// The server answered 401 or 403. May take as long as a person needs to sign in.
    ///
    /// # Errors
    ///
    /// Better credentials are needed and were not to be had.
    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> Pending<'a, Result<Next, Error>>;

    /// Called with every answer. Must not block.
    fn observed(&self, answer: Answer<'_>) {
        let _ = answer;
    }
}

impl<T: Authorize + ?Sized> Authorize for Arc<T> {
    fn headers<'a>(&'a self, request: Outgoing<'a>) -> Pending<'a, Result<HeaderMap, Error>> {
        (**self).headers(request)
    }

    fn refused<'a>(&'a self, refusal: Refusal<'a>) -> Pending<'a, Result<Next, Error>> {
        (**self).refused(refusal)
    }

    fn observed(&self, answer: Answer<'_>) {
        (**self).observed(answer);
    }
}
