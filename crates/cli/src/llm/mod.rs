//! A model of one's own: answers when a server asks for one, and talks in `wharf chat`
//! (`--llm PROVIDER:MODEL`).
//!
//! It is the model of the llm pack. Keys come from the environment only, and are never shown.

mod lines;
mod speaker;
mod spoken;
mod tools;

pub(crate) use lines::Lines;
pub(crate) use speaker::{Heard, Silent, Speaker, no_model};
pub(crate) use spoken::Spoken;
pub(crate) use tools::{Consent, Tools};

use std::fmt;

use wharf_protocol::{CreateMessageParams, CreateMessageResult};
use wharf_ready::packs::llm::{self, Answer, Options, Provider};
use wharf_ready::{Error, Secret};

use crate::failure::Failure;

/// The longest that a model may think, in seconds.
const PATIENCE: u64 = 300;

/// A model of a provider.
#[derive(Clone)]
pub(crate) struct Llm(llm::Llm);

impl Llm {
    /// Reads `PROVIDER:MODEL`.
    pub(crate) fn parse(
        text: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let wrong = |why: &dyn fmt::Display| Failure::new(format!("--llm {text}: {why}"));
        let known = || {
            let names: Vec<_> = Provider::ALL.iter().map(|one| one.as_str()).collect();
            format!(
                "write PROVIDER:MODEL; the providers are {}",
                names.join(", ")
            )
        };
        let (name, model) = text.split_once(':').unwrap_or((text, ""));
        let provider =
            Provider::parse(name).ok_or_else(|| wrong(&"unknown provider").next(known()))?;
        if provider != Provider::Echo && model.is_empty() {
            return Err(wrong(&"the model is missing").next(known()));
        }
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let key = provider.key_variable().and_then(given);
        let base_url = base_of(provider, given);
        if let (None, None, Some(name)) = (&key, &base_url, provider.key_variable()) {
            return Err(
                wrong(&format_args!("{name} is not set")).next("put the key into that variable")
            );
        }
        let options = Options {
            provider,
            model: Some(model.to_owned()).filter(|model| !model.is_empty()),
            // Where there is no key, there is none to lose on the way to a machine nearby.
            allow_http: key.is_none(),
            key: key.map(Secret::new),
            base_url,
            max_tokens: u32::MAX,
            timeout: PATIENCE,
            ..Options::default()
        };
        llm::Llm::with_variables(&options, given)
            .map(Self)
            .map_err(|error| wrong(&error))
    }

    /// Asks the model, and gives its answer before it is said.
    ///
    /// # Errors
    /// Why there is no answer, without keys.
    pub(crate) async fn ask(&self, params: CreateMessageParams) -> Result<Answer, Error> {
        self.0.ask(params).await
    }

    /// Asks the model, and waits for the whole answer.
    ///
    /// # Errors
    /// In words that a server may read: without keys.
    pub(crate) async fn create(
        &self,
        params: CreateMessageParams,
    ) -> Result<CreateMessageResult, String> {
        self.0
            .create(params)
            .await
            .map_err(|error| error.to_string())
    }
}

/// Where the environment says that a provider is, in the variables that its own programs read.
fn base_of(provider: Provider, given: impl Fn(&str) -> Option<String>) -> Option<String> {
    match provider {
        Provider::OpenAi => given("OPENAI_BASE_URL"),
        Provider::Anthropic => {
            // Without the version, which its own programs add.
            given("ANTHROPIC_BASE_URL").map(|url| format!("{}/v1", url.trim_end_matches('/')))
        }
        Provider::Ollama => given("OLLAMA_HOST").map(|host| match host.contains("://") {
            true => host,
            false => format!("http://{host}"),
        }),
        _ => None,
    }
}

impl fmt::Display for Llm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Llm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_and_their_keys() {
        let with = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| "s3cret".to_owned());
        let llm = Llm::parse("anthropic:claude-x", with).expect("a model");
        assert_eq!(llm.to_string(), "anthropic:claude-x");
        assert!(!format!("{llm:?}").contains("s3cret"));
        for (text, expected) in [
            ("anthropic:claude-x", "ANTHROPIC_API_KEY is not set"),
            ("openai:gpt-x", "OPENAI_API_KEY is not set"),
            ("openai", "the model is missing"),
            ("parrot:x", "unknown provider"),
        ] {
            let failure = Llm::parse(text, |_| None).expect_err(text).to_string();
            assert!(failure.contains(expected), "{failure}");
        }
        Llm::parse("ollama:llama", |_| None).expect("no key is needed");
        Llm::parse("echo", |_| None).expect("nothing is needed");
    }

    #[test]
    fn addresses_of_the_environment() {
        let base = |provider, value: &str| base_of(provider, |_| Some(value.to_owned()));
        for (provider, value, expected) in [
            (
                Provider::OpenAi,
                "http://127.0.0.1:1/v1",
                Some("http://127.0.0.1:1/v1"),
            ),
            (
                Provider::Anthropic,
                "http://127.0.0.1:1/",
                Some("http://127.0.0.1:1/v1"),
            ),
            (
                Provider::Ollama,
                "10.0.0.1:11434",
                Some("http://10.0.0.1:11434"),
            ),
            (
                Provider::Ollama,
                "https://a.example",
                Some("https://a.example"),
            ),
            (Provider::Xai, "https://a.example", None),
        ] {
            assert_eq!(base(provider, value).as_deref(), expected);
        }
        // A key does not go over a line that others can read.
        let open = |name: &str| match name {
            "OPENAI_BASE_URL" => Some("http://10.0.0.1/v1".to_owned()),
            _ => None,
        };
        Llm::parse("openai:x", open).expect("no key to lose");
        let key =
            |name: &str| open(name).or_else(|| (name == "OPENAI_API_KEY").then(|| "s3cret".into()));
        let failure = Llm::parse("openai:x", key)
            .expect_err("a key to lose")
            .to_string();
        assert!(
            failure.contains("https") && !failure.contains("s3cret"),
            "{failure}"
        );
    }
}
