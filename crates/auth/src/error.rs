//! [`Error`]: why there are no credentials, and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why there are no credentials, and what to do about it.
///
/// Neither the message nor `Debug` holds a token, a code, a password or a key; text of servers in
/// it is escaped and cut short. Clones share one value, because all who wait for the same sign-in
/// get the same answer.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: String,
    next_step: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AuthorizationRequired,
    RefusedByUser,
    RefusedByServer,
    InsufficientScope,
    ClientRequired,
    Untrusted,
    Unsupported,
    Unreachable,
    TimedOut,
    Store,
    Misconfigured,
}

impl Error {
    /// A person has to sign in, and nobody can be asked now.
    pub fn authorization_required(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::AuthorizationRequired, message)
    }

    /// The person who was asked said no, or ended the sign-in.
    pub fn refused_by_user(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::RefusedByUser, message)
    }

    /// A token store cannot read or write.
    pub fn store(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Store, message)
    }

    /// What was set cannot work.
    pub fn misconfigured(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Misconfigured, message)
    }

    /// A server cannot be reached, or does not answer as HTTP.
    pub fn unreachable(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Unreachable, message)
    }

    /// The authorization server refused: the client, the grant, the scope.
    pub fn refused_by_server(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::RefusedByServer, message)
    }

    /// The token lacks scopes, and asking for more did not help.
    pub fn insufficient_scope(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::InsufficientScope, message)
    }

    /// A client must be registered by hand.
    pub fn client_required(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::ClientRequired, message)
    }

    /// What a server said is not believed.
    pub fn untrusted(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Untrusted, message)
    }

    /// A server lacks something that is needed, or says it in a way that nobody understands.
    pub fn unsupported(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::Unsupported, message)
    }

    /// Nobody answered in time.
    pub fn timed_out(message: impl fmt::Display) -> Self {
        Self::with_kind(Kind::TimedOut, message)
    }

    fn with_kind(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                message: message.to_string(),
                next_step: None,
                source: None,
            }),
        }
    }

    /// Adds what the person in front of it can do, as a half sentence in the imperative.
    #[must_use]
    pub fn with_next_step(mut self, step: impl fmt::Display) -> Self {
        Arc::make_mut(&mut self.inner).next_step = Some(step.to_string());
        self
    }

    /// Adds what caused it. Its message must hold no secret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Arc::make_mut(&mut self.inner).source = Some(source.into().into());
        self
    }

    /// What to do about it, as a half sentence in the imperative.
    pub fn next_step(&self) -> Option<&str> {
        self.inner.next_step.as_deref()
    }

    /// A person has to sign in, and nobody can be asked now.
    pub fn is_authorization_required(&self) -> bool {
        self.inner.kind == Kind::AuthorizationRequired
    }

    /// The person who was asked said no, or ended the sign-in.
    pub fn is_refused_by_user(&self) -> bool {
        self.inner.kind == Kind::RefusedByUser
    }

    /// The authorization server refused: the client, the grant, the scope.
    pub fn is_refused_by_server(&self) -> bool {
        self.inner.kind == Kind::RefusedByServer
    }

    /// The token lacks scopes, and asking for more did not help.
    pub fn is_insufficient_scope(&self) -> bool {
        self.inner.kind == Kind::InsufficientScope
    }

    /// The authorization server knows no client by itself: one must be registered there by hand.
    pub fn is_client_required(&self) -> bool {
        self.inner.kind == Kind::ClientRequired
    }

    /// What a server said was not believed: another issuer, another resource, an address that must
    /// not be asked, a wrong `state`.
    pub fn is_untrusted(&self) -> bool {
        self.inner.kind == Kind::Untrusted
    }

    /// A server lacks something that is needed (PKCE, an endpoint, metadata), or says it in a way
    /// that nobody understands.
    pub fn is_unsupported(&self) -> bool {
        self.inner.kind == Kind::Unsupported
    }

    /// A server cannot be reached: the same may work later.
    pub fn is_unreachable(&self) -> bool {
        self.inner.kind == Kind::Unreachable
    }

    /// Nobody answered in time.
    pub fn is_timed_out(&self) -> bool {
        self.inner.kind == Kind::TimedOut
    }

    /// The token store cannot read or write.
    pub fn is_store(&self) -> bool {
        self.inner.kind == Kind::Store
    }

    /// What was set cannot work.
    pub fn is_misconfigured(&self) -> bool {
        self.inner.kind == Kind::Misconfigured
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        match &self.inner.next_step {
            Some(step) => write!(f, "; {step}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("next_step", &self.inner.next_step)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do() {
        let error = Error::authorization_required("nobody is signed in")
            .with_next_step("run `wharf login`")
            .with_source(std::io::Error::other("why"));
        assert_eq!(error.to_string(), "nobody is signed in; run `wharf login`");
        assert!(error.clone().is_authorization_required());
        assert!(!error.is_refused_by_user());
        assert_eq!(error.source().unwrap().to_string(), "why");
    }
}
