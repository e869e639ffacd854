//! What others see of the dialect: nothing. And the two messages that are for everyone.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Session, address, by_query, message, official_params, send};
use crate::support::Http;

/// What an official client asks, one of each kind.
fn questions() -> Vec<(&'static str, Value)> {
    vec![
        ("ping", json!({})),
        ("tools/list", json!({})),
        ("tools/list", json!({ "limit": 1 })),
        ("resources/list", json!({ "limit": 1 })),
        ("resources/templates/list", json!({})),
        ("prompts/list", json!({ "limit": 1 })),
        ("resources/read", json!({ "uri": "wharf://about" })),
        ("resources/subscribe", json!({ "uri": "wharf://about" })),
        ("resources/unsubscribe", json!({ "uri": "wharf://about" })),
        (
            "prompts/get",
            json!({ "name": "review", "arguments": { "code": "1" } }),
        ),
        (
            "tools/call",
            json!({ "name": "add", "arguments": { "a": 1, "b": 2 } }),
        ),
        (
            "tools/call",
            json!({ "name": "echo", "arguments": { "message": "m" }, "taskId": "t" }),
        ),
        (
            "tools/call",
            json!({ "toolName": "echo", "arguments": { "message": "m" } }),
        ),
        ("tasks/get", json!({ "taskId": "t" })),
        ("tasks/cancel", json!({ "taskId": "t" })),
        (
            "tasks/list",
            json!({ "filter": { "status": "unheard of" } }),
        ),
        ("logging/setLevel", json!({ "level": "error" })),
        ("unheard/of", json!({})),
    ]
}

/// The members that the dialect adds, wherever they stand.
const ADDED: [&str; 8] = [
    "pong",
    "parameters",
    "returns",
    "messages",
    "result",
    "cancelled",
    "subscriptionId",
    "instructions",
];

#[test]
fn seed_a_dialect_is_seen_by_nobody_else() {
    let server = Http::start(&["serve"]);
    // Another server of the same kind that has never met a client of the dialect.
    let untouched = Http::start(&["serve"]);
    let described = Session::described(&server.url);
    described.ask("ping", json!({}));
    let call = json!({ "toolName": "countdown", "taskId": "t" });
    let mut call = call;
    call["arguments"] = json!({ "from": 1000, "interval_ms": 60_000 });
    described.ask("tools/call", call);

    let beside = Session::official(&server.url);
    let alone = Session::official(&untouched.url);
    assert_eq!(beside.opened, alone.opened);
    for (method, params) in questions() {
        let (said, answer) = beside.listen(method, params.clone());
        let (also_said, expected) = alone.listen(method, params.clone());
        assert_eq!(answer, expected, "{method} {params}");
        assert_eq!(said, also_said);
        let members: Vec<&str> = match answer["result"].as_object() {
            Some(result) => result.keys().map(String::as_str).collect(),
            None => continue,
        };
        let added: Vec<_> = members.iter().filter(|name| ADDED.contains(name)).collect();
        // A prompt's own messages are official.
        assert!(
            added.is_empty() || method == "prompts/get",
            "{method}: {added:?}"
        );
        for item in answer["result"]["tools"].as_array().into_iter().flatten() {
            assert!(item.get("parameters").is_none() && item.get("returns").is_none());
        }
        for item in answer["result"]["prompts"].as_array().into_iter().flatten() {
            assert!(item.get("messages").is_none());
        }
    }
    assert_eq!(beside.ask("ping", json!({})), json!({}));
    // `limit` is nothing to others: the list is whole.
    let tools = beside.ask("tools/list", json!({ "limit": 1 }));
    assert!(
        tools["tools"]
            .as_array()
            .is_some_and(|tools| tools.len() > 1)
    );
    let listed = beside.ask("tasks/list", json!({}));
    assert_eq!(listed["tasks"], json!([]), "tasks of another session");
}

#[test]
fn seed_a_dialect_needs_no_version_and_no_version_only() {
    let server = Http::start(&["serve"]);
    let to = address(&server.url);
    // What is there and wrong is refused as ever.
    for wrong in [json!(null), json!(1), json!({})] {
        let mut params = official_params();
        params["protocolVersion"] = wrong;
        let request = message(1, "initialize", params).to_string();
        let answer = send(to, "POST", "/mcp", &[], Some(&request)).json();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    // A version that we do not know opens an official session.
    let mut params = official_params();
    params["protocolVersion"] = json!("1999-01-01");
    let session = Session::open(&server.url, &[], params);
    assert_eq!(session.ask("ping", json!({})), json!({}));
    // A request of 2026-07-28 stands by itself, whatever session there is.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = json!({ "name": "echo", "arguments": { "message": "hi" }, "_meta": meta });
    let request = message(1, "tools/call", call).to_string();
    let headers = [
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "echo"),
    ];
    let answer = send(to, "POST", "/mcp", &headers, Some(&request)).json();
    assert!(answer["result"].get("result").is_none(), "{answer}");
    assert_eq!(answer["result"]["content"][0]["text"], "hi");
}

#[test]
fn seed_a_dialect_the_query_names_no_other_session() {
    let server = Http::start(&["serve"]);
    let described = Session::described(&server.url);
    let official = Session::official(&server.url);
    let to = described.to;
    // An official session, an unknown one and none are alike: the query does not count.
    let none = send(to, "GET", "/mcp", &[("Accept", "text/event-stream")], None);
    let (status, none) = (none.status, none.text());
    assert_eq!(status, 400);
    let twice = format!("{}&sessionId={}", described.id, described.id);
    for id in [
        &official.id,
        &"0".repeat(32),
        &"what".to_owned(),
        &String::new(),
        &twice,
    ] {
        let response = by_query(to, id);
        assert_eq!(
            (response.status, response.text()),
            (400, none.clone()),
            "{id}"
        );
        let target = format!("/mcp?sessionId={id}");
        let request = message(1, "ping", json!({})).to_string();
        let response = send(to, "POST", &target, &[], Some(&request));
        let plain = send(to, "POST", "/mcp", &[], Some(&request));
        assert_eq!(
            (response.status, response.text()),
            (plain.status, plain.text())
        );
        let ended = send(to, "DELETE", &target, &[], None);
        assert_eq!(ended.status, 400, "{id}");
        // And it is in nobody's way who opens a session.
        let request = message(1, "initialize", official_params()).to_string();
        let opened = send(to, "POST", &target, &[], Some(&request));
        assert!(opened.status == 200 && opened.header("mcp-session-id").is_some());
    }
    // A header that names another session counts, not the query.
    let headers = [("Mcp-Session-Id", official.id.as_str())];
    let target = format!("/mcp?sessionId={}", described.id);
    let request = message(1, "ping", json!({})).to_string();
    let pong = send(to, "POST", &target, &headers, Some(&request));
    assert_eq!(pong.json()["result"], json!({}));
    // Both sessions are as they were.
    assert_eq!(official.ask("ping", json!({})), json!({}));
    assert_eq!(described.ask("ping", json!({})), json!({ "pong": true }));
}

#[test]
fn seed_a_cancel_request_cancels_for_every_client() {
    let server = Http::start(&["serve"]);
    let to = address(&server.url);
    for session in [
        Session::described(&server.url),
        Session::official(&server.url),
    ] {
        let arguments = json!({ "from": 1000, "interval_ms": 60_000 });
        let call = json!({ "name": "countdown", "arguments": arguments });
        let request = message(77, "tools/call", call).to_string();
        let (headers, other) = (session.headers(), session.id.clone());
        std::thread::scope(|scope| {
            let calling = scope.spawn(|| {
                let response = send(to, "POST", "/mcp", &headers, Some(&request));
                // Nothing more comes than what was said before.
                let text = response.text();
                assert!(!text.contains(r#""id":77"#), "{other}: {text}");
            });
            // A cancellation that comes too early finds nothing.
            while !calling.is_finished() {
                session.tell("$/cancelRequest", json!({ "id": "77" }));
                session.tell("$/cancelRequest", json!({}));
                session.tell("$/cancelRequest", json!({ "id": 77 }));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
    }
}

#[test]
fn seed_a_progress_is_told_twice_to_who_asks_for_it() {
    let server = Http::start(&["serve"]);
    let call = json!({
        "name": "countdown", "arguments": { "from": 2, "interval_ms": 0 },
        "_meta": { "progressToken": 5 },
    });
    let methods = |capabilities: Value| {
        let mut params = official_params();
        params["capabilities"] = capabilities;
        let session = Session::open(&server.url, &[], params);
        let (said, _) = session.listen("tools/call", call.clone());
        let said = said
            .into_iter()
            .filter(|message| message["method"] != "notifications/message");
        said.collect::<Vec<Value>>()
    };
    let twice = methods(json!({ "experimental": { "$/progress": {} } }));
    let names: Vec<_> = twice
        .iter()
        .map(|message| message["method"].clone())
        .collect();
    let (official, also) = ("notifications/progress", "$/progress");
    assert_eq!(names, [official, also, official, also]);
    assert_eq!(
        twice[1]["params"],
        json!({ "token": 5, "value": { "progress": 1.0, "total": 2.0, "message": "2…" } })
    );
    for others in [
        json!({}),
        json!({ "experimental": { "$/progress": false } }),
    ] {
        let names: Vec<_> = methods(others)
            .iter()
            .map(|one| one["method"].clone())
            .collect();
        assert_eq!(names, [official, official]);
    }
}
