//! A task at work in this process.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use serde_json::value::RawValue;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use wharf_protocol::projection::at;
use wharf_protocol::revision::Revision;
use wharf_state::Scope;

use super::record::Record;
use super::short;
use super::store::{Changed, change};
use crate::ask::journal::Journal;
use crate::ask::{Ask, AskError};
use crate::call::Outlet;
use crate::context::Exchange;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::hub::Listener;
use crate::session::{Answer, Session};

/// A task at work: what its handler knows, and who waits for it.
#[derive(Debug)]
pub(crate) struct Run {
    id: Box<str>,
    revision: Revision,
    /// Told of every change, from the first who waits for one: most tasks are only looked at.
    changes: OnceLock<watch::Sender<()>>,
    abort: OnceLock<AbortHandle>,
    ended: AtomicBool,
    journal_id: [u8; 16],
    state: Mutex<State>,
    /// Of a task that a session asked for: where its notices go.
    session: Option<Weak<Session>>,
}

#[derive(Debug, Default)]
struct State {
    answers: BTreeMap<String, Box<RawValue>>,
    steps: BTreeMap<String, Box<RawValue>>,
    unnamed: BTreeMap<&'static str, u32>,
    open: HashMap<String, Open>,
    /// Where messages of the handler's may go: the latest is used.
    outlets: Vec<Outlet>,
    listeners: Vec<Weak<Listener>>,
    /// What the handler said last of its progress.
    progress: Option<String>,
}

/// An ask that the handler waits for.
#[derive(Debug)]
struct Open {
    ask: Ask,
    answer: oneshot::Sender<Answer>,
    /// The record has it: only then can an answer be taken in.
    kept: bool,
}

impl Run {
    pub(super) fn new(
        id: &str,
        revision: Revision,
        journal: Journal,
        session: Option<&Arc<Session>>,
    ) -> Arc<Self> {
        let state = State {
            answers: journal.answers,
            steps: journal.steps,
            ..State::default()
        };
        Arc::new(Self {
            id: id.into(),
            revision,
            changes: OnceLock::new(),
            abort: OnceLock::new(),
            ended: AtomicBool::new(false),
            journal_id: journal.id,
            state: Mutex::new(state),
            session: session.map(Arc::downgrade),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The identity of the exchange, the same in every run.
    pub(crate) fn exchange(&self) -> [u8; 16] {
        self.journal_id
    }

    pub(super) fn set_abort(&self, abort: AbortHandle) {
        let _ = self.abort.set(abort);
        // It may have been cancelled before there was anything to drop.
        if self.ended.load(Ordering::Acquire) {
            self.abort();
        }
    }

    /// Drops the handler where it waits.
    pub(super) fn abort(&self) {
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    // --- who waits for it --------------------------------------------------------------------

    /// Tells of every change from now on.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changes
            .get_or_init(|| watch::Sender::new(()))
            .subscribe()
    }

    fn wake(&self) {
        if let Some(changes) = self.changes.get() {
            changes.send_replace(());
        }
    }

    /// Adds a stream of notices that wants to know of this task.
    pub(super) fn listen(&self, listener: &Arc<Listener>) {
        let mut state = self.lock();
        state.listeners.retain(|it| it.strong_count() > 0);
        state.listeners.push(Arc::downgrade(listener));
    }

    /// The record was changed: wakes and tells who waits.
    pub(super) fn changed(&self, record: &Record, status: bool) {
        self.wake();
        if !status {
            return;
        }
        let listeners: Vec<_> = {
            let state = self.lock();
            state.listeners.iter().filter_map(Weak::upgrade).collect()
        };
        if !listeners.is_empty() {
            let state = Arc::new(record.state(&self.id, Revision::LATEST));
            for listener in listeners {
                listener.tell_task(&state);
            }
        }
        let session = self.session.as_ref().and_then(Weak::upgrade);
        if let Some(listener) = session.as_ref().and_then(|it| it.known_listener()) {
            listener.tell_task(&Arc::new(record.state(&self.id, self.revision)));
        }
        if record.status.is_terminal() {
            self.ended.store(true, Ordering::Release);
            self.abort();
        }
    }

    // --- what the handler says ---------------------------------------------------------------

    /// Lends an outlet to the handler, for as long as the answer is kept.
    pub(super) fn lend(self: &Arc<Self>, outlet: Outlet) -> Lent {
        self.lock().outlets.push(outlet.clone());
        Lent(Arc::clone(self), outlet)
    }

    /// Where a message of the handler's may go at this moment.
    pub(crate) fn outlet(&self) -> Option<Outlet> {
        self.lock().outlets.last().cloned()
    }

    /// Notes how far the handler has come, in words.
    pub(crate) fn tell_progress(&self, message: &str) {
        self.lock().progress = Some(message.chars().take(500).collect());
    }

    pub(super) fn progress(&self) -> Option<String> {
        self.lock().progress.clone()
    }

    // --- steps -------------------------------------------------------------------------------

    pub(crate) fn finished_step(&self, name: &str) -> Option<Box<RawValue>> {
        self.lock().steps.get(name).cloned()
    }

    /// Writes a step's result into the store, and only then lets the handler go on.
    pub(crate) async fn finish_step(
        &self,
        core: &Core,
        name: &str,
        result: Box<RawValue>,
    ) -> Result<()> {
        let written = change(core, Scope::All, &self.id, |record| {
            let work = record.work.as_mut()?;
            work.steps.insert(name.to_owned(), result.clone());
            Some(())
        });
        match written.await {
            Ok(Changed::Done(())) => {
                self.lock().steps.insert(name.to_owned(), result);
                Ok(())
            }
            Ok(_) => Err(Error::new("the task is at its end")),
            Err(error) => {
                tracing::error!(task = short(&self.id), %error, "a step cannot be kept");
                Err(Error::new(format!(
                    "step `{name}` is done, but the server's store does not work"
                )))
            }
        }
    }

    /// Takes over what a call remembered before it became a task.
    pub(super) async fn take_over(
        &self,
        core: &Core,
        journal: Journal,
        unnamed: BTreeMap<&'static str, u32>,
    ) -> Result<(), wharf_state::StateError> {
        {
            let mut state = self.lock();
            state.answers.extend(journal.answers.clone());
            state.steps.extend(journal.steps.clone());
            state.unnamed = unnamed;
        }
        change(core, Scope::All, &self.id, |record| {
            let work = record.work.as_mut()?;
            work.answers.extend(journal.answers.clone());
            work.steps.extend(journal.steps.clone());
            Some(())
        })
        .await
        .map(drop)
    }

    // --- asks --------------------------------------------------------------------------------

    /// The asks that wait for the client, by key.
    pub(super) fn open_asks(&self) -> Vec<(String, Ask)> {
        let state = self.lock();
        let open = state.open.iter().filter(|(_, open)| open.kept);
        open.map(|(key, open)| (key.clone(), open.ask.clone()))
            .collect()
    }

    /// Asks the client, through the task.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        exchange: &Exchange,
        key: Option<String>,
        ask: Ask,
    ) -> Result<Box<RawValue>, AskError> {
        let raw = serde_json::value::to_raw_value(&at(&ask, Revision::LATEST))
            .map_err(AskError::schema)?;
        let (key, answer) = {
            let mut state = self.lock();
            let kind = crate::ask::kind(&ask);
            let key = key.unwrap_or_else(|| {
                let count = state.unnamed.entry(kind).or_default();
                *count += 1;
                format!("{kind}-{count}")
            });
            if let Some(answer) = state.answers.get(&key) {
                return Ok(answer.clone());
            }
            let (sender, answer) = oneshot::channel();
            let open = Open {
                ask,
                answer: sender,
                kept: false,
            };
            state.open.insert(key.clone(), open);
            (key, answer)
        };
        let core = &exchange.core;
        let asked = Asked {
            core: Arc::clone(core),
            run: Arc::clone(self),
            key,
        };
        let opened = change(core, Scope::All, &self.id, |record| {
            record.open(&asked.key, raw.clone()).then_some(())
        });
        match opened.await {
            Ok(Changed::Done(())) => {
                if let Some(open) = self.lock().open.get_mut(&asked.key) {
                    open.kept = true;
                }
                self.wake();
            }
            Ok(_) => return Err(AskError::closed()),
            Err(error) => {
                tracing::error!(task = short(&self.id), %error, "an ask cannot be kept");
                return Err(AskError::unavailable());
            }
        }
        let _waiting = crate::ask::live::Waiting::new(&exchange.waiting);
        match tokio::time::timeout(core.limits.ask_timeout, answer).await {
            Ok(Ok(Ok(raw))) => Ok(raw),
            Ok(Ok(Err(error))) => Err(AskError::client(error)),
            Ok(Err(_)) => Err(AskError::closed()),
            Err(_) => Err(AskError::timed_out()),
        }
    }

    /// Hands an answer to the handler.
    fn deliver(&self, key: &str, answer: Answer) {
        let mut state = self.lock();
        if let Ok(raw) = &answer {
            state.answers.insert(key.to_owned(), raw.clone());
        }
        if let Some(open) = state.open.remove(key) {
            let _ = open.answer.send(answer);
        }
    }
}

/// Takes in an answer: writes it down, and hands it to the handler. What was not asked, or is
/// answered already, is ignored.
pub(super) async fn answer(
    core: &Core,
    scope: Scope<'_>,
    id: &str,
    key: &str,
    answer: Answer,
) -> Result<(), wharf_state::StateError> {
    let taken = change(core, scope, id, |record| {
        if !record.close(key) {
            return None;
        }
        if let (Ok(raw), Some(work)) = (&answer, record.work.as_mut()) {
            work.answers.insert(key.to_owned(), raw.clone());
        }
        Some(())
    });
    if let (Changed::Done(()), Some(run)) = (taken.await?, core.tasks.run(id)) {
        run.deliver(key, answer);
    }
    Ok(())
}

/// An outlet that is lent to a handler.
#[derive(Debug)]
pub(super) struct Lent(Arc<Run>, Outlet);

impl Drop for Lent {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if let Some(place) = state.outlets.iter().position(|it| it.is(&self.1)) {
            state.outlets.remove(place);
        }
    }
}

/// An ask that waits. Dropping it, for whatever reason, takes it back.
struct Asked {
    core: Arc<Core>,
    run: Arc<Run>,
    key: String,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let unanswered = self.run.lock().open.remove(&self.key).is_some();
        if !unanswered || self.core.tasks.run(self.run.id()).is_none() {
            return;
        }
        let (core, run) = (Arc::clone(&self.core), Arc::clone(&self.run));
        let key = std::mem::take(&mut self.key);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let closed = change(&core, Scope::All, run.id(), |record| {
                    record.close(&key).then_some(())
                });
                if let Err(error) = closed.await {
                    tracing::error!(task = short(run.id()), %error, "an ask cannot be taken back");
                }
            });
        }
    }
}
