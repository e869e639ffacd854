//! What servers ask for in the middle of a call, and who answers it.
//!
//! The handlers are given once. Whether a question comes as a request of its own (up to
//! 2025-11-25), as a result that requires input (2026-07-28) or inside a task is not theirs to see.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::try_join_all;
use serde_json::{Map, Value};
use wharf_protocol::error::{ErrorCode, ErrorObject};
use wharf_protocol::input::{InputRequest, InputRequiredResult, InputResponse};
use wharf_protocol::projection::at;
use wharf_protocol::roots::{ListRootsResult, Root};
use wharf_protocol::{
    ClientCapabilities, CreateMessageParams, CreateMessageResult, ElicitAction, ElicitParams,
    ElicitResult, ElicitationCapability, Revision, RootsCapability, SamplingCapability,
};

use crate::error::{Error, Result};
use crate::message::Members;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Handler<A, R> = Arc<dyn Fn(A) -> BoxFuture<R> + Send + Sync>;

/// A form that a server wants filled in (spec 2026-07-28, client/elicitation). Not for secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// What is asked, and why. Written by the server: not to be trusted.
    pub message: String,
    /// JSON Schema of the fields: an object whose properties are strings, numbers, booleans and
    /// choices.
    pub schema: Value,
}

/// A page that a server wants the person to open (spec 2026-07-28, client/elicitation).
///
/// Show the whole address and ask before it is opened; never open it by yourself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What is asked, and why. Written by the server: not to be trusted.
    pub message: String,
    /// The address.
    pub url: String,
    /// The name under which the server announces that it is done
    /// ([`Notification::ElicitationComplete`](crate::Notification)), in 2025-11-25.
    pub elicitation_id: Option<String>,
}

/// Why a question is not answered; the server is told the words.
#[derive(Clone, Debug)]
pub struct AskError(ErrorObject);

impl AskError {
    /// The code that the specification's examples use where a person refuses.
    const REFUSED: i32 = -1;

    /// The person, or a policy, refuses.
    pub fn refused(words: impl Into<String>) -> Self {
        Self(ErrorObject::new(Self::REFUSED, words))
    }

    /// It failed.
    pub fn failed(words: impl Into<String>) -> Self {
        Self(ErrorObject::new(ErrorCode::INTERNAL_ERROR, words))
    }

    fn unsupported(method: &str) -> Self {
        Self(ErrorObject::new(
            ErrorCode::METHOD_NOT_FOUND,
            format!("this client did not declare that it answers {method}"),
        ))
    }

    pub(crate) fn into_object(self) -> ErrorObject {
        self.0
    }
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for AskError {}

/// The handlers, and the roots.
#[derive(Default)]
pub(crate) struct Asks {
    pub(crate) form: Option<Handler<Form, Result<ElicitResult, AskError>>>,
    pub(crate) page: Option<Handler<Page, Result<ElicitResult, AskError>>>,
    pub(crate) sample: Option<Handler<CreateMessageParams, Result<CreateMessageResult, AskError>>>,
    pub(crate) sampling: SamplingCapability,
    pub(crate) roots: Option<RwLock<Vec<Root>>>,
}

/// A closure as a handler.
pub(crate) fn handler<A, R, F, Fut>(f: F) -> Handler<A, R>
where
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    Arc::new(move |ask| Box::pin(f(ask)))
}

impl Asks {
    /// What may be asked.
    pub(crate) fn capabilities(&self) -> ClientCapabilities {
        let elicitation = ElicitationCapability {
            form: self.form.is_some(),
            url: self.page.is_some(),
        };
        ClientCapabilities {
            roots: self
                .roots
                .is_some()
                .then_some(RootsCapability { list_changed: true }),
            sampling: self.sample.is_some().then_some(self.sampling),
            elicitation: (elicitation.form || elicitation.url).then_some(elicitation),
            ..ClientCapabilities::default()
        }
    }

    /// Whether there is anything that may be asked.
    pub(crate) fn has_answers(&self) -> bool {
        self.form.is_some() || self.page.is_some() || self.sample.is_some() || self.roots.is_some()
    }

    pub(crate) fn set_roots(&self, new: Vec<Root>) -> Result<()> {
        match &self.roots {
            Some(roots) => {
                *roots.write().unwrap_or_else(PoisonError::into_inner) = new;
                Ok(())
            }
            None => Err(Error::usage(
                "roots were not declared when connecting; give them to the builder, if only an empty list",
            )),
        }
    }

    /// Answers one question.
    pub(crate) async fn answer(&self, ask: InputRequest) -> Result<InputResponse, AskError> {
        let method = ask.method();
        match ask {
            InputRequest::Elicit(ElicitParams::Form {
                message,
                requested_schema: schema,
            }) => {
                let handler = self.form.as_ref();
                let handler = handler.ok_or_else(|| AskError::unsupported(method))?;
                let mut result = handler(Form {
                    message,
                    schema: schema.clone(),
                })
                .await?;
                if result.action == ElicitAction::Accept {
                    fill_in_defaults(result.content.get_or_insert_default(), &schema);
                } else {
                    result.content = None;
                }
                Ok(InputResponse::Elicit(result))
            }
            InputRequest::Elicit(ElicitParams::Url {
                message,
                url,
                elicitation_id,
            }) => {
                let handler = self.page.as_ref();
                let handler = handler.ok_or_else(|| AskError::unsupported(method))?;
                let mut result = handler(Page {
                    message,
                    url,
                    elicitation_id,
                })
                .await?;
                // What is done on a page does not pass through the client.
                result.content = None;
                Ok(InputResponse::Elicit(result))
            }
            InputRequest::Sample(params) => {
                let handler = self.sample.as_ref();
                let handler = handler.ok_or_else(|| AskError::unsupported(method))?;
                let result = handler(*params).await?;
                Ok(InputResponse::Sample(Box::new(result)))
            }
            InputRequest::Roots => {
                let roots = self.roots.as_ref();
                let roots = roots.ok_or_else(|| AskError::unsupported(method))?;
                Ok(InputResponse::Roots(ListRootsResult {
                    roots: roots.read().unwrap_or_else(PoisonError::into_inner).clone(),
                    meta: None,
                }))
            }
        }
    }

    /// Answers all that a result requires: the members that the next round carries.
    pub(crate) async fn round(
        &self,
        asked: InputRequiredResult,
        revision: Revision,
    ) -> Result<Members> {
        let mut members = Members::default();
        if !asked.input_requests.is_empty() {
            members.put(
                "inputResponses",
                &self.answers(asked.input_requests, revision).await?,
            )?;
        } else if asked.request_state.is_none() {
            return Err(Error::protocol(
                "the server requires input, but says neither which nor gives a state",
            ));
        }
        if let Some(state) = &asked.request_state {
            members.put("requestState", state)?;
        }
        Ok(members)
    }

    /// The answers to several questions, asked together.
    pub(crate) async fn answers(
        &self,
        asks: impl IntoIterator<Item = (String, InputRequest)>,
        revision: Revision,
    ) -> Result<Map<String, Value>> {
        let answers = asks.into_iter().map(|(key, ask)| async move {
            let method = ask.method();
            let answer = self.answer(ask).await.map_err(|refusal| {
                Error::unsupported(format!("the server asked for {method}: {refusal}"))
            })?;
            let written = serde_json::to_value(at(&answer, revision))
                .map_err(|error| Error::usage(format!("the answer to {method}: {error}")))?;
            Ok((key, written))
        });
        Ok(try_join_all(answers).await?.into_iter().collect())
    }
}

impl fmt::Debug for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asks")
            .field("capabilities", &self.capabilities())
            .finish()
    }
}

/// Fields that the person left out get the defaults of the form
/// (spec 2026-07-28, client/elicitation, "Default values").
fn fill_in_defaults(content: &mut Map<String, Value>, schema: &Value) {
    let Some(Value::Object(fields)) = schema.get("properties") else {
        return;
    };
    for (name, field) in fields {
        if let Some(default) = field.get("default")
            && !content.contains_key(name)
        {
            content.insert(name.clone(), default.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asks() -> Asks {
        Asks {
            form: Some(handler(|form: Form| async move {
                match form.message.as_str() {
                    "no" => Ok(ElicitResult::decline()),
                    "fail" => Err(AskError::failed("broken")),
                    _ => Ok(ElicitResult::accept(Map::from_iter([(
                        "a".to_owned(),
                        json!(1),
                    )]))),
                }
            })),
            ..Asks::default()
        }
    }

    fn form(message: &str) -> InputRequest {
        InputRequest::Elicit(ElicitParams::Form {
            message: message.to_owned(),
            requested_schema: json!({"type": "object", "properties": {
                "a": {"type": "integer", "default": 7},
                "b": {"type": "string", "default": "x"},
            }}),
        })
    }

    async fn answers(message: &str) -> Result<Value> {
        let asked = [("k".to_owned(), form(message))];
        let answers = asks().answers(asked, Revision::LATEST).await?;
        Ok(answers.into())
    }

    #[tokio::test]
    async fn defaults_fill_in_what_was_left_out() {
        assert_eq!(
            answers("yes").await.expect("an answer"),
            json!({"k": {"action": "accept", "content": {"a": 1, "b": "x"}}})
        );
        assert_eq!(
            answers("no").await.expect("an answer"),
            json!({"k": {"action": "decline"}})
        );
        let error = answers("fail").await.expect_err("a failure");
        assert!(error.to_string().contains("broken"), "{error}");
    }

    #[tokio::test]
    async fn what_was_not_declared_is_refused() {
        let refusal = asks().answer(InputRequest::Roots).await.expect_err("none");
        assert_eq!(refusal.into_object().code, ErrorCode::METHOD_NOT_FOUND);
        let declared = asks().capabilities();
        assert!(declared.elicitation.is_some_and(|it| it.form && !it.url));
        assert!(declared.roots.is_none() && declared.sampling.is_none());
    }
}
