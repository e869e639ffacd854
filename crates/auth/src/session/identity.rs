//! Which client asks: spec 2026-07-28, `basic/authorization/client-registration`.

use super::Session;
use crate::Error;
use crate::client::Client;
use crate::discovery::Server;
use crate::redirect::RedirectTo;
use crate::registration::{Introduction, Registered, register};
use crate::store::Key;
use crate::text::shown;
use crate::token::KeptClient;

impl Session {
    /// The client for an authorization server, in the order of the specification: one that was
    /// registered by hand, the address of a metadata document, one that registers itself.
    pub(crate) async fn identity(
        &self,
        server: &Server,
        redirect: Option<&str>,
        dpop: bool,
    ) -> Result<(Client, KeptClient), Error> {
        if let Some(client) = &self.settings.client {
            let kept = kept(&client.id);
            return Ok((client.clone(), kept));
        }
        if let Some(document) = &self.settings.document
            && server.reads_client_documents
        {
            return Ok((Client::new(document.as_str()), kept(document.as_str())));
        }
        let Some(endpoint) = &server.registration else {
            return Err(Error::client_required(format_args!(
                "{} registers no clients by itself",
                shown(&server.issuer)
            ))
            .with_next_step("register a client there by hand, and set its id"));
        };
        if let Some(known) = self.registered(&server.issuer).await?
            && known.redirect.as_deref() == redirect
            && known.dpop == dpop
        {
            return Ok((known.client.client(), known.client));
        }
        let introduction = Introduction {
            name: &self.settings.name,
            home: self.settings.home.as_ref(),
            redirect,
            dpop,
        };
        let new = register(&self.http, server, endpoint, &introduction)
            .await
            .map_err(|error| self.guessed_wrong(server, error))?;
        let store = &self.settings.store;
        store
            .save(&Key::client(&server.issuer), &new.kept()?)
            .await?;
        Ok((new.client.client(), new.client))
    }

    /// Where a server says nothing of itself, its endpoints are a guess (2025-03-26).
    fn guessed_wrong(&self, server: &Server, error: Error) -> Error {
        if server.pkce.is_some() || error.is_unreachable() || error.is_timed_out() {
            return error;
        }
        Error::authorization_required(format_args!(
            "{} wants credentials, and says nothing of how to get them",
            shown(self.server.as_str())
        ))
        .with_next_step("set a token that it gave you by other means")
        .with_source(error)
    }

    /// A client that was set belongs to one issuer: the one it was set for, or the first that it
    /// was used with.
    pub(super) async fn check_client(&self, issuer: &str) -> Result<(), Error> {
        let Some(client) = &self.settings.client else {
            return Ok(());
        };
        let mut bound = client.issuer.clone();
        if bound.is_none() {
            let choice = self.choice().await?;
            bound = choice.filter(|c| c.client == client.id).map(|c| c.issuer);
        }
        match bound {
            Some(bound) if bound != issuer => Err(Error::untrusted(format_args!(
                "the client {:?} is registered with {}, but the server now names {}",
                shown(&client.id),
                shown(&bound),
                shown(issuer)
            ))
            .with_next_step("if that is right, sign out, and set a client of the new one")),
            _ => Ok(()),
        }
    }

    async fn registered(&self, issuer: &str) -> Result<Option<Registered>, Error> {
        let kept = self.settings.store.load(&Key::client(issuer)).await?;
        let known = kept.as_ref().and_then(Registered::load);
        Ok(known.filter(|known| !known.is_expired()))
    }

    pub(crate) async fn forget_client(&self, issuer: &str) -> Result<(), Error> {
        self.settings.store.remove(&Key::client(issuer)).await
    }

    /// Where answers are to go: what was set, else where a client that was registered earlier
    /// expects them.
    pub(crate) async fn redirect_for(&self, issuer: &str) -> Result<RedirectTo, Error> {
        if let Some(to) = &self.settings.redirect {
            return Ok(to.clone());
        }
        if self.settings.client.is_none()
            && let Some(known) = self.registered(issuer).await?
            && let Some(redirect) = &known.redirect
        {
            return RedirectTo::parse(redirect);
        }
        Ok(RedirectTo::default())
    }
}

fn kept(id: &str) -> KeptClient {
    KeptClient {
        id: id.to_owned(),
        secret: None,
        method: None,
    }
}
