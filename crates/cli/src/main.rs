//! `wharf`: the Model Context Protocol on the command line.

mod commands;
mod failure;
mod log;
mod runtime;
mod signal;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
