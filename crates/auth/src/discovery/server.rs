//! [`Server`]: what an authorization server says of itself (RFC 8414, OpenID Connect Discovery).

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;

use crate::Error;
use crate::net::{Http, Place};
use crate::scope::Scopes;
use crate::text::shown;

/// What an authorization server says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Its name, exactly as it writes it.
    pub(crate) issuer: String,
    pub(crate) authorization: Option<Place>,
    pub(crate) token: Place,
    pub(crate) registration: Option<Place>,
    pub(crate) revocation: Option<Place>,
    pub(crate) device: Option<Place>,
    pub(crate) scopes: Scopes,
    /// Whether it does PKCE with S256; `None` if it said nothing about itself at all (2025-03-26).
    pub(crate) pkce: Option<bool>,
    pub(crate) auth_methods: Option<Vec<String>>,
    pub(crate) auth_algorithms: Option<Vec<String>>,
    pub(crate) dpop_algorithms: Vec<String>,
    /// Its answers carry `iss` (RFC 9207).
    pub(crate) sends_issuer: bool,
    /// It takes addresses of client metadata documents as client ids.
    pub(crate) reads_client_documents: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
}

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Finds what the server of an issuer says of itself, and believes it only if it names that very
/// issuer.
///
/// # Errors
///
/// There is no metadata, or it is another issuer's, or an endpoint of it is not to be used.
pub(crate) async fn find(http: &Http, issuer: &str) -> Result<Server, Error> {
    let place = Place::parse(issuer)?;
    match ask(http, candidates(&place), HeaderMap::new()).await? {
        Some(document) if document.issuer == issuer => read(document),
        Some(document) => Err(Error::untrusted(format_args!(
            "the metadata of the authorization server {:?} says that it is {:?}",
            shown(issuer),
            shown(&document.issuer)
        ))),
        None => Err(Error::unsupported(format_args!(
            "the authorization server {:?} has no metadata where it should be",
            shown(issuer)
        ))),
    }
}

/// Finds the authorization server of an MCP server without metadata of its own, as in revision
/// 2025-03-26: at the same origin, at default endpoints if it says nothing.
///
/// # Errors
///
/// As those of [`find`], except that there may be no metadata.
pub(crate) async fn find_legacy(http: &Http, server: &Place) -> Result<Server, Error> {
    let origin = server.origin();
    let mut headers = HeaderMap::new();
    headers.insert(
        "mcp-protocol-version",
        HeaderValue::from_static("2025-03-26"),
    );
    let places = vec![server.at_origin(OAUTH), server.at_origin(OPENID)];
    match ask(http, places, headers).await? {
        // Nobody has named the issuer here, so its slash at the end is its own.
        Some(document) if document.issuer.trim_end_matches('/') == origin => read(document),
        Some(document) => Err(Error::untrusted(format_args!(
            "the authorization server metadata of {origin} says that it is {:?}",
            shown(&document.issuer)
        ))),
        None => Ok(Server {
            issuer: origin,
            authorization: Some(server.at_origin("/authorize")),
            token: server.at_origin("/token"),
            registration: Some(server.at_origin("/register")),
            revocation: None,
            device: None,
            scopes: Scopes::default(),
            pkce: None,
            auth_methods: None,
            auth_algorithms: None,
            dpop_algorithms: Vec::new(),
            sends_issuer: false,
            reads_client_documents: false,
        }),
    }
}

async fn ask(
    http: &Http,
    places: Vec<Place>,
    headers: HeaderMap,
) -> Result<Option<Document>, Error> {
    for place in places {
        let received = http.get(&place, headers.clone()).await?;
        match received.status {
            StatusCode::OK => return received.json().map(Some),
            status if status.is_client_error() => {}
            status => {
                return Err(Error::unreachable(format_args!(
                    "{} answered {}",
                    shown(place.as_str()),
                    status.as_u16()
                )));
            }
        }
    }
    Ok(None)
}

fn candidates(issuer: &Place) -> Vec<Place> {
    let path = issuer.url().path().trim_end_matches('/');
    if path.is_empty() {
        return vec![issuer.at_origin(OAUTH), issuer.at_origin(OPENID)];
    }
    vec![
        issuer.at_origin(&format!("{OAUTH}{path}")),
        issuer.at_origin(&format!("{OPENID}{path}")),
        issuer.at_origin(&format!("{path}{OPENID}")),
    ]
}

fn read(document: Document) -> Result<Server, Error> {
    let place = |text: Option<String>| text.map(|text| Place::parse(&text)).transpose();
    let Some(token) = place(document.token_endpoint)? else {
        return Err(Error::unsupported(format_args!(
            "the authorization server {:?} has no token endpoint",
            shown(&document.issuer)
        )));
    };
    let methods = &document.code_challenge_methods_supported;
    Ok(Server {
        authorization: place(document.authorization_endpoint)?,
        token,
        registration: place(document.registration_endpoint)?,
        revocation: place(document.revocation_endpoint)?,
        device: place(document.device_authorization_endpoint)?,
        scopes: Scopes::from(document.scopes_supported),
        pkce: Some(methods.iter().any(|m| m == "S256")),
        auth_methods: document.token_endpoint_auth_methods_supported,
        auth_algorithms: document.token_endpoint_auth_signing_alg_values_supported,
        dpop_algorithms: document.dpop_signing_alg_values_supported,
        sends_issuer: document.authorization_response_iss_parameter_supported,
        reads_client_documents: document.client_id_metadata_document_supported,
        issuer: document.issuer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_in_the_order_of_the_specification() {
        let found = |issuer: &str| -> Vec<String> {
            let found = candidates(&Place::parse(issuer).unwrap());
            found.iter().map(|p| p.as_str().to_owned()).collect()
        };
        assert_eq!(
            found("https://auth.example.com/tenant1"),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
                "https://auth.example.com/.well-known/openid-configuration/tenant1",
                "https://auth.example.com/tenant1/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            found("https://auth.example.com"),
            [
                "https://auth.example.com/.well-known/oauth-authorization-server",
                "https://auth.example.com/.well-known/openid-configuration",
            ]
        );
    }

    fn document(json: &str) -> Document {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn an_endpoint_that_must_not_be_used_spoils_the_metadata() {
        let good = r#"{"issuer":"https://a","token_endpoint":"https://a/t","code_challenge_methods_supported":["plain","S256"]}"#;
        assert_eq!(read(document(good)).unwrap().pkce, Some(true));
        for (bad, untrusted) in [
            (r#"{"issuer":"https://a"}"#, false),
            (
                r#"{"issuer":"https://a","token_endpoint":"http://a/t"}"#,
                true,
            ),
            (
                r#"{"issuer":"https://a","token_endpoint":"https://a/t","authorization_endpoint":"file:///etc/passwd"}"#,
                true,
            ),
        ] {
            assert_eq!(
                read(document(bad)).unwrap_err().is_untrusted(),
                untrusted,
                "{bad}"
            );
        }
        let plain = r#"{"issuer":"https://a","token_endpoint":"https://a/t","code_challenge_methods_supported":["plain"]}"#;
        assert_eq!(read(document(plain)).unwrap().pkce, Some(false));
    }
}
