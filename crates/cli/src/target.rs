//! TARGET: what stands for a server on the command line. An address, a command line in quotes, or
//! the name of a server in a host's configuration.

use std::path::PathBuf;

use crate::arguments::nearest;
use crate::failure::Failure;
use crate::hosts::{self, Places, Ready, Secret};

/// A server to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Url {
        url: String,
        /// `http`, `sse` or `ws`, where that is known.
        transport: Option<&'static str>,
        headers: Vec<(String, Secret)>,
    },
    Command {
        program: String,
        arguments: Vec<String>,
        env: Vec<(String, Secret)>,
        directory: Option<PathBuf>,
    },
}

/// A target, and the host's file it stands in.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) target: Target,
    /// For people; `None` where the target itself was given.
    pub(crate) origin: Option<Origin>,
}

/// Where a target was found.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) text: String,
    /// Whether the file came with a project, so that others may have written it.
    pub(crate) of_project: bool,
}

/// Whether this is an address.
pub(crate) fn is_url(text: &str) -> bool {
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(scheme.as_str(), "http" | "https" | "ws" | "wss"))
}

/// Finds out what TARGET means. Files of hosts are read only for names.
pub(crate) fn resolve(
    text: &str,
    answers: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolved, Failure> {
    if is_url(text) {
        let target = Target::Url {
            url: text.to_owned(),
            transport: None,
            headers: Vec::new(),
        };
        return Ok(Resolved {
            target,
            origin: None,
        });
    }
    if text.trim().is_empty() {
        return Err(Failure::new("the target is empty").next(FORMS));
    }
    let places = Places::of_this_process();
    if let Some(places) = &places
        && let Some(found) = hosts::find(places, text, answers)?
    {
        let target = match found.ready {
            Ready::Command {
                program,
                arguments,
                env,
                directory,
            } => Target::Command {
                program,
                arguments,
                env,
                directory,
            },
            Ready::Url {
                url,
                transport,
                headers,
            } => Target::Url {
                url,
                transport,
                headers,
            },
        };
        let origin = Some(Origin {
            text: found.origin,
            of_project: found.of_project,
        });
        return Ok(Resolved { target, origin });
    }
    command(text, places.as_ref())
}

const FORMS: &str = "give an address such as http://127.0.0.1:8000/mcp, a command line in quotes, or a name that `wharf hosts` shows";

/// A command line. One word alone must be a program, or else it is a name that nobody has.
fn command(text: &str, places: Option<&Places>) -> Result<Resolved, Failure> {
    let words = split(text)?;
    let mut words = words.into_iter();
    let program = words
        .next()
        .ok_or_else(|| Failure::new("the target is empty").next(FORMS))?;
    let arguments: Vec<String> = words.collect();
    if arguments.is_empty() && !is_program(&program) {
        if program.starts_with("localhost")
            || program.starts_with("127.0.0.1")
            || program.contains("/mcp")
        {
            return Err(
                Failure::new(format!("{program:?} is no address without its scheme"))
                    .next(format!("write http://{program}")),
            );
        }
        let names: Vec<_> = places.map(hosts::names).unwrap_or_default();
        let close = nearest(&program, names.iter().map(|(name, _)| name.as_str()));
        let failure = Failure::new(format!(
            "no host has a server {program:?}, and there is no such program"
        ));
        return Err(if close.is_empty() {
            failure.next(FORMS)
        } else {
            failure.next(format!("did you mean {}?", close.join(" or ")))
        });
    }
    let target = Target::Command {
        program,
        arguments,
        env: Vec::new(),
        directory: None,
    };
    Ok(Resolved {
        target,
        origin: None,
    })
}

/// Words as a shell splits them; nothing is expanded, and no shell runs.
pub(crate) fn split(text: &str) -> Result<Vec<String>, Failure> {
    // Elsewhere a backslash belongs to a path, as in C:\Tools\server.exe.
    let text = if cfg!(windows) {
        text.replace('\\', "\\\\")
    } else {
        text.to_owned()
    };
    shell_words::split(&text)
        .map_err(|_| Failure::new(format!("a quote is not closed in {text:?}")))
}

/// Whether a word is a program: a path to a file, or found where programs are looked for.
pub(crate) fn is_program(word: &str) -> bool {
    if word.contains(std::path::is_separator) {
        return std::path::Path::new(word).is_file();
    }
    which::which(word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Target, String> {
        let resolved = resolve(text, &|_| None).map_err(|failure| failure.to_string())?;
        Ok(resolved.target)
    }

    fn program(target: Target) -> Vec<String> {
        match target {
            Target::Command {
                program, arguments, ..
            } => [vec![program], arguments].concat(),
            Target::Url { url, .. } => vec![url],
        }
    }

    #[test]
    fn addresses_and_command_lines() {
        for (text, expected) in [
            (
                "http://127.0.0.1:8000/mcp",
                &["http://127.0.0.1:8000/mcp"][..],
            ),
            ("HTTPS://a.example/mcp?x=1", &["HTTPS://a.example/mcp?x=1"]),
            ("ws://a.example/ws", &["ws://a.example/ws"]),
            (
                "npx -y 'my server' --x=\"a b\"",
                &["npx", "-y", "my server", "--x=a b"],
            ),
            ("sh", &["sh"]),
            ("/bin/sh", &["/bin/sh"]),
            ("echo $HOME", &["echo", "$HOME"]),
        ] {
            assert_eq!(program(resolved(text).expect(text)), expected, "{text}");
        }
        for (text, expected) in [
            ("", "empty"),
            ("  ", "empty"),
            ("npx 'open", "a quote is not closed"),
            ("no-such-server-anywhere", "no host has a server"),
            ("localhost:8000", "write http://localhost:8000"),
            ("/no/such/program", "no such program"),
        ] {
            let error = resolved(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
