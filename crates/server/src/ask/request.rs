//! What can be asked, and how user code says it.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use serde::Serialize;
use serde_json::Value;
use wharf_protocol::content::Role;
use wharf_protocol::elicitation::{ElicitAction, ElicitParams, ElicitResult};
use wharf_protocol::envelope::IdBuf;
use wharf_protocol::method::Method;
use wharf_protocol::projection::at;
use wharf_protocol::revision::Revision;
use wharf_protocol::sampling::{
    CreateMessageParams, ModelHint, ModelPreferences, SamplingContent, SamplingMessage,
};

use super::elicit::{self, Elicit};
use super::{AskError, Capability};
use crate::call::request;
use crate::context::Context;

/// What a call asks for.
pub(crate) use wharf_protocol::input::InputRequest as Ask;

/// The start of a key that nobody gave.
pub(crate) fn kind(ask: &Ask) -> &'static str {
    match ask {
        Ask::Elicit(_) => "elicitation",
        Ask::Sample(_) => "sampling",
        Ask::Roots => "roots",
    }
}

/// What the client must have declared.
pub(crate) fn needs(ask: &Ask) -> &'static [Capability] {
    match ask {
        Ask::Elicit(ElicitParams::Form { .. }) => &[Capability::ElicitationForm],
        Ask::Elicit(ElicitParams::Url { .. }) => &[Capability::ElicitationUrl],
        Ask::Sample(params) if params.tools.is_empty() && params.tool_choice.is_none() => {
            &[Capability::Sampling]
        }
        Ask::Sample(_) => &[Capability::Sampling, Capability::SamplingTools],
        Ask::Roots => &[Capability::Roots],
    }
}

/// The ask as a request of the server's, in a revision that has such requests.
pub(crate) fn live(ask: &Ask, id: &IdBuf, revision: Revision, meta: Option<Value>) -> Vec<u8> {
    match ask {
        Ask::Elicit(params) => {
            let params = WithMeta::new(at(params, revision), meta);
            request(id, Method::Elicit, &params)
        }
        Ask::Sample(params) => {
            let params = WithMeta::new(at(&**params, revision), meta);
            request(id, Method::CreateMessage, &params)
        }
        Ask::Roots => {
            let params = WithMeta::new(serde_json::Map::new(), meta);
            request(id, Method::RootsList, &params)
        }
    }
}

/// Parameters that have no `_meta` of their own, with one.
#[derive(Serialize)]
pub(crate) struct WithMeta<T> {
    #[serde(flatten)]
    params: T,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

impl<T> WithMeta<T> {
    pub(crate) fn new(params: T, meta: Option<Value>) -> Self {
        Self { params, meta }
    }
}

/// A question to the person at the client, with its answer as a `T`.
///
/// Made by [`Context::elicit`]; awaiting it asks. Dropping it takes the question back: the client is
/// told, and an answer that was on its way is ignored.
#[must_use = "a question is asked when it is awaited"]
#[derive(Debug)]
pub struct Elicitation<'a, T> {
    ctx: &'a Context,
    message: String,
    key: Option<String>,
    answer: PhantomData<fn() -> T>,
}

impl<'a, T> Elicitation<'a, T> {
    pub(crate) fn new(ctx: &'a Context, message: String) -> Self {
        Self {
            ctx,
            message,
            key: None,
            answer: PhantomData,
        }
    }

    /// Names the question. Without a name it is called by its kind and place, which is enough as
    /// long as a handler asks its questions in the same order every time.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl<'a, T: Elicit + Send + 'a> IntoFuture for Elicitation<'a, T> {
    type Output = Result<T, AskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let schema = T::schema().map_err(AskError::schema)?;
            let params = ElicitParams::Form {
                message: self.message,
                requested_schema: schema.to_value(),
            };
            let result: ElicitResult = self.ctx.ask(self.key, Ask::Elicit(params)).await?;
            match result.action {
                ElicitAction::Accept => elicit::read_answer(result.content.unwrap_or_default())
                    .map_err(AskError::invalid),
                ElicitAction::Decline => Err(AskError::declined()),
                ElicitAction::Cancel => Err(AskError::cancelled()),
            }
        })
    }
}

/// A page that the person at the client is asked to open.
///
/// Made by [`Context::elicit_url`]; awaiting it asks. The answer says only whether they agreed.
#[must_use = "a question is asked when it is awaited"]
#[derive(Debug)]
pub struct UrlElicitation<'a> {
    ctx: &'a Context,
    message: String,
    url: String,
    key: Option<String>,
    id: Option<String>,
}

impl<'a> UrlElicitation<'a> {
    pub(crate) fn new(ctx: &'a Context, message: String, url: String) -> Self {
        Self {
            ctx,
            message,
            url,
            key: None,
            id: None,
        }
    }

    /// Names the ask, see [`Elicitation::key`].
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The id under which [`Context::elicitation_complete`] says that the person is done with the
    /// page. Must not be guessable; random unless given.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

impl<'a> IntoFuture for UrlElicitation<'a> {
    type Output = Result<ElicitResult, AskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        // Only 2025-11-25 has the id, and requires it.
        let elicitation_id = (self.ctx.exchange().revision == Revision::V2025_11_25).then(|| {
            let random = || format!("{:032x}", crate::session::random_id());
            self.id.unwrap_or_else(random)
        });
        let ask = Ask::Elicit(ElicitParams::Url {
            message: self.message,
            url: self.url,
            elicitation_id,
        });
        Box::pin(self.ctx.ask(self.key, ask))
    }
}

/// A request for a completion of the client's model, for [`Context::sample`].
///
/// ```
/// use wharf_server::Sample;
///
/// let request = Sample::user("What is the capital of France?")
///     .system("Answer in one word.")
///     .max_tokens(10);
/// # let _ = request;
/// ```
#[derive(Clone, Debug)]
pub struct Sample {
    pub(crate) params: CreateMessageParams,
    pub(crate) key: Option<String>,
}

impl Sample {
    /// A conversation that starts with this message of the user's. At most 1,024 tokens are asked
    /// for unless [`max_tokens`](Self::max_tokens) says otherwise.
    pub fn user(text: impl Into<String>) -> Self {
        let params = CreateMessageParams {
            max_tokens: 1024,
            ..CreateMessageParams::default()
        };
        Self { params, key: None }.message(Role::User, text)
    }

    /// Adds a message of the assistant's.
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(Role::Assistant, text)
    }

    fn message(mut self, role: Role, text: impl Into<String>) -> Self {
        let content = SamplingContent::text(text);
        self.params
            .messages
            .push(SamplingMessage::new(role, content));
        self
    }

    /// What the model is to be.
    pub fn system(mut self, prompt: impl Into<String>) -> Self {
        self.params.system_prompt = Some(prompt.into());
        self
    }

    /// The most tokens the answer may have.
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.params.max_tokens = tokens;
        self
    }

    /// How freely the model may choose, usually 0.0 to 1.0.
    pub fn temperature(mut self, temperature: f64) -> Self {
        self.params.temperature = Some(temperature);
        self
    }

    /// Adds a model, or a part of its name, that would be welcome; the first is the dearest.
    pub fn prefer(mut self, model: impl Into<String>) -> Self {
        let preferences = self
            .params
            .model_preferences
            .get_or_insert_with(ModelPreferences::default);
        preferences.hints.push(ModelHint {
            name: Some(model.into()),
        });
        self
    }

    /// Names the ask, see [`Elicitation::key`].
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl From<&str> for Sample {
    fn from(text: &str) -> Self {
        Self::user(text)
    }
}

impl From<String> for Sample {
    fn from(text: String) -> Self {
        Self::user(text)
    }
}

impl From<CreateMessageParams> for Sample {
    fn from(params: CreateMessageParams) -> Self {
        Self { params, key: None }
    }
}
