//! `wharf completions`: what a shell needs to complete our command line.

use std::io::Write as _;

use clap::ValueEnum;
use clap_complete::Shell;

use crate::failure::Failure;

/// Print a script that completes `wharf` in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: For,
}

const EXAMPLES: &str = "\
Examples:
  wharf completions bash > ~/.local/share/bash-completion/completions/wharf
  wharf completions zsh > ~/.zfunc/_wharf        (a directory of your $fpath)
  wharf completions fish > ~/.config/fish/completions/wharf.fish";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum For {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let shell = match args.shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::definition(), "wharf", &mut script);
    std::io::stdout()
        .write_all(&script)
        .map_err(|error| Failure::new(format!("cannot write to standard output: {error}")))
}
