//! [`Peer`]: what a connection does with messages that are no answers to it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;
use wharf_protocol::Revision;
use wharf_protocol::envelope::{Id, IdBuf, MessageKind, Parts};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::input::{InputRequest, InputResponse};
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::progress::{Progress, ProgressToken};
use wharf_protocol::projection::at;
use wharf_protocol::raw::RawJson;
use wharf_protocol::request::CancelledParams;
use wharf_protocol::subscriptions::SubscriptionFilter;

use crate::asks::Asks;
use crate::cache::Cache;
use crate::notification::{Listeners, Notification};
use crate::tools::Tools;

/// How many questions of a server are answered at the same time.
const MOST_QUESTIONS: usize = 64;

/// How many answers to a server may be on their way to it. One that asks more without taking any
/// gets none for the rest.
const MOST_ANSWERS: usize = 1024;

/// What outlives the connections of one client.
#[derive(Debug, Default)]
pub(crate) struct Common {
    pub(crate) asks: Asks,
    pub(crate) listeners: Listeners,
    pub(crate) cache: Cache,
    pub(crate) tools: Tools,
    pub(crate) log_level: Mutex<Option<LoggingLevel>>,
    /// What a person, a model or a policy is at work on here. A request's time does not run
    /// meanwhile.
    busy: AtomicUsize,
    /// Ids are unique over all connections: one that comes late on an old one finds nobody.
    next_id: AtomicI64,
}

impl Common {
    pub(crate) fn new(asks: Asks) -> Self {
        Self {
            asks,
            ..Self::default()
        }
    }

    /// Until it is dropped, the time of requests does not run.
    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(&self.busy)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Tells all listeners, and forgets what is stale.
    pub(crate) fn tell(&self, notification: &Notification) {
        self.cache.heed(notification);
        self.tools.heed(notification);
        self.listeners.tell(notification);
    }
}

/// Takes answers to the server's questions.
pub(crate) trait Respond: Send + Sync + 'static {
    fn respond(self: Arc<Self>, message: Vec<u8>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The state of one connection that does not depend on its transport.
pub(crate) struct Peer {
    pub(crate) common: Arc<Common>,
    revision: OnceLock<Revision>,
    watchers: Mutex<HashMap<i64, Arc<Watcher>>>,
    listens: Mutex<HashMap<i64, Arc<Listen>>>,
    questions: Mutex<HashMap<IdBuf, AbortHandle>>,
    permits: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").finish_non_exhaustive()
    }
}

/// What a message means for the request that waits on the same connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// The server has ended this subscription.
    Ended(i64),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peer {
    pub(crate) fn new(common: Arc<Common>) -> Self {
        Self {
            common,
            revision: OnceLock::new(),
            watchers: Mutex::default(),
            listens: Mutex::default(),
            questions: Mutex::default(),
            permits: Arc::new(Semaphore::new(MOST_QUESTIONS)),
            answers: Arc::new(Semaphore::new(MOST_ANSWERS)),
        }
    }

    pub(crate) fn next_id(&self) -> i64 {
        self.common.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The revision that was agreed on.
    pub(crate) fn agree(&self, revision: Revision) {
        let _ = self.revision.set(revision);
    }

    pub(crate) fn revision(&self) -> Revision {
        self.revision.get().copied().unwrap_or(Revision::LATEST)
    }

    /// Until it is dropped, progress of this request is told to the watcher.
    pub(crate) fn watch(self: &Arc<Self>, id: i64, watcher: Arc<Watcher>) -> Watched {
        lock(&self.watchers).insert(id, watcher);
        Watched {
            peer: Arc::clone(self),
            id,
        }
    }

    /// Until it is dropped, what comes for this subscription is told to it.
    pub(crate) fn listen(self: &Arc<Self>, id: i64, listen: Arc<Listen>) -> Watched {
        lock(&self.listens).insert(id, listen);
        Watched {
            peer: Arc::clone(self),
            id,
        }
    }

    /// Whether a request is a subscription, which waits for as long as it is wanted.
    pub(crate) fn is_subscription(&self, id: i64) -> bool {
        lock(&self.listens).contains_key(&id)
    }

    /// Takes in a message that is not an answer.
    pub(crate) fn take<R: Respond>(
        self: &Arc<Self>,
        kind: MessageKind,
        text: &str,
        parts: &Parts,
        respond: &Arc<R>,
    ) -> Then {
        let method = parts.method.of(text).and_then(RawJson::as_str);
        let method = method.unwrap_or_default();
        match kind {
            MessageKind::Request => self.question(&method, text, parts, respond),
            MessageKind::Notification => return self.notified(&method, text, parts),
            MessageKind::Response => {
                tracing::debug!("an answer that nobody waits for");
            }
        }
        Then::Nothing
    }

    fn notified(&self, method: &str, text: &str, parts: &Parts) -> Then {
        match method {
            "notifications/progress" => {
                self.progressed(text, parts);
                return Then::Nothing;
            }
            "notifications/cancelled" => return self.cancelled(text, parts),
            _ => {}
        }
        let listen = self.listen_of(text, parts);
        if method == "notifications/subscriptions/acknowledged" {
            #[derive(Deserialize)]
            struct Acknowledged {
                notifications: SubscriptionFilter,
            }
            if let (Some(listen), Some(Ok(acknowledged))) = (
                listen,
                parts.params.of(text).map(RawJson::read::<Acknowledged>),
            ) {
                listen
                    .acknowledged
                    .send_replace(Some(acknowledged.notifications));
            }
            return Then::Nothing;
        }
        if let Some(notification) = Notification::read(method, text, parts) {
            if let Some(listen) = listen {
                (listen.tell)(&notification);
            }
            self.common.tell(&notification);
        }
        Then::Nothing
    }

    fn progressed(&self, text: &str, parts: &Parts) {
        let Some(Ok(progress)) = parts.params.of(text).map(RawJson::read::<Progress>) else {
            tracing::warn!("dropped a malformed notification of progress");
            return;
        };
        let ProgressToken::Integer(id) = progress.progress_token else {
            return;
        };
        let watcher = lock(&self.watchers).get(&id).cloned();
        if let Some(watcher) = watcher {
            watcher.seen(progress);
        }
    }

    fn cancelled(&self, text: &str, parts: &Parts) -> Then {
        let params = parts.params.of(text).map(RawJson::get);
        let params = params.and_then(|it| serde_json::from_str::<CancelledParams<'_>>(it).ok());
        let Some(id) = params.and_then(|it| Some(Id::from_json(it.request_id.get())?.to_owned()))
        else {
            return Then::Nothing;
        };
        if let Some(question) = lock(&self.questions).remove(&id) {
            question.abort();
        }
        let ours = id.as_json().parse::<i64>();
        match ours {
            Ok(id) if lock(&self.listens).contains_key(&id) => Then::Ended(id),
            _ => Then::Nothing,
        }
    }

    /// The subscription that a notification belongs to (spec 2026-07-28,
    /// basic/patterns/subscriptions, "Receiving Notifications").
    fn listen_of(&self, text: &str, parts: &Parts) -> Option<Arc<Listen>> {
        #[derive(Deserialize)]
        struct Meta {
            #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
            subscription: Option<i64>,
        }
        let listens = lock(&self.listens);
        if listens.is_empty() {
            return None;
        }
        let Meta { subscription } = parts.meta.of(text)?.read().ok()?;
        listens.get(&subscription?).cloned()
    }

    /// Answers a request of the server: in a task, because a person may have to.
    fn question<R: Respond>(
        self: &Arc<Self>,
        method: &str,
        text: &str,
        parts: &Parts,
        respond: &Arc<R>,
    ) {
        let Some(id) = parts.id(text).map(|id| id.to_owned()) else {
            return;
        };
        let Ok(on_its_way) = Arc::clone(&self.answers).try_acquire_owned() else {
            tracing::warn!("the server asks on and on, and takes no answers");
            return;
        };
        let answer = match method {
            "ping" => Ok(None),
            "elicitation/create" | "sampling/createMessage" | "roots/list" => {
                ask(method, parts.params.of(text)).map(Some)
            }
            _ => Err(ErrorObject::new(
                ErrorCode::METHOD_NOT_FOUND,
                "this client has no such method",
            )),
        };
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let peer = Arc::clone(self);
        let respond = Arc::clone(respond);
        // Registered before it runs, so that its end finds it.
        let mut questions = lock(&self.questions);
        let key = id.clone();
        let running = async move {
            let answer = match (answer, permit) {
                (Ok(Some(ask)), Ok(_permit)) => {
                    let _busy = peer.common.busy();
                    let answer = peer.common.asks.answer(ask).await;
                    answer.map(Some).map_err(|refusal| refusal.into_object())
                }
                (Ok(Some(_)), Err(_)) => Err(ErrorObject::new(
                    ErrorCode::INTERNAL_ERROR,
                    format!("more than {MOST_QUESTIONS} questions are open"),
                )),
                (Ok(None), _) => Ok(None),
                (Err(error), _) => Err(error),
            };
            lock(&peer.questions).remove(&id);
            let message = write_answer(&id, answer.as_ref(), peer.revision());
            respond.respond(message).await;
            drop(on_its_way);
        };
        let task = tokio::spawn(running).abort_handle();
        questions.insert(key, task);
    }

    /// Ends what still runs for the server.
    pub(crate) fn end(&self) {
        for (_, question) in lock(&self.questions).drain() {
            question.abort();
        }
    }
}

/// Something that a person, a model or a policy is at work on.
#[derive(Debug)]
pub(crate) struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A question as the rounds of 2026-07-28 have it.
fn ask(method: &str, params: Option<RawJson<'_>>) -> Result<InputRequest, ErrorObject> {
    let params = params.map_or(Cow::Borrowed("{}"), |params| Cow::Borrowed(params.get()));
    let text = format!(r#"{{"method":"{method}","params":{params}}}"#);
    serde_json::from_str(&text)
        .map_err(|error| ErrorObject::new(ErrorCode::INVALID_PARAMS, error.to_string()))
}

fn write_answer(
    id: &IdBuf,
    answer: Result<&Option<InputResponse>, &ErrorObject>,
    revision: Revision,
) -> Vec<u8> {
    let written = match answer {
        Ok(Some(answer)) => serde_json::to_string(&at(answer, revision))
            .map_err(|error| ErrorObject::new(ErrorCode::INTERNAL_ERROR, error.to_string())),
        Ok(None) => Ok("{}".to_owned()),
        Err(error) => Err(error.clone()),
    };
    let (member, value) = match written {
        Ok(result) => ("result", result),
        Err(error) => ("error", serde_json::to_string(&error).unwrap_or_default()),
    };
    let id = id.as_json();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"{member}":{value}}}"#).into_bytes()
}

/// Who wants to know how far a request is.
pub(crate) struct Watcher {
    began: Instant,
    /// When there was progress last, in milliseconds since it began.
    seen: AtomicU64,
    tell: Option<Box<dyn Fn(Progress) + Send + Sync>>,
}

impl Watcher {
    pub(crate) fn new(tell: Option<Box<dyn Fn(Progress) + Send + Sync>>) -> Self {
        Self {
            began: Instant::now(),
            seen: AtomicU64::new(0),
            tell,
        }
    }

    fn seen(&self, progress: Progress) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.seen.store(now, Ordering::Relaxed);
        if let Some(tell) = &self.tell {
            tell(progress);
        }
    }

    /// When there was progress last.
    pub(crate) fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.seen.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

/// One `subscriptions/listen` of 2026-07-28.
pub(crate) struct Listen {
    pub(crate) tell: Box<dyn Fn(&Notification) + Send + Sync>,
    /// What the server agreed to, once it did.
    pub(crate) acknowledged: watch::Sender<Option<SubscriptionFilter>>,
}

/// Keeps a watcher or a subscription known while its request runs.
#[derive(Debug)]
pub(crate) struct Watched {
    peer: Arc<Peer>,
    id: i64,
}

impl Drop for Watched {
    fn drop(&mut self) {
        lock(&self.peer.watchers).remove(&self.id);
        lock(&self.peer.listens).remove(&self.id);
    }
}

/// The message that tells a server that a request is no longer wanted.
pub(crate) fn cancelled(id: i64) -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
    )
    .into_bytes()
}
