//! [`Server`]: what is served, and how it starts.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;
use wharf_protocol::content::{Icon, Implementation};
use wharf_protocol::projection::at;
use wharf_protocol::revision::Revision;
use wharf_state::State as Store;

use crate::app::{self, App};
use crate::ask::journal::KeyRing;
use crate::catalog::listing::ResourceListing;
use crate::catalog::model::ModelHandler;
use crate::catalog::prompt::IntoPrompt;
use crate::catalog::resource::IntoResource;
use crate::catalog::tool::IntoTool;
use crate::catalog::{CatalogHandle, CatalogSettings, PageSettings};
use crate::context::Context;
use crate::core::{Caching, Core, States};
use crate::error::{BoxError, Error, Result};
use crate::extension::Extension;
use crate::group::{Group, Items};
use crate::handler::text::shown;
use crate::hooks::Added;
use crate::hub::{Lists, Notice};
use crate::interpret::Interpreter;
use crate::limits::Limits;
use crate::low_level::Method;
use crate::middleware::{Call, Next, PromptCall, ReadCall, RequestCall, ToolCall};
use crate::observe::{Observer, Observers};
use crate::transport::http::{self, HttpOptions, HttpServer};
use crate::transport::in_process::InProcess;
use crate::transport::stdio;

/// A server: tools, resources and prompts, and the way they are served.
///
/// ```no_run
/// use wharf_server::{Context, Result, Server, Tool};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Add { a: i64, b: i64 }
///
/// # async fn example() -> Result<()> {
/// Server::new("Demo")
///     .tool(Tool::new("add").handler(|args: Add, _: Context| async move { args.a + args.b }))
///     .run()
///     .await
/// # }
/// ```
#[must_use = "a server does nothing until it is run"]
pub struct Server {
    info: Implementation,
    instructions: Option<String>,
    limits: Limits,
    caching: Caching,
    states: States,
    items: Items,
    offered: Lists,
    extensions: Vec<Extension>,
    hooks: Option<Box<Added>>,
    interpreter: Option<Arc<dyn Interpreter>>,
    observers: Observers,
    has_apps: bool,
    #[cfg(feature = "skills")]
    skills: Vec<crate::skills::Skill>,
    http: HttpOptions,
    keys: Option<KeyRing>,
    store: Option<Arc<dyn Store>>,
    task_after: Option<Duration>,
    catalog: CatalogHandle,
    starts: Vec<Start>,
}

pub(crate) type Stop = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
type Started = Result<(Box<dyn FnOnce(&mut States) + Send>, Stop)>;
type Start = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Started> + Send>> + Send>;

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server of this name, with nothing in it yet.
    pub fn new(name: impl Into<String>) -> Self {
        let info = Implementation {
            name: name.into(),
            version: "0.1.0".into(),
            ..Implementation::default()
        };
        Self {
            info,
            instructions: None,
            limits: Limits::default(),
            caching: Caching::default(),
            states: States::default(),
            items: Items::new(),
            offered: Lists::default(),
            extensions: Vec::new(),
            hooks: None,
            interpreter: None,
            observers: Observers::default(),
            has_apps: false,
            #[cfg(feature = "skills")]
            skills: Vec::new(),
            http: HttpOptions::default(),
            keys: None,
            store: None,
            task_after: None,
            catalog: CatalogHandle::default(),
            starts: Vec::new(),
        }
    }

    /// The version of the server itself. Default `0.1.0`; usually `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.info.version = version.into();
        self
    }

    /// A name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = Some(title.into());
        self
    }

    /// What the server is for, in a sentence.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// Where there is more to read about it.
    pub fn website_url(mut self, url: impl Into<String>) -> Self {
        self.info.website_url = Some(url.into());
        self
    }

    /// Adds an icon.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.info.icons.push(icon);
        self
    }

    /// What a model should know to use the server well.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Adds a tool: a function with `#[tool]`, or a [`Tool`](crate::Tool).
    pub fn tool(mut self, tool: impl IntoTool) -> Self {
        self.items = self.items.tool(tool);
        self
    }

    /// Adds a resource or a template: a function with `#[resource]`, or a
    /// [`Resource`](crate::Resource).
    pub fn resource(mut self, resource: impl IntoResource) -> Self {
        self.items = self.items.resource(resource);
        self
    }

    /// Adds a prompt: a function with `#[prompt]`, or a [`Prompt`](crate::Prompt).
    pub fn prompt(mut self, prompt: impl IntoPrompt) -> Self {
        self.items = self.items.prompt(prompt);
        self
    }

    /// Adds resources that are listed page by page; see [`ResourceListing`].
    pub fn listing(mut self, listing: impl ResourceListing) -> Self {
        self.items = self.items.listing(listing);
        self
    }

    /// Sets the model that clients may ask; see [`ModelHandler`].
    pub fn model(mut self, model: impl ModelHandler) -> Self {
        self.items = self.items.model(model);
        self
    }

    /// Adds what an impl block with `#[tools]` offers, or any other group.
    pub fn items(mut self, group: impl Group) -> Self {
        self.items = self.items.and(Arc::new(group).items());
        self
    }

    /// Adds a group under a name of its own: tool `add` of group `math` is `math.add`.
    pub fn group(mut self, name: &str, group: impl Group) -> Self {
        let items = Arc::new(group).items().prefixed(name);
        self.items = self.items.and(items);
        self
    }

    /// Offers lists even while they are empty, for items that come at run time.
    pub fn offer(mut self, lists: Lists) -> Self {
        self.offered = lists;
        self
    }

    /// Adds an interactive page for tools that name it with [`Tool::ui`](crate::Tool::ui), and with
    /// the first one the extension `io.modelcontextprotocol/ui`.
    pub fn app(mut self, app: App) -> Self {
        self.has_apps = true;
        self.resource(app)
    }

    /// Adds an extension of the protocol.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Adds a skill, and with the first one the extension `io.modelcontextprotocol/skills`.
    #[cfg(feature = "skills")]
    pub fn skill(mut self, skill: crate::Skill) -> Self {
        self.skills.push(skill);
        self
    }

    /// Adds several skills, such as [`Skill::all_in`](crate::Skill::all_in) finds.
    #[cfg(feature = "skills")]
    pub fn skills(mut self, skills: impl IntoIterator<Item = crate::Skill>) -> Self {
        self.skills.extend(skills);
        self
    }

    /// Puts a layer around every call of a tool; see [`middleware`](crate::middleware).
    pub fn layer_tools<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next<ToolCall>> + Send + Sync + 'static,
        L::Service: Service<ToolCall, Response = <ToolCall as Call>::Output>,
        L::Service: Clone + Send + Sync + 'static,
        <L::Service as Service<ToolCall>>::Future: Send,
        <L::Service as Service<ToolCall>>::Error: Into<BoxError>,
    {
        self.hooks.get_or_insert_default().tools.add(layer);
        self
    }

    /// Puts a layer around every reading of a resource.
    pub fn layer_reads<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next<ReadCall>> + Send + Sync + 'static,
        L::Service: Service<ReadCall, Response = <ReadCall as Call>::Output>,
        L::Service: Clone + Send + Sync + 'static,
        <L::Service as Service<ReadCall>>::Future: Send,
        <L::Service as Service<ReadCall>>::Error: Into<BoxError>,
    {
        self.hooks.get_or_insert_default().reads.add(layer);
        self
    }

    /// Puts a layer around every filling in of a prompt.
    pub fn layer_prompts<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next<PromptCall>> + Send + Sync + 'static,
        L::Service: Service<PromptCall, Response = <PromptCall as Call>::Output>,
        L::Service: Clone + Send + Sync + 'static,
        <L::Service as Service<PromptCall>>::Future: Send,
        <L::Service as Service<PromptCall>>::Error: Into<BoxError>,
    {
        self.hooks.get_or_insert_default().prompts.add(layer);
        self
    }

    /// Puts a layer around every request, whatever its method: for logs, metrics, rate limits. An error
    /// of the layer is the JSON-RPC error that the client gets.
    pub fn layer_requests<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next<RequestCall>> + Send + Sync + 'static,
        L::Service: Service<RequestCall, Response = <RequestCall as Call>::Output>,
        L::Service: Clone + Send + Sync + 'static,
        <L::Service as Service<RequestCall>>::Future: Send,
        <L::Service as Service<RequestCall>>::Error: Into<BoxError>,
    {
        self.hooks.get_or_insert_default().requests.add(layer);
        self
    }

    /// Tells an observer of every request that was answered: the [audit log](crate::AuditLog),
    /// [metrics](crate::Metrics), or one's own. There may be several.
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.add(Arc::new(observer));
        self
    }

    /// Handles a method as a whole, instead of the catalog: typed parameters in, the
    /// specification's result out. What is handled is declared in the server's capabilities; the
    /// methods that are not are the catalog's as before. Handling a method twice keeps the second
    /// handler. Handlers of [`CallTool`](crate::low_level::CallTool),
    /// [`ReadResource`](crate::low_level::ReadResource) and
    /// [`GetPrompt`](crate::low_level::GetPrompt) can ask the client, the others cannot.
    ///
    /// ```
    /// use wharf_server::low_level::{CallTool, CallToolParams, ListParams, ListTools};
    /// use wharf_server::{Context, Error, Server};
    /// # use wharf_protocol::tools::{CallToolResult, ListToolsResult};
    ///
    /// let server = Server::new("Demo")
    ///     .handle(ListTools, |_: ListParams, _: Context| async {
    ///         Ok::<_, Error>(ListToolsResult::default())
    ///     })
    ///     .handle(CallTool, |call: CallToolParams, _: Context| async move {
    ///         match call.name.as_str() {
    ///             "echo" => Ok(CallToolResult::text(call.arguments.get())),
    ///             name => Err(Error::protocol(-32602, format!("unknown tool `{name}`"))),
    ///         }
    ///     });
    /// ```
    pub fn handle<M, F, Fut, E>(mut self, method: M, handler: F) -> Self
    where
        M: Method,
        F: Fn(M::Params, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<M::Output, E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let _ = method;
        let handlers = &mut self.hooks.get_or_insert_default().handlers;
        *(M::parts().place)(handlers) = Some(Arc::new(move |params, ctx| {
            let handling = handler(params, ctx);
            Box::pin(async move { handling.await.map_err(Error::from_display) })
        }));
        self
    }

    /// Lets an interpreter take clients whose `initialize` names no `protocolVersion`; see
    /// [`interpret`](crate::interpret). Without one they are refused.
    pub fn interpreter(mut self, interpreter: impl Interpreter) -> Self {
        self.interpreter = Some(Arc::new(interpreter));
        self
    }

    /// Gives handlers a value, which they find by its type as `State<T>`.
    pub fn state<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.states.insert(Arc::new(value));
        self
    }

    /// Makes a value when the server starts, and puts it away when it has stopped; handlers find
    /// it as `State<T>`. A start that fails keeps the server from starting.
    pub fn lifespan<T, E, F, Fut, G, GFut>(mut self, start: F, stop: G) -> Self
    where
        T: Any + Send + Sync,
        E: fmt::Display + Send + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        G: FnOnce(Arc<T>) -> GFut + Send + Sync + 'static,
        GFut: Future<Output = ()> + Send + 'static,
    {
        self.starts.push(Box::new(move || {
            Box::pin(async move {
                let value = Arc::new(start().await.map_err(Error::from_display)?);
                let shared = Arc::clone(&value);
                let insert: Box<dyn FnOnce(&mut States) + Send> =
                    Box::new(move |states| states.insert(shared));
                let stop: Stop = Box::new(move || Box::pin(stop(value)));
                Ok((insert, stop))
            })
        }));
        self
    }

    /// Sets the limits.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long clients may keep what they read.
    pub fn caching(mut self, caching: Caching) -> Self {
        self.caching = caching;
        self
    }

    /// Sets how the server is reached over HTTP.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Sets the keys that seal what 2026-07-28 clients carry between rounds. Without it a durable
    /// [`store`](Self::store) keeps random ones; otherwise they are random for each process, and
    /// whatever was under way is lost with it.
    pub fn keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets where the server keeps what calls share, such as the steps of
    /// [`Context::once`](crate::Context::once). Default: in the memory of the process.
    ///
    /// With a store that is durable, sessions of the handshake revisions over HTTP and their event
    /// streams outlive the process: a client goes on as if nothing had happened, and a call that
    /// ran when the process ended is answered with an error. A store that fails makes requests that
    /// need it fail with HTTP 503.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Makes a task of every call that lasts longer than this, for clients that take one unasked
    /// (the tasks extension, since 2026-07-28). By default only tools that say so become tasks.
    pub fn task_after(mut self, time: Duration) -> Self {
        self.task_after = Some(time);
        self
    }

    /// The catalog, to change while the server runs. It can be taken before the start and kept.
    pub fn catalog(&self) -> &CatalogHandle {
        &self.catalog
    }

    /// Every page that a tool names must be there: a host would show an error in its place.
    fn check_pages(&self) -> Result<()> {
        let handlers = self.hooks.as_ref().map(|hooks| &hooks.handlers);
        if handlers.is_some_and(|handlers| handlers.know_resources()) {
            return Ok(());
        }
        let catalog = self.catalog.load();
        for tool in &self.items.tools {
            let Some(page) = tool.page() else { continue };
            let added = self.items.resources.iter().any(|added| added.uri() == page);
            if !added && !catalog.has_resource(page) {
                return Err(Error::invalid_definition(format_args!(
                    "tool `{}`: its page `{}` is no resource of this server: add it with `.app(…)`",
                    shown(tool.name()),
                    shown(page)
                )));
            }
        }
        Ok(())
    }

    #[cfg(feature = "skills")]
    async fn with_skills(mut self) -> Result<Self> {
        let skills = std::mem::take(&mut self.skills);
        if !skills.is_empty() {
            let load = || skills.into_iter().map(crate::Skill::load).collect();
            let loaded: Result<Vec<_>> = tokio::task::spawn_blocking(load).await?;
            self.items.skills.get_or_insert_default().extend(loaded?);
        }
        Ok(self)
    }

    pub(crate) async fn start(self) -> Result<(Arc<Core>, HttpOptions)> {
        #[cfg(feature = "skills")]
        let this = self.with_skills().await?;
        #[cfg(not(feature = "skills"))]
        let this = self;
        this.begin().await
    }

    async fn begin(self) -> Result<(Arc<Core>, HttpOptions)> {
        self.check_pages()?;
        let server_info = serde_json::value::to_raw_value(&at(&self.info, Revision::LATEST))?;
        let pages = PageSettings {
            size: self.limits.page_items,
            server_info: Some(server_info),
            cache: Some(self.caching.lists),
        };
        let settings = CatalogSettings {
            pages,
            ..CatalogSettings::default()
        };
        self.catalog.open(self.items, settings)?;
        let mut core = Core::new(self.info, self.catalog);
        core.instructions = self.instructions;
        core.limits = self.limits;
        core.caching = self.caching;
        core.offered = self.offered;
        core.states = self.states;
        core.task_after = self.task_after;
        core.hooks = self.hooks.map(Into::into);
        core.interpreter = self.interpreter;
        core.observers = self.observers;
        if self.has_apps {
            core.extensions.add(Extension::new(app::ID))?;
        }
        #[cfg(feature = "skills")]
        if core.catalog.peek().skills().is_some() || !self.extensions.iter().any(is_for_skills) {
            core.extensions.add(crate::skills::extension())?;
        }
        for extension in self.extensions {
            core.extensions.add(extension)?;
        }
        if let Some(store) = self.store {
            core.set_store(store);
        }
        core.keys = match self.keys {
            Some(keys) => keys,
            None if core.store.is_durable() => crate::durable::keys::kept(&*core.store).await?,
            None => core.keys,
        };
        let hub = Arc::clone(&core.hub);
        core.catalog.on_change(move |changed| {
            let notices = [
                (changed.tools, Notice::ToolsChanged),
                (changed.resources, Notice::ResourcesChanged),
                (changed.prompts, Notice::PromptsChanged),
            ];
            for (_, notice) in notices.iter().filter(|(changed, _)| *changed) {
                hub.publish(notice);
            }
        });
        let hub = Arc::clone(&core.hub);
        core.catalog
            .on_resource_updated(move |uri| hub.publish(&Notice::Updated(uri.into())));
        let mut stops = Vec::new();
        for start in self.starts {
            match start().await {
                Ok((insert, stop)) => {
                    insert(&mut core.states);
                    stops.push(stop);
                }
                Err(error) => {
                    run_stops(stops).await;
                    return Err(error.context("the server cannot start"));
                }
            }
        }
        core.set_stops(stops);
        let core = Arc::new(core);
        core.observers.started(&core);
        if core.store.is_durable() {
            tokio::spawn(crate::task::resume(Arc::clone(&core)));
        }
        Ok((core, self.http))
    }

    /// Serves as the command line says: standard input and output, or with `--http ADDRESS` (by
    /// default `127.0.0.1:8000`) Streamable HTTP at `/mcp`.
    ///
    /// # Errors
    /// Arguments it does not know, a catalog that cannot be served, an address it cannot have.
    pub async fn run(self) -> Result<()> {
        let mut arguments = std::env::args().skip(1);
        let usage = || Error::new("usage: [--stdio | --http [ADDRESS]]");
        let (mode, address) = (arguments.next(), arguments.next());
        match (mode.as_deref(), address, arguments.next()) {
            (None | Some("--stdio"), None, _) => self.serve_stdio().await,
            (Some("--http"), address, None) => {
                self.serve_http(address.as_deref().unwrap_or("127.0.0.1:8000"))
                    .await
            }
            _ => Err(usage()),
        }
    }

    /// Serves standard input and output until the input ends or the process is told to stop.
    /// Nothing else may write to standard output.
    pub async fn serve_stdio(self) -> Result<()> {
        let (core, _) = self.start().await?;
        core.set_private();
        let serving = stdio::serve(Arc::clone(&core));
        tokio::pin!(serving);
        let result = tokio::select! {
            result = &mut serving => result,
            signal = http::serve::stop_signal() => {
                core.stop();
                tokio::select! {
                    result = &mut serving => signal.and(result),
                    // Told twice: nobody waits for the calls that still run.
                    again = http::serve::stop_signal() => again,
                }
            }
        };
        core.shut_down().await;
        Ok(result?)
    }

    /// Serves one connection that carries a message a line, such as a Unix socket, until its
    /// input ends.
    pub async fn serve_connection<R, W>(self, reader: R, writer: W) -> Result<()>
    where
        R: tokio::io::AsyncRead + Unpin,
        W: tokio::io::AsyncWrite + Unpin,
    {
        let (core, _) = self.start().await?;
        let result = crate::transport::line::serve(Arc::clone(&core), reader, writer).await;
        core.shut_down().await;
        Ok(result?)
    }

    /// Serves HTTP until the process is told to stop (Ctrl-C, SIGTERM).
    ///
    /// # Errors
    /// An address that is taken, or one that others can reach although nobody checks who is
    /// calling; see [`HttpOptions::allow_public`].
    pub async fn serve_http(self, address: &str) -> Result<()> {
        let server = self.bind(address).await?;
        tracing::info!(url = server.url()?, "serving");
        server
            .serve_until(async {
                if let Err(error) = http::serve::stop_signal().await {
                    tracing::error!(%error, "cannot wait for a signal to stop");
                    std::future::pending::<()>().await;
                }
            })
            .await
    }

    /// Listens on an address, without answering yet: who needs the port, or a stop of its own.
    pub async fn bind(self, address: &str) -> Result<HttpServer> {
        let (core, options) = self.start().await?;
        http::serve::bind(core, options, address).await
    }

    /// The server as a tower service, to mount into a larger application.
    pub async fn into_service(self) -> Result<http::Service> {
        let (core, options) = self.start().await?;
        http::Service::mounted(core, &options)
    }

    /// The server as an object to call in the same process, for tests and embedding.
    pub async fn in_process(self) -> Result<InProcess> {
        let (core, _) = self.start().await?;
        Ok(InProcess::new(core))
    }
}

/// Whether somebody brings their own way to list skills.
#[cfg(feature = "skills")]
fn is_for_skills(extension: &Extension) -> bool {
    extension.id() == crate::skills::ID
}

/// Runs what puts states away, last made first.
pub(crate) async fn run_stops(stops: Vec<Stop>) {
    for stop in stops.into_iter().rev() {
        stop().await;
    }
}
