//! Models that answer when a server asks for one (`--llm PROVIDER:MODEL`).
//!
//! A provider is a pair of functions, from what the server asks to a request and from the answer
//! to a result; the one place that opens connections is `http`. Keys come from the environment
//! only, and are never shown.

mod anthropic;
mod http;
mod ollama;
mod openai;

use std::fmt;

use serde_json::Value;
use wharf_protocol::{
    CreateMessageParams, CreateMessageResult, Role, SamplingContent, SamplingMessage,
};

use crate::failure::Failure;
use crate::hosts::Secret;

/// What is posted to a provider.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, Secret)>,
    pub(super) body: Value,
}

/// A service that has models.
trait Provider: Send + Sync {
    /// What is posted for this.
    ///
    /// # Errors
    /// It cannot be said to this provider, and why.
    fn request(&self, model: &str, params: &CreateMessageParams) -> Result<Request, String>;

    /// What the provider's answer says.
    ///
    /// # Errors
    /// It is not an answer.
    fn result(&self, answer: &Value) -> Result<CreateMessageResult, String>;
}

/// A model of a provider.
pub(crate) struct Llm {
    name: String,
    model: String,
    /// `None`: it says what it is told.
    provider: Option<Box<dyn Provider>>,
}

impl Llm {
    /// Reads `PROVIDER:MODEL`.
    pub(crate) fn parse(
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        const KNOWN: &str =
            "the providers are openai:MODEL, anthropic:MODEL, ollama:MODEL, and echo";
        let (name, model) = text.split_once(':').unwrap_or((text, ""));
        let key = |name: &str| {
            let missing = || {
                Failure::new(format!("--llm {text}: {name} is not set"))
                    .next("put the key into that variable")
            };
            variable(name)
                .filter(|key| !key.is_empty())
                .map(Secret)
                .ok_or_else(missing)
        };
        let base = |name: &str, otherwise: &str| {
            let url = variable(name).filter(|url| !url.is_empty());
            url.unwrap_or_else(|| otherwise.to_owned())
                .trim_end_matches('/')
                .to_owned()
        };
        let provider: Option<Box<dyn Provider>> = match name {
            "echo" => None,
            _ if model.is_empty() => {
                return Err(Failure::new(format!("--llm {text}: the model is missing")).next(KNOWN));
            }
            "openai" => {
                let url = base("OPENAI_BASE_URL", openai::BASE);
                // Servers of one's own, which speak the same, often want no key.
                let key = if url == openai::BASE {
                    Some(key("OPENAI_API_KEY")?)
                } else {
                    key("OPENAI_API_KEY").ok()
                };
                Some(Box::new(openai::OpenAi { url, key }))
            }
            "anthropic" => Some(Box::new(anthropic::Anthropic {
                url: base("ANTHROPIC_BASE_URL", "https://api.anthropic.com"),
                key: key("ANTHROPIC_API_KEY")?,
            })),
            "ollama" => {
                let host = base("OLLAMA_HOST", "http://127.0.0.1:11434");
                let url = if host.contains("://") {
                    host
                } else {
                    format!("http://{host}")
                };
                Some(Box::new(ollama::Ollama { url }))
            }
            _ => return Err(Failure::new(format!("--llm {text}: unknown provider")).next(KNOWN)),
        };
        Ok(Self {
            name: name.to_owned(),
            model: model.to_owned(),
            provider,
        })
    }

    /// Asks the model.
    ///
    /// # Errors
    /// In words that a server may read: without keys.
    pub(crate) async fn create(
        &self,
        params: CreateMessageParams,
    ) -> Result<CreateMessageResult, String> {
        match &self.provider {
            None => Ok(echo(&params)),
            Some(provider) => {
                let request = provider.request(&self.model, &params)?;
                provider.result(&http::post(request).await?)
            }
        }
    }
}

impl fmt::Display for Llm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.model.is_empty() { "" } else { ":" };
        write!(f, "{}{separator}{}", self.name, self.model)
    }
}

impl fmt::Debug for Llm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Llm({self})")
    }
}

/// The last thing that was said, for trying a server without a model.
fn echo(params: &CreateMessageParams) -> CreateMessageResult {
    let last = params.messages.last();
    said(
        last.map(|message| message.content.text().into_owned())
            .unwrap_or_default(),
        "echo",
        "endTurn",
    )
}

/// Something a model said.
fn said(text: String, model: &str, stop_reason: &str) -> CreateMessageResult {
    CreateMessageResult {
        role: Role::Assistant,
        content: SamplingContent::text(text).into(),
        model: model.to_owned(),
        stop_reason: Some(stop_reason.to_owned()),
        meta: None,
    }
}

/// A piece of a message that providers take.
enum Piece<'a> {
    Text(&'a str),
    /// Base64 data and the MIME type.
    Image(&'a str, &'a str),
}

/// The pieces of a message.
fn pieces(message: &SamplingMessage) -> Result<Vec<Piece<'_>>, String> {
    message.content.as_slice().iter().map(piece).collect()
}

fn piece(content: &SamplingContent) -> Result<Piece<'_>, String> {
    match content {
        SamplingContent::Text(text) => Ok(Piece::Text(&text.text)),
        SamplingContent::Image(image) => Ok(Piece::Image(&image.data, &image.mime_type)),
        SamplingContent::Audio(_) => Err("this client sends no audio to models".to_owned()),
        SamplingContent::ToolUse(_) | SamplingContent::ToolResult(_) => {
            Err("this client does not let models use tools".to_owned())
        }
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn params() -> CreateMessageParams {
        serde_json::from_value(json!({
            "systemPrompt": "Be brief.", "maxTokens": 64, "temperature": 0.5, "stopSequences": ["END"],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "data": "AAAA", "mimeType": "image/png"},
                ]},
                {"role": "assistant", "content": {"type": "text", "text": "A hill."}},
            ],
        }))
        .expect("params")
    }

    #[test]
    fn providers_and_their_keys() {
        let with = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| "s3cret".to_owned());
        let llm = Llm::parse("anthropic:claude-x", with).expect("a model");
        assert_eq!(llm.to_string(), "anthropic:claude-x");
        let request = llm
            .provider
            .as_ref()
            .expect("a provider")
            .request("claude-x", &params())
            .expect("a request");
        assert!(!format!("{llm:?} {request:?}").contains("s3cret"));
        for (text, expected) in [
            ("anthropic:claude-x", "ANTHROPIC_API_KEY is not set"),
            ("openai:gpt-x", "OPENAI_API_KEY is not set"),
            ("openai", "the model is missing"),
            ("parrot:x", "unknown provider"),
        ] {
            let failure = Llm::parse(text, |_| None).expect_err(text).to_string();
            assert!(failure.contains(expected), "{failure}");
        }
    }

    #[tokio::test]
    async fn echo_repeats() {
        let llm = Llm::parse("echo", |_| None).expect("a model");
        assert_eq!(
            llm.create(params()).await.expect("an answer").text(),
            "A hill."
        );
    }
}
