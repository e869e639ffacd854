//! [`Session`]: the tokens for one MCP server, and all that happens to them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedMutexGuard, watch};

use crate::discovery::canonical;
use crate::net::{Http, Place};
use crate::origin::Origin;
use crate::settings::Settings;
use crate::store::Key;
use crate::token::Tokens;
use crate::{Error, Secret};

mod identity;
mod obtain;
mod refresh;
mod refused;
mod request;
mod sign_out;

/// The tokens for one MCP server, and all that happens to them.
///
/// Whoever changes them holds the gate; whoever only uses them reads `current`, without a lock.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    pub(crate) http: Http,
    /// The MCP server, as the user named it.
    pub(crate) server: Place,
    origin: Option<Origin>,
    /// Its name in the store.
    id: String,
    current: ArcSwapOption<Tokens>,
    gate: Arc<tokio::sync::Mutex<Gate>>,
    /// How many sign-ins have ended, well or not.
    round: AtomicU64,
    /// Why the last of them failed, for those who waited for it.
    failure: Mutex<Option<(u64, Error)>>,
    /// The server has accepted the current token.
    accepted: AtomicBool,
    pub(crate) nonces: Nonces,
}

/// The nonces that servers want in the next proofs.
#[derive(Default)]
pub(crate) struct Nonces {
    /// Of the authorization server.
    pub(crate) server: Mutex<Option<String>>,
    /// Of the MCP server.
    pub(crate) resource: Mutex<Option<String>>,
}

/// What only one may change at a time.
#[derive(Default)]
struct Gate {
    /// The store has been read.
    loaded: bool,
    /// How many new tokens in a row the server has refused.
    rejected: u32,
    /// Scopes that the server wanted more of, and how often they were asked for.
    stepped: Vec<(Vec<String>, u32)>,
    /// Closed when nobody waits any more for what is done now.
    gone: Option<watch::Receiver<()>>,
}

type Held = OwnedMutexGuard<Gate>;

/// Where the tokens of a server came from, as it is kept.
#[derive(Serialize, Deserialize)]
struct Choice {
    issuer: String,
    client: String,
}

impl Session {
    pub(crate) fn new(server: Place, settings: Settings) -> Self {
        let mut http = Http::new(server.clone());
        http.also(settings.reach);
        if let crate::flow::Flow::Enterprise(enterprise) = &settings.flow
            && let Ok(place) = Place::parse(&enterprise.issuer)
            && let Some(ip) = place.literal()
        {
            http.also(crate::Reach::around(ip));
        }
        Self {
            id: canonical(&server),
            origin: server.as_str().parse().ok().as_ref().and_then(Origin::of),
            settings,
            http,
            server,
            current: ArcSwapOption::empty(),
            gate: Arc::default(),
            round: AtomicU64::new(0),
            failure: Mutex::new(None),
            accepted: AtomicBool::new(true),
            nonces: Nonces::default(),
        }
    }

    /// Waits for the gate, and reads the store if nobody has yet.
    async fn enter(&self) -> Result<Held, Error> {
        let mut gate = self.gate.clone().lock_owned().await;
        if !gate.loaded {
            self.load().await?;
            gate.loaded = true;
        }
        Ok(gate)
    }

    async fn load(&self) -> Result<(), Error> {
        let Some(choice) = self.choice().await? else {
            return Ok(());
        };
        if let Some(tokens) = self.stored(&choice.issuer).await? {
            self.current.store(Some(Arc::new(tokens)));
        }
        Ok(())
    }

    /// Which issuer the tokens came from last.
    async fn choice(&self) -> Result<Option<Choice>, Error> {
        let kept = self.settings.store.load(&Key::choice(&self.id)).await?;
        Ok(kept.and_then(|kept| serde_json::from_str(kept.expose()).ok()))
    }

    /// The tokens of an issuer, if they are of the client that is set.
    async fn stored(&self, issuer: &str) -> Result<Option<Tokens>, Error> {
        let key = Key::tokens(&self.id, issuer);
        let Some(kept) = self.settings.store.load(&key).await? else {
            return Ok(None);
        };
        let tokens = Tokens::load(&kept)?;
        Ok(self.is_ours(&tokens).then_some(tokens))
    }

    /// Whoever sets another client wants other tokens.
    fn is_ours(&self, tokens: &Tokens) -> bool {
        match &self.settings.client {
            Some(client) => {
                client.id == tokens.client.id
                    && client
                        .issuer
                        .as_ref()
                        .is_none_or(|issuer| *issuer == tokens.server.issuer)
            }
            None => true,
        }
    }

    /// Keeps new tokens, in memory and in the store.
    async fn install(&self, tokens: Tokens) -> Result<Arc<Tokens>, Error> {
        let store = &self.settings.store;
        let issuer = tokens.server.issuer.clone();
        let old = self.choice().await?;
        store
            .save(&Key::tokens(&self.id, &issuer), &tokens.kept()?)
            .await?;
        let choice = Choice {
            issuer: issuer.clone(),
            client: tokens.client.id.clone(),
        };
        let kept = serde_json::to_string(&choice).map(Secret::new);
        let kept = kept.map_err(|_| Error::store("the issuer cannot be written"))?;
        store.save(&Key::choice(&self.id), &kept).await?;
        if let Some(old) = old
            && old.issuer != issuer
        {
            store.remove(&Key::tokens(&self.id, &old.issuer)).await?;
        }
        let tokens = Arc::new(tokens);
        self.current.store(Some(tokens.clone()));
        Ok(tokens)
    }

    /// The client with which tokens were got, with its secret or key.
    fn client_of(&self, tokens: &Tokens) -> crate::Client {
        match &self.settings.client {
            Some(client) if client.id == tokens.client.id => client.clone(),
            _ => tokens.client.client(),
        }
    }

    fn round(&self) -> u64 {
        self.round.load(Ordering::Acquire)
    }

    /// Tells those who wait at the gate how it ended.
    fn ended(&self, result: Result<(), &Error>) {
        let round = self.round.fetch_add(1, Ordering::AcqRel) + 1;
        let failure = result.err().map(|error| (round, error.clone()));
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// How a sign-in ended that somebody else made while one waited.
    fn failed_since(&self, seen: u64) -> Option<Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let (round, error) = failure.as_ref()?;
        (*round > seen).then(|| error.clone())
    }
}
