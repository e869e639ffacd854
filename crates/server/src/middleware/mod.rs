//! Code around calls: before, after, or instead of them; as tower services.
//!
//! A layer is a [`tower_layer::Layer`] that wraps the rest of the way, [`Next`], into a
//! [`tower_service::Service`]. What passes through it is one of
//!
//! | call | passes | added with |
//! |---|---|---|
//! | [`ToolCall`] | each call of a tool | [`Server::layer_tools`](crate::Server::layer_tools) |
//! | [`ReadCall`] | each reading of a resource, by a client or by [`Context::read_resource`](crate::Context::read_resource) | [`Server::layer_reads`](crate::Server::layer_reads) |
//! | [`PromptCall`] | each filling in of a prompt | [`Server::layer_prompts`](crate::Server::layer_prompts) |
//! | [`RequestCall`] | each request, whatever its method | [`Server::layer_requests`](crate::Server::layer_requests) |
//!
//! Most layers are a function, see [`from_fn`]; those of the crate `tower` fit as they are.
//!
//! # Contracts
//! - The layer that was added first sees a call first, and its result last.
//! - A server without layers pays nothing for them.
//! - Layers around tools, reads and prompts run within the call's time and its guard against
//!   panics. A call that must ask the client in 2026-07-28 comes in rounds: each round passes the
//!   layers anew, and a round that ends with a question drops them where they wait for the
//!   handler.
//! - A call that is cancelled is dropped, its layers with it. What must happen then belongs into a
//!   `Drop`.

mod calls;
mod request;

use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use tower_layer::Layer;
use tower_service::Service;

pub use self::calls::{PromptCall, ReadCall, ToolCall};
pub(crate) use self::calls::{PromptTarget, ToolTarget};
pub use self::request::{Answer, RequestCall};

use crate::error::{BoxError, Error, Result};
use crate::handler::BoxFuture;

/// Something that passes through layers: [`ToolCall`], [`ReadCall`], [`PromptCall`],
/// [`RequestCall`].
pub trait Call: Send + Sized + sealed::Handled + 'static {
    /// What comes of it.
    type Output: Send + 'static;
}

pub(crate) mod sealed {
    use super::{BoxFuture, Call, Result};

    pub trait Handled {
        /// What is done at the end of the way.
        fn handle(self) -> BoxFuture<'static, Result<<Self as Call>::Output>>
        where
            Self: Call;
    }
}

/// The rest of a call's way: the layers that come after this one, and the handler. Cheap to clone.
pub struct Next<C: Call> {
    /// `None`: only the handler is left.
    rest: Option<Arc<dyn Run<C>>>,
}

trait Run<C: Call>: Send + Sync {
    fn run(&self, call: C) -> BoxFuture<'static, Result<C::Output>>;
}

impl<C: Call> Next<C> {
    /// Lets the call go on, and gives what comes of it.
    ///
    /// # Errors
    /// Those of the handler and of the layers in between.
    pub fn run(&self, call: C) -> BoxFuture<'static, Result<C::Output>> {
        match &self.rest {
            Some(rest) => rest.run(call),
            None => call.handle(),
        }
    }

    const fn handler() -> Self {
        Self { rest: None }
    }
}

impl<C: Call> Clone for Next<C> {
    fn clone(&self) -> Self {
        Self {
            rest: self.rest.clone(),
        }
    }
}

impl<C: Call> fmt::Debug for Next<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

impl<C: Call> Service<C> for Next<C> {
    type Response = C::Output;
    type Error = Error;
    type Future = BoxFuture<'static, Result<C::Output>>;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: C) -> Self::Future {
        self.run(call)
    }
}

/// A service of which every call gets a clone.
struct Cloned<S>(S);

impl<C, S> Run<C> for Cloned<S>
where
    C: Call,
    S: Service<C, Response = C::Output> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    fn run(&self, call: C) -> BoxFuture<'static, Result<C::Output>> {
        let mut service = self.0.clone();
        Box::pin(async move {
            let ready = poll_fn(|cx| service.poll_ready(cx)).await;
            ready.map_err(|error| Error::from_boxed(error.into()))?;
            let done = service.call(call).await;
            done.map_err(|error| Error::from_boxed(error.into()))
        })
    }
}

/// Makes a layer from a function, which gets the call and the rest of its way.
///
/// ```
/// use wharf_server::Server;
/// use wharf_server::middleware::{Next, ToolCall, from_fn};
///
/// let timed = from_fn(|call: ToolCall, next: Next<ToolCall>| async move {
///     let (name, begun) = (call.name().to_owned(), std::time::Instant::now());
///     let result = next.run(call).await;
///     tracing::info!(tool = name, elapsed = ?begun.elapsed(), ok = result.is_ok(), "called");
///     result
/// });
/// let server = Server::new("Demo").layer_tools(timed);
/// ```
pub const fn from_fn<F>(function: F) -> FromFn<F> {
    FromFn { function }
}

/// A function as a layer, see [`from_fn`].
#[derive(Clone)]
pub struct FromFn<F> {
    function: F,
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

impl<C: Call, F: Clone> Layer<Next<C>> for FromFn<F> {
    type Service = FnService<C, F>;

    fn layer(&self, next: Next<C>) -> Self::Service {
        FnService {
            function: self.function.clone(),
            next,
        }
    }
}

/// A function in front of the rest of a call's way.
pub struct FnService<C: Call, F> {
    function: F,
    next: Next<C>,
}

impl<C: Call, F: Clone> Clone for FnService<C, F> {
    fn clone(&self) -> Self {
        Self {
            function: self.function.clone(),
            next: self.next.clone(),
        }
    }
}

impl<C: Call, F> fmt::Debug for FnService<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnService").finish_non_exhaustive()
    }
}

impl<C, F, Fut, E> Service<C> for FnService<C, F>
where
    C: Call,
    F: Fn(C, Next<C>) -> Fut,
    Fut: Future<Output = Result<C::Output, E>> + Send,
    E: Into<BoxError>,
{
    type Response = C::Output;
    type Error = E;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Poller<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: C) -> Fut {
        (self.function)(call, self.next.clone())
    }
}

/// Layers that were added to a server, in order.
pub(crate) struct Layers<C: Call>(Vec<Wrap<C>>);

type Wrap<C> = Box<dyn FnOnce(Next<C>) -> Next<C> + Send + Sync>;

impl<C: Call> Default for Layers<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Call> Layers<C> {
    pub(crate) fn add<L>(&mut self, layer: L)
    where
        L: Layer<Next<C>> + Send + Sync + 'static,
        L::Service: Service<C, Response = C::Output> + Clone + Send + Sync + 'static,
        <L::Service as Service<C>>::Future: Send,
        <L::Service as Service<C>>::Error: Into<BoxError>,
    {
        self.0.push(Box::new(move |next| Next {
            rest: Some(Arc::new(Cloned(layer.layer(next)))),
        }));
    }

    /// The whole way; `None` where there is no layer.
    pub(crate) fn build(self) -> Option<Next<C>> {
        if self.0.is_empty() {
            return None;
        }
        let wrap = |next, layer: Wrap<C>| layer(next);
        Some(self.0.into_iter().rev().fold(Next::handler(), wrap))
    }
}
