//! [`ModelHandler`]: a language model that clients may ask.

use std::future::Future;

use wharf_protocol::sampling::{CreateMessageParams, CreateMessageResult};

use crate::context::Context;
use crate::error::Error;
use crate::handler::BoxFuture;

/// Answers `sampling/createMessage` when a *client* sends it. The specification has the method in
/// the other direction only, so servers that answer it declare the experimental capability
/// `sampling`.
///
/// A closure `|params, ctx| async { … }` is one. What a model says piece by piece goes to the client
/// as progress messages ([`Context::progress_message`]), if it asked for progress. The future is
/// dropped when the client cancels.
pub trait ModelHandler: Send + Sync + 'static {
    /// Continues the conversation.
    ///
    /// # Errors
    /// Told to the client as an internal error, with its message; [`Error::invalid_params`] where
    /// the client asks for what cannot be.
    fn create_message<'a>(
        &'a self,
        ctx: &'a Context,
        params: CreateMessageParams,
    ) -> BoxFuture<'a, Result<CreateMessageResult, Error>>;
}

impl<F, Fut> ModelHandler for F
where
    F: Fn(CreateMessageParams, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<CreateMessageResult, Error>> + Send + 'static,
{
    fn create_message<'a>(
        &'a self,
        ctx: &'a Context,
        params: CreateMessageParams,
    ) -> BoxFuture<'a, Result<CreateMessageResult, Error>> {
        Box::pin(self(params, ctx.clone()))
    }
}
