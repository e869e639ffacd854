//! Dynamic client registration (RFC 7591; OpenID Connect Dynamic Client Registration).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::discovery::Server;
use crate::net::{Http, Place};
use crate::store::exposed;
use crate::token::{KeptClient, Refused};
use crate::{Error, Secret};

/// A client that was registered, as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Registered {
    pub(crate) client: KeptClient,
    /// Where answers go; `None` if it was registered for devices.
    pub(crate) redirect: Option<String>,
    /// Whether its tokens are bound to a key.
    pub(crate) dpop: bool,
    /// Seconds since 1970; 0 or nothing: never.
    expires_at: Option<u64>,
}

impl Registered {
    pub(crate) fn is_expired(&self) -> bool {
        self.expires_at
            .is_some_and(|at| at != 0 && crate::time::now() >= at)
    }

    pub(crate) fn load(kept: &Secret) -> Option<Self> {
        serde_json::from_str(kept.expose()).ok()
    }

    pub(crate) fn kept(&self) -> Result<Secret, Error> {
        serde_json::to_string(self)
            .map(Secret::new)
            .map_err(|_| Error::store("the registered client cannot be written"))
    }
}

/// What a client says of itself.
pub(crate) struct Introduction<'a> {
    pub(crate) name: &'a str,
    pub(crate) home: Option<&'a Place>,
    /// Where answers go; `None` for devices.
    pub(crate) redirect: Option<&'a str>,
    pub(crate) dpop: bool,
}

#[derive(Deserialize)]
struct Answer {
    client_id: String,
    #[serde(default, deserialize_with = "exposed::option::deserialize")]
    client_secret: Option<Secret>,
    client_secret_expires_at: Option<u64>,
    token_endpoint_auth_method: Option<String>,
}

/// Registers a client with an authorization server.
///
/// # Errors
///
/// The server refuses, in its words, or cannot be reached.
pub(crate) async fn register(
    http: &Http,
    server: &Server,
    endpoint: &Place,
    introduction: &Introduction<'_>,
) -> Result<Registered, Error> {
    let mut document = json!({
        "client_name": introduction.name,
        "token_endpoint_auth_method": method(server),
        // Without it, a server of OpenID Connect takes it for a web page, which may not be on
        // this machine.
        "application_type": "native",
    });
    match introduction.redirect {
        Some(redirect) => {
            document["redirect_uris"] = json!([redirect]);
            document["grant_types"] = json!(["authorization_code", "refresh_token"]);
            document["response_types"] = json!(["code"]);
        }
        None => {
            document["redirect_uris"] = json!([]);
            document["grant_types"] = json!([crate::flow::DEVICE, "refresh_token"]);
            document["response_types"] = json!([]);
        }
    }
    if let Some(home) = introduction.home {
        document["client_uri"] = home.as_str().into();
    }
    if introduction.dpop {
        document["dpop_bound_access_tokens"] = true.into();
    }
    let received = http.post_json(endpoint, &document).await?;
    match received.status {
        StatusCode::CREATED | StatusCode::OK => {}
        status => {
            let refused: Refused = serde_json::from_slice(&received.body)
                .unwrap_or_else(|_| Refused::new(format!("HTTP {}", status.as_u16()), None));
            return Err(refused
                .into_error(&server.issuer, "to register a client")
                .with_next_step("register a client there by hand, and set its id"));
        }
    }
    let answer: Answer = received.json()?;
    Ok(Registered {
        client: KeptClient {
            id: answer.client_id,
            secret: answer.client_secret,
            method: answer.token_endpoint_auth_method,
        },
        redirect: introduction.redirect.map(str::to_owned),
        dpop: introduction.dpop,
        expires_at: answer.client_secret_expires_at,
    })
}

/// A program on a person's machine keeps no secret from them, so it wants none if it may.
fn method(server: &Server) -> &'static str {
    let Some(methods) = &server.auth_methods else {
        return "none";
    };
    ["none", "client_secret_basic", "client_secret_post"]
        .into_iter()
        .find(|method| methods.iter().any(|m| m == method))
        .unwrap_or("none")
}
