//! `wharf`: the Model Context Protocol on the command line.

mod arguments;
mod ask;
mod commands;
mod completion;
mod escape;
mod failure;
mod hosts;
mod llm;
mod log;
mod options;
mod runtime;
mod session;
mod show;
mod signal;
mod target;
mod terminal;
mod tokens;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
