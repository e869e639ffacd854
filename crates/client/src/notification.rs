//! [`Notification`]s of a server, and the queues in which listeners find them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use wharf_protocol::envelope::Parts;
use wharf_protocol::logging::LoggingMessage;
use wharf_protocol::raw::RawJson;
use wharf_protocol::tasks::Task;

/// What a server says without being asked at that moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notification {
    /// The list of tools changed.
    ToolsChanged,
    /// The list of resources, or of templates, changed.
    ResourcesChanged,
    /// The list of prompts changed.
    PromptsChanged,
    /// A resource changed that was subscribed to.
    ResourceUpdated {
        /// Its URI, or that of the part that changed.
        uri: String,
    },
    /// A log message.
    Log(LoggingMessage),
    /// The status of a task changed.
    Task(Task),
    /// What the person was sent to a page for is done, in 2025-11-25.
    ElicitationComplete {
        /// The name that the page was announced with.
        elicitation_id: String,
    },
    /// The connection is a new one: what was said in between may be lost, so read again what
    /// must be current.
    Reconnected,
    /// The listener was too slow, and this many notifications were dropped.
    Missed(u64),
    /// One that an extension adds.
    Other {
        /// Its method.
        method: String,
        /// Its parameters.
        params: Value,
    },
}

impl Notification {
    /// Reads a notification; `None` for those that a client keeps to itself, and malformed ones.
    pub(crate) fn read(method: &str, text: &str, parts: &Parts) -> Option<Self> {
        #[derive(Deserialize)]
        struct Updated {
            uri: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Complete {
            elicitation_id: String,
        }
        let params = parts.params.of(text);
        let read = match method {
            "notifications/tools/list_changed" => return Some(Self::ToolsChanged),
            "notifications/resources/list_changed" => return Some(Self::ResourcesChanged),
            "notifications/prompts/list_changed" => return Some(Self::PromptsChanged),
            "notifications/progress"
            | "notifications/cancelled"
            | "notifications/subscriptions/acknowledged" => return None,
            "notifications/resources/updated" => params?
                .read()
                .map(|Updated { uri }| Self::ResourceUpdated { uri }),
            "notifications/message" => params?.read().map(Self::Log),
            "notifications/tasks/status" | "notifications/tasks" => params?.read().map(Self::Task),
            "notifications/elicitation/complete" => params?
                .read()
                .map(|Complete { elicitation_id }| Self::ElicitationComplete { elicitation_id }),
            method => params
                .map_or(Ok(Value::Null), RawJson::read)
                .map(|params| Self::Other {
                    method: method.to_owned(),
                    params,
                }),
        };
        read.inspect_err(|error| {
            tracing::warn!(method, %error, "dropped a malformed notification");
        })
        .ok()
    }
}

/// A stream of notifications. It ends when the client is closed.
///
/// At most 1,024 wait in it; who reads more slowly finds [`Notification::Missed`].
#[derive(Debug)]
pub struct Notifications(Arc<Queue>);

impl Notifications {
    /// The next one; `None` when the client is closed. Cancel safe.
    pub async fn next(&mut self) -> Option<Notification> {
        StreamExt::next(self).await
    }
}

impl Stream for Notifications {
    type Item = Notification;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        self.0.poll_next(cx)
    }
}

const LONGEST_QUEUE: usize = 1024;

/// Notifications that wait for their one listener.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    notifications: VecDeque<Notification>,
    missed: u64,
    ended: bool,
    waker: Option<Waker>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, notification: Notification) {
        let mut waiting = self.lock();
        if waiting.notifications.len() >= LONGEST_QUEUE {
            waiting.missed += 1;
        } else {
            waiting.notifications.push_back(notification);
        }
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn end(&self) {
        let mut waiting = self.lock();
        waiting.ended = true;
        if let Some(waker) = waiting.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        let mut waiting = self.lock();
        if let Some(notification) = waiting.notifications.pop_front() {
            return Poll::Ready(Some(notification));
        }
        // Those that were dropped came after all that were kept.
        if waiting.missed > 0 {
            let missed = std::mem::take(&mut waiting.missed);
            return Poll::Ready(Some(Notification::Missed(missed)));
        }
        if waiting.ended {
            return Poll::Ready(None);
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// Every listener of a client.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<Vec<Weak<Queue>>>);

impl Listeners {
    pub(crate) fn listen(&self) -> Notifications {
        let queue = Arc::<Queue>::default();
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        Notifications(queue)
    }

    pub(crate) fn tell(&self, notification: &Notification) {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues.iter().filter_map(Weak::upgrade) {
            queue.push(notification.clone());
        }
    }

    pub(crate) fn end(&self) {
        let queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues.iter().filter_map(Weak::upgrade) {
            queue.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_what_it_missed() {
        let listeners = Listeners::default();
        let mut slow = listeners.listen();
        for _ in 0..LONGEST_QUEUE + 5 {
            listeners.tell(&Notification::ToolsChanged);
        }
        listeners.end();
        for _ in 0..LONGEST_QUEUE {
            assert_eq!(slow.next().await, Some(Notification::ToolsChanged));
        }
        assert_eq!(slow.next().await, Some(Notification::Missed(5)));
        assert_eq!(slow.next().await, None);
    }

    #[test]
    fn notifications_are_read_by_their_method() {
        for (text, expected) in [
            (
                r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
                Some(Notification::ToolsChanged),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b"}}"#,
                Some(Notification::ResourceUpdated { uri: "a:b".into() }),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/resources/updated"}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{}}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#,
                None,
            ),
            (
                r#"{"jsonrpc":"2.0","method":"x/y","params":{"a":1}}"#,
                Some(Notification::Other {
                    method: "x/y".into(),
                    params: serde_json::json!({"a": 1}),
                }),
            ),
        ] {
            let (_, parts) = Parts::scan(text).expect(text);
            let method = parts.method.of(text).and_then(RawJson::as_str).expect(text);
            assert_eq!(
                Notification::read(&method, text, &parts),
                expected,
                "{text}"
            );
        }
    }
}
