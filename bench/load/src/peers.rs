//! Who is measured, and how each is started. A new peer is one more entry in [`all`].

use std::{fs, path::Path};

use crate::{message::Era, process::Launch};

/// One implementation. Every program takes `--http ADDR` or `--stdio`, and `--tools N`.
pub struct Peer {
    pub name: &'static str,
    pub version: String,
    pub launch: Launch,
    pub path: &'static str,
    pub http: Vec<Mode>,
    pub stdio: Vec<Mode>,
    /// Sessions that an idle run may hold; 0 leaves the run out.
    pub idle: usize,
    /// Said under the tables.
    pub note: &'static str,
}

/// A way to run the same program.
#[derive(Clone)]
pub struct Mode {
    pub era: Era,
    pub args: &'static [&'static str],
    /// Tells modes of the same era apart; empty for the only one.
    pub label: &'static str,
}

const fn mode(era: Era, args: &'static [&'static str], label: &'static str) -> Mode {
    Mode { era, args, label }
}

/// Where things are.
pub struct Places<'a> {
    pub bench: &'a Path,
    pub bin: &'a Path,
    pub wharf: Option<&'a Path>,
}

/// The peers, the floor first: the others are compared with it.
pub fn all(places: &Places<'_>) -> Vec<Peer> {
    let lock = fs::read_to_string(places.bench.join("Cargo.lock")).unwrap_or_default();
    let rust = |name: &'static str, version: String| Peer {
        name,
        version,
        launch: Launch {
            program: places.bin.join(format!("peer-{name}")),
            args: vec![],
            directory: None,
        },
        path: "/mcp",
        http: vec![
            mode(Era::Modern, &[], ""),
            mode(Era::Session, &["--sessions"], ""),
        ],
        stdio: vec![mode(Era::Modern, &[], ""), mode(Era::Session, &[], "")],
        idle: 100_000,
        note: "",
    };
    let script = |name: &'static str, version: String, program: &str, file: &str| {
        let directory = places.bench.join("peers").join(name);
        let program = if program.contains('/') {
            directory.join(program)
        } else {
            program.into()
        };
        Peer {
            launch: Launch {
                program,
                args: vec![file.to_owned()],
                directory: Some(directory),
            },
            ..rust(name, version)
        }
    };
    let plain = vec![mode(Era::Modern, &[], ""), mode(Era::Session, &[], "")];
    let mut wharf = Peer {
        http: plain.clone(),
        ..rust("wharf", "this tree".into())
    };
    if let Some(path) = places.wharf {
        wharf.launch.program = path.to_owned();
    }
    vec![
        Peer {
            http: plain,
            idle: 0,
            note: "bare hyper: no checks, no sessions, fixed answers; over stdio a blocking line loop",
            ..rust("hyper-floor", locked(&lock, "hyper"))
        },
        wharf,
        Peer {
            stdio: vec![
                mode(Era::Modern, &[], "stdio()"),
                mode(Era::Modern, &["--pipes"], "stdio_pipes()"),
                mode(Era::Session, &[], "stdio()"),
                mode(Era::Session, &["--pipes"], "stdio_pipes()"),
            ],
            note: "its tower service straight on hyper, without axum; tool router built once; stateless: `json_response`; sessions: its only mode, answers are SSE",
            ..rust("rmcp", locked(&lock, "rmcp"))
        },
        Peer {
            path: "/",
            note: "its own HTTP transport on axum; both eras on one endpoint",
            ..rust("tower-mcp", locked(&lock, "tower-mcp"))
        },
        Peer {
            note: "its own HTTP transport on axum; both eras on one endpoint; its session store holds 4,096 by default, here 1,048,576",
            ..rust("turbomcp", locked(&lock, "turbomcp"))
        },
        Peer {
            path: "/",
            note: "its own HTTP transport on axum; JSON answers in both modes; stateless: its `stateless()` configuration",
            ..rust("pmcp", locked(&lock, "pmcp"))
        },
        Peer {
            note: "Node, `node:http`, high-level `McpServer`; stateless: a server from the factory for each request, as the SDK prescribes; JSON answers",
            ..script(
                "typescript",
                pinned(
                    places.bench,
                    "peers/typescript/package.json",
                    "@modelcontextprotocol/server\": \"",
                ),
                "node",
                "server.js",
            )
        },
        Peer {
            note: "CPython, uvicorn with uvloop and httptools, high-level `MCPServer`; JSON answers; its limit of 10,000 sessions lifted",
            ..script(
                "python",
                pinned(places.bench, "peers/python/requirements.txt", "\nmcp=="),
                ".venv/bin/python",
                "server.py",
            )
        },
    ]
}

/// The version of a package in a lock file.
fn locked(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"\nversion = \"");
    lock.split_once(&name)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or_else(|| "?".to_owned(), |(version, _)| version.to_owned())
}

/// What follows `key` in a file that pins versions.
fn pinned(bench: &Path, file: &str, key: &str) -> String {
    let text = fs::read_to_string(bench.join(file)).unwrap_or_default();
    text.split_once(key)
        .map_or("?", |(_, rest)| {
            rest.split(['"', '\n']).next().unwrap_or("?")
        })
        .to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"hyper-util\"\nversion = \"0.1.2\"\n\n[[package]]\nname = \"hyper\"\nversion = \"1.2.3\"\n";
        assert_eq!(super::locked(lock, "hyper"), "1.2.3");
        assert_eq!(super::locked(lock, "axum"), "?");
    }
}
