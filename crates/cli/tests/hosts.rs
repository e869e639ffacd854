//! `wharf hosts`, and servers of hosts as targets.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Folder, Http, run, wharf};

/// A person with hosts, in a project.
struct Machine(Folder);

impl Machine {
    fn new(name: &str, url: &str) -> Self {
        let folder = Folder::new(name);
        let wharf = env!("CARGO_BIN_EXE_wharf");
        let claude = json!({"mcpServers": {
            "local": {"type": "stdio", "command": wharf, "args": ["serve", "--stdio"]},
            "both": {"type": "http", "url": url},
            "shy": {"type": "http", "url": url, "headers": {"Authorization": "Bearer ${WHARF_TEST_TOKEN}"}},
        }});
        folder.file("home/.claude.json", &claude.to_string());
        let cursor = json!({"mcpServers": {
            "remote": {"url": url},
            "both": {"command": wharf, "args": ["serve", "--stdio"], "env": {"TOKEN": "s3cret"}},
            "broken": {"args": []},
        }});
        folder.file("home/.cursor/mcp.json", &cursor.to_string());
        let code = format!(
            "{{\n  // for everybody\n  \"servers\": {{\"team\": {{\"type\": \"http\", \"url\": \"{url}\", \"headers\": {{\"X-Key\": \"${{input:key}}\"}}}}}},\n}}\n"
        );
        folder.file("project/.vscode/mcp.json", &code);
        folder.file("project/sub/file", "");
        folder.file("project/.git/HEAD", "");
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = wharf(arguments);
        command
            .env("HOME", self.path("home"))
            .current_dir(self.path("project/sub"));
        command
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.0.0.join(path)
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_configured_where() {
    let machine = Machine::new("hosts-list", "http://127.0.0.1:9/mcp");
    let (code, stdout, stderr) = run(machine.command(&["hosts"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let wharf = env!("CARGO_BIN_EXE_wharf");
    let expected = format!(
        "claude-code\tuser\tlocal\tstdio\tenabled\t{wharf} serve --stdio\n\
         claude-code\tuser\tboth\thttp\tenabled\thttp://127.0.0.1:9/mcp\n\
         claude-code\tuser\tshy\thttp\tenabled\thttp://127.0.0.1:9/mcp\n\
         cursor\tuser\tremote\thttp\tenabled\thttp://127.0.0.1:9/mcp\n\
         cursor\tuser\tboth\tstdio\tenabled\t{wharf} serve --stdio\n\
         cursor\tuser\tbroken\t\tbroken\t\n\
         vscode\tproject\tteam\thttp\tenabled\thttp://127.0.0.1:9/mcp\n"
    );
    assert_eq!(stdout, expected);

    let (_, stdout, _) = run(machine.command(&["hosts", "--json"]));
    let whole: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(whole["hosts"].as_array().map(Vec::len), Some(8));
    let file = |host: &str, scope: &str| {
        let hosts = whole["hosts"].as_array().into_iter().flatten();
        let mut files = hosts
            .filter(|it| it["id"] == host)
            .flat_map(|it| it["files"].as_array())
            .flatten();
        files
            .find(|file| file["scope"] == scope)
            .cloned()
            .expect("a file")
    };
    assert_eq!(file("zed", "user")["state"], "absent");
    assert_eq!(
        file("cursor", "user")["servers"][2]["reason"],
        "it has neither a `command` nor a `url`"
    );
    let team = file("vscode", "project");
    assert_eq!(team["servers"][0]["inputs"], json!(["key"]));
    assert_eq!(
        Path::new(team["path"].as_str().expect("a path")),
        machine.path("project/.vscode/mcp.json")
    );
    assert!(!stdout.contains("s3cret"), "{stdout}");

    machine
        .0
        .file("home/.codex/config.toml", "[mcp_servers.x\n");
    let (_, stdout, _) = run(machine.command(&["hosts", "codex", "--json"]));
    assert!(
        stdout.contains("\"unreadable\"") && stdout.contains("not TOML"),
        "{stdout}"
    );
    let (code, _, stderr) = run(machine.command(&["hosts", "emacs"]));
    assert_eq!(code, 1);
    assert!(stderr.contains("the hosts are claude-desktop"), "{stderr}");
}

#[test]
fn servers_of_hosts_as_targets() {
    let server = Http::start(&["serve"]);
    let machine = Machine::new("hosts-target", &server.url);
    for (target, more) in [
        ("local", &[][..]),
        ("claude-code/local", &[]),
        ("remote", &[]),
        ("claude-code/both", &[]),
        ("cursor/both", &[]),
        ("team", &["--answer", "key=abc"]),
    ] {
        let arguments = [&["call", target, "add", "a=1", "b=2", "--json"], more].concat();
        let (code, stdout, stderr) = run(machine.command(&arguments));
        assert_eq!(code, 0, "{target}: {stderr}");
        assert!(
            stdout.contains("\"structuredContent\":{\"result\":3}"),
            "{target}: {stdout}"
        );
        // What came with a project may be somebody else's: it is said where it stands.
        let said = stderr.contains("VS Code, ");
        assert_eq!(said, target == "team", "{stderr}");
    }
    let mut command = machine.command(&["ping", "shy"]);
    command.env("WHARF_TEST_TOKEN", "s3cret");
    assert_eq!(run(command).0, 0);
}

#[test]
fn targets_that_are_none() {
    let machine = Machine::new("hosts-none", "http://127.0.0.1:9/mcp");
    for (target, expected) in [
        (
            "both",
            "several hosts have a server \"both\", and not the same one; say which: claude-code/both, cursor/both",
        ),
        (
            "broken",
            "cannot be used: it has neither a `command` nor a `url`",
        ),
        (
            "shy",
            "needs the environment variable WHARF_TEST_TOKEN, which is not set",
        ),
        (
            "team",
            "it needs the input `key`, which the host keeps; give it with `--answer key=…`",
        ),
        ("remot", "did you mean remote?"),
        ("localhost:8000/mcp", "write http://localhost:8000/mcp"),
    ] {
        let (code, _, stderr) = run(machine.command(&["ping", target]));
        assert_eq!(code, 1, "{target}: {stderr}");
        assert!(stderr.contains(expected), "{target}: {stderr}");
    }
}
