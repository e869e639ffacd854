//! [`Remote`]: a model that is elsewhere; [`Said`]: its answer, while it comes.

use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::StreamExt as _;
use genai::adapter::AdapterKind;
use genai::chat::{
    ChatOptions, ChatStream, ChatStreamEvent, MessageContent, RawFrameRef, ReasoningEffort,
    StopReason,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;
use wharf::protocol::content::Role;
use wharf::protocol::sampling::{CreateMessageParams, CreateMessageResult, SamplingContent};

use super::calls::Calls;
use super::names::Names;
use super::options::Options;
use super::provider::{self, Known};
use super::relay::{EXCHANGE, Fault, Relay, Ticket, Upstream, client, shown, words};
use super::request::asked;
use crate::{Error, Result, Secret};

/// The most that is kept of the name of a model or a reason, in characters.
const MAX_NAME: usize = 100;

/// A model that is elsewhere.
pub(super) struct Remote {
    known: Known,
    client: genai::Client,
    /// Until the relay has it.
    upstream: std::sync::Mutex<Option<Upstream>>,
    relay: OnceCell<Relay>,
    key: Option<Secret>,
    stream: bool,
}

/// What a provider says, while it says it.
pub(super) struct Said {
    source: Source,
    kind: AdapterKind,
    names: Names,
    calls: Calls,
    stop_reason: Option<StopReason>,
    /// The model that the provider says it is.
    model: Arc<OnceLock<String>>,
    wanted: String,
    key: Option<Secret>,
    ticket: Ticket,
}

enum Source {
    Stream(Box<ChatStream>),
    /// All of it at once.
    Whole(Option<String>),
}

impl Remote {
    pub(super) fn new(
        options: &Options,
        known: Known,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let place = provider::place(options, &known, variable)?;
        let key = place.key.clone();
        let upstream = Upstream::new(place.base, place.key, options.retries, options.max_bytes)?;
        // To the relay and nowhere else.
        let reqwest = client(reqwest::Client::builder().no_proxy())?;
        let client = genai::Client::builder().with_reqwest(reqwest).build();
        let client = client.map_err(|_| Error::unavailable("the HTTP client cannot be made"))?;
        Ok(Self {
            known,
            client,
            upstream: std::sync::Mutex::new(Some(upstream)),
            relay: OnceCell::new(),
            key,
            stream: options.stream,
        })
    }

    async fn relay(&self) -> Result<&Relay> {
        let start = async {
            let mut slot = self
                .upstream
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .take();
            let Some(upstream) = slot.take() else {
                return Err(Error::unavailable("the way to the provider did not open"));
            };
            Relay::start(upstream).await.map_err(|error| {
                Error::unavailable("the way to the provider did not open").because(error)
            })
        };
        self.relay.get_or_try_init(|| start).await
    }

    /// Sends a request.
    pub(super) async fn ask(
        &self,
        model: &str,
        params: CreateMessageParams,
        deadline: Instant,
    ) -> Result<Said> {
        let asked = asked(params, self.known.hears)?;
        let relay = self.relay().await?;
        let ticket = relay.ticket(deadline).map_err(|error| {
            Error::unavailable("the way to the provider did not open").because(error)
        })?;
        let target = ServiceTarget {
            endpoint: Endpoint::from_owned(relay.base()),
            auth: AuthData::from_single(relay.token()),
            model: ModelIden::new(self.known.kind, model),
        };
        let name = Arc::new(OnceLock::new());
        let options = options(asked.options, self.known.kind, model, &ticket, &name);
        let mut said = Said {
            source: Source::Whole(None),
            kind: self.known.kind,
            names: asked.names,
            calls: Calls::default(),
            stop_reason: None,
            model: name,
            wanted: model.to_owned(),
            key: self.key.clone(),
            ticket,
        };
        if self.stream {
            let answer = self
                .client
                .exec_chat_stream(target, asked.request, Some(&options));
            let answer = answer.with_subscriber(NoSubscriber::new()).await;
            let answer = answer.map_err(|error| said.failed(error))?;
            said.source = Source::Stream(Box::new(answer.stream));
        } else {
            let answer = self.client.exec_chat(target, asked.request, Some(&options));
            let answer = answer.with_subscriber(NoSubscriber::new()).await;
            let answer = answer.map_err(|error| said.failed(error))?;
            said.stop_reason = answer.stop_reason;
            said.source = Source::Whole(said.all_of(answer.content));
        }
        Ok(said)
    }
}

/// The options of one request.
fn options(
    mut options: ChatOptions,
    kind: AdapterKind,
    model: &str,
    ticket: &Ticket,
    name: &Arc<OnceLock<String>>,
) -> ChatOptions {
    // `genai` takes the end of a name such as `qwen-max` for a wish how hard to think, unless it
    // is told one; this one is sent to nobody.
    let like_openai = !matches!(
        kind,
        AdapterKind::Anthropic | AdapterKind::Gemini | AdapterKind::Ollama | AdapterKind::DeepSeek
    );
    if like_openai && ReasoningEffort::from_model_name(model).0.is_some() {
        options.reasoning_effort = Some(ReasoningEffort::Budget(0));
    }
    let name = Arc::clone(name);
    options
        .with_extra_headers((EXCHANGE, ticket.number()))
        .with_raw_frame_fn(move |_, frame: RawFrameRef<'_>| {
            if name.get().is_none()
                && let Some(found) = frame.json().as_ref().and_then(model_of)
            {
                let _ = name.set(found);
            }
        })
}

/// The name of the model in a piece of an answer.
fn model_of(piece: &Value) -> Option<String> {
    let name = piece["model"]
        .as_str()
        .or(piece["message"]["model"].as_str())
        .or(piece["modelVersion"].as_str())?;
    (!name.is_empty()).then(|| short(name))
}

/// A word of a provider that goes into a result.
fn short(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME)
        .collect()
}

impl Said {
    /// The next piece of text; `None` at the end. Cancel safe.
    pub(super) async fn piece(&mut self) -> Result<Option<String>> {
        loop {
            let stream = match &mut self.source {
                Source::Whole(text) => return Ok(text.take()),
                Source::Stream(stream) => stream,
            };
            // What `genai` would log is what the provider said, as it is.
            let event = stream.next().with_subscriber(NoSubscriber::new()).await;
            if let Some(fault) = self.ticket.fault() {
                return Err(Error::unavailable(fault));
            }
            match event {
                Some(Ok(ChatStreamEvent::Chunk(chunk))) if !chunk.content.is_empty() => {
                    return Ok(Some(chunk.content));
                }
                Some(Ok(ChatStreamEvent::ToolCallChunk(chunk))) => {
                    self.calls.take(self.kind, chunk.tool_call);
                }
                Some(Ok(ChatStreamEvent::End(end))) => {
                    let ends_itself =
                        !matches!(self.kind, AdapterKind::Ollama | AdapterKind::Gemini);
                    if !ends_itself && end.captured_stop_reason.is_none() {
                        return Err(Error::unavailable(Fault::BrokenOff));
                    }
                    self.stop_reason = end.captured_stop_reason;
                    self.source = Source::Whole(None);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.failed(error)),
                None => return Err(Error::unavailable(Fault::BrokenOff)),
            }
        }
    }

    /// All of it, once the last piece is there.
    pub(super) fn result(self, text: String) -> Result<CreateMessageResult> {
        let has_calls = !self.calls.is_empty();
        let stop_reason = match self.stop_reason {
            Some(StopReason::MaxTokens(_)) => "maxTokens".to_owned(),
            _ if has_calls => "toolUse".to_owned(),
            None | Some(StopReason::Completed(_)) => "endTurn".to_owned(),
            Some(StopReason::ToolCall(_)) => "toolUse".to_owned(),
            Some(StopReason::StopSequence(_)) => "stopSequence".to_owned(),
            Some(StopReason::ContentFilter(other) | StopReason::Other(other)) => short(&other),
        };
        let calls = self.calls.finish(&self.names).or_else(|tool| {
            // A call that the limit cut off is no call; the text before it is an answer.
            if stop_reason == "maxTokens" {
                return Ok(Vec::new());
            }
            let what = format!(
                "the arguments for `{}` are no JSON object",
                shown(&tool, None)
            );
            Err(Error::unavailable(Fault::Garbage(what)))
        })?;
        let mut content: Vec<SamplingContent> = Vec::new();
        if !text.is_empty() || calls.is_empty() {
            content.push(SamplingContent::text(text));
        }
        content.extend(calls.into_iter().map(SamplingContent::ToolUse));
        let content = match <[_; 1]>::try_from(content) {
            Ok([one]) => one.into(),
            Err(many) => many.into(),
        };
        Ok(CreateMessageResult {
            role: Role::Assistant,
            content,
            model: self.model.get().cloned().unwrap_or(self.wanted),
            stop_reason: Some(stop_reason),
            meta: None,
        })
    }

    fn all_of(&mut self, content: MessageContent) -> Option<String> {
        let text = content.texts().concat();
        for call in content.into_tool_calls() {
            self.calls.take(self.kind, call);
        }
        (!text.is_empty()).then_some(text)
    }

    /// What an error of `genai` means. Its own words have whole bodies in them.
    fn failed(&self, error: genai::Error) -> Error {
        if let Some(fault) = self.ticket.fault() {
            return Error::unavailable(fault);
        }
        let garbage = |what: &str| Fault::Garbage(what.into());
        Error::unavailable(match error {
            genai::Error::ChatResponse { body, .. } => Fault::Said(words(&body, self.key.as_ref())),
            genai::Error::StreamParse { .. }
            | genai::Error::JsonValueExt(_)
            | genai::Error::SerdeJson(_)
            | genai::Error::InvalidJsonResponseElement { .. } => {
                garbage("it is not the expected JSON")
            }
            genai::Error::WebModelCall { .. }
            | genai::Error::ChatResponseGeneration { .. }
            | genai::Error::NoChatResponse { .. } => garbage("it is no answer of a model"),
            genai::Error::WebStream { .. } | genai::Error::HttpError { .. } => Fault::BrokenOff,
            _ => return Error::invalid("the provider cannot be asked this"),
        })
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").finish_non_exhaustive()
    }
}
