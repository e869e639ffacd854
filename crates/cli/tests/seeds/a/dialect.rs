//! The dialect, method by method, but for tasks and sampling.

use serde_json::{Value, json};
use wharf::{Resource, Server};

use super::client::{Session, address, by_query, message, send};
use crate::support::Http;
use crate::support::served::Served;

#[test]
fn seed_a_dialect_initialize() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let opened = &session.opened;
    assert_eq!(opened["protocolVersion"], "2025-11-25");
    assert!(
        opened["instructions"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert!(opened["capabilities"]["tools"].is_object());
    assert!(opened["serverInfo"]["name"].is_string());
    // Without waiting for a notification that the description does not know.
    assert_eq!(session.ask("ping", json!({})), json!({ "pong": true }));

    // Both members may be missing; what is no object is refused.
    for params in [json!({}), json!({ "clientInfo": { "name": "c" } })] {
        Session::open(&server.url, &[], params);
    }
    for params in [json!({ "clientInfo": "c" }), json!({ "capabilities": [] })] {
        let request = message(1, "initialize", params.clone()).to_string();
        let response = send(address(&server.url), "POST", "/mcp", &[], Some(&request));
        assert!(response.header("mcp-session-id").is_none());
        assert_eq!(response.json()["error"]["code"], -32602, "{params}");
    }
    // The session is open: once is enough.
    assert_eq!(session.refused("initialize", json!({})), -32600);
}

#[test]
fn seed_a_dialect_initialize_always_has_instructions() {
    let silent = Served::start(Server::new("silent").interpreter(wharf_ready::Dialect::default()));
    let session = Session::described(&silent.url);
    assert_eq!(session.opened["instructions"], "");
}

#[test]
fn seed_a_dialect_ping() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    for params in [json!({}), json!({ "_meta": { "trace": "1" } })] {
        assert_eq!(session.ask("ping", params), json!({ "pong": true }));
    }
    let (_, response) = session.post("ping", json!([1]));
    assert_eq!(response.json()["error"]["code"], -32602);
}

/// All items of a list, `limit` at a time.
fn pages(session: &Session, method: &str, member: &str, limit: u64) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), Value::Null);
    for _ in 0..100 {
        let mut params = json!({ "limit": limit });
        if cursor.is_string() {
            params["cursor"] = cursor;
        }
        let mut page = session.ask(method, params);
        let items = page[member].as_array().expect("a list").clone();
        assert!(!items.is_empty() && items.len() as u64 <= limit, "{page}");
        all.extend(items);
        cursor = page["nextCursor"].take();
        if cursor.is_null() {
            return all;
        }
    }
    panic!("{method} never ends");
}

#[test]
fn seed_a_dialect_tools_list() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let tools = session.ask("tools/list", json!({}))["tools"].take();
    let tools = tools.as_array().expect("a list");
    assert!(tools.len() >= 2);
    for tool in tools {
        assert_eq!(tool["parameters"], tool["inputSchema"]);
        let returns = &tool["returns"];
        match tool.get("outputSchema") {
            Some(schema) => assert_eq!(returns, schema),
            None => assert_eq!(returns, &json!({ "type": "string" })),
        }
    }
    assert!(tools.iter().any(|tool| tool.get("outputSchema").is_some()));
    for limit in [1, 2, 1000] {
        assert_eq!(&pages(&session, "tools/list", "tools", limit), tools);
    }
    for (wrong, why) in [
        (json!({ "limit": 0 }), "limit"),
        (json!({ "limit": -1 }), "limit"),
        (json!({ "limit": "2" }), "limit"),
        (json!({ "cursor": "what" }), "cursor"),
        (json!({ "cursor": "01." }), "cursor"),
        (json!({ "cursor": "0.what" }), "cursor"),
        (json!({ "cursor": 1 }), "cursor"),
    ] {
        assert_eq!(session.refused("tools/list", wrong), -32602, "{why}");
    }
    // From behind the end.
    let empty = session.ask("tools/list", json!({ "cursor": "99999." }));
    assert_eq!(empty, json!({ "tools": [] }));
}

#[test]
fn seed_a_dialect_resources_list() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let listed = session.ask("resources/list", json!({}))["resources"].take();
    let listed = listed.as_array().expect("a list");
    assert!(listed.len() >= 2);
    assert_eq!(&pages(&session, "resources/list", "resources", 1), listed);
    for resource in listed {
        let read = session.ask("resources/read", json!({ "uri": resource["uri"] }));
        assert_eq!(read["contents"][0]["uri"], resource["uri"]);
    }
    let templates = pages(&session, "resources/templates/list", "resourceTemplates", 1);
    assert!(templates[0]["uriTemplate"].is_string());
    let unknown = json!({ "uri": "wharf://nothing" });
    assert_eq!(session.refused("resources/read", unknown), -32002);
}

#[test]
fn seed_a_dialect_prompts_list() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let prompts = session.ask("prompts/list", json!({}))["prompts"].take();
    let prompts = prompts.as_array().expect("a list");
    assert!(prompts.len() >= 2);
    for prompt in prompts {
        let first = &prompt["messages"][0];
        assert_eq!(first["role"], "user");
        // These need arguments, and are shown as what they are for.
        let text = first["content"]["text"].as_str().expect("text");
        assert!(text.starts_with(prompt["description"].as_str().expect("text")));
        let name = prompt["arguments"][0]["name"].as_str().expect("a name");
        assert!(text.contains(&format!("{{{name}}}")), "{text}");
    }
    assert_eq!(&pages(&session, "prompts/list", "prompts", 1), prompts);
    let params = json!({ "name": "review", "arguments": { "code": "1 + 1" } });
    let got = session.ask("prompts/get", params);
    let text = got["messages"][0]["content"]["text"].as_str();
    assert!(text.is_some_and(|text| text.contains("1 + 1")));
}

#[test]
fn seed_a_dialect_tools_call() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let sum = json!({ "toolName": "add", "arguments": { "a": 20, "b": 22 } });
    let sum = session.ask("tools/call", sum);
    assert_eq!(sum["result"], json!({ "result": 42 }));
    assert_eq!(sum["structuredContent"], sum["result"]);
    assert_eq!(sum["content"][0]["type"], "text");

    let said = json!({ "toolName": "calculate", "arguments": { "expression": "2 * (3 + 4)" } });
    let said = session.ask("tools/call", said);
    assert_eq!(said["result"], "14");
    assert_eq!(said["content"][0]["text"], "14");

    // The official name is good too, but not two different ones.
    let echo = json!({ "name": "echo", "arguments": { "message": "hi" } });
    assert_eq!(session.ask("tools/call", echo)["result"], "hi");
    let both = json!({ "name": "echo", "toolName": "add", "arguments": {} });
    assert_eq!(session.refused("tools/call", both), -32602);
    for wrong in [
        json!({}),
        json!({ "toolName": 1 }),
        json!({ "toolName": "nothing" }),
        json!({ "toolName": "add", "taskId": 1 }),
        json!({ "toolName": "add", "taskId": "" }),
        json!({ "toolName": "add", "taskId": "x".repeat(257) }),
    ] {
        assert_eq!(
            session.refused("tools/call", wrong.clone()),
            -32602,
            "{wrong}"
        );
    }
    // What does not fit the tool's schema is the tool's answer.
    let wrong = json!({ "toolName": "add", "arguments": { "a": "x" } });
    let wrong = session.ask("tools/call", wrong);
    assert_eq!(wrong["isError"], true);
    assert!(wrong["result"].is_string());
}

#[test]
fn seed_a_dialect_resources_subscribe() {
    let server = Server::new("board")
        .resource(Resource::text("board://news", "nothing new"))
        .interpreter(wharf_ready::Dialect::default());
    let catalog = server.catalog().clone();
    let served = Served::start(server);
    let session = Session::described(&served.url);
    let mut stream = session.stream_by_query();
    let news = json!({ "uri": "board://news" });
    let id = session.ask("resources/subscribe", news.clone())["subscriptionId"].take();
    assert!(id.is_string());
    // Once or not at all.
    let again = session.ask("resources/subscribe", news.clone());
    assert_eq!(again["subscriptionId"], id);
    catalog.notify_resource_updated("board://news");
    let told = stream.notice("notifications/resources/updated");
    assert_eq!(told["params"], news);

    assert_eq!(
        session.ask("resources/unsubscribe", json!({ "subscriptionId": id })),
        json!({})
    );
    catalog.notify_resource_updated("board://news");
    // What comes next is not an update.
    let call = json!({ "toolName": "none", "taskId": "t" });
    assert_eq!(session.refused("tools/call", call), -32602);
    session.ask("resources/subscribe", news);
    catalog.notify_resource_updated("board://news");
    stream.notice("notifications/resources/updated");

    for wrong in [json!({}), json!({ "uri": 1 })] {
        assert_eq!(session.refused("resources/subscribe", wrong), -32602);
    }
    let unknown = json!({ "uri": "board://other" });
    assert_eq!(session.refused("resources/subscribe", unknown), -32002);
    let unknown = json!({ "subscriptionId": "what" });
    assert_eq!(session.refused("resources/unsubscribe", unknown), -32602);
}

#[test]
fn seed_a_dialect_get_stream() {
    let server = Http::start(&["serve"]);
    let session = Session::described(&server.url);
    let task = |id: &str| {
        let arguments = json!({ "message": "hi" });
        session.ask(
            "tools/call",
            json!({ "toolName": "echo", "arguments": arguments, "taskId": id }),
        );
    };
    for (id, mut stream) in [("1", session.stream()), ("2", session.stream_by_query())] {
        // A new stream takes the place of the one before: open it late enough.
        drop(stream);
        stream = if id == "1" {
            session.stream()
        } else {
            session.stream_by_query()
        };
        task(id);
        let event = stream.next().expect("an event");
        assert_eq!(event.name, "message");
        let message: Value = serde_json::from_str(&event.data).expect("JSON");
        assert_eq!(message["method"], "notifications/tasks/status");
        assert_eq!(message["params"]["taskId"], id);
    }
    // A POST may name its session in the query too.
    let request = message(1, "ping", json!({})).to_string();
    let target = format!("/mcp?x=1&sessionId={}", session.id);
    let pong = send(session.to, "POST", &target, &[], Some(&request));
    assert_eq!(pong.json()["result"], json!({ "pong": true }));
    // And it can be ended by either.
    let ended = send(session.to, "DELETE", &target, &[], None);
    assert_eq!(ended.status, 204);
    assert_eq!(by_query(session.to, &session.id).status, 400);
}

#[test]
fn seed_a_dialect_sessions_survive_a_restart() {
    let folder = crate::support::Folder::new("seed-a-restart");
    let state = format!("sqlite:{}", folder.0.join("state.db").display());
    let arguments = ["serve", "--state", state.as_str()];
    let first = Http::start(&arguments);
    let mut described = Session::described(&first.url);
    let mut official = Session::official(&first.url);
    first.process.signal("KILL");
    drop(first);

    let second = Http::start(&arguments);
    described.to = address(&second.url);
    official.to = described.to;
    // Tasks of the dialect are in memory only, and unknown is what they are.
    assert_eq!(
        described.refused("tasks/get", json!({ "taskId": "t" })),
        -32602
    );
    assert_eq!(described.ask("ping", json!({})), json!({ "pong": true }));
    assert_eq!(official.ask("ping", json!({})), json!({}));
    assert_eq!(by_query(described.to, &described.id).status, 200);
    assert_eq!(by_query(official.to, &official.id).status, 400);
}

#[test]
fn seed_a_dialect_over_a_line() {
    let mut server = crate::support::Process::start(crate::support::wharf(&["serve", "--stdio"]));
    server.send(&message(
        1,
        "initialize",
        json!({ "clientInfo": { "name": "c" } }),
    ));
    let opened: Value = serde_json::from_str(&server.line()).expect("JSON");
    assert_eq!(opened["result"]["protocolVersion"], "2025-11-25");
    server.send(&message(2, "ping", json!({})));
    let pong: Value = serde_json::from_str(&server.line()).expect("JSON");
    assert_eq!(pong["result"], json!({ "pong": true }));
    let call = json!({ "toolName": "echo", "arguments": { "message": "hi" }, "taskId": "t" });
    server.send(&message(3, "tools/call", call));
    let mut statuses = Vec::new();
    let mut answered = false;
    while statuses.len() < 2 || !answered {
        let message: Value = serde_json::from_str(&server.line()).expect("JSON");
        if message["id"] == 3 {
            assert_eq!(message["result"]["taskId"], "t");
            answered = true;
        } else {
            assert_eq!(message["method"], "notifications/tasks/status");
            statuses.push(message["params"]["status"].clone());
        }
    }
    assert_eq!(statuses, ["working", "completed"]);
}
