//! `wharf serve` over HTTP, as a process.

mod support;

use std::io::Read as _;

use serde_json::json;
use support::{Answer, Http, call, request, run, wharf};

#[test]
fn a_session() {
    let server = Http::start(&["serve"]);
    let session = server.initialize();
    let headers = [
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let tools = server.ask(&headers, &request(1, "tools/list", json!({})));
    let tools = &tools.json()["result"]["tools"];
    assert_eq!(tools.as_array().map(Vec::len), Some(5));
    assert_eq!(tools[1]["name"], "add");

    let sum = server.ask(&headers, &call(2, "add", json!({"a": 20, "b": 22})));
    let sum = sum.json();
    assert_eq!(sum["id"], 2);
    assert_eq!(sum["result"]["structuredContent"], json!({"result": 42}));
}

#[test]
fn without_a_session() {
    let server = Http::start(&["serve"]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({
        "name": "calculate", "arguments": {"expression": "2 * (3 + 4)"}, "_meta": meta,
    });
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "calculate"),
    ];
    let answer = server.ask(&headers, &request(1, "tools/call", params));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["result"]["content"][0]["text"], "14");
}

#[test]
fn only_those_who_are_allowed() {
    let server = Http::start(&[
        "serve",
        "--allow-host",
        "mcp.example.com",
        "--allow-origin",
        "https://app.example.com",
    ]);
    let ping = support::initialize();
    for (header, value, status) in [
        ("origin", "https://app.example.com", 200),
        ("origin", "https://evil.example", 403),
    ] {
        let answer = server.ask(&[(header, value)], &ping);
        assert_eq!(answer.status, status, "{header}: {value}");
    }
    let (code, _, stderr) = run(wharf(&["serve", "--allow-host", ""]));
    assert_eq!(code, 1, "{stderr}");
}

#[test]
fn signals_end_it_with_0() {
    for signal in ["TERM", "INT"] {
        let server = Http::start(&["serve"]);
        // At once: the start line is a promise that signals are listened to.
        server.process.signal(signal);
        let (code, stdout, stderr) = server.process.end();
        assert_eq!(code, Some(0), "{signal}: {stderr:?}");
        assert!(stdout.is_empty(), "{stdout:?}");
    }
}

#[test]
fn a_call_under_way_is_answered_after_sigterm() {
    let server = Http::start(&["serve"]);
    let session = server.initialize();
    let headers = [("mcp-session-id", session.as_str())];
    let params = json!({
        "name": "countdown", "arguments": {"from": 8, "interval_ms": 100},
        "_meta": {"progressToken": "p"},
    });
    let mut stream = server.post(&headers, &request(7, "tools/call", params));
    // Its first progress shows that it is counting.
    let mut begun = String::new();
    while !begun.contains(r#""progress":1"#) {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).expect("bytes");
        assert_ne!(count, 0, "{begun}");
        begun.push_str(std::str::from_utf8(&bytes[..count]).expect("UTF-8"));
    }
    assert!(!begun.contains("liftoff"), "{begun}");
    server.process.signal("TERM");

    let mut rest = String::new();
    stream.read_to_string(&mut rest).expect("the rest");
    assert!(rest.contains(r#""progress":8"#), "{rest}");
    assert!(
        rest.contains("liftoff") && rest.contains(r#""id":7"#),
        "{rest}"
    );
    let (code, _, stderr) = server.process.end();
    assert_eq!(code, Some(0), "{stderr:?}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let server = Http::start(&["serve"]);
    let session = server.initialize();
    let headers = [("mcp-session-id", session.as_str())];
    let countdown = call(1, "countdown", json!({"from": 1, "interval_ms": 60_000}));
    let _stream = server.post(&headers, &countdown);
    let begun = std::time::Instant::now();
    server.process.signal("INT");
    server.process.error_with("stopping");
    server.process.signal("INT");
    assert_eq!(server.process.end().0, Some(0));
    assert!(begun.elapsed().as_secs() < 8, "it waited for the call");
}

#[test]
fn a_foreign_path_and_host_are_refused_in_json() {
    let server = Http::start(&["serve"]);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port())).expect("connected");
    let head = "POST /mcp HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("sent");
    let answer = Answer::read(stream);
    assert_eq!(answer.status, 421);
    let error = answer.json()["error"]["message"].to_string();
    assert!(error.contains("--allow-host"), "{error}");
}

/// The status of a GET.
fn get(server: &Http, path: &str) -> u16 {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.port())).expect("connected");
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("sent");
    let mut line = String::new();
    let mut reader = std::io::BufReader::new(stream);
    std::io::BufRead::read_line(&mut reader, &mut line).expect("a status line");
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status: {line}"))
}

#[test]
fn the_other_transports_can_be_left_out() {
    // 426: this is where a WebSocket handshake belongs.
    let server = Http::start(&["serve"]);
    assert_eq!((get(&server, "/sse"), get(&server, "/ws")), (200, 426));
    let server = Http::start(&["serve", "--no-sse"]);
    assert_eq!((get(&server, "/sse"), get(&server, "/ws")), (404, 426));
    let server = Http::start(&["serve", "--no-ws"]);
    assert_eq!((get(&server, "/sse"), get(&server, "/ws")), (200, 404));
    let (code, _, stderr) = run(wharf(&["serve", "--stdio", "--no-ws"]));
    assert_eq!(code, 1, "{stderr}");
}

#[test]
fn sessions_and_tasks_that_outlive_the_process() {
    let folder = std::env::temp_dir().join(format!("wharf-cli-state-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let state = format!("sqlite:{}", folder.join("state.db").display());
    let arguments = ["serve", "--state", state.as_str()];
    let first = Http::start(&arguments);
    let session = first.initialize();
    let headers = [
        ("mcp-session-id", session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    let mut countdown = call(1, "countdown", json!({"from": 3, "interval_ms": 100}));
    countdown["params"]["task"] = json!({});
    let task = first.ask(&headers, &countdown).json()["result"]["task"].clone();
    assert_eq!(task["status"], "working");
    first.process.signal("KILL");

    // The system gives the lock back with the end of the process, for which this one waits.
    let second = Http::start(&arguments);
    let sum = second.ask(&headers, &call(2, "add", json!({"a": 20, "b": 22})));
    assert_eq!(sum.status, 200, "{}", sum.body);
    let id = json!({"taskId": task["taskId"]});
    let done = second.ask(&headers, &request(3, "tasks/result", id));
    assert!(done.body.contains("liftoff"), "{}", done.body);

    let (code, _, stderr) = run(wharf(&[
        "serve",
        "--addr",
        "127.0.0.1:0",
        "--state",
        &state,
    ]));
    assert_eq!(code, 1);
    assert!(stderr.contains("in use by another process"), "{stderr}");
    drop(second);
    std::fs::remove_dir_all(&folder).expect("a folder of ours");
}
