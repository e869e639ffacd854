//! Errors, lifecycle, and what is checked about tools.

use serde_json::{Value, json};

use super::wire::{open, send, within};
use crate::support::{Http, Process, call, initialize, request, wharf};

/// A server on pipes, and what it answers.
struct Pipe(Process);

impl Pipe {
    fn start() -> Self {
        Self(Process::start(wharf(&["serve", "--stdio"])))
    }

    fn ask(&mut self, message: &Value) -> Value {
        self.0.send(message);
        serde_json::from_str(&self.0.line()).expect("JSON")
    }
}

#[test]
fn seed_d02_json_rpc_errors_are_strict() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let json = ("content-type", "application/json");
    let [id, version] = within(&session);
    let headers = [json, id, version];
    for (body, status, code, id) in [
        ("{", 400, -32700, None),
        ("\u{feff}{}", 400, -32700, None),
        ("nothing", 400, -32700, None),
        ("{}", 400, -32600, None),
        (
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            400,
            -32600,
            Some(1),
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            400,
            -32600,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"x"}"#,
            400,
            -32600,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
            400,
            -32600,
            Some(1),
        ),
        ("[]", 400, -32600, None),
        (
            r#"{"jsonrpc":"2.0","id":2,"method":"no/such"}"#,
            200,
            -32601,
            Some(2),
        ),
        (
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call"}"#,
            200,
            -32602,
            Some(3),
        ),
        (
            r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":[]}"#,
            200,
            -32602,
            Some(3),
        ),
        (
            r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"none"}}"#,
            200,
            -32602,
            Some(4),
        ),
        (
            r#"{"jsonrpc":"2.0","id":5,"method":"resources/read","params":{"uri":"no:such"}}"#,
            200,
            -32002,
            Some(5),
        ),
        (
            r#"{"jsonrpc":"2.0","id":6,"method":"prompts/get","params":{"name":"none"}}"#,
            200,
            -32602,
            Some(6),
        ),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":"x"}}"#,
            200,
            -32602,
            Some(7),
        ),
        (
            r#"{"jsonrpc":"2.0","id":8,"method":"logging/setLevel","params":{"level":"loud"}}"#,
            200,
            -32602,
            Some(8),
        ),
    ] {
        let answer = send(server.port(), "POST /mcp", &headers, body);
        let message = answer.json();
        assert_eq!(answer.status, status, "{body}: {message}");
        assert_eq!(message["error"]["code"], code, "{body}: {message}");
        assert_eq!(message["jsonrpc"], "2.0");
        assert!(message.get("result").is_none());
        if let Some(id) = id {
            assert_eq!(message["id"], id, "{body}: {message}");
        }
    }
    let text = send(
        server.port(),
        "POST /mcp",
        &[("content-type", "text/plain")],
        "{}",
    );
    assert_eq!(text.status, 415);
    let put = send(server.port(), "PUT /mcp", &[json], "{}");
    assert_eq!((put.status, put.header("allow").is_some()), (405, true));
}

#[test]
fn seed_d02_what_a_client_cannot_do_is_not_asked_of_it() {
    // The tool asks its user; in a session it says so, since 2026-07-28 the error has a code.
    let server = Http::start(&["serve"]);
    let session = open(&server);
    let answer = server
        .ask(&within(&session), &call(1, "greet_me", json!({})))
        .json();
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let why = answer["result"]["content"][0]["text"]
        .as_str()
        .expect("why");
    assert!(why.contains("elicitation"), "{why}");

    let mut modern = call(2, "greet_me", json!({}));
    modern["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "greet_me"),
    ];
    let answer = server.ask(&headers, &modern);
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (400, &json!(-32021))
    );
    assert!(
        answer.json()["error"]["data"]
            .to_string()
            .contains("elicitation"),
        "{}",
        answer.body
    );
}

#[test]
fn seed_d02_what_is_not_offered_is_an_unknown_method() {
    let server = Http::start(&["serve", "starter:"]);
    let session = open(&server);
    let answer = server.ask(
        &within(&session),
        &request(1, "sampling/createMessage", json!({})),
    );
    assert_eq!(answer.json()["error"]["code"], -32601, "{}", answer.body);
    let answer = server.ask(&within(&session), &request(2, "roots/list", json!({})));
    assert_eq!(answer.json()["error"]["code"], -32601, "{}", answer.body);
}

#[test]
fn seed_d02_a_session_has_a_beginning_and_an_end() {
    let server = Http::start(&["serve"]);
    let early = server.ask(&[], &request(1, "tools/list", json!({})));
    assert_eq!(early.status, 400, "{}", early.body);
    let opened = server.ask(&[], &initialize());
    let result = &opened.json()["result"];
    assert_eq!(result["protocolVersion"], "2025-11-25");
    for offered in ["tools", "resources", "prompts", "logging", "completions"] {
        assert!(result["capabilities"][offered].is_object(), "{result}");
    }
    let session = opened.header("mcp-session-id").expect("a session");
    let headers = within(&session);
    assert_eq!(
        server.ask(&headers, &request(2, "ping", json!({}))).json()["result"],
        json!({})
    );
    let again = server.ask(&headers, &initialize());
    assert_eq!(again.json()["error"]["code"], -32600, "{}", again.body);
    assert_eq!(send(server.port(), "DELETE /mcp", &headers, "").status, 204);
    assert_eq!(
        server.ask(&headers, &request(3, "ping", json!({}))).status,
        404
    );

    // The same on pipes, where the end is that of the input.
    let mut pipe = Pipe::start();
    let early = pipe.ask(&request(1, "tools/list", json!({})));
    assert_eq!(
        (&early["id"], &early["error"]["code"]),
        (&json!(1), &json!(-32602)),
        "{early}"
    );
    assert_eq!(
        pipe.ask(&initialize())["result"]["protocolVersion"],
        "2025-11-25"
    );
    assert_eq!(
        pipe.ask(&request(2, "ping", json!({})))["result"],
        json!({})
    );
    assert_eq!(pipe.0.end().0, Some(0));
}

#[test]
fn seed_d03_tools_say_what_they_do() {
    let server = Http::start(&["serve", "starter:"]);
    let session = open(&server);
    let tools = server
        .ask(&within(&session), &request(1, "tools/list", json!({})))
        .json();
    let tools = tools["result"]["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 5);
    for tool in tools {
        let about = &tool["annotations"];
        assert_eq!(about["readOnlyHint"], true, "{tool}");
        assert_eq!(about["openWorldHint"], false, "{tool}");
        assert!(
            tool["title"].is_string() && tool["description"].is_string(),
            "{tool}"
        );
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
    }
}

#[test]
fn seed_d03_input_is_checked_and_failures_are_results() {
    let server = Http::start(&["serve"]);
    let session = open(&server);
    for (tool, arguments, says) in [
        ("add", json!({"a": 1}), "b"),
        ("add", json!({"a": "one", "b": 2}), "a"),
        ("add", json!({"a": 1.5, "b": 2}), "a"),
        ("countdown", json!({"from": 0, "interval_ms": 1}), "from"),
        (
            "countdown",
            json!({"from": 1, "interval_ms": 60_001}),
            "interval_ms",
        ),
        ("echo", json!({"message": ["x"]}), "message"),
        // A failure of the tool itself.
        ("add", json!({"a": i64::MAX, "b": 1}), "64 bits"),
        ("calculate", json!({"expression": "1 / / 2"}), ""),
    ] {
        let answer = server
            .ask(&within(&session), &call(1, tool, arguments.clone()))
            .json();
        assert_eq!(
            answer["result"]["isError"], true,
            "{tool} {arguments}: {answer}"
        );
        let why = answer["result"]["content"][0]["text"]
            .as_str()
            .expect("why");
        assert!(why.contains(says), "{tool} {arguments}: {why}");
    }
    let good = server
        .ask(&within(&session), &call(2, "add", json!({"a": 1, "b": 2})))
        .json();
    assert_ne!(good["result"]["isError"], true, "{good}");
}
