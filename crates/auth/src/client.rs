//! [`Client`]: who asks for tokens, and how it proves that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::jwt::SigningKey;
use crate::time::now;
use crate::token::TokenServer;
use crate::{Error, Secret, random};

/// A client that somebody registered with an authorization server by hand.
///
/// Without more it is a public one, which has no secret.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) id: String,
    pub(crate) proof: Proof,
    pub(crate) issuer: Option<String>,
    /// How the secret is sent, if the server said so when it registered the client.
    pub(crate) method: Option<String>,
}

/// How a client proves who it is.
#[derive(Debug, Clone)]
pub(crate) enum Proof {
    Nothing,
    Secret(Secret),
    Key(SigningKey),
}

/// How long an assertion counts, in seconds.
const ASSERTION: u64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Client {
    /// A client by its id.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            proof: Proof::Nothing,
            issuer: None,
            method: None,
        }
    }

    /// It has a secret: `client_secret_basic` or `client_secret_post`, whichever the server takes.
    #[must_use]
    pub fn with_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.proof = Proof::Secret(secret.into());
        self
    }

    /// It has a key: `private_key_jwt` (RFC 7523).
    #[must_use]
    pub fn with_key(mut self, key: SigningKey) -> Self {
        self.proof = Proof::Key(key);
        self
    }

    /// The issuer that it is registered with; it is then shown to no other. Without it, it
    /// belongs to the first one that it is used with.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// What it adds to a request to the token endpoint.
    pub(crate) fn authenticate(&self, server: &TokenServer) -> Result<Credentials, Error> {
        let mut credentials = Credentials::default();
        match &self.proof {
            Proof::Key(key) => {
                let assertion = self.assertion(key, server)?;
                credentials.add("client_id", self.id.as_str());
                credentials.add("client_assertion_type", ASSERTION_TYPE);
                credentials.add("client_assertion", assertion);
            }
            Proof::Secret(secret) => match self.secret_method(server) {
                Method::Basic => credentials.basic(&self.id, secret)?,
                Method::Post => {
                    credentials.add("client_id", self.id.as_str());
                    credentials.add("client_secret", secret.clone());
                }
                Method::None => credentials.add("client_id", self.id.as_str()),
            },
            Proof::Nothing if self.id.is_empty() => {}
            Proof::Nothing => credentials.add("client_id", self.id.as_str()),
        }
        Ok(credentials)
    }

    fn secret_method(&self, server: &TokenServer) -> Method {
        match self.method.as_deref() {
            Some("client_secret_basic") => return Method::Basic,
            Some("client_secret_post") => return Method::Post,
            Some("none") => return Method::None,
            _ => {}
        }
        let takes = |method: &str| match &server.auth_methods {
            Some(methods) => methods.iter().any(|m| m == method),
            // RFC 8414, section 2: what it means when nothing is said.
            None => method == "client_secret_basic",
        };
        if takes("client_secret_basic") {
            Method::Basic
        } else if takes("client_secret_post") {
            Method::Post
        } else if takes("none") {
            Method::None
        } else {
            Method::Basic
        }
    }

    fn assertion(&self, key: &SigningKey, server: &TokenServer) -> Result<Secret, Error> {
        if let Some(algorithms) = &server.auth_algorithms
            && !algorithms.iter().any(|a| a == key.algorithm())
        {
            return Err(Error::misconfigured(format_args!(
                "the client's key signs with {}, which {:?} does not take",
                key.algorithm(),
                crate::text::shown(&server.issuer)
            ))
            .with_next_step("register a key of another kind"));
        }
        let claims = json!({
            "iss": self.id,
            "sub": self.id,
            "aud": server.issuer,
            "jti": random::text::<16>()?,
            "iat": now(),
            "exp": now() + ASSERTION,
        });
        key.sign(json!({"typ": "JWT"}), &claims)
    }
}

enum Method {
    Basic,
    Post,
    None,
}

/// What is added to a request to prove who sends it.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) headers: HeaderMap,
    pub(crate) form: Vec<(&'static str, Secret)>,
}

impl Credentials {
    fn add(&mut self, name: &'static str, value: impl Into<Secret>) {
        self.form.push((name, value.into()));
    }

    /// RFC 6749, section 2.3.1: both are encoded as in a form first.
    fn basic(&mut self, id: &str, secret: &Secret) -> Result<(), Error> {
        let encode = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        let both = Secret::new(format!("{}:{}", encode(id), encode(secret.expose())));
        let text = Secret::new(format!("Basic {}", STANDARD.encode(both.expose())));
        let mut header = HeaderValue::from_str(text.expose())
            .map_err(|_| Error::misconfigured("the client's secret does not fit into a header"))?;
        header.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, header);
        Ok(())
    }
}
