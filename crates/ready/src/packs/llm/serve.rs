//! The model as clients reach it: `sampling/createMessage`, and the tool `ask_llm`.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use wharf::protocol::content::Role;
use wharf::protocol::sampling::{
    CreateMessageParams, CreateMessageResult, SamplingContent, SamplingMessage,
};
use wharf::{Context, ModelHandler, Tool};

use super::Llm;
use crate::Error;

/// Answers `sampling/createMessage`.
pub(super) struct Model(pub(super) Llm);

impl ModelHandler for Model {
    fn create_message<'a>(
        &'a self,
        ctx: &'a Context,
        params: CreateMessageParams,
    ) -> Pin<Box<dyn Future<Output = wharf::Result<CreateMessageResult>> + Send + 'a>> {
        Box::pin(answer(&self.0, ctx, params))
    }
}

/// Asks the model, and tells the client each piece of the answer when it is there.
async fn answer(
    llm: &Llm,
    ctx: &Context,
    params: CreateMessageParams,
) -> wharf::Result<CreateMessageResult> {
    let mut answer = llm.ask(params).await.map_err(told)?;
    let mut count = 0.0;
    while let Some(piece) = answer.piece().await.map_err(told)? {
        count += 1.0;
        ctx.progress_message(count, None, piece).await;
    }
    answer.result().map_err(told)
}

fn told(error: Error) -> wharf::Error {
    if error.is_invalid() {
        return wharf::Error::invalid_params(error);
    }
    wharf::Error::new(error)
}

/// What `ask_llm` takes.
#[derive(Debug, Deserialize, JsonSchema)]
struct Question {
    /// What to ask
    prompt: String,
    /// How the model should behave
    system: Option<String>,
    /// The most tokens of the answer
    #[schemars(range(min = 1))]
    max_tokens: Option<u32>,
}

/// The tool `ask_llm`.
pub(super) fn tool(llm: &Llm) -> Tool {
    let model = llm.clone();
    Tool::new("ask_llm")
        .title("Ask a language model")
        .description(format!(
            "Ask the language model {llm} a question, and get its answer. It knows nothing of this \
             conversation: say in the prompt all that it needs."
        ))
        .read_only()
        .open_world(true)
        .task()
        // The answer has a time of its own, after which it says what was wrong.
        .timeout(llm.timeout() + Duration::from_secs(5))
        .handler(move |question: Question, ctx: Context| {
            let llm = model.clone();
            async move {
                let text = SamplingContent::text(question.prompt);
                let params = CreateMessageParams {
                    messages: vec![SamplingMessage::new(Role::User, text)],
                    system_prompt: question.system,
                    max_tokens: question.max_tokens.unwrap_or(u32::MAX),
                    ..CreateMessageParams::default()
                };
                let result = answer(&llm, &ctx, params).await?;
                Ok::<_, wharf::Error>(result.text().into_owned())
            }
        })
}
