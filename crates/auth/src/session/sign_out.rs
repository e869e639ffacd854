//! What there is of tokens, and their end.

use super::Session;
use crate::Error;
use crate::oauth::Status;
use crate::store::Key;
use crate::time::now;
use crate::token::{self, Prover};

impl Session {
    /// What there is.
    pub(crate) async fn status(&self) -> Result<Option<Status>, Error> {
        let _gate = self.enter().await?;
        Ok(self.current.load_full().map(|tokens| Status {
            issuer: tokens.server.issuer.clone(),
            client: tokens.client.id.clone(),
            scopes: tokens.scopes().clone().into(),
            expires_in: tokens.expires_at.map(|at| at.saturating_sub(now())),
            is_renewable: tokens.refresh.is_some(),
            is_bound: tokens.key.is_some(),
        }))
    }

    /// Revokes the tokens (RFC 7009), and forgets them and the client that was registered for
    /// them. They are forgotten also when the server cannot be asked.
    pub(crate) async fn sign_out(&self) -> Result<bool, Error> {
        let mut gate = self.enter().await?;
        let tokens = self.current.swap(None);
        let Some(choice) = self.choice().await? else {
            return Ok(false);
        };
        let issuer = choice.issuer;
        let store = &self.settings.store;
        store.remove(&Key::tokens(&self.id, &issuer)).await?;
        store.remove(&Key::choice(&self.id)).await?;
        self.forget_client(&issuer).await?;
        gate.stepped.clear();
        gate.rejected = 0;
        let Some(tokens) = tokens else {
            return Ok(false);
        };
        let Some(endpoint) = &tokens.server.revocation else {
            return Ok(false);
        };
        let client = self.client_of(&tokens);
        let prover = tokens.key.as_ref().map(|key| Prover {
            key,
            nonce: &self.nonces.server,
        });
        // The refresh token first: most servers end the access tokens with it.
        let refresh = tokens.refresh.as_ref().map(|t| (t, "refresh_token"));
        let access = Some((&tokens.access, "access_token"));
        for (token, kind) in refresh.into_iter().chain(access) {
            let params = [("token", token.expose()), ("token_type_hint", kind)];
            let answer = token::send(
                &self.http,
                endpoint,
                &tokens.server,
                &client,
                prover.as_ref(),
                &params,
            );
            let answer = answer.await?;
            if !answer.status.is_success() {
                return Err(Error::refused_by_server(format_args!(
                    "{} did not revoke the token (HTTP {}); it is forgotten here, and lives on there until it expires",
                    crate::text::shown(&tokens.server.issuer),
                    answer.status.as_u16()
                )));
            }
        }
        Ok(true)
    }
}
