//! `wharf logs`: the log messages of a server.

use wharf_client::Notification;
use wharf_protocol::{LoggingLevel, Revision};

use crate::commands::{level, log_line, now};
use crate::failure::Failure;
use crate::options::Options;
use crate::session;
use crate::terminal::{DIM, say, styled};

/// Follow the log messages that a server sends
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// The least severe messages to show: debug, info, notice, warning, error, critical, alert or emergency
    #[arg(short, long, value_name = "LEVEL", value_parser = level, default_value = "info")]
    level: LoggingLevel,

    /// Only those of this logger
    #[arg(long, value_name = "NAME")]
    logger: Option<String>,

    /// End after this many messages
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Goes on until Ctrl-C. With --json each message is one line.
Log messages of a connection exist up to revision 2025-11-25, which is therefore spoken unless --revision says
otherwise. Since 2026-07-28 they belong to calls: `wharf call --log-level debug …` shows them.

Examples:
  wharf logs http://127.0.0.1:8000/mcp
  wharf logs 'uvx my-server' --level debug
  wharf logs http://127.0.0.1:8000/mcp --level error --json";

pub(crate) fn run(mut args: Args) -> Result<(), Failure> {
    let asked = &mut args.options.revision;
    let revision = *asked.get_or_insert(Revision::LATEST_LEGACY);
    if revision.is_modern() {
        return Err(Failure::new(format!(
            "in revision {revision} log messages belong to calls, and there are none to follow"
        ))
        .next("see those of a call with `wharf call --log-level debug …`"));
    }
    session::run(
        &args.target,
        &args.options,
        |builder| builder,
        async |session| {
            let mut heard = session.client.notifications();
            let set = session.client.set_log_level(args.level).await;
            set.map_err(|error| session.failure(&error))?;
            say(styled(
                DIM,
                format_args!("following messages from {} on; Ctrl-C ends it", args.level),
            ));
            let mut seen = 0;
            while let Some(notification) = heard.next().await {
                let Notification::Log(message) = notification else {
                    continue;
                };
                let other = || args.logger.is_some() && args.logger != message.logger;
                if message.level < args.level || other() {
                    continue;
                }
                if session.out.json {
                    session.out.json_line(&serde_json::json!({
                    "time": now(), "level": message.level, "logger": message.logger, "data": message.data,
                }))?;
                } else {
                    session.out.words(&format!(
                        "{} {}\n",
                        styled(DIM, now()),
                        log_line(&message)
                    ))?;
                }
                seen += 1;
                if args.count == Some(seen) {
                    return Ok(());
                }
            }
            Ok(())
        },
    )
}
