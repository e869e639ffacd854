//! [`Subscription`]s to what changes, in every revision: `subscriptions/listen` of 2026-07-28,
//! `resources/subscribe` and the stream of the session before.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;
use wharf_protocol::projection::at;
use wharf_protocol::subscriptions::SubscriptionFilter;

use crate::client::Shared;
use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::link::Outgoing;
use crate::message::{Members, Request};
use crate::notification::{Notification, Queue};
use crate::peer::Listen;

/// What to be told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Watch {
    tools: bool,
    resources: bool,
    prompts: bool,
    uris: BTreeSet<String>,
    tasks: BTreeSet<String>,
}

impl Watch {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes of the three lists.
    pub fn lists(self) -> Self {
        self.tools().resources().prompts()
    }

    /// Changes of the list of tools.
    pub fn tools(mut self) -> Self {
        self.tools = true;
        self
    }

    /// Changes of the lists of resources and templates.
    pub fn resources(mut self) -> Self {
        self.resources = true;
        self
    }

    /// Changes of the list of prompts.
    pub fn prompts(mut self) -> Self {
        self.prompts = true;
        self
    }

    /// Changes of one resource; of several by being called several times.
    pub fn resource(mut self, uri: impl Into<String>) -> Self {
        self.uris.insert(uri.into());
        self
    }

    /// Changes of a task's status; of several by being called several times.
    pub fn task(mut self, id: impl Into<String>) -> Self {
        self.tasks.insert(id.into());
        self
    }

    fn filter(&self) -> SubscriptionFilter {
        SubscriptionFilter {
            tools_list_changed: self.tools,
            prompts_list_changed: self.prompts,
            resources_list_changed: self.resources,
            resource_subscriptions: self.uris.iter().cloned().collect(),
            task_ids: self.tasks.iter().cloned().collect(),
        }
    }

    /// Whether a notification of a session is one of these: sessions have one stream for all.
    fn wants(&self, notification: &Notification) -> bool {
        match notification {
            Notification::ToolsChanged => self.tools,
            Notification::ResourcesChanged => self.resources,
            Notification::PromptsChanged => self.prompts,
            // The URI may be that of a part of what was subscribed to.
            Notification::ResourceUpdated { uri } => {
                self.uris.iter().any(|mine| uri.starts_with(mine.as_str()))
            }
            Notification::Task(task) => self.tasks.contains(&task.task_id),
            Notification::Reconnected | Notification::Missed(_) => true,
            _ => false,
        }
    }
}

/// A stream of what was subscribed to. It survives lost connections: after one it says
/// [`Notification::Reconnected`], because what changed in between was not told. Dropping it ends
/// the subscription.
#[derive(Debug)]
pub struct Subscription {
    queue: Arc<Queue>,
    honored: SubscriptionFilter,
    task: AbortHandle,
}

impl Subscription {
    pub(crate) async fn open(shared: &Arc<Shared>, watch: Watch) -> Result<Self> {
        let queue = Arc::<Queue>::default();
        let (opened, honored) = oneshot::channel();
        let task = tokio::spawn(keep(
            Arc::downgrade(shared),
            watch,
            Arc::clone(&queue),
            opened,
        ));
        let task = task.abort_handle();
        let patience = shared.config.timeouts.request;
        let honored = shared.patiently(patience, async {
            let closed = Error::closed("the client was closed");
            honored.await.unwrap_or(Err(closed))
        });
        let honored = honored.await;
        match honored {
            Ok(honored) => Ok(Self {
                queue,
                honored,
                task,
            }),
            Err(error) => {
                task.abort();
                Err(error)
            }
        }
    }

    /// What the server agreed to tell of; it may be less than what was asked.
    pub fn honored(&self) -> &SubscriptionFilter {
        &self.honored
    }

    /// The next notification; `None` when the client is closed. Cancel safe.
    pub async fn next(&mut self) -> Option<Notification> {
        StreamExt::next(self).await
    }
}

impl Stream for Subscription {
    type Item = Notification;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notification>> {
        self.queue.poll_next(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Opened = oneshot::Sender<Result<SubscriptionFilter>>;

/// The longest wait before a subscription is opened again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Keeps a subscription open until the client is closed, or it is dropped.
async fn keep(shared: Weak<Shared>, watch: Watch, queue: Arc<Queue>, opened: Opened) {
    let _end = EndOf(Arc::clone(&queue));
    let mut opened = Some(opened);
    let mut failed: u32 = 0;
    loop {
        let Some(client) = shared.upgrade() else {
            return;
        };
        if client.is_closed() {
            return;
        }
        let connection = client.connection().await;
        let ended = match connection {
            Ok(connection) if connection.is_modern() => {
                // Only the connection is held while the stream is open.
                drop(client);
                listen(&connection, &watch, &queue, &mut opened, &mut failed).await
            }
            Ok(connection) => {
                let wait = subscribe(
                    client,
                    &connection,
                    &watch,
                    &queue,
                    &mut opened,
                    &mut failed,
                );
                wait.await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            // Who has just asked is told; who was subscribed already is not let down.
            if let Some(opened) = opened.take() {
                let _ = opened.send(Err(error));
                return;
            }
            tracing::debug!(%error, "a subscription ended; opening it again");
        }
        failed += 1;
        let wait = Duration::from_millis(250) * 2_u32.saturating_pow(failed.min(10));
        tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
    }
}

/// Ends the queue when the task that fills it ends, however it does.
struct EndOf(Arc<Queue>);

impl Drop for EndOf {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn is_open(
    opened: &mut Option<Opened>,
    failed: &mut u32,
    queue: &Queue,
    honored: SubscriptionFilter,
) {
    *failed = 0;
    match opened.take() {
        Some(opened) => drop(opened.send(Ok(honored))),
        None => queue.push(Notification::Reconnected),
    }
}

/// One stream of 2026-07-28, until it ends.
async fn listen(
    connection: &Connection,
    watch: &Watch,
    queue: &Arc<Queue>,
    opened: &mut Option<Opened>,
    failed: &mut u32,
) -> Result<()> {
    let filter = watch.filter();
    let filter = at(&filter, connection.revision());
    let request = Request::new("subscriptions/listen").with("notifications", &filter)?;
    let id = connection.peer.next_id();
    let (acknowledged, mut agreed) = watch::channel(None);
    let told = Arc::clone(queue);
    let listen = Listen {
        tell: Box::new(move |notification| told.push(notification.clone())),
        acknowledged,
    };
    let _listening = connection.peer.listen(id, Arc::new(listen));
    let none = Members::default();
    let outgoing = Outgoing::new(id, &request, &connection.about, &none, false);
    let stream = connection.link.request(outgoing);
    tokio::pin!(stream);
    loop {
        tokio::select! {
            biased;
            changed = agreed.changed() => {
                if changed.is_ok() && let Some(honored) = agreed.borrow_and_update().clone() {
                    is_open(opened, failed, queue, honored);
                }
            }
            ended = &mut stream => {
                return match ended {
                    Ok(_) if opened.is_some() => Err(Error::closed(
                        "the server ended the subscription before it had begun",
                    )),
                    ended => ended.map(drop),
                };
            }
            () = connection.link.ended() => return Ok(()),
        }
    }
}

/// A subscription in a session, until its connection ends.
async fn subscribe(
    client: Arc<Shared>,
    connection: &Arc<Connection>,
    watch: &Watch,
    queue: &Arc<Queue>,
    opened: &mut Option<Opened>,
    failed: &mut u32,
) -> Result<()> {
    let mut changes = client.common.listeners.listen();
    let mut connections = client.connections.subscribe();
    let mut honored = watch.filter();
    let offered = &connection.info.capabilities;
    honored.tools_list_changed &= offered.tools.is_some_and(|it| it.list_changed);
    honored.prompts_list_changed &= offered.prompts.is_some_and(|it| it.list_changed);
    honored.resources_list_changed &= offered.resources.is_some_and(|it| it.list_changed);
    let patience = client.config.timeouts.request;
    for uri in &watch.uris {
        let request = Request::new("resources/subscribe").with("uri", uri)?;
        client
            .patiently(patience, connection.request(&request))
            .await?;
    }
    let _subscribed = Subscribed {
        connection: Arc::clone(connection),
        uris: watch.uris.clone(),
    };
    drop(client);
    // What changes before the session's stream is open would not be told.
    let listening = async {
        tokio::select! {
            () = connection.link.listening() => {}
            () = connection.link.ended() => {}
        }
    };
    let _ = tokio::time::timeout(patience, listening).await;
    is_open(opened, failed, queue, honored);
    connections.mark_unchanged();
    loop {
        tokio::select! {
            biased;
            notification = changes.next() => match notification {
                Some(Notification::Reconnected) => return Ok(()),
                Some(notification) if watch.wants(&notification) => queue.push(notification),
                Some(_) => {}
                None => return Ok(()),
            },
            changed = connections.changed() => {
                if changed.is_err() || !connection.link.is_open() {
                    return Ok(());
                }
            }
            () = connection.link.ended() => return Ok(()),
        }
    }
}

/// Takes subscriptions in a session back when they are no longer wanted.
struct Subscribed {
    connection: Arc<Connection>,
    uris: BTreeSet<String>,
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        if self.uris.is_empty() || !self.connection.link.is_open() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let connection = Arc::clone(&self.connection);
        let uris = std::mem::take(&mut self.uris);
        runtime.spawn(async move {
            for uri in &uris {
                let Ok(request) = Request::new("resources/unsubscribe").with("uri", uri) else {
                    continue;
                };
                let told = connection.request(&request);
                let _ = tokio::time::timeout(Duration::from_secs(5), told).await;
            }
        });
    }
}
