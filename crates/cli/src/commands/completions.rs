//! `wharf completions`: what a shell needs to complete our command line.

use clap::ValueEnum;
use clap_complete::Shell;

use crate::failure::Failure;
use crate::show::Out;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    Bash,
    Zsh,
    Fish,
}

/// Asks us for what only a live server knows, before the script that clap made.
const BASH: &str = r#"
_wharf_live() {
    local found IFS=$'\n'
    if found=$("${COMP_WORDS[0]}" __complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null); then
        COMPREPLY=($found)
        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    else
        unset IFS
        _wharf "$@"
    fi
}
complete -F _wharf_live -o nosort -o bashdefault -o default wharf
"#;

const ZSH: &str = r#"
_wharf() {
    local line found
    local -a plain open plain_about open_about
    if found=$("${words[1]}" __complete zsh "${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null); then
        for line in "${(@f)found}"; do
            local word="${line%%$'\t'*}" about="${line#*$'\t'}"
            [[ "$line" == *$'\t'* ]] && about="$word  -- $about" || about="$word"
            if [[ "$word" == *= ]]; then
                open+=("$word"); open_about+=("$about")
            else
                plain+=("$word"); plain_about+=("$about")
            fi
        done
        (( $#plain )) && compadd -l -d plain_about -a plain
        (( $#open )) && compadd -l -S '' -d open_about -a open
        return 0
    fi
    _wharf_static "$@"
}

if [ "$funcstack[1]" = "_wharf" ]; then
    _wharf "$@"
else
    compdef _wharf wharf
fi
"#;

const FISH: &str = r#"
function __wharf_live
    set -l words (commandline -opc)
    command $words[1] __complete fish $words (commandline -ct) 2>/dev/null
end
complete -c wharf -n '__fish_seen_subcommand_from call read prompt complete watch info ping tools resources templates prompts logs login logout' -f -k -a '(__wharf_live)'
"#;

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (shell, live) = match args.shell {
        For::Bash => (Shell::Bash, BASH),
        For::Zsh => (Shell::Zsh, ZSH),
        For::Fish => (Shell::Fish, FISH),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::definition(), "wharf", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == For::Zsh {
        // Ours takes the name under which the shell finds it, and calls the other.
        script = script.replace("\n_wharf() {", "\n_wharf_static() {");
        const END: &str = "if [ \"$funcstack[1]\" = \"_wharf\" ]";
        let end = script.rfind(END).unwrap_or(script.len());
        script.truncate(end);
    }
    script.push_str(live);
    Out::new(false, false).bytes(script.as_bytes())
}
