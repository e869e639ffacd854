//! [`Llm`]: a model of a provider; [`Answer`]: what it says, while it says it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use wharf::protocol::content::Role;
use wharf::protocol::sampling::{CreateMessageParams, CreateMessageResult, SamplingContent};

use super::echo::{self, Echo};
use super::options::{Options, Provider};
use super::remote::{Remote, Said};
use crate::{Error, Result};

/// A language model of a provider, within the limits of its [`Options`]. Cheap to clone; clones
/// share the places of `concurrency`.
#[derive(Clone)]
pub struct Llm(Arc<Inner>);

struct Inner {
    options: Options,
    places: Arc<Semaphore>,
    /// `None`: the simulator.
    remote: Option<Remote>,
}

impl Llm {
    /// A model. Nothing is sent before it is asked. A key that the options do not name is taken
    /// from the environment.
    ///
    /// # Errors
    /// Options that do not fit together, such as a provider without a model or a key.
    pub fn new(options: &Options) -> Result<Self> {
        Self::with_variables(options, |name| std::env::var(name).ok())
    }

    /// The same with an environment of the caller's.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_variables(
        options: &Options,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        options.check()?;
        let remote = match options.provider.known() {
            Some(known) => Some(Remote::new(options, known, variable)?),
            None => None,
        };
        Ok(Self(Arc::new(Inner {
            options: options.clone(),
            places: Arc::new(Semaphore::new(options.concurrency)),
            remote,
        })))
    }

    /// How long one answer may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.0.options.timeout)
    }

    /// Asks the model, and gives its answer before it is said. Cancel safe, as the [`Answer`] is:
    /// dropped, it ends the request to the provider.
    ///
    /// # Errors
    /// [`Error::is_invalid`] where the request is one that the provider cannot take; otherwise why
    /// there is no answer. Neither has secrets in it.
    pub async fn ask(&self, mut params: CreateMessageParams) -> Result<Answer> {
        let deadline = Instant::now() + self.timeout();
        let place = Arc::clone(&self.0.places).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout_at(deadline, place).await else {
            return Err(self.late());
        };
        self.bound(&mut params);
        let source = match &self.0.remote {
            None => Source::Echo(Echo::new(&params)),
            Some(remote) => {
                let model = self.model(&params);
                let said = remote.ask(model, params, deadline);
                match tokio::time::timeout_at(deadline, said).await {
                    Ok(said) => {
                        Source::Remote(Box::new(said.map_err(|error| error.context(self))?))
                    }
                    Err(_) => return Err(self.late()),
                }
            }
        };
        Ok(Answer {
            llm: self.clone(),
            source,
            text: String::new(),
            deadline,
            _place: place,
        })
    }

    /// Asks the model, and waits for the whole answer.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn create(&self, params: CreateMessageParams) -> Result<CreateMessageResult> {
        let mut answer = self.ask(params).await?;
        while answer.piece().await?.is_some() {}
        answer.result()
    }

    /// The model to ask: the first one that the client names a part of, among those that it may
    /// have.
    fn model(&self, params: &CreateMessageParams) -> &str {
        let options = &self.0.options;
        let usual = options.model.as_deref().unwrap_or_default();
        let preferences = params.model_preferences.as_ref();
        let hints = preferences.map_or(&[][..], |preferences| &preferences.hints);
        let all = || std::iter::once(usual).chain(options.models.iter().map(String::as_str));
        hints
            .iter()
            .filter_map(|hint| hint.name.as_deref().filter(|name| !name.is_empty()))
            .find_map(|name| {
                let whole = all().find(|model| *model == name);
                whole.or_else(|| all().find(|model| model.contains(name)))
            })
            .unwrap_or(usual)
    }

    /// Keeps a request within the options.
    fn bound(&self, params: &mut CreateMessageParams) {
        let options = &self.0.options;
        params.max_tokens = params.max_tokens.min(options.max_tokens);
        let temperature = params.temperature.or(options.temperature);
        params.temperature = match (temperature, options.max_temperature) {
            (Some(given), Some(most)) => Some(given.min(most)),
            (given, _) => given,
        };
        if let Some(own) = &options.system {
            params.system_prompt = Some(match params.system_prompt.take() {
                Some(theirs) => format!("{own}\n\n{theirs}"),
                None => own.clone(),
            });
        }
    }

    fn late(&self) -> Error {
        let seconds = self.0.options.timeout;
        Error::unavailable(format!("{self}: no answer within {seconds} s"))
    }
}

impl fmt::Display for Llm {
    /// The provider and the model.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options {
            provider, model, ..
        } = &self.0.options;
        match (provider, model) {
            (Provider::Echo, _) | (_, None) => provider.fmt(f),
            (_, Some(model)) => write!(f, "{provider}:{model}"),
        }
    }
}

impl fmt::Debug for Llm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Llm({self})")
    }
}

/// What a model says, while it says it. Dropped, it ends the request to the provider.
#[derive(Debug)]
pub struct Answer {
    llm: Llm,
    source: Source,
    text: String,
    deadline: Instant,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Source {
    Echo(Echo),
    Remote(Box<Said>),
}

impl Answer {
    /// The next piece of text; `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// Why the answer does not go on; it must not be asked for more.
    pub async fn piece(&mut self) -> Result<Option<String>> {
        let next = async {
            match &mut self.source {
                Source::Echo(echo) => Ok(echo.piece()),
                Source::Remote(said) => said.piece().await,
            }
        };
        let Ok(piece) = tokio::time::timeout_at(self.deadline, next).await else {
            return Err(self.llm.late());
        };
        let piece = piece.map_err(|error: Error| error.context(&self.llm))?;
        if let Some(piece) = &piece {
            self.text.push_str(piece);
        }
        Ok(piece)
    }

    /// All of it, once the last piece is there.
    ///
    /// # Errors
    /// What the model said last cannot be read: a call of a tool without proper arguments.
    pub fn result(self) -> Result<CreateMessageResult> {
        match self.source {
            Source::Echo(echo) => Ok(CreateMessageResult {
                role: Role::Assistant,
                content: SamplingContent::text(self.text).into(),
                model: echo::MODEL.to_owned(),
                stop_reason: Some(echo.stop_reason.to_owned()),
                meta: None,
            }),
            Source::Remote(said) => said
                .result(self.text)
                .map_err(|error| error.context(&self.llm)),
        }
    }
}
