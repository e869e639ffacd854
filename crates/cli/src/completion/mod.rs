//! What the shell asks while a command line is typed: names that only a live server or a host's
//! file knows. Subcommands, options and their values are in the scripts of `wharf completions`.
//!
//! `line` finds out what is being typed, `live` asks the server, `cache` keeps what it said.
//! Nothing is ever started for a completion: of a server that is a command, only what is in the
//! cache is known.

mod cache;
mod line;
mod live;

use std::process::ExitCode;

use line::{Line, Wanted};

use crate::hosts::{self, Places};

/// Remembers a list of a server that is a command: it is not started for a completion, so this is
/// the only time its names are learnt.
pub(crate) fn remember(target: &str, list: &str, items: &impl serde::Serialize) {
    if !crate::target::is_url(target) {
        cache::store(target, list, items);
    }
}

/// The first argument by which the scripts call us.
pub(crate) const COMMAND: &str = "__complete";

/// A word that fits, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    word: String,
    about: String,
}

/// Answers a shell: `__complete SHELL WORD…`, the last of which is being typed; for bash, whose
/// own words are broken at `:` and `=`, the whole line. Ends with 1 where the script knows better.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let Some((shell, words)) = arguments.split_first() else {
        return ExitCode::FAILURE;
    };
    let words = match (shell.as_str(), words) {
        ("bash", [whole]) => line::words(whole),
        _ => words.to_vec(),
    };
    let Some(line) = Line::read(&super::commands::definition(), &words) else {
        return ExitCode::FAILURE;
    };
    let found = candidates(&line);
    let fitting = found.into_iter().filter(|candidate| {
        candidate.word.starts_with(&line.current) && is_plain(&candidate.word, shell)
    });
    let mut text = String::new();
    for Candidate { word, about } in fitting.take(200) {
        let word = if shell == "bash" {
            line::after_break(&word, &line.current)
        } else {
            &word
        };
        text.push_str(word);
        if shell != "bash" && !about.is_empty() {
            text.push('\t');
            text.push_str(&crate::escape::line(&about));
        }
        text.push('\n');
    }
    if text.is_empty() {
        return ExitCode::FAILURE;
    }
    match crate::show::Out::new(false, false).bytes(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Whether a name of others can stand on a command line as it is. Bash is given nothing that it
/// would have to quote; the others quote by themselves.
fn is_plain(word: &str, shell: &str) -> bool {
    let more = if shell == "bash" {
        "_-./:@%+,="
    } else {
        "_-./:@%+,=?&#~!*{}[]()'\"$;<>| "
    };
    word.chars()
        .all(|c| c.is_alphanumeric() && !crate::escape::is_dangerous(c) || more.contains(c))
}

fn candidates(line: &Line) -> Vec<Candidate> {
    match &line.wanted {
        Wanted::Target => {
            let Some(places) = Places::of_this_process() else {
                return Vec::new();
            };
            let names = hosts::names(&places).into_iter();
            names
                .map(|(word, about)| Candidate { word, about })
                .collect()
        }
        wanted => live::candidates(wanted, line),
    }
}
