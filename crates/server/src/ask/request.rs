//! What can be asked, and how user code says it.

use serde::Serialize;
use serde_json::Value;
use wharf_protocol::content::Role;
use wharf_protocol::elicitation::ElicitParams;
use wharf_protocol::envelope::IdBuf;
use wharf_protocol::method::Method;
use wharf_protocol::projection::at;
use wharf_protocol::revision::Revision;
use wharf_protocol::sampling::{
    CreateMessageParams, ModelHint, ModelPreferences, SamplingContent, SamplingMessage,
};
use wharf_protocol::tasks::TaskParams;

use super::Capability;
use crate::call::request;

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
///
/// `more` are members that such a request can have besides its own.
pub(crate) fn live(ask: &Ask, id: &IdBuf, revision: Revision, more: More) -> Vec<u8> {
    match ask {
        Ask::Elicit(params) => {
            let params = more.with(at(params, revision));
            request(id, Method::Elicit, &params)
        }
        Ask::Sample(params) => {
            let params = more.with(at(&**params, revision));
            request(id, Method::CreateMessage, &params)
        }
        Ask::Roots => {
            let params = more.with(serde_json::Map::new());
            request(id, Method::RootsList, &params)
        }
    }
}

/// What a message's parameters have besides their own members.
#[derive(Debug, Default)]
pub(crate) struct More {
    pub(crate) meta: Option<Value>,
    /// The wish that the request become a task of the client's.
    pub(crate) task: Option<TaskParams>,
}

impl More {
    /// `_meta`, and nothing else.
    pub(crate) fn meta(meta: Option<Value>) -> Self {
        Self { meta, task: None }
    }

    /// The parameters together with it.
    pub(crate) fn with<T: Serialize>(self, params: T) -> impl Serialize {
        #[derive(Serialize)]
        struct With<T> {
            #[serde(flatten)]
            params: T,
            #[serde(skip_serializing_if = "Option::is_none")]
            task: Option<TaskParams>,
            #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
            meta: Option<Value>,
        }
        let Self { meta, task } = self;
        With { params, task, meta }
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
}

impl Sample {
    /// A conversation that starts with this message of the user's. At most 1,024 tokens are asked
    /// for unless [`max_tokens`](Self::max_tokens) says otherwise.
    pub fn user(text: impl Into<String>) -> Self {
        let params = CreateMessageParams {
            max_tokens: 1024,
            ..CreateMessageParams::default()
        };
        Self { params }.message(Role::User, text)
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
        Self { params }
    }
}
