//! What is wrong with a configuration, as a person sees it.

use wharf_ready::config::{Problem, Problems};

use crate::escape;
use crate::terminal::{DIM, ERROR, LITERAL, STRONG, say, styled};

/// Shows all problems on standard error, each with its line and the next step.
pub(crate) fn say_problems(problems: &Problems) {
    for problem in problems {
        say(rendered(problem));
    }
}

/// How many there are, and in what.
pub(crate) fn count(problems: &Problems) -> String {
    match problems.len() {
        1 => "1 problem".to_owned(),
        many => format!("{many} problems"),
    }
}

fn rendered(problem: &Problem) -> String {
    let place = match &problem.file {
        Some(_) => format!("{}: ", problem.place()),
        None => String::new(),
    };
    let mut text = format!(
        "{} {}{}",
        styled(ERROR, "error:"),
        styled(STRONG, escape::text(&place)),
        escape::text(&problem.reason)
    );
    for line in problem.details().lines() {
        let line = escape::line(line);
        let (margin, rest) = line.split_at(line.find(['|', '=']).map_or(0, |at| at + 1));
        let rest = match rest.trim_start().strip_prefix('^') {
            Some(_) => styled(ERROR, rest).to_string(),
            None if margin.ends_with('=') => styled(LITERAL, rest).to_string(),
            None => rest.to_owned(),
        };
        text.push_str(&format!("\n{}{rest}", styled(DIM, margin)));
    }
    text
}
