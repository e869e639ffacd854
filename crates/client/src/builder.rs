//! [`Builder`]: a client before it connects.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use wharf_auth::Authorize;
use wharf_protocol::content::Implementation;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::roots::Root;
use wharf_protocol::{CreateMessageParams, CreateMessageResult, ElicitResult, Revision};

use crate::asks::{AskError, Asks, Form, Page, handler};
use crate::client::Client;
use crate::connect::Transport;
use crate::error::{Error, Result};
use crate::target::Target;

/// How long a client waits, for each thing that may not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection: TCP, TLS, the handshake of a WebSocket. 10 seconds.
    pub connect: Duration,
    /// For the first answer of a child or a WebSocket before the handshake of the older revisions
    /// is tried beside it. 3 seconds.
    pub probe: Duration,
    /// For a server to start: until it has answered how it is to be spoken to. 30 seconds.
    pub start: Duration,
    /// For an answer. The time that the client itself takes to answer a server's question does
    /// not count. 60 seconds.
    pub request: Duration,
    /// For an answer in all, where progress may extend the time: each notification of progress
    /// gives the request its time anew, up to this. None: progress does not extend it.
    pub with_progress: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            probe: Duration::from_secs(3),
            start: Duration::from_secs(30),
            request: Duration::from_secs(60),
            with_progress: None,
        }
    }
}

/// How much a client takes from a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message. 64 MiB.
    pub message_bytes: usize,
    /// Rounds in which one request may ask for input. 32.
    pub rounds: usize,
    /// Items of one list, over all its pages. 100,000.
    pub list_items: usize,
    /// How often a request is sent again where a server says that it has not worked on it (429,
    /// 503 with `Retry-After`), or where it only reads and the connection broke. 2.
    pub retries: u32,
    /// How often a stream that broke off is taken up again without a message in between. 5.
    pub reconnects: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024 * 1024,
            rounds: 32,
            list_items: 100_000,
            retries: 2,
            reconnects: 5,
        }
    }
}

/// What all connections of a client share.
pub(crate) struct Config {
    pub(crate) info: Implementation,
    pub(crate) headers: HeaderMap,
    pub(crate) authorize: Option<Arc<dyn Authorize>>,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) revision: Option<Revision>,
    pub(crate) transport: Option<Transport>,
    pub(crate) extensions: Map<String, Value>,
    pub(crate) log_level: Option<LoggingLevel>,
    pub(crate) cache: bool,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may hold secrets.
        f.debug_struct("Config")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// A client before it connects: who it is, what it answers, how long it waits.
///
/// ```no_run
/// use std::time::Duration;
/// use wharf_client::{Client, Form};
/// use wharf_protocol::ElicitResult;
///
/// # async fn f() -> wharf_client::Result<()> {
/// let client = Client::builder()
///     .name("my-client", "1.0.0")
///     .on_elicit(|form: Form| async move {
///         println!("{}", form.message);
///         Ok(ElicitResult::decline())
///     })
///     .request_timeout(Duration::from_secs(10))
///     .connect("https://example.com/mcp")
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct Builder {
    config: Config,
    asks: Asks,
    wrong: Option<Error>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("config", &self.config)
            .field("asks", &self.asks)
            .finish()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            config: Config {
                info: Implementation::new("wharf", env!("CARGO_PKG_VERSION")),
                headers: HeaderMap::new(),
                authorize: None,
                timeouts: Timeouts::default(),
                limits: Limits::default(),
                revision: None,
                transport: None,
                extensions: Map::from_iter([(
                    wharf_protocol::tasks::EXTENSION.to_owned(),
                    Value::Object(Map::new()),
                )]),
                log_level: None,
                cache: true,
            },
            asks: Asks::default(),
            wrong: None,
        }
    }
}

impl Builder {
    /// Who the client says it is. `wharf` and its version, unless told otherwise.
    #[must_use]
    pub fn name(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.info(Implementation::new(name, version))
    }

    /// The same, with all that can be said.
    #[must_use]
    pub fn info(mut self, info: Implementation) -> Self {
        self.config.info = info;
        self
    }

    /// A header on every HTTP request, such as an API key. Kept out of logs and errors.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value).ok());
        match header {
            Some((name, mut value)) => {
                value.set_sensitive(true);
                self.config.headers.append(name, value);
            }
            None => {
                self.wrong = Some(Error::usage(format!(
                    "`{}` cannot be a header with this value",
                    crate::error::escape(name)
                )));
            }
        }
        self
    }

    /// What puts credentials on HTTP requests: a token at hand ([`Bearer`](wharf_auth::Bearer)),
    /// or with the feature `oauth` signing in.
    #[must_use]
    pub fn authorize(mut self, authorize: impl Authorize) -> Self {
        self.config.authorize = Some(Arc::new(authorize));
        self
    }

    /// Fills in forms (spec 2026-07-28, client/elicitation). What a form has a default for and the
    /// answer leaves out is filled in. Without a handler servers are told that there is no one to
    /// ask.
    #[must_use]
    pub fn on_elicit<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Form) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ElicitResult, AskError>> + Send + 'static,
    {
        self.asks.form = Some(handler(f));
        self
    }

    /// Sends a person to a page (spec 2026-07-28, client/elicitation, "URL mode"). The handler
    /// shows the address, asks, and opens it only then.
    #[must_use]
    pub fn on_elicit_url<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(Page) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ElicitResult, AskError>> + Send + 'static,
    {
        self.asks.page = Some(handler(f));
        self
    }

    /// Lets servers use a model (spec 2026-07-28, client/sampling). A person should be able to
    /// see and to refuse what is asked.
    #[must_use]
    pub fn on_sample<F, Fut>(mut self, f: F) -> Self
    where
        F: Fn(CreateMessageParams) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CreateMessageResult, AskError>> + Send + 'static,
    {
        self.asks.sample = Some(handler(f));
        self
    }

    /// Says that the model of [`on_sample`](Self::on_sample) can be given tools.
    #[must_use]
    pub fn samples_with_tools(mut self) -> Self {
        self.asks.sampling.tools = true;
        self
    }

    /// The places that servers may work in (spec 2026-07-28, client/roots). They can be changed
    /// with [`Client::set_roots`].
    #[must_use]
    pub fn roots(mut self, roots: impl IntoIterator<Item = Root>) -> Self {
        self.asks.roots = Some(RwLock::new(roots.into_iter().collect()));
        self
    }

    /// Declares an extension with its settings, a JSON object.
    #[must_use]
    pub fn extension(mut self, id: impl Into<String>, settings: Value) -> Self {
        self.config.extensions.insert(id.into(), settings);
        self
    }

    /// Declares no tasks of 2026-07-28, so that servers answer every call while it is waited for,
    /// with its progress and its log messages, and never later.
    #[must_use]
    pub fn without_tasks(mut self) -> Self {
        self.config
            .extensions
            .remove(wharf_protocol::tasks::EXTENSION);
        self
    }

    /// Asks for log messages from this level on; they come as
    /// [`Notification::Log`](crate::Notification::Log).
    #[must_use]
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        self.config.log_level = Some(level);
        self
    }

    /// Speaks this revision only, instead of the newest that both sides have.
    #[must_use]
    pub fn revision(mut self, revision: Revision) -> Self {
        self.config.revision = Some(revision);
        self
    }

    /// Uses this transport only: Streamable HTTP or HTTP+SSE, instead of finding it out.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.config.transport = Some(transport);
        self
    }

    /// How long to wait.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.config.timeouts = timeouts;
        self
    }

    /// How long to wait for an answer; see [`Timeouts::request`].
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.config.timeouts.request = timeout;
        self
    }

    /// How much to take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Asks the server each time, also where it lets its results be kept
    /// (spec 2026-07-28, server/utilities/caching).
    #[must_use]
    pub fn without_cache(mut self) -> Self {
        self.config.cache = false;
        self
    }

    /// Connects to an address: `http:`, `https:`, `ws:` or `wss:`.
    ///
    /// # Errors
    /// Those of [`Client::connect`].
    pub async fn connect(self, address: &str) -> Result<Client> {
        self.open(Target::url(address)?).await
    }

    /// Connects to whatever it is.
    ///
    /// # Errors
    /// Those of [`Client::connect`].
    pub async fn open(self, target: impl Into<Target>) -> Result<Client> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        Client::open(target.into(), self.config, self.asks).await
    }
}
