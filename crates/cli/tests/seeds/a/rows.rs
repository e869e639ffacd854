//! The table, row by row.

use serde_json::{Value, json};
use wharf::{Context, Lists, NoArguments, Resource, Server, Tool};

use super::client::{Session, address, message, send};
use crate::support::served::Served;
use crate::support::{Http, run, wharf};

#[test]
fn seed_a01_one_endpoint() {
    let (code, help, _) = run(wharf(&["serve", "--help"]));
    assert_eq!(code, 0);
    assert!(
        help.contains("127.0.0.1:8000") && help.contains("/mcp"),
        "{help}"
    );
    let server = Http::start(&["serve"]);
    assert!(server.url.ends_with("/mcp"), "{}", server.url);
    // POST for requests, GET for the stream, at the same path.
    for session in [
        Session::described(&server.url),
        Session::official(&server.url),
    ] {
        assert!(session.ask("tools/list", json!({}))["tools"].is_array());
        drop(session.stream());
    }
    let put = send(address(&server.url), "PUT", "/mcp", &[], Some("{}"));
    assert_eq!(put.status, 405);
    let elsewhere = send(address(&server.url), "POST", "/other", &[], Some("{}"));
    assert_eq!(elsewhere.status, 404);
}

#[test]
fn seed_a03_tools_at_once_and_later() {
    let server = Http::start(&["serve"]);
    // The specification's tasks of 2025-11-25.
    let session = Session::official(&server.url);
    let mut stream = session.stream();
    let arguments = json!({ "from": 2, "interval_ms": 50 });
    let call = json!({ "name": "countdown", "arguments": arguments });
    let sync = session.ask("tools/call", call.clone());
    assert_eq!(sync["content"][0]["text"], "liftoff");
    let mut later = call.clone();
    later["task"] = json!({});
    let task = session.ask("tools/call", later)["task"].take();
    assert_eq!(task["status"], "working");
    let id = json!({ "taskId": task["taskId"] });
    loop {
        let told = stream.notice("notifications/tasks/status");
        assert_eq!(told["params"]["taskId"], task["taskId"]);
        if told["params"]["status"] == "completed" {
            break;
        }
    }
    let done = session.ask("tasks/result", id);
    assert_eq!(done["content"][0]["text"], "liftoff");

    // The extension of 2026-07-28.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
            "extensions": { "io.modelcontextprotocol/tasks": {} },
        },
    });
    let modern = |method: &str, name: &str, mut params: Value| {
        params["_meta"] = meta.clone();
        let headers = [
            ("Accept", "application/json, text/event-stream"),
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", method),
            ("Mcp-Name", name),
        ];
        let request = message(1, method, params).to_string();
        let answer = send(session.to, "POST", "/mcp", &headers, Some(&request)).json();
        answer["result"].clone()
    };
    let task = modern("tools/call", "countdown", call);
    assert_eq!(task["resultType"], "task", "{task}");
    let id = task["taskId"].as_str().expect("an id");
    for _ in 0..600 {
        let task = modern("tasks/get", id, json!({ "taskId": id }));
        if task["status"] == "completed" {
            assert_eq!(task["result"]["content"][0]["text"], "liftoff");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the task never ends");
}

#[test]
fn seed_a05_examples() {
    let server = Http::start(&["serve"]);
    for session in [
        Session::described(&server.url),
        Session::official(&server.url),
    ] {
        for (method, member) in [
            ("tools/list", "tools"),
            ("resources/list", "resources"),
            ("prompts/list", "prompts"),
        ] {
            let listed = session.ask(method, json!({}));
            let count = listed[member].as_array().map_or(0, Vec::len);
            assert!(count >= 2, "{method}: {count}");
        }
    }
    let session = Session::official(&server.url);
    let sum = json!({ "name": "calculate", "arguments": { "expression": "2 ^ 10 - 1" } });
    let sum = session.ask("tools/call", sum);
    assert_eq!(sum["content"][0]["text"], "1023");
}

#[test]
fn seed_a07_a_registry_at_run_time() {
    let offered = Lists::ALL;
    let server = Server::new("registry")
        .offer(offered)
        .interpreter(wharf_ready::Dialect::default());
    let catalog = server.catalog().clone();
    let served = Served::start(server);
    let sessions = [
        Session::described(&served.url),
        Session::official(&served.url),
    ];
    let mut streams: Vec<_> = sessions.iter().map(Session::stream).collect();
    for session in &sessions {
        assert_eq!(session.ask("tools/list", json!({}))["tools"], json!([]));
    }
    catalog
        .update(|catalog| {
            catalog
                .add_tool(Tool::new("now").handler(|_: NoArguments, _: Context| async { "later" }));
            catalog.add_resource(Resource::text("board://news", "nothing new"));
        })
        .expect("an update");
    for (session, stream) in sessions.iter().zip(&mut streams) {
        let mut told = [stream.message(), stream.message()].map(|told| told["method"].clone());
        told.sort_by_key(Value::to_string);
        let expected =
            ["resources", "tools"].map(|list| format!("notifications/{list}/list_changed"));
        assert_eq!(told, expected.map(Value::from));
        assert_eq!(
            session.ask("tools/list", json!({}))["tools"][0]["name"],
            "now"
        );
    }
}

#[test]
fn seed_a08_sessions_errors_and_logs() {
    let server = Http::start(&["serve"]);
    let to = address(&server.url);
    let (one, two) = (
        Session::described(&server.url),
        Session::described(&server.url),
    );
    assert_ne!(one.id, two.id);
    // What one has, the other has not.
    let arguments = json!({ "from": 1000, "interval_ms": 60_000 });
    one.ask(
        "tools/call",
        json!({ "toolName": "countdown", "arguments": arguments, "taskId": "mine" }),
    );
    assert_eq!(
        two.refused("tasks/get", json!({ "taskId": "mine" })),
        -32602
    );
    assert_eq!(
        two.refused("tasks/cancel", json!({ "taskId": "mine" })),
        -32602
    );
    assert_eq!(two.ask("tasks/list", json!({})), json!({ "tasks": [] }));
    assert_eq!(
        one.ask("tasks/get", json!({ "taskId": "mine" }))["status"],
        "working"
    );

    // Errors are JSON-RPC's.
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
    ] {
        let answer = send(to, "POST", "/mcp", &one.headers(), Some(body));
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["error"]["code"], code, "{body}");
    }
    assert_eq!(one.refused("unheard/of", json!({})), -32601);
    let unknown = [("Mcp-Session-Id", "00000000000000000000000000000000")];
    let request = message(1, "ping", json!({})).to_string();
    let answer = send(to, "POST", "/mcp", &unknown, Some(&request));
    assert_eq!(answer.status, 404);
    let missing = send(to, "POST", "/mcp", &[], Some(&request));
    assert_eq!(missing.status, 400);
    // The session ends with everything in it.
    let ended = send(to, "DELETE", "/mcp", &one.headers(), None);
    assert_eq!(ended.status, 204);
    let gone = send(to, "POST", "/mcp", &one.headers(), Some(&request));
    assert_eq!(gone.status, 404);

    // The log is there by default, and says nothing that clients keep to themselves.
    let said = json!({ "toolName": "echo", "arguments": { "message": "xyzzy-message" } });
    two.ask("tools/call", said);
    server.process.signal("TERM");
    let (_, _, log) = server.process.end();
    let log = log.join("\n");
    for secret in ["xyzzy", &one.id, &two.id] {
        assert!(!log.contains(secret), "{log}");
    }
}
