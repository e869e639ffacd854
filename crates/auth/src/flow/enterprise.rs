//! [`Enterprise`]: the employer's identity provider decides.

use super::{Ask, JWT_BEARER, Outcome, TOKEN_EXCHANGE, machine};
use crate::assertion::Assertion;
use crate::client::Client;
use crate::discovery::find_server;
use crate::text::shown;
use crate::token::{self, Answered, TokenServer};
use crate::{Error, Secret};

const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";

/// The employer's identity provider decides (enterprise-managed authorization): the ID token of a
/// person who signed in there is exchanged for an assertion (ID-JAG, RFC 8693), and that for a
/// token of the MCP server's own authorization server (RFC 7523).
#[derive(Debug, Clone)]
pub struct Enterprise {
    pub(crate) issuer: String,
    client: Client,
    id_token: Assertion,
}

impl Enterprise {
    /// The identity provider's issuer, this program's client there, and where the person's ID
    /// token comes from.
    pub fn new(issuer: impl Into<String>, client: Client, id_token: Assertion) -> Self {
        Self {
            issuer: issuer.into(),
            client,
            id_token,
        }
    }
}

/// Runs the flow.
pub(crate) async fn run(ask: &Ask<'_>, enterprise: &Enterprise) -> Result<Outcome, Error> {
    let client = machine::registered(ask, "enterprise sign-ins")?;
    let assertion = id_jag(ask, enterprise).await?;
    machine::exchange(
        ask,
        &client,
        JWT_BEARER,
        Some(&assertion),
        "the employer's assertion",
    )
    .await
}

async fn id_jag(ask: &Ask<'_>, enterprise: &Enterprise) -> Result<Secret, Error> {
    let http = &ask.session.http;
    let provider = TokenServer::from(&find_server(http, &enterprise.issuer).await?);
    let id_token = enterprise
        .id_token
        .get(&provider.issuer, ask.resource)
        .await?;
    let scope = ask.scopes.param();
    let mut params = vec![
        ("grant_type", TOKEN_EXCHANGE),
        ("requested_token_type", ID_JAG),
        ("audience", ask.server.issuer.as_str()),
        ("resource", ask.resource),
        ("subject_token", id_token.expose()),
        ("subject_token_type", ID_TOKEN),
    ];
    if let Some(scope) = &scope {
        params.push(("scope", scope));
    }
    match token::ask(http, &provider, &enterprise.client, None, &params).await? {
        Answered::Granted(granted) if granted.issued_token_type.as_deref() == Some(ID_JAG) => {
            Ok(granted.access_token)
        }
        Answered::Granted(_) => Err(Error::unsupported(format_args!(
            "{} gave another kind of token than was asked for",
            shown(&provider.issuer)
        ))),
        Answered::Refused(refused) => {
            Err(refused.into_error(&provider.issuer, "to vouch for the person"))
        }
    }
}
