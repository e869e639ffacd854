//! [`Client`]: a server, from its client's side.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use wharf_protocol::completion::{CompleteResult, CompletionReference};
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::projection::at;
use wharf_protocol::prompts::{GetPromptResult, Prompt};
use wharf_protocol::resources::{ReadResourceResult, Resource, ResourceTemplate};
use wharf_protocol::roots::Root;
use wharf_protocol::tools::{CallToolResult, Tool};
use wharf_protocol::{ClientCapabilities, Revision, meta};
use wharf_server::Server;

use crate::asks::Asks;
use crate::builder::{Builder, Config};
use crate::call::{Call, Options};
use crate::child::Command;
use crate::connect::{Connection, Found, ServerInfo, connect};
use crate::error::{Error, Result};
use crate::link::Outgoing;
use crate::lists::Pages;
use crate::message::{Answer, Members, Request};
use crate::notification::{Notification, Notifications};
use crate::peer::{Common, Peer, Watcher};
use crate::subscription::{Subscription, Watch};
use crate::target::Target;
use crate::task::TaskCall;

/// A server, from its client's side. Cheap to clone; all clones share one connection, on which any
/// number of calls run at the same time.
///
/// A connection that is lost is opened again by the next call: a child that died is started, a
/// session that ended is begun anew. What was on its way then fails, unless it only reads.
///
/// **Cancel safety**: a call that is dropped is cancelled, and the server is told.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What the clones of a client share.
pub(crate) struct Shared {
    pub(crate) target: Target,
    pub(crate) config: Arc<Config>,
    pub(crate) common: Arc<Common>,
    connection: ArcSwapOption<Connection>,
    connecting: tokio::sync::Mutex<Attempts>,
    found: Mutex<Option<Found>>,
    /// Counts connections, for who must do something on each.
    pub(crate) connections: watch::Sender<u64>,
    closed: AtomicBool,
}

#[derive(Default)]
struct Attempts {
    /// Connections that ended soon after they began, one after the other.
    short: u32,
    last: Option<Instant>,
}

/// A connection that ends within this time is one that does not work.
const SHORT: Duration = Duration::from_secs(5);
/// The longest wait between two attempts to connect.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Client {
    /// A client that is set up before it connects.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Connects to an address: `http:`, `https:`, `ws:` or `wss:`.
    ///
    /// # Errors
    /// [`is_unreachable`](Error::is_unreachable) where nobody answers there, or nobody who speaks
    /// MCP; [`is_authorization_required`](Error::is_authorization_required);
    /// [`is_timeout`](Error::is_timeout), see [`Timeouts`](crate::Timeouts);
    /// [`is_unsupported`](Error::is_unsupported) where there is no revision that both sides speak.
    pub async fn connect(address: &str) -> Result<Self> {
        Self::builder().connect(address).await
    }

    /// Starts a program and connects to its standard streams. The words are split as a shell
    /// does, but none is involved; see [`Command`] for more than that.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub async fn spawn(command: &str) -> Result<Self> {
        Self::builder().open(Command::parse(command)?).await
    }

    /// Connects to a server in this process.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect); the server's own log says why it did not start.
    pub async fn in_process(server: Server) -> Result<Self> {
        Self::builder().open(Target::server(server)).await
    }

    /// Connects over streams that carry a message a line, such as a Unix socket. They cannot be
    /// opened again.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub async fn over<R, W>(reader: R, writer: W) -> Result<Self>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self::builder().open(Target::streams(reader, writer)).await
    }

    pub(crate) async fn open(target: Target, config: Config, asks: Asks) -> Result<Self> {
        let shared = Arc::new(Shared {
            target,
            config: Arc::new(config),
            common: Arc::new(Common::new(asks)),
            connection: ArcSwapOption::empty(),
            connecting: tokio::sync::Mutex::default(),
            found: Mutex::default(),
            connections: watch::Sender::new(0),
            closed: AtomicBool::new(false),
        });
        shared.connection().await?;
        Ok(Self { shared })
    }

    /// What the server says about itself, and how it is spoken to.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect), where the connection was lost.
    pub async fn info(&self) -> Result<ServerInfo> {
        Ok(self.shared.connection().await?.info.clone())
    }

    /// Asks whether the server is there: `ping`, and in 2026-07-28, which has none,
    /// `server/discover`.
    pub fn ping(&self) -> Call<()> {
        self.start(Ok(Request::new("ping"))).fresh()
    }

    /// The tools, over all pages.
    pub fn tools(&self) -> Pages<Tool> {
        Pages::new(&self.shared, "tools/list", "tools")
    }

    /// The resources, over all pages.
    pub fn resources(&self) -> Pages<Resource> {
        Pages::new(&self.shared, "resources/list", "resources")
    }

    /// The templates of resources, over all pages.
    pub fn resource_templates(&self) -> Pages<ResourceTemplate> {
        Pages::new(
            &self.shared,
            "resources/templates/list",
            "resourceTemplates",
        )
    }

    /// The prompts, over all pages.
    pub fn prompts(&self) -> Pages<Prompt> {
        Pages::new(&self.shared, "prompts/list", "prompts")
    }

    /// Calls a tool. The arguments are anything that is written as a JSON object.
    ///
    /// A result that says that the tool failed (`isError`) is a result. Where the server makes a
    /// task of the call, its end is waited for. Structured results are checked against the schema
    /// that the tool declares.
    pub fn call(&self, tool: &str, arguments: impl Serialize) -> Call<CallToolResult> {
        let request = Request::new("tools/call").named("name", tool);
        self.start(request.and_then(|request| request.with("arguments", &arguments)))
    }

    /// Calls a tool as a task, which goes on without a connection.
    pub fn call_task(&self, tool: &str, arguments: impl Serialize) -> TaskCall {
        TaskCall::new(self.call(tool, arguments))
    }

    /// Reads a resource.
    pub fn read(&self, uri: &str) -> Call<ReadResourceResult> {
        self.start(Request::new("resources/read").named("uri", uri))
    }

    /// Gets a prompt. The arguments are anything that is written as a JSON object of strings.
    pub fn prompt(&self, name: &str, arguments: impl Serialize) -> Call<GetPromptResult> {
        let request = Request::new("prompts/get").named("name", name);
        self.start(request.and_then(|request| request.with("arguments", &arguments)))
    }

    /// Asks for suggestions for the argument of a prompt or the variable of a template.
    /// `context` are the arguments that are known already: an object of strings.
    pub fn complete(
        &self,
        reference: &CompletionReference,
        argument: &str,
        value: &str,
        context: &std::collections::BTreeMap<String, String>,
    ) -> Call<CompleteResult> {
        let argument = serde_json::json!({ "name": argument, "value": value });
        let request = Request::new("completion/complete")
            .with("ref", &at(reference, Revision::LATEST_LEGACY))
            .and_then(|request| request.with("argument", &argument));
        let request = match request {
            Ok(request) if !context.is_empty() => {
                request.with("context", &serde_json::json!({ "arguments": context }))
            }
            request => request,
        };
        self.start(request)
    }

    /// Sends any request, and gives its result as whatever type it is read as:
    /// `Box<RawValue>` for the JSON just as the server wrote it.
    pub fn request<T: DeserializeOwned>(
        &self,
        method: impl Into<String>,
        params: impl Serialize,
    ) -> Call<T> {
        let request = Members::of(&params).map(|params| Request {
            params,
            ..Request::new(method.into())
        });
        self.start(request)
    }

    /// Sends any notification.
    pub async fn notify(&self, method: impl Into<String>, params: impl Serialize) -> Result<()> {
        let request = Request {
            params: Members::of(&params)?,
            ..Request::new(method.into())
        };
        let connection = self.shared.connection().await?;
        connection.link.notify(&request).await
    }

    fn start<T>(&self, request: Result<Request>) -> Call<T> {
        Call::new(&self.shared, request)
    }

    /// What the server says from now on: log messages, and in sessions also what changes.
    /// In 2026-07-28 a client is told of changes only where it [watches](Self::watch).
    pub fn notifications(&self) -> Notifications {
        self.shared.common.listeners.listen()
    }

    /// Asks to be told of changes, over reconnects, until the subscription is dropped.
    ///
    /// # Errors
    /// What the server answers, and those of [`connect`](Self::connect).
    pub async fn watch(&self, watch: Watch) -> Result<Subscription> {
        Subscription::open(&self.shared, watch).await
    }

    /// From which level on log messages are sent. In the revisions of sessions the server is told
    /// at once; in 2026-07-28 each further request says it.
    ///
    /// # Errors
    /// What the server answers.
    pub async fn set_log_level(&self, level: LoggingLevel) -> Result<()> {
        *self
            .shared
            .common
            .log_level
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(level);
        if self.shared.connection().await?.is_modern() {
            return Ok(());
        }
        let request = Request::new("logging/setLevel").with("level", &level);
        self.start::<serde::de::IgnoredAny>(request).await?;
        Ok(())
    }

    /// Changes the roots, and tells the server.
    ///
    /// # Errors
    /// Where none were given to the [`Builder`].
    pub async fn set_roots(&self, roots: impl IntoIterator<Item = Root>) -> Result<()> {
        self.shared
            .common
            .asks
            .set_roots(roots.into_iter().collect())?;
        let connection = self.shared.connection().await?;
        if !connection.is_modern() {
            let changed = Request::new("notifications/roots/list_changed");
            connection.link.notify(&changed).await?;
        }
        Ok(())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Ends the connection in the order that its transport has: a session is ended, the input of
    /// a child is closed and its end waited for. Calls that run fail.
    pub async fn close(self) {
        self.shared.close().await;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("target", &self.shared.target)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn peer(&self) -> Arc<Peer> {
        Arc::new(Peer::new(Arc::clone(&self.common)))
    }

    pub(crate) fn may_be_modern(&self) -> bool {
        self.config.revision.is_none_or(Revision::is_modern)
    }

    pub(crate) fn may_be_legacy(&self) -> bool {
        self.config
            .revision
            .is_none_or(|revision| !revision.is_modern())
    }

    pub(crate) fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities {
            extensions: self.config.extensions.clone(),
            ..self.common.asks.capabilities()
        }
    }

    /// What stands in `_meta` of every request of a modern revision.
    pub(crate) fn about(&self, revision: Revision) -> Result<Members> {
        let mut about = Members::default();
        about.put(meta::PROTOCOL_VERSION, revision.as_str())?;
        about.put(meta::CLIENT_INFO, &at(&self.config.info, revision))?;
        about.put(
            meta::CLIENT_CAPABILITIES,
            &at(&self.capabilities(), revision),
        )?;
        Ok(about)
    }

    /// The connection, opened if there is none.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>> {
        match self.open_connection() {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    fn open_connection(&self) -> Option<Arc<Connection>> {
        let connection = self.connection.load_full()?;
        connection.link.is_open().then_some(connection)
    }

    async fn connect(&self) -> Result<Arc<Connection>> {
        let mut attempts = self.connecting.lock().await;
        if let Some(connection) = self.open_connection() {
            return Ok(connection);
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::closed("the client was closed"));
        }
        let old = self.connection.swap(None);
        if let Some(old) = &old {
            // What is left of it, such as a child that does not read any more.
            old.link.close().await;
        }
        match attempts.last {
            Some(last) if last.elapsed() < SHORT => {
                let wait = Duration::from_millis(100) * 2_u32.saturating_pow(attempts.short);
                attempts.short += 1;
                tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            }
            _ => attempts.short = 0,
        }
        attempts.last = Some(Instant::now());
        let found = *self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let connected = match connect(self, found).await {
            // What was found may have changed: the server may be another by now.
            Err(error) if found.is_some() && !error.is_unreachable() => {
                tracing::debug!(%error, "looking anew how the server is to be spoken to");
                connect(self, None).await
            }
            connected => connected,
        };
        let connection = Arc::new(connected?);
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.found());
        self.connection.store(Some(Arc::clone(&connection)));
        if self.closed.load(Ordering::Acquire) {
            connection.link.close().await;
            return Err(Error::closed("the client was closed"));
        }
        self.connections.send_modify(|count| *count += 1);
        if old.is_some() {
            self.common.tell(&Notification::Reconnected);
        }
        Ok(connection)
    }

    /// Waits for what has a time limit, in which the client's own work does not count.
    pub(crate) async fn patiently<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.within(patience, None, None, work).await
    }

    /// The same, with progress that extends the time up to a maximum.
    async fn within<T>(
        &self,
        patience: Duration,
        most: Option<Duration>,
        watcher: Option<&Watcher>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let began = Instant::now();
        let mut paused = Duration::ZERO;
        tokio::pin!(work);
        let mut deadline = began + patience;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep_until(deadline.into()) => {}
            }
            if self.common.is_busy() {
                // A person is at it, here.
                let pause = patience.min(Duration::from_secs(1));
                paused += pause;
                deadline = Instant::now() + pause;
                continue;
            }
            let end = most.map(|most| began + most + paused);
            let last = watcher.map_or(began, Watcher::last).max(began);
            let extended = match end {
                Some(end) => (last + patience + paused).min(end),
                None => began + patience + paused,
            };
            if extended <= Instant::now() {
                let waited = began.elapsed().saturating_sub(paused);
                let waited =
                    Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
                return Err(Error::timed_out("the server did not answer", waited));
            }
            deadline = extended;
        }
    }

    /// One request and its answer, whatever kind of answer it is. Sent again where that is safe.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        rounds: &Members,
        options: &Options,
    ) -> Result<(Arc<Connection>, Answer)> {
        let mut lost = 0;
        loop {
            let connection = self.connection().await?;
            let answer = self.send(&connection, request, rounds, options).await;
            let error = match answer {
                Ok(answer) => return Ok((connection, answer)),
                Err(error) => error,
            };
            let again = if error.is_session_gone() {
                // The server has not looked at it.
                lost == 0
            } else {
                (error.is_closed() || error.is_unreachable())
                    && request.is_read()
                    && lost < self.config.limits.retries
                    && !self.closed.load(Ordering::Acquire)
            };
            if !again {
                return Err(error);
            }
            lost += 1;
            tracing::debug!(%error, method = %request.method, "sent again");
            tokio::time::sleep(Duration::from_millis(50) * 4_u32.saturating_pow(lost - 1)).await;
        }
    }

    async fn send(
        &self,
        connection: &Arc<Connection>,
        request: &Request,
        rounds: &Members,
        options: &Options,
    ) -> Result<Answer> {
        let id = connection.peer.next_id();
        let watcher = options.watcher.clone();
        let _watched = watcher
            .as_ref()
            .map(|watcher| connection.peer.watch(id, Arc::clone(watcher)));
        let mut about = std::borrow::Cow::Borrowed(&connection.about);
        if connection.is_modern()
            && let Some(level) = options.log_level.or_else(|| self.log_level())
        {
            about.to_mut().put(meta::LOG_LEVEL, &level)?;
        }
        let renamed;
        let request = if connection.is_modern() && request.method == "ping" {
            renamed = Request::new(connection.ping());
            &renamed
        } else {
            request
        };
        let outgoing = Outgoing::new(id, request, &about, rounds, watcher.is_some());
        let timeout = options.timeout.unwrap_or(self.config.timeouts.request);
        let most = options.most.or(self.config.timeouts.with_progress);
        let heard = connection.link.heard();
        let work = connection.link.request(outgoing);
        let answer = self.within(timeout, most, watcher.as_deref(), work).await;
        if answer.as_ref().is_err_and(Error::is_timeout) && connection.link.heard() == heard {
            self.doubt(connection);
        }
        answer
    }

    fn log_level(&self) -> Option<LoggingLevel> {
        let set = *self
            .common
            .log_level
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        set.or(self.config.log_level)
    }

    /// A request of the client's own, with nothing special about it.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        let none = Members::default();
        let (_, answer) = self.exchange(request, &none, &Options::default()).await?;
        answer.read()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.connections.send_modify(|count| *count += 1);
        if let Some(connection) = self.connection.swap(None) {
            connection.link.close().await;
        }
        self.common.listeners.end();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.common.listeners.end();
        if let Some(connection) = self.connection.swap(None) {
            connection.link.abandon();
        }
    }
}
