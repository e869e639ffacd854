//! `wharf tools`: the tools of a server.

use crate::arguments;
use crate::commands::first_line;
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::show::Table;

/// List the tools of a server
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
Without a terminal: a tool a line, name, arguments and description with tabs between them.

Examples:
  wharf tools http://127.0.0.1:8000/mcp
  wharf tools 'uvx mcp-server-git'
  wharf tools http://127.0.0.1:8000/mcp | cut -f1
  wharf tools http://127.0.0.1:8000/mcp --json | jq '.tools[0].inputSchema'
  wharf call http://127.0.0.1:8000/mcp add --help        (all about one of them)";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let pages = session.client.tools();
            let Some(all) = session.list("tools", "tools", pages).await? else {
                return Ok(());
            };
            let mut table = Table::new(&["TOOL", "ARGUMENTS", "DESCRIPTION"]);
            for item in &all {
                table.row(vec![
                    item.name.clone(),
                    arguments::signature(item).join(" "),
                    first_line(item.description.as_deref().or(item.title.as_deref())),
                ]);
            }
            table.print(session.out)
        },
    )
}
