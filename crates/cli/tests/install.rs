//! `wharf install` and `wharf uninstall`, with files as people have them.
//!
//! The files are for Linux; where the files of other systems are is tested beside the table of hosts.
#![cfg(target_os = "linux")]

mod support;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use support::terminal::Terminal;
use support::{Folder, Http, run, wharf};

/// A host, its file, its section.
struct Host {
    id: &'static str,
    file: &'static str,
    section: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Json,
    Commented,
    Toml,
}

const HOSTS: &[Host] = &[
    Host {
        id: "claude-desktop",
        file: ".config/Claude/claude_desktop_config.json",
        section: "mcpServers",
        kind: Kind::Json,
    },
    Host {
        id: "claude-code",
        file: ".claude.json",
        section: "mcpServers",
        kind: Kind::Json,
    },
    Host {
        id: "cursor",
        file: ".cursor/mcp.json",
        section: "mcpServers",
        kind: Kind::Commented,
    },
    Host {
        id: "vscode",
        file: ".config/Code/User/mcp.json",
        section: "servers",
        kind: Kind::Commented,
    },
    Host {
        id: "windsurf",
        file: ".codeium/windsurf/mcp_config.json",
        section: "mcpServers",
        kind: Kind::Json,
    },
    Host {
        id: "zed",
        file: ".config/zed/settings.json",
        section: "context_servers",
        kind: Kind::Commented,
    },
    Host {
        id: "gemini-cli",
        file: ".gemini/settings.json",
        section: "mcpServers",
        kind: Kind::Commented,
    },
    Host {
        id: "codex",
        file: ".codex/config.toml",
        section: "mcp_servers",
        kind: Kind::Toml,
    },
];

/// Plain JSON; `SECTION` is the host's. `None` is a file that is not there.
const JSON: &[Option<&str>] = &[
    None,
    Some(""),
    Some(" \n"),
    Some("{}"),
    Some("{\n}\n"),
    Some("{\"SECTION\":{}}"),
    Some("{\n  \"SECTION\": {\n  }\n}\n"),
    // As Claude Desktop writes it, with other settings.
    Some(
        "{\n  \"globalShortcut\": \"Ctrl+Space\",\n  \"SECTION\": {\n    \"filesystem\": {\n      \"command\": \"npx\",\n      \"args\": [\n        \"-y\",\n        \"@modelcontextprotocol/server-filesystem\",\n        \"/Users/ada/Desktop\"\n      ]\n    },\n    \"postgres\": {\n      \"command\": \"docker\",\n      \"args\": [\"run\", \"-i\", \"--rm\", \"mcp/postgres\", \"postgresql://ada:hunter2@host/db\"],\n      \"env\": { \"PGPASSWORD\": \"hunter2\" }\n    }\n  },\n  \"preferences\": {\"quickEntry\": true}\n}\n",
    ),
    // As Claude Code keeps its state: much else, projects with servers of their own.
    Some(
        "{\n  \"numStartups\": 412,\n  \"tipsHistory\": { \"new-user-warmup\": 9 },\n  \"projects\": {\n    \"/home/ada/src/x\": {\n      \"allowedTools\": [],\n      \"history\": [{ \"display\": \"\\u001b[2J { \\\"SECTION\\\": {} }\" }],\n      \"SECTION\": { \"local\": { \"type\": \"stdio\", \"command\": \"a\" } }\n    }\n  },\n  \"oauthAccount\": { \"accountUuid\": \"0\" }\n}",
    ),
    // Tabs, Windows line ends, a byte order mark, no final line end.
    Some(
        "\u{feff}{\r\n\t\"SECTION\": {\r\n\t\t\"everything\": {\r\n\t\t\t\"command\": \"C:\\\\Tools\\\\node.exe\",\r\n\t\t\t\"args\": []\r\n\t\t}\r\n\t}\r\n}",
    ),
    // Three blanks, and all on one line.
    Some(
        "{\n   \"a\": [1,2 , 3],\n   \"SECTION\": {\n      \"x\": {\"command\": \"x\"}\n   }\n}\n\n",
    ),
    Some(
        "{\"a\":1,\"SECTION\":{\"x\":{\"command\":\"x\"},\"y\":{\"command\":\"y\"}},\"b\":null}\n",
    ),
];

const COMMENTED: &[Option<&str>] = &[
    // As Zed's settings begin.
    Some(
        "// Zed settings\n//\n// For information on how to configure Zed, see the documentation\n{\n  \"telemetry\": { \"metrics\": false, },\n  \"ui_font_size\": 16, // points\n  \"SECTION\": {\n    // the team's\n    \"linear\": {\n      \"command\": \"npx\", \"args\": [\"mcp-remote\"],\n    }, // keep\n    /* \"off\": { \"command\": \"b\" }, */\n  },\n  \"theme\": {\n    \"mode\": \"system\",\n  },\n}\n",
    ),
    // As VS Code's, with inputs and tabs.
    Some(
        "{\n\t\"inputs\": [\n\t\t{ \"type\": \"promptString\", \"id\": \"key\", \"password\": true }\n\t],\n\t\"SECTION\": {\n\t\t\"github\": {\n\t\t\t\"type\": \"http\",\n\t\t\t\"url\": \"https://api.githubcopilot.com/mcp/\",\n\t\t\t\"headers\": { \"X\": \"${input:key}\" }\n\t\t} // } , {\n\t}\n}\n",
    ),
    Some("{\n    // nothing but this\n}\n"),
    Some(
        "{\r\n    \"selectedAuthType\": \"oauth-personal\", /* , */\r\n    \"SECTION\": { }, // none yet\r\n}\r\n",
    ),
    Some("// nothing at all"),
];

const TOML: &[Option<&str>] = &[
    None,
    Some(""),
    Some("\n"),
    Some(
        "model = \"gpt-6\"\nmodel_reasoning_effort = 'high' # think\n\n[projects.\"/home/ada/src/x\"]\ntrust_level = \"trusted\"\n\n[SECTION.docs]\ncommand = \"docs\"\nargs = [\n  \"--token\", # theirs\n  \"hunter2\",\n]\n\n  [SECTION.docs.env]\n  KEY = \"hunter2\"\n",
    ),
    Some("# mine\r\nmodel = \"x\"\r\n[tui]\r\nnotifications = [ \"a\" , \"b\" ]"),
    Some("\u{feff}[SECTION]\n[SECTION.a]\ncommand = \"a\"\n\n\n"),
    Some("SECTION.a.command = 'a'\n"),
];

/// A person's home directory and a project.
struct Machine(Folder);

impl Machine {
    fn new(name: &str) -> Self {
        let folder = Folder::new(&format!("install-{name}"));
        folder.file("project/.git/HEAD", "");
        folder.file("home/.keep", "");
        Self(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = wharf(arguments);
        command
            .env("HOME", self.0.0.join("home"))
            .current_dir(self.0.0.join("project"));
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        run(self.command(arguments))
    }

    /// Runs it to a good end.
    fn ok(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        stdout + &stderr
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.0.join("home").join(path)
    }

    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.path(path)).ok()
    }

    /// Everything that is there, but for our own ledger and backups.
    fn everything(&self) -> Vec<(PathBuf, String)> {
        fn walk(folder: &std::path::Path, found: &mut Vec<(PathBuf, String)>) {
            for entry in std::fs::read_dir(folder).expect("a directory") {
                let path = entry.expect("an entry").path();
                let name = path
                    .file_name()
                    .and_then(|name| name.to_str())
                    .expect("a name");
                if name.ends_with(".wharf-backup") || name == ".local" || name == ".cache" {
                    continue;
                }
                if path.is_dir() {
                    found.push((path.clone(), String::new()));
                    walk(&path, found);
                } else {
                    let text = std::fs::read_to_string(&path).expect("text");
                    found.push((path, text));
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.0.0, &mut found);
        found.sort();
        found
    }
}

/// Whether `new` is `old` with one piece put in, and perhaps a comma before it; blanks aside.
fn is_only_added(old: &str, new: &str) -> bool {
    let bare = |text: &str| {
        text.chars()
            .filter(|c| !c.is_whitespace())
            .collect::<Vec<_>>()
    };
    let (old, new) = (bare(old), bare(new));
    let same = |a: &[char], b: &[char]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let fits = |old: &[char], new: &[char]| {
        let front = same(old, new);
        let (mut a, mut b) = (old.to_vec(), new.to_vec());
        a.reverse();
        b.reverse();
        front + same(&a, &b) >= old.len()
    };
    let front = same(&old, &new);
    fits(&old, &new) || (new.get(front) == Some(&',') && fits(&old[front..], &new[front + 1..]))
}

/// Every host with every file: shown, put in, used, taken out.
fn there_and_back(host: &Host, number: usize, before: Option<&str>) {
    let before = before.map(|text| text.replace("SECTION", host.section));
    let at = format!("{} {number}", host.id);
    let machine = Machine::new(&format!("{}-{number}", host.id));
    if let Some(text) = &before {
        machine.0.file(&format!("home/{}", host.file), text);
    }
    let whole = machine.everything();
    let words = [
        "install",
        "--host",
        host.id,
        "--name",
        "my-server",
        "-v",
        "SECRET=s3cret \"x\" \\ $",
    ];

    let shown = machine.ok(&[&words[..], &["--dry-run"]].concat());
    assert!(
        shown.contains("+++ ~/") && shown.contains("my-server"),
        "{at}: {shown}"
    );
    for secret in ["s3cret", "hunter2"] {
        assert!(!shown.contains(secret), "{at}: {shown}");
    }
    assert_eq!(
        machine.everything(),
        whole,
        "{at}: --dry-run changes nothing"
    );

    let said = machine.ok(&words);
    assert!(!said.contains("s3cret"), "{at}: {said}");
    let after = machine.text(host.file).expect("a file");
    assert!(
        is_only_added(before.as_deref().unwrap_or_default(), &after),
        "{at}: {after}"
    );
    assert_eq!(
        machine
            .path(&format!("{}.wharf-backup", host.file))
            .exists(),
        before.is_some()
    );
    if before.is_some() {
        assert_eq!(
            machine.text(&format!("{}.wharf-backup", host.file)),
            before,
            "{at}"
        );
    }
    let ends = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
    let windows = ends(before.as_deref().unwrap_or_default());
    if windows.0 > 0 {
        let (windows, all) = ends(&after);
        assert_eq!(windows, all, "{at}: {after:?}");
    }

    // What was installed starts and answers, under its name and as the host's.
    let target = format!("{}/my-server", host.id);
    let tools = machine.ok(&["tools", &target]);
    assert!(tools.contains("calculate"), "{at}: {tools}");
    let listed: Value =
        serde_json::from_str(&machine.ok(&["hosts", host.id, "--json"])).expect("JSON");
    let servers = listed["hosts"][0]["files"].as_array().into_iter().flatten();
    let ours = servers
        .filter_map(|file| file["servers"].as_array())
        .flatten()
        .find(|server| server["name"] == "my-server");
    assert_eq!(ours.expect("listed")["state"], "enabled", "{at}");

    assert!(
        machine.ok(&words).contains("already"),
        "{at}: once is enough"
    );
    assert_eq!(machine.text(host.file).as_ref(), Some(&after), "{at}");

    machine.ok(&["uninstall", "my-server"]);
    assert_eq!(machine.everything(), whole, "{at}: the old bytes come back");
}

fn all(kind: Kind, files: &[Option<&'static str>]) {
    let hosts = HOSTS.iter().filter(|host| match kind {
        Kind::Commented => host.kind == Kind::Commented,
        Kind::Json => host.kind != Kind::Toml,
        Kind::Toml => host.kind == Kind::Toml,
    });
    std::thread::scope(|scope| {
        for host in hosts {
            scope.spawn(move || {
                for (number, file) in files.iter().enumerate() {
                    let number = number + if kind == Kind::Commented { 100 } else { 0 };
                    there_and_back(host, number, *file);
                }
            });
        }
    });
}

#[test]
fn seed_b10_install_into_plain_files_of_all_hosts() {
    all(Kind::Json, JSON);
}

#[test]
fn seed_b10_install_into_files_with_comments() {
    all(Kind::Commented, COMMENTED);
}

#[test]
fn seed_b10_install_into_toml() {
    all(Kind::Toml, TOML);
}

#[test]
fn addresses_in_the_form_of_each_host() {
    let server = Http::start(&["serve"]);
    let machine = Machine::new("addresses");
    for host in HOSTS {
        let words = ["install", &server.url, "--host", host.id];
        let (code, stdout, stderr) = machine.run(&words);
        if host.id == "claude-desktop" {
            assert_eq!(code, 1);
            assert!(
                stderr.contains("only starts commands") && stderr.contains("Connectors"),
                "{stderr}"
            );
            assert_eq!(machine.text(host.file), None);
            continue;
        }
        assert_eq!(code, 0, "{}: {stderr}", host.id);
        assert!(
            stdout.contains(&format!("wharf tools {}/local", host.id)),
            "{stdout}"
        );
        let member = match host.id {
            "windsurf" => "serverUrl",
            "gemini-cli" => "httpUrl",
            _ => "url",
        };
        let text = machine.text(host.file).expect("a file");
        assert!(
            text.contains(member) && text.contains(&server.url),
            "{text}"
        );
        let typed = text.contains("\"type\": \"http\"");
        assert_eq!(
            typed,
            ["claude-code", "cursor", "vscode"].contains(&host.id),
            "{text}"
        );
        assert!(
            machine
                .ok(&["tools", &format!("{}/local", host.id)])
                .contains("calculate")
        );
    }
    machine.ok(&["uninstall", "local"]);
    assert!(HOSTS.iter().all(|host| machine.text(host.file).is_none()));
}

#[test]
fn what_is_not_understood_is_not_touched() {
    for host in HOSTS {
        let files: &[(&str, &str)] = match host.kind {
            Kind::Toml => &[
                ("a = [", "not TOML"),
                ("SECTION = { a = {} }", "written in braces"),
                ("[SECTION.x]\n[SECTION.x]", "not TOML"),
            ],
            Kind::Json => &[
                ("{\"a\": \"hunter2\"", "not JSON"),
                ("{} // c", "not JSON"),
                ("[]", "not an object"),
                ("{\"SECTION\": []}", "not an object"),
                ("{\"SECTION\": {}, \"SECTION\": {}}", "twice"),
            ],
            Kind::Commented => &[
                ("{\"a\": \"hunter2\"", "not JSON"),
                ("[1]", "not an object"),
                ("{\"SECTION\": \"x\"}", "not an object"),
                ("{\"SECTION\": {\"wharf\": {}, \"wharf\": {}}}", "twice"),
            ],
        };
        for (number, (text, reason)) in files.iter().enumerate() {
            let text = text.replace("SECTION", host.section);
            let machine = Machine::new(&format!("broken-{}-{number}", host.id));
            machine.0.file(&format!("home/{}", host.file), &text);
            for more in [&[][..], &["--force"]] {
                let words = [&["install", "--host", host.id][..], more].concat();
                let (code, stdout, stderr) = machine.run(&words);
                assert_eq!((code, stdout.as_str()), (1, ""), "{text}: {stderr}");
                assert!(
                    stderr.contains(reason) && !stderr.contains("hunter2"),
                    "{text}: {stderr}"
                );
                assert_eq!(machine.text(host.file), Some(text.clone()));
            }
        }
    }
}

#[test]
fn a_name_that_is_taken() {
    let machine = Machine::new("taken");
    let before = "{\n  \"mcpServers\": {\n    \"wharf\": { \"command\": \"other\", \"env\": {\"KEY\": \"hunter2\"} }, // mine\n    \"z\": { \"command\": \"z\" }\n  }\n}\n";
    machine.0.file("home/.cursor/mcp.json", before);
    // All hosts are looked at before one is changed.
    let (code, _, stderr) = machine.run(&["install", "--host", "zed,cursor"]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("has a server \"wharf\" already") && stderr.contains("--force"),
        "{stderr}"
    );
    assert_eq!(machine.text(".config/zed/settings.json"), None);
    let shown = machine.ok(&["install", "--host", "cursor", "--force", "--dry-run"]);
    assert!(
        shown.contains(
            "-    \"wharf\": { \"command\": \"other\", \"env\": {\"KEY\": \"…\"} }, // mine"
        ),
        "{shown}"
    );
    machine.ok(&["install", "--host", "cursor", "--force"]);
    let after = machine.text(".cursor/mcp.json").expect("a file");
    assert!(
        after.contains("}, // mine\n    \"z\": { \"command\": \"z\" }\n"),
        "{after}"
    );
    assert_eq!(
        machine.text(".cursor/mcp.json.wharf-backup").as_deref(),
        Some(before)
    );

    // What we did not put there goes by force only.
    let (code, _, stderr) = machine.run(&["uninstall", "z"]);
    assert!(code == 1 && stderr.contains("--force"), "{stderr}");
    // A file of another host that is not understood does not hide that.
    machine.0.file("home/.gemini/settings.json", "{");
    let (code, _, stderr) = machine.run(&["uninstall", "z"]);
    assert!(
        code == 1 && stderr.contains("cursor/mcp.json: `wharf install` did not put"),
        "{stderr}"
    );
    machine.ok(&["uninstall", "z", "--force"]);
    let after = machine.text(".cursor/mcp.json").expect("a file");
    assert!(
        !after.contains("\"z\"") && after.contains("\"wharf\""),
        "{after}"
    );
    let (code, _, stderr) = machine.run(&["uninstall", "warf"]);
    assert!(
        code == 1 && stderr.contains("did you mean wharf?"),
        "{stderr}"
    );
}

#[test]
fn several_servers_in_any_order() {
    for order in [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]] {
        let machine = Machine::new(&format!("several-{}", order.concat()));
        machine.0.file("home/.cursor/mcp.json", "{ }\n");
        machine.0.file("home/.codex/config.toml", "model = 'x'");
        let whole = machine.everything();
        for name in ["a", "b", "c"] {
            machine.ok(&["install", "--name", name, "--host", "cursor,codex,zed"]);
        }
        for name in order {
            machine.ok(&["uninstall", name]);
        }
        assert_eq!(machine.everything(), whole, "{order:?}");
    }
}

#[test]
fn what_others_write_meanwhile_stays() {
    let machine = Machine::new("meanwhile");
    machine.ok(&["install", "--host", "claude-code"]);
    let text = machine.text(".claude.json").expect("a file");
    let edited = text.replacen('{', "{\n  \"numStartups\": 1,", 1);
    machine.0.file("home/.claude.json", &edited);
    machine.ok(&["uninstall", "wharf"]);
    assert_eq!(
        machine.text(".claude.json").as_deref(),
        Some("{\n  \"numStartups\": 1\n}\n")
    );
}

#[test]
fn secrets_are_warned_of_and_not_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::new("secrets");
    let env = machine.0.file(
        "project/.env",
        "# mine\nexport TOKEN='s3cret1'\nLEVEL=debug\n",
    );
    let file = machine.0.file("home/.cursor/mcp.json", "{}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let words = [
        "install",
        "--host",
        "cursor",
        "-f",
        env.to_str().expect("Unicode"),
        "-v",
        "LEVEL=s3cret2",
        "-v",
        "FROM_HERE",
    ];
    let mut command = machine.command(&words);
    command.env("FROM_HERE", "s3cret3");
    let (code, stdout, stderr) = run(command);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        !format!("{stdout}{stderr}").contains("s3cret"),
        "{stdout}{stderr}"
    );
    assert!(
        stderr.contains("can read ~/.cursor/mcp.json (mode 644)"),
        "{stderr}"
    );
    let whole: Value =
        serde_json::from_str(&machine.text(".cursor/mcp.json").expect("a file")).expect("JSON");
    let env = &whole["mcpServers"]["wharf"]["env"];
    assert_eq!(
        *env,
        serde_json::json!({"TOKEN": "s3cret1", "LEVEL": "s3cret2", "FROM_HERE": "s3cret3"})
    );
    let mode = |path: &str| {
        machine
            .path(path)
            .metadata()
            .expect("there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(".cursor/mcp.json"), 0o644, "it stays as it was");
    let ledger = machine
        .text(".local/share/wharf/installed.json")
        .expect("ours");
    assert!(!ledger.contains("s3cret"), "{ledger}");

    // A new file is for its owner only, unless it is a project's.
    machine.ok(&["install", "--host", "gemini-cli", "-v", "A=s3cret"]);
    assert_eq!(mode(".gemini/settings.json"), 0o600);
    let said = machine.ok(&[
        "install", "--host", "vscode", "--scope", "project", "-v", "A=s3cret", "--json",
    ]);
    let whole: Value = serde_json::from_str(&said).expect("JSON");
    let warnings = whole["hosts"][0]["warnings"].to_string();
    assert!(
        warnings.contains("under version control") && warnings.contains("do not commit"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
    let said = machine.ok(&[
        "install",
        "--host",
        "gemini-cli",
        "-v",
        "A=a$HOME",
        "--name",
        "other",
    ]);
    assert!(said.contains("puts a variable in the place"), "{said}");

    for (more, reason) in [
        (["-v", "s3cret value"], "letters, digits and `_`"),
        (["-v", "NOT_SET_HERE"], "not set here"),
        (["-f", "no/such/file"], "cannot be read"),
    ] {
        let (code, _, stderr) = machine.run(&[&["install", "--host", "zed"][..], &more].concat());
        assert_eq!(code, 1);
        assert!(stderr.contains(reason), "{stderr}");
    }
}

#[test]
fn links_are_followed_and_projects_have_their_own() {
    let machine = Machine::new("links");
    let dotfiles = machine.0.file("dotfiles/zed.json", "{\n  // mine\n}\n");
    std::fs::create_dir_all(machine.path(".config/zed")).expect("a directory");
    std::os::unix::fs::symlink(&dotfiles, machine.path(".config/zed/settings.json"))
        .expect("a link");
    machine.ok(&["install", "--host", "zed"]);
    assert!(machine.path(".config/zed/settings.json").is_symlink());
    let text = std::fs::read_to_string(&dotfiles).expect("text");
    assert!(text.contains("context_servers"), "{text}");
    machine.ok(&["uninstall", "wharf"]);
    assert_eq!(
        std::fs::read_to_string(&dotfiles).expect("text"),
        "{\n  // mine\n}\n"
    );

    for (id, file) in [
        ("claude-code", ".mcp.json"),
        ("cursor", ".cursor/mcp.json"),
        ("vscode", ".vscode/mcp.json"),
        ("zed", ".zed/settings.json"),
        ("gemini-cli", ".gemini/settings.json"),
        ("codex", ".codex/config.toml"),
    ] {
        machine.ok(&["install", "--host", id, "--scope", "project"]);
        assert!(machine.0.0.join("project").join(file).is_file(), "{file}");
    }
    let (code, _, stderr) = machine.run(&["install", "--host", "windsurf", "--scope", "project"]);
    assert!(
        code == 1 && stderr.contains("Windsurf has no file of its own for a project"),
        "{stderr}"
    );
    let tools = machine.ok(&["tools", "vscode/wharf"]);
    assert!(tools.contains("calculate"));
    machine.ok(&["uninstall", "wharf", "--scope", "project"]);
    assert!(!machine.0.0.join("project/.vscode").exists());
}

#[test]
fn which_hosts_are_here() {
    let machine = Machine::new("here");
    let (code, _, stderr) = machine.run(&["install"]);
    assert!(
        code == 1 && stderr.contains("no host was found"),
        "{stderr}"
    );
    machine.0.file("home/.cursor/argv.json", "{}");
    machine.0.file("home/.claude/settings.json", "{}");
    let (code, _, stderr) = machine.run(&["install"]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("these are on this machine: claude-code, cursor")
            && stderr.contains("--host claude-code"),
        "{stderr}"
    );
    let mut terminal = Terminal::start(machine.command(&["install"]), 100);
    terminal.wait_for("nothing to leave it");
    terminal.type_in("2\n");
    let (code, screen) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("Cursor has wharf now"), "{screen}");
    assert!(machine.text(".cursor/mcp.json").is_some() && machine.text(".claude.json").is_none());
    let (code, _, stderr) = machine.run(&["install", "--host", "emacs"]);
    assert!(
        code == 1 && stderr.contains("the hosts are claude-desktop"),
        "{stderr}"
    );
}

/// What Gemini CLI would not use is said.
#[test]
fn switched_off_elsewhere() {
    let machine = Machine::new("off");
    machine.0.file(
        "home/.gemini/settings.json",
        "{\"mcp\": {\"excluded\": [\"wharf\"]}}",
    );
    let said = machine.ok(&["install", "--host", "gemini-cli"]);
    assert!(
        said.contains("does not use it: `mcp.excluded` names it"),
        "{said}"
    );
}
