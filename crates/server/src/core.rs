//! What all calls of a server share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::watch;
use wharf_protocol::capabilities::{
    PromptsCapability, ResourcesCapability, ServerCapabilities, ToolsCapability,
};
use wharf_protocol::content::Implementation;
use wharf_protocol::projection::{CacheHint, CacheScope, ResultFrame, at};
use wharf_protocol::revision::Revision;
use wharf_protocol::tasks;
use wharf_state::{Memory, State};

use crate::ask::journal::KeyRing;
use crate::call::Incoming;
use crate::catalog::CatalogHandle;
use crate::durable::Durable;
use crate::extension::Extensions;
use crate::hooks::Hooks;
use crate::hub::{Hub, Lists};
use crate::interpret::Interpreter;
use crate::limits::Limits;
use crate::low_level::Handlers;
use crate::observe::Observers;
use crate::principal::Principal;
use crate::quota::Quota;
use crate::server::{Stop, run_stops};
use crate::session::Sessions;
use crate::task::Tasks;

/// How long clients may keep what they read, and who may share it (spec 2026-07-28,
/// `server/utilities/caching`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caching {
    /// Lists and `server/discover`. Default: one minute, public: they are the same for everyone,
    /// and who listens is told of changes.
    pub lists: CacheHint,
    /// Contents of resources. Default: not at all, private.
    pub resources: CacheHint,
}

impl Default for Caching {
    fn default() -> Self {
        Self {
            lists: CacheHint {
                ttl_ms: 60_000,
                scope: CacheScope::Public,
            },
            resources: CacheHint {
                ttl_ms: 0,
                scope: CacheScope::Private,
            },
        }
    }
}

/// Values of the application, by type.
#[derive(Clone, Debug, Default)]
pub(crate) struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.0.insert(TypeId::of::<T>(), value);
    }

    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.0.get(&TypeId::of::<T>())?).downcast().ok()
    }
}

pub(crate) struct Core {
    pub(crate) info: Implementation,
    pub(crate) instructions: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) caching: Caching,
    pub(crate) states: States,
    pub(crate) extensions: Extensions,
    /// What stands around or in front of the catalog; `None` on most servers.
    pub(crate) hooks: Option<Box<Hooks>>,
    /// Takes clients with words of their own.
    pub(crate) interpreter: Option<Arc<dyn Interpreter>>,
    /// Who watches; none on most servers.
    pub(crate) observers: Observers,
    pub(crate) catalog: CatalogHandle,
    /// Lists that are offered even while they are empty.
    pub(crate) offered: Lists,
    pub(crate) hub: Arc<Hub>,
    pub(crate) keys: KeyRing,
    /// Where records are kept that calls share, or that outlive the process.
    pub(crate) store: Arc<dyn State>,
    /// What must outlive the process, where the store can keep it.
    pub(crate) durable: Option<Durable>,
    pub(crate) sessions: Sessions,
    /// Open streams of notices.
    pub(crate) listens: Quota,
    /// Open connections of our own listener.
    pub(crate) connections: Quota,
    pub(crate) tasks: Tasks,
    /// When a call becomes a task that its tool says nothing about.
    pub(crate) task_after: Option<Duration>,
    pub(crate) started: SystemTime,
    /// Whether there is one client only: the one that started the process.
    private: AtomicBool,
    stopping: watch::Sender<bool>,
    stops: Mutex<Vec<Stop>>,
    server_info: Box<RawValue>,
}

impl Default for Core {
    fn default() -> Self {
        Self::new(
            Implementation {
                name: "wharf".into(),
                ..Implementation::default()
            },
            CatalogHandle::default(),
        )
    }
}

impl Core {
    pub(crate) fn new(info: Implementation, catalog: CatalogHandle) -> Self {
        let server_info = serde_json::value::to_raw_value(&at(&info, Revision::LATEST))
            .unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self {
            info,
            instructions: None,
            limits: Limits::default(),
            caching: Caching::default(),
            states: States::default(),
            extensions: Extensions::default(),
            hooks: None,
            interpreter: None,
            observers: Observers::default(),
            catalog,
            offered: Lists::default(),
            hub: Arc::default(),
            keys: KeyRing::random(),
            store: Arc::new(Memory::new()),
            durable: None,
            sessions: Sessions::default(),
            listens: Quota::default(),
            connections: Quota::default(),
            tasks: Tasks::default(),
            task_after: None,
            started: SystemTime::now(),
            private: AtomicBool::new(false),
            stopping: watch::Sender::new(false),
            stops: Mutex::default(),
            server_info,
        }
    }

    /// What every result of a revision carries besides its own members.
    pub(crate) fn frame(&self, revision: Revision, cache: Option<CacheHint>) -> ResultFrame<'_> {
        ResultFrame::new(revision)
            .server_info(Some(&self.server_info))
            .cache(cache)
    }

    /// How long a request may take that says nothing else.
    pub(crate) fn call_time(&self, incoming: &Incoming) -> Duration {
        if incoming.outlet.is_beside() {
            self.limits.task_timeout
        } else {
            self.limits.call_timeout
        }
    }

    /// Handlers of whole methods, if there are any.
    pub(crate) fn handlers(&self) -> Option<&Handlers> {
        self.hooks.as_deref().map(|hooks| &hooks.handlers)
    }

    /// What the server offers at this moment, to clients of a revision.
    pub(crate) fn capabilities(&self, revision: Revision) -> ServerCapabilities {
        let has = self.catalog.load().lists();
        let (has, also) = (has, self.offered);
        let handled = |are: fn(&Handlers) -> bool| self.handlers().is_some_and(are);
        let tools = has.tools || also.tools || handled(Handlers::has_tools);
        let resources = has.resources || also.resources || handled(Handlers::has_resources);
        let prompts = has.prompts || also.prompts || handled(Handlers::has_prompts);
        ServerCapabilities {
            tools: tools.then_some(ToolsCapability { list_changed: true }),
            resources: resources.then_some(ResourcesCapability {
                list_changed: true,
                subscribe: true,
            }),
            prompts: prompts.then_some(PromptsCapability { list_changed: true }),
            logging: true,
            completions: has.resources
                || has.prompts
                || handled(|handlers| handlers.complete.is_some()),
            tasks: self.offers_tasks().then(
                || json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } }),
            ),
            extensions: self.declared_extensions(revision),
            experimental: self.experimental(),
        }
    }

    /// What is beyond the specification.
    fn experimental(&self) -> serde_json::Map<String, Value> {
        let model = self.catalog.peek().model().is_some();
        let sampling = model.then(|| ("sampling".to_owned(), json!({})));
        sampling.into_iter().collect()
    }

    /// Keeps records in another store than the memory of the process.
    pub(crate) fn set_store(&mut self, store: Arc<dyn State>) {
        self.durable = store.is_durable().then(|| Durable::new(Arc::clone(&store)));
        self.sessions.durable = self.durable.is_some();
        self.store = store;
    }

    fn declared_extensions(&self, revision: Revision) -> serde_json::Map<String, Value> {
        let mut declared = self.extensions.declared(&self.catalog.peek());
        if revision.is_modern() && self.offers_tasks() {
            declared.insert(tasks::EXTENSION.to_owned(), json!({}));
        }
        declared
    }

    /// Whether any call can become a task.
    pub(crate) fn offers_tasks(&self) -> bool {
        self.task_after.is_some() || self.catalog.peek().has_tasks()
    }

    /// Says that the only client is the one that started the process.
    pub(crate) fn set_private(&self) {
        self.private.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_private(&self) -> bool {
        self.private.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stops(&self, stops: Vec<Stop>) {
        *self.stops.lock().unwrap_or_else(PoisonError::into_inner) = stops;
    }

    /// Stops, and puts away what was made at the start. Does so once.
    pub(crate) async fn shut_down(&self) {
        self.stop();
        self.sessions.clear();
        self.tasks.stop();
        let stops = std::mem::take(&mut *self.stops.lock().unwrap_or_else(PoisonError::into_inner));
        run_stops(stops).await;
        self.observers.stopped();
    }

    /// Tells everything that waits that the server stops.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
        self.hub.end();
    }

    /// Ready once the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

/// A place among the open streams of notices; given back when dropped.
pub(crate) struct Listening {
    core: Arc<Core>,
    principal: Option<Arc<Principal>>,
}

impl Listening {
    /// Takes a place; `None` if there is none left.
    pub(crate) fn take(core: &Arc<Core>, principal: Option<Arc<Principal>>) -> Option<Self> {
        let limits = &core.limits;
        let (in_all, each) = (limits.listens, limits.listens_per_principal);
        core.listens
            .take(principal.as_ref(), in_all, each)
            .then(|| Self {
                core: Arc::clone(core),
                principal,
            })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.core.listens.give_back(self.principal.as_ref());
    }
}
