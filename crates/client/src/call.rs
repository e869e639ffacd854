//! [`Call`]: a request before it is sent, and its way to a result.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use wharf_protocol::error::ErrorCode;
use wharf_protocol::input::InputRequiredResult;
use wharf_protocol::logging::LoggingLevel;
use wharf_protocol::progress::Progress;
use wharf_protocol::tools::TaskSupport;

use crate::cache::Cache;
use crate::client::Shared;
use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::message::{Answer, Members, Request};
use crate::peer::Watcher;
use crate::task;

/// A request before it is sent. Await it to send it; what is set before that is for this request
/// alone.
///
/// **Cancel safety**: dropped while it waits, the request is cancelled and the server is told.
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) request: Result<Request>,
    pub(crate) options: Options,
    result: PhantomData<fn() -> T>,
}

/// What can be said about one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) most: Option<Duration>,
    pub(crate) log_level: Option<LoggingLevel>,
    pub(crate) fresh: bool,
    pub(crate) watcher: Option<Arc<Watcher>>,
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.request.as_ref().map(|it| &it.method).ok())
            .finish_non_exhaustive()
    }
}

impl<T> Call<T> {
    pub(crate) fn new(shared: &Arc<Shared>, request: Result<Request>) -> Self {
        let mut options = Options::default();
        if shared.config.timeouts.with_progress.is_some() {
            options.watcher = Some(Arc::new(Watcher::new(None)));
        }
        Self {
            shared: Arc::clone(shared),
            request,
            options,
            result: PhantomData,
        }
    }

    /// How long to wait for the answer, instead of what the client was set up with.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Lets each notification of progress give the request its time anew, up to `most` in all
    /// (spec 2026-07-28, basic/patterns/cancellation, "Timeouts").
    pub fn extended_by_progress(mut self, most: Duration) -> Self {
        self.options.most = Some(most);
        if self.options.watcher.is_none() {
            self.options.watcher = Some(Arc::new(Watcher::new(None)));
        }
        self
    }

    /// Asks for progress, and is told of it while the call runs. The function must not block.
    pub fn on_progress(mut self, tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.options.watcher = Some(Arc::new(Watcher::new(Some(Box::new(tell)))));
        self
    }

    /// Asks for progress as a stream, which ends with the call. Of more than 256 notifications
    /// that nobody reads the newer are dropped.
    pub fn progress(self) -> (Self, ProgressStream) {
        let (sender, receiver) = mpsc::channel(256);
        let call = self.on_progress(move |progress| drop(sender.try_send(progress)));
        (call, ProgressStream(receiver))
    }

    /// Asks for log messages of this request, from this level on. In the revisions of sessions
    /// there is one level for all ([`Client::set_log_level`](crate::Client::set_log_level)).
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        self.options.log_level = Some(level);
        self
    }

    /// Puts a member into the request's `_meta`.
    pub fn meta(mut self, key: &str, value: impl Serialize) -> Self {
        self.request = self.request.and_then(|mut request| {
            let mut written = serde_json::Map::new();
            let value = serde_json::to_value(value)
                .map_err(|error| Error::usage(format!("`{key}` of `_meta`: {error}")))?;
            written.insert(key.to_owned(), value);
            request.meta.append(&Members::of(&written)?);
            Ok(request)
        });
        self
    }

    /// Puts the context of a trace into the request (W3C Trace Context; spec 2026-07-28, basic,
    /// "Trace context"): `traceparent`, and `tracestate` where it is not empty.
    pub fn trace(self, traceparent: &str, tracestate: &str) -> Self {
        let call = self.meta("traceparent", traceparent);
        if tracestate.is_empty() {
            call
        } else {
            call.meta("tracestate", tracestate)
        }
    }

    /// Asks the server, also where an earlier result could still be used.
    pub fn fresh(mut self) -> Self {
        self.options.fresh = true;
        self
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for Call<T> {
    type Output = Result<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let ping = self.request.as_ref().is_ok_and(|it| it.method == "ping");
            let answer = run(self).await?;
            if ping {
                // What it says is not asked.
                return serde_json::from_str("null").map_err(|_| Error::protocol("no answer"));
            }
            answer.read()
        })
    }
}

/// Sends a request, and goes all the way to its complete answer.
pub(crate) async fn run<T>(call: Call<T>) -> Result<Arc<Answer>> {
    let Call {
        shared,
        request,
        options,
        ..
    } = call;
    let mut request = request?;
    let kept = shared.config.cache && Cache::is_for(&request);
    if kept
        && !options.fresh
        && let Some(answer) = shared.common.cache.get(&request)
    {
        return Ok(answer);
    }
    let generation = kept.then(|| shared.common.cache.generation());
    let is_call = request.method == "tools/call";
    if is_call {
        prepare(&shared, &mut request).await?;
    }
    let mut outcome = rounds(&shared, &request, &options).await;
    if is_call
        && outcome
            .as_ref()
            .is_err_and(|it| it.code() == Some(ErrorCode::HEADER_MISMATCH))
    {
        // The tool's definition is not known, or has changed (spec 2026-07-28,
        // basic/transports/streamable-http, "Client Behavior").
        if let Some(name) = request.name.clone() {
            shared.learn_tools(Some(&name)).await?;
            request.headers.clear();
            prepare(&shared, &mut request).await?;
            outcome = rounds(&shared, &request, &options).await;
        }
    }
    let (_, answer, first) = outcome?;
    let answer = if answer.result_type() == "task" {
        Arc::new(task::finish(&shared, &answer).await?)
    } else if request.is_task {
        Arc::new(task::finish_created(&shared, &answer).await?)
    } else {
        Arc::new(answer)
    };
    if first && let Some(generation) = generation {
        shared.common.cache.put(&request, &answer, generation);
    }
    if is_call && let Some(name) = &request.name {
        shared.check_output(name, &answer).await?;
    }
    Ok(answer)
}

/// Puts on a call what its tool is known to want.
async fn prepare(shared: &Shared, request: &mut Request) -> Result<()> {
    let Some(wants) = request
        .name
        .as_deref()
        .and_then(|name| shared.common.tools.wants(name))
    else {
        return Ok(());
    };
    if !wants.headers().is_empty()
        && let Some(arguments) = request.arguments()
    {
        request.headers = wants.mirror(&arguments)?;
    }
    // In 2025-11-25 there are tools that are only called as tasks.
    if wants.task_support() == Some(TaskSupport::Required)
        && !request.is_task
        && !shared.connection().await?.is_modern()
    {
        request.params.put("task", &serde_json::json!({}))?;
        request.is_task = true;
    }
    Ok(())
}

/// Sends a request and answers what it asks for, until it asks no more. The last member says
/// whether the answer came without a question.
pub(crate) async fn rounds(
    shared: &Shared,
    request: &Request,
    options: &Options,
) -> Result<(Arc<Connection>, Answer, bool)> {
    let mut rounds = Members::default();
    for round in 0..shared.config.limits.rounds {
        let (connection, answer) = shared.exchange(request, &rounds, options).await?;
        if answer.result_type() != "input_required" {
            return Ok((connection, answer, round == 0));
        }
        let asked: InputRequiredResult = answer.read()?;
        let asks = &shared.common.asks;
        rounds = asks.round(asked, connection.revision()).await?;
    }
    Err(Error::protocol(format!(
        "the server asked for input {} times for one request",
        shared.config.limits.rounds
    )))
}

/// Progress of one call; ends with it.
#[derive(Debug)]
pub struct ProgressStream(mpsc::Receiver<Progress>);

impl ProgressStream {
    /// The next report; `None` when the call has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<Progress> {
        self.0.recv().await
    }
}

impl Stream for ProgressStream {
    type Item = Progress;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.0.poll_recv(cx)
    }
}
