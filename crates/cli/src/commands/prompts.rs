//! `wharf prompts`: the prompts of a server.

use wharf_protocol::Prompt;

use crate::commands::first_line;
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::show::Table;

/// List the prompts of a server
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  wharf prompts http://127.0.0.1:8000/mcp
  wharf prompt http://127.0.0.1:8000/mcp review code=@main.rs        (one of them)";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let pages = session.client.prompts();
            let Some(all) = session.list("prompts", "prompts", pages).await? else {
                return Ok(());
            };
            let mut table = Table::new(&["PROMPT", "ARGUMENTS", "DESCRIPTION"]);
            for item in &all {
                table.row(vec![
                    item.name.clone(),
                    arguments(item),
                    first_line(item.description.as_deref().or(item.title.as_deref())),
                ]);
            }
            table.print(session.out)
        },
    )
}

/// How the arguments are given, in short.
fn arguments(prompt: &Prompt) -> String {
    let one = |argument: &wharf_protocol::PromptArgument| {
        if argument.required == Some(true) {
            format!("{}=TEXT", argument.name)
        } else {
            format!("[{}=TEXT]", argument.name)
        }
    };
    prompt
        .arguments
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(" ")
}
