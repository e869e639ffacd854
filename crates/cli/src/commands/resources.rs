//! `wharf resources`: the resources of a server.

use crate::commands::first_line;
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::show::Table;

/// List the resources of a server
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
  wharf resources http://127.0.0.1:8000/mcp
  wharf resources http://127.0.0.1:8000/mcp | cut -f1
  wharf read http://127.0.0.1:8000/mcp wharf://about        (one of them)";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let pages = session.client.resources();
            let Some(all) = session.list("resources", "resources", pages).await? else {
                return Ok(());
            };
            let mut table = Table::new(&["URI", "NAME", "TYPE", "SIZE", "DESCRIPTION"]);
            for item in &all {
                table.row(vec![
                    item.uri.clone(),
                    item.title.clone().unwrap_or_else(|| item.name.clone()),
                    item.mime_type.clone().unwrap_or_default(),
                    item.size.map(|size| size.to_string()).unwrap_or_default(),
                    first_line(item.description.as_deref()),
                ]);
            }
            table.print(session.out)
        },
    )
}
