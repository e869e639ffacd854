//! Sessions in a durable store.
//!
//! A record is written when a session is opened and when what it says changes. It is read when a
//! client names a session that is not in memory, and deleted with the session.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wharf_protocol::error::ErrorCode;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::revision::Revision;
use wharf_state::{Entry, Expected, Put, Scope, StateError, Table};

use super::{Durable, down, owner, streams};
use crate::core::Core;
use crate::era::{Refusal, legacy};
use crate::interpret::Interpretation;
use crate::principal::Principal;
use crate::session::{Client, Session, parse_id};

/// By the id as its header has it; the owner is the principal.
const SESSIONS: Table = Table("sessions");

/// Sessions that a sweep writes at the same time, so that they share a transaction.
const AT_ONCE: usize = 64;

/// A session as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    revision: String,
    client: Option<Box<RawValue>>,
    capabilities: Box<RawValue>,
    level: String,
    subscriptions: Vec<String>,
    /// How often it was read back.
    generation: u32,
    /// Who stands between the server and a client with words of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interpreter: Option<String>,
}

impl Kept {
    fn read(value: &[u8]) -> Result<Self, StateError> {
        serde_json::from_slice(value).map_err(unreadable)
    }

    /// The entry of this session, for so long from now.
    fn entry<'a>(&self, owner: &'a str, time: Duration) -> Result<Entry<'a>, StateError> {
        let value = serde_json::to_vec(self).map_err(unreadable)?;
        Ok(Entry::new(owner, value).expires(SystemTime::now() + time))
    }

    fn client(
        &self,
        interpretation: Option<Arc<dyn Interpretation>>,
    ) -> Result<Client, StateError> {
        Ok(Client {
            info: self.client.clone(),
            capabilities: serde_json::from_str(self.capabilities.get()).map_err(unreadable)?,
            interpretation,
        })
    }
}

fn unreadable(error: serde_json::Error) -> StateError {
    StateError::unavailable("a session in the store cannot be read").with_source(error)
}

fn level_name(level: u8) -> &'static str {
    let level = LoggingLevel::ALL.into_iter().find(|l| *l as u8 == level);
    level.unwrap_or(LoggingLevel::Info).as_str()
}

fn gone() -> Refusal {
    let message = "no such session: send `initialize` to open one";
    Refusal::new(404, ErrorCode::INVALID_REQUEST, message)
}

impl Core {
    /// How long a record lives that is not written again: longer than its session may be idle,
    /// so that it need not be written at every request.
    fn kept_time(&self) -> Duration {
        self.limits.session_idle * 2 + Duration::from_secs(60)
    }

    /// Keeps a new session.
    pub(crate) async fn keep_session(
        &self,
        session: &Session,
        capabilities: &RawValue,
    ) -> Result<(), Refusal> {
        let Some(durable) = &self.durable else {
            return Ok(());
        };
        let kept = Kept {
            revision: session.revision.as_str().into(),
            client: session.client.info.clone(),
            capabilities: capabilities.to_owned(),
            level: level_name(session.level()).into(),
            subscriptions: Vec::new(),
            generation: 0,
            interpreter: self
                .interpreter
                .as_ref()
                .filter(|_| session.client.interpretation.is_some())
                .map(|interpreter| interpreter.name().to_owned()),
        };
        let owner = owner(session.principal.as_deref());
        let entry = kept.entry(&owner, self.kept_time()).map_err(down)?;
        let key = session.header();
        let put = durable.store.put(SESSIONS, &key, Expected::Absent, entry);
        match put.await.map_err(down)? {
            Put::Done(_) => self.sessions.set_kept(session, self.kept_time()),
            // Two random ids alike: not before the end of the universe.
            Put::Conflict(_) => return Err(gone()),
        }
        Ok(())
    }

    /// Takes up the session of this id, if it was opened before the process was started, is this
    /// principal's, and is not in memory yet.
    pub(crate) async fn recall_session(
        &self,
        header: &str,
        principal: Option<&Arc<Principal>>,
    ) -> Result<(), Refusal> {
        let (Some(durable), Some(id)) = (&self.durable, parse_id(header)) else {
            return Ok(());
        };
        if self.sessions.contains(id) {
            return Ok(());
        }
        let _turn = durable.turn(id).await;
        // Another request may have been quicker.
        if self.sessions.contains(id) {
            return Ok(());
        }
        let session = durable.restore(self, id, header, principal).await;
        let Some(session) = session.map_err(down)? else {
            return Ok(());
        };
        if !self.sessions.insert(&session, &self.limits) {
            let message = "too many sessions: try again later";
            return Err(Refusal::new(503, ErrorCode::INTERNAL_ERROR, message));
        }
        self.sessions.set_kept(&session, self.kept_time());
        Ok(())
    }

    /// Writes down what has changed about a session, if it is kept.
    pub(crate) async fn remember(&self, session: &Session) -> Result<(), Refusal> {
        let Some(durable) = self.durable.as_ref().filter(|_| session.is_kept()) else {
            return Ok(());
        };
        let _turn = durable.turn(session.id).await;
        let kept = durable.update(session, self.kept_time()).await;
        if kept.map_err(down)? {
            self.sessions.set_kept(session, self.kept_time());
            return Ok(());
        }
        // It was deleted, or has expired: what is in memory must not outlive it.
        self.sessions.remove(session);
        Err(gone())
    }

    /// Ends a session here and in the store; it cannot come back.
    pub(crate) async fn end_session(&self, session: &Session) -> Result<(), Refusal> {
        if let Some(durable) = self.durable.as_ref().filter(|_| session.is_kept()) {
            let _turn = durable.turn(session.id).await;
            // First there: a session whose record stays could be recalled.
            durable.delete(session).await.map_err(down)?;
            self.sessions.remove(session);
            let logs = streams::logs_of(session);
            if let Err(error) = durable.store.forget(&logs).await {
                tracing::warn!(%error, "the logs of an ended session stay until they expire");
            }
        } else {
            self.sessions.remove(session);
        }
        Ok(())
    }

    /// Ends the sessions whose time is over, and keeps up the records of the others.
    pub(crate) async fn sweep_sessions(&self) {
        let Some(durable) = &self.durable else {
            return self.sessions.sweep(&self.limits);
        };
        let least = self
            .kept_time()
            .saturating_sub(self.limits.session_idle / 2);
        let (over, fading) = self.sessions.due(&self.limits, least);
        futures_util::stream::iter(over)
            .for_each_concurrent(AT_ONCE, |session| async move {
                if self.sessions.is_over(&session, &self.limits) {
                    // What failed is tried again by the next sweep.
                    let _ = self.end_session(&session).await;
                }
            })
            .await;
        futures_util::stream::iter(fading)
            .for_each_concurrent(AT_ONCE, |session| async move {
                let _ = self.remember(&session).await;
            })
            .await;
        if let Err(error) = durable.store.sweep().await {
            tracing::warn!(%error, "the store cannot be swept");
        }
    }
}

impl Durable {
    /// Reads a session back. Its record is written with the next generation, which keeps the
    /// numbers of its streams apart from those of before.
    async fn restore(
        &self,
        core: &Core,
        id: u128,
        header: &str,
        principal: Option<&Arc<Principal>>,
    ) -> Result<Option<Arc<Session>>, StateError> {
        let owner = owner(principal.map(|principal| &**principal));
        let scope = Scope::Of(&owner);
        let Some(record) = self.store.get(SESSIONS, scope, header).await? else {
            return Ok(None);
        };
        let mut kept = Kept::read(&record.value)?;
        // A revision that this version does not know: the client has to begin anew.
        let Some(revision) = Revision::parse(&kept.revision) else {
            return Ok(None);
        };
        let interpretation = match &kept.interpreter {
            None => None,
            Some(name) => match &core.interpreter {
                Some(interpreter) if interpreter.name() == name => Some(interpreter.session()),
                // Nobody understands its client any more, who has to begin anew.
                _ => return Ok(None),
            },
        };
        kept.generation = kept.generation.saturating_add(1);
        let entry = kept.entry(&owner, core.kept_time())?;
        let expected = Expected::Version(record.version);
        if let Put::Conflict(_) = self.store.put(SESSIONS, header, expected, entry).await? {
            return Ok(None);
        }
        let (client, generation) = (kept.client(interpretation)?, kept.generation);
        let session = Session::restored(id, revision, principal.cloned(), client, generation);
        if let Some(level) = LoggingLevel::parse(&kept.level) {
            session.set_level(level);
        }
        if !kept.subscriptions.is_empty() {
            let listener = legacy::listener(core, &session);
            for uri in &kept.subscriptions {
                listener.subscribe(uri, core.limits.subscriptions);
            }
        }
        tracing::debug!("a session of before the start goes on");
        Ok(Some(session))
    }

    /// Writes a session's record as the session is now; `false` if there is none any more.
    async fn update(&self, session: &Session, time: Duration) -> Result<bool, StateError> {
        let (key, owner) = (session.header(), owner(session.principal.as_deref()));
        let record = self.store.get(SESSIONS, Scope::Of(&owner), &key).await?;
        let Some(record) = record else {
            return Ok(false);
        };
        let mut kept = Kept::read(&record.value)?;
        kept.level = level_name(session.level()).into();
        kept.subscriptions = session
            .known_listener()
            .map(|listener| listener.subscriptions())
            .unwrap_or_default();
        let entry = kept.entry(&owner, time)?;
        let expected = Expected::Version(record.version);
        let put = self.store.put(SESSIONS, &key, expected, entry).await?;
        Ok(matches!(put, Put::Done(_)))
    }

    async fn delete(&self, session: &Session) -> Result<(), StateError> {
        let key = session.header();
        self.store.delete(SESSIONS, Scope::All, &key).await?;
        Ok(())
    }
}
