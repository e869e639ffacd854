//! The README's terminal session, typed into a terminal.
#![cfg(unix)]

mod support;

use std::process::Command;

use support::terminal::Terminal;
use support::{Http, wharf};

const README: &str = include_str!("../../../README.md");
/// Where the README's server is.
const THERE: &str = "http://127.0.0.1:8000/mcp";

/// The commands of the README, each with what it shows.
fn session() -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for block in README.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").expect("the end of the block");
        for line in block.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), String::new())),
                (None, Some((_, shown))) => {
                    shown.push_str(line);
                    shown.push('\n');
                }
                (None, None) => panic!("something is shown before the first command: {line}"),
            }
        }
    }
    commands
}

#[test]
fn what_the_readme_shows_is_what_is_shown() {
    let server = Http::start(&["serve"]);
    let session = session();
    assert!(session.len() >= 8, "{session:?}");
    let binaries = std::path::Path::new(env!("CARGO_BIN_EXE_wharf"))
        .parent()
        .expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    for (typed, expected) in session {
        // The environment of a test, for a shell.
        let mut command = Command::new("sh");
        for (name, value) in wharf(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("PATH", format!("{}:{path}", binaries.display()));
        command.args(["-c", &typed.replace(THERE, &server.url)]);
        let (_, text) = Terminal::start(command, 100).end();
        let shown = text.replace(&server.url, THERE);
        assert_eq!(shown.trim_end(), expected.trim_end(), "$ {typed}");
    }
}
