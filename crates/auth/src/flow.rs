//! [`Flow`]: the ways to a token.

use std::future::Future;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::assertion::Assertion;
use crate::client::Client;
use crate::discovery::Server;
use crate::dpop::DpopKey;
use crate::scope::Scopes;
use crate::session::Session;
use crate::text::shown;
use crate::token::{Answered, Granted, KeptClient, Prover, TokenServer};
use crate::{Error, token};

pub(crate) mod code;
pub(crate) mod device;
pub(crate) mod enterprise;
pub(crate) mod machine;

pub use enterprise::Enterprise;

pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(crate) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The way to a token.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Flow {
    /// A person signs in: in a browser (authorization code with PKCE), or with a code on another
    /// device where there is no browser.
    #[default]
    Person,
    /// A person signs in with a code on another device (RFC 8628).
    Device,
    /// The client asks for itself (RFC 6749, section 4.4). Needs a [`Client`] with a secret or a
    /// key.
    ClientCredentials,
    /// The person's employer's identity provider decides (enterprise-managed authorization).
    Enterprise(Enterprise),
    /// The platform that the program runs on says who it is (workload identity federation): its
    /// assertion is exchanged for a token (RFC 7523). Needs no [`Client`], if the server needs
    /// none.
    Workload(Assertion),
}

impl Flow {
    /// A person must do something.
    pub(crate) fn needs_person(&self) -> bool {
        matches!(self, Self::Person | Self::Device)
    }
}

/// What is asked for, of whom.
pub(crate) struct Ask<'a> {
    pub(crate) session: &'a Session,
    pub(crate) server: &'a Server,
    pub(crate) endpoint: TokenServer,
    pub(crate) resource: &'a str,
    pub(crate) scopes: &'a Scopes,
    pub(crate) dpop: Option<&'a DpopKey>,
    /// Closed when nobody waits any more.
    pub(crate) gone: Option<watch::Receiver<()>>,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) granted: Granted,
    pub(crate) client: KeptClient,
}

impl Ask<'_> {
    /// Waits for a person, as long as somebody waits for the token and no longer than was set.
    pub(crate) async fn person<T>(
        &self,
        wait: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let patience = self.session.settings.patience;
        tokio::select! {
            result = timeout(patience, wait) => result.unwrap_or_else(|_| {
                Err(Error::timed_out(format_args!(
                    "nobody signed in at {} within {} s",
                    shown(&self.server.issuer),
                    patience.as_secs()
                )))
            }),
            () = closed(self.gone.clone()) => {
                Err(Error::authorization_required("the sign-in was given up"))
            }
        }
    }

    pub(crate) fn prover(&self) -> Option<Prover<'_>> {
        Some(Prover {
            key: self.dpop?,
            nonce: &self.session.nonces.server,
        })
    }

    /// Asks the token endpoint; a refusal is an error.
    pub(crate) async fn token(
        &self,
        client: &Client,
        params: &[(&str, &str)],
        what: &str,
    ) -> Result<Granted, Error> {
        match self.answer(client, params).await? {
            Answered::Granted(granted) => Ok(granted),
            Answered::Refused(refused) => {
                if refused.is("invalid_client") {
                    self.session.forget_client(&self.server.issuer).await?;
                }
                Err(refused.into_error(&self.server.issuer, what))
            }
        }
    }

    pub(crate) async fn answer(
        &self,
        client: &Client,
        params: &[(&str, &str)],
    ) -> Result<Answered, Error> {
        let mut params = params.to_vec();
        params.push(("resource", self.resource));
        let prover = self.prover();
        let http = &self.session.http;
        token::ask(http, &self.endpoint, client, prover.as_ref(), &params).await
    }
}

async fn closed(gone: Option<watch::Receiver<()>>) {
    match gone {
        Some(mut gone) => while gone.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}
