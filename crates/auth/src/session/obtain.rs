//! From a challenge to new tokens.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use super::{Gate, Session};
use crate::Error;
use crate::challenge::Challenge;
use crate::discovery::{Resource, Server, canonical, find_legacy, find_resource, find_server};
use crate::dpop::{self, DpopKey};
use crate::flow::{Ask, Flow, Outcome, code, device, enterprise, machine};
use crate::scope::{OFFLINE_ACCESS, Scopes};
use crate::settings::Dpop;
use crate::text::shown;
use crate::token::{Granted, TokenServer, Tokens, times};

/// Where tokens for the MCP server come from.
pub(super) struct Found {
    pub(super) server: Server,
    /// `None`: a server of 2025-03-26, which says nothing of itself.
    resource: Option<Resource>,
}

impl Session {
    /// Finds the authorization server that the MCP server names now.
    pub(super) async fn find(&self, challenge: &Challenge) -> Result<Found, Error> {
        let Some(resource) = find_resource(&self.http, &self.server, challenge).await? else {
            let server = find_legacy(&self.http, &self.server).await?;
            self.check_client(&server.issuer).await?;
            return Ok(Found {
                server,
                resource: None,
            });
        };
        let issuer = self.issuer_of(&resource).await?;
        self.check_client(&issuer).await?;
        Ok(Found {
            server: find_server(&self.http, &issuer).await?,
            resource: Some(resource),
        })
    }

    /// One of several issuers: that of the client that was set, else the one used so far, else
    /// the first.
    async fn issuer_of(&self, resource: &Resource) -> Result<String, Error> {
        let is_named = |issuer: &String| resource.issuers.contains(issuer);
        if let Some(issuer) = self.settings.client.as_ref().and_then(|c| c.issuer.clone())
            && is_named(&issuer)
        {
            return Ok(issuer);
        }
        if let Some(choice) = self.choice().await?
            && is_named(&choice.issuer)
        {
            return Ok(choice.issuer);
        }
        resource.issuers.first().cloned().ok_or_else(|| {
            Error::unsupported(
                "the server's protected resource metadata names no authorization server",
            )
        })
    }

    /// Gets new tokens in the way that was set.
    ///
    /// `more` are scopes that the tokens must have on top of those of `old`.
    pub(super) async fn authorize(
        &self,
        gate: &mut Gate,
        challenge: &Challenge,
        old: Option<&Arc<Tokens>>,
        more: Option<&Scopes>,
    ) -> Result<Arc<Tokens>, Error> {
        let found = self.find(challenge).await?;
        self.authorize_at(gate, &found, challenge, old, more).await
    }

    pub(super) async fn authorize_at(
        &self,
        gate: &mut Gate,
        found: &Found,
        challenge: &Challenge,
        old: Option<&Arc<Tokens>>,
        more: Option<&Scopes>,
    ) -> Result<Arc<Tokens>, Error> {
        let server = &found.server;
        if self.settings.flow.needs_person() && !self.settings.interaction.is_anybody_there() {
            return Err(Error::authorization_required(format_args!(
                "{} wants a person to sign in at {}",
                shown(self.server.as_str()),
                shown(&server.issuer)
            ))
            .with_next_step("sign in first"));
        }
        let scopes = self.scopes(found, challenge, old, more);
        let key = self.dpop_key(found, challenge)?;
        let resource = match &found.resource {
            Some(resource) => resource.id.clone(),
            None => canonical(&self.server),
        };
        let ask = Ask {
            session: self,
            server,
            endpoint: TokenServer::from(server),
            resource: &resource,
            scopes: &scopes,
            dpop: key.as_ref(),
            gone: gate.gone.clone(),
        };
        tracing::debug!(issuer = %shown(&server.issuer), scopes = ?scopes, "asking for a token");
        let outcome = match &self.settings.flow {
            Flow::Person if self.settings.interaction.has_browser() || server.device.is_none() => {
                code::run(&ask).await?
            }
            Flow::Person | Flow::Device => device::run(&ask).await?,
            Flow::ClientCredentials => machine::client_credentials(&ask).await?,
            Flow::Workload(assertion) => machine::workload(&ask, assertion).await?,
            Flow::Enterprise(enterprise) => enterprise::run(&ask, enterprise).await?,
        };
        let endpoint = ask.endpoint;
        let tokens = self.tokens(outcome, endpoint, resource, scopes, key)?;
        self.accepted.store(false, Ordering::Release);
        self.install(tokens).await
    }

    /// Spec 2026-07-28, `basic/authorization`, scope selection strategy and step-up flow.
    fn scopes(
        &self,
        found: &Found,
        challenge: &Challenge,
        old: Option<&Arc<Tokens>>,
        more: Option<&Scopes>,
    ) -> Scopes {
        let challenged = challenge.scope.as_deref().map(Scopes::parse);
        let supported = found.resource.as_ref().and_then(|r| r.scopes.clone());
        let wanted = match (&self.settings.scopes, challenged) {
            (Some(set), Some(challenged)) => set.union(&challenged),
            (Some(set), None) => set.clone(),
            (None, Some(challenged)) => challenged,
            // Who was granted something before asks for the same.
            (None, None) if old.is_some() => Scopes::default(),
            (None, None) => supported.unwrap_or_default(),
        };
        let mut before = old.map(|old| old.requested.clone()).unwrap_or_default();
        let knows_offline = found.server.scopes.contains(OFFLINE_ACCESS);
        if !knows_offline {
            before = before.iter().filter(|s| *s != OFFLINE_ACCESS).collect();
        }
        let mut scopes = before.union(&wanted);
        if let Some(more) = more {
            scopes = scopes.union(more);
        }
        // Alone it would take the place of what the server grants by default.
        if knows_offline && !scopes.is_empty() && self.settings.flow.needs_person() {
            scopes = scopes.union(&Scopes::parse(OFFLINE_ACCESS));
        }
        scopes
    }

    fn dpop_key(&self, found: &Found, challenge: &Challenge) -> Result<Option<DpopKey>, Error> {
        let algorithms = &found.server.dpop_algorithms;
        let server_knows = algorithms.iter().any(|a| a == dpop::ALGORITHM);
        let resource_knows =
            challenge.is_dpop || found.resource.as_ref().is_some_and(|r| r.knows_dpop);
        match self.settings.dpop {
            Dpop::Never => Ok(None),
            Dpop::Always if !server_knows => Err(Error::unsupported(format_args!(
                "{} gives no tokens that are bound to a key of kind {}",
                shown(&found.server.issuer),
                dpop::ALGORITHM
            ))),
            Dpop::Always => DpopKey::generate().map(Some),
            Dpop::WhenKnown if server_knows && resource_knows => DpopKey::generate().map(Some),
            Dpop::WhenKnown => Ok(None),
        }
    }

    /// A token that we cannot send as it must be sent is of no use.
    pub(super) fn check_kind(&self, granted: &Granted, has_key: bool) -> Result<(), Error> {
        let is = |kind: &str| granted.token_type.eq_ignore_ascii_case(kind);
        match self.settings.dpop {
            _ if is("dpop") && has_key => Ok(()),
            Dpop::Always => Err(Error::untrusted(
                "the authorization server gave a token that is not bound to a key",
            )),
            // Some servers do not say, and mean this.
            _ if is("bearer") || granted.token_type.is_empty() => Ok(()),
            _ => Err(Error::unsupported(format_args!(
                "the authorization server gave a token of the kind {:?}",
                shown(&granted.token_type)
            ))),
        }
    }

    fn tokens(
        &self,
        outcome: Outcome,
        server: TokenServer,
        resource: String,
        requested: Scopes,
        key: Option<DpopKey>,
    ) -> Result<Tokens, Error> {
        let Outcome { granted, client } = outcome;
        self.check_kind(&granted, key.is_some())?;
        let is_bound = granted.token_type.eq_ignore_ascii_case("dpop");
        let key = key.filter(|_| is_bound);
        let (expires_at, renew_at) = times(granted.expires_in);
        Ok(Tokens {
            server,
            resource,
            client,
            access: granted.access_token,
            refresh: granted.refresh_token,
            expires_at,
            renew_at,
            requested,
            granted: granted.scope.as_deref().map(Scopes::parse),
            dpop: key.as_ref().map(|key| key.stored().clone()),
            key,
            header: OnceLock::new(),
        })
    }
}
