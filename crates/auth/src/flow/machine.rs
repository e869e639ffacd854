//! Tokens without a person: client credentials, and assertions of a platform.

use super::{Ask, JWT_BEARER, Outcome};
use crate::assertion::Assertion;
use crate::client::{Client, Proof};
use crate::token::KeptClient;
use crate::{Error, Secret};

/// The client asks for itself (OAuth 2.1, section 4.2).
pub(crate) async fn client_credentials(ask: &Ask<'_>) -> Result<Outcome, Error> {
    let client = registered(ask, "client credentials")?;
    if matches!(client.proof, Proof::Nothing) {
        return Err(Error::misconfigured(
            "client credentials need a client with a secret or a key",
        ));
    }
    exchange(
        ask,
        &client,
        "client_credentials",
        None,
        "client credentials",
    )
    .await
}

/// What a platform says is exchanged for a token (RFC 7523, section 2.1). A refusal is final: the
/// same assertion is not sent twice, and no other way is tried.
pub(crate) async fn workload(ask: &Ask<'_>, assertion: &Assertion) -> Result<Outcome, Error> {
    let client = match &ask.session.settings.client {
        Some(_) => registered(ask, "this workload")?,
        None => Client::new(""),
    };
    let jwt = assertion.get(&ask.server.issuer, ask.resource).await?;
    exchange(
        ask,
        &client,
        JWT_BEARER,
        Some(&jwt),
        "the workload's assertion",
    )
    .await
}

/// Asks for a token, with an assertion if there is one.
pub(super) async fn exchange(
    ask: &Ask<'_>,
    client: &Client,
    grant: &str,
    assertion: Option<&Secret>,
    what: &str,
) -> Result<Outcome, Error> {
    let scope = ask.scopes.param();
    let mut params = vec![("grant_type", grant)];
    if let Some(assertion) = assertion {
        params.push(("assertion", assertion.expose()));
    }
    if let Some(scope) = &scope {
        params.push(("scope", scope));
    }
    let granted = ask.token(client, &params, what).await?;
    let client = KeptClient {
        id: client.id.clone(),
        secret: None,
        method: None,
    };
    Ok(Outcome { granted, client })
}

/// The client that somebody registered with this very issuer.
pub(super) fn registered(ask: &Ask<'_>, what: &str) -> Result<Client, Error> {
    let Some(client) = ask.session.settings.client.clone() else {
        return Err(Error::client_required(format_args!(
            "{what} need a client that is registered with {}",
            crate::text::shown(&ask.server.issuer)
        ))
        .with_next_step("set its id, and its secret or key"));
    };
    Ok(client)
}
