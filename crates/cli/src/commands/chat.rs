//! `wharf chat`: a conversation with a model that has the server's tools.

use std::collections::VecDeque;
use std::sync::Arc;

use wharf_protocol::sampling::SamplingMessage;
use wharf_protocol::{
    CreateMessageParams, CreateMessageResult, Role, SamplingContent, ToolUseContent,
};

use super::sample::Wishes;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::llm::{Consent, Lines, Llm, Silent, Speaker, Spoken, Tools, no_model};
use crate::options::Options;
use crate::session::{self, Session};
use crate::show::Out;
use crate::signal::StopSignal;
use crate::terminal::{self, DIM, LITERAL, STRONG, say, styled};

/// How often a model may call tools before it answers.
const MAX_ROUNDS: usize = 25;
/// How much of the conversation a model is told, in bytes: what is older is forgotten.
const MAX_HISTORY: usize = 2 << 20;

/// Talk with a language model that has the tools of a server
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    #[command(flatten)]
    wishes: Wishes,

    /// Call every tool that the model wants without asking
    #[arg(short, long, conflicts_with = "no_tools")]
    yes: bool,

    /// Do not tell the model of the server's tools
    #[arg(long)]
    no_tools: bool,

    /// Show text exactly as it came, with whatever control characters are in it
    #[arg(long, help_heading = "Output")]
    raw: bool,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
The model is the server's, or with --llm one of your own; keys are taken from the environment (OPENAI_API_KEY, …).
What the model calls is shown. A tool that does not say that it only reads is called when you agree, or with --yes.
/quit or Ctrl-D ends the chat, Ctrl-C an answer; /help shows what else there is. Lines may come from a pipe.

Examples:
  wharf chat http://127.0.0.1:8000/mcp
  wharf chat http://127.0.0.1:8000/mcp --llm anthropic:claude-sonnet-4-5 --system 'Be brief.'
  wharf chat 'uvx mcp-server-git' --llm ollama:qwen3 --yes
  printf 'My name is Ada.\\nWho am I?\\n' | wharf chat http://127.0.0.1:8000/mcp

Exit codes:
  0  the chat ended
  1  wrong usage, the server has no model, or a model that a pipe talks to did not answer
  3  the server wants to know who is calling
  4  the server is not there
  130  stopped by Ctrl-C while no answer was under way";

const HELP: &str = "\
  /tools   the tools that the model may use
  /clear   forget what was said
  /quit    end the chat (Ctrl-D too)
  Ctrl-C   stop the answer
  //…      say something that begins with a slash";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let own = args
        .options
        .llm
        .as_deref()
        .map(|llm| Llm::parse(llm, |name| std::env::var(name).ok()))
        .transpose()?;
    session::talk(
        &args.target,
        &args.options,
        // A person waits here, and is told more of a call than of a task.
        |builder| builder.without_tasks(),
        async |session, signal| {
            let mut chat = Chat::begin(&session, &args, own).await?;
            chat.greet();
            chat.go_on(signal).await
        },
    )
}

/// A conversation.
struct Chat<'a> {
    session: &'a Arc<Session>,
    wishes: &'a Wishes,
    speaker: Speaker,
    tools: Tools,
    consent: Consent,
    lines: Lines,
    out: Out,
    /// What was said: in each turn a question, calls of tools, and the answer.
    turns: VecDeque<Vec<SamplingMessage>>,
}

/// An answer, or why there is none this time; the chat goes on after both.
type Answered<T> = Result<T, Failure>;

impl<'a> Chat<'a> {
    async fn begin(
        session: &'a Arc<Session>,
        args: &'a Args,
        own: Option<Llm>,
    ) -> Result<Self, Failure> {
        let speaker = match own {
            Some(llm) => Speaker::Own(llm),
            None => {
                let info = session.client.info().await;
                let info = info.map_err(|error| session.failure(&error))?;
                if !info.capabilities.experimental.contains_key("sampling") {
                    return Err(no_model(session));
                }
                Speaker::of_server(session, args.options.timeout).await?
            }
        };
        let tools = match args.no_tools || !speaker.takes_tools() {
            true => Tools::default(),
            false => Tools::of_server(session).await?,
        };
        let typed = Lines::are_typed() && !args.options.no_input;
        Ok(Self {
            session,
            wishes: &args.wishes,
            speaker,
            tools,
            consent: match (args.yes, typed) {
                (true, _) => Consent::Given,
                (false, true) => Consent::Asked,
                (false, false) => Consent::Missing,
            },
            lines: Lines::default(),
            out: Out {
                raw: args.raw,
                ..session.out
            },
            turns: VecDeque::new(),
        })
    }

    fn greet(&self) {
        if !Lines::are_typed() {
            return;
        }
        let who = match &self.speaker {
            Speaker::Server { .. } => "the server's model".to_owned(),
            Speaker::Own(llm) => llm.to_string(),
        };
        let count = self.tools.offered().len();
        let tools = match count {
            0 => "no tools".to_owned(),
            1 => "one tool".to_owned(),
            _ => format!("{count} tools"),
        };
        let hint = format!(
            "{} with {tools}; /help shows what there is, /quit ends",
            escape::line(&who)
        );
        say(styled(DIM, hint));
    }

    async fn go_on(&mut self, signal: &mut StopSignal) -> Result<(), Failure> {
        let prompt = format!("{} ", styled(STRONG, ">"));
        loop {
            let line = tokio::select! {
                biased;
                line = self.lines.next(&prompt) => line?,
                _ = signal.wait() => {
                    say("");
                    return Err(Failure::silent(Exit::Interrupted));
                }
            };
            let Some(line) = line else {
                if Lines::are_typed() {
                    say("");
                }
                return Ok(());
            };
            let question = match line.trim() {
                "" => continue,
                "/quit" | "/exit" => return Ok(()),
                "/help" => {
                    say(HELP);
                    continue;
                }
                "/clear" => {
                    self.turns.clear();
                    say(styled(DIM, "forgotten"));
                    continue;
                }
                "/tools" => {
                    self.show_tools();
                    continue;
                }
                text if text.starts_with("//") => text[1..].to_owned(),
                text if text.starts_with('/') => {
                    let word = text.split_whitespace().next().unwrap_or_default();
                    say(format_args!(
                        "there is no {}; /help shows what there is",
                        escape::line(word)
                    ));
                    continue;
                }
                _ => line,
            };
            self.turn(question, signal).await?;
        }
    }

    fn show_tools(&self) {
        let tools = self.tools.offered();
        if tools.is_empty() {
            say(styled(DIM, "none"));
        }
        for tool in tools {
            let about = super::first_line(tool.description.as_deref());
            let name = styled(LITERAL, escape::line(&tool.name));
            say(format_args!("  {name}  {}", escape::line(&about)));
        }
    }

    /// A question and its answer.
    async fn turn(&mut self, question: String, signal: &mut StopSignal) -> Result<(), Failure> {
        let question = SamplingMessage::new(Role::User, SamplingContent::text(question));
        self.turns.push_back(vec![question.clone()]);
        let spoken = Spoken::new(self.out);
        let ended = tokio::select! {
            biased;
            ended = self.answer(spoken.clone()) => Some(ended?),
            interrupted = signal.wait() => match interrupted && Lines::are_typed() {
                true => None,
                false => return Err(Failure::silent(Exit::Interrupted)),
            },
        };
        match ended {
            Some(Ok(result)) => {
                if self.out.json {
                    let info = self.session.client.info().await;
                    let info = info.map_err(|error| self.session.failure(&error))?;
                    let result = wharf_protocol::projection::at(&result, info.revision);
                    self.out.json_line(&result)?;
                }
            }
            Some(Err(failure)) => {
                self.turns.pop_back();
                if !Lines::are_typed() {
                    return Err(failure);
                }
                terminal::error(&failure);
            }
            None => {
                // What was said stays said, calls of tools do not: half of them have no result.
                self.turns.pop_back();
                let said = spoken.text();
                if !said.is_empty() {
                    let said = SamplingContent::text(said);
                    let answer = SamplingMessage::new(Role::Assistant, said);
                    self.turns.push_back(vec![question, answer]);
                }
                say(format_args!("\n{}", styled(DIM, "stopped")));
            }
        }
        self.forget();
        Ok(())
    }

    /// Lets the model answer, and call tools before that.
    async fn answer(&mut self, spoken: Spoken) -> Result<Answered<CreateMessageResult>, Failure> {
        for round in 0.. {
            let mut request = self
                .wishes
                .request(self.turns.iter().flatten().cloned().collect());
            request.tools = self.tools.offered();
            let spoken = if round == 0 {
                spoken.clone()
            } else {
                Spoken::new(self.out)
            };
            let (result, calls) = match self.ask(request, &spoken).await? {
                Ok(answered) => answered,
                Err(failure) => return Ok(Err(failure)),
            };
            self.say(SamplingMessage::new(
                Role::Assistant,
                result.content.clone(),
            ));
            if calls.is_empty() {
                return Ok(Ok(result));
            }
            if round == MAX_ROUNDS {
                break;
            }
            let mut results = Vec::new();
            for call in calls {
                let called = self
                    .tools
                    .call(self.session, &call, self.consent, &mut self.lines);
                results.push(SamplingContent::ToolResult(called.await?));
            }
            self.say(SamplingMessage::new(Role::User, results));
        }
        let why = format!("the model called tools {MAX_ROUNDS} times and did not answer");
        Ok(Err(Failure::new(why)))
    }

    /// Asks once.
    async fn ask(
        &self,
        request: CreateMessageParams,
        spoken: &Spoken,
    ) -> Result<Answered<(CreateMessageResult, Vec<ToolUseContent>)>, Failure> {
        let heard = (!self.out.json).then(|| spoken.heard());
        let result = match self.speaker.ask(request, heard).await {
            Ok(result) => result,
            Err(Silent::Once(failure)) => {
                if !self.out.json {
                    spoken.finish(&spoken.text())?;
                }
                return Ok(Err(failure));
            }
            Err(Silent::Forever(failure)) => return Err(failure),
        };
        if !self.out.json {
            spoken.finish(&result.text())?;
        }
        let calls = result
            .content
            .as_slice()
            .iter()
            .filter_map(|content| match content {
                SamplingContent::ToolUse(call) => Some(call.clone()),
                _ => None,
            });
        let calls = calls.collect();
        Ok(Ok((result, calls)))
    }

    fn say(&mut self, message: SamplingMessage) {
        if let Some(turn) = self.turns.back_mut() {
            turn.push(message);
        }
    }

    /// Forgets the oldest turns, where the conversation has become too long.
    fn forget(&mut self) {
        let size = |turn: &Vec<SamplingMessage>| -> usize {
            let contents = turn.iter().flat_map(|message| message.content.as_slice());
            contents.map(bytes_of).sum()
        };
        let mut all: usize = self.turns.iter().map(size).sum();
        while all > MAX_HISTORY && self.turns.len() > 1 {
            all -= self.turns.pop_front().as_ref().map_or(0, size);
        }
    }
}

/// How much a piece of a conversation weighs.
fn bytes_of(content: &SamplingContent) -> usize {
    match content {
        SamplingContent::Text(text) => text.text.len(),
        SamplingContent::Image(image) => image.data.len(),
        SamplingContent::Audio(audio) => audio.data.len(),
        SamplingContent::ToolUse(call) => serde_json::Value::Object(call.input.clone())
            .to_string()
            .len(),
        SamplingContent::ToolResult(result) => {
            let texts = result.content.iter().filter_map(|block| block.as_text());
            texts.map(str::len).sum()
        }
    }
}
