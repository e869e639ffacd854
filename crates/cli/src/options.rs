//! [`Options`]: what all commands that connect to a server can be told.

use std::time::Duration;

use wharf_client::Transport;
use wharf_protocol::Revision;

use crate::hosts::Secret;

/// Options of every command that connects to a server.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Options {
    /// Print JSON for programs
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    /// How long to wait for an answer, such as 10s, 500ms or 2m
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) timeout: Option<Duration>,

    /// A header for every request, such as 'Authorization: Bearer TOKEN'
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, Secret)>,

    /// A variable for the environment of a command
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = env)]
    pub(crate) env: Vec<(String, Secret)>,

    /// Speak only this revision, such as 2025-11-25
    #[arg(long, value_name = "REVISION", value_parser = revision)]
    pub(crate) revision: Option<Revision>,

    /// Use only this transport
    #[arg(long, value_name = "TRANSPORT", value_parser = transport)]
    pub(crate) transport: Option<Transport>,

    /// A directory that the server may work in
    #[arg(long = "root", value_name = "DIRECTORY")]
    pub(crate) roots: Vec<std::path::PathBuf>,

    /// Never ask a person: what is not answered by --answer is declined
    #[arg(long, help_heading = "Questions of the server")]
    pub(crate) no_input: bool,

    /// An answer to a question that the server may ask
    #[arg(long = "answer", value_name = "FIELD=VALUE", value_parser = answer, help_heading = "Questions of the server")]
    pub(crate) answers: Vec<(String, String)>,

    /// The model that answers when the server asks for one: openai:MODEL, anthropic:MODEL, ollama:MODEL, echo
    #[arg(
        long,
        value_name = "PROVIDER:MODEL",
        help_heading = "Questions of the server"
    )]
    pub(crate) llm: Option<String>,

    /// Say more: what a started command writes to standard error (-v), what is sent (-vv)
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
}

/// Reads a time.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number with s, ms or m behind it, such as 10s".to_owned();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit.trim() {
        "" | "s" => number,
        "ms" => number / 1000.0,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?;
    if time.is_zero() || time > Duration::from_secs(7 * 86_400) {
        return Err("a time is more than nothing and at most a week".into());
    }
    Ok(time)
}

fn header(text: &str) -> Result<(String, Secret), String> {
    let wrong = || "a header has a name, a colon and a value, such as 'X-Api-Key: abc'".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty()
        || !name.chars().all(fits)
        || value.contains(|c: char| c.is_control() && c != '\t')
    {
        return Err(wrong());
    }
    Ok((name.to_owned(), Secret(value.trim().to_owned())))
}

fn env(text: &str) -> Result<(String, Secret), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), Secret(value.to_owned()))),
        _ => Err("a variable is written NAME=VALUE".into()),
    }
}

fn answer(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("an answer is written FIELD=VALUE".into()),
    }
}

fn revision(text: &str) -> Result<Revision, String> {
    Revision::parse(text).ok_or_else(|| {
        let known: Vec<_> = Revision::ALL
            .iter()
            .map(|revision| revision.as_str())
            .collect();
        format!("the revisions are {}", known.join(", "))
    })
}

fn transport(text: &str) -> Result<Transport, String> {
    match text {
        "http" => Ok(Transport::Http),
        "sse" => Ok(Transport::Sse),
        _ => Err("a transport is http or sse; what else there is follows from the target".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_headers() {
        for (text, expected) in [
            ("10", Some(10_000)),
            ("10s", Some(10_000)),
            ("1.5s", Some(1500)),
            ("500ms", Some(500)),
            ("2m", Some(120_000)),
            ("0", None),
            ("1e3", None),
            ("-1", None),
            ("", None),
            ("1y", None),
            ("9999999999999", None),
        ] {
            assert_eq!(
                time(text).ok(),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
        assert_eq!(
            header("X-Key:  a:b "),
            Ok(("X-Key".into(), Secret("a:b".into())))
        );
        for text in ["", "X-Key", ": a", "X Key: a", "X-Key: a\nb: c"] {
            header(text).expect_err(text);
        }
    }
}
