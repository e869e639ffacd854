//! New tokens for old ones.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use super::{Gate, Session};
use crate::challenge::Challenge;
use crate::scope::Scopes;
use crate::store::Key;
use crate::token::{Answered, Granted, Prover, Tokens, ask, times};
use crate::{Error, Secret};

impl Session {
    /// Tokens to use now; refreshed, or got anew without a person, if they will not live long.
    pub(super) async fn ready(self: &Arc<Self>) -> Result<Option<Arc<Tokens>>, Error> {
        let gate = self.enter().await?;
        let Some(tokens) = self.current.load_full() else {
            return Ok(None);
        };
        if !tokens.is_stale() {
            return Ok(Some(tokens));
        }
        // A refresh token may be used once. What has been sent is finished even when nobody waits
        // for it any more.
        let session = self.clone();
        let task = tokio::spawn(async move {
            let mut gate = gate;
            session.renew(&mut gate, tokens).await
        });
        task.await.map_err(broke_off)?
    }

    async fn renew(&self, gate: &mut Gate, old: Arc<Tokens>) -> Result<Option<Arc<Tokens>>, Error> {
        let still_good = |old: Arc<Tokens>| (!old.is_expired()).then_some(old);
        if old.refresh.is_some() {
            return match self.refresh(&old).await {
                Ok(Some(new)) => Ok(Some(new)),
                Ok(None) => Ok(still_good(old)),
                // The server may be back before the token expires.
                Err(error) if error.is_unreachable() || error.is_timed_out() => {
                    still_good(old).map(Some).ok_or(error)
                }
                Err(error) => Err(error),
            };
        }
        if self.settings.flow.needs_person() {
            return Ok(still_good(old));
        }
        let new = self
            .authorize(gate, &Challenge::default(), Some(&old), None)
            .await?;
        Ok(Some(new))
    }

    /// Refreshes; `None` if the server does not take the refresh token any more, which is then
    /// forgotten.
    pub(super) async fn refresh(&self, old: &Arc<Tokens>) -> Result<Option<Arc<Tokens>>, Error> {
        let issuer = &old.server.issuer;
        let key = Key::tokens(&self.id, issuer);
        let _lock = self.settings.store.lock(&key).await?;
        // Another process may have been faster; then its tokens are ours too.
        let mut latest = old.clone();
        if let Some(stored) = self.stored(issuer).await? {
            let stored = Arc::new(stored);
            if stored.access != old.access && !stored.is_stale() {
                self.current.store(Some(stored.clone()));
                return Ok(Some(stored));
            }
            latest = stored;
        }
        let Some(refresh) = &latest.refresh else {
            return Ok(None);
        };
        let client = self.client_of(&latest);
        let prover = latest.key.as_ref().map(|key| Prover {
            key,
            nonce: &self.nonces.server,
        });
        let params = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose()),
            ("resource", &latest.resource),
        ];
        match ask(
            &self.http,
            &latest.server,
            &client,
            prover.as_ref(),
            &params,
        )
        .await?
        {
            Answered::Granted(granted) => {
                let tokens = self.refreshed(&latest, granted)?;
                self.accepted.store(false, Ordering::Release);
                self.install(tokens).await.map(Some)
            }
            Answered::Refused(refused) => {
                tracing::debug!(%issuer, error = %refused.error.escape_debug(), "the refresh token is refused");
                if refused.is("invalid_client") {
                    self.forget_client(issuer).await?;
                }
                if refused.is("invalid_grant") || refused.is("invalid_client") {
                    self.install(copy(&latest, None)).await?;
                    return Ok(None);
                }
                Err(refused.into_error(issuer, "to refresh the token"))
            }
        }
    }

    fn refreshed(&self, old: &Tokens, granted: Granted) -> Result<Tokens, Error> {
        let mut tokens = copy(old, old.refresh.clone());
        self.check_kind(&granted, tokens.key.is_some())?;
        if granted.token_type.eq_ignore_ascii_case("bearer") {
            (tokens.dpop, tokens.key) = (None, None);
        }
        tokens.access = granted.access_token;
        (tokens.expires_at, tokens.renew_at) = times(granted.expires_in);
        // A server that does not rotate gives no new one, and the old one goes on.
        if let Some(new) = granted.refresh_token {
            tokens.refresh = Some(new);
        }
        if let Some(scope) = granted.scope {
            tokens.granted = Some(Scopes::parse(&scope));
        }
        Ok(tokens)
    }
}

fn copy(old: &Tokens, refresh: Option<Secret>) -> Tokens {
    Tokens {
        server: old.server.clone(),
        resource: old.resource.clone(),
        client: old.client.clone(),
        access: old.access.clone(),
        refresh,
        expires_at: old.expires_at,
        renew_at: old.renew_at,
        requested: old.requested.clone(),
        granted: old.granted.clone(),
        dpop: old.dpop.clone(),
        key: old.key.clone(),
        header: OnceLock::new(),
    }
}

pub(super) fn broke_off(error: tokio::task::JoinError) -> Error {
    Error::store(format_args!(
        "the work on the token broke off ({})",
        if error.is_panic() {
            "a panic"
        } else {
            "the runtime ends"
        }
    ))
}
