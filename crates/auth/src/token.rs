//! The token endpoint: what is asked of it, what it answers, and what is kept of that.

use std::sync::{Mutex, OnceLock, PoisonError};

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer, Serialize};

use crate::client::{Client, Proof};
use crate::discovery::Server;
use crate::dpop::{self, DpopKey};
use crate::net::{Http, Place, Received};
use crate::scope::Scopes;
use crate::store::exposed;
use crate::text::shown;
use crate::time::now;
use crate::{Error, Secret};

/// What must be known of an authorization server to refresh and revoke tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TokenServer {
    pub(crate) issuer: String,
    pub(crate) token: Place,
    pub(crate) revocation: Option<Place>,
    pub(crate) auth_methods: Option<Vec<String>>,
    pub(crate) auth_algorithms: Option<Vec<String>>,
}

impl From<&Server> for TokenServer {
    fn from(server: &Server) -> Self {
        Self {
            issuer: server.issuer.clone(),
            token: server.token.clone(),
            revocation: server.revocation.clone(),
            auth_methods: server.auth_methods.clone(),
            auth_algorithms: server.auth_algorithms.clone(),
        }
    }
}

/// A key for proofs, and the nonce that the server wants in the next one.
pub(crate) struct Prover<'a> {
    pub(crate) key: &'a DpopKey,
    pub(crate) nonce: &'a Mutex<Option<String>>,
}

impl Prover<'_> {
    pub(crate) fn prove(&self, place: &Place) -> Result<HeaderValue, Error> {
        let nonce = self
            .nonce
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        self.key.proof("POST", place.url(), None, nonce.as_deref())
    }

    /// Keeps the nonce of an answer; says whether the same request with it may do better.
    fn learn(&self, received: &Received) -> bool {
        let Some(nonce) = dpop::nonce_of(&received.headers) else {
            return false;
        };
        let mut kept = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = kept.as_deref() != Some(nonce);
        *kept = Some(nonce.to_owned());
        is_new
    }
}

/// What the token endpoint answered.
#[derive(Debug)]
pub(crate) enum Answered {
    Granted(Granted),
    Refused(Refused),
}

/// Tokens, as the endpoint gives them.
#[derive(Deserialize)]
pub(crate) struct Granted {
    #[serde(deserialize_with = "exposed::deserialize")]
    pub(crate) access_token: Secret,
    #[serde(default)]
    pub(crate) token_type: String,
    #[serde(default, deserialize_with = "seconds")]
    pub(crate) expires_in: Option<u64>,
    #[serde(default, deserialize_with = "exposed::option::deserialize")]
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) scope: Option<String>,
    pub(crate) issued_token_type: Option<String>,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted")
            .field("token_type", &self.token_type)
            .finish_non_exhaustive()
    }
}

/// Some servers write the number as text.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Whole(u64),
        Fraction(f64),
        Text(String),
    }
    Ok(match Option::<Seconds>::deserialize(from)? {
        Some(Seconds::Whole(seconds)) => Some(seconds),
        Some(Seconds::Fraction(seconds)) if seconds >= 0.0 => Some(seconds as u64),
        Some(Seconds::Text(text)) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A refusal, in the words of RFC 6749, section 5.2.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refused {
    pub(crate) error: String,
    error_description: Option<String>,
}

impl Refused {
    pub(crate) fn new(error: String, error_description: Option<String>) -> Self {
        Self {
            error,
            error_description,
        }
    }

    pub(crate) fn is(&self, error: &str) -> bool {
        self.error == error
    }

    /// As an error, of who refused what.
    pub(crate) fn into_error(self, issuer: &str, what: &str) -> Error {
        let mut message = format!("{} refuses {what}: {}", shown(issuer), shown(&self.error));
        if let Some(description) = &self.error_description {
            message = format!("{message} ({})", shown(description));
        }
        match self.error.as_str() {
            "access_denied" => Error::refused_by_user(message),
            "invalid_client" | "unauthorized_client" => Error::refused_by_server(message)
                .with_next_step(
                    "check the client's id, its secret or key, and what it is registered for",
                ),
            "invalid_scope" => {
                Error::refused_by_server(message).with_next_step("ask for other scopes")
            }
            _ => Error::refused_by_server(message),
        }
    }
}

/// Asks the token endpoint. A nonce that it wants in the proof is sent in a second try.
///
/// # Errors
///
/// It cannot be reached, or its answer is none of OAuth's.
pub(crate) async fn ask(
    http: &Http,
    server: &TokenServer,
    client: &Client,
    prover: Option<&Prover<'_>>,
    params: &[(&str, &str)],
) -> Result<Answered, Error> {
    post(http, &server.token, server, client, prover, params).await
}

async fn post(
    http: &Http,
    place: &Place,
    server: &TokenServer,
    client: &Client,
    prover: Option<&Prover<'_>>,
    params: &[(&str, &str)],
) -> Result<Answered, Error> {
    let mut tried = false;
    loop {
        let received = send(http, place, server, client, prover, params).await?;
        let has_new_nonce = prover.is_some_and(|prover| prover.learn(&received));
        match read(&received)? {
            Answered::Refused(refused)
                if refused.is("use_dpop_nonce") && has_new_nonce && !tried =>
            {
                tried = true;
            }
            answered => return Ok(answered),
        }
    }
}

/// Sends a form with the client's credentials to an endpoint of a server.
pub(crate) async fn send(
    http: &Http,
    place: &Place,
    server: &TokenServer,
    client: &Client,
    prover: Option<&Prover<'_>>,
    params: &[(&str, &str)],
) -> Result<Received, Error> {
    let credentials = client.authenticate(server)?;
    let mut form = params.to_vec();
    form.extend(credentials.form.iter().map(|(n, v)| (*n, v.expose())));
    let mut headers: HeaderMap = credentials.headers.clone();
    if let Some(prover) = prover {
        headers.insert("dpop", prover.prove(place)?);
    }
    http.post_form(place, &form, headers).await
}

fn read(received: &Received) -> Result<Answered, Error> {
    let from = || shown(received.from.as_str());
    match received.status {
        StatusCode::OK => {
            let granted: Granted = received.json()?;
            if granted.access_token.expose().is_empty() {
                return Err(Error::unsupported(format_args!(
                    "{} gave an empty token",
                    from()
                )));
            }
            Ok(Answered::Granted(granted))
        }
        status if status.is_client_error() => match serde_json::from_slice(&received.body) {
            Ok(refused) => Ok(Answered::Refused(refused)),
            Err(_) => Err(Error::unsupported(format_args!(
                "{} answered {}, without saying why as OAuth has it",
                from(),
                status.as_u16()
            ))),
        },
        status => Err(Error::unreachable(format_args!(
            "{} answered {}",
            from(),
            status.as_u16()
        ))),
    }
}

/// What is kept: tokens, and all that is needed to use, renew and revoke them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) server: TokenServer,
    /// The resource identifier that they are for.
    pub(crate) resource: String,
    pub(crate) client: KeptClient,
    #[serde(with = "exposed")]
    pub(crate) access: Secret,
    #[serde(with = "exposed::option")]
    pub(crate) refresh: Option<Secret>,
    /// Seconds since 1970; `None` if the server did not say.
    pub(crate) expires_at: Option<u64>,
    /// When a new one is asked for.
    pub(crate) renew_at: Option<u64>,
    pub(crate) requested: Scopes,
    /// `None` if the server did not say, which means those that were requested.
    pub(crate) granted: Option<Scopes>,
    /// The key that they are bound to.
    #[serde(with = "exposed::option")]
    pub(crate) dpop: Option<Secret>,
    /// That key, read.
    #[serde(skip)]
    pub(crate) key: Option<DpopKey>,
    /// The access token as a header, made once.
    #[serde(skip)]
    pub(crate) header: OnceLock<HeaderValue>,
}

/// A client that was registered dynamically, or the id of one that was not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptClient {
    pub(crate) id: String,
    /// Only of a client that was registered dynamically.
    #[serde(with = "exposed::option")]
    pub(crate) secret: Option<Secret>,
    pub(crate) method: Option<String>,
}

impl KeptClient {
    pub(crate) fn client(&self) -> Client {
        Client {
            id: self.id.clone(),
            proof: self.secret.clone().map_or(Proof::Nothing, Proof::Secret),
            issuer: None,
            method: self.method.clone(),
        }
    }
}

/// Tokens are renewed this long before they expire, in seconds; sooner if they live shorter.
const AHEAD: u64 = 30;

/// When tokens that live for some seconds expire, and when they are renewed.
pub(crate) fn times(lifetime: Option<u64>) -> (Option<u64>, Option<u64>) {
    // A lifetime beyond a year is a mistake, and no addition may overflow.
    let lifetime = lifetime.map(|seconds| seconds.min(366 * 24 * 60 * 60));
    let expires_at = lifetime.map(|seconds| now() + seconds);
    let renew_at = lifetime.map(|seconds| now() + seconds - AHEAD.min(seconds / 4));
    (expires_at, renew_at)
}

impl Tokens {
    /// Reads what was kept.
    pub(crate) fn load(kept: &Secret) -> Result<Self, Error> {
        // The error of serde would quote what it read.
        let mut tokens: Self = serde_json::from_str(kept.expose())
            .map_err(|_| Error::store("the stored tokens cannot be read"))?;
        tokens.key = tokens.dpop.as_ref().map(DpopKey::load).transpose()?;
        Ok(tokens)
    }

    pub(crate) fn kept(&self) -> Result<Secret, Error> {
        serde_json::to_string(self)
            .map(Secret::new)
            .map_err(|_| Error::store("the tokens cannot be written"))
    }

    /// The access token as `Authorization`.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        if let Some(header) = self.header.get() {
            return Ok(header.clone());
        }
        let scheme = if self.key.is_some() { "DPoP" } else { "Bearer" };
        let text = Secret::new(format!("{scheme} {}", self.access.expose()));
        let mut header = HeaderValue::from_str(text.expose())
            .map_err(|_| Error::unsupported("the token does not fit into a header"))?;
        header.set_sensitive(true);
        Ok(self.header.get_or_init(|| header).clone())
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.expires_at.is_some_and(|at| now() >= at)
    }

    /// They will not live for much longer.
    pub(crate) fn is_stale(&self) -> bool {
        self.renew_at.is_some_and(|at| now() >= at)
    }

    /// What the token may be used for, as far as one knows.
    pub(crate) fn scopes(&self) -> &Scopes {
        self.granted.as_ref().unwrap_or(&self.requested)
    }
}
