//! The commands: one table, from which parsing, help, completions and dispatch come.

mod completions;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

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
  1  wrong usage, or an internal error
  4  unreachable, or the address is taken";

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
    Serve => serve,
    Completions => completions,
}

/// The definition of the whole command line.
fn definition() -> clap::Command {
    Cli::command()
}

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
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
            terminal::error(&failure);
            failure.exit.into()
        }
    }
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
