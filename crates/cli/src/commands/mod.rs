//! The commands: one table, from which parsing, help, completions and dispatch come.

mod call;
mod chat;
mod complete;
mod completions;
mod config;
mod hosts;
mod info;
mod init;
mod install;
mod login;
mod logout;
mod logs;
mod new;
mod ping;
mod prompt;
mod prompts;
mod read;
mod resources;
pub(crate) mod run;
mod sample;
mod serve;
mod templates;
mod tools;
mod uninstall;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use wharf_protocol::{LoggingLevel, LoggingMessage};

use crate::completion;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::terminal;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "wharf",
    version,
    about = "The Model Context Protocol (MCP) on the command line",
    after_help = EXIT_CODES,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    styles = terminal::STYLES
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all went well
  1  wrong usage, an error that the server answers, or an internal error
  3  the server wants to know who is calling
  4  unreachable, no answer in time, or the address is taken
  5  the tool says that it failed
  130  stopped by Ctrl-C";

/// Makes the table: a command is a module with `Args` (clap's) and `run(Args)`. Its help is the
/// doc comment of its `Args`.
macro_rules! commands {
    ($($name:ident => $module:ident,)*) => {
        #[derive(Debug, Subcommand)]
        enum Command {
            $($name($module::Args),)*
        }

        impl Command {
            fn run(self) -> Result<(), Failure> {
                match self {
                    $(Self::$name(args) => $module::run(args),)*
                }
            }
        }
    };
}

commands! {
    Info => info,
    Ping => ping,
    Tools => tools,
    Resources => resources,
    Templates => templates,
    Prompts => prompts,
    Call => call,
    Read => read,
    Prompt => prompt,
    Sample => sample,
    Chat => chat,
    Complete => complete,
    Watch => watch,
    Logs => logs,
    Login => login,
    Logout => logout,
    Hosts => hosts,
    Install => install,
    Uninstall => uninstall,
    Run => run,
    New => new,
    Serve => serve,
    Init => init,
    Config => config,
    Completions => completions,
}

/// The definition of the whole command line.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == completion::COMMAND) {
        let words = words.map(|word| word.to_string_lossy().into_owned());
        return completion::run(&words.collect::<Vec<_>>());
    }
    let result = match Cli::try_parse() {
        Ok(cli) => cli.command.run(),
        Err(help_or_usage) => {
            // Nobody is left to tell if that cannot be written.
            let _ = help_or_usage.print();
            return if help_or_usage.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            }
            .into();
        }
    };
    match result {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            if !failure.is_silent() {
                terminal::error(&failure);
            }
            failure.exit.into()
        }
    }
}

/// Prints the help of a command that was called without what it needs.
fn print_help(command: &str) -> Result<(), Failure> {
    let mut whole = definition();
    whole.build();
    let help = whole
        .find_subcommand_mut(command)
        .map(|command| command.render_long_help());
    let help = help.ok_or_else(|| Failure::new(format!("there is no command {command}")))?;
    crate::show::Out::new(false, false).words(&help.ansi().to_string())
}

/// The first line of a description, for tables.
fn first_line(text: Option<&str>) -> String {
    let lines = text.unwrap_or_default().lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .next()
        .unwrap_or_default()
}

/// The time, in UTC and to the second.
fn now() -> String {
    let now = jiff::Timestamp::now();
    let second = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now);
    second.to_string()
}

/// Reads the level of a log message.
fn level(text: &str) -> Result<LoggingLevel, String> {
    LoggingLevel::parse(text).ok_or_else(|| {
        let names: Vec<_> = LoggingLevel::ALL
            .iter()
            .map(|level| level.as_str())
            .collect();
        format!("the levels are {}", names.join(", "))
    })
}

/// A log message, on one line.
fn log_line(message: &LoggingMessage) -> String {
    let style = match message.level {
        LoggingLevel::Debug => terminal::DIM,
        LoggingLevel::Info | LoggingLevel::Notice => terminal::LITERAL,
        LoggingLevel::Warning => terminal::STRONG,
        _ => terminal::ERROR,
    };
    let logger = match &message.logger {
        Some(logger) => format!(" {}:", escape::line(logger)),
        None => String::new(),
    };
    let data = match &message.data {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let level = format!("{:<9}", message.level.as_str());
    format!(
        "{}{logger} {}",
        terminal::styled(style, level),
        escape::line(&data)
    )
}

/// A log message, on standard error.
fn show_log(message: &LoggingMessage) {
    terminal::say(log_line(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        definition().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does_and_how() {
        for command in definition().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string);
            assert!(
                help.is_some_and(|help| help.contains("Examples:")),
                "{}",
                command.get_name()
            );
        }
    }
}
