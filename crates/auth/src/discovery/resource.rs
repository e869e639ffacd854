//! [`Resource`]: what an MCP server says of itself (RFC 9728).

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::Error;
use crate::challenge::Challenge;
use crate::net::{Http, Place, same_origin};
use crate::scope::Scopes;
use crate::text::shown;

/// What an MCP server says of itself in its protected resource metadata.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// Its identifier, as `resource` parameters name it (RFC 8707).
    pub(crate) id: String,
    /// Issuers of tokens for it, at least one.
    pub(crate) issuers: Vec<String>,
    pub(crate) scopes: Option<Scopes>,
    /// It takes tokens that are bound to a key.
    pub(crate) knows_dpop: bool,
}

#[derive(Deserialize)]
struct Document {
    resource: Option<String>,
    #[serde(default)]
    authorization_servers: Vec<String>,
    scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    dpop_bound_access_tokens_required: bool,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Finds the metadata of the server at a place: where its challenge says, else at the well-known
/// addresses, with its path and without. `None` if there is none at all.
///
/// # Errors
///
/// The metadata cannot be had, names no authorization server, or is of another resource.
pub(crate) async fn find(
    http: &Http,
    server: &Place,
    challenge: &Challenge,
) -> Result<Option<Resource>, Error> {
    for place in candidates(server, challenge)? {
        let received = http.get(&place, HeaderMap::new()).await?;
        match received.status {
            StatusCode::OK => {}
            status if status.is_client_error() => continue,
            status => {
                return Err(Error::unreachable(format_args!(
                    "{} answered {}",
                    shown(place.as_str()),
                    status.as_u16()
                )));
            }
        }
        return read(server, received.json()?).map(Some);
    }
    Ok(None)
}

fn candidates(server: &Place, challenge: &Challenge) -> Result<Vec<Place>, Error> {
    let mut places = Vec::new();
    if let Some(named) = &challenge.resource_metadata {
        // Relative to the server, as any address in a header.
        places.push(server.join(named)?);
    }
    let path = server.url().path().trim_end_matches('/');
    if !path.is_empty() {
        let mut with_path = server.at_origin(&format!("{WELL_KNOWN}{path}"));
        if let Some(query) = server.url().query() {
            let text = format!("{with_path}?{query}");
            with_path = Place::parse(&text)?;
        }
        places.push(with_path);
    }
    places.push(server.at_origin(WELL_KNOWN));
    places.dedup();
    Ok(places)
}

fn read(server: &Place, document: Document) -> Result<Resource, Error> {
    let Some(id) = document.resource else {
        return Err(Error::unsupported(
            "the server's protected resource metadata has no `resource`",
        ));
    };
    if !is_of(&id, server) {
        return Err(Error::untrusted(format_args!(
            "the metadata of {} is about another resource, {:?}: a token for that one would not be for this server",
            shown(server.as_str()),
            shown(&id)
        ))
        .with_next_step("check the server's address"));
    }
    if document.authorization_servers.is_empty() {
        return Err(Error::unsupported(
            "the server's protected resource metadata names no authorization server",
        ));
    }
    Ok(Resource {
        id,
        issuers: document.authorization_servers,
        scopes: document.scopes_supported.map(Scopes::from),
        knows_dpop: document.dpop_bound_access_tokens_required
            || !document.dpop_signing_alg_values_supported.is_empty(),
    })
}

/// Whether a resource identifier names a server: the same address, or one that the server's path
/// continues, for metadata at the root.
fn is_of(id: &str, server: &Place) -> bool {
    let Ok(id) = Place::parse(id) else {
        return false;
    };
    if !same_origin(id.url(), server.url()) || id.url().fragment().is_some() {
        return false;
    }
    if id.url().query().is_some() && id.url().query() != server.url().query() {
        return false;
    }
    let (id, server) = (id.url().path().trim_end_matches('/'), server.url().path());
    match server.strip_prefix(id) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// The identifier of a server that has no metadata: its address, without what is not part of it.
pub(crate) fn canonical(server: &Place) -> String {
    let mut url = server.url().clone();
    url.set_fragment(None);
    let text = String::from(url);
    if server.url().path() == "/" && server.url().query().is_none() {
        text.trim_end_matches('/').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::parse(text).unwrap()
    }

    #[test]
    fn metadata_is_looked_for_in_the_order_of_the_specification() {
        let found = |server: &str, named: Option<&str>| -> Vec<String> {
            let challenge = Challenge {
                resource_metadata: named.map(str::to_owned),
                ..Challenge::default()
            };
            let found = candidates(&place(server), &challenge).unwrap();
            found.iter().map(|p| p.as_str().to_owned()).collect()
        };
        assert_eq!(
            found("https://x.example/public/mcp", None),
            [
                "https://x.example/.well-known/oauth-protected-resource/public/mcp",
                "https://x.example/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(
            found("https://x.example/mcp/?t=1", Some("/meta.json")),
            [
                "https://x.example/meta.json",
                "https://x.example/.well-known/oauth-protected-resource/mcp?t=1",
                "https://x.example/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(
            found("https://x.example", None),
            ["https://x.example/.well-known/oauth-protected-resource"]
        );
    }

    #[test]
    fn row_16_confused_deputy_metadata_of_another_resource_is_refused() {
        let server = place("https://x.example/a/mcp");
        for good in [
            "https://x.example/a/mcp",
            "https://X.example:443/a",
            "https://x.example",
            "https://x.example/",
        ] {
            assert!(is_of(good, &server), "{good}");
        }
        for bad in [
            "https://evil.example/a/mcp",
            "https://x.example:8443/a/mcp",
            "http://x.example/a/mcp",
            "https://x.example/a/mc",
            "https://x.example/b",
            "https://x.example/a/mcp/deeper",
            "https://x.example/a/mcp?x=1",
            "https://x.example/a/mcp#f",
            "https://x.example.evil.example/a/mcp",
            "a/mcp",
            "",
        ] {
            assert!(!is_of(bad, &server), "{bad}");
        }
    }

    #[test]
    fn a_server_without_metadata_is_its_address() {
        assert_eq!(canonical(&place("https://X.example/")), "https://x.example");
        assert_eq!(
            canonical(&place("https://x.example/mcp#f")),
            "https://x.example/mcp"
        );
        assert_eq!(
            canonical(&place("https://x.example/mcp/")),
            "https://x.example/mcp/"
        );
    }
}
