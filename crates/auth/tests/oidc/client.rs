//! An MCP client, as far as authorization goes: it sends a request and does what it is told.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, StatusCode, Uri};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use wharf_auth::{Answer, Authorize, Error, MAX_ATTEMPTS, Next, OAuth, Outgoing, Refusal};

use crate::server::Server;

/// Plain HTTP, without redirects.
pub(crate) fn http() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0);
        builder
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
    })
}

pub(crate) struct Caller {
    pub(crate) oauth: OAuth,
    url: Uri,
}

impl Caller {
    pub(crate) fn new(server: &Server, oauth: OAuth) -> Self {
        let url = server.resource.parse().unwrap();
        Self { oauth, url }
    }

    fn request(&self) -> Outgoing<'_> {
        Outgoing {
            method: &Method::POST,
            url: &self.url,
        }
    }

    pub(crate) async fn headers(&self) -> HeaderMap {
        self.oauth.headers(self.request()).await.unwrap()
    }

    /// Sends one request; the status, the headers and the body of the answer.
    pub(crate) async fn send(
        &self,
        headers: &HeaderMap,
        need: Option<&str>,
    ) -> (StatusCode, HeaderMap, Value) {
        let mut request = http().post(self.url.to_string()).headers(headers.clone());
        if let Some(need) = need {
            request = request.header("x-need", need);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        (status, headers, body)
    }

    /// A call that must succeed in the end.
    pub(crate) async fn call(&self, need: Option<&str>) -> Result<Value, Error> {
        for _ in 0..MAX_ATTEMPTS {
            let request = self.request();
            let sent = self.oauth.headers(request).await?;
            let (status, headers, body) = self.send(&sent, need).await;
            let headers = &headers;
            self.oauth.observed(Answer {
                request,
                sent: &sent,
                status,
                headers,
            });
            if status == StatusCode::OK {
                return Ok(body);
            }
            let next = self.oauth.refused(Refusal {
                request,
                sent: &sent,
                status,
                headers,
            });
            assert_eq!(next.await?, Next::Again, "{status} {body} {headers:?}");
        }
        panic!("refused for ever");
    }
}

/// A private key of each kind in PEM, with its public key as the server reads it.
pub(crate) fn keys() -> Vec<(String, Value)> {
    let random = SystemRandom::new();
    let mut keys = Vec::new();
    for (kind, alg, curve, size) in [
        (
            &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            "ES256",
            "P-256",
            32,
        ),
        (
            &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            "ES384",
            "P-384",
            48,
        ),
    ] {
        let der = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, der.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref().to_vec();
        let (x, y) = point[1..].split_at(size);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let public = json!({"kty": "EC", "crv": curve, "x": x, "y": y, "alg": alg, "kid": alg});
        keys.push((pem(der.as_ref()), public));
    }
    let der = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let public = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "EdDSA", "kid": "EdDSA"});
    keys.push((pem(der.as_ref()), public));
    keys
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
