//! Signing in: one person who says yes to everything, and the ways without a person.

use wharf::client::auth::{
    Assertion, Client, Enterprise, Error, Flow, OAuth, SigningKey, Unattended,
};

use crate::context::Context;

/// Where this program's client metadata document would be.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

pub(crate) fn for_scenario(url: &str, scenario: &str, context: &Context) -> Result<OAuth, Error> {
    let oauth = OAuth::new(url)?
        .interaction(Unattended)
        .metadata_document(DOCUMENT)?;
    Ok(match scenario {
        "auth/pre-registration" => oauth.client(registered(context)?),
        "auth/client-credentials-basic" | "auth/client-credentials-jwt" => oauth
            .client(registered(context)?)
            .flow(Flow::ClientCredentials),
        "auth/wif-jwt-bearer" => oauth
            .client(registered(context)?)
            .flow(Flow::Workload(Assertion::fixed(context.valid_jwt.as_str()))),
        "auth/enterprise-managed-authorization" => {
            oauth
                .client(registered(context)?)
                .flow(Flow::Enterprise(Enterprise::new(
                    &context.idp_issuer,
                    Client::new(&context.idp_client_id),
                    Assertion::fixed(context.idp_id_token.as_str()),
                )))
        }
        _ => oauth,
    })
}

/// The client that the suite has registered.
fn registered(context: &Context) -> Result<Client, Error> {
    let client = Client::new(&context.client_id);
    Ok(match (&context.client_secret, &context.private_key_pem) {
        (Some(secret), _) => client.with_secret(secret.as_str()),
        (None, Some(pem)) => client.with_key(SigningKey::from_pem(pem.as_str())?),
        (None, None) => client,
    })
}
