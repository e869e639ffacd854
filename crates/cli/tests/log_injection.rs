//! SECURITY: what a client sends cannot write into the log, nor into the terminal that shows it.

mod support;

use serde_json::{Value, json};
use support::{Process, call, initialize, wharf};

const TITLE: &str = "\u{1b}]0;owned\u{7}\u{9b}2J\u{202e}";
const LINE: &str =
    "x\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\n2026-01-01T00:00:00Z ERROR forged";

/// What is logged when names, ids and reasons are hostile.
fn logged(format: &str) -> Vec<String> {
    let mut command = wharf(&["serve", "--stdio", "--log-format", format]);
    command.env("RUST_LOG", "trace");
    let mut server = Process::start(command);
    server.send(&initialize());
    for (id, evil) in [(1, TITLE), (2, LINE)] {
        server.send(&call(id, evil, json!({})));
        server.send(&support::request(id + 10, evil, json!({})));
        server.send(&json!({"jsonrpc": "2.0", "method": evil}));
        server.send(&json!({"jsonrpc": "2.0", "id": evil, "method": "ping"}));
        server.send(&json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": evil, "reason": evil},
        }));
    }
    let (code, _, stderr) = server.end();
    assert_eq!(code, Some(0));
    assert!(
        stderr.iter().any(|line| line.contains("owned")),
        "{stderr:?}"
    );
    assert!(
        stderr.iter().any(|line| line.contains("forged")),
        "{stderr:?}"
    );
    for line in &stderr {
        let evil = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!line.contains(evil), "{line:?}");
    }
    stderr
}

#[test]
fn in_text() {
    for line in logged("text") {
        // Every line is one that we began: a time stamp of now, and never one of theirs.
        assert!(
            line.starts_with("20") && !line.starts_with("2026-01-01T00:00:00Z"),
            "{line}"
        );
        assert_eq!(line.as_bytes()[10], b'T', "{line}");
    }
}

#[test]
fn in_json() {
    for line in logged("json") {
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
        assert!(event["timestamp"].is_string(), "{line}");
        assert_ne!(event["message"], "forged", "{line}");
        assert_ne!(event["level"], "ERROR", "{line}");
    }
}
