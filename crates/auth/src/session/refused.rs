//! What to do when the server refuses.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use tokio::sync::{oneshot, watch};

use super::refresh::broke_off;
use super::{Gate, Session};
use crate::challenge::Challenge;
use crate::scope::Scopes;
use crate::text::shown;
use crate::token::Tokens;
use crate::{Error, Next, Refusal, Secret, dpop};

/// How many new tokens in a row the server may refuse.
const REJECTIONS: u32 = 2;
/// How often more of the same scopes are asked for.
const STEPS: u32 = 2;
/// How many sets of scopes are remembered.
const SETS: usize = 64;

/// Why the server refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// A token, or a better one.
    Token,
    /// More scopes.
    Scopes,
    /// Not only a better one: somebody wants to sign in now.
    NewToken,
}

impl Session {
    /// The server answered 401 or 403.
    pub(crate) async fn refused(self: &Arc<Self>, refusal: Refusal<'_>) -> Result<Next, Error> {
        if !self.is_ours_to_ask(refusal.request.url) {
            return Ok(Next::Stop);
        }
        let challenge = Challenge::of(refusal.headers);
        if challenge.error.as_deref() == Some("use_dpop_nonce") {
            return Ok(self.nonce_wanted(refusal));
        }
        let want = match refusal.status {
            StatusCode::UNAUTHORIZED => Want::Token,
            StatusCode::FORBIDDEN if challenge.error.as_deref() == Some("insufficient_scope") => {
                Want::Scopes
            }
            _ => return Ok(Next::Stop),
        };
        self.improve(want, challenge, token_in(refusal.sent))
            .await?;
        Ok(Next::Again)
    }

    /// Signs in now, whatever there is.
    pub(crate) async fn sign_in(self: &Arc<Self>) -> Result<(), Error> {
        self.improve(Want::NewToken, Challenge::default(), None)
            .await
    }

    /// The proof lacked the nonce that the server wants (RFC 9449, section 9). With it, it is
    /// tried again, once for each nonce.
    fn nonce_wanted(&self, refusal: Refusal<'_>) -> Next {
        self.learn_nonce(refusal.headers);
        let wanted = dpop::nonce_of(refusal.headers);
        let sent = refusal.sent.get("dpop").and_then(dpop::nonce_in);
        let has_proof = refusal.sent.contains_key("dpop");
        if has_proof && wanted.is_some() && sent.as_deref() != wanted {
            Next::Again
        } else {
            Next::Stop
        }
    }

    /// Gets a better token than the one that was sent, or finds that somebody else did.
    async fn improve(
        self: &Arc<Self>,
        want: Want,
        challenge: Challenge,
        sent: Option<Secret>,
    ) -> Result<(), Error> {
        let seen = self.round();
        let gate = self.enter().await?;
        if want != Want::NewToken
            && let Some(current) = self.current.load_full()
            && sent.as_ref() != Some(&current.access)
            && !current.is_expired()
        {
            return Ok(());
        }
        if let Some(error) = self.failed_since(seen) {
            return Err(error);
        }
        // A code or a refresh token may be used once: what has been sent is finished even when
        // nobody waits for it. Waiting for a person ends with who waits.
        let (reply, answer) = oneshot::channel();
        let (alive, gone) = watch::channel(());
        let session = self.clone();
        let task = tokio::spawn(async move {
            let mut gate = gate;
            gate.gone = Some(gone);
            let result = session.better(&mut gate, want, &challenge).await;
            gate.gone = None;
            if !reply.is_closed() {
                session.ended(result.as_ref().map(|_| ()));
            }
            drop(gate);
            let _ = reply.send(result.map(|_| ()));
        });
        let result = answer.await;
        drop(alive);
        match result {
            Ok(result) => result,
            Err(_) => Err(match task.await {
                Err(error) => broke_off(error),
                Ok(()) => Error::store("the work on the token broke off"),
            }),
        }
    }

    async fn better(
        &self,
        gate: &mut Gate,
        want: Want,
        challenge: &Challenge,
    ) -> Result<Arc<Tokens>, Error> {
        let old = self.current.load_full();
        match (want, &old) {
            (Want::Scopes, Some(old)) => self.step_up(gate, challenge, old).await,
            (Want::Token, Some(old)) => self.replace(gate, challenge, old).await,
            _ => self.authorize(gate, challenge, old.as_ref(), None).await,
        }
    }

    /// The server does not take the token.
    async fn replace(
        &self,
        gate: &mut Gate,
        challenge: &Challenge,
        old: &Arc<Tokens>,
    ) -> Result<Arc<Tokens>, Error> {
        if self.accepted.load(Ordering::Acquire) {
            gate.rejected = 0;
        } else {
            gate.rejected += 1;
        }
        if gate.rejected >= REJECTIONS {
            gate.rejected = 0;
            self.accepted.store(true, Ordering::Release);
            return Err(Error::refused_by_server(format_args!(
                "{} does not accept the tokens that {} gives for it",
                shown(self.server.as_str()),
                shown(&old.server.issuer)
            ))
            .with_next_step("tell whoever runs the server"));
        }
        // The server may have moved to another issuer, which must not see the old one's tokens.
        let found = self.find(challenge).await?;
        let is_same = found.server.issuer == old.server.issuer;
        let needed = challenge.scope.as_deref().map(Scopes::parse);
        let is_enough = needed.is_none_or(|needed| old.requested.covers(&needed));
        if is_same
            && is_enough
            && old.refresh.is_some()
            && let Some(new) = self.refresh(old).await?
        {
            return Ok(new);
        }
        self.authorize_at(gate, &found, challenge, Some(old), None)
            .await
    }

    /// The token lacks scopes: a new one is asked for, with all that were asked for before too.
    async fn step_up(
        &self,
        gate: &mut Gate,
        challenge: &Challenge,
        old: &Arc<Tokens>,
    ) -> Result<Arc<Tokens>, Error> {
        let needed = Scopes::parse(challenge.scope.as_deref().unwrap_or_default());
        let lacking = || {
            Error::insufficient_scope(format_args!(
                "{} wants the scopes {:?} for this, and signing in again does not give them",
                shown(self.server.as_str()),
                shown(challenge.scope.as_deref().unwrap_or_default())
            ))
            .with_next_step("ask whoever runs the server for that permission")
        };
        if needed.is_empty() || old.scopes().covers(&needed) {
            return Err(lacking());
        }
        let words: Vec<String> = needed.clone().into();
        let at = gate.stepped.iter().position(|(set, _)| *set == words);
        if at.is_some_and(|at| gate.stepped[at].1 >= STEPS) {
            return Err(lacking());
        }
        let new = self
            .authorize(gate, challenge, Some(old), Some(&needed))
            .await?;
        match at {
            Some(at) => gate.stepped[at].1 += 1,
            None => {
                gate.stepped.truncate(SETS - 1);
                gate.stepped.push((words, 1));
            }
        }
        Ok(new)
    }
}

/// The token that a request was sent with.
fn token_in(sent: &HeaderMap) -> Option<Secret> {
    let value = sent.get(AUTHORIZATION)?.to_str().ok()?;
    value.split_once(' ').map(|(_, token)| Secret::from(token))
}
