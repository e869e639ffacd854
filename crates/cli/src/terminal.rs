//! What people see: standard error, in colour where that is wanted.
//!
//! Colour is for terminals only, and for nobody who set `NO_COLOR`; `anstream` knows.

use std::fmt;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

use crate::escape;

pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const LITERAL: Style = AnsiColor::Cyan.on_default();

/// The colours of the help.
pub(crate) const STYLES: Styles = Styles::styled()
    .header(STRONG)
    .usage(STRONG)
    .literal(LITERAL)
    .placeholder(DIM)
    .error(ERROR)
    .valid(LITERAL)
    .invalid(AnsiColor::Yellow.on_default());

/// Text in a style; plain where colour is not wanted.
pub(crate) fn styled(style: Style, text: impl fmt::Display) -> impl fmt::Display {
    format!("{style}{text}{style:#}")
}

/// Writes a line to standard error.
pub(crate) fn say(line: impl fmt::Display) {
    // Nobody is left to tell if that fails.
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Says why a command failed.
pub(crate) fn error(why: impl fmt::Display) {
    let why = why.to_string();
    say(format_args!(
        "{} {}",
        styled(ERROR, "error:"),
        escape::text(&why)
    ));
}

/// Whether standard error is shown in colour.
pub(crate) fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
