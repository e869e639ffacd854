//! `wharf sample`: a question to the model of a server.

use std::io::Read as _;

use wharf_protocol::sampling::{ModelHint, ModelPreferences, SamplingMessage};
use wharf_protocol::{CreateMessageParams, Role, SamplingContent};

use crate::failure::Failure;
use crate::llm::{Lines, Silent, Speaker, Spoken};
use crate::options::Options;
use crate::session;
use crate::show::Out;

/// The most text that is read from standard input, in bytes.
const MAX_TEXT: u64 = 16 << 20;

/// Ask the language model of a server
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// What to ask; without it, or with -, standard input
    #[arg(value_name = "TEXT")]
    text: Option<String>,

    #[command(flatten)]
    wishes: Wishes,

    /// Show the answer piece by piece, also where no terminal is
    #[arg(long, conflicts_with = "no_stream", help_heading = "Output")]
    stream: bool,

    /// Show the answer when all of it is there
    #[arg(long, help_heading = "Output")]
    no_stream: bool,

    /// Show text exactly as it came, with whatever control characters are in it
    #[arg(long, help_heading = "Output")]
    raw: bool,

    #[command(flatten)]
    options: Options,
}

/// What a model is told beside the question.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct Wishes {
    /// How the model should behave
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// The most tokens of an answer
    #[arg(long, value_name = "NUMBER", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,

    /// How freely it answers: 0 is always the same, 1 is lively
    #[arg(long, value_name = "NUMBER")]
    temperature: Option<f64>,

    /// A part of the name of the wanted model; the server chooses
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
}

const EXAMPLES: &str = "\
The server must have a model: `wharf serve llm:` has a simulator, `wharf serve llm:openai/MODEL` a real one.

Examples:
  wharf sample http://127.0.0.1:8000/mcp 'What is a wharf?'
  wharf sample http://127.0.0.1:8000/mcp 'In one word?' --system 'Be brief.' --max-tokens 10
  git diff | wharf sample http://127.0.0.1:8000/mcp --system 'Write a commit message.'
  wharf sample http://127.0.0.1:8000/mcp 'What is a wharf?' --json | jq -r .content.text

Exit codes:
  0  the model answered
  1  wrong usage, the server has no model, or the model did not answer
  3  the server wants to know who is calling
  4  the server is not there, or did not answer in time";

impl Wishes {
    /// A request with these messages.
    pub(super) fn request(&self, messages: Vec<SamplingMessage>) -> CreateMessageParams {
        let hints: Vec<_> = self
            .models
            .iter()
            .map(|name| ModelHint {
                name: Some(name.clone()),
            })
            .collect();
        CreateMessageParams {
            messages,
            system_prompt: self.system.clone(),
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            model_preferences: (!hints.is_empty()).then(|| ModelPreferences {
                hints,
                ..ModelPreferences::default()
            }),
            ..CreateMessageParams::default()
        }
    }
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let text = match args.text.as_deref() {
        None if Lines::are_typed() => {
            return Err(Failure::new("there is nothing to ask").next(
                "give the question, or pipe it in: `wharf sample TARGET 'What is a wharf?'`",
            ));
        }
        None | Some("-") => standard_input()?,
        Some(text) => text.to_owned(),
    };
    let message = SamplingMessage::new(Role::User, SamplingContent::text(text));
    let request = args.wishes.request(vec![message]);
    let timeout = args.options.timeout;
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let out = Out {
                raw: args.raw,
                ..session.out
            };
            let speaker = Speaker::of_server(&session, timeout).await?;
            let spoken = Spoken::new(out);
            let in_pieces = !out.json && (args.stream || (out.terminal && !args.no_stream));
            let heard = in_pieces.then(|| spoken.heard());
            let result = speaker.ask(request, heard).await;
            let result = result.map_err(Silent::into_failure)?;
            if out.json {
                return session.model(&result).await;
            }
            spoken.finish(&result.text())
        },
    )
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_TEXT + 1)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    if text.len() as u64 > MAX_TEXT {
        return Err(Failure::new(format!(
            "standard input has more than {MAX_TEXT} bytes"
        )));
    }
    Ok(text)
}
