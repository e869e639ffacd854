//! The table of hosts.

use std::path::PathBuf;

use super::places::Places;

/// Whose servers a file holds. In the order in which a host prefers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// One person's, in one project.
    Local,
    /// A project's, for all who work on it.
    Project,
    /// One person's, everywhere.
    User,
}

impl Scope {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Project => "project",
            Self::User => "user",
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    /// JSON with comments and commas at the end of lists.
    Commented,
    Toml,
}

/// Where a file is.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// At a place of the person's.
    Person(fn(&Places) -> PathBuf),
    /// At a place in the project, or above the working directory in it.
    Project(&'static str),
}

/// Where in a file the servers are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Section {
    /// An object of servers by name, as a member of the whole.
    Member(&'static str),
    /// The same, in the part of `projects` that belongs to the directory.
    OfProject,
}

/// A file of a host.
#[derive(Debug)]
pub(super) struct File {
    pub(super) scope: Scope,
    pub(super) at: At,
    pub(super) format: Format,
    pub(super) section: Section,
}

/// What an entry without a `type` but with a `url` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urls {
    /// A server to call.
    Yes,
    /// A server to call, if `type` says so.
    WithType,
    /// A mistake: the host only starts commands.
    No,
}

/// How an entry is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// Not in the file.
    Elsewhere,
    /// `"disabled": true`.
    Disabled,
    /// `"enabled": false`.
    Enabled,
    /// `mcp.excluded` and `mcp.allowed`, beside the servers.
    Lists,
    /// Lists in the part of `~/.claude.json` that belongs to the directory.
    ClaudeLists,
}

/// Which variables a host replaces in its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    None,
    /// `${NAME}` and `${NAME:-otherwise}`.
    Braces,
    /// The same, and `$NAME`; an unknown one is empty.
    Shell,
    /// `${env:NAME}`, `${userHome}`, `${workspaceFolder}`, `${input:id}`.
    Editor,
    /// `${env:NAME}` and `${file:PATH}`.
    Prefixed,
}

/// A program that people configure servers in.
#[derive(Debug)]
pub(crate) struct Host {
    /// What it is called on our command line.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(super) files: &'static [File],
    pub(super) urls: Urls,
    pub(super) switch: Switch,
    pub(super) variables: Variables,
    /// Whether entries say how the server is spoken to, in a `type`.
    pub(super) says_stdio: bool,
    /// A file or directory that is there where the host is; else the directory of its own file.
    pub(super) mark: Option<&'static str>,
    /// What a person does so that the host sees a change.
    pub(crate) next: &'static str,
}

const SERVERS: Section = Section::Member("mcpServers");

/// All hosts. Where what stands here was read: the hosts' own documentation of November 2026.
pub(crate) const HOSTS: &[Host] = &[
    Host {
        id: "claude-desktop",
        name: "Claude Desktop",
        files: &[File {
            scope: Scope::User,
            at: At::Person(|places| {
                places
                    .settings()
                    .join("Claude")
                    .join("claude_desktop_config.json")
            }),
            format: Format::Json,
            section: SERVERS,
        }],
        urls: Urls::No,
        switch: Switch::Elsewhere,
        variables: Variables::None,
        says_stdio: false,
        mark: None,
        next: "quit Claude Desktop and start it again",
    },
    Host {
        id: "claude-code",
        name: "Claude Code",
        files: &[
            File {
                scope: Scope::Local,
                at: At::Person(claude_code),
                format: Format::Json,
                section: Section::OfProject,
            },
            File {
                scope: Scope::Project,
                at: At::Project(".mcp.json"),
                format: Format::Json,
                section: SERVERS,
            },
            File {
                scope: Scope::User,
                at: At::Person(claude_code),
                format: Format::Json,
                section: SERVERS,
            },
        ],
        urls: Urls::WithType,
        switch: Switch::ClaudeLists,
        variables: Variables::Braces,
        says_stdio: true,
        mark: Some(".claude"),
        next: "start a new session of Claude Code; `/mcp` shows its servers",
    },
    Host {
        id: "cursor",
        name: "Cursor",
        files: &[
            File {
                scope: Scope::Project,
                at: At::Project(".cursor/mcp.json"),
                format: Format::Commented,
                section: SERVERS,
            },
            File {
                scope: Scope::User,
                at: At::Person(|places| places.home.join(".cursor").join("mcp.json")),
                format: Format::Commented,
                section: SERVERS,
            },
        ],
        urls: Urls::Yes,
        switch: Switch::Disabled,
        variables: Variables::Editor,
        says_stdio: true,
        mark: None,
        next: "Cursor sees it by itself; switch it on in Settings, MCP if it is off",
    },
    Host {
        id: "vscode",
        name: "VS Code",
        files: &[
            File {
                scope: Scope::Project,
                at: At::Project(".vscode/mcp.json"),
                format: Format::Commented,
                section: Section::Member("servers"),
            },
            File {
                scope: Scope::User,
                at: At::Person(|places| {
                    places.settings().join("Code").join("User").join("mcp.json")
                }),
                format: Format::Commented,
                section: Section::Member("servers"),
            },
        ],
        urls: Urls::Yes,
        switch: Switch::Elsewhere,
        variables: Variables::Editor,
        says_stdio: true,
        mark: None,
        next: "run `MCP: List Servers` in VS Code, and start it there",
    },
    Host {
        id: "windsurf",
        name: "Windsurf",
        files: &[File {
            scope: Scope::User,
            at: At::Person(|places| {
                places
                    .home
                    .join(".codeium")
                    .join("windsurf")
                    .join("mcp_config.json")
            }),
            format: Format::Json,
            section: SERVERS,
        }],
        urls: Urls::Yes,
        switch: Switch::Disabled,
        variables: Variables::Prefixed,
        says_stdio: false,
        mark: None,
        next: "press refresh in Cascade's MCP settings",
    },
    Host {
        id: "zed",
        name: "Zed",
        files: &[
            File {
                scope: Scope::Project,
                at: At::Project(".zed/settings.json"),
                format: Format::Commented,
                section: Section::Member("context_servers"),
            },
            File {
                scope: Scope::User,
                at: At::Person(|places| {
                    let name = if places.system == super::places::System::Windows {
                        "Zed"
                    } else {
                        "zed"
                    };
                    places
                        .settings_as_on_linux()
                        .join(name)
                        .join("settings.json")
                }),
                format: Format::Commented,
                section: Section::Member("context_servers"),
            },
        ],
        urls: Urls::Yes,
        switch: Switch::Enabled,
        variables: Variables::None,
        says_stdio: false,
        mark: None,
        next: "Zed sees it by itself; its state is in the settings of the Agent Panel",
    },
    Host {
        id: "gemini-cli",
        name: "Gemini CLI",
        files: &[
            File {
                scope: Scope::Project,
                at: At::Project(".gemini/settings.json"),
                format: Format::Commented,
                section: SERVERS,
            },
            File {
                scope: Scope::User,
                at: At::Person(|places| places.home.join(".gemini").join("settings.json")),
                format: Format::Commented,
                section: SERVERS,
            },
        ],
        urls: Urls::Yes,
        switch: Switch::Lists,
        variables: Variables::Shell,
        says_stdio: false,
        mark: None,
        next: "start Gemini CLI again; `/mcp` shows its servers",
    },
    Host {
        id: "codex",
        name: "Codex",
        files: &[
            File {
                scope: Scope::Project,
                at: At::Project(".codex/config.toml"),
                format: Format::Toml,
                section: Section::Member("mcp_servers"),
            },
            File {
                scope: Scope::User,
                at: At::Person(|places| places.home_or("CODEX_HOME", ".codex").join("config.toml")),
                format: Format::Toml,
                section: Section::Member("mcp_servers"),
            },
        ],
        urls: Urls::Yes,
        switch: Switch::Enabled,
        variables: Variables::None,
        says_stdio: false,
        mark: None,
        next: "start Codex again; `/mcp` shows its servers",
    },
];

impl Host {
    /// Whether the host seems to be on this machine: it has a directory for its files.
    pub(crate) fn is_here(&self, places: &Places) -> bool {
        if self
            .mark
            .is_some_and(|mark| places.home.join(mark).exists())
        {
            return true;
        }
        self.files.iter().any(|file| match file.at {
            At::Project(_) => false,
            At::Person(path) => {
                let path = path(places);
                path.exists()
                    || path
                        .parent()
                        .is_some_and(|folder| folder != places.home && folder.is_dir())
            }
        })
    }
}

/// `~/.claude.json`; with `CLAUDE_CONFIG_DIR` it is in that directory.
fn claude_code(places: &Places) -> PathBuf {
    places.home_or("CLAUDE_CONFIG_DIR", "").join(".claude.json")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::hosts::places::System;

    fn person(id: &str, places: &Places) -> String {
        let host = HOSTS.iter().find(|host| host.id == id).expect("a host");
        let at = host.files.iter().find_map(|file| match file.at {
            At::Person(at) if file.scope == Scope::User => Some(at(places)),
            _ => None,
        });
        at.expect("a file").display().to_string()
    }

    #[test]
    fn files_are_where_each_system_has_them() {
        let of = |system, variables| {
            Places::of(
                system,
                Path::new("/home/ada"),
                Path::new("/work"),
                variables,
            )
        };
        let linux = of(System::Linux, &[]);
        let moved = of(
            System::Linux,
            &[
                ("XDG_CONFIG_HOME", "/xdg"),
                ("CODEX_HOME", "/cx"),
                ("CLAUDE_CONFIG_DIR", "/cl"),
            ],
        );
        let mac = of(System::Mac, &[("XDG_CONFIG_HOME", "/xdg")]);
        let windows = of(System::Windows, &[("APPDATA", "/roaming")]);
        for (id, places, expected) in [
            (
                "claude-desktop",
                &linux,
                "/home/ada/.config/Claude/claude_desktop_config.json",
            ),
            (
                "claude-desktop",
                &mac,
                "/home/ada/Library/Application Support/Claude/claude_desktop_config.json",
            ),
            (
                "claude-desktop",
                &windows,
                "/roaming/Claude/claude_desktop_config.json",
            ),
            ("claude-code", &windows, "/home/ada/.claude.json"),
            ("claude-code", &moved, "/cl/.claude.json"),
            ("cursor", &mac, "/home/ada/.cursor/mcp.json"),
            ("vscode", &linux, "/home/ada/.config/Code/User/mcp.json"),
            (
                "vscode",
                &mac,
                "/home/ada/Library/Application Support/Code/User/mcp.json",
            ),
            ("vscode", &windows, "/roaming/Code/User/mcp.json"),
            (
                "windsurf",
                &linux,
                "/home/ada/.codeium/windsurf/mcp_config.json",
            ),
            ("zed", &moved, "/xdg/zed/settings.json"),
            ("zed", &mac, "/home/ada/.config/zed/settings.json"),
            ("zed", &windows, "/roaming/Zed/settings.json"),
            ("gemini-cli", &linux, "/home/ada/.gemini/settings.json"),
            ("codex", &moved, "/cx/config.toml"),
            ("codex", &windows, "/home/ada/.codex/config.toml"),
        ] {
            assert_eq!(person(id, places), expected, "{id} on {:?}", places.system);
        }
    }
}
