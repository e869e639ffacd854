//! `wharf ping`: whether a server is there, and how fast it answers.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::failure::Failure;
use crate::options::Options;
use crate::session;

/// Ask whether a server is there, and how fast it answers
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET")]
    target: String,

    /// How often to ask
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,

    /// How long to wait between two times
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = crate::options::time)]
    interval: Duration,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Ends with 4 if the server is not there.

Examples:
  wharf ping http://127.0.0.1:8000/mcp
  wharf ping -n 5 -i 200ms http://127.0.0.1:8000/mcp
  wharf ping 'npx -y @modelcontextprotocol/server-everything' --timeout 60s";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let Args {
        target,
        count,
        interval,
        options,
    } = args;
    session::run(
        &target,
        &options,
        |builder| builder,
        async |session| {
            for number in 1..=count {
                let began = Instant::now();
                session
                    .client
                    .ping()
                    .await
                    .map_err(|error| session.failure(&error))?;
                let took = began.elapsed().as_secs_f64() * 1000.0;
                if session.out.json {
                    session
                        .out
                        .json_line(&json!({"number": number, "milliseconds": took}))?;
                } else {
                    session.out.words(&format!("answered in {took:.2} ms\n"))?;
                }
                if number < count {
                    tokio::time::sleep(interval).await;
                }
            }
            Ok(())
        },
    )
}
