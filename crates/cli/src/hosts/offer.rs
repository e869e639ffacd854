//! [`Offer`]: a server to install, and how each host writes it.

use serde_json::{Map, Value, json};

use super::mask::Secret;
use super::table::{Host, Urls};

/// What a host is to start, or to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offer {
    Command {
        program: String,
        arguments: Vec<String>,
        env: Vec<(String, Secret)>,
    },
    Url {
        url: String,
        /// Whether it is an event stream of 2024-11-05.
        sse: bool,
    },
}

impl Offer {
    /// The entry in a host's file.
    ///
    /// # Errors
    /// The host cannot have it, and what can be done instead.
    pub(super) fn entry(&self, host: &Host) -> Result<Value, String> {
        let mut entry = Map::new();
        match self {
            Self::Command {
                program,
                arguments,
                env,
            } => {
                if host.says_stdio {
                    entry.insert("type".into(), "stdio".into());
                }
                entry.insert("command".into(), program.as_str().into());
                entry.insert("args".into(), json!(arguments));
                if !env.is_empty() {
                    let env = env
                        .iter()
                        .map(|(name, Secret(value))| (name.clone(), Value::from(value.as_str())));
                    entry.insert("env".into(), env.collect());
                }
            }
            Self::Url { url, sse } => {
                let member = match (host.id, host.urls) {
                    (_, Urls::No) => {
                        return Err(format!(
                            "{} only starts commands from this file; addresses that the internet can reach are added in its Settings, Connectors",
                            host.name
                        ));
                    }
                    ("codex", _) if *sse => {
                        return Err(format!(
                            "{} does not speak HTTP+SSE; give the address of Streamable HTTP, such as {}",
                            host.name,
                            url.replace("/sse", "/mcp")
                        ));
                    }
                    ("gemini-cli", _) if !sse => "httpUrl",
                    ("windsurf", _) => "serverUrl",
                    _ => "url",
                };
                if host.says_stdio {
                    let kind = if *sse { "sse" } else { "http" };
                    entry.insert("type".into(), kind.into());
                }
                entry.insert(member.into(), url.as_str().into());
            }
        }
        Ok(Value::Object(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::HOSTS;
    use crate::hosts::entry::{Entry, State};

    /// What is written is what is read.
    #[test]
    fn every_host_reads_what_is_written_for_it() {
        let command = Offer::Command {
            program: "/bin/my server".into(),
            arguments: vec!["--x".into(), "a \"b\"".into()],
            env: vec![("KEY".into(), Secret("v".into()))],
        };
        let url = |sse| Offer::Url {
            url: "https://a.example/mcp".into(),
            sse,
        };
        for host in HOSTS {
            let read = |offer: &Offer| {
                let entry = offer.entry(host).map(|it| Entry::read(host, "x", &it));
                entry.map(|entry| {
                    assert_eq!(entry.state, State::Enabled, "{}", host.id);
                    let kind = entry.kind.expect("a kind");
                    (kind.as_str(), kind.shown())
                })
            };
            let stdio = read(&command).expect("a command");
            assert_eq!(
                stdio,
                ("stdio", "'/bin/my server' --x 'a \"b\"'".to_owned())
            );
            match (host.id, read(&url(false)), read(&url(true))) {
                ("claude-desktop", http, sse) => {
                    let why = http.expect_err("no addresses");
                    assert!(why.contains("only starts commands"), "{why}");
                    assert!(sse.is_err());
                }
                ("codex", http, sse) => {
                    assert_eq!(http.expect("http").0, "http");
                    assert!(sse.expect_err("no SSE").contains("HTTP+SSE"));
                }
                (id, http, sse) => {
                    assert_eq!(http.expect("http").0, "http", "{id}");
                    let sse = sse.expect("sse").0;
                    assert_eq!(sse == "sse", host.says_stdio, "{id}: {sse}");
                }
            }
        }
    }
}
