//! What is known of each provider.

use genai::adapter::AdapterKind;
use url::Url;

use super::options::{Options, Provider};
use crate::{Error, Result, Secret};

/// How a provider is reached when the options say nothing else.
pub(super) struct Known {
    /// The form of its messages.
    pub(super) kind: AdapterKind,
    /// Where it is; ends with a slash.
    base: &'static str,
    /// The variable that its own programs take the key from.
    variable: Option<&'static str>,
    /// Whether it takes audio.
    pub(super) hears: bool,
}

impl Provider {
    /// `None` for the simulator.
    pub(super) const fn known(self) -> Option<Known> {
        let (kind, base, variable, hears) = match self {
            Self::Echo => return None,
            Self::OpenAi => (
                AdapterKind::OpenAI,
                "https://api.openai.com/v1/",
                Some("OPENAI_API_KEY"),
                true,
            ),
            Self::Anthropic => (
                AdapterKind::Anthropic,
                "https://api.anthropic.com/v1/",
                Some("ANTHROPIC_API_KEY"),
                false,
            ),
            Self::Xai => (
                AdapterKind::Xai,
                "https://api.x.ai/v1/",
                Some("XAI_API_KEY"),
                false,
            ),
            Self::Gemini => (
                AdapterKind::Gemini,
                "https://generativelanguage.googleapis.com/v1beta/",
                Some("GEMINI_API_KEY"),
                true,
            ),
            Self::Ollama => (AdapterKind::Ollama, "http://127.0.0.1:11434/", None, false),
            Self::Groq => (
                AdapterKind::Groq,
                "https://api.groq.com/openai/v1/",
                Some("GROQ_API_KEY"),
                false,
            ),
            Self::DeepSeek => (
                AdapterKind::DeepSeek,
                "https://api.deepseek.com/v1/",
                Some("DEEPSEEK_API_KEY"),
                false,
            ),
            Self::Mistral => (
                AdapterKind::Mistral,
                "https://api.mistral.ai/v1/",
                Some("MISTRAL_API_KEY"),
                true,
            ),
            Self::OpenRouter => (
                AdapterKind::OpenRouter,
                "https://openrouter.ai/api/v1/",
                Some("OPENROUTER_API_KEY"),
                true,
            ),
            Self::Together => (
                AdapterKind::Together,
                "https://api.together.xyz/v1/",
                Some("TOGETHER_API_KEY"),
                false,
            ),
        };
        Some(Known {
            kind,
            base,
            variable,
            hears,
        })
    }

    /// The variable of the environment that keeps the key, by custom.
    pub fn key_variable(self) -> Option<&'static str> {
        self.known()?.variable
    }
}

/// Where requests go and with which key.
pub(super) struct Place {
    /// Ends with a slash.
    pub(super) base: Url,
    pub(super) key: Option<Secret>,
}

/// Checks where the options send requests, and finds the key.
pub(super) fn place(
    options: &Options,
    known: &Known,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Place> {
    let provider = options.provider;
    let given = options.key.clone().filter(|key| !key.expose().is_empty());
    let Some(base) = &options.base_url else {
        let named = known
            .variable
            .and_then(variable)
            .filter(|key| !key.is_empty());
        let key = given.or(named.map(Secret::new));
        if let (None, Some(variable)) = (&key, known.variable) {
            return Err(Error::invalid(format!(
                "provider `{provider}` needs a key: put it into the variable {variable}, or give `key`"
            )));
        }
        let base = Url::parse(known.base)
            .map_err(|error| Error::invalid("the provider's address").because(error))?;
        return Ok(Place { base, key });
    };
    // A key of the environment is for the provider's own address, not for any that is given.
    let base = base_of(base, options.allow_http, provider)?;
    Ok(Place { base, key: given })
}

fn base_of(text: &str, allow_http: bool, provider: Provider) -> Result<Url> {
    let wrong = |why: &str| Error::invalid(format!("`base_url`: {why}"));
    let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("it must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it must not have a name or a password in it; give `key`",
        ));
    }
    let here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "http" && !here && !allow_http {
        return Err(wrong(
            "what is sent to another machine can be read on the way; use https, or set `allow_http = true`",
        ));
    }
    if provider == Provider::Anthropic && url.path() == "/" {
        url.set_path("/v1/");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(options: &Options) -> Result<Place> {
        let known = options.provider.known().expect("a provider");
        place(options, &known, |name| {
            (name == "XAI_API_KEY").then(|| "from-env".to_owned())
        })
    }

    #[test]
    fn where_requests_go() {
        let at = |provider, base: &str| {
            let options = Options {
                provider,
                base_url: Some(base.into()),
                ..Options::default()
            };
            place_of(&options)
                .map(|place| place.base.to_string())
                .map_err(|error| error.to_string())
        };
        for (provider, base, expected) in [
            (
                Provider::OpenAi,
                "http://127.0.0.1:8080/v1",
                "http://127.0.0.1:8080/v1/",
            ),
            (Provider::OpenAi, "http://[::1]:1/v1/", "http://[::1]:1/v1/"),
            (
                Provider::Ollama,
                "http://localhost:11434",
                "http://localhost:11434/",
            ),
            (
                Provider::Anthropic,
                "https://a.example",
                "https://a.example/v1/",
            ),
            (
                Provider::OpenAi,
                "https://a.example/b?api-version=1",
                "https://a.example/b/?api-version=1",
            ),
        ] {
            assert_eq!(at(provider, base).as_deref(), Ok(expected));
        }
        for (base, expected) in [
            ("http://a.example/v1", "allow_http"),
            ("http://localhost.evil.example/v1", "allow_http"),
            ("ftp://127.0.0.1/", "https://"),
            ("file:///etc/passwd", "https://"),
            ("https://me:s3cret@a.example/", "must not have a name"),
            ("nowhere", "relative URL"),
        ] {
            let error = at(Provider::OpenAi, base).expect_err(base);
            assert!(
                error.contains(expected) && !error.contains("s3cret"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_of_the_environment_is_for_the_usual_address() {
        let mut options = Options {
            provider: Provider::Xai,
            ..Options::default()
        };
        let key = |options: &Options| place_of(options).map(|place| place.key);
        assert_eq!(key(&options).expect("a key"), Some(Secret::new("from-env")));
        options.base_url = Some("http://127.0.0.1:1/".into());
        assert_eq!(key(&options).expect("a place"), None);
        options = Options {
            provider: Provider::Groq,
            ..Options::default()
        };
        let error = key(&options).expect_err("no key").to_string();
        assert!(error.contains("GROQ_API_KEY"), "{error}");
        options.key = Some(Secret::new("given"));
        assert_eq!(key(&options).expect("a key"), Some(Secret::new("given")));
    }
}
