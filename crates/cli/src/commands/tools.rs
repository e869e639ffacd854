//! `wharf tools`: the tools of a server.

use serde_json::json;
use serde_json::value::RawValue;

use crate::arguments;
use crate::commands::first_line;
use crate::completion;
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
            let all = session.client.tools().all().await;
            let all = session.listed("tools", all)?;
            let raw: Vec<&RawValue> = all.iter().map(|item| item.raw()).collect();
            completion::remember(&session.target, "tools", &raw);
            if session.out.json {
                return session.out.document(&json!({ "tools": raw }));
            }
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
