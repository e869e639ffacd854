//! What a handler holds of the call it answers.

use std::any::Any;
use std::fmt;
use std::future::{Future, pending};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use wharf_protocol::capabilities::ClientCapabilities;
use wharf_protocol::content::Implementation;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::meta::Meta;
use wharf_protocol::method::Method;
use wharf_protocol::progress::{Progress, ProgressToken};
use wharf_protocol::projection::at;
use wharf_protocol::resources::ReadResourceResult;
use wharf_protocol::revision::Revision;
use wharf_protocol::tasks;

use crate::ask::elicit::Elicit;
use crate::ask::once::{Claim, OnceSteps};
use crate::ask::question::How;
use crate::ask::question::{Form, FreeForm, Model, Page, Places};
use crate::ask::{self, Ask, AskError, Asks, Capability, More, Question, Sample};
use crate::call::{Frame, Outlet, notification};
use crate::catalog::CatalogHandle;
use crate::core::Core;
use crate::error::{Error, Result};
use crate::low_level::UriParams;
use crate::middleware::ReadCall;
use crate::principal::Principal;
use crate::session::Session;
use crate::task::Run;

/// The call that a handler answers: who asks, and everything that can be said back before the
/// answer.
///
/// Cheap to clone; a clone may be kept as long as needed, and once the call is over, what is
/// sent through it goes nowhere. Handlers never see which revision or transport they serve.
///
/// # Cancellation
/// A call that the client cancels, or whose time is over, is dropped where it waits. What must be
/// cleaned up belongs into a guard's `Drop`.
#[derive(Clone)]
pub struct Context {
    exchange: Arc<Exchange>,
}

/// One call and its surroundings.
pub(crate) struct Exchange {
    pub(crate) core: Arc<Core>,
    pub(crate) revision: Revision,
    pub(crate) caller: Caller,
    /// The request, whose `_meta` says more about the caller.
    pub(crate) frame: Arc<Frame>,
    pub(crate) outlet: Option<Outlet>,
    pub(crate) asks: Asks,
    /// The last progress told, as bits of an `f64`.
    progress: AtomicU64,
    missing: OnceLock<Capability>,
    /// The task that the call is, or has become.
    task: OnceLock<Arc<Run>>,
    /// Live asks that wait for the client: time in which the call's own clock stands still.
    pub(crate) waiting: AtomicUsize,
}

/// Who is calling, in either era.
#[derive(Debug)]
pub(crate) enum Caller {
    Session(Arc<Session>),
    Modern {
        principal: Option<Arc<Principal>>,
        capabilities: OnceLock<Box<ClientCapabilities>>,
        level: Option<LoggingLevel>,
    },
    /// Nobody: a handler run by a test.
    Nobody,
}

impl Exchange {
    pub(crate) fn new(
        core: Arc<Core>,
        revision: Revision,
        caller: Caller,
        frame: Arc<Frame>,
        outlet: Option<Outlet>,
        asks: Asks,
    ) -> Self {
        Self {
            core,
            revision,
            caller,
            frame,
            outlet,
            asks,
            progress: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
            missing: OnceLock::new(),
            task: OnceLock::new(),
            waiting: AtomicUsize::new(0),
        }
    }
}

/// Progress as editors have it, for clients that declare it as experimental.
const EDITOR_PROGRESS: &str = "$/progress";

fn editor_progress(progress: &Progress) -> Vec<u8> {
    let mut value = serde_json::json!({ "progress": progress.progress });
    if let Some(total) = progress.total {
        value["total"] = total.into();
    }
    if let Some(message) = &progress.message {
        value["message"] = message.as_str().into();
    }
    let params = serde_json::json!({ "token": progress.progress_token, "value": value });
    let message = serde_json::json!({
        "jsonrpc": "2.0", "method": EDITOR_PROGRESS, "params": params,
    });
    message.to_string().into_bytes()
}

impl Exchange {
    /// From now on the call is a task.
    pub(crate) fn become_task(&self, run: &Arc<Run>) {
        let _ = self.task.set(Arc::clone(run));
    }

    /// The task that the call is.
    pub(crate) fn task(&self) -> Option<&Arc<Run>> {
        self.task.get()
    }

    /// What the `_meta` of a message says about the task, in the revision that wants it.
    fn related_task(&self) -> Option<serde_json::Value> {
        let run = self.task.get()?;
        (self.revision == Revision::V2025_11_25)
            .then(|| serde_json::json!({ tasks::RELATED_TASK: { "taskId": run.id() } }))
    }
}

impl Caller {
    /// A caller that says in each request who it is.
    pub(crate) fn modern(principal: Option<Arc<Principal>>, level: Option<LoggingLevel>) -> Self {
        Self::Modern {
            principal,
            capabilities: OnceLock::new(),
            level,
        }
    }

    /// The authenticated caller, where the server knows callers.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Session(session) => session.principal.as_deref(),
            Self::Modern { principal, .. } => principal.as_deref(),
            Self::Nobody => None,
        }
    }
}

impl Default for Context {
    /// A context that is connected to nothing, to call a handler from a test: logs and progress
    /// go nowhere, asks fail as unsupported.
    fn default() -> Self {
        let core = Arc::new(Core::default());
        let (revision, bytes) = (Revision::LATEST, Arc::default());
        Exchange::new(
            core,
            revision,
            Caller::Nobody,
            bytes,
            None,
            Asks::Unavailable,
        )
        .into()
    }
}

impl From<Exchange> for Context {
    fn from(exchange: Exchange) -> Self {
        Self {
            exchange: Arc::new(exchange),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) fn missing(&self) -> Option<Capability> {
        self.exchange.missing.get().copied()
    }

    // --- who is calling ----------------------------------------------------------------------

    /// The authenticated caller, where the server knows callers.
    pub fn principal(&self) -> Option<&Principal> {
        self.exchange.caller.principal()
    }

    /// What the client says it is. Nothing verifies it: for display and logs only.
    pub fn client_info(&self) -> Option<Implementation> {
        let json = match &self.exchange.caller {
            Caller::Session(session) => session.client.info.as_deref()?.get(),
            Caller::Modern { .. } => self.exchange.frame.meta().client_info?.get(),
            Caller::Nobody => return None,
        };
        serde_json::from_str(json).ok()
    }

    /// What the client declared that it can do.
    pub fn capabilities(&self) -> &ClientCapabilities {
        static NONE: std::sync::LazyLock<ClientCapabilities> =
            std::sync::LazyLock::new(ClientCapabilities::default);
        match &self.exchange.caller {
            Caller::Session(session) => &session.client.capabilities,
            Caller::Modern { capabilities, .. } => capabilities.get_or_init(|| {
                let sent = self.exchange.frame.meta().client_capabilities;
                sent.and_then(|sent| sent.read().ok()).unwrap_or_default()
            }),
            Caller::Nobody => &NONE,
        }
    }

    /// The settings with which the client declared an extension; `None` if it did not, or if they
    /// are of another form. An extension without settings is read as `()`-like by any type whose
    /// members are all optional, such as [`serde_json::Map`].
    pub fn client_extension<T: DeserializeOwned>(&self, id: &str) -> Option<T> {
        let settings = self.capabilities().extensions.get(id)?;
        settings
            .is_object()
            .then(|| T::deserialize(settings).ok())?
    }

    /// Whether the client declared an extension.
    pub fn has_client_extension(&self, id: &str) -> bool {
        let settings = self.capabilities().extensions.get(id);
        settings.is_some_and(serde_json::Value::is_object)
    }

    /// The request's `_meta`; empty if it had none.
    pub fn meta(&self) -> Meta {
        let meta = self.exchange.frame.meta().raw;
        meta.and_then(|meta| meta.read().ok()).unwrap_or_default()
    }

    // --- the server --------------------------------------------------------------------------

    /// A value given to [`Server::state`](crate::Server::state) or made by its lifespan.
    pub fn state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.exchange.core.states.get()
    }

    /// The tools, resources and prompts of the server, to read and to change.
    pub fn catalog(&self) -> &CatalogHandle {
        &self.exchange.core.catalog
    }

    /// Reads a resource of this server on behalf of the same caller.
    pub async fn read_resource(&self, uri: &str) -> Result<ReadResourceResult> {
        if let Some(hooks) = &self.exchange.core.hooks
            && let Some(reads) = &hooks.reads
        {
            return reads.run(ReadCall::new(self.clone(), uri.into())).await;
        }
        self.read_directly(uri).await
    }

    /// The same past all layers.
    pub(crate) async fn read_directly(&self, uri: &str) -> Result<ReadResourceResult> {
        let core = &self.exchange.core;
        if let Some(read) = core.handlers().and_then(|all| all.read_resource.as_ref()) {
            return read(UriParams { uri: uri.into() }, self.clone()).await;
        }
        let catalog = core.catalog.load();
        catalog.read_resource(self, uri).await
    }

    /// Tells every client that is subscribed to the resource that it changed. Never waits.
    pub fn notify_resource_updated(&self, uri: &str) {
        self.catalog().notify_resource_updated(uri);
    }

    // --- saying something before the answer --------------------------------------------------

    /// Sends a log message for debugging, if the client wants this level.
    pub async fn debug(&self, data: impl Serialize + Send) {
        self.log(LoggingLevel::Debug, None, data).await;
    }

    /// Sends a log message about normal work, if the client wants this level.
    pub async fn info(&self, data: impl Serialize + Send) {
        self.log(LoggingLevel::Info, None, data).await;
    }

    /// Sends a log message about something unusual, if the client wants this level.
    pub async fn warning(&self, data: impl Serialize + Send) {
        self.log(LoggingLevel::Warning, None, data).await;
    }

    /// Sends a log message about a failure, if the client wants this level.
    pub async fn error(&self, data: impl Serialize + Send) {
        self.log(LoggingLevel::Error, None, data).await;
    }

    /// Sends a log message: text, or anything that can be written as JSON. Waits while the client
    /// is behind with reading; cancel safe. Never put secrets into it.
    ///
    /// The client says which levels it wants: for its session, or, since 2026-07-28, in each
    /// request; without that nothing is sent.
    pub async fn log(
        &self,
        level: LoggingLevel,
        logger: Option<&str>,
        data: impl Serialize + Send,
    ) {
        #[derive(Serialize)]
        struct Params<'a, T> {
            level: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            logger: Option<&'a str>,
            data: T,
        }
        let wanted = match &self.exchange.caller {
            Caller::Session(session) => session.wants(level),
            Caller::Modern { level: least, .. } => least.is_some_and(|least| level >= least),
            Caller::Nobody => false,
        };
        if wanted {
            let params = Params {
                level: level.as_str(),
                logger,
                data,
            };
            let params = More::meta(self.exchange.related_task()).with(params);
            self.send(notification(Method::LogMessage, &params)).await;
        }
    }

    /// Tells how far the call has come, if the client asked for it: `progress` of `total`. Each
    /// value must be above the one before, others are not sent. Waits while the client is behind
    /// with reading; cancel safe.
    pub async fn progress(&self, progress: f64, total: impl Into<Option<f64>>) {
        self.report(progress, total.into(), None).await;
    }

    /// The same with a message for the person who watches; 2024-11-05 does not show it.
    pub async fn progress_message(
        &self,
        progress: f64,
        total: impl Into<Option<f64>>,
        message: impl AsRef<str> + Send,
    ) {
        self.report(progress, total.into(), Some(message.as_ref()))
            .await;
    }

    async fn report(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let exchange = self.exchange();
        if let (Some(run), Some(message)) = (exchange.task(), message) {
            run.tell_progress(message);
        }
        let Some(token) = exchange.frame.meta().progress_token else {
            return;
        };
        let Ok(progress_token) = token.read::<ProgressToken>() else {
            return;
        };
        let grows = |last: u64| (progress > f64::from_bits(last)).then(|| progress.to_bits());
        let last = &exchange.progress;
        if !progress.is_finite()
            || last
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grows)
                .is_err()
        {
            return;
        }
        let params = Progress {
            progress_token,
            progress,
            total,
            message: message.map(str::to_owned),
        };
        let also = self
            .takes_editor_progress()
            .then(|| editor_progress(&params));
        let params = at(&params, exchange.revision);
        let params = More::meta(exchange.related_task()).with(params);
        self.send(notification(Method::Progress, &params)).await;
        if let Some(also) = also {
            self.send(also).await;
        }
    }

    /// Whether the client declared that it knows progress as editors have it.
    fn takes_editor_progress(&self) -> bool {
        let experimental = &self.capabilities().experimental;
        experimental
            .get(EDITOR_PROGRESS)
            .is_some_and(serde_json::Value::is_object)
    }

    async fn send(&self, message: Vec<u8>) {
        if let Some(run) = self.exchange.task() {
            // Tasks of the extension say nothing but their status.
            if let (Some(outlet), false) = (run.outlet(), self.exchange.revision.is_modern()) {
                let _ = outlet.send(message).await;
            }
            return;
        }
        if let Some(outlet) = &self.exchange.outlet {
            // A client that is gone needs no message; its call ends by itself.
            let _ = outlet.send(message).await;
        }
    }

    /// Ends the connection that carries this call's stream, not the call: a client of a session
    /// comes back for the rest after [`Limits::retry`](crate::Limits::retry). A way to free a
    /// connection during long work; does nothing where a stream cannot be resumed.
    pub fn close_stream(&self) {
        if let (Caller::Session(_), Some(Outlet::Stream(outbox))) =
            (&self.exchange.caller, &self.exchange.outlet)
        {
            outbox.release_connection();
        }
    }

    // --- asking ------------------------------------------------------------------------------

    /// Asks the person at the client to fill in a form; its fields are those of `T`.
    ///
    /// Works in every revision that knows elicitation (since 2025-06-18) from the same code. What
    /// the handler did before may be done again when the answer is there: wrap what must not in
    /// [`step`](Self::step) or [`once`](Self::once). Several questions awaited together
    /// (`tokio::join!`) are asked together.
    ///
    /// # Errors
    /// [`AskError`]: refused by the person, not supported by the client, not answered in time, or
    /// an answer that does not fit `T`.
    pub fn elicit<T: Elicit + Send>(&self, message: impl Into<String>) -> Question<'_, Form<T>> {
        let (message, answer) = (message.into(), PhantomData);
        Question::new(self, Form { message, answer })
    }

    /// Asks with a schema of your own (spec: `client/elicitation`), and gives the client's answer
    /// as it is.
    pub fn elicit_with(
        &self,
        message: impl Into<String>,
        requested_schema: serde_json::Value,
    ) -> Question<'_, FreeForm> {
        let (message, schema) = (message.into(), requested_schema);
        Question::new(self, FreeForm { message, schema })
    }

    /// Asks the person to open a page, where they do something that must not pass through the
    /// client: sign in, pay, enter a secret. The answer says only whether they agreed to.
    pub fn elicit_url(
        &self,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Question<'_, Page> {
        let (message, url, id) = (message.into(), url.into(), None);
        Question::new(self, Page { message, url, id })
    }

    /// Tells the client that the person is done with the page that was asked for under this
    /// [`id`](Question::id), so that it can show so. Only 2025-11-25 has this notice; in
    /// other revisions nothing is sent. Waits while the client is behind with reading.
    pub async fn elicitation_complete(&self, id: &str) {
        if self.exchange.revision == Revision::V2025_11_25 {
            let params = serde_json::json!({ "elicitationId": id });
            self.send(notification(Method::ElicitationComplete, &params))
                .await;
        }
    }

    /// Asks the client's model.
    pub fn sample(&self, request: impl Into<Sample>) -> Question<'_, Model> {
        Question::new(self, Model(request.into().params))
    }

    /// Asks the client for the places that it lets the server work in.
    pub fn roots(&self) -> Question<'_, Places> {
        Question::new(self, Places)
    }

    pub(crate) async fn ask<T: DeserializeOwned>(&self, how: How, ask: Ask) -> Result<T, AskError> {
        let How { key, task } = how;
        for needed in ask::needs(&ask) {
            if let Some(error) = needed.lack(self.exchange.revision, self.capabilities()) {
                let _ = self.exchange.missing.set(*needed);
                return Err(error);
            }
        }
        if let Some(run) = self.exchange.task() {
            let raw = run.ask(&self.exchange, key, ask).await?;
            return ask::read_answer(&raw);
        }
        match (&self.exchange.asks, &self.exchange.caller) {
            (Asks::Live, Caller::Session(session)) => {
                ask::live::ask(&self.exchange, session, &ask, task).await
            }
            (Asks::Rounds(rounds), _) => {
                let Some(raw) = rounds.answer_or_open(key, ask::kind(&ask), ask) else {
                    return pending().await;
                };
                match ask::read_answer(&raw) {
                    Ok(answer) => Ok(answer),
                    Err(error) => {
                        rounds.refuse(error.to_string());
                        pending().await
                    }
                }
            }
            _ => Err(AskError::unavailable()),
        }
    }

    // --- work that is not done again ---------------------------------------------------------

    /// Does a piece of work whose result is remembered over the rounds of this call: a handler
    /// that runs again after an answer gets it from the journal, which the client carries sealed.
    ///
    /// A client that presents an old journal twice makes the step run twice; what must never
    /// happen again belongs into [`once`](Self::once). A failed step is not remembered. The name
    /// must be unique in the handler; the result counts towards
    /// [`Limits::state_bytes`](crate::Limits::state_bytes).
    ///
    /// In a task the server itself remembers it: a task that runs again after the process died does
    /// not repeat a step that was finished. One that was in the middle of it runs again.
    pub async fn step<T, E, F>(&self, name: &str, work: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        E: fmt::Display + Send + 'static,
        F: Future<Output = Result<T, E>> + Send,
    {
        if let Some(result) = self.finished_step(name) {
            return Ok(serde_json::from_str(result.get())?);
        }
        let result = self.run_step(work).await.map_err(Error::from_display)?;
        let raw = serde_json::value::to_raw_value(&result)?;
        self.finish_step(name, raw).await?;
        Ok(result)
    }

    /// What a step of this name gave in an earlier run of the call.
    fn finished_step(&self, name: &str) -> Option<Box<RawValue>> {
        match (self.exchange.task(), &self.exchange.asks) {
            (Some(run), _) => run.finished_step(name),
            (None, Asks::Rounds(rounds)) => rounds.finished_step(name),
            _ => None,
        }
    }

    async fn run_step<F: Future>(&self, work: F) -> F::Output {
        match &self.exchange.asks {
            Asks::Rounds(rounds) => rounds.run_step(work).await,
            _ => work.await,
        }
    }

    /// Remembers what a step gave, where the call remembers anything.
    async fn finish_step(&self, name: &str, result: Box<RawValue>) -> Result<()> {
        let exchange = &self.exchange;
        let left = match (exchange.task(), &exchange.asks) {
            (Some(_), _) => Some(result),
            (None, Asks::Rounds(rounds)) => rounds.finish_step(name, result),
            _ => None,
        };
        match (left, exchange.task()) {
            (Some(result), Some(run)) => run.finish_step(&exchange.core, name, result).await,
            _ => Ok(()),
        }
    }

    /// Does a piece of work at most once for this call, whatever the client presents, and however
    /// often: the server itself remembers it, for as long as a journal of the call is valid.
    ///
    /// # Errors
    /// The work's own error, after which it may be tried again; an error if it began before and
    /// did not come to an end.
    pub async fn once<T, E, F>(&self, name: &str, work: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        E: fmt::Display + Send + 'static,
        F: Future<Output = Result<T, E>> + Send,
    {
        let exchange = match (self.exchange.task(), &self.exchange.asks) {
            (Some(run), _) => run.exchange(),
            (None, Asks::Rounds(rounds)) => rounds.exchange(),
            _ => return work.await.map_err(Error::from_display),
        };
        let core = &self.exchange.core;
        let lifetime = match self.exchange.task() {
            Some(_) => core.limits.task_ttl_max,
            None => core.limits.state_lifetime * (core.limits.rounds + 1),
        };
        let steps = OnceSteps::new(&*core.store, exchange, lifetime);
        // The claim is a part of the step: a handler that is dropped between the two would leave a
        // step that nobody ran and nobody may run.
        let step = async {
            match steps.claim(name, core.limits.once_steps).await? {
                Claim::Done(result) => Ok(serde_json::from_str(result.get())?),
                Claim::Begun => Err(Error::new(format!(
                    "step `{name}` began before and is not repeated"
                ))),
                Claim::Full => Err(Error::new("too many steps are remembered: try again later")),
                Claim::Yours(claimed) => match work.await {
                    Ok(result) => {
                        let kept = serde_json::value::to_raw_value(&result)?;
                        steps.finish(name, claimed, kept).await?;
                        Ok(result)
                    }
                    Err(error) => {
                        steps.release(name).await;
                        Err(Error::from_display(error))
                    }
                },
            }
        };
        self.run_step(step).await
    }
}
