//! Who is calling.

use std::fmt;

/// The authenticated caller, as an access token or the embedding application names it.
///
/// Sessions, open asks, sealed states and subscriptions belong to the principal that made them;
/// to any other they do not exist. Two principals are the same if all three members are.
///
/// An application that authenticates requests itself puts an `Arc<Principal>` into the request's
/// extensions before it hands the request to [`Service`](crate::http::Service).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Who vouches for the subject: the `iss` of a token.
    pub issuer: String,
    /// Whom it stands for: the `sub` of a token.
    pub subject: String,
    /// The OAuth client that acts for the subject.
    pub client: Option<String>,
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A subject can be an e-mail address: it is not for every log.
        f.debug_struct("Principal")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Principal {
    /// One unambiguous text for all three members, to bind things to.
    pub(crate) fn binding(&self) -> String {
        let client = self.client.as_deref();
        serde_json::json!([self.issuer, self.subject, client]).to_string()
    }
}
