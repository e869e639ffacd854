//! Who listens to what.
//!
//! A listener holds one bit per list and each subscribed resource at most once: what it has not
//! read yet is bounded whatever the rate of changes. A slow reader gets fewer notices, never a
//! wrong picture, and holds up nobody.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use wharf_protocol::meta;
use wharf_protocol::method::Method;
use wharf_protocol::projection::at;
use wharf_protocol::revision::Revision;
use wharf_protocol::tasks::TaskState;

use crate::ask::More;
use crate::call::notification;

/// Something that listeners may want to know.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    ToolsChanged,
    ResourcesChanged,
    PromptsChanged,
    Updated(Arc<str>),
    /// A task of the listener's own.
    Task(Arc<TaskState>),
}

impl Notice {
    /// The notification, for a session or for the listen request of this id.
    pub(crate) fn message(&self, subscription: Option<&str>) -> Vec<u8> {
        let method = match self {
            Self::ToolsChanged => Method::ToolsListChanged,
            Self::ResourcesChanged => Method::ResourcesListChanged,
            Self::PromptsChanged => Method::PromptsListChanged,
            Self::Updated(_) => Method::ResourcesUpdated,
            Self::Task(_) if subscription.is_some() => Method::TasksChanged,
            Self::Task(_) => Method::TasksStatus,
        };
        let mut params = serde_json::Map::new();
        if let Some(id) = subscription.and_then(|id| serde_json::from_str::<Value>(id).ok()) {
            params.insert("_meta".into(), json!({ meta::SUBSCRIPTION_ID: id }));
        }
        match self {
            Self::Updated(uri) => {
                params.insert("uri".into(), Value::from(&**uri));
            }
            Self::Task(state) => {
                let revision = match subscription {
                    Some(_) => Revision::LATEST,
                    None => Revision::V2025_11_25,
                };
                let meta = params.remove("_meta");
                let params = More::meta(meta).with(at(&**state, revision));
                return notification(method, &params);
            }
            _ => {}
        }
        notification(method, &params)
    }
}

/// Lists that changed, or that a listener wants to hear of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// The list of tools.
    pub tools: bool,
    /// The lists of resources and of resource templates.
    pub resources: bool,
    /// The list of prompts.
    pub prompts: bool,
}

impl Lists {
    /// All of them.
    pub const ALL: Self = Self {
        tools: true,
        resources: true,
        prompts: true,
    };

    /// Whether none is set.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// One listener: what it wants, and what it has not read.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lists: Lists,
    /// Subscribed resources, and whether an update is unread.
    resources: HashMap<Arc<str>, bool>,
    unread_lists: Lists,
    unread_resources: usize,
    /// The latest of each task that changed.
    unread_tasks: BTreeMap<String, Arc<TaskState>>,
    ended: bool,
    waker: Option<Waker>,
}

impl Listener {
    pub(crate) fn new(lists: Lists, resources: impl IntoIterator<Item = Arc<str>>) -> Arc<Self> {
        let resources = resources.into_iter().map(|uri| (uri, false)).collect();
        let state = State {
            lists,
            resources,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscribes to a resource; `false` if that would be more than `limit`.
    pub(crate) fn subscribe(&self, uri: &str, limit: usize) -> bool {
        let mut state = self.lock();
        if state.resources.contains_key(uri) {
            return true;
        }
        if state.resources.len() >= limit {
            return false;
        }
        state.resources.insert(uri.into(), false);
        true
    }

    pub(crate) fn unsubscribe(&self, uri: &str) {
        let mut state = self.lock();
        if state.resources.remove(uri) == Some(true) {
            state.unread_resources -= 1;
        }
    }

    /// The subscribed resources.
    pub(crate) fn subscriptions(&self) -> Vec<String> {
        let state = self.lock();
        state.resources.keys().map(|uri| uri.to_string()).collect()
    }

    fn tell(&self, notice: &Notice) {
        let mut state = self.lock();
        let state = &mut *state;
        match notice {
            Notice::ToolsChanged => state.unread_lists.tools |= state.lists.tools,
            Notice::ResourcesChanged => state.unread_lists.resources |= state.lists.resources,
            Notice::PromptsChanged => state.unread_lists.prompts |= state.lists.prompts,
            Notice::Updated(uri) => {
                if let Some(unread @ false) = state.resources.get_mut(uri) {
                    *unread = true;
                    state.unread_resources += 1;
                }
            }
            Notice::Task(task) => {
                let id = task.task.task_id.clone();
                state.unread_tasks.insert(id, Arc::clone(task));
            }
        }
        if state.has_unread()
            && let Some(waker) = state.waker.take()
        {
            waker.wake();
        }
    }

    /// Tells of a task; its caller knows who listens to it.
    pub(crate) fn tell_task(&self, state: &Arc<TaskState>) {
        self.tell(&Notice::Task(Arc::clone(state)));
    }

    /// No more notices will come.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// The unread notices, or `None` at the end.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Vec<Notice>>> {
        let mut state = self.lock();
        if state.has_unread() {
            return Poll::Ready(Some(state.take()));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The unread notices as soon as there are any, or `None` at the end. Cancel safe.
    pub(crate) async fn take(&self) -> Option<Vec<Notice>> {
        poll_fn(|cx| self.poll_take(cx)).await
    }
}

impl State {
    fn has_unread(&self) -> bool {
        !self.unread_lists.is_empty() || self.unread_resources > 0 || !self.unread_tasks.is_empty()
    }

    fn take(&mut self) -> Vec<Notice> {
        let lists = std::mem::take(&mut self.unread_lists);
        let mut notices = Vec::new();
        notices.extend(lists.tools.then_some(Notice::ToolsChanged));
        notices.extend(lists.resources.then_some(Notice::ResourcesChanged));
        notices.extend(lists.prompts.then_some(Notice::PromptsChanged));
        if self.unread_resources > 0 {
            let updated = self.resources.iter_mut().filter_map(|(uri, unread)| {
                std::mem::take(unread).then(|| Notice::Updated(Arc::clone(uri)))
            });
            notices.extend(updated);
            self.unread_resources = 0;
        }
        let tasks = std::mem::take(&mut self.unread_tasks);
        notices.extend(tasks.into_values().map(Notice::Task));
        notices
    }
}

/// All listeners of a server.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<Listeners>,
}

#[derive(Debug, Default)]
struct Listeners {
    all: Vec<Weak<Listener>>,
    ended: bool,
    /// Dead entries are swept out when the vector has doubled since the last time.
    sweep_at: usize,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Listeners> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a listener, which stays for as long as it is held elsewhere.
    pub(crate) fn add(&self, listener: &Arc<Listener>) {
        let mut listeners = self.lock();
        if listeners.ended {
            listener.end();
        }
        if listeners.all.len() >= listeners.sweep_at {
            listeners.all.retain(|listener| listener.strong_count() > 0);
            listeners.sweep_at = (listeners.all.len() * 2).max(64);
        }
        listeners.all.push(Arc::downgrade(listener));
    }

    /// Tells all who want to know. Never waits.
    pub(crate) fn publish(&self, notice: &Notice) {
        // Wakers run outside of the lock that `add` needs.
        let all = self.lock().all.clone();
        for listener in all.iter().filter_map(Weak::upgrade) {
            listener.tell(notice);
        }
    }

    /// Tells every listener, present and future, that nothing more will come.
    pub(crate) fn end(&self) {
        let all = {
            let mut listeners = self.lock();
            listeners.ended = true;
            std::mem::take(&mut listeners.all)
        };
        for listener in all.iter().filter_map(Weak::upgrade) {
            listener.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_hears_only_what_it_asked_for() {
        let hub = Hub::default();
        let listener = Listener::new(
            Lists {
                tools: true,
                ..Lists::default()
            },
            ["a:b".into()],
        );
        hub.add(&listener);
        hub.publish(&Notice::PromptsChanged);
        hub.publish(&Notice::Updated("a:c".into()));
        hub.publish(&Notice::ToolsChanged);
        hub.publish(&Notice::Updated("a:b".into()));
        let notices = listener.take().await.unwrap();
        let expected = [Notice::ToolsChanged, Notice::Updated("a:b".into())];
        let text = |notices: &[Notice]| format!("{notices:?}");
        assert_eq!(text(&notices), text(&expected));
    }

    #[tokio::test]
    async fn unread_notices_of_one_kind_are_one() {
        let hub = Hub::default();
        let listener = Listener::new(Lists::ALL, ["a:b".into()]);
        hub.add(&listener);
        for _ in 0..1000 {
            hub.publish(&Notice::Updated("a:b".into()));
        }
        assert_eq!(listener.take().await.map(|notices| notices.len()), Some(1));
        listener.unsubscribe("a:b");
        hub.publish(&Notice::Updated("a:b".into()));
        hub.end();
        assert!(listener.take().await.is_none());
    }

    #[tokio::test]
    async fn listeners_that_are_gone_are_swept_out() {
        let hub = Hub::default();
        for _ in 0..10_000 {
            hub.add(&Listener::new(Lists::ALL, []));
        }
        assert!(hub.lock().all.len() <= 64);
    }

    #[test]
    fn subscriptions_are_bounded() {
        let listener = Listener::new(Lists::default(), []);
        assert!(listener.subscribe("a:1", 1));
        assert!(listener.subscribe("a:1", 1));
        assert!(!listener.subscribe("a:2", 1));
    }
}
