//! [`Options`]: which model answers, and how far clients may go with it.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Error, Result, Secret};

/// A language model that clients may ask.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Who has the model. `echo` is a simulator: it says back what it is told.
    pub provider: Provider,
    /// The model, by the provider's name for it. All providers but `echo` need one.
    pub model: Option<String>,
    /// More models, which clients get when they ask for one of them by a part of its name.
    pub models: Vec<String>,
    /// The key for the provider; write `${OPENAI_API_KEY}` or `${file:PATH}`. Without it, and
    /// without `base_url`, it is taken from the variable that the provider names, such as
    /// `OPENAI_API_KEY`.
    pub key: Option<Secret>,
    /// Where the provider is, instead of its usual address, such as `http://127.0.0.1:8080/v1`.
    pub base_url: Option<String>,
    /// Allow a `base_url` of another machine that is not `https`.
    pub allow_http: bool,
    /// Told to the model before what a client tells it.
    pub system: Option<String>,
    /// The temperature where the client says none.
    pub temperature: Option<f64>,
    /// The highest temperature that a client gets.
    pub max_temperature: Option<f64>,
    /// The most tokens of one answer, whatever the client asks for.
    #[schemars(range(min = 1))]
    pub max_tokens: u32,
    /// How long one answer may take, in seconds, from the question to the last word.
    #[schemars(range(min = 1, max = 86_400))]
    pub timeout: u64,
    /// How many answers are made at the same time. Who finds no place waits, within its time.
    #[schemars(range(min = 1, max = 1000))]
    pub concurrency: usize,
    /// How often a request is made again that the provider was too busy for.
    #[schemars(range(max = 10))]
    pub retries: u32,
    /// The most that the provider may send for one answer, in bytes, with all that is around the
    /// text.
    #[schemars(range(min = 1024, max = 268_435_456))]
    pub max_bytes: usize,
    /// Whether the provider sends its answer piece by piece.
    pub stream: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            provider: Provider::default(),
            model: None,
            models: Vec::new(),
            key: None,
            base_url: None,
            allow_http: false,
            system: None,
            temperature: None,
            max_temperature: None,
            max_tokens: 8192,
            timeout: 120,
            concurrency: 8,
            retries: 2,
            max_bytes: 8 << 20,
            stream: true,
        }
    }
}

impl Options {
    /// Whether the options fit together, but for where the provider is.
    pub(super) fn check(&self) -> Result<()> {
        let remote = self.provider != Provider::Echo;
        let range = |name: &str, fits: bool, expected: &str| match fits {
            true => Ok(()),
            false => Err(Error::invalid(format!("`{name}` must be {expected}"))),
        };
        let temperature = |given: Option<f64>| given.is_none_or(|t| (0.0..=2.0).contains(&t));
        range("max_tokens", self.max_tokens > 0, "more than 0")?;
        range(
            "timeout",
            (1..=86_400).contains(&self.timeout),
            "1 to 86400 seconds",
        )?;
        range(
            "concurrency",
            (1..=1000).contains(&self.concurrency),
            "1 to 1000",
        )?;
        range("retries", self.retries <= 10, "at most 10")?;
        range(
            "max_bytes",
            (1024..=256 << 20).contains(&self.max_bytes),
            "1024 to 268435456",
        )?;
        range("temperature", temperature(self.temperature), "0 to 2")?;
        range(
            "max_temperature",
            temperature(self.max_temperature),
            "0 to 2",
        )?;
        let unnamed = self.model.as_deref().unwrap_or_default().is_empty();
        if remote && unnamed {
            return Err(Error::invalid(format!(
                "provider `{}` needs a `model`",
                self.provider
            )));
        }
        let only_remote = [
            ("base_url", self.base_url.is_some()),
            ("key", self.key.is_some()),
        ];
        for (name, given) in only_remote {
            if given && !remote {
                return Err(Error::invalid(format!(
                    "`{name}` means nothing to the simulator `echo`: name another `provider`"
                )));
            }
        }
        Ok(())
    }
}

/// Who has a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The simulator: it says back what it is told.
    #[default]
    Echo,
    /// OpenAI, and with `base_url` every server that speaks the same.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// xAI.
    Xai,
    /// Google Gemini.
    Gemini,
    /// Ollama, on this machine unless `base_url` says otherwise.
    Ollama,
    /// Groq.
    Groq,
    /// DeepSeek.
    DeepSeek,
    /// Mistral.
    Mistral,
    /// OpenRouter.
    OpenRouter,
    /// Together AI.
    Together,
}

impl Provider {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::Echo,
        Self::OpenAi,
        Self::Anthropic,
        Self::Xai,
        Self::Gemini,
        Self::Ollama,
        Self::Groq,
        Self::DeepSeek,
        Self::Mistral,
        Self::OpenRouter,
        Self::Together,
    ];

    /// The name, as it is written in options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Xai => "xai",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Groq => "groq",
            Self::DeepSeek => "deepseek",
            Self::Mistral => "mistral",
            Self::OpenRouter => "openrouter",
            Self::Together => "together",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_read_by_its_name() {
        for provider in Provider::ALL {
            let name = provider.as_str();
            let read: Options =
                serde_json::from_value(serde_json::json!({ "provider": name })).expect(name);
            assert_eq!(
                (read.provider, Provider::parse(name)),
                (provider, Some(provider))
            );
        }
        assert_eq!(Provider::parse("OpenAI"), None);
    }

    #[test]
    fn nothing_is_needed_and_nothing_unknown_is_taken() {
        let read: Options = serde_json::from_str("{}").expect("options");
        assert_eq!(read, Options::default());
        serde_json::from_str::<Options>(r#"{"modell": "x"}"#).expect_err("unknown");
    }
}
