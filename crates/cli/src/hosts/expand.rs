//! Variables in entries, replaced when the entry is used.

use std::path::{Path, PathBuf};

use super::entry::Kind;
use super::mask::Secret;
use super::places::Places;
use super::table::Variables;

/// The largest file that an entry may refer to.
const MAX_FILE: u64 = 1 << 20;

/// An entry with its variables replaced: what to start or to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ready {
    Command {
        program: String,
        arguments: Vec<String>,
        env: Vec<(String, Secret)>,
        directory: Option<PathBuf>,
    },
    Url {
        url: String,
        transport: Option<&'static str>,
        headers: Vec<(String, Secret)>,
    },
}

/// Where the values of variables come from.
pub(super) struct Sources<'a> {
    pub(super) places: &'a Places,
    pub(super) syntax: Variables,
    /// The directory that the host would have opened: the one the file belongs to, or ours.
    pub(super) project: &'a Path,
    /// What the person answers to the inputs of VS Code.
    pub(super) answers: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'_> {
    pub(super) fn ready(&self, kind: &Kind) -> Result<Ready, String> {
        match kind {
            Kind::Command {
                command,
                arguments,
                env,
                env_file,
                directory,
            } => {
                let arguments = arguments.iter().map(|argument| self.text(argument));
                let mut all = match env_file {
                    Some(path) => self.env_file(&self.text(path)?)?,
                    None => Vec::new(),
                };
                all.extend(self.secrets(env)?);
                let directory = directory
                    .as_deref()
                    .map(|path| self.text(path))
                    .transpose()?;
                Ok(Ready::Command {
                    program: self.text(command)?,
                    arguments: arguments.collect::<Result<_, _>>()?,
                    env: all,
                    directory: directory.map(|path| self.project.join(path)),
                })
            }
            Kind::Url {
                url,
                transport,
                headers,
                headers_from,
            } => {
                let mut all = self.secrets(headers)?;
                for (name, before, variable) in headers_from {
                    let value = self.places.variable(variable);
                    let value = value.ok_or_else(|| not_set(variable))?;
                    all.push((name.clone(), Secret(format!("{before}{value}"))));
                }
                Ok(Ready::Url {
                    url: self.text(url)?,
                    transport: *transport,
                    headers: all,
                })
            }
        }
    }

    fn secrets(&self, pairs: &[(String, Secret)]) -> Result<Vec<(String, Secret)>, String> {
        let expand = |(name, Secret(value)): &(String, Secret)| {
            Ok((name.clone(), Secret(self.text(value)?)))
        };
        pairs.iter().map(expand).collect()
    }

    /// Text with its variables replaced.
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        if self.syntax == Variables::None {
            return Ok(text.to_owned());
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let braces = rest
                .strip_prefix("${")
                .and_then(|inner| inner.split_once('}'));
            let bare = || {
                let name = &rest[1..];
                let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                let name = &name[..end.unwrap_or(name.len())];
                (self.syntax == Variables::Shell && !name.is_empty()).then_some(name)
            };
            if let Some((name, after)) = braces
                && let Some(value) = self.variable(name)?
            {
                out.push_str(&value);
                rest = after;
            } else if let Some(name) = bare() {
                out.push_str(self.places.variable(name).unwrap_or_default());
                rest = &rest[1 + name.len()..];
            } else {
                out.push('$');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The value of what stands in `${…}`; `None` where this host leaves it as it is.
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        let of_environment = |name: &str| self.places.variable(name).map(str::to_owned);
        let path = |path: &Path| Ok(Some(path.display().to_string()));
        match self.syntax {
            Variables::None => Ok(None),
            Variables::Braces => {
                let (name, otherwise) = match name.split_once(":-") {
                    Some((name, otherwise)) => (name, Some(otherwise.to_owned())),
                    None => (name, None),
                };
                let value = of_environment(name).or(otherwise);
                value.map(Some).ok_or_else(|| not_set(name))
            }
            Variables::Shell => {
                let (name, otherwise) = name.split_once(":-").unwrap_or((name, ""));
                Ok(Some(
                    of_environment(name).unwrap_or_else(|| otherwise.to_owned()),
                ))
            }
            Variables::Editor => match name.split_once(':') {
                // VS Code and Cursor put nothing in the place of what is not set.
                Some(("env", name)) => Ok(Some(of_environment(name).unwrap_or_default())),
                Some(("input", id)) => match (self.answers)(id) {
                    Some(answer) => Ok(Some(answer)),
                    None => Err(format!(
                        "it needs the input `{id}`, which the host keeps; give it with `--answer {id}=…`"
                    )),
                },
                _ => match name {
                    "userHome" => path(&self.places.home),
                    "workspaceFolder" => path(self.project),
                    "workspaceFolderBasename" => {
                        let name = self.project.file_name().unwrap_or_default();
                        Ok(Some(name.to_string_lossy().into_owned()))
                    }
                    "pathSeparator" | "/" => Ok(Some(std::path::MAIN_SEPARATOR_STR.into())),
                    _ => Ok(None),
                },
            },
            Variables::Prefixed => match name.split_once(':') {
                Some(("env", name)) => Ok(Some(of_environment(name).unwrap_or_default())),
                Some(("file", file)) => {
                    self.file(file).map(|text| Some(text.trim_end().to_owned()))
                }
                _ => Ok(None),
            },
        }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let path = match path.strip_prefix("~/") {
            Some(rest) => self.places.home.join(rest),
            None => self.project.join(path),
        };
        let wrong = |error: &dyn std::fmt::Display| {
            format!("{} cannot be read: {error}", self.places.shown(&path))
        };
        let size = std::fs::metadata(&path)
            .map_err(|error| wrong(&error))?
            .len();
        if size > MAX_FILE {
            return Err(wrong(&"it is larger than 1 MiB"));
        }
        std::fs::read_to_string(&path).map_err(|error| wrong(&error))
    }

    /// A file of lines `NAME=value`.
    fn env_file(&self, path: &str) -> Result<Vec<(String, Secret)>, String> {
        Ok(env_lines(&self.file(path)?))
    }
}

/// The lines `NAME=value` of a file for variables.
pub(crate) fn env_lines(text: &str) -> Vec<(String, Secret)> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.filter_map(|line| {
        let (name, value) = line
            .strip_prefix("export ")
            .unwrap_or(line)
            .split_once('=')?;
        let value = value.trim();
        let quoted = ['"', '\'']
            .iter()
            .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        Some((
            name.trim().to_owned(),
            Secret(quoted.unwrap_or(value).to_owned()),
        ))
    });
    pairs.collect()
}

fn not_set(variable: &str) -> String {
    format!("it needs the environment variable {variable}, which is not set")
}

/// The inputs that are named in the text of an entry, each once.
pub(super) fn inputs(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for piece in text.split("${input:").skip(1) {
        if let Some((id, _)) = piece.split_once('}')
            && !found.iter().any(|known| known == id)
        {
            found.push(id.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::places::System;

    fn expanded(syntax: Variables, text: &str) -> Result<String, String> {
        let variables = [("KEY", "k1"), ("EMPTY", "")];
        let places = Places::of(
            System::Linux,
            Path::new("/home/ada"),
            Path::new("/work/demo"),
            &variables,
        );
        let answers = |id: &str| (id == "known").then(|| "typed".to_owned());
        let project = Path::new("/work/demo");
        Sources {
            places: &places,
            syntax,
            project,
            answers: &answers,
        }
        .text(text)
    }

    #[test]
    fn each_host_has_its_own_variables() {
        use Variables::{Braces, Editor, None, Prefixed, Shell};
        for (syntax, text, expected) in [
            (None, "${KEY} $KEY", "${KEY} $KEY"),
            (
                Braces,
                "Bearer ${KEY}, ${NO:-other}, $KEY, ${EMPTY:-x}",
                "Bearer k1, other, $KEY, x",
            ),
            (Shell, "$KEY/${KEY}/$NO/${NO:-x}/$/$$", "k1/k1//x/$/$$"),
            (
                Editor,
                "${env:KEY}|${env:NO}|${userHome}|${workspaceFolder}|${input:known}|${KEY}",
                "k1||/home/ada|/work/demo|typed|${KEY}",
            ),
            (Editor, "${workspaceFolderBasename}", "demo"),
            (
                Prefixed,
                "${env:KEY} ${KEY} ${unclosed",
                "k1 ${KEY} ${unclosed",
            ),
        ] {
            assert_eq!(expanded(syntax, text).as_deref(), Ok(expected), "{text}");
        }
        for (syntax, text, expected) in [
            (Braces, "${NO}", "NO, which is not set"),
            (Editor, "${input:token}", "--answer token="),
            (Prefixed, "${file:/no/such}", "cannot be read"),
        ] {
            let error = expanded(syntax, text).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}
