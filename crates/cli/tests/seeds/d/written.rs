//! Logs for debugging, audit and monitoring, without what is nobody's business.

use serde_json::{Value, json};

use super::security::metrics_port;
use super::wire::{send, within};
use crate::support::{Folder, Http, call, initialize, request, wharf};

const TOKEN: &str = "f2c5b1d09a7e4c3388d1e6075b94aa10";
const WRONG: &str = "0badc0de0badc0de0badc0de12345678";
const ARGUMENT: &str = "planted-argument-5b1d";

/// Calls a server in all kinds of ways, with secrets in all kinds of places.
fn use_it(server: &Http) -> String {
    let bearer = format!("Bearer {TOKEN}");
    let ada = ("authorization", bearer.as_str());
    let opened = server.ask(&[ada], &initialize());
    let session = opened.header("mcp-session-id").expect("a session");
    let [id, version] = within(&session);
    for message in [
        call(1, "echo", json!({"message": ARGUMENT})),
        call(2, "add", json!({"a": ARGUMENT, "b": 1})),
        call(3, "none", json!({"x": ARGUMENT})),
        call(4, "calculate", json!({"expression": ARGUMENT})),
        request(
            5,
            "prompts/get",
            json!({"name": "review", "arguments": {"code": ARGUMENT}}),
        ),
        request(
            6,
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "explain"},
            "argument": {"name": "topic", "value": ARGUMENT}}),
        ),
        request(7, "tasks/get", json!({"taskId": ARGUMENT})),
        json!({"jsonrpc": "2.0", "id": "s1", "result": {"secret": ARGUMENT}}),
    ] {
        server.ask(&[ada, id, version], &message);
    }
    let wrong = format!("Bearer {WRONG}");
    assert_eq!(
        server
            .ask(&[("authorization", &wrong)], &initialize())
            .status,
        401
    );
    let json = ("content-type", "application/json");
    send(
        server.port(),
        "POST /mcp",
        &[ada, json, id],
        &format!("{{\"{ARGUMENT}"),
    );
    session
}

fn nothing_of(secrets: &[&str], text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in:\n{text}");
    }
}

/// Runs a server with everything written down, and gives what is: standard error, the audit log,
/// the numbers.
fn written(format: &str) -> (String, String, String) {
    let folder = Folder::new(&format!("seed-d06-{format}"));
    let audit = folder.0.join("audit.jsonl");
    let file = folder.file(
        "wharf.toml",
        &format!(
            "starter = {{}}\n[auth]\ntokens = [{{ name = \"ada\", token = \"${{ADA_TOKEN}}\" }}]\n\
             [audit]\npath = \"audit.jsonl\"\nlog = true\n[metrics]\naddr = \"127.0.0.1:0\"\n"
        ),
    );
    let path = file.display().to_string();
    let mut command = wharf(&["serve", "-c", &path, "--log-format", format]);
    command.env("ADA_TOKEN", TOKEN).env("RUST_LOG", "trace");
    let server = Http::start_with(command);
    let port = metrics_port(&server);
    let session = use_it(&server);
    let numbers = send(port, "GET /metrics", &[], "");
    assert_eq!(numbers.status, 200);
    server.process.signal("TERM");
    let (code, stdout, stderr) = server.process.end();
    assert_eq!(code, Some(0));
    assert!(stdout.is_empty(), "{stdout:?}");
    let audit = std::fs::read_to_string(audit).expect("an audit log");
    let stderr = stderr.join("\n");
    let secrets = [TOKEN, WRONG, ARGUMENT, session.as_str()];
    for text in [&stderr, &audit, &numbers.body] {
        nothing_of(&secrets, text);
    }
    (stderr, audit, numbers.body)
}

#[test]
fn seed_d06_logs_audit_and_numbers_without_secrets() {
    let (log, audit, numbers) = written("text");
    // They say what happened, though.
    assert!(
        log.contains("tools/call") && log.contains("wharf::audit"),
        "{log}"
    );
    let lines: Vec<Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let has = |line: &Value, want: &[(&str, &str)]| {
        want.iter().all(|(name, value)| line[name] == **value)
    };
    for want in [
        &[
            ("method", "initialize"),
            ("outcome", "ok"),
            ("transport", "http"),
        ][..],
        &[
            ("method", "tools/call"),
            ("target", "echo"),
            ("outcome", "ok"),
        ],
        &[
            ("method", "tools/call"),
            ("target", "add"),
            ("outcome", "tool_error"),
        ],
        &[
            ("method", "tools/call"),
            ("target", "none"),
            ("outcome", "error"),
        ],
        &[
            ("method", "prompts/get"),
            ("target", "review"),
            ("outcome", "ok"),
        ],
        &[
            ("event", "refused"),
            ("reason", "unauthorized"),
            ("peer", "127.0.0.1"),
        ],
    ] {
        assert!(
            lines.iter().any(|line| has(line, want)),
            "{want:?}\n{audit}"
        );
    }
    let requests = lines.iter().filter(|line| line["event"] == "request");
    assert!(
        requests
            .clone()
            .all(|line| line["principal"]["subject"] == "ada"),
        "{audit}"
    );
    assert_eq!(requests.count(), 8, "{audit}");
    for line in [
        r#"wharf_requests_total{method="tools/call",outcome="ok"} 1"#,
        r#"wharf_tool_calls_total{tool="echo",outcome="ok"} 1"#,
        r#"wharf_tool_calls_total{tool="other",outcome="error"} 1"#,
        r#"wharf_refused_total{reason="unauthorized"} 1"#,
        "wharf_sessions 1",
        "wharf_audit_lost_total 0",
    ] {
        assert!(
            numbers.lines().any(|known| known == line),
            "{line}\n{numbers}"
        );
    }
}

#[test]
fn seed_d06_logs_for_machines_are_as_silent() {
    let (log, audit, _) = written("json");
    for line in log.lines().chain(audit.lines()) {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn seed_d06_the_audit_log_is_private_and_can_be_moved() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("seed-d06-moved");
    let (path, moved) = (folder.0.join("audit"), folder.0.join("audit.1"));
    let server = Http::start(&["serve", "--audit-log", &path.display().to_string()]);
    let mode = std::fs::metadata(&path)
        .expect("the log")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::rename(&path, &moved).expect("moved");
    server.process.signal("HUP");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !path.exists() {
        assert!(std::time::Instant::now() < end, "never opened again");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.initialize();
    server.process.signal("TERM");
    server.process.end();
    let count = |path| {
        std::fs::read_to_string(path)
            .expect("a log")
            .lines()
            .count()
    };
    assert_eq!((count(&moved), count(&path)), (0, 1));
}
