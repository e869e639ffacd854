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
use crate::{Error, Result};

/// A language model of a provider, within the limits of its [`Options`]. Cheap to clone; clones
/// share the places of `concurrency`.
#[derive(Clone)]
pub struct Llm(Arc<Inner>);

struct Inner {
    options: Options,
    places: Arc<Semaphore>,
}

impl Llm {
    /// A model. Nothing is sent before it is asked.
    ///
    /// # Errors
    /// Options that do not fit together, such as a provider without a model or a key.
    pub fn new(options: &Options) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            options: options.clone(),
            places: Arc::new(Semaphore::new(options.concurrency)),
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
        let source = Source::Echo(Echo::new(&params));
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
        Ok(answer.result())
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
}

impl Answer {
    /// The next piece of text; `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// Why the answer does not go on; it must not be asked for more.
    pub async fn piece(&mut self) -> Result<Option<String>> {
        let next = async {
            match &mut self.source {
                Source::Echo(echo) => Ok::<_, Error>(echo.piece()),
            }
        };
        let Ok(piece) = tokio::time::timeout_at(self.deadline, next).await else {
            return Err(self.llm.late());
        };
        let piece = piece?;
        if let Some(piece) = &piece {
            self.text.push_str(piece);
        }
        Ok(piece)
    }

    /// All of it, once the last piece is there.
    pub fn result(self) -> CreateMessageResult {
        let (model, stop_reason) = match self.source {
            Source::Echo(echo) => (echo::MODEL.to_owned(), echo.stop_reason.to_owned()),
        };
        CreateMessageResult {
            role: Role::Assistant,
            content: SamplingContent::text(self.text).into(),
            model,
            stop_reason: Some(stop_reason),
            meta: None,
        }
    }
}
