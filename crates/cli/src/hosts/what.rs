//! WHAT: what a person wants installed, and what it is called if they do not say.

use std::path::{Path, PathBuf};

use wharf_ready::config::{Config, Given};

use super::mask::Secret;
use super::offer::Offer;
use super::places::Places;
use crate::failure::Failure;
use crate::target;

/// A server to install, and a name for it.
#[derive(Debug)]
pub(crate) struct What {
    pub(crate) offer: Offer,
    pub(crate) name: String,
    /// What the person has to do first.
    pub(crate) first: Option<String>,
}

/// Ready-made servers that `wharf serve` knows by their kind, and whether what follows is a path.
const PACKS: &[(&str, bool)] = &[
    ("files", true),
    ("llm", false),
    ("notes", true),
    ("prompts", true),
    ("skills", true),
    ("starter", false),
];

/// Finds out what is meant. `wharf` is this program, which starts what has no command of its own.
pub(crate) fn what(
    words: &[String],
    env: Vec<(String, Secret)>,
    places: &Places,
    wharf: &Path,
) -> Result<What, Failure> {
    let ours = |arguments: Vec<String>, name: String, env| What {
        offer: Offer::Command {
            program: wharf.display().to_string(),
            arguments,
            env,
        },
        name,
        first: None,
    };
    let serve = |more: Vec<String>| {
        let mut all = vec!["serve".to_owned()];
        all.extend(more);
        all.push("--stdio".into());
        all
    };
    let run = |path: &Path| vec!["run".to_owned(), path.display().to_string()];
    match words {
        [] => Ok(ours(serve(Vec::new()), "wharf".into(), env)),
        [url] if target::is_url(url) => {
            if !env.is_empty() {
                return Err(
                    Failure::new("a host that calls an address gives it no variables")
                        .next("leave `-v` and `-f` out"),
                );
            }
            if url.to_ascii_lowercase().starts_with("ws") {
                return Err(Failure::new("no host takes WebSocket addresses")
                    .next("give the http address of the same server"));
            }
            let sse = url.split(['?', '#']).next().is_some_and(is_sse);
            Ok(What {
                offer: Offer::Url {
                    url: url.clone(),
                    sse,
                },
                name: of_url(url),
                first: None,
            })
        }
        words if words.iter().all(|word| pack(word).is_some()) => {
            let mut kinds: Vec<&str> = Vec::new();
            let mut all = Vec::new();
            for (kind, is_path, rest) in words.iter().filter_map(|word| pack(word)) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
                all.push(if is_path {
                    format!("{kind}:{}", from_anywhere(rest, places))
                } else {
                    format!("{kind}:{rest}")
                });
            }
            check(&all, None, &env)?;
            Ok(ours(serve(all), kinds.join("-"), env))
        }
        [word] if word.trim().is_empty() => {
            Err(Failure::new("WHAT is empty").next("leave it out for the starter"))
        }
        [word] => {
            let path = places.absolute(word);
            let project = Project::at(&path);
            if let Some(project) = project {
                if let Some(file) = &project.config {
                    check(&[], Some(file), &env)?;
                }
                let name = project.name.clone();
                return Ok(What {
                    first: project.first,
                    ..ours(run(&path), name, env)
                });
            }
            if path.is_dir() {
                return Err(
                    Failure::new(format!("nothing in {word} says how to start it"))
                        .next(Project::FORMS),
                );
            }
            command(target::split(word)?, env, places)
        }
        words => command(words.to_vec(), env, places),
    }
}

/// The `WHAT?key=value` of a pack whose `WHAT` is a path, so that it is the same wherever it is
/// read.
fn from_anywhere(rest: &str, places: &Places) -> String {
    let path = rest.split('?').next().unwrap_or_default();
    if path.is_empty() || path.starts_with(':') || path.contains("${") {
        return rest.to_owned();
    }
    // What comes from us is written as an argument has it; what is given is that already.
    let escaped = |folder: &Path| {
        let folder = folder.display().to_string();
        folder.replace('%', "%25").replace('?', "%3F")
    };
    match rest.strip_prefix('~') {
        Some(inner) if inner.starts_with(std::path::is_separator) => {
            format!("{}{inner}", escaped(&places.home))
        }
        Some("") => escaped(&places.home),
        _ if Path::new(path).is_absolute() => rest.to_owned(),
        _ => {
            let inner = rest.strip_prefix("./").unwrap_or(rest);
            let inner = if path == "." { &rest[1..] } else { inner };
            let gap = if inner.is_empty() || inner.starts_with('?') {
                ""
            } else {
                std::path::MAIN_SEPARATOR_STR
            };
            format!("{}{gap}{inner}", escaped(&places.here))
        }
    }
}

/// Whether `wharf serve` would take this: before a host finds out.
fn check(packs: &[String], file: Option<&Path>, env: &[(String, Secret)]) -> Result<(), Failure> {
    let given = Given {
        file: file.map(Path::to_owned),
        packs: packs.to_vec(),
        ..Given::default()
    };
    let variable = |name: &str| {
        let given = env.iter().find(|(known, _)| known == name);
        let given = given.map(|(_, Secret(value))| value.clone());
        given.or_else(|| std::env::var(name).ok())
    };
    match Config::load_with(&given, &variable) {
        Ok(_) => Ok(()),
        Err(problems) => Err(Failure::new(problems.to_string())),
    }
}

/// The parts of `kind:rest`.
fn pack(word: &str) -> Option<(&'static str, bool, &str)> {
    let (kind, rest) = word.split_once(':')?;
    let (kind, is_path) = PACKS.iter().find(|(known, _)| *known == kind)?;
    Some((kind, *is_path, rest))
}

fn is_sse(url: &str) -> bool {
    url.trim_end_matches('/').ends_with("/sse")
}

/// A program and its arguments, as they are typed; only paths become absolute, because a host
/// starts elsewhere.
fn command(
    words: Vec<String>,
    env: Vec<(String, Secret)>,
    places: &Places,
) -> Result<What, Failure> {
    let mut words = words.into_iter();
    let program = words
        .next()
        .ok_or_else(|| Failure::new("the command line is empty"))?;
    let arguments: Vec<String> = words.collect();
    if !target::is_program(&program) {
        return Err(Failure::new(format!("there is no program {program:?}")).next(
            "give an address, a command line, a `wharf.toml`, a directory, or nothing for the starter",
        ));
    }
    let name = of_command(&program, &arguments);
    let program = if program.contains(std::path::is_separator) {
        places.absolute(&program).display().to_string()
    } else {
        program
    };
    Ok(What {
        offer: Offer::Command {
            program,
            arguments,
            env,
        },
        name,
        first: None,
    })
}

/// A file or a directory that `wharf run` knows how to start.
#[derive(Debug)]
struct Project {
    name: String,
    first: Option<String>,
    config: Option<PathBuf>,
}

impl Project {
    const FORMS: &str = "give a directory with a `wharf.toml`, a `Cargo.toml`, a `package.json` with a `bin`, or a `pyproject.toml` with a script; or a command line";

    fn at(path: &Path) -> Option<Self> {
        let recognised = crate::commands::run::recognise(path).ok()??;
        let folder = if path.is_dir() {
            Some(path)
        } else {
            path.parent()
        };
        let folder = folder.and_then(Path::file_name).unwrap_or_default();
        let name = recognised
            .name
            .clone()
            .unwrap_or_else(|| folder.to_string_lossy().into_owned());
        Some(Self {
            name: plain(&name),
            config: recognised.config().map(Path::to_owned),
            first: recognised.first,
        })
    }
}

/// What a program is called that is started by another, such as `npx -y @scope/server-x@1`.
fn of_command(program: &str, arguments: &[String]) -> String {
    const RUNNERS: &[&str] = &[
        "npx", "bunx", "pnpx", "uvx", "pipx", "node", "deno", "bun", "python", "python3", "uv",
        "docker", "podman", "cargo", "sh", "bash", "env",
    ];
    let stem = |word: &str| {
        let last = word.rsplit(['/', '\\']).next().unwrap_or(word);
        let name = last.split('@').next().unwrap_or(last);
        let name = name.split(':').next().unwrap_or(name);
        let ends = [".exe", ".js", ".mjs", ".cjs", ".ts", ".py", ".sh"];
        let end = ends.iter().find_map(|end| name.strip_suffix(end));
        end.unwrap_or(name).to_owned()
    };
    let own = stem(program);
    let started = RUNNERS.contains(&own.as_str()).then(|| {
        arguments.iter().find(|word| {
            !word.starts_with('-') && !matches!(word.as_str(), "run" | "exec" | "tool" | "x")
        })
    });
    let name = started.flatten().map(|word| stem(word)).unwrap_or(own);
    plain(&name)
}

/// `https://mcp.example.com/mcp` is `example`, an address of this machine is `local`.
fn of_url(url: &str) -> String {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    if host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok()
    {
        return "local".into();
    }
    let mut labels = host.split('.').collect::<Vec<_>>();
    if labels.len() > 2 && matches!(labels[0], "mcp" | "www" | "api") {
        labels.remove(0);
    }
    plain(labels.first().copied().unwrap_or_default())
}

/// A name of the characters that every host takes.
fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .take(64)
        .collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() {
        "server".into()
    } else {
        plain.to_owned()
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Checks a name that a person gave.
pub(crate) fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 64 || !text.chars().all(is_plain) {
        return Err("a name has up to 64 letters, digits, `-` and `_`".into());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::places::System;

    fn of(words: &[&str]) -> Result<(String, String), String> {
        let places = Places::of(
            System::Linux,
            Path::new("/home/ada"),
            Path::new("/work"),
            &[],
        );
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let what = what(&words, Vec::new(), &places, Path::new("/bin/wharf"));
        let what = what.map_err(|failure| failure.to_string())?;
        let shown = match what.offer {
            Offer::Command {
                program, arguments, ..
            } => [vec![program], arguments].concat().join(" "),
            Offer::Url { url, sse } => format!("{url}{}", if sse { " (sse)" } else { "" }),
        };
        Ok((what.name, shown))
    }

    #[test]
    fn what_is_meant_and_what_it_is_called() {
        for (words, name, shown) in [
            (&[][..], "wharf", "/bin/wharf serve --stdio"),
            (
                &["https://mcp.example.com/mcp?x=1"],
                "example",
                "https://mcp.example.com/mcp?x=1",
            ),
            (
                &["http://127.0.0.1:8000/sse"],
                "local",
                "http://127.0.0.1:8000/sse (sse)",
            ),
            (&["http://[::1]:8000/mcp"], "local", "http://[::1]:8000/mcp"),
            (
                &["files:~/notes", "notes:", "files:sub"],
                "files-notes",
                "/bin/wharf serve files:/home/ada/notes notes: files:/work/sub --stdio",
            ),
            (
                &[
                    "files:./a?write=true",
                    "files:.",
                    "files:.hidden",
                    "notes:../b",
                ],
                "files-notes",
                "/bin/wharf serve files:/work/a?write=true files:/work files:/work/.hidden notes:/work/../b --stdio",
            ),
            (
                &["notes::memory:"],
                "notes",
                "/bin/wharf serve notes::memory: --stdio",
            ),
            (&["llm:echo"], "llm", "/bin/wharf serve llm:echo --stdio"),
            (&["sh -c 'exit 1'"], "exit-1", "sh -c exit 1"),
            (&["sh", "server.sh", "--x"], "server", "sh server.sh --x"),
            (&["/bin/sh"], "sh", "/bin/sh"),
        ] {
            assert_eq!(
                of(words),
                Ok((name.to_owned(), shown.to_owned())),
                "{words:?}"
            );
        }
        for (words, reason) in [
            (&["ws://a.example"][..], "WebSocket"),
            (&["files:a?wriet=true"], "wriet"),
            (&["no-such-program"], "no program"),
            (&["'open"], "quote"),
            (&[""], "empty"),
            (&["/"], "says how to start it"),
        ] {
            let error = of(words).expect_err("refused");
            assert!(error.contains(reason), "{words:?}: {error}");
        }
        assert_eq!(
            of_command("npx", &["-y".into(), "@scope/server-x@1.2".into()]),
            "server-x"
        );
        assert_eq!(
            of_command(
                "docker",
                &["run".into(), "-i".into(), "ghcr.io/o/img:v1".into()]
            ),
            "img"
        );
        assert!(name("a b").is_err() && name("").is_err() && name("a_B-1").is_ok());
    }
}
