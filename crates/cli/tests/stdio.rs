//! `wharf serve --stdio`, as a process.

mod support;

use serde_json::{Value, json};
use support::{Process, call, initialize, request, wharf};

fn parsed(line: &str) -> Value {
    let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
    assert_eq!(message["jsonrpc"], "2.0", "{line}");
    message
}

#[test]
fn a_session() {
    let mut server = Process::start(wharf(&["serve", "--stdio"]));
    server.send(&initialize());
    let opened = parsed(&server.line());
    assert_eq!(opened["result"]["protocolVersion"], "2025-11-25");
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    server.send(&request(1, "tools/list", json!({})));
    let tools = parsed(&server.line());
    assert_eq!(tools["result"]["tools"].as_array().map(Vec::len), Some(5));
    server.send(&call(2, "add", json!({"a": 1, "b": 2})));
    let sum = parsed(&server.line());
    assert_eq!(
        (&sum["id"], &sum["result"]["structuredContent"]),
        (&json!(2), &json!({"result": 3}))
    );
    let (code, stdout, stderr) = server.end();
    assert_eq!((code, stdout.len()), (Some(0), 0), "{stderr:?}");
    assert_eq!(stderr, [""; 0], "nothing to say, nothing said");
}

#[test]
fn standard_output_carries_messages_only() {
    for format in ["text", "json"] {
        let mut command = wharf(&["serve", "--stdio", "--log-format", format]);
        command.env("RUST_LOG", "trace");
        let mut server = Process::start(command);
        server.send(&initialize());
        server.send(&request(1, "no/such/method", json!({})));
        server.send(&json!("not a message"));
        server.send(&call(2, "no such tool", json!({})));
        server.send(&call(3, "echo", json!({"message": "line\nbreak"})));
        server.send(&request(4, "logging/setLevel", json!({"level": "debug"})));
        server.send(&call(5, "countdown", json!({"from": 2, "interval_ms": 1})));
        let (code, stdout, stderr) = server.end();
        assert_eq!(code, Some(0));
        assert!(stdout.len() >= 9, "{stdout:?}");
        for line in &stdout {
            parsed(line);
        }
        // The other half of the promise: it was logged, elsewhere.
        assert!(
            stderr.iter().any(|line| line.contains("tools/call")),
            "{format}: {stderr:?}"
        );
    }
}

#[test]
fn sigterm_ends_it_with_0_after_the_answer() {
    let mut server = Process::start(wharf(&["serve", "--stdio"]));
    server.send(&initialize());
    server.line();
    let params = json!({
        "name": "countdown", "arguments": {"from": 5, "interval_ms": 100},
        "_meta": {"progressToken": 1},
    });
    server.send(&request(1, "tools/call", params));
    while parsed(&server.line())["method"] != "notifications/progress" {}
    server.signal("TERM");
    let last = loop {
        let message = parsed(&server.line());
        if message["id"] == 1 {
            break message;
        }
    };
    assert_eq!(last["result"]["content"][0]["text"], "liftoff");
    assert_eq!(server.end().0, Some(0));
}
