//! `wharf`: the Model Context Protocol on the command line.

mod arguments;
mod commands;
mod escape;
mod failure;
mod hosts;
mod log;
mod runtime;
mod signal;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
