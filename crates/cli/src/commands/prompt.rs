//! `wharf prompt`: the messages of a prompt.

use std::path::PathBuf;

use crate::arguments::{Given, texts};
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::show::{self, Out, Saver};

/// Get the messages of a prompt
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// The prompt
    #[arg(value_name = "PROMPT")]
    prompt: String,

    /// Its arguments: key=value, key=@FILE
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,

    /// Where the content goes, as it is
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Show text exactly as it came, with whatever control characters are in it
    #[arg(long, help_heading = "Output")]
    raw: bool,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Arguments of prompts are always text.

Examples:
  wharf prompt http://127.0.0.1:8000/mcp explain topic=tides level=expert
  wharf prompt http://127.0.0.1:8000/mcp review code=@src/main.rs
  wharf prompt http://127.0.0.1:8000/mcp review code=@src/main.rs --json | jq '.messages[0]'";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let given: Result<Vec<_>, _> = args
        .arguments
        .iter()
        .map(|word| Given::parse(word))
        .collect();
    let texts = texts(&given?)?;
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let result = session.client.prompt(&args.prompt, &texts).await;
            let result = result.map_err(|error| session.failure(&error))?;
            let out = Out {
                raw: args.raw,
                ..session.out
            };
            if out.json {
                return session.model(&result).await;
            }
            show::messages(&result.messages, out, &mut Saver::new(args.output.clone()))
        },
    )
}
