//! Questions as a handler holds them: named, awaited, dropped.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use serde_json::Value;
use wharf_protocol::elicitation::{ElicitAction, ElicitParams, ElicitResult};
use wharf_protocol::revision::Revision;
use wharf_protocol::roots::{ListRootsResult, Root};
use wharf_protocol::sampling::{CreateMessageParams, CreateMessageResult};

use super::elicit::{self, Elicit};
use super::{Ask, AskError};
use crate::context::Context;
use crate::handler::BoxFuture;

type Answering<'a, T> = BoxFuture<'a, Result<T, AskError>>;

/// Something that is asked of the client.
///
/// Made by [`Context::elicit`], [`Context::elicit_with`], [`Context::elicit_url`],
/// [`Context::sample`] and [`Context::roots`], and a future of the answer: it is asked when it is
/// first awaited. Several that are awaited together (`tokio::join!`) are asked together.
///
/// # Cancellation
/// Dropping it takes the question back: a client that has it is told, and an answer that was on its
/// way is ignored.
#[must_use = "a question is asked when it is awaited"]
pub struct Question<'a, K: Kind> {
    ctx: &'a Context,
    stage: Stage<'a, K>,
}

enum Stage<'a, K: Kind> {
    Named { kind: K, how: How },
    Asked(Answering<'a, K::Answer>),
    Over,
}

/// The kinds of questions.
pub trait Kind: sealed::Kind {}

impl<K: sealed::Kind> Kind for K {}

pub(crate) use sealed::How;

mod sealed {
    use std::time::Duration;

    use super::{Answering, Context};

    /// What a handler says of a question besides the question itself.
    #[derive(Debug, Default)]
    pub struct How {
        pub(crate) key: Option<String>,
        /// For how long the client may keep the answer as a task of its own.
        pub(crate) task: Option<Duration>,
    }

    pub trait Kind: Unpin {
        type Answer;

        fn ask(self, ctx: &Context, how: How) -> Answering<'_, Self::Answer>;
    }
}

impl<'a, K: Kind> Question<'a, K> {
    pub(crate) fn new(ctx: &'a Context, kind: K) -> Self {
        let stage = Stage::Named {
            kind,
            how: How::default(),
        };
        Self { ctx, stage }
    }

    /// Names the question. Without a name it is called by its kind and place, which is enough as
    /// long as a handler asks its questions in the same order every time.
    pub fn key(mut self, name: impl Into<String>) -> Self {
        if let Stage::Named { how, .. } = &mut self.stage {
            how.key = Some(name.into());
        }
        self
    }

    /// Lets the client work on the question as a task of its own, and keep the answer for this
    /// long, where it can: a client of 2025-11-25 that declared so is asked for a task, and looked
    /// at from time to time until it is done. Everywhere else it is asked as any other.
    ///
    /// For answers that take long, such as a model's or those of people who are away; see
    /// [`Limits::ask_timeout`](crate::Limits::ask_timeout) for how long.
    pub fn as_task(mut self, keep: Duration) -> Self {
        if let Stage::Named { how, .. } = &mut self.stage {
            how.task = Some(keep);
        }
        self
    }
}

impl<K: Kind> fmt::Debug for Question<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match &self.stage {
            Stage::Named { how, .. } => how.key.as_deref(),
            _ => None,
        };
        f.debug_struct("Question")
            .field("key", &key)
            .finish_non_exhaustive()
    }
}

impl<K: Kind> Future for Question<'_, K> {
    type Output = Result<K::Answer, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let mut asked = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Named { kind, how } => kind.ask(self.ctx, how),
            Stage::Asked(asked) => asked,
            // As for every future: nobody asks again after the answer.
            Stage::Over => return Poll::Pending,
        };
        let answer = asked.as_mut().poll(cx);
        if answer.is_pending() {
            self.stage = Stage::Asked(asked);
        }
        answer
    }
}

// --- the kinds -------------------------------------------------------------------------------

/// A form whose fields are those of `T`; see [`Context::elicit`].
#[derive(Debug)]
pub struct Form<T> {
    pub(crate) message: String,
    pub(crate) answer: PhantomData<fn() -> T>,
}

impl<T: Elicit + Send> sealed::Kind for Form<T> {
    type Answer = T;

    fn ask(self, ctx: &Context, how: How) -> Answering<'_, T> {
        Box::pin(async move {
            let schema = T::schema().map_err(AskError::schema)?.to_value();
            let result = form(ctx, how, self.message, schema).await?;
            match result.action {
                ElicitAction::Accept => elicit::read_answer(result.content.unwrap_or_default())
                    .map_err(AskError::invalid),
                ElicitAction::Decline => Err(AskError::declined()),
                ElicitAction::Cancel => Err(AskError::cancelled()),
            }
        })
    }
}

/// A form with a schema of its own; see [`Context::elicit_with`].
#[derive(Debug)]
pub struct FreeForm {
    pub(crate) message: String,
    pub(crate) schema: Value,
}

impl sealed::Kind for FreeForm {
    type Answer = ElicitResult;

    fn ask(self, ctx: &Context, how: How) -> Answering<'_, ElicitResult> {
        Box::pin(form(ctx, how, self.message, self.schema))
    }
}

async fn form(
    ctx: &Context,
    how: How,
    message: String,
    schema: Value,
) -> Result<ElicitResult, AskError> {
    let params = ElicitParams::Form {
        message,
        requested_schema: schema.clone(),
    };
    let mut result: ElicitResult = ctx.ask(how, Ask::Elicit(params)).await?;
    result.fit(&schema, ctx.exchange().revision);
    Ok(result)
}

/// A page that the person is asked to open; see [`Context::elicit_url`].
#[derive(Debug)]
pub struct Page {
    pub(crate) message: String,
    pub(crate) url: String,
    pub(crate) id: Option<String>,
}

impl Question<'_, Page> {
    /// The id under which [`Context::elicitation_complete`] says that the person is done with the
    /// page. Must not be guessable; random unless given.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        if let Stage::Named { kind, .. } = &mut self.stage {
            kind.id = Some(id.into());
        }
        self
    }
}

impl sealed::Kind for Page {
    type Answer = ElicitResult;

    fn ask(self, ctx: &Context, how: How) -> Answering<'_, ElicitResult> {
        // Only 2025-11-25 has the id, and requires it.
        let elicitation_id = (ctx.exchange().revision == Revision::V2025_11_25).then(|| {
            let random = || format!("{:032x}", crate::session::random_id());
            self.id.unwrap_or_else(random)
        });
        let params = ElicitParams::Url {
            message: self.message,
            url: self.url,
            elicitation_id,
        };
        Box::pin(ctx.ask(how, Ask::Elicit(params)))
    }
}

/// An answer of the client's model; see [`Context::sample`].
#[derive(Debug)]
pub struct Model(pub(crate) CreateMessageParams);

impl sealed::Kind for Model {
    type Answer = CreateMessageResult;

    fn ask(self, ctx: &Context, how: How) -> Answering<'_, CreateMessageResult> {
        Box::pin(ctx.ask(how, Ask::Sample(Box::new(self.0))))
    }
}

/// The places that the client lets the server work in; see [`Context::roots`].
#[derive(Debug)]
pub struct Places;

impl sealed::Kind for Places {
    type Answer = Vec<Root>;

    fn ask(self, ctx: &Context, how: How) -> Answering<'_, Vec<Root>> {
        Box::pin(async move {
            let result: ListRootsResult = ctx.ask(how, Ask::Roots).await?;
            Ok(result.roots)
        })
    }
}
