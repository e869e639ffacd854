//! `wharf complete`: what a server suggests for an argument.

use wharf_protocol::CompletionReference;

use crate::arguments::{Given, texts};
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::terminal::{DIM, say, styled};

/// Ask a server what it suggests for an argument of a prompt or a variable of a template
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// A prompt, or a template of resources
    #[arg(value_name = "PROMPT|TEMPLATE")]
    reference: String,

    /// What is being typed, and how it begins: key= or key=value
    #[arg(value_name = "ARGUMENT")]
    argument: String,

    /// What is known already: key=value
    #[arg(value_name = "KNOWN")]
    known: Vec<String>,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  wharf complete http://127.0.0.1:8000/mcp explain level=
  wharf complete http://127.0.0.1:8000/mcp explain level=e topic=tides
  wharf complete http://127.0.0.1:8000/mcp 'greeting://{name}' name=A";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (name, value) = args
        .argument
        .split_once('=')
        .unwrap_or((&args.argument, ""));
    if name.is_empty() {
        return Err(
            Failure::new("the name of the argument is missing").next("write name= or name=value")
        );
    }
    let known: Result<Vec<_>, _> = args.known.iter().map(|word| Given::parse(word)).collect();
    let known = texts(&known?)?;
    let reference = reference(&args.reference);
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let result = session
                .client
                .complete(&reference, name, value, &known)
                .await;
            let result = result.map_err(|error| session.failure(&error))?;
            if session.out.json {
                return session.model(&result).await;
            }
            for value in &result.completion.values {
                session.out.text(value)?;
            }
            let shown = result.completion.values.len() as u64;
            match (result.completion.total, result.completion.has_more) {
                (Some(total), _) if total > shown => {
                    say(styled(DIM, format_args!("{shown} of {total}")))
                }
                (None, Some(true)) => say(styled(DIM, "there are more")),
                _ => {}
            }
            Ok(())
        },
    )
}

/// A template has braces or a scheme; anything else is the name of a prompt.
fn reference(text: &str) -> CompletionReference {
    if text.contains('{') || text.contains("://") {
        CompletionReference::Resource {
            uri: text.to_owned(),
        }
    } else {
        CompletionReference::Prompt {
            name: text.to_owned(),
            title: None,
        }
    }
}
