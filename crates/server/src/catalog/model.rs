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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wharf_protocol::content::Role;
    use wharf_protocol::revision::Revision;
    use wharf_protocol::sampling::SamplingContent;

    use super::*;
    use crate::Server;

    /// Says the words that it heard, one after the other.
    async fn parrot(
        params: CreateMessageParams,
        ctx: Context,
    ) -> Result<CreateMessageResult, Error> {
        let Some(last) = params.messages.last() else {
            return Err(Error::invalid_params("`messages` is empty"));
        };
        let text = last.content.text().into_owned();
        for (n, word) in (1_u32..).zip(text.split_whitespace()) {
            ctx.progress_message(n.into(), None, word).await;
        }
        Ok(CreateMessageResult {
            role: Role::Assistant,
            content: SamplingContent::text(text).into(),
            model: "parrot".into(),
            stop_reason: Some("endTurn".into()),
            meta: None,
        })
    }

    #[tokio::test]
    async fn a_client_of_any_revision_may_ask_the_model() {
        let ask = json!({
            "messages": [{"role": "user", "content": {"type": "text", "text": "good day"}}],
            "maxTokens": 9, "_meta": {"progressToken": "p"},
        });
        for revision in Revision::ALL.iter().copied() {
            let server = Server::new("t").model(parrot).in_process().await;
            let server = server.expect("a server").open(revision).await;
            let server = server.expect("opened");
            let answer = server.request("sampling/createMessage", ask.clone()).await;
            let answer = answer.expect("an answer");
            assert_eq!(answer["content"]["text"], "good day", "{revision}");
            assert_eq!(answer["model"], "parrot");
            let said: Vec<_> = server.notifications();
            assert_eq!(said.len(), 2, "{revision}: {said:?}");
            if revision >= Revision::V2025_03_26 {
                assert_eq!(said[1]["params"]["message"], "day");
            }
            let empty = json!({"messages": [], "maxTokens": 9});
            let error = server.request("sampling/createMessage", empty).await;
            assert_eq!(error.expect_err("refused").code, -32602);
        }
    }

    #[tokio::test]
    async fn without_a_model_the_method_is_unknown_and_with_one_it_is_declared() {
        let server = Server::new("t").in_process().await.expect("a server");
        let ask = json!({"messages": [], "maxTokens": 9});
        let error = server.request("sampling/createMessage", ask).await;
        assert_eq!(error.expect_err("unknown").code, -32601);
        let about = server.request("server/discover", json!({})).await;
        let about = about.expect("a description");
        assert!(about["capabilities"].get("experimental").is_none());

        let server = Server::new("t").model(parrot).in_process().await;
        let server = server.expect("a server");
        let about = server.request("server/discover", json!({})).await;
        let about = about.expect("a description");
        assert_eq!(
            about["capabilities"]["experimental"],
            json!({"sampling": {}})
        );
    }
}
