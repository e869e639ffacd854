//! `wharf watch`: what changes on a server.

use serde_json::{Value, json};
use wharf_client::{Notification, Watch};

use crate::commands::now;
use crate::escape;
use crate::failure::Failure;
use crate::options::Options;
use crate::session::{self, Session};
use crate::terminal::{DIM, LITERAL, say, styled};

/// Follow what changes on a server: its lists, and resources
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// Resources to follow too
    #[arg(value_name = "URI")]
    uris: Vec<String>,

    /// End after this many changes
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Goes on until Ctrl-C, over lost connections. With --json each change is one line.

Examples:
  wharf watch http://127.0.0.1:8000/mcp
  wharf watch http://127.0.0.1:8000/mcp notes://today notes://tomorrow
  wharf watch http://127.0.0.1:8000/mcp notes://today -n 1 && notify-send 'it changed'
  wharf watch http://127.0.0.1:8000/mcp --json | jq .event";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let watch = args
                .uris
                .iter()
                .fold(Watch::new().lists(), |watch, uri| watch.resource(uri));
            let opened = session.client.watch(watch).await;
            let mut changes = opened.map_err(|error| session.failure(&error))?;
            let honored = changes.honored();
            let missing: Vec<_> = args
                .uris
                .iter()
                .filter(|uri| !honored.resource_subscriptions.contains(uri))
                .collect();
            for uri in missing {
                say(format_args!(
                    "the server does not tell of changes of {}",
                    escape::line(uri)
                ));
            }
            let lists = [
                ("tools", honored.tools_list_changed),
                ("resources", honored.resources_list_changed),
                ("prompts", honored.prompts_list_changed),
            ];
            let lists: Vec<_> = lists
                .into_iter()
                .filter(|(_, is)| *is)
                .map(|(name, _)| name)
                .collect();
            let lists = if lists.is_empty() {
                "no lists".into()
            } else {
                lists.join(", ")
            };
            let uris = honored.resource_subscriptions.len();
            let uris = if uris == 0 {
                String::new()
            } else {
                format!(" and {uris} resources")
            };
            say(styled(
                DIM,
                format_args!("following {lists}{uris}; Ctrl-C ends it"),
            ));
            let mut seen = 0;
            while let Some(change) = changes.next().await {
                if show(&session, &change)? {
                    seen += 1;
                    if args.count == Some(seen) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        },
    )
}

/// Shows a change; false where it is none.
fn show(session: &Session, change: &Notification) -> Result<bool, Failure> {
    let (event, more): (&str, Value) = match change {
        Notification::ToolsChanged => ("tools", Value::Null),
        Notification::ResourcesChanged => ("resources", Value::Null),
        Notification::PromptsChanged => ("prompts", Value::Null),
        Notification::ResourceUpdated { uri } => ("resource", json!({ "uri": uri })),
        Notification::Missed(count) => ("missed", json!({ "count": count })),
        Notification::Reconnected => {
            say(styled(
                DIM,
                "connected again; what changed in between was not told",
            ));
            return Ok(false);
        }
        _ => return Ok(false),
    };
    if session.out.json {
        let mut line = json!({ "time": now(), "event": event });
        if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
            line.extend(more);
        }
        session.out.json_line(&line)?;
        return Ok(true);
    }
    let words = match change {
        Notification::ResourceUpdated { uri } => {
            format!("changed: {}", styled(LITERAL, escape::line(uri)))
        }
        Notification::Missed(count) => format!("{count} changes came too fast and were left out"),
        _ => format!("the list of {event} changed"),
    };
    session
        .out
        .words(&format!("{} {words}\n", styled(DIM, now())))?;
    Ok(true)
}
