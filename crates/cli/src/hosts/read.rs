//! Reading the files of hosts.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::entry::{Entry, State};
use super::places::Places;
use super::table::{At, File, Format, HOSTS, Host, Scope, Section, Switch};

/// The largest file that is read. `~/.claude.json` keeps histories and grows to some megabytes.
const MAX_FILE: u64 = 64 << 20;

/// What came of reading a file.
#[derive(Debug)]
pub(crate) enum Contents {
    /// There is none.
    Absent,
    /// It is there, and cannot be read or understood: why.
    Unreadable(String),
    Entries(Vec<Entry>),
}

/// A file of a host.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) host: &'static Host,
    pub(crate) scope: Scope,
    pub(crate) path: PathBuf,
    pub(crate) contents: Contents,
}

impl Listing {
    /// The directory whose project the file belongs to.
    pub(super) fn project<'a>(&'a self, places: &'a Places) -> &'a Path {
        let above = || {
            places
                .project()
                .into_iter()
                .find(|directory| self.path.starts_with(directory))
        };
        match self.scope {
            Scope::Project => above().unwrap_or(&places.here),
            Scope::Local | Scope::User => &places.here,
        }
    }
}

/// All files of all hosts, in the order of the table.
pub(crate) fn read_all(places: &Places) -> Vec<Listing> {
    let files = HOSTS
        .iter()
        .flat_map(|host| host.files.iter().map(move |file| (host, file)));
    files.map(|(host, file)| read(host, file, places)).collect()
}

fn read(host: &'static Host, file: &File, places: &Places) -> Listing {
    let path = match file.at {
        At::Person(path) => path(places),
        At::Project(path) => {
            let mut paths = places
                .project()
                .into_iter()
                .map(|directory| directory.join(path));
            let nearest = paths.find(|path| path.exists());
            nearest.unwrap_or_else(|| places.here.join(path))
        }
    };
    let contents = match text(&path) {
        Ok(None) => Contents::Absent,
        Ok(Some(text)) => match parse(file.format, &text) {
            Ok(whole) => entries(host, file, &whole, places),
            Err(reason) => Contents::Unreadable(reason),
        },
        Err(reason) => Contents::Unreadable(reason),
    };
    Listing {
        host,
        scope: file.scope,
        path,
        contents,
    }
}

/// `None` where there is no such file.
pub(super) fn text(path: &Path) -> Result<Option<String>, String> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("it is not a file".into());
    }
    if about.len() > MAX_FILE {
        return Err(format!("it is larger than {} MiB", MAX_FILE >> 20));
    }
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(Some(text))
}

/// What is taken for JSON.
pub(super) fn json_options(format: Format) -> jsonc_parser::ParseOptions {
    jsonc_parser::ParseOptions {
        allow_comments: format == Format::Commented,
        allow_trailing_commas: format == Format::Commented,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

/// The whole file as JSON. An empty file is an empty object.
pub(super) fn parse(format: Format, text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match format {
        Format::Json => serde_json::from_str(text).map_err(|error| format!("not JSON: {error}")),
        Format::Commented => jsonc_parser::parse_to_serde_value(text, &json_options(format))
            .map_err(|error| format!("not JSON: {error}")),
        Format::Toml => toml_edit::de::from_str(text).map_err(|error| {
            // Its own words go over several lines and repeat the file, secrets and all.
            format!("not TOML: {}", error.message())
        }),
    }
}

pub(super) fn entries(host: &Host, file: &File, whole: &Value, places: &Places) -> Contents {
    let of_project = || {
        let projects = whole.get("projects")?;
        places
            .project()
            .into_iter()
            .find_map(|directory| projects.get(directory.to_str()?))
    };
    let (section, name) = match file.section {
        Section::Member(name) => (whole.get(name), name),
        Section::OfProject => (
            of_project().and_then(|part| part.get("mcpServers")),
            "mcpServers",
        ),
    };
    let section = match section {
        None | Some(Value::Null) => return Contents::Entries(Vec::new()),
        Some(Value::Object(section)) => section,
        Some(_) => return Contents::Unreadable(format!("its `{name}` is not an object")),
    };
    let mut entries: Vec<Entry> = section
        .iter()
        .map(|(name, value)| Entry::read(host, name, value))
        .collect();
    let named = |list: Option<&Value>, name: &str| {
        list.and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|item| item == name))
    };
    for entry in entries
        .iter_mut()
        .filter(|entry| entry.state == State::Enabled)
    {
        let reason = match host.switch {
            Switch::Lists => {
                let lists = whole.get("mcp");
                let list = |name| lists.and_then(|lists| lists.get(name));
                if named(list("excluded"), &entry.name) {
                    Some("`mcp.excluded` names it")
                } else if list("allowed").is_some_and(Value::is_array)
                    && !named(list("allowed"), &entry.name)
                {
                    Some("`mcp.allowed` does not name it")
                } else {
                    None
                }
            }
            Switch::ClaudeLists if file.scope != Scope::Project => {
                let list = of_project().and_then(|part| part.get("disabledMcpServers"));
                named(list, &entry.name).then_some("`disabledMcpServers` of this project names it")
            }
            Switch::ClaudeLists => approval(places, &entry.name),
            Switch::Elsewhere | Switch::Disabled | Switch::Enabled => None,
        };
        if let Some(reason) = reason {
            entry.state = State::Disabled(reason.into());
        }
    }
    Contents::Entries(entries)
}

/// Why Claude Code would not use this server of a `.mcp.json`, as far as its files say.
fn approval(places: &Places, name: &str) -> Option<&'static str> {
    let settings = places
        .project()
        .into_iter()
        .map(|directory| directory.join(".claude").join("settings.local.json"));
    for path in settings {
        let Ok(Some(text)) = text(&path) else {
            continue;
        };
        let Ok(whole) = parse(Format::Commented, &text) else {
            continue;
        };
        let list = whole
            .get("disabledMcpjsonServers")
            .and_then(Value::as_array);
        if list.is_some_and(|list| list.iter().any(|item| item == name)) {
            return Some("`disabledMcpjsonServers` in .claude/settings.local.json names it");
        }
    }
    None
}

#[cfg(test)]
pub(in crate::hosts) mod tests {
    use super::*;
    use crate::hosts::places::System;

    /// A home directory and a project with what stands in the files of all hosts.
    pub(in crate::hosts) struct Machine {
        root: PathBuf,
        pub(in crate::hosts) places: Places,
    }

    impl Machine {
        pub(in crate::hosts) fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root =
                std::env::temp_dir().join(format!("wharf-hosts-{}-{name}", std::process::id()));
            let (home, project) = (root.join("home"), root.join("project"));
            std::fs::create_dir_all(project.join("sub")).expect("a directory");
            std::fs::create_dir_all(project.join(".git")).expect("a directory");
            for (path, text) in files {
                let path = root.join(path);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
                std::fs::write(
                    path,
                    text.replace("PROJECT", project.to_str().expect("Unicode")),
                )
                .expect("a file");
            }
            let places = Places::of(System::Linux, &home, &project.join("sub"), &[]);
            Self { root, places }
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            // A directory of ours; if it stays, it stays.
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }

    #[test]
    fn every_host_is_read() {
        let machine = Machine::new(
            "all",
            &[
                (
                    "home/.config/Claude/claude_desktop_config.json",
                    r#"{"mcpServers": {"a": {"command": "a"}}}"#,
                ),
                (
                    "home/.claude.json",
                    r#"{"mcpServers": {"b": {"type": "stdio", "command": "b"}, "off": {"command": "x"}},
                "projects": {"PROJECT": {"mcpServers": {"c": {"command": "c"}}, "disabledMcpServers": ["off"]}}}"#,
                ),
                (
                    "project/.mcp.json",
                    r#"{"mcpServers": {"d": {"type": "http", "url": "http://d.example"}, "no": {"command": "x"}}}"#,
                ),
                (
                    "project/.claude/settings.local.json",
                    r#"{"disabledMcpjsonServers": ["no"]}"#,
                ),
                (
                    "home/.cursor/mcp.json",
                    "\u{feff}{\"mcpServers\": {\"e\": {\"command\": \"e\"}, /* later */}}",
                ),
                (
                    "project/.vscode/mcp.json",
                    "{\n  // of this project\n  \"servers\": {\"f\": {\"command\": \"f\"},},\n  \"inputs\": []\n}",
                ),
                ("home/.codeium/windsurf/mcp_config.json", ""),
                (
                    "home/.config/zed/settings.json",
                    "// Zed settings\n{\"context_servers\": {\"g\": {\"command\": \"g\", \"enabled\": false}}}",
                ),
                (
                    "home/.gemini/settings.json",
                    r#"{"mcp": {"excluded": ["h"]}, "mcpServers": {"h": {"command": "h"}, "i": {"command": "i"}}}"#,
                ),
                (
                    "home/.codex/config.toml",
                    "model = \"x\"\n[mcp_servers.j]\nurl = \"https://j.example\"\nbearer_token_env_var = \"J\"\n",
                ),
                ("project/.codex/config.toml", "[mcp_servers.k\n"),
            ],
        );
        let mut found = Vec::new();
        for listing in read_all(&machine.places) {
            let at = format!("{}/{}", listing.host.id, listing.scope.as_str());
            match listing.contents {
                Contents::Absent => {}
                Contents::Unreadable(reason) => found.push(format!("{at}: {reason}")),
                Contents::Entries(entries) => {
                    for entry in entries {
                        let state = match entry.state {
                            State::Enabled => "on".to_owned(),
                            State::Disabled(_) => "off".to_owned(),
                            State::Broken(reason) => reason,
                        };
                        found.push(format!("{at}: {} {state}", entry.name));
                    }
                }
            }
        }
        let (toml, rest): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|line| line.starts_with("codex/project"));
        assert_eq!(
            rest,
            [
                "claude-desktop/user: a on",
                "claude-code/local: c on",
                "claude-code/project: d on",
                "claude-code/project: no off",
                "claude-code/user: b on",
                "claude-code/user: off off",
                "cursor/user: e on",
                "vscode/project: f on",
                "zed/user: g off",
                "gemini-cli/user: h off",
                "gemini-cli/user: i on",
                "codex/user: j on",
            ]
        );
        assert!(toml.len() == 1 && toml[0].contains("not TOML"), "{toml:?}");
    }

    #[test]
    fn comments_only_where_the_host_takes_them() {
        let commented = "{\"mcpServers\": {} // none\n}";
        assert!(parse(Format::Commented, commented).is_ok());
        assert!(parse(Format::Json, commented).is_err());
        assert!(parse(Format::Commented, "{'a': 1}").is_err());
        assert!(parse(Format::Commented, "{\"a\": 1 \"b\": 2}").is_err());
        let secret = parse(Format::Toml, "token = \"s3cret\"\nx = [").expect_err("broken");
        assert!(
            !secret.contains("s3cret") && !secret.contains('\n'),
            "{secret}"
        );
    }
}
