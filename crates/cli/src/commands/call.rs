//! `wharf call`: a tool, with arguments as its schema wants them.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use wharf_client::{Listed, Notification};
use wharf_protocol::error::ErrorCode;
use wharf_protocol::{LoggingLevel, Tool};

use crate::arguments::{self, Given, Schema, Source, check_required, nearest, read_file};
use crate::commands::{level, show_log};
use crate::failure::{Exit, Failure};
use crate::options::Options;
use crate::session::{self, Session};
use crate::show::{self, Out, Saver};

/// Call a tool
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct Args {
    /// An address, a command line in quotes, or the name of a server in a host
    #[arg(value_name = "TARGET", required_unless_present = "help")]
    target: Option<String>,

    /// The tool
    #[arg(value_name = "TOOL", required_unless_present = "help")]
    tool: Option<String>,

    /// Its arguments: key=value, key:=JSON, key=@FILE, key.inner=value
    #[arg(value_name = "ARGUMENT")]
    arguments: Vec<String>,

    /// All arguments as one JSON object, from a file or - for standard input
    #[arg(long, value_name = "FILE")]
    input: Option<String>,

    /// Where the result goes: text, an image, audio, as it is
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,

    /// Show text exactly as it came, with whatever control characters are in it
    #[arg(long, help_heading = "Output")]
    raw: bool,

    /// Show the log messages of the call on standard error, from this level on
    #[arg(long, value_name = "LEVEL", value_parser = level, help_heading = "Output")]
    log_level: Option<LoggingLevel>,

    /// Let the server make a task of the call: it survives a lost connection, and tells no progress
    #[arg(long)]
    task: bool,

    /// Print help; with TARGET and TOOL, that of the tool
    #[arg(short, long)]
    help: bool,

    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Values become what the tool's schema says: a number, yes or no, a list. A key that is given again adds to a list.
  a=1             as the schema says: 1 or \"1\"
  a:=[1,2]        this JSON
  a=@notes.txt    the text of a file; a=@@x is the text @x
  a.b=1           {\"a\": {\"b\": 1}}
What the tool asks in the middle of the call is asked at the terminal, or answered by --answer.

Examples:
  wharf call http://127.0.0.1:8000/mcp add a=1 b=2
  wharf call http://127.0.0.1:8000/mcp add --help
  wharf call http://127.0.0.1:8000/mcp greet_me --answer name=Ada
  wharf call 'uvx mcp-server-git' git_log repo_path=. max_count=3
  echo '{\"a\": 1, \"b\": 2}' | wharf call http://127.0.0.1:8000/mcp add --input -
  wharf call http://127.0.0.1:8000/mcp add a=1 b=2 --json | jq .structuredContent

Exit codes:
  0  the tool did it
  1  wrong usage, or the server refused the request
  3  the server wants to know who is calling
  4  the server is not there, or did not answer in time
  5  the tool says that it failed";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (Some(target), Some(tool)) = (&args.target, &args.tool) else {
        return super::print_help("call");
    };
    if args.help {
        return session::run(
            target,
            &args.options,
            |builder| builder,
            async |session| {
                let tool = find(&session, tool).await?;
                if session.out.json {
                    return session.out.document(&tool.raw());
                }
                session.out.words(&arguments::help(&tool, target))
            },
        );
    }
    let given: Result<Vec<_>, _> = args
        .arguments
        .iter()
        .map(|word| Given::parse(word))
        .collect();
    let (given, base) = (given?, input(args.input.as_deref())?);
    let log_level = args.log_level;
    let task = args.task;
    let set = |mut builder: wharf_client::Builder| {
        if let Some(level) = log_level {
            builder = builder.log_level(level);
        }
        if !task {
            // A person waits here, and is told more of a call than of a task.
            builder = builder.without_tasks();
        }
        builder
    };
    session::run(target, &args.options, set, async |session| {
        let arguments = build(&session, tool, given, base).await?;
        let mut call = session.client.call(tool, &arguments);
        let mut heard = None;
        if let Some(level) = log_level {
            heard = Some(session.client.notifications());
            call = call.log_level(level);
        }
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            let bar = session.progress.clone();
            call = call.on_progress(move |step| {
                bar.report(step.progress, step.total, step.message.as_deref())
            });
        }
        let mut answer = call.into_future();
        let result = loop {
            tokio::select! {
                biased;
                notification = next(&mut heard) => {
                    if let Some(Notification::Log(message)) = notification {
                        session.progress.aside(|| show_log(&message));
                    }
                }
                result = &mut answer => break result,
            }
        };
        session.progress.finish();
        let result = result.map_err(|error| {
            let failure = session.failure(&error);
            match error.as_rpc().map(|error| error.code) {
                Some(ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY) if !task => {
                    failure.next("if it is a task that is missing, give --task")
                }
                _ => failure,
            }
        })?;
        let out = Out {
            raw: args.raw,
            ..session.out
        };
        if out.json {
            session.model(&result).await?;
            return if result.is_error == Some(true) {
                Err(Failure::silent(Exit::Tool))
            } else {
                Ok(())
            };
        }
        show::result(&result, out, &mut Saver::new(args.output.clone()))
    })
}

/// The next log message; never, where none were asked for.
async fn next(heard: &mut Option<wharf_client::Notifications>) -> Option<Notification> {
    match heard {
        Some(heard) => match heard.next().await {
            Some(notification) => Some(notification),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// The arguments as one object.
fn input(file: Option<&str>) -> Result<Option<Map<String, Value>>, Failure> {
    let Some(file) = file else { return Ok(None) };
    let text = read_file(file).map_err(|why| Failure::new(format!("--input: {why}")))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        Ok(_) => Err(Failure::new("--input: the arguments are one JSON object")),
        Err(error) => Err(Failure::new(format!("--input: not JSON: {error}"))),
    }
}

/// The arguments as the tool wants them. Its schema is asked for unless everything is JSON already.
async fn build(
    session: &Arc<Session>,
    tool: &str,
    given: Vec<Given>,
    base: Option<Map<String, Value>>,
) -> Result<Map<String, Value>, Failure> {
    let typed = |given: &Given| matches!(given.source, Source::Text(_)) || given.name.contains('.');
    let only_json = (base.is_some() || !given.is_empty()) && !given.iter().any(typed);
    if only_json {
        let mut all = base.unwrap_or_default();
        for given in given {
            if let Source::Json(value) = given.source {
                all.insert(given.name, value);
            }
        }
        return Ok(all);
    }
    let tool = find(session, tool).await?;
    let schema = Schema::new(&tool.input_schema);
    let hint = |failure: Failure| {
        failure.next_if_none(format!(
            "see `wharf call {} {} --help`",
            session.target, tool.name
        ))
    };
    let all = arguments::arguments(base.unwrap_or_default(), &given, schema).map_err(hint)?;
    check_required(&tool.name, &all, schema).map_err(hint)?;
    Ok(all)
}

/// A tool by its name. No page after the one that has it is asked for.
async fn find(session: &Session, name: &str) -> Result<Listed<Tool>, Failure> {
    let mut names = Vec::new();
    let mut pages = session.client.tools();
    while let Some(tool) = pages.next().await {
        let tool = tool.map_err(|error| session.failure(&error))?;
        if tool.name == name {
            return Ok(tool);
        }
        names.push(tool.name.clone());
    }
    let failure = Failure::new(format!("the server has no tool {name:?}"));
    let close = nearest(name, names.iter().map(String::as_str));
    Err(match (close.as_slice(), names.len()) {
        (_, 0) => failure.next("it has none at all"),
        ([], 1..=12) => failure.next(format!("it has {}", names.join(", "))),
        ([], _) => failure.next(format!("see `wharf tools {}`", session.target)),
        (close, _) => failure.next(format!("did you mean {}?", close.join(" or "))),
    })
}
