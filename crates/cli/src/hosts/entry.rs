//! [`Entry`]: one server in a host's file.

use serde_json::{Map, Value};

use super::expand;
use super::mask::{Secret, shown_command, shown_url};
use super::table::{Host, Switch, Urls, Variables};

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A command that is started and spoken to over its standard input and output.
    Command {
        command: String,
        arguments: Vec<String>,
        env: Vec<(String, Secret)>,
        env_file: Option<String>,
        directory: Option<String>,
    },
    /// An address.
    Url {
        url: String,
        /// `http`, `sse` or `ws`, where the entry says which.
        transport: Option<&'static str>,
        headers: Vec<(String, Secret)>,
        /// Headers whose value is in a variable: name, what stands before it, variable.
        headers_from: Vec<(String, &'static str, String)>,
    },
}

impl Kind {
    /// `stdio`, or how the address is spoken to.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Command { .. } => "stdio",
            Self::Url { transport, .. } => transport.unwrap_or("http"),
        }
    }

    /// The command or the address, without secrets.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Command {
                command, arguments, ..
            } => shown_command(command, arguments),
            Self::Url { url, .. } => shown_url(url),
        }
    }
}

/// What the host makes of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Enabled,
    /// Switched off, and where.
    Disabled(String),
    /// It cannot be used, and why.
    Broken(String),
}

/// One server in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// `None` where the entry does not say.
    pub(crate) kind: Option<Kind>,
    pub(crate) state: State,
    /// What the host asks the person for before it uses the entry (VS Code).
    pub(crate) inputs: Vec<String>,
}

impl Entry {
    /// Reads an entry as `host` does.
    pub(super) fn read(host: &Host, name: &str, value: &Value) -> Self {
        let broken = |reason: String| Self {
            name: name.to_owned(),
            kind: None,
            state: State::Broken(reason),
            inputs: Vec::new(),
        };
        let Value::Object(members) = value else {
            return broken("it is not an object".into());
        };
        if members.get("source").and_then(Value::as_str) == Some("extension") {
            return broken(
                "an extension of the editor starts it, so its command is not in the file".into(),
            );
        }
        let kind = match kind(host, members) {
            Ok(kind) => kind,
            Err(reason) => return broken(reason),
        };
        let off = match host.switch {
            Switch::Disabled if members.get("disabled") == Some(&Value::Bool(true)) => {
                Some("`disabled` is true")
            }
            Switch::Enabled if members.get("enabled") == Some(&Value::Bool(false)) => {
                Some("`enabled` is false")
            }
            _ => None,
        };
        let inputs = match host.variables {
            Variables::Editor => expand::inputs(&value.to_string()),
            _ => Vec::new(),
        };
        Self {
            name: name.to_owned(),
            kind: Some(kind),
            state: off.map_or(State::Enabled, |reason| State::Disabled(reason.into())),
            inputs,
        }
    }
}

fn kind(host: &Host, members: &Map<String, Value>) -> Result<Kind, String> {
    let of_type = text(members, "type")?;
    let stdio = of_type.as_deref() == Some("stdio");
    let transport = match of_type.as_deref() {
        None | Some("stdio") => None,
        Some("http" | "streamable-http" | "streamableHttp" | "streamable_http") => Some("http"),
        Some("sse") => Some("sse"),
        Some("ws" | "websocket") => Some("ws"),
        Some(other) => return Err(format!("unknown `type` {other:?}")),
    };
    let mut address = None;
    // Gemini CLI has a name of its own for Streamable HTTP, Windsurf one for all.
    for (member, says) in [
        ("httpUrl", Some("http")),
        ("serverUrl", None),
        ("url", None),
    ] {
        if let Some(url) = text(members, member)? {
            address = Some((url, says.or(transport)));
            break;
        }
    }
    // The old form of Zed has the command in an object.
    let (command, within) = match members.get("command") {
        Some(Value::Object(inner)) => (text(inner, "path")?, inner),
        _ => (text(members, "command")?, members),
    };
    match (command, address) {
        (Some(command), None) if !command.trim().is_empty() => {
            if transport.is_some() {
                return Err("it has a `command`, and a `type` that needs a `url`".into());
            }
            Ok(Kind::Command {
                command,
                arguments: texts(within, "args")?,
                env: pairs(within, "env")?,
                env_file: text(members, "envFile")?,
                directory: text(members, "cwd")?,
            })
        }
        (Some(_), None) => Err("its `command` is empty".into()),
        (None, Some((url, transport))) => {
            if host.urls == Urls::No {
                return Err(format!(
                    "{} only starts commands from this file, so `url` does nothing",
                    host.name
                ));
            }
            if stdio || (host.urls == Urls::WithType && of_type.is_none()) {
                return Err(format!(
                    "it has a `url` and no `type` of \"http\" or \"sse\", so {} looks for a `command`",
                    host.name
                ));
            }
            let scheme = url.split_once("://").map(|(scheme, _)| scheme);
            let known =
                matches!(scheme, Some("http" | "https" | "ws" | "wss")) || url.contains("${");
            if !known {
                return Err(match scheme {
                    Some(scheme) => format!("addresses with `{scheme}:` are not supported here"),
                    None => "its address has no scheme such as https".into(),
                });
            }
            let mut headers = pairs(members, "headers")?;
            headers.extend(pairs(members, "http_headers")?);
            let mut headers_from = Vec::new();
            for (name, Secret(variable)) in pairs(members, "env_http_headers")? {
                headers_from.push((name, "", variable));
            }
            if let Some(variable) = text(members, "bearer_token_env_var")? {
                headers_from.push(("Authorization".into(), "Bearer ", variable));
            }
            Ok(Kind::Url {
                url,
                transport,
                headers,
                headers_from,
            })
        }
        (Some(_), Some(_)) => Err("it has both a `command` and an address".into()),
        (None, None) => Err("it has neither a `command` nor a `url`".into()),
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("its `{name}` is not text")),
    }
}

fn texts(members: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("its `{name}` is not a list of text");
    match members.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<_>>().ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// Text by name. Numbers and booleans become text, as hosts do it; `null` is left out.
fn pairs(members: &Map<String, Value>, name: &str) -> Result<Vec<(String, Secret)>, String> {
    let wrong = || format!("its `{name}` is not an object of text");
    let Some(found) = members.get(name).filter(|found| !found.is_null()) else {
        return Ok(Vec::new());
    };
    let mut pairs = Vec::new();
    for (name, value) in found.as_object().ok_or_else(wrong)? {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((name.clone(), Secret(text.clone()))),
            Value::Bool(_) | Value::Number(_) => {
                pairs.push((name.clone(), Secret(value.to_string())))
            }
            _ => return Err(wrong()),
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hosts::HOSTS;

    fn read(host: &str, value: Value) -> Entry {
        let host = HOSTS.iter().find(|known| known.id == host).expect("a host");
        Entry::read(host, "x", &value)
    }

    #[test]
    fn entries_in_the_form_of_each_host() {
        for (host, value, kind, shown) in [
            (
                "claude-desktop",
                json!({"command": "npx", "args": ["-y", "s"]}),
                "stdio",
                "npx -y s",
            ),
            (
                "claude-code",
                json!({"type": "http", "url": "https://a.example/mcp"}),
                "http",
                "https://a.example/mcp",
            ),
            (
                "claude-code",
                json!({"type": "streamable-http", "url": "${URL:-https://a}"}),
                "http",
                "${URL:-https://a}",
            ),
            (
                "cursor",
                json!({"url": "https://a.example/sse"}),
                "http",
                "https://a.example/sse",
            ),
            (
                "vscode",
                json!({"type": "sse", "url": "https://a.example/sse"}),
                "sse",
                "https://a.example/sse",
            ),
            (
                "windsurf",
                json!({"serverUrl": "https://a.example/mcp?key=x"}),
                "http",
                "https://a.example/mcp?key=…",
            ),
            (
                "zed",
                json!({"source": "custom", "command": "uvx", "args": ["s"], "env": {}}),
                "stdio",
                "uvx s",
            ),
            (
                "zed",
                json!({"command": {"path": "uvx", "args": ["s"], "env": null}}),
                "stdio",
                "uvx s",
            ),
            (
                "gemini-cli",
                json!({"httpUrl": "https://a.example/mcp", "trust": true}),
                "http",
                "https://a.example/mcp",
            ),
            (
                "codex",
                json!({"command": "docs", "startup_timeout_sec": 20, "env": {"PORT": 1}}),
                "stdio",
                "docs",
            ),
        ] {
            let entry = read(host, value.clone());
            assert_eq!(entry.state, State::Enabled, "{host} {value}");
            let read = entry.kind.expect("a kind");
            assert_eq!(
                (read.as_str(), read.shown().as_str()),
                (kind, shown),
                "{host} {value}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (host, value, reason) in [
            ("cursor", json!("npx"), "not an object"),
            ("cursor", json!({}), "neither a `command` nor a `url`"),
            ("cursor", json!({"command": " "}), "`command` is empty"),
            (
                "cursor",
                json!({"command": "a", "url": "https://a"}),
                "both a `command` and an address",
            ),
            (
                "cursor",
                json!({"command": ["npx"]}),
                "`command` is not text",
            ),
            (
                "cursor",
                json!({"command": "npx", "args": "-y"}),
                "`args` is not a list",
            ),
            (
                "cursor",
                json!({"command": "npx", "env": ["A=b"]}),
                "`env` is not an object",
            ),
            (
                "cursor",
                json!({"type": "carrier-pigeon", "url": "https://a"}),
                "unknown `type`",
            ),
            ("cursor", json!({"url": "a.example/mcp"}), "no scheme"),
            (
                "vscode",
                json!({"type": "http", "url": "unix:///tmp/s"}),
                "`unix:` are not supported",
            ),
            (
                "claude-code",
                json!({"url": "https://a"}),
                "looks for a `command`",
            ),
            (
                "claude-desktop",
                json!({"url": "https://a"}),
                "only starts commands",
            ),
            (
                "zed",
                json!({"source": "extension", "settings": {}}),
                "extension of the editor",
            ),
        ] {
            match read(host, value.clone()).state {
                State::Broken(said) => assert!(said.contains(reason), "{value}: {said}"),
                other => panic!("{host} {value}: {other:?}"),
            }
        }
    }

    #[test]
    fn switches_and_inputs() {
        let off = |host, value| matches!(read(host, value).state, State::Disabled(_));
        assert!(off("windsurf", json!({"command": "a", "disabled": true})));
        assert!(off("codex", json!({"command": "a", "enabled": false})));
        assert!(off("zed", json!({"command": "a", "enabled": false})));
        // It does not look at that.
        assert!(!off(
            "claude-code",
            json!({"command": "a", "disabled": true})
        ));
        let entry = read(
            "vscode",
            json!({"command": "a", "env": {"K": "${input:api-key}", "L": "${input:b} ${input:b}"}}),
        );
        assert_eq!(entry.inputs, ["api-key", "b"]);
        assert!(
            !format!(
                "{:?}",
                read("cursor", json!({"command": "a", "env": {"K": "s3cret"}}))
            )
            .contains("s3cret")
        );
    }
}
