//! `wharf`: the Model Context Protocol on the command line.

mod arguments;
mod ask;
mod commands;
mod escape;
mod failure;
mod hosts;
mod llm;
mod log;
mod runtime;
mod show;
mod signal;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
